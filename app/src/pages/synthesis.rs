//! What came of a batch, to be read by people.

use domain::{
    conflict::{Conflict, ConflictKind, Severity},
    dto::ConflictReport,
    synthesis::{Evidence, SubtaskOutcome, Synthesis},
};
use leptos::prelude::*;
use uuid::Uuid;

use crate::{
    components::{JsonTree, Mark, ProblemView, Status},
    format::{count, duration, grouped},
    paths::short,
    server_fns::batch_synthesis,
};

/// The synthesis: in one sentence, by subtask, by file, and whether the next wave may start.
#[component]
pub fn SynthesisView(
    /// What came of the batch so far.
    synthesis: Memo<Synthesis>,
    /// How many files it changed.
    #[prop(into)]
    files: Signal<i32>,
    /// The batch.
    batch: Uuid,
) -> impl IntoView {
    let saved = move || {
        let synthesis = synthesis.read();
        format!(
            "{} (measured {})",
            grouped(synthesis.tokens_saved),
            grouped(synthesis.tokens_saved_measured)
        )
    };
    // What has not ended is in the table of subtasks, and has no result.
    let ended = Memo::new(move |_| {
        let ended = |result: &&SubtaskOutcome| result.status.is_terminal();
        synthesis.read().results.iter().filter(ended).cloned().collect::<Vec<_>>()
    });
    let ended = move || ended.get();
    // Whole, where the rest of the page has it cut; large and seldom wanted, so read when it is opened.
    let (opened, whole) = (RwSignal::new(false), RwSignal::new(None));
    Effect::new(move |_| {
        synthesis.track();
        if opened.get() {
            leptos::task::spawn_local(async move {
                let read = batch_synthesis(batch).await;
                whole.try_set(Some(read));
            });
        }
    });
    let json = move || {
        whole.get().map(|read| match read {
            Ok(text) => view! { <JsonTree text/> }.into_any(),
            Err(error) => view! { <ProblemView error/> }.into_any(),
        })
    };
    view! {
        <section class="panel" aria-labelledby="synthesis-title" data-testid="synthesis">
            <div class="page-head">
                <h2 id="synthesis-title">"Synthesis"</h2>
                <a class="button quiet" rel="external" download=format!("{}.json", short(batch)) data-testid="export-json"
                    href=format!("/api/orchestration/synthesis/{batch}")>"JSON"</a>
                <a class="button quiet" rel="external" download=format!("{}.md", short(batch)) data-testid="export-markdown"
                    href=format!("/api/orchestration/synthesis/{batch}?format=markdown")>"Markdown"</a>
            </div>
            <p class="lead" data-testid="summary">{move || synthesis.read().summary.clone()}</p>
            <dl class="facts">
                <div>
                    <dt>"Next wave"</dt>
                    <dd data-testid="next-wave">{move || if synthesis.read().next_wave_ready { "may start" } else { "not yet" }}</dd>
                </div>
                <div><dt>"Tokens saved"</dt><dd class="num">{saved}</dd></div>
                <div><dt>"Files changed"</dt><dd class="num">{move || files.get()}</dd></div>
                <div><dt>"Mean duration"</dt><dd class="num">{move || duration(synthesis.read().stats.avg_duration_ms)}</dd></div>
            </dl>
            {move || list(synthesis.read().blockers.clone(), "blockers", "What stands in the way")}
            <h3>"Results"</h3>
            <Show when=move || !ended().is_empty() fallback=|| view! { <p class="hint">"Nothing has ended yet."</p> }>
                <ul class="results">
                    {move || ended().into_iter().map(|result| view! { <Outcome result/> }).collect_view()}
                </ul>
            </Show>
            {move || list(synthesis.read().files_changed.clone(), "files", "Files changed")}
            <details class="json-whole" data-testid="synthesis-json" on:toggle=move |_| opened.set(true)>
                <summary>"As JSON, as agents read it"</summary>
                {json}
            </details>
        </section>
    }
}

#[component]
fn Outcome(result: SubtaskOutcome) -> impl IntoView {
    let mark = Mark::from(result.status);
    view! {
        <li class="result">
            <p class="result-head">
                <Status mark=Signal::stored(mark)/>
                <bdi class="agent">{result.agent}</bdi>
                <span class="num">{result.duration_ms.map(duration)}</span>
                <span class="hint">{short(result.subtask_id)}</span>
            </p>
            <p class="result-text" dir="auto">{result.summary}</p>
            {list(result.files, "files", "")}
            {result.evidence.map(|it| view! { <Backing evidence=it/> })}
        </li>
    }
}

/// What of its report is backed by what was recorded.
#[component]
fn Backing(evidence: Evidence) -> impl IntoView {
    let Evidence { verified, unverified, unreported } = evidence;
    let all = i32::try_from(verified.len() + unverified.len()).unwrap_or(i32::MAX);
    let said = format!(
        "{} of {} backed by recorded actions.",
        verified.len(),
        count(all, "file", "files")
    );
    view! {
        <p class="hint" data-testid="evidence">{said}</p>
        {list(unverified, "files is-unverified", "Reported, not recorded")}
        {list(unreported, "files is-unverified", "Recorded, not reported")}
    }
}

/// Lines of text under a heading; nothing when there are none.
fn list(lines: Vec<String>, class: &'static str, heading: &'static str) -> impl IntoView {
    (!lines.is_empty()).then(|| {
        let heading = (!heading.is_empty()).then(|| view! { <h3>{heading}</h3> });
        let lines =
            lines.into_iter().map(|line| view! { <li><bdi>{line}</bdi></li> }).collect_view();
        view! { {heading} <ul class=class>{lines}</ul> }
    })
}

/// The conflicts of a batch, each with those in it side by side.
#[component]
pub fn Conflicts(
    /// What clashes.
    report: Memo<ConflictReport>,
    /// What came of the batch so far.
    synthesis: Memo<Synthesis>,
    /// Where more is said of a subtask.
    href: Callback<Uuid, String>,
) -> impl IntoView {
    let items = move || {
        let synthesis = synthesis.read();
        let item = |conflict: &Conflict| {
            let sides = conflict.subtask_ids.iter().map(|id| {
                let outcome = synthesis.results.iter().find(|result| result.subtask_id == *id);
                (*id, outcome.cloned())
            });
            view! { <ConflictItem conflict=conflict.clone() sides=sides.collect() href/> }
        };
        report.read().conflicts.iter().map(item).collect_view()
    };
    view! {
        <section class="panel" aria-labelledby="conflicts-title" data-testid="conflicts">
            <h2 id="conflicts-title">
                {move || match report.read().conflict_count {
                    0 => "No conflicts".to_owned(),
                    n => count(n, "conflict", "conflicts"),
                }}
            </h2>
            <ul class="conflicts">{items}</ul>
        </section>
    }
}

#[component]
fn ConflictItem(
    conflict: Conflict,
    sides: Vec<(Uuid, Option<SubtaskOutcome>)>,
    href: Callback<Uuid, String>,
) -> impl IntoView {
    let (class, word) = match conflict.severity {
        Severity::Low => ("conflict is-low", "low"),
        Severity::High => ("conflict is-high", "high"),
        Severity::Critical => ("conflict is-critical", "critical"),
    };
    let kind = match conflict.kind {
        ConflictKind::FileConflict => "Same file",
        ConflictKind::DependencyConflict => "Stranded",
        ConflictKind::ScopeViolation => "Beyond its scope",
    };
    let side = move |(id, outcome): (Uuid, Option<SubtaskOutcome>)| {
        let said = outcome.map(|outcome| {
            view! {
                <Status mark=Signal::stored(Mark::from(outcome.status))/>
                <bdi class="agent">{outcome.agent}</bdi>
                <p class="result-text" dir="auto">{outcome.summary}</p>
            }
        });
        view! {
            <li class="side" data-testid="side">
                {said}
                <a href=href.run(id)>{format!("Subtask {}", short(id))}</a>
            </li>
        }
    };
    view! {
        <li class=class data-testid="conflict" data-severity=word>
            <p class="conflict-head"><strong>{kind}</strong><span class="tag">{word}</span></p>
            <p dir="auto">{conflict.description}</p>
            <ul class="sides" aria-label="Those in it">{sides.into_iter().map(side).collect_view()}</ul>
        </li>
    }
}
