//! Points and lengths of time. Absolute as the server writes them; relative once the browser's
//! clock runs.

use domain::{Time, subtask::SubtaskStatus, wave::duration_ms};
use leptos::prelude::*;

use crate::{clock::use_clock, format, views::Row};

/// When something happened.
#[component]
pub fn TimeTag(
    /// When.
    #[prop(into)]
    at: Signal<Time>,
) -> impl IntoView {
    let clock = use_clock();
    let text = Memo::new(move |_| match clock.now() {
        Some(now) => format::ago(at.get(), now),
        None => format::absolute(at.get()),
    });
    view! {
        <time datetime=move || format::rfc3339(at.get()) title=move || format::absolute(at.get())>
            {move || text.get()}
        </time>
    }
}

/// How long a subtask took, or has taken so far.
#[component]
pub fn Elapsed(
    /// The subtask.
    row: RwSignal<Row>,
) -> impl IntoView {
    let clock = use_clock();
    move || {
        let row = row.read();
        match (row.status, row.started_at) {
            (SubtaskStatus::Running, Some(start)) => since(start, clock.now()),
            (_, Some(_)) => duration_ms(row.started_at, row.completed_at)
                .map_or_else(|| "–".to_owned(), format::duration),
            (_, None) => "–".to_owned(),
        }
    }
}

/// How long ago `start` was, or when it was while the clock does not run.
#[must_use]
pub fn since(start: Time, now: Option<i64>) -> String {
    match now {
        Some(now) => format::running(now - start.timestamp_millis()),
        None => format!("since {}", format::absolute(start).get(11..16).unwrap_or_default()),
    }
}
