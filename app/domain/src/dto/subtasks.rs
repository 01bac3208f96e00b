//! `/api/subtasks…`

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    check::Check,
    json::JsonObject,
    lease::{Attempt, LEASE_RANGE},
    problem::Refusal,
    subtask::{Subtask, SubtaskStatus},
    usage::HeldBack,
};

/// Body of `PATCH /api/subtasks/{id}`; at least one field.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PatchSubtask {
    /// The status to move to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<SubtaskStatus>,
    /// What came of it: an object, by convention with `files`, `summary`, `tokens_used`, `cost_usd`, `error`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<JsonObject>,
    /// The agent that works on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 200))]
    pub agent_id: Option<String>,
    /// 1–10, higher first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 10))]
    pub priority: Option<i32>,
    /// Everything that must complete first: ids of subtasks of the same or a lower wave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocked_by: Option<Vec<Uuid>>,
    /// State captured at its start; by convention with `modified_files`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context_snapshot: Option<JsonObject>,
    /// The token of the lease that this is done under: refused when the lease is over (extension).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<i64>,
}

impl PatchSubtask {
    /// Holds the request to its limits.
    ///
    /// # Errors
    /// [`Refusal::Invalid`].
    pub fn check(&self) -> Result<(), Refusal> {
        let mut check = Check::default();
        if (Self { token: None, ..self.clone() }) == Self::default() {
            check.fail(
                "body",
                "must have at least one of status, result, agent_id, priority, blocked_by, context_snapshot",
            );
        }
        if let Some(result) = &self.result {
            check.object("result", &result.parse());
        }
        if let Some(snapshot) = &self.context_snapshot {
            check.object("context_snapshot", &snapshot.parse());
        }
        if let Some(agent_id) = &self.agent_id {
            check.name("agent_id", agent_id);
        }
        if let Some(priority) = self.priority {
            check.range("priority", priority.into(), 1, 10);
        }
        if let Some(blocked_by) = &self.blocked_by {
            check.list("blocked_by", blocked_by.len());
        }
        check.finish()
    }
}

/// One subtask.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SubtaskAnswer {
    /// Always true; refusals are problems.
    pub success: bool,
    /// The subtask as it stands now.
    pub subtask: Subtask,
}

/// Which subtasks to list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubtaskFilter {
    /// Of this session.
    #[serde(default)]
    pub session_id: Option<String>,
    /// Of this wave.
    #[serde(default)]
    pub wave_number: Option<i32>,
    /// Of this batch.
    #[serde(default)]
    pub batch_id: Option<Uuid>,
    /// In this status.
    #[serde(default)]
    pub status: Option<SubtaskStatus>,
    /// Of this agent type.
    #[serde(default)]
    pub agent_type: Option<String>,
}

/// A page of subtasks, oldest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SubtaskPage {
    /// The subtasks.
    pub subtasks: Vec<Subtask>,
    /// Send it as `cursor` for the next page; none on the last.
    pub next_cursor: Option<String>,
}

/// Most subtasks that one claim takes.
pub const CLAIMS: i32 = 50;
/// Longest wait of a claim; seconds.
pub const CLAIM_WAIT: i32 = 25;

/// Body of `POST /api/subtasks/claim`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ClaimSubtasks {
    /// Who takes the work.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 200))]
    pub agent_id: String,
    /// Only work of this session.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 200))]
    pub session_id: Option<String>,
    /// Only work for these agent types; any when left out or empty.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(max_items = 50))]
    pub agent_types: Vec<String>,
    /// How many subtasks to take at most, 1–50; 1 when left out.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 50))]
    pub max: Option<i32>,
    /// How long the lease lasts after each sign of life, 5–86,400 seconds; 300 when left out.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(minimum = 5, maximum = 86_400))]
    pub lease_seconds: Option<i32>,
    /// How long to wait when there is nothing to do, 0–25 seconds; 0 when left out.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 25))]
    pub wait_seconds: Option<i32>,
}

impl ClaimSubtasks {
    /// Holds the request to its limits.
    ///
    /// # Errors
    /// [`Refusal::Invalid`].
    pub fn check(&self) -> Result<(), Refusal> {
        let mut check = Check::default();
        check.name("agent_id", &self.agent_id);
        if let Some(session_id) = &self.session_id {
            check.name("session_id", session_id);
        }
        if self.agent_types.len() > 50 {
            check.fail("agent_types", "must have at most 50 entries");
        } else {
            for (index, agent_type) in self.agent_types.iter().enumerate() {
                check.name(&format!("agent_types[{index}]"), agent_type);
            }
        }
        if let Some(max) = self.max {
            check.range("max", max.into(), 1, CLAIMS.into());
        }
        check_lease(&mut check, self.lease_seconds);
        if let Some(wait) = self.wait_seconds {
            check.range("wait_seconds", wait.into(), 0, CLAIM_WAIT.into());
        }
        check.finish()
    }
}

fn check_lease(check: &mut Check, seconds: Option<i32>) {
    if let Some(seconds) = seconds {
        let (from, to) = LEASE_RANGE;
        check.range("lease_seconds", seconds.into(), from.into(), to.into());
    }
}

/// A subtask that was claimed, and the lease that it is held under.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Claim {
    /// The subtask, which now runs.
    pub subtask: Subtask,
    /// The lease: send its `token` with every heartbeat and report.
    pub lease: Attempt,
}

/// What was claimed, the highest priority first; nothing when nothing was ready.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ClaimAnswer {
    /// Always true; refusals are problems.
    pub success: bool,
    /// The subtasks with their leases.
    pub claims: Vec<Claim>,
    /// Why the session that was named hands out nothing, whatever is ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_back: Option<HeldBack>,
}

/// Body of `POST /api/subtasks/{id}/heartbeat`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Heartbeat {
    /// The lease's token.
    pub token: i64,
    /// How long the lease lasts from now on, 5–86,400 seconds; as before when left out.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(minimum = 5, maximum = 86_400))]
    pub lease_seconds: Option<i32>,
}

impl Heartbeat {
    /// Holds the request to its limits.
    ///
    /// # Errors
    /// [`Refusal::Invalid`].
    pub fn check(&self) -> Result<(), Refusal> {
        let mut check = Check::default();
        check_lease(&mut check, self.lease_seconds);
        check.finish()
    }
}

/// A lease that goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HeartbeatAnswer {
    /// Always true; a lease that is over is a 409 that says why.
    pub success: bool,
    /// The lease.
    pub lease: Attempt,
}

/// The tries at a subtask, oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Attempts {
    /// The tries.
    pub attempts: Vec<Attempt>,
}

/// Body of the requests that cancel: why, in one sentence. May be left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Cancel {
    /// Why; at most 1,000 characters.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(max_length = 1_000))]
    pub reason: Option<String>,
}

impl Cancel {
    /// Holds the request to its limits.
    ///
    /// # Errors
    /// [`Refusal::Invalid`].
    pub fn check(&self) -> Result<(), Refusal> {
        check_reason(self.reason.as_deref())
    }
}

pub(super) fn check_reason(reason: Option<&str>) -> Result<(), Refusal> {
    let mut check = Check::default();
    if let Some(reason) = reason {
        check.text("reason", reason, false);
        if reason.chars().count() > 1_000 {
            check.fail("reason", "must be at most 1000 characters long");
        }
    }
    check.finish()
}

/// The open subtasks that were cancelled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CancelAnswer {
    /// Always true; refusals are problems.
    pub success: bool,
    /// The subtasks as they now stand; those that had ended are not among them.
    pub subtasks: Vec<Subtask>,
}
