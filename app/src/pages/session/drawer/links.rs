//! What a subtask waits for, what waits for it, and why it waits.

use std::time::Duration;

use domain::chart::{Stage, stranded, why_waiting};
use leptos::prelude::*;
use uuid::Uuid;

use super::super::{
    place::Place,
    watch::{watched, with_watched},
};
use crate::{
    board::Board,
    components::{Mark, Status, each},
    format::clipped,
    live::calmed,
    paths::short,
    views::Row,
};

/// Longest quotation of a description; characters.
const QUOTE: usize = 80;
/// How often the sentence is found anew at most for what happens elsewhere in the session.
const PAUSE: Duration = Duration::from_millis(300);
/// Most subtasks in a list.
const MOST: usize = 50;

/// Why it waits, and its dependencies both ways.
#[component]
pub fn Links(
    /// The session.
    board: Board,
    /// The subtask.
    row: RwSignal<Row>,
    /// Where the visitor is.
    place: Place,
) -> impl IntoView {
    let id = row.read_untracked().id;
    let why = {
        // Who is stranded is found among all of them, so not for each that changes.
        let beat = {
            let board = board.clone();
            calmed(PAUSE, move || {
                board.track_progress();
                let _ = board.entries();
            })
        };
        let board = board.clone();
        Memo::new(move |_| {
            beat.track();
            why(&board, &row.read())
        })
    };
    let blockers = Memo::new(move |_| row.read().blocked_by.clone());
    let dependents = {
        let board = board.clone();
        Memo::new(move |_| {
            board.track_links();
            let waits = |entry: &crate::board::RowEntry| {
                entry.row.read_untracked().blocked_by.contains(&id)
            };
            board.entries().into_iter().filter(waits).map(|entry| entry.id).collect::<Vec<_>>()
        })
    };
    let (up, down) = (board.clone(), board);
    view! {
        {move || why.get().map(|sentence| view! { <p class="why" data-testid="why">{sentence}</p> })}
        <Show when=move || !blockers.read().is_empty()>
            <section>
                <h3>"Waits for"</h3>
                <List board=up.clone() ids=blockers place testid="blockers"/>
            </section>
        </Show>
        <Show when=move || !dependents.read().is_empty()>
            <section>
                <h3>"Waiting for it"</h3>
                <List board=down.clone() ids=dependents place testid="dependents"/>
            </section>
        </Show>
    }
}

#[component]
fn List(board: Board, ids: Memo<Vec<Uuid>>, place: Place, testid: &'static str) -> impl IntoView {
    let item = move |id: Uuid| {
        let known = board.row(id).map(RwSignal::from);
        let text = known.map_or_else(
            || format!("Subtask {}", short(id)),
            |row| clipped(&row.read_untracked().description, QUOTE),
        );
        view! {
            <li>
                {known.map(|row| view! { <Status mark=Signal::derive(move || Mark::from(row.read().status))/> })}
                <a dir="auto" href=move || place.opening(id) rel=place.rel() data-noscroll="">{text}</a>
            </li>
        }
    };
    let shown = move || ids.read().iter().take(MOST).copied().collect::<Vec<_>>();
    let more = move || ids.read().len().saturating_sub(MOST);
    view! {
        <ul class="drawer-links" data-testid=testid>
            {each(shown, Uuid::as_u128, move |id| item(id).into_any())}
            <Show when=move || { more() > 0 }><li class="hint">{move || format!("and {} more", more())}</li></Show>
        </ul>
    }
}

/// The sentence; tracks the wave, the blockers and whether the session hands out work.
fn why(board: &Board, row: &Row) -> Option<String> {
    let wave = board.wave(row.wave_number)?.wave.get();
    let stage = Stage { wave: wave.status, approval: wave.approval, held_back: board.held_back() };
    let blockers: Vec<Row> =
        row.blocked_by.iter().filter_map(|id| Some(board.row(*id)?.get())).collect();
    let entries = untrack(|| board.entries());
    let failed = with_watched(&entries, stranded)
        .into_iter()
        .find(|(id, _)| *id == row.id)
        .and_then(|(_, failed)| Some(board.row(failed)?.get_untracked()));
    let blockers: Vec<_> = blockers.iter().map(watched).collect();
    why_waiting(&watched(row), stage, &blockers, failed.as_ref().map(watched).as_ref())
        .map(|why| why.sentence)
}
