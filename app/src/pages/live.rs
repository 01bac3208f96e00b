//! `/live`: everything that happens, as it happens.

use std::collections::VecDeque;

use domain::{Time, event::Envelope};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use crate::{
    clock::use_hydrated,
    components::{ProblemView, TimeTag, Waiting, each, first_batch, key_of},
    format::{self, count},
    live::{Heard, follow},
    paths,
    server_fns::recent_events,
    views::{EventFeed, EventRow},
};

/// Most events on the page.
const MOST: usize = 500;
/// What events are about, as their names begin.
const KINDS: [&str; 9] =
    ["wave", "batch", "subtask", "action", "lease", "files", "scope", "session", "budget"];

/// The feed.
#[component]
pub fn LivePage() -> impl IntoView {
    let query = use_query_map();
    let given = move |name: &str| query.read().get(name).filter(|value| !value.trim().is_empty());
    let filter = Memo::new(move |_| Filter { kind: given("kind"), text: given("q") });
    let read = Resource::new(|| (), |()| recent_events());
    view! {
        <Title text="Live"/>
        <div class="page-head">
            <h1>"Live"</h1>
            <form method="get" action="/live" class="search" role="search">
                <label class="visually-hidden" for="kind">"Only events of"</label>
                <select id="kind" name="kind">
                    <option value="">"All events"</option>
                    {KINDS.map(|kind| view! { <option value=kind selected=move || filter.read().kind.as_deref() == Some(kind)>{format!("{kind}.*")}</option> }).collect_view()}
                </select>
                <label class="visually-hidden" for="q">"Search events"</label>
                <input id="q" type="search" name="q" placeholder="Session, agent, file…" maxlength="200" value=filter.get_untracked().text/>
                <button type="submit" class="button">"Show"</button>
            </form>
        </div>
        <Transition fallback=|| view! { <Waiting/> }>
            {move || Suspend::new(async move {
                match read.await {
                    Ok(feed) => view! { <Feed feed filter/> }.into_any(),
                    Err(error) => view! { <ProblemView error/> }.into_any(),
                }
            })}
        </Transition>
    }
}

/// Which events are shown.
#[derive(Clone, Debug, PartialEq)]
struct Filter {
    kind: Option<String>,
    text: Option<String>,
}

impl Filter {
    fn lets(&self, row: &EventRow) -> bool {
        let of_kind = |kind: &String| row.event.split('.').next() == Some(kind.as_str());
        let says = |text: &String| row.says(text);
        self.kind.as_ref().is_none_or(of_kind) && self.text.as_ref().is_none_or(says)
    }
}

#[component]
fn Feed(feed: EventFeed, filter: Memo<Filter>) -> impl IntoView {
    let hydrated = use_hydrated();
    let rows = RwSignal::new(VecDeque::from(feed.rows));
    let paused = RwSignal::new(false);
    // What came meanwhile.
    let held = RwSignal::new(Vec::<EventRow>::new());
    follow("all".to_owned(), Some(feed.last_seq), move |heard| {
        let Heard::Event(event) = heard else { return };
        let row = row(event);
        if paused.get_untracked() {
            held.update(|held| {
                held.push(row);
                let surplus = held.len().saturating_sub(MOST);
                held.drain(..surplus);
            });
        } else {
            rows.update(|rows| push(rows, row));
        }
    });
    let toggle = move |_| {
        paused.update(|paused| *paused = !*paused);
        if !paused.get_untracked() {
            rows.update(|rows| held.update(|held| held.drain(..).for_each(|row| push(rows, row))));
        }
    };
    let shown = move || {
        let filter = filter.read();
        rows.read().iter().filter(|row| filter.lets(row)).cloned().collect::<Vec<_>>()
    };
    let none = Memo::new(move |_| rows.read().is_empty());
    let waiting = move || i32::try_from(held.read().len()).unwrap_or(i32::MAX);
    view! {
        <div class="view-bar">
            <button type="button" class="button" data-testid="pause" aria-pressed=move || paused.get().to_string()
                disabled=move || !hydrated.get() on:click=toggle>
                {move || if paused.get() { "Go on" } else { "Pause" }}
            </button>
            <p class="hint" role="status" data-testid="held">
                {move || paused.get().then(|| format!("Paused; {} since.", count(waiting(), "event", "events")))}
            </p>
        </div>
        <Show when=move || !shown().is_empty() fallback=move || view! {
            <section class="empty" data-testid="empty">{move || empty(none.get())}</section>
        }>
            <ol class="feed" data-testid="feed">
                {each(shown, |row| key_of(&row.seq), |row| view! { <FeedRow row/> }.into_any())}
            </ol>
        </Show>
    }
}

/// Why no event is shown: there is none at all, or none that the filter lets through.
fn empty(none: bool) -> AnyView {
    if none {
        view! {
            <h2>"Nothing has happened yet"</h2>
            <p>"What agents do appears here by itself, as soon as there is a first batch:"</p>
            {first_batch("my-first-session")}
        }
        .into_any()
    } else {
        view! {
            <h2>"No event matches"</h2>
            <p>"Of the latest, that is; new ones that match appear here by themselves. "<a href="/live" rel="external">"Show all events"</a></p>
        }
        .into_any()
    }
}

/// Newest first, and never more than the page holds.
fn push(rows: &mut VecDeque<EventRow>, row: EventRow) {
    rows.push_front(row);
    rows.truncate(MOST);
}

fn row(event: &Envelope) -> EventRow {
    let at = Time::from_timestamp_millis(event.timestamp).unwrap_or_default();
    EventRow::new(event.seq, &event.event, &event.data, at)
}

#[component]
fn FeedRow(row: EventRow) -> impl IntoView {
    let EventRow { seq, event, session_id, subtask_id, batch_id, what, at } = row;
    let href = match (subtask_id, batch_id) {
        (Some(id), _) => paths::subtask(&session_id, id),
        (None, Some(id)) => paths::batch(id),
        (None, None) => paths::session(&session_id),
    };
    let kind = event.split('.').next().unwrap_or_default().to_owned();
    view! {
        <li class=format!("feed-row is-{kind}") data-testid="event" data-seq=seq>
            <span class="feed-seq num">"#"{format::grouped(seq)}</span>
            <span class="feed-name">{event}</span>
            <a class="feed-what" dir="auto" href=href rel=paths::rel(&session_id)>{what}</a>
            <bdi class="feed-session">{session_id.clone()}</bdi>
            <span class="hint feed-at"><TimeTag at=Signal::stored(at)/></span>
        </li>
    }
}
