//! `/api/sessions…`

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    batch::Batch,
    read_by_hand,
    usage::{Budget, Usage},
    wave::{Wave, WaveStatus},
};

/// A session in a list: who, when, and how far.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SessionSummary {
    /// Its name.
    pub session_id: String,
    /// When it first appeared.
    pub created_at: DateTime<Utc>,
    /// When something last happened in it, to ten seconds.
    pub last_active_at: DateTime<Utc>,
    /// Whether no work of it is handed out.
    #[serde(default)]
    pub paused: bool,
    /// What it cost so far.
    #[serde(default)]
    pub usage: Usage,
    /// What it may cost.
    #[serde(default)]
    pub budget: Budget,
    /// Its waves in order.
    pub waves: Vec<WaveBrief>,
    /// Subtasks over all waves.
    pub total_tasks: i32,
    /// Completed ones.
    pub completed_tasks: i32,
    /// Failed ones.
    pub failed_tasks: i32,
}

/// A wave in a strip of waves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WaveBrief {
    /// Its number.
    pub wave_number: i32,
    /// Where it stands.
    pub status: WaveStatus,
    /// Subtasks.
    pub total_tasks: i32,
    /// Completed ones.
    pub completed_tasks: i32,
    /// Failed ones.
    pub failed_tasks: i32,
}

read_by_hand!(WaveBrief { wave_number, status, total_tasks, completed_tasks, failed_tasks });

/// A page of sessions, latest activity first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SessionPage {
    /// The sessions.
    pub sessions: Vec<SessionSummary>,
    /// Send it as `cursor` for the next page; none on the last.
    pub next_cursor: Option<String>,
}

/// Answer of `GET /api/sessions/{id}`: a session with its waves and batches.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SessionDetail {
    /// Its name.
    pub session_id: String,
    /// When it first appeared.
    pub created_at: DateTime<Utc>,
    /// When something last happened in it, to ten seconds.
    pub last_active_at: DateTime<Utc>,
    /// Whether no work of it is handed out.
    #[serde(default)]
    pub paused: bool,
    /// What it cost so far.
    #[serde(default)]
    pub usage: Usage,
    /// What it may cost.
    #[serde(default)]
    pub budget: Budget,
    /// Its waves in order.
    pub waves: Vec<Wave>,
    /// Its batches, oldest first.
    pub batches: Vec<Batch>,
    /// The last position of the event log that this answer is at least as new as: follow
    /// `sessions/{id}` from here.
    pub seq: i64,
}
