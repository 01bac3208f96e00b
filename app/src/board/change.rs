//! What events say, as data: the fields of `domain::event::NewEvent` that the page shows.
//!
//! Read by hand: what serde makes of each struct is code to download.

use domain::{
    Time,
    batch::BatchOutcome,
    json::Moment,
    subtask::SubtaskStatus,
    wave::{Wave, WaveStatus},
};
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use crate::views::Row;

fn text<'a>(data: &'a Value, name: &str) -> Option<&'a str> {
    data[name].as_str()
}

fn number(data: &Value, name: &str) -> Option<i32> {
    i32::try_from(data[name].as_i64()?).ok()
}

fn id(data: &Value, name: &str) -> Option<Uuid> {
    text(data, name)?.parse().ok()
}

fn ids(data: &Value, name: &str) -> Option<Vec<Uuid>> {
    data[name].as_array()?.iter().map(|id| id.as_str()?.parse().ok()).collect()
}

/// `Some(None)` when there is none, `None` when it cannot be read.
fn time(data: &Value, name: &str) -> Option<Option<Time>> {
    Moment::read(&data[name])
}

/// `subtask.updated`.
#[derive(Clone, Debug)]
pub(super) struct RowChange {
    pub subtask_id: Uuid,
    pub wave_number: i32,
    status: SubtaskStatus,
    agent_id: Option<String>,
    priority: i32,
    /// None in events of an older server.
    blocked_by: Option<Vec<Uuid>>,
    open_blockers: i32,
    retry_count: i32,
    started_at: Option<Time>,
    completed_at: Option<Time>,
}

impl RowChange {
    pub fn read(data: &Value) -> Option<Self> {
        Some(Self {
            subtask_id: id(data, "subtask_id")?,
            wave_number: number(data, "wave_number")?,
            status: SubtaskStatus::parse(text(data, "status")?)?,
            agent_id: text(data, "agent_id").map(str::to_owned),
            priority: number(data, "priority")?,
            blocked_by: ids(data, "blocked_by"),
            open_blockers: number(data, "open_blockers")?,
            retry_count: number(data, "retry_count")?,
            started_at: time(data, "started_at")?,
            completed_at: time(data, "completed_at")?,
        })
    }

    /// Whether it waits for others than before.
    pub fn relinks(&self, row: &Row) -> bool {
        self.blocked_by.as_ref().is_some_and(|blocked_by| *blocked_by != row.blocked_by)
    }

    /// Everything that the event says is how it now is.
    pub fn apply(self, row: &mut Row) {
        row.blocked_by = self.blocked_by.unwrap_or_else(|| std::mem::take(&mut row.blocked_by));
        row.agent_id = self.agent_id;
        row.status = self.status;
        row.priority = self.priority;
        row.open_blockers = self.open_blockers;
        row.retry_count = self.retry_count;
        row.started_at = self.started_at;
        row.completed_at = self.completed_at;
    }
}

/// Any `wave.*`.
#[derive(Clone, Debug)]
pub(super) struct WaveChange {
    pub wave_number: i32,
    status: WaveStatus,
    name: Option<String>,
    total_tasks: Option<i32>,
    completed_tasks: Option<i32>,
    failed_tasks: Option<i32>,
}

impl WaveChange {
    pub fn read(data: &Value) -> Option<Self> {
        Some(Self {
            // A transition says where it led.
            wave_number: number(data, "wave_number").or_else(|| number(data, "to"))?,
            status: WaveStatus::parse(text(data, "status")?)?,
            name: text(data, "name").map(str::to_owned),
            total_tasks: number(data, "total_tasks"),
            completed_tasks: number(data, "completed_tasks"),
            failed_tasks: number(data, "failed_tasks"),
        })
    }

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
#[derive(Clone, Debug)]
pub(super) struct BatchChange {
    pub batch_id: Uuid,
    pub wave_number: i32,
    pub total_tasks: i32,
    pub completed_tasks: i32,
    pub failed_tasks: i32,
    pub outcome: Option<BatchOutcome>,
}

impl BatchChange {
    pub fn read(data: &Value) -> Option<Self> {
        Some(Self {
            batch_id: id(data, "batch_id")?,
            wave_number: number(data, "wave_number")?,
            total_tasks: number(data, "total_tasks")?,
            completed_tasks: number(data, "completed_tasks").unwrap_or_default(),
            failed_tasks: number(data, "failed_tasks").unwrap_or_default(),
            outcome: BatchOutcome::deserialize(&data["outcome"]).ok(),
        })
    }
}

/// `action.recorded`.
#[derive(Clone, Debug)]
pub(super) struct ActionNews {
    pub subtask_id: Option<Uuid>,
    pub tool_name: String,
}

impl ActionNews {
    pub fn read(data: &Value) -> Option<Self> {
        let tool_name = text(data, "tool_name")?.to_owned();
        Some(Self { subtask_id: id(data, "subtask_id"), tool_name })
    }
}
