//! `/sessions/{id}`: one session in four views that share the drawer, the filters and the address.

mod actions;
mod attention;
mod budget;
mod density;
mod drawer;
mod files;
mod graph;
mod held;
mod loader;
mod place;
mod timeline;
mod watch;
mod wave;

use std::time::Duration;

use domain::wave::WaveStatus;
use leptos::{prelude::*, task::spawn_local};
use leptos_meta::Title;
use leptos_router::hooks::{use_params_map, use_query_map};

pub use self::{
    actions::complete,
    budget::BudgetDialog,
    drawer::Panel,
    files::Files,
    graph::Graph,
    place::{Place, View},
    timeline::{Timeline, Window},
};
use self::{
    actions::{BudgetButton, PauseButton, TransitionButton, outlook},
    attention::Attention,
    density::Density,
    drawer::Drawer,
    place::{At, CloseOnEscape, StatusFilter, ViewTabs},
    wave::WaveSection,
};
use crate::{
    board::{Board, Need, WaveState},
    clock::use_clock,
    components::{
        ProblemView, TimeTag, Waiting, WaitingPage, WaveStrip, each, first_batch, key_of,
    },
    format::grouped,
    live::{Heard, Refresher, follow},
    server_fns::{batch_rows, session_detail, session_needs, session_view},
    split::{self, Chart},
    views::{SessionNeeds, SessionView},
};

/// How often the session's numbers are read afresh at most.
const PAUSE: Duration = Duration::from_millis(500);
/// How often what needs a person is read afresh at most.
const NEEDS_PAUSE: Duration = Duration::from_millis(400);
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
    // What the address opens comes with the first reading; later it is read when it is opened.
    let first = At::read(&query.read_untracked());
    let session = Resource::new(
        move || id.get(),
        move |id| session_view(id, first.view == View::Files, first.subtask, first.wave),
    );
    view! {
        <Transition fallback=|| view! { <WaitingPage/> }>
            {move || Suspend::new(async move {
                match session.await {
                    Ok(first) => view! { <Session first/> }.into_any(),
                    Err(error) => view! { <ProblemView error/> }.into_any(),
                }
            })}
        </Transition>
    }
}

#[component]
fn Session(first: SessionView) -> impl IntoView {
    let board = Board::new(&first);
    stay_live(&board, first.head.seq);
    let detail = first.head;
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
    // Known once every subtask is loaded.
    let at_work = {
        let board = board.clone();
        Memo::new(move |_| {
            board.is_complete().then(|| {
                board.waves().iter().fold((0, 0), |(running, blocked), state| {
                    let tally = state.tally.get();
                    (running + tally.running, blocked + tally.blocked)
                })
            })
        })
    };
    let outlook = {
        let board = board.clone();
        Memo::new(move |_| outlook(&board.rules()))
    };
    let briefs = {
        let board = board.clone();
        Memo::new(move |_| board.waves().iter().map(WaveState::brief).collect::<Vec<_>>())
    };
    let place = Place::of(&board.session_id);
    let window = Window::whole();
    let wanting = fresh_needs(&board, first.needs);
    let spent = RwSignal::from(board.spent.clone());
    let view = loaded_view(place);
    let heat = StoredValue::new(first.heat);
    let shown = {
        let board = board.clone();
        move || {
            let board = board.clone();
            match view.get() {
                None => view! { <Waiting/> }.into_any(),
                Some(View::Table) => view! { <Waves board place brief=false/> }.into_any(),
                Some(View::Graph) => split::now(split::graph(board, place)),
                Some(View::Timeline) => split::now(split::chart(board, place, Chart::Time(window))),
                Some(View::Files) => split::now(split::chart(board, place, Chart::Files(heat))),
            }
        }
    };
    let session = board.session_id.clone();
    let (none, current) = (board.clone(), board.clone());
    view! {
        <Title text=detail.session_id.clone()/>
        <div class="page-head">
            <div class="page-title">
                <p class="crumb"><a href="/">"Sessions"</a></p>
                <h1><bdi>{detail.session_id.clone()}</bdi></h1>
            </div>
            <div class="page-actions">
                <BudgetButton id=detail.session_id.clone()/>
                <PauseButton board=board.clone()/>
                <TransitionButton board=board.clone()/>
            </div>
        </div>
        <dl class="facts">
            <div><dt>"Subtasks"</dt><dd class="num" data-testid="total">{move || grouped(totals.get().0)}</dd></div>
            <div><dt>"Completed"</dt><dd class="num" data-testid="completed">{move || grouped(totals.get().1)}</dd></div>
            <div class:is-failed=move || { totals.get().2 > 0 }>
                <dt>"Failed"</dt><dd class="num" data-testid="failed">{move || grouped(totals.get().2)}</dd>
            </div>
            {move || at_work.get().map(|(running, blocked)| view! {
                <div><dt>"Running"</dt><dd class="num" data-testid="running">{grouped(running.into())}</dd></div>
                <div><dt>"Blocked"</dt><dd class="num" data-testid="blocked">{grouped(blocked.into())}</dd></div>
            })}
            {move || spent.get().map(|text| view! { <div><dt>"Spent"</dt><dd class="num" data-testid="spent">{text}</dd></div> })}
            <div><dt>"Started"</dt><dd class="num"><TimeTag at=Signal::stored(detail.created_at)/></dd></div>
        </dl>
        {move || outlook.get().map(|sentence| view! { <p class="outlook" data-testid="outlook">{sentence}</p> })}
        <WaveStrip waves=briefs/>
        <Density board=board.clone() place window/>
        <div class="screen" class:has-drawer=move || place.at.read().subtask.is_some()>
            <Attention place wanting/>
            <div class="screen-main">
                <div class="screen-bar">
                    <ViewTabs place/>
                    <StatusFilter place/>
                </div>
                <Looked board=board.clone() place/>
                <Show when=move || none.waves().is_empty()>
                    <section class="empty">
                        <p>"No wave yet. Submit a batch to this session, and its wave appears here."</p>
                        {first_batch(&session)}
                    </section>
                </Show>
                <Show when=move || place.at.read().view != View::Table>
                    <Waves board=current.clone() place brief=true/>
                </Show>
                {shown}
            </div>
            <Drawer board=board.clone() place first=first.subtask/>
        </div>
        <CloseOnEscape place/>
    }
}

/// How much of the session a filter looks at, when that is not all.
#[component]
fn Looked(board: Board, place: Place) -> impl IntoView {
    move || {
        let partial = place.at.read().status.is_some() && !board.is_complete();
        partial.then(|| {
            let all: i32 = board.waves().iter().map(|state| state.wave.read().total_tasks).sum();
            let known = board.entries().len() as i64;
            let text = format!("Of {} of {} subtasks.", grouped(known), grouped(all.into()));
            view! { <p class="hint" data-testid="looked">{text}</p> }
        })
    }
}

/// The view that the address asks for, once what it needs is downloaded; until then the one before.
fn loaded_view(place: Place) -> ReadSignal<Option<View>> {
    // The first page of all has it with it.
    let first = use_clock().glance().is_none();
    let view = place.at.read_untracked().view;
    let (shown, show) = signal((first || view == View::Table).then_some(view));
    let wanted = Memo::new(move |_| place.at.read().view);
    Effect::new(move |_| {
        let view = wanted.get();
        spawn_local(async move {
            split::load_view(view).await;
            // The visitor may have gone on meanwhile.
            let is_wanted = wanted.try_get_untracked() == Some(view);
            if is_wanted && shown.try_get_untracked().flatten() != Some(view) {
                show.set(Some(view));
            }
        });
    });
    shown
}

/// The waves one under the other. Over another view only the head of the one that is chosen, else of
/// the one that runs or comes next.
#[component]
fn Waves(board: Board, place: Place, brief: bool) -> impl IntoView {
    if !brief {
        place::follow_chosen(place, Some, |_| {});
    }
    let waves = board.clone();
    let section = move |state| view! { <WaveSection board=board.clone() state place brief/> };
    let shown = move || {
        let mut waves = waves.waves();
        let stands = |state: &WaveState, status| state.wave.read().status == status;
        let one = place.at.read().wave.or_else(|| {
            let first = |status| waves.iter().find(|state| stands(state, status));
            let current = brief.then(|| {
                first(WaveStatus::Running).or_else(|| first(WaveStatus::Pending)).or(waves.last())
            });
            current.flatten().map(|state| state.number)
        });
        waves.retain(|state| one.is_none_or(|one| one == state.number));
        waves
    };
    view! {
        <ol class="waves" data-testid=(!brief).then_some("waves")>
            {each(shown, |state| key_of(&state.number), move |state| section(state).into_any())}
        </ol>
    }
}

/// What needs a person, read afresh when something happens that may change it, and each minute for what
/// only takes long.
fn fresh_needs(board: &Board, first: SessionNeeds) -> ReadSignal<SessionNeeds> {
    let (needs, set_needs) = signal(first);
    let id = board.session_id.clone();
    let minute = minutes(use_clock());
    Effect::new(move |_| {
        let session = id.clone();
        let refresher = Refresher::new(NEEDS_PAUSE, move || {
            let session = session.clone();
            async move {
                // When it fails, the badge says that the page is stale.
                if let Ok(fresh) = session_needs(session).await
                    && needs.try_read_untracked().is_some_and(|known| *known != fresh)
                {
                    set_needs.set(fresh);
                }
            }
        });
        let each_minute = refresher.clone();
        Effect::new(move |before: Option<()>| {
            minute.track();
            if before.is_some() {
                each_minute.ask();
            }
        });
        follow(format!("sessions/{id}"), None, move |heard| match heard {
            Heard::Event(event) if !changes_needs(&event.event, &event.data) => {}
            _ => refresher.ask(),
        });
    });
    needs
}

/// Counts minutes.
fn minutes(clock: crate::clock::Clock) -> Memo<i64> {
    Memo::new(move |_| clock.now().unwrap_or_default() / 60_000)
}

/// Whether an event may change who touched what, or who waits for a person.
fn changes_needs(event: &str, data: &serde_json::Value) -> bool {
    match event {
        "action.recorded" => data["writes_files"] == true,
        "subtask.updated" => data["status"] != data["from"],
        _ => ["wave.", "lease.", "budget.", "scope."].iter().any(|kind| event.starts_with(kind)),
    }
}

/// Moves the board with the session's events, and reads what they leave to be read.
fn stay_live(board: &Board, since: i64) {
    let channel = format!("sessions/{}", board.session_id);
    let board = board.clone();
    Effect::new(move |_| {
        let refresher = Refresher::until(PAUSE, {
            let board = board.clone();
            move || read_detail(board.clone())
        });
        let board = board.clone();
        follow(channel.clone(), Some(since), move |heard| {
            let Heard::Event(event) = heard else { return };
            match board.apply(event) {
                Some(Need::Detail) => refresher.ask(),
                Some(Need::Batch(id, wave, total)) => {
                    let (board, refresher) = (board.clone(), refresher.clone());
                    spawn_local(async move {
                        // What could not be read is still to be had: the wave is not complete.
                        let rows = batch_rows(id).await.unwrap_or_default();
                        let all = usize::try_from(total).is_ok_and(|total| rows.len() >= total);
                        board.add_batch_rows(wave, &rows, all);
                        refresher.ask();
                    });
                }
                None => {}
            }
        });
    });
}

/// Reads the session's numbers; false when events went past every reading.
async fn read_detail(board: Board) -> bool {
    for _ in 0..TRIES {
        match session_detail(board.session_id.clone()).await {
            Ok(detail) if !board.merge(&detail) => {}
            // When it fails, the badge says that the page is stale.
            _ => return true,
        }
    }
    false
}
