//! `/batches/{id}`: a batch with its subtasks, and what came of them.

use std::time::Duration;

use domain::batch::BatchStatus;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::{use_params_map, use_query_map};
use uuid::Uuid;

use super::{
    session::complete,
    synthesis::{Conflicts, SynthesisView},
};
use crate::{
    board::RowEntry,
    components::{
        ActionButton, Mark, ProblemView, Progress, Status, SubtaskTable, TimeTag, WaitingPage,
    },
    desk::use_desk,
    live::{Refresher, follow},
    paths,
    server_fns::{Step, batch_view, take_step},
    views::{BatchView, Row},
};

/// How often the batch is read afresh at most.
const PAUSE: Duration = Duration::from_millis(400);

/// One batch.
#[component]
pub fn BatchPage() -> impl IntoView {
    let (params, query) = (use_params_map(), use_query_map());
    let asked = Memo::new(move |_| {
        let all = query.read().get("subtasks").is_some_and(|it| it == "all");
        (params.read().get("id").unwrap_or_default(), all)
    });
    let batch = Resource::new(move || asked.get(), |(id, all)| batch_view(id, all));
    view! {
        <Transition fallback=|| view! { <WaitingPage/> }>
            {move || Suspend::new(async move {
                match batch.await {
                    Ok(view) => view! { <BatchBody view all=asked.get_untracked().1/> }.into_any(),
                    Err(error) => view! { <ProblemView error/> }.into_any(),
                }
            })}
        </Transition>
    }
}

#[component]
fn BatchBody(view: BatchView, all: bool) -> impl IntoView {
    let desk = use_desk();
    let busy = RwSignal::new(false);
    let id = view.batch.id;
    let entries = ArcRwSignal::new(Vec::new());
    merge(&entries, &view.rows);
    let view = ArcRwSignal::new(view);
    stay_fresh(&view, &entries, all);
    let (view, rows) = (RwSignal::from(view), RwSignal::from(entries));

    let batch = Memo::new(move |_| view.read().batch.clone());
    let status = Memo::new(move |_| batch.read().status);
    let synthesis = Memo::new(move |_| view.read().synthesis.clone());
    let conflicts = Memo::new(move |_| view.read().report.clone());
    let on_retry = Callback::new(move |id: Uuid| {
        desk.attempt(busy, take_step(String::new(), Step::Retry(id)))
    });
    let on_complete =
        Callback::new(move |()| complete(desk, busy, id, Some(&*batch.read_untracked())));
    let on_cancel = Callback::new(move |()| {
        desk.ask(
            "Cancel this batch?".to_owned(),
            "What has not ended fails, and its agents are told to stop.".to_owned(),
            "Cancel it",
            move || desk.attempt(busy, take_step(String::new(), Step::CancelBatch(id))),
        );
    });
    let open = move || {
        let batch = batch.read();
        batch.total_tasks > batch.completed_tasks + batch.failed_tasks
    };
    let total = move || batch.read().total_tasks;
    let session = batch.read_untracked().session_id.clone();
    let href = {
        let session = session.clone();
        Callback::new(move |id| paths::subtask(&session, id))
    };
    view! {
        <Title text=format!("Batch {}", paths::short(id))/>
        <div class="page-head">
            <div class="page-title">
                <p class="crumb">
                    <a href="/">"Sessions"</a>" / "
                    <a href=paths::session(&session) rel=paths::rel(&session) data-testid="session-link"><bdi>{session.clone()}</bdi></a>
                    {format!(" / Wave {}", batch.read_untracked().wave_number)}
                </p>
                <h1>{format!("Batch {}", paths::short(id))}</h1>
                <p class="id num">{id.to_string()}</p>
            </div>
            <Status mark=Signal::derive(move || Mark::from(status.get()))/>
            <Show when=open>
                <ActionButton label="Cancel batch" look="quiet" on_press=on_cancel busy testid="cancel-batch"/>
            </Show>
            <Show when=move || status.get() != BatchStatus::Completed>
                <ActionButton label="Complete batch" look="primary" on_press=on_complete busy testid="complete-batch"/>
            </Show>
        </div>
        <dl class="facts">
            <div><dt>"Subtasks"</dt><dd class="num" data-testid="total">{total}</dd></div>
            <div><dt>"Completed"</dt><dd class="num" data-testid="completed">{move || batch.read().completed_tasks}</dd></div>
            <div class:is-failed=move || { batch.read().failed_tasks > 0 }>
                <dt>"Failed"</dt><dd class="num" data-testid="failed">{move || batch.read().failed_tasks}</dd>
            </div>
            <div><dt>"Submitted"</dt><dd class="num"><TimeTag at=Signal::derive(move || batch.read().created_at)/></dd></div>
        </dl>
        <Progress
            total=Signal::derive(total)
            completed=Signal::derive(move || batch.read().completed_tasks)
            failed=Signal::derive(move || batch.read().failed_tasks)
        />
        <section class="panel" aria-labelledby="subtasks-title">
            <h2 id="subtasks-title">"Subtasks"</h2>
            <SubtaskTable caption="Subtasks of this batch" rows href rel=paths::rel(&session) on_retry busy/>
            <Show when=move || usize::try_from(total()).is_ok_and(|total| rows.read().len() < total)>
                <p class="hint">
                    {move || format!("The first {} of {} are shown. ", rows.read().len(), total())}
                    <a href="?subtasks=all" data-noscroll="" data-testid="all-subtasks">"Show all"</a>
                </p>
            </Show>
        </section>
        <Conflicts report=conflicts synthesis href/>
        <SynthesisView synthesis files=Signal::derive(move || view.read().files_changed) batch=id/>
    }
}

/// Reads the batch afresh when something happens in it, and whenever the line is up again.
fn stay_fresh(view: &ArcRwSignal<BatchView>, entries: &ArcRwSignal<Vec<RowEntry>>, all: bool) {
    let id = view.read_untracked().batch.id;
    let (view, entries) = (view.clone(), entries.clone());
    Effect::new(move |_| {
        let (view, entries) = (view.clone(), entries.clone());
        let refresher = Refresher::new(PAUSE, move || {
            let (view, entries) = (view.clone(), entries.clone());
            async move {
                // When it fails, the badge says that the page is stale.
                if let Ok(fresh) = batch_view(id.to_string(), all).await {
                    merge(&entries, &fresh.rows);
                    view.set(fresh);
                }
            }
        });
        follow(format!("batches/{id}"), None, move |_| refresher.ask());
    });
}

/// Takes over a newer reading, row by row. A batch never gets other subtasks than it was made of.
fn merge(entries: &ArcRwSignal<Vec<RowEntry>>, rows: &[Row]) {
    let known = entries.get_untracked();
    if known.is_empty() {
        entries.set(
            rows.iter()
                .map(|row| RowEntry { id: row.id, row: ArcRwSignal::new(row.clone()) })
                .collect(),
        );
        return;
    }
    for (at, entry) in known.into_iter().enumerate() {
        // Mostly where it was: a look at each of thousands for each of them would be millions.
        let there = rows.get(at).filter(|row| row.id == entry.id);
        match there.or_else(|| rows.iter().find(|row| row.id == entry.id)) {
            Some(row) if *entry.row.read_untracked() != *row => entry.row.set(row.clone()),
            _ => {}
        }
    }
}
