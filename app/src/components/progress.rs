//! How far work has come, as bars.

use domain::{dto::WaveBrief, wave::WaveStatus};
use leptos::prelude::*;

use super::{each, key_of};
use crate::format::percent;

/// A bar: completed from the left, then failed.
#[component]
pub fn Progress(
    /// All of it.
    #[prop(into)]
    total: Signal<i32>,
    /// Done.
    #[prop(into)]
    completed: Signal<i32>,
    /// Given up.
    #[prop(into)]
    failed: Signal<i32>,
) -> impl IntoView {
    let label = move || {
        format!("{} of {} completed, {} failed", completed.get(), total.get(), failed.get())
    };
    view! {
        <svg class="progress" role="img" aria-label=label>
            <rect class="progress-track" width="100%" height="100%"/>
            <rect class="progress-done" height="100%" width=move || percent(completed.get(), total.get())/>
            <rect
                class="progress-failed"
                height="100%"
                x=move || percent(completed.get(), total.get())
                width=move || percent(failed.get(), total.get())
            />
        </svg>
    }
}

/// The waves of a session side by side.
#[component]
pub fn WaveStrip(
    /// The waves in order.
    #[prop(into)]
    waves: Signal<Vec<WaveBrief>>,
) -> impl IntoView {
    let numbers =
        Memo::new(move |_| waves.read().iter().map(|wave| wave.wave_number).collect::<Vec<_>>());
    let cell = move |number: i32| {
        let wave = Memo::new(move |_| {
            waves.read().iter().find(|wave| wave.wave_number == number).cloned()
        });
        let of =
            move |pick: fn(&WaveBrief) -> i32| wave.read().as_ref().map(pick).unwrap_or_default();
        view! {
            <li class=move || format!("strip-cell is-{}", wave.read().as_ref().map_or("pending", |w| w.status.as_str()))>
                <span class="strip-name">
                    {number}
                    <span class="visually-hidden">{move || wave.read().as_ref().map(|w| said(w.status))}</span>
                </span>
                <Progress
                    total=Signal::derive(move || of(|w| w.total_tasks))
                    completed=Signal::derive(move || of(|w| w.completed_tasks))
                    failed=Signal::derive(move || of(|w| w.failed_tasks))
                />
            </li>
        }
    };
    view! {
        <ol class="strip" aria-label="Waves" data-testid="wave-strip">
            {each(move || numbers.get(), key_of, move |number| cell(number).into_any())}
        </ol>
    }
}

const fn said(status: WaveStatus) -> &'static str {
    match status {
        WaveStatus::Pending => " pending",
        WaveStatus::Running => " running",
        WaveStatus::Completed => " completed",
        WaveStatus::Failed => " failed",
    }
}
