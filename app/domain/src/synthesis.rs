//! The synthesis: a wave's results, small enough for the next wave's prompt (specification,
//! "Complete Batch").

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    batch::{Batch, BatchOutcome},
    conflict::{Actions, Conflict, conflicts, normalise_path, reported_files, touched_files},
    graph::Graph,
    planner::estimate_tokens,
    subtask::{Subtask, SubtaskStatus},
    usage::Usage,
    wave::Wave,
};

/// What came of one subtask.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SubtaskOutcome {
    /// The agent type.
    pub agent: String,
    /// The agent that did it.
    pub agent_id: Option<String>,
    /// The subtask.
    pub subtask_id: Uuid,
    /// Where it stands.
    pub status: SubtaskStatus,
    /// The files it reports.
    pub files: Vec<String>,
    /// Its own summary, else its description.
    pub summary: String,
    /// Milliseconds from start to end; none when it never started.
    pub duration_ms: Option<i64>,
    /// What it reports beside what its recorded actions wrote; none when none were recorded, unless it worked
    /// under a lease (extension).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
}

/// The files that a subtask reports, held against those that its recorded actions wrote (extension).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Evidence {
    /// Reported, and written by an action.
    pub verified: Vec<String>,
    /// Reported, but no action wrote them.
    pub unverified: Vec<String>,
    /// Written by an action, but not reported.
    pub unreported: Vec<String>,
}

/// Numbers over a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Stats {
    /// Subtasks.
    pub total_tasks: i32,
    /// Completed ones.
    pub completed: i32,
    /// Failed ones.
    pub failed: i32,
    /// Distinct files touched.
    pub files_modified: i32,
    /// Mean over the subtasks with both times, rounded; milliseconds.
    pub avg_duration_ms: i64,
    /// Their sum; milliseconds.
    pub total_duration_ms: i64,
    /// What the batch cost (extension).
    #[serde(default, skip_serializing_if = "Usage::is_nothing")]
    pub usage: Usage,
}

/// The results of a batch, folded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Synthesis {
    /// One sentence.
    pub summary: String,
    /// One entry a subtask, by priority, then age.
    pub results: Vec<SubtaskOutcome>,
    /// What clashes.
    pub conflicts: Vec<Conflict>,
    /// Every file touched, sorted.
    pub files_changed: Vec<String>,
    /// Whether the whole wave is done, so that the next one may start.
    pub next_wave_ready: bool,
    /// Why not, in sentences (extension).
    pub blockers: Vec<String>,
    /// An estimate: 500 a file and 200 a completed subtask.
    pub tokens_saved: i64,
    /// Tokens of the full results less tokens of this synthesis, never below 0 (extension).
    pub tokens_saved_measured: i64,
    /// Numbers.
    pub stats: Stats,
    /// How the batch ended; none while subtasks are open (extension).
    pub outcome: Option<BatchOutcome>,
}

/// Everything a synthesis is made of.
#[derive(Debug)]
pub struct Material<'a> {
    /// The wave with its counters.
    pub wave: &'a Wave,
    /// The batch with its counters.
    pub batch: &'a Batch,
    /// Its subtasks, in any order.
    pub subtasks: &'a [Subtask],
    /// What recorded actions did.
    pub actions: &'a Actions,
    /// The subtasks and everything they wait for.
    pub graph: &'a Graph,
}

/// Folds a batch into its synthesis.
#[must_use]
pub fn synthesize(material: &Material<'_>) -> Synthesis {
    let Material { wave, batch, subtasks, actions, graph } = material;
    let mut ordered: Vec<&Subtask> = subtasks.iter().collect();
    ordered.sort_unstable_by_key(|subtask| (-subtask.priority, subtask.id));

    let results: Vec<SubtaskOutcome> =
        ordered.iter().map(|subtask| outcome(subtask, actions)).collect();
    let conflicts = conflicts(subtasks, actions, graph);
    let files_changed: Vec<String> = ordered
        .iter()
        .flat_map(|subtask| touched_files(subtask, actions))
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    let durations: Vec<i64> = results.iter().filter_map(|result| result.duration_ms).collect();
    let total_duration_ms: i64 = durations.iter().sum();
    let counted = i64::try_from(durations.len()).unwrap_or(i64::MAX);
    let files = i32::try_from(files_changed.len()).unwrap_or(i32::MAX);
    let stats = Stats {
        total_tasks: batch.total_tasks,
        completed: batch.completed_tasks,
        failed: batch.failed_tasks,
        files_modified: files,
        // Rounded half up; durations are never negative.
        avg_duration_ms: if counted == 0 { 0 } else { (total_duration_ms + counted / 2) / counted },
        total_duration_ms,
        usage: subtasks.iter().fold(Usage::default(), |sum, subtask| sum + subtask.usage),
    };
    let mut synthesis = Synthesis {
        summary: format!(
            "Wave {}: {}/{} tasks completed. {} files modified, {} conflicts.",
            batch.wave_number,
            stats.completed,
            stats.total_tasks,
            files,
            conflicts.len()
        ),
        results,
        conflicts,
        files_changed,
        next_wave_ready: wave.is_ready_for_next(),
        blockers: wave.blockers(),
        tokens_saved: 500 * i64::from(files) + 200 * i64::from(stats.completed),
        tokens_saved_measured: 0,
        stats,
        outcome: (batch.open_tasks() == 0)
            .then(|| Batch::outcome_of(batch.total_tasks, batch.failed_tasks)),
    };
    let full: i64 = ordered
        .iter()
        .filter_map(|subtask| subtask.result.as_ref())
        .map(|result| i64::from(estimate_tokens(result.as_str())))
        .sum();
    let folded =
        serde_json::to_string(&synthesis).map_or(0, |text| i64::from(estimate_tokens(&text)));
    synthesis.tokens_saved_measured = (full - folded).max(0);
    synthesis
}

fn outcome(subtask: &Subtask, actions: &Actions) -> SubtaskOutcome {
    let summary = subtask
        .result
        .as_ref()
        .and_then(|result| {
            result.parse().get("summary").and_then(|value| value.as_str().map(str::to_owned))
        })
        .filter(|summary| !summary.trim().is_empty());
    let files = reported_files(subtask);
    let written = actions.get(&subtask.id).map_or(&[][..], |recorded| &recorded.files);
    // Who works without a lease may well record nothing; who has one, keeps it by recording.
    let is_known = !written.is_empty() || !files.is_empty() && subtask.lease_token.is_some();
    SubtaskOutcome {
        evidence: is_known.then(|| evidence(&files, written)),
        agent: subtask.agent_type.clone(),
        agent_id: subtask.agent_id.clone(),
        subtask_id: subtask.id,
        status: subtask.status,
        files,
        summary: summary.unwrap_or_else(|| subtask.description.clone()),
        duration_ms: subtask.duration_ms(),
    }
}

fn evidence(reported: &[String], written: &[String]) -> Evidence {
    let written: BTreeSet<String> = written.iter().map(|path| normalise_path(path)).collect();
    let (verified, unverified): (Vec<String>, Vec<String>) =
        reported.iter().cloned().partition(|file| written.contains(file));
    let unreported = written.into_iter().filter(|file| !reported.contains(file)).collect();
    Evidence { verified, unverified, unreported }
}
