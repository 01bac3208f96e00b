//! Who tried the subtask under a lease, and what became of it.

use leptos::prelude::*;

use super::super::held::left;
use crate::{
    clock::use_clock,
    components::{TimeTag, each, key_of},
    views::{AttemptRow, SubtaskView},
};

/// The tries, newest first; nothing when there was none.
#[component]
pub fn Attempts(
    /// The subtask as it was read last.
    view: Signal<SubtaskView>,
) -> impl IntoView {
    let attempts = Memo::new(move |_| view.read().attempts.clone());
    view! {
        <Show when=move || !attempts.read().is_empty()>
            <section aria-labelledby="attempts-title">
                <h3 id="attempts-title">"Attempts"</h3>
                <ol class="attempts" data-testid="attempts">
                    {each(move || attempts.get(), |row| key_of(&(row.token, &row.state, row.alive_at)), |row| entry(row).into_any())}
                </ol>
            </section>
        </Show>
    }
}

fn entry(row: AttemptRow) -> impl IntoView {
    let AttemptRow { agent_id, state, reason, at, alive_at, until, deadline, .. } = row;
    let clock = use_clock();
    let troubled =
        matches!(state.as_str(), "stalled" | "dead" | "failed" | "expired" | "timed out");
    view! {
        <li data-testid="attempt">
            <bdi class="attempt-agent">{agent_id}</bdi>
            <span class="tag" class:is-failed=troubled>{state}</span>
            <span class="hint"><TimeTag at=Signal::stored(at)/></span>
            {until.map(|until| view! {
                <span class="hint">"last sign of life "<TimeTag at=Signal::stored(alive_at)/></span>
                <span class="hint" data-testid="lease-until">{move || clock.now().map(|now| format!("holds it {}", left(until, now)))}</span>
            })}
            {deadline.map(|at| view! { <span class="hint">{move || clock.now().map(|now| format!("may take it {}", left(at, now)))}</span> })}
            {reason.map(|reason| view! { <p class="hint" dir="auto">{reason}</p> })}
        </li>
    }
}
