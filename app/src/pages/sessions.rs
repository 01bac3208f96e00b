//! `/`: every session, latest activity first.

use std::time::Duration;

use domain::wave::SessionState;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use crate::{
    components::{ProblemView, TimeTag, Waiting, WaveStrip, each, first_batch, key_of},
    error::AppError,
    live::{Heard, Refresher, follow},
    paths,
    server_fns::list_sessions,
    views::{SessionRow, SessionRows},
};

/// How often the list reads itself afresh at most.
const PAUSE: Duration = Duration::from_millis(700);

type Entry = (String, ArcRwSignal<SessionRow>);

/// The list of sessions.
#[component]
pub fn SessionsPage() -> impl IntoView {
    let query = use_query_map();
    let given = move |name: &str| query.read().get(name).filter(|value| !value.trim().is_empty());
    let asked = Memo::new(move |_| Asked {
        search: given("q"),
        state: given("status"),
        cursor: given("cursor"),
    });
    let page = Resource::new(move || asked.get(), Asked::read);
    view! {
        <Title text="Sessions"/>
        <div class="page-head">
            <h1>"Sessions"</h1>
            <form method="get" action="/" class="search" role="search">
                <label for="q" class="visually-hidden">"Search sessions"</label>
                <input
                    id="q"
                    type="search"
                    name="q"
                    placeholder="Search by name"
                    maxlength="200"
                    prop:value=move || asked.get().search.unwrap_or_default()
                    value=asked.get_untracked().search
                />
                <label for="status" class="visually-hidden">"Only sessions that are"</label>
                <select id="status" name="status">
                    <option value="">"All"</option>
                    {SessionState::ALL.map(|state| {
                        let chosen = move || asked.read().state.as_deref() == Some(state.as_str());
                        view! { <option value=state.as_str() selected=chosen>{state.as_str()}</option> }
                    }).collect_view()}
                </select>
                <button type="submit" class="button">"Show"</button>
            </form>
        </div>
        <Transition fallback=|| view! { <Waiting/> }>
            {move || Suspend::new(async move {
                match page.await {
                    Ok(page) => {
                        view! { <SessionList page asked=asked.get_untracked()/> }.into_any()
                    }
                    Err(error) => view! { <ProblemView error/> }.into_any(),
                }
            })}
        </Transition>
    }
}

/// What the address asks for.
#[derive(Clone, Debug, Default, PartialEq)]
struct Asked {
    search: Option<String>,
    state: Option<String>,
    cursor: Option<String>,
}

impl Asked {
    async fn read(self) -> Result<SessionRows, AppError> {
        list_sessions(self.search, self.state, self.cursor).await
    }

    fn href(&self, cursor: Option<&str>) -> String {
        paths::sessions(self.search.as_deref(), self.state.as_deref(), cursor)
    }
}

#[component]
fn SessionList(page: SessionRows, asked: Asked) -> impl IntoView {
    let entries = ArcRwSignal::new(Vec::<Entry>::new());
    merge(&entries, page.sessions);
    let next = ArcRwSignal::new(page.next_cursor);
    stay_fresh(&entries, &next, asked.clone());

    let (shown, searched) = (RwSignal::from(entries), asked.search.clone().or(asked.state.clone()));
    let next = RwSignal::from(next);
    let paged = asked.cursor.is_some();
    let first = paged.then(|| {
        view! { <a class="button" href=asked.href(None) rel="first">"First page"</a> }
    });
    let onward = move || {
        next.get().map(|cursor| {
            let href = asked.href(Some(&cursor));
            view! { <a class="button" href=href rel="next" data-testid="next-page">"Next page"</a> }
        })
    };
    view! {
        <Show when=move || shown.read().is_empty()>
            <Empty searched=searched.clone() paged/>
        </Show>
        <ul class="sessions" data-testid="sessions">
            {each(move || shown.get(), |(id, _)| key_of(id), |(id, summary)| view! { <SessionItem id summary/> }.into_any())}
        </ul>
        <nav class="pager" aria-label="Pages of the list">{first} {onward}</nav>
    }
}

/// Follows what happens anywhere, and inside the sessions of the list, and reads it afresh.
fn stay_fresh(entries: &ArcRwSignal<Vec<Entry>>, next: &ArcRwSignal<Option<String>>, asked: Asked) {
    let (entries, next) = (entries.clone(), next.clone());
    let listed = Memo::new({
        let entries = entries.clone();
        move |_| entries.read().iter().map(|(id, _)| id.clone()).collect::<Vec<_>>()
    });
    Effect::new(move |_| {
        let (entries, next, asked) = (entries.clone(), next.clone(), asked.clone());
        let refresher = Refresher::new(PAUSE, move || {
            let (entries, next) = (entries.clone(), next.clone());
            let read = asked.clone().read();
            async move {
                // When it fails, the badge says that the page is stale.
                if let Ok(page) = read.await {
                    merge(&entries, page.sessions);
                    next.set(page.next_cursor);
                }
            }
        });
        let everywhere = refresher.clone();
        follow("global".to_owned(), None, move |_| everywhere.ask());
        // Only `global` stands for what happened before; each of these reads nothing at first.
        Effect::new(move |_| {
            for id in listed.get() {
                let inside = refresher.clone();
                follow(format!("sessions/{id}"), None, move |heard| {
                    if let Heard::Event(_) = heard {
                        inside.ask();
                    }
                });
            }
        });
    });
}

/// Takes over a newer reading. What stays keeps its place; what no longer belongs to the list goes, since
/// nothing would tell how it stands; what is new comes on top.
fn merge(entries: &ArcRwSignal<Vec<Entry>>, sessions: Vec<SessionRow>) {
    let mut known = entries.get_untracked();
    let before = known.len();
    known.retain(|(id, _)| sessions.iter().any(|session| session.session_id == *id));
    let mut fresh = Vec::new();
    for session in sessions {
        match known.iter().find(|(id, _)| *id == session.session_id) {
            Some((_, signal)) => {
                if *signal.read_untracked() != session {
                    signal.set(session);
                }
            }
            None => fresh.push((session.session_id.clone(), ArcRwSignal::new(session))),
        }
    }
    if !fresh.is_empty() || known.len() < before {
        fresh.extend(known);
        entries.set(fresh);
    }
}

#[component]
fn SessionItem(id: String, summary: ArcRwSignal<SessionRow>) -> impl IntoView {
    let summary = RwSignal::from(summary);
    let of = move |pick: fn(&SessionRow) -> i32| pick(&summary.read());
    let failed = move || of(|s| s.failed_tasks);
    view! {
        <li class="session" data-testid="session" data-session=id.clone()>
            <a class="session-name" href=paths::session(&id) rel=paths::rel(&id)><bdi>{id.clone()}</bdi></a>
            <WaveStrip waves=Signal::derive(move || summary.read().waves.clone())/>
            <p class="session-counts num">
                {move || summary.read().paused.then(|| view! { <span class="tag" data-testid="is-paused">"paused"</span> })}
                <span>{move || of(|s| s.completed_tasks)}"/"{move || of(|s| s.total_tasks)}" done"</span>
                <span class:is-failed=move || { failed() > 0 }>{move || format!("{} failed", failed())}</span>
                {move || summary.read().spent.clone().map(|text| view! { <span data-testid="spent">{text}</span> })}
            </p>
            <p class="session-time num"><TimeTag at=Signal::derive(move || summary.read().last_active_at)/></p>
        </li>
    }
}

#[component]
fn Empty(searched: Option<String>, paged: bool) -> impl IntoView {
    match searched {
        Some(text) => view! {
            <section class="empty" data-testid="empty">
                <h2>"No session matches"</h2>
                <p>"Nothing is “"<bdi>{text}</bdi>"”. "<a href="/">"Show all sessions"</a></p>
            </section>
        }
        .into_any(),
        None if paged => view! {
            <section class="empty" data-testid="empty"><h2>"No more sessions"</h2></section>
        }
        .into_any(),
        None => view! {
            <section class="empty" data-testid="empty">
                <h2>"No sessions yet"</h2>
                <p>
                    "A session appears with its first batch. Submit one from a terminal, or "<a href="/plan">"plan a task"</a>" and launch it."
                </p>
                {first_batch("my-first-session")}
            </section>
        }
        .into_any(),
    }
}
