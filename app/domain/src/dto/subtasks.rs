//! `/api/subtasks…`

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    check::Check,
    json::JsonObject,
    problem::Refusal,
    subtask::{Subtask, SubtaskStatus},
};

/// Body of `PATCH /api/subtasks/{id}`; at least one field.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PatchSubtask {
    /// The status to move to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<SubtaskStatus>,
    /// What came of it: an object, by convention with `files`, `summary`, `tokens_used`, `error`.
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
}

impl PatchSubtask {
    /// Holds the request to its limits.
    ///
    /// # Errors
    /// [`Refusal::Invalid`].
    pub fn check(&self) -> Result<(), Refusal> {
        let mut check = Check::default();
        if *self == Self::default() {
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
