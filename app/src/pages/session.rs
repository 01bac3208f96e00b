//! `/sessions/{id}`: a session's waves in order, each with its subtasks.

use std::time::Duration;

use leptos::{prelude::*, task::spawn_local};
use leptos_meta::Title;
use leptos_router::hooks::{use_params_map, use_query_map};

use super::{wave::WaveSection, wave_actions::TransitionButton};
use crate::{
    board::{Board, Need},
    components::{ProblemView, TimeTag, Waiting, WaveStrip},
    format::grouped,
    live::{Heard, Refresher, follow},
    server_fns::{batch_rows, session_detail, session_view},
    views::SessionView,
};

/// How often the session's numbers are read afresh at most.
const PAUSE: Duration = Duration::from_millis(500);
/// How often a reading is repeated because events went past it.
const TRIES: u32 = 5;

/// One session.
#[component]
pub fn SessionPage() -> impl IntoView {
    let (params, query) = (use_params_map(), use_query_map());
    // See `paths::session` for the ids that travel in the query.
    let id = Memo::new(move |_| {
        query.read().get("id").or_else(|| params.read().get("id")).unwrap_or_default()
    });
    let session = Resource::new(move || id.get(), session_view);
    view! {
        <Transition fallback=|| view! { <Waiting/> }>
            {move || Suspend::new(async move {
                match session.await {
                    Ok(view) => view! { <Session view/> }.into_any(),
                    Err(error) => view! { <ProblemView error/> }.into_any(),
                }
            })}
        </Transition>
    }
}

#[component]
fn Session(view: SessionView) -> impl IntoView {
    let board = Board::new(&view);
    stay_live(&board, view.detail.seq);
    let detail = view.detail;
    let totals = {
        let board = board.clone();
        Memo::new(move |_| {
            board.waves().iter().fold((0_i64, 0_i64, 0_i64), |(total, completed, failed), state| {
                let tally = state.tally.get();
                (
                    total + i64::from(tally.total),
                    completed + i64::from(tally.completed),
                    failed + i64::from(tally.failed),
                )
            })
        })
    };
    let briefs = {
        let board = board.clone();
        Memo::new(move |_| {
            board.waves().iter().map(crate::board::WaveState::brief).collect::<Vec<_>>()
        })
    };
    let sections = {
        let board = board.clone();
        move |state| view! { <WaveSection board=board.clone() state/> }
    };
    let (waves, none) = (board.clone(), board.clone());
    view! {
        <Title text=detail.session_id.clone()/>
        <div class="page-head">
            <div class="page-title">
                <p class="crumb"><a href="/">"Sessions"</a></p>
                <h1><bdi>{detail.session_id.clone()}</bdi></h1>
            </div>
            <TransitionButton board=board.clone()/>
        </div>
        <dl class="facts">
            <div><dt>"Subtasks"</dt><dd class="num" data-testid="total">{move || grouped(totals.get().0)}</dd></div>
            <div><dt>"Completed"</dt><dd class="num" data-testid="completed">{move || grouped(totals.get().1)}</dd></div>
            <div class:is-failed=move || { totals.get().2 > 0 }>
                <dt>"Failed"</dt><dd class="num" data-testid="failed">{move || grouped(totals.get().2)}</dd>
            </div>
            <div><dt>"Started"</dt><dd class="num"><TimeTag at=Signal::stored(detail.created_at)/></dd></div>
        </dl>
        <WaveStrip waves=briefs/>
        <Show when=move || none.waves().is_empty()>
            <p class="empty">"No wave yet. Submit a batch to this session, and its wave appears here."</p>
        </Show>
        <ol class="waves" data-testid="waves">
            <For each=move || waves.waves() key=|state| state.number children=sections/>
        </ol>
    }
}

/// Moves the board with the session's events, and reads what they leave to be read.
fn stay_live(board: &Board, since: i64) {
    let channel = format!("sessions/{}", board.session_id);
    let board = board.clone();
    Effect::new(move |_| {
        let refresher = Refresher::new(PAUSE, {
            let board = board.clone();
            move || read_detail(board.clone())
        });
        let board = board.clone();
        follow(channel.clone(), Some(since), move |heard| {
            let Heard::Event(event) = heard else { return };
            match board.apply(event) {
                Some(Need::Detail) => refresher.ask(),
                Some(Need::Batch(id, total)) => {
                    let (board, refresher) = (board.clone(), refresher.clone());
                    spawn_local(async move {
                        if let Ok(rows) = batch_rows(id).await {
                            let all = usize::try_from(total).is_ok_and(|total| rows.len() >= total);
                            board.add_batch_rows(&rows, all);
                        }
                        refresher.ask();
                    });
                }
                None => {}
            }
        });
    });
}

async fn read_detail(board: Board) {
    for _ in 0..TRIES {
        match session_detail(board.session_id.clone()).await {
            Ok(detail) if !board.merge(&detail) => {}
            // When it fails, the badge says that the page is stale.
            _ => return,
        }
    }
}
