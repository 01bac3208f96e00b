//! What the pages read: the engine's answers cut down to what a screen shows, because all of it
//! travels twice, as HTML and as the data that hydrates it.

use domain::{
    Time,
    batch::Batch,
    dto::{ConflictReport, SessionDetail},
    subtask::{Subtask, SubtaskStatus},
    synthesis::Synthesis,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::format::clipped;

/// Most subtasks that one request for a wave or a batch reads.
pub const ROWS_PER_READ: usize = 200;
/// Most subtasks that a session's first paint shows over all its waves.
pub const ROWS_PER_PAGE: usize = 1_000;
/// Longest description in a row; characters.
const DESCRIPTION: usize = 280;
/// Longest summary of a result; characters.
const SUMMARY: usize = 1_000;
/// Most results, files or conflicts of a synthesis that a page shows.
const ENTRIES: usize = 500;

/// A subtask in a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The subtask.
    pub id: Uuid,
    /// Its batch.
    pub batch_id: Uuid,
    /// Its wave.
    pub wave_number: i32,
    /// Who does it.
    pub agent_type: String,
    /// The agent that works or worked on it.
    pub agent_id: Option<String>,
    /// What is to be done, clipped.
    pub description: String,
    /// Where it stands.
    pub status: SubtaskStatus,
    /// 1–10, higher first.
    pub priority: i32,
    /// Whether its failure leaves the wave standing.
    pub optional: bool,
    /// How many subtasks must complete first.
    pub blockers: i32,
    /// How many of them have not.
    pub open_blockers: i32,
    /// How often it was tried again.
    pub retry_count: i32,
    /// When it started.
    pub started_at: Option<Time>,
    /// When it ended.
    pub completed_at: Option<Time>,
}

impl From<&Subtask> for Row {
    fn from(subtask: &Subtask) -> Self {
        Self {
            id: subtask.id,
            batch_id: subtask.batch_id,
            wave_number: subtask.wave_number,
            agent_type: subtask.agent_type.clone(),
            agent_id: subtask.agent_id.clone(),
            description: clipped(&subtask.description, DESCRIPTION),
            status: subtask.status,
            priority: subtask.priority,
            optional: subtask.optional,
            blockers: i32::try_from(subtask.blocked_by.len()).unwrap_or(i32::MAX),
            open_blockers: subtask.open_blockers,
            retry_count: subtask.retry_count,
            started_at: subtask.started_at,
            completed_at: subtask.completed_at,
        }
    }
}

/// Some subtasks of a wave, oldest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WaveRows {
    /// The wave.
    pub wave_number: i32,
    /// The subtasks.
    pub rows: Vec<Row>,
    /// Where to read on.
    pub cursor: Option<String>,
    /// Whether these are all.
    pub complete: bool,
}

/// A session's page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SessionView {
    /// The session with its waves and batches.
    pub detail: SessionDetail,
    /// Subtasks of its waves.
    pub waves: Vec<WaveRows>,
}

/// A batch's page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BatchView {
    /// The batch.
    pub batch: Batch,
    /// Its first subtasks.
    pub rows: Vec<Row>,
    /// What came of it so far, clipped.
    pub synthesis: Synthesis,
    /// How many files it changed.
    pub files_changed: i32,
    /// What clashes, clipped.
    pub report: ConflictReport,
}

impl BatchView {
    /// Cut to what the page shows.
    #[must_use]
    pub fn new(
        batch: Batch,
        subtasks: &[Subtask],
        mut synthesis: Synthesis,
        mut report: ConflictReport,
    ) -> Self {
        let files_changed = i32::try_from(synthesis.files_changed.len()).unwrap_or(i32::MAX);
        // The report says the same.
        synthesis.conflicts = Vec::new();
        synthesis.files_changed.truncate(ENTRIES);
        synthesis.results.truncate(ENTRIES);
        for result in &mut synthesis.results {
            result.summary = clipped(&result.summary, SUMMARY);
            result.files.truncate(ENTRIES);
        }
        report.conflicts.truncate(ENTRIES);
        Self {
            batch,
            rows: subtasks.iter().take(ENTRIES).map(Row::from).collect(),
            synthesis,
            files_changed,
            report,
        }
    }
}

/// The order in which waves get their share of [`ROWS_PER_PAGE`]: what runs, what comes next, then
/// the past from its end.
#[cfg(feature = "ssr")]
#[must_use]
pub(crate) fn reading_order(waves: &[domain::wave::Wave]) -> Vec<&domain::wave::Wave> {
    use domain::wave::WaveStatus;
    let mut order: Vec<_> = waves.iter().collect();
    order.sort_by_key(|wave| match wave.status {
        WaveStatus::Running => (0, 0),
        WaveStatus::Pending => (1, wave.wave_number),
        WaveStatus::Completed | WaveStatus::Failed => (2, -wave.wave_number),
    });
    order
}
