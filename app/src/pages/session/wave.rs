//! One wave on the page of its session.

use domain::{batch::Batch, wave::WaveStatus};
use leptos::prelude::*;
use uuid::Uuid;

use super::actions::{CancelWaveButton, CompleteButton, RetryFailedButton, StartButton, take};
use super::place::Place;
use crate::{
    board::{Board, Tally, WaveState},
    clock::use_clock,
    components::{ActionButton, Mark, Progress, Status, SubtaskTable, each},
    desk::use_desk,
    error::AppError,
    format::{count, duration},
    paths,
    server_fns::{Step, wave_rows},
};

/// A wave: its state, its batches and its subtasks.
#[component]
pub fn WaveSection(
    /// The session.
    board: Board,
    /// The wave.
    state: WaveState,
    /// Where the visitor is.
    place: Place,
    /// Without its subtasks.
    brief: bool,
) -> impl IntoView {
    let number = state.number;
    let wave = RwSignal::from(state.wave.clone());
    let tally = Memo::from(state.tally.clone());
    let rows = RwSignal::from(state.rows.clone());
    let batches = RwSignal::from(state.batches.clone());
    let status = Memo::new(move |_| wave.read().status);
    let busy = RwSignal::new(false);
    let heading = format!("wave-{number}");
    let href = Callback::new(move |id| place.opening(id));
    let shown = Memo::new(move |_| match place.at.read().status {
        None => rows.get(),
        Some(only) => {
            rows.get().into_iter().filter(|entry| entry.row.read().status == only).collect()
        }
    });
    let on_retry = {
        let board = board.clone();
        let desk = use_desk();
        let live = crate::live::use_live();
        Callback::new(move |id: Uuid| {
            desk.attempt(busy, take(board.clone(), live, Step::Retry(id)))
        })
    };
    view! {
        <li>
            <section
                class=move || format!("wave is-{}", status.get().as_str())
                aria-labelledby=heading.clone()
                data-testid="wave"
                data-wave=number
                data-status=move || status.get().as_str()
            >
                <header class="wave-head">
                    <h2 id=heading.clone()>
                        <a href=move || place.href(|at| at.wave = (at.wave != Some(number)).then_some(number))
                            rel=place.rel() data-noscroll="" title="Show this wave alone, or all again">{format!("Wave {number}")}</a>
                        {move || wave.read().name.clone().map(|name| view! { <bdi class="wave-name">{name}</bdi> })}
                    </h2>
                    <Status mark=Signal::derive(move || Mark::from(status.get()))/>
                    <Counters tally/>
                    <WaveTime wave/>
                    <div class="wave-actions">
                        <CancelWaveButton board=board.clone() number wave tally/>
                        <RetryFailedButton board=board.clone() number tally busy/>
                        <StartButton board=board.clone() number wave/>
                    </div>
                </header>
                {move || wave.read().description.clone().map(|text| view! { <p class="wave-text" dir="auto">{text}</p> })}
                <Progress
                    total=Signal::derive(move || tally.get().total)
                    completed=Signal::derive(move || tally.get().completed)
                    failed=Signal::derive(move || tally.get().failed)
                />
                <Batches batches/>
                <Show when=move || !brief && !shown.read().is_empty()>
                    <SubtaskTable caption=format!("Subtasks of wave {number}") rows=shown href rel=place.rel() on_retry busy/>
                </Show>
                {(!brief).then(|| view! { <More board state/> })}
            </section>
        </li>
    }
}

#[component]
fn Counters(tally: Memo<Tally>) -> impl IntoView {
    let extra = move || {
        let Tally { running, blocked, .. } = tally.get();
        let mut text = String::new();
        for (n, word) in [(running, "running"), (blocked, "blocked")] {
            if n > 0 {
                text.push_str(&format!(" · {n} {word}"));
            }
        }
        text
    };
    view! {
        <p class="wave-counts num" data-testid="wave-counts">
            {move || format!("{}/{} completed", tally.get().completed, tally.get().total)}
            <span class:is-failed=move || { tally.get().failed > 0 }>{move || format!(" · {} failed", tally.get().failed)}</span>
            {extra}
        </p>
    }
}

#[component]
fn WaveTime(wave: RwSignal<domain::wave::Wave>) -> impl IntoView {
    let clock = use_clock();
    let text = move || {
        let wave = wave.read();
        match (wave.status, wave.started_at) {
            (WaveStatus::Running, Some(start)) => crate::components::since(start, clock.now()),
            _ => wave.duration_ms().map(duration).unwrap_or_default(),
        }
    };
    view! { <p class="wave-time num" title="From its start to its end">{text}</p> }
}

#[component]
fn Batches(batches: RwSignal<Vec<Batch>>) -> impl IntoView {
    let item = move |id: Uuid| {
        let batch = Memo::new(move |_| batches.read().iter().find(|batch| batch.id == id).cloned());
        let total = move || batch.read().as_ref().map_or(0, |batch| batch.total_tasks);
        view! {
            <li class="batch-chip">
                <a href=paths::batch(id) data-testid="batch-link">{format!("Batch {}", paths::short(id))}</a>
                <span class="num">{move || count(total(), "subtask", "subtasks")}</span>
                <CompleteButton id batch/>
            </li>
        }
    };
    let ids = move || batches.read().iter().map(|batch| batch.id).collect::<Vec<_>>();
    view! {
        <ul class="batches" aria-label="Batches">
            {each(ids, Uuid::as_u128, move |id| item(id).into_any())}
        </ul>
    }
}

/// Reads more subtasks of a wave that has many.
#[component]
fn More(board: Board, state: WaveState) -> impl IntoView {
    let desk = use_desk();
    let busy = RwSignal::new(false);
    let complete = RwSignal::from(state.complete.clone());
    let rows = RwSignal::from(state.rows.clone());
    let total = RwSignal::from(state.wave.clone());
    let label = Signal::derive(move || {
        let (shown, total) = (rows.read().len(), total.read().total_tasks);
        if shown == 0 {
            format!("Show {}", count(total, "subtask", "subtasks"))
        } else {
            format!("Show more ({shown} of {total} shown)")
        }
    });
    let on_press =
        Callback::new(move |()| desk.attempt(busy, read_on(board.clone(), state.clone())));
    view! {
        <Show when=move || !complete.get()>
            <p class="more"><ActionButton label on_press busy testid="more"/></p>
        </Show>
    }
}

/// Reads until something new is there or nothing is left.
async fn read_on(board: Board, state: WaveState) -> Result<String, AppError> {
    loop {
        let cursor = state.cursor.get_untracked();
        let read = wave_rows(board.session_id.clone(), state.number, cursor).await?;
        let added = board.add_rows(&read);
        if added > 0 || read.complete {
            let shown = i32::try_from(added).unwrap_or(i32::MAX);
            return Ok(format!("{} more shown.", count(shown, "subtask", "subtasks")));
        }
    }
}
