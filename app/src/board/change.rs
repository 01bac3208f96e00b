//! What events say, as data: the fields of `domain::event::NewEvent` that the page shows.

use domain::{
    Time,
    subtask::SubtaskStatus,
    wave::{Wave, WaveStatus},
};
use serde::Deserialize;
use uuid::Uuid;

use crate::views::Row;

/// `subtask.updated`.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct RowChange {
    pub subtask_id: Uuid,
    pub wave_number: i32,
    pub status: SubtaskStatus,
    agent_id: Option<String>,
    priority: i32,
    open_blockers: i32,
    retry_count: i32,
    started_at: Option<Time>,
    completed_at: Option<Time>,
}

impl RowChange {
    /// Everything that the event says is how it now is.
    pub fn apply(self, row: &mut Row) {
        row.agent_id = self.agent_id;
        row.status = self.status;
        row.priority = self.priority;
        row.open_blockers = self.open_blockers;
        row.blockers = row.blockers.max(self.open_blockers);
        row.retry_count = self.retry_count;
        row.started_at = self.started_at;
        row.completed_at = self.completed_at;
    }
}

/// Any `wave.*`.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct WaveChange {
    #[serde(alias = "to")]
    pub wave_number: i32,
    status: WaveStatus,
    name: Option<String>,
    total_tasks: Option<i32>,
    completed_tasks: Option<i32>,
    failed_tasks: Option<i32>,
}

impl WaveChange {
    /// Everything that the event says is how it now is; `at` is when it happened.
    pub fn apply(self, wave: &mut Wave, at: Time) {
        wave.status = self.status;
        wave.name = self.name.or_else(|| wave.name.take());
        wave.total_tasks = self.total_tasks.unwrap_or(wave.total_tasks);
        wave.completed_tasks = self.completed_tasks.unwrap_or(wave.completed_tasks);
        wave.failed_tasks = self.failed_tasks.unwrap_or(wave.failed_tasks);
        match self.status {
            WaveStatus::Pending => {}
            WaveStatus::Running => {
                wave.started_at = wave.started_at.or(Some(at));
                wave.completed_at = None;
            }
            WaveStatus::Completed | WaveStatus::Failed => wave.completed_at = Some(at),
        }
    }
}

/// `batch.created` and `batch.completed`.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct BatchChange {
    pub batch_id: Uuid,
    pub wave_number: i32,
    pub total_tasks: i32,
    #[serde(default)]
    pub completed_tasks: i32,
    #[serde(default)]
    pub failed_tasks: i32,
    pub outcome: Option<domain::batch::BatchOutcome>,
}
