//! One subtask in full, beside whichever view is shown.

mod attempts;
mod links;
mod log;
mod prompt;
mod steps;

use std::time::Duration;

use domain::{scope::Scope, wave::duration_ms};
use leptos::{prelude::*, task::spawn_local};
use uuid::Uuid;

use self::{attempts::Attempts, links::Links, log::Log, prompt::Prompt, steps::Steps};
use super::place::Place;
use crate::{
    board::Board,
    browser,
    clock::use_clock,
    components::{CopyButton, Elapsed, JsonTree, Mark, ProblemView, Status, TimeTag, Waiting},
    error::AppError,
    format::{count, duration},
    live::{Heard, Refresher, follow},
    paths::{self, short},
    server_fns::subtask_view,
    split,
    views::{Row, SubtaskView},
};

/// How often the subtask is read afresh at most.
const PAUSE: Duration = Duration::from_millis(300);

/// The drawer; empty while no subtask is chosen.
#[component]
pub fn Drawer(
    /// The session.
    board: Board,
    /// Where the visitor is.
    place: Place,
    /// The subtask that came with the page, as JSON.
    first: Option<String>,
) -> impl IntoView {
    let id = Memo::new(move |_| place.at.read().subtask);
    let loaded = loaded(id);
    keep_focus(id);
    let title = move || id.get().map(|id| format!("Subtask {}", short(id)));
    let first = StoredValue::new(first);
    let body = move || {
        let (id, board) = (id.get()?, board.clone());
        Some(if loaded.get() {
            split::now(split::panel(board, id, place, first))
        } else {
            view! { <Waiting/> }.into_any()
        })
    };
    view! {
        <aside
            id="drawer"
            class="drawer"
            class:is-open=move || id.read().is_some()
            aria-label=title
            tabindex="-1"
            data-testid="drawer"
        >
            <Show when=move || id.read().is_some()>
                <a class="drawer-close button quiet" data-testid="close-drawer" rel=place.rel() data-noscroll=""
                    href=move || place.href(|at| at.subtask = None)>
                    <span aria-hidden="true">"✕"</span><span class="visually-hidden">"Close"</span>
                </a>
            </Show>
            {body}
        </aside>
    }
}

/// Whether what is in the drawer is downloaded; it is when the first page of all opens with a subtask.
fn loaded(id: Memo<Option<Uuid>>) -> ReadSignal<bool> {
    let first = use_clock().glance().is_none();
    let (loaded, set_loaded) = signal(first && id.read_untracked().is_some());
    Effect::new(move |_| {
        if id.read().is_some() && !loaded.get_untracked() {
            spawn_local(async move {
                split::load_panel().await;
                set_loaded.try_set(true);
            });
        }
    });
    loaded
}

/// The keyboard goes into the drawer when it opens, and back to what opened it when it closes.
fn keep_focus(id: Memo<Option<Uuid>>) {
    Effect::new(move |before: Option<Option<Uuid>>| {
        let now = id.get();
        match (before, now) {
            (Some(before), Some(now)) if before != Some(now) => {
                browser::focus("drawer");
            }
            // What opened it may be out of sight, and so out of the document.
            (Some(Some(before)), None) => {
                let _ = browser::focus(&format!("open-{before}")) || browser::focus("main");
            }
            _ => {}
        }
        now
    });
}

/// What is in the drawer: one subtask, once it is read.
#[component]
pub fn Panel(
    /// The session.
    board: Board,
    /// The subtask.
    id: Uuid,
    /// Where the visitor is.
    place: Place,
    /// The subtask that came with the page, as JSON.
    first: StoredValue<Option<String>>,
) -> impl IntoView {
    // Once: when the visitor comes back to it, it is old.
    let first = first.try_update_value(Option::take).flatten();
    let first = first.and_then(|text| serde_json::from_str::<SubtaskView>(&text).ok());
    let view = RwSignal::new(first.filter(|view| view.row.id == id));
    let refused = stay_fresh(&board, id, view);
    let there = Memo::new(move |_| view.read().is_some());
    move || {
        if there.get() {
            let first = view.get_untracked()?;
            let read = Signal::derive(move || view.get().unwrap_or_else(|| first.clone()));
            return Some(view! { <Subtask board=board.clone() view=read place/> }.into_any());
        }
        Some(match refused.get() {
            Some(error) => view! { <ProblemView error/> }.into_any(),
            None => view! { <Waiting/> }.into_any(),
        })
    }
}

#[component]
fn Subtask(board: Board, view: Signal<SubtaskView>, place: Place) -> impl IntoView {
    let id = view.read_untracked().row.id;
    // The board's own row when it has one: events move it without a reading.
    let loaded = board.row(id);
    let row = loaded.map_or_else(
        || {
            let row = RwSignal::new(view.read_untracked().row.clone());
            Effect::new(move |_| row.set(view.read().row.clone()));
            row
        },
        RwSignal::from,
    );
    let status = Memo::new(move |_| row.read().status);
    let Row { agent_type, batch_id, wave_number, .. } = row.get_untracked();
    let SubtaskView { description, task_id, scope, .. } = view.get_untracked();
    let summary = Memo::new(move |_| view.read().summary.clone());
    let files = Memo::new(move |_| view.read().files.clone());
    let result = Memo::new(move |_| view.read().result.clone());
    let ran = move || {
        let row = row.read();
        duration_ms(row.started_at, row.completed_at).map(|ms| format!("ran for {}", duration(ms)))
    };
    let curl = Signal::derive(move || {
        format!(
            "curl -X PATCH {}/api/subtasks/{id} \\\n  -H 'Content-Type: application/json' \\\n  -d '{{\"status\": \"completed\", \"result\": {{\"summary\": \"…\", \"files\": []}}}}'",
            browser::origin()
        )
    });
    view! {
        <header class="drawer-head">
            <p class="crumb">
                {format!("Wave {wave_number} / ")}
                <a href=paths::batch(batch_id)>{format!("Batch {}", short(batch_id))}</a>
            </p>
            <h2><bdi>{agent_type.clone()}</bdi></h2>
            <p class="id num">{id.to_string()}</p>
            {task_id.map(|task| view! { <p class="hint">"task_id "<bdi>{task}</bdi></p> })}
        </header>
        <div class="drawer-state">
            <Status mark=Signal::derive(move || Mark::from(status.get()))/>
            <span class="num"><Elapsed row/></span>
            <span class="hint">{move || match row.read().retry_count { 0 => String::new(), n => count(n, "retry", "retries") }}</span>
        </div>
        <Links board=board.clone() row place/>
        <Steps board=board.clone() row reported=Signal::derive(move || result.read().is_some())/>
        <section>
            <h3>"Description"</h3>
            <p class="drawer-text" dir="auto" data-testid="description">{description.clone()}</p>
        </section>
        <Bounds scope=scope.clone()/>
        {move || summary.get().map(|summary| view! {
            <section>
                <h3>"Summary"</h3>
                <p class="drawer-text" dir="auto" data-testid="result-summary">{summary}</p>
            </section>
        })}
        {move || {
            let files = files.get();
            (!files.is_empty()).then(|| view! {
                <section>
                    <h3>"Files reported"</h3>
                    <ul class="files">{files.into_iter().map(|file| view! { <li><bdi>{file}</bdi></li> }).collect_view()}</ul>
                </section>
            })
        }}
        {move || result.get().map(|text| view! {
            <section>
                <h3>"Result"</h3>
                <JsonTree text/>
            </section>
        })}
        <Attempts view/>
        <Log view/>
        <Prompt session=board.session_id.clone() wave=wave_number agent_type description scope/>
        <section>
            <h3>"Times"</h3>
            <dl class="drawer-facts">
                <div><dt>"Submitted"</dt><dd><TimeTag at=Signal::derive(move || row.read().created_at)/></dd></div>
                {move || row.read().started_at.map(|at| view! { <div><dt>"Started"</dt><dd><TimeTag at=Signal::stored(at)/></dd></div> })}
                {move || row.read().completed_at.map(|at| view! { <div><dt>"Ended"</dt><dd><TimeTag at=Signal::stored(at)/>" "<span class="hint">{ran}</span></dd></div> })}
                {move || view.read().spent.clone().map(|text| view! { <div><dt>"Spent"</dt><dd class="num">{text}</dd></div> })}
                {move || row.read().agent_id.clone().map(|agent| view! { <div><dt>"Agent"</dt><dd><bdi>{agent}</bdi></dd></div> })}
            </dl>
            <CopyButton text=curl what="curl call"/>
        </section>
    }
}

/// Where it may work.
#[component]
fn Bounds(scope: Scope) -> impl IntoView {
    let Scope { target_files, target_directories, max_files, forbidden_actions } = scope;
    let places = target_files
        .into_iter()
        .chain(target_directories.iter().map(|it| format!("{}/", it.trim_end_matches('/'))));
    let places: Vec<String> = places.collect();
    let limit = max_files.map(|most| count(most, "file at most", "files at most"));
    let never =
        (!forbidden_actions.is_empty()).then(|| format!("Never: {}", forbidden_actions.join(", ")));
    let hints: Vec<String> = limit.into_iter().chain(never).collect();
    (!places.is_empty() || !hints.is_empty()).then(|| view! {
        <section data-testid="bounds">
            <h3>"May touch"</h3>
            <ul class="files">{places.into_iter().map(|place| view! { <li><bdi>{place}</bdi></li> }).collect_view()}</ul>
            {hints.into_iter().map(|hint| view! { <p class="hint">{hint}</p> }).collect_view()}
        </section>
    })
}

/// Reads the subtask, and afresh when something happens to it and whenever the line is up again. Says
/// why when it cannot be read at all.
fn stay_fresh(
    board: &Board,
    id: Uuid,
    view: RwSignal<Option<SubtaskView>>,
) -> ReadSignal<Option<AppError>> {
    let (refused, refuse) = signal(None);
    let channel = format!("sessions/{}", board.session_id);
    let minute = super::minutes(use_clock());
    Effect::new(move |_| {
        let refresher = Refresher::new(PAUSE, move || async move {
            match subtask_view(id).await {
                Ok(fresh) => {
                    view.try_set(Some(fresh));
                }
                // When it was there, the badge says that the page is stale.
                Err(error) => {
                    refuse.try_set(Some(error));
                }
            }
        });
        if view.read_untracked().is_none() {
            refresher.now();
        }
        // An agent that falls silent sends no event that says so.
        let each_minute = refresher.clone();
        Effect::new(move |before: Option<()>| {
            minute.track();
            if before.is_some() {
                each_minute.ask();
            }
        });
        let about = id.to_string();
        follow(channel.clone(), None, move |heard| match heard {
            Heard::Event(event) if event.data["subtask_id"].as_str() != Some(about.as_str()) => {}
            _ => refresher.ask(),
        });
    });
    refused
}
