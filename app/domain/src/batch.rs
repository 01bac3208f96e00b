//! Batches: subtasks submitted together (specification, "Orchestration Batches").

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{read_by_hand, subtask::Subtask};

/// Where a batch stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum BatchStatus {
    /// None of its subtasks has started.
    Pending,
    /// At least one has.
    Running,
    /// Every subtask ended and the synthesis is stored.
    Completed,
}

/// What can happen to a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchEvent {
    /// Its first subtask starts.
    Start,
    /// It is asked to complete and every subtask has ended.
    Complete,
    /// A failed subtask of it is tried again.
    Reopen,
}

/// A transition that the table does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a {current:?} batch cannot {event:?}")]
pub struct IllegalBatchEvent {
    /// Where the batch stands.
    pub current: BatchStatus,
    /// What was asked of it.
    pub event: BatchEvent,
}

impl BatchStatus {
    /// Every status, in the order of a batch's life.
    pub const ALL: [Self; 3] = [Self::Pending, Self::Running, Self::Completed];

    /// The one table of batch transitions. Starting a running batch is not a step.
    ///
    /// # Errors
    /// When the batch cannot make that step.
    pub const fn transition(self, event: BatchEvent) -> Result<Self, IllegalBatchEvent> {
        match (self, event) {
            (Self::Pending, BatchEvent::Start) | (Self::Completed, BatchEvent::Reopen) => {
                Ok(Self::Running)
            }
            // A batch whose subtasks were all failed by hand never ran.
            (Self::Pending | Self::Running, BatchEvent::Complete) => Ok(Self::Completed),
            (
                Self::Pending | Self::Running | Self::Completed,
                BatchEvent::Start | BatchEvent::Complete | BatchEvent::Reopen,
            ) => Err(IllegalBatchEvent { current: self, event }),
        }
    }

    /// The name as it is written on the wire and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Completed => "completed",
        }
    }

    /// The status of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }
}

/// How a completed batch ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum BatchOutcome {
    /// Nothing failed.
    Succeeded,
    /// Some failed.
    Partial,
    /// Everything failed.
    Failed,
}

/// A batch as it stands, without its subtasks and its synthesis.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Batch {
    /// The server's id.
    pub id: Uuid,
    /// The session it belongs to.
    pub session_id: String,
    /// The wave it belongs to.
    pub wave_number: i32,
    /// Where it stands.
    pub status: BatchStatus,
    /// How many subtasks it holds.
    pub total_tasks: i32,
    /// How many of them completed.
    pub completed_tasks: i32,
    /// How many of them failed.
    pub failed_tasks: i32,
    /// How it ended; none before.
    pub outcome: Option<BatchOutcome>,
    /// When it was submitted.
    pub created_at: DateTime<Utc>,
    /// When it was completed.
    pub completed_at: Option<DateTime<Utc>>,
}

read_by_hand!(Batch {
    id,
    session_id,
    wave_number,
    status,
    total_tasks,
    completed_tasks,
    failed_tasks,
    outcome;
    ;
    created_at,
    completed_at
});

impl Batch {
    /// How many subtasks have not ended.
    #[must_use]
    pub const fn open_tasks(&self) -> i32 {
        self.total_tasks - self.completed_tasks - self.failed_tasks
    }

    /// How the batch would end if it ended with these counters.
    #[must_use]
    pub const fn outcome_of(total: i32, failed: i32) -> BatchOutcome {
        if failed == 0 {
            BatchOutcome::Succeeded
        } else if failed < total {
            BatchOutcome::Partial
        } else {
            BatchOutcome::Failed
        }
    }
}

/// A batch with its subtasks, by priority (highest first), then in the order of submission.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BatchWithSubtasks {
    /// The batch itself.
    #[serde(flatten)]
    pub batch: Batch,
    /// Its subtasks.
    pub subtasks: Vec<Subtask>,
}
