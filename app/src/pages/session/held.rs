//! Files that agents have for themselves at this moment.

use std::time::Duration;

use domain::dto::FileLease;
use leptos::prelude::*;

use crate::{
    clock::use_clock,
    components::{each, key_of},
    format::running,
    live::{Heard, Refresher, follow},
    paths,
    server_fns::held_files,
};

/// How often they are read at most.
const PAUSE: Duration = Duration::from_millis(700);

/// Who holds what, and until when; nothing when nobody holds anything.
#[component]
pub fn Held(
    /// The session.
    session: String,
) -> impl IntoView {
    let leases = RwSignal::new(Vec::<FileLease>::new());
    stay_fresh(leases, session.clone());
    let clock = use_clock();
    // One that runs out is gone without an event.
    let current = Memo::new(move |_| {
        let now = clock.now().unwrap_or_default();
        let mut current = leases.get();
        current.retain(|lease| lease.expires_at.timestamp_millis() > now);
        current
    });
    let entry = move |lease: FileLease| {
        let FileLease { path, agent_id, subtask_id, expires_at, .. } = lease;
        let subtask = subtask_id.map(|id| {
            view! { <a href=paths::subtask(&session, id)>{format!("Subtask {}", paths::short(id))}</a> }
        });
        view! {
            <li data-testid="held">
                <bdi class="held-path">{path}</bdi>
                <bdi>{agent_id}</bdi>
                {subtask}
                <span class="hint">{move || clock.now().map(|now| left(expires_at, now))}</span>
            </li>
        }
    };
    view! {
        <Show when=move || !current.read().is_empty()>
            <section class="held" aria-label="Files that agents hold">
                <h3>"Held now"</h3>
                <ul>{let entry = entry.clone(); each(move || current.get(), |lease| key_of(&(&lease.path, &lease.agent_id, lease.expires_at)), move |lease| entry(lease).into_any())}</ul>
            </section>
        </Show>
    }
}

/// For how long it is held.
pub fn left(until: domain::Time, now: i64) -> String {
    match until.timestamp_millis() - now {
        left @ 1_000.. => format!("for {}", running(left)),
        _ => "until now".to_owned(),
    }
}

fn stay_fresh(leases: RwSignal<Vec<FileLease>>, id: String) {
    Effect::new(move |_| {
        let session = id.clone();
        let refresher = Refresher::new(PAUSE, move || {
            let read = held_files(session.clone());
            async move {
                // When it fails, the badge says that the page is stale.
                if let Ok(fresh) = read.await {
                    leases.try_set(fresh);
                }
            }
        });
        follow(format!("sessions/{id}"), None, move |heard| match heard {
            Heard::Event(event)
                if event.event != "subtask.updated" && !event.event.starts_with("files.") => {}
            _ => refresher.ask(),
        });
    });
}
