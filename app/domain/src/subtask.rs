//! Subtasks: the work items that agents take (specification, "Subtasks").

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{json::JsonObject, scope::Scope, usage::Usage};

/// Where a subtask stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum SubtaskStatus {
    /// Ready for an agent once its wave runs.
    Pending,
    /// An agent works on it.
    Running,
    /// Set aside.
    Paused,
    /// Waits for other subtasks to complete.
    Blocked,
    /// Done.
    Completed,
    /// Given up.
    Failed,
}

/// What can happen to a subtask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubtaskEvent {
    /// An agent begins or resumes.
    Start,
    /// It is set aside.
    Pause,
    /// It is given back for another agent.
    Requeue,
    /// It is done.
    Complete,
    /// It is given up.
    Fail,
    /// Its dependencies were edited and some have not completed.
    Block,
    /// Its last blocker completed.
    Unblock,
    /// A failed one is tried again.
    Retry {
        /// Whether some of its blockers have not completed.
        blocked: bool,
    },
}

/// A transition that the table does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a {current:?} subtask cannot {event:?}")]
pub struct IllegalSubtaskEvent {
    /// Where the subtask stands.
    pub current: SubtaskStatus,
    /// What was asked of it.
    pub event: SubtaskEvent,
}

impl SubtaskStatus {
    /// Every status, in the order of a subtask's life.
    pub const ALL: [Self; 6] =
        [Self::Pending, Self::Running, Self::Paused, Self::Blocked, Self::Completed, Self::Failed];

    /// The one table of subtask transitions (readings, "states"). A step to where the subtask
    /// already stands is not in it: the caller tells a repeat from a refusal.
    ///
    /// # Errors
    /// When the subtask cannot make that step.
    pub const fn transition(self, event: SubtaskEvent) -> Result<Self, IllegalSubtaskEvent> {
        use SubtaskEvent as E;
        match (self, event) {
            (Self::Pending | Self::Paused, E::Start) => Ok(Self::Running),
            (Self::Pending | Self::Running, E::Pause) => Ok(Self::Paused),
            (Self::Running | Self::Paused, E::Requeue) | (Self::Blocked, E::Unblock) => {
                Ok(Self::Pending)
            }
            (Self::Pending | Self::Running | Self::Paused, E::Complete) => Ok(Self::Completed),
            (Self::Pending | Self::Running | Self::Paused | Self::Blocked, E::Fail) => {
                Ok(Self::Failed)
            }
            (Self::Pending | Self::Paused, E::Block) => Ok(Self::Blocked),
            (Self::Failed, E::Retry { blocked: false }) => Ok(Self::Pending),
            (Self::Failed, E::Retry { blocked: true }) => Ok(Self::Blocked),
            (
                Self::Pending
                | Self::Running
                | Self::Paused
                | Self::Blocked
                | Self::Completed
                | Self::Failed,
                E::Start
                | E::Pause
                | E::Requeue
                | E::Complete
                | E::Fail
                | E::Block
                | E::Unblock
                | E::Retry { .. },
            ) => Err(IllegalSubtaskEvent { current: self, event }),
        }
    }

    /// The event by which a PATCH asks for this status; none for `blocked`, which follows from
    /// `blocked_by` alone.
    #[must_use]
    pub const fn asked_by_hand(self) -> Option<SubtaskEvent> {
        match self {
            Self::Pending => Some(SubtaskEvent::Requeue),
            Self::Running => Some(SubtaskEvent::Start),
            Self::Paused => Some(SubtaskEvent::Pause),
            Self::Completed => Some(SubtaskEvent::Complete),
            Self::Failed => Some(SubtaskEvent::Fail),
            Self::Blocked => None,
        }
    }

    /// Whether the subtask has ended.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed)
    }

    /// The name as it is written on the wire and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Blocked => "blocked",
            Self::Completed => "completed",
            Self::Failed => "failed",
        }
    }

    /// The status of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }
}

/// A subtask as it stands. Fields without a value are left out of the JSON, as in the document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Subtask {
    /// The server's id.
    pub id: Uuid,
    /// The submitter's own name for it; not unique.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_id: Option<String>,
    /// The batch it was submitted in.
    pub batch_id: Uuid,
    /// The session it belongs to.
    pub session_id: String,
    /// The wave it belongs to.
    pub wave_number: i32,
    /// The role that does it, such as `backend-laravel`.
    pub agent_type: String,
    /// The agent that works or worked on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<String>,
    /// What is to be done.
    pub description: String,
    /// Where it stands.
    pub status: SubtaskStatus,
    /// 1–10, higher first.
    pub priority: i32,
    /// Whether its failure leaves the wave standing.
    pub optional: bool,
    /// The subtasks that must complete first.
    pub blocked_by: Vec<Uuid>,
    /// How many of them have not completed.
    pub open_blockers: i32,
    /// What came of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<JsonObject>,
    /// State captured when it started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context_snapshot: Option<JsonObject>,
    /// Where it may work (extension).
    #[serde(flatten)]
    pub scope: Scope,
    /// How often it may be tried when its agents vanish; 3 when there is none (extension).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_attempts: Option<i32>,
    /// How long one try may take; seconds (extension).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_limit_seconds: Option<i32>,
    /// Not handed out before that time: its last agent vanished (extension).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<DateTime<Utc>>,
    /// The token of the lease that it is or was last held under; none once it is free again.
    #[serde(skip)]
    pub lease_token: Option<i64>,
    /// How often it was tried again.
    pub retry_count: i32,
    /// What its attempts cost so far (extension).
    #[serde(default, skip_serializing_if = "Usage::is_nothing")]
    pub usage: Usage,
    /// What the latest of them cost so far.
    #[serde(skip)]
    pub attempt_usage: Usage,
    /// When it was submitted.
    pub created_at: DateTime<Utc>,
    /// When it first ran in this attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<DateTime<Utc>>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

impl Subtask {
    /// Milliseconds from start to end; none when it never started or has not ended.
    #[must_use]
    pub fn duration_ms(&self) -> Option<i64> {
        crate::wave::duration_ms(self.started_at, self.completed_at)
    }
}
