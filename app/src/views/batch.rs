//! A batch's page.

use domain::{batch::Batch, dto::ConflictReport, subtask::Subtask, synthesis::Synthesis};
use serde::{Deserialize, Serialize};

use super::{ENTRIES, Row, SUMMARY};
use crate::format::clipped;

/// A batch's page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BatchView {
    /// The batch.
    pub batch: Batch,
    /// Its subtasks, or the first of them.
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
        all: bool,
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
            rows: subtasks
                .iter()
                .take(if all { usize::MAX } else { ENTRIES })
                .map(Row::from)
                .collect(),
            synthesis,
            files_changed,
            report,
        }
    }
}
