//! How fresh the page is.

use leptos::prelude::*;

use crate::{
    format::grouped,
    live::{LiveState, use_live},
};

/// LIVE, CATCHING UP or STALE, with the last position of the log that the page has seen.
#[component]
pub fn LiveBadge() -> impl IntoView {
    let live = use_live();
    let word = move || match live.state.get() {
        _ if live.updated.get() => "UPDATED: RELOAD",
        LiveState::Idle => "",
        LiveState::CatchingUp => "CATCHING UP",
        LiveState::Live => "LIVE",
        LiveState::Stale => "STALE",
    };
    let class = move || match live.state.get() {
        LiveState::Idle => "badge is-idle",
        LiveState::CatchingUp => "badge is-catching-up",
        LiveState::Live => "badge is-live",
        LiveState::Stale => "badge is-stale",
    };
    let behind = move || (live.head.get() - live.seq.get()).max(0);
    let position = move || match live.state.get() {
        LiveState::Idle => String::new(),
        LiveState::CatchingUp if behind() > 0 => format!("({})", grouped(behind())),
        _ => format!("#{}", grouped(live.seq.get())),
    };
    let title = move || match live.state.get() {
        LiveState::Idle => "",
        LiveState::CatchingUp => "Connected; replaying what was missed.",
        _ if live.updated.get() => "Swell was updated while this page was open: load it again.",
        LiveState::Live => {
            "Every change arrives as it happens. The number is the last position of the event log."
        }
        LiveState::Stale => {
            "Disconnected: what is shown may be out of date. Reconnecting by itself."
        }
    };
    view! {
        <p class=class title=title data-testid="live-badge" data-seq=move || live.seq.get()>
            <span class="badge-dot" aria-hidden="true"></span>
            <span role="status">{word}</span>
            <span class="badge-seq num">{position}</span>
        </p>
    }
}
