//! `/api/actions` and `/api/events`.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::{
    check::Check, event::Event, json::JsonObject, problem::Refusal, scope::Call, usage::Usage,
};

/// Body of `POST /api/actions`: one tool call of an agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RecordAction {
    /// The session; may be left out when `subtask_id` is given.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 200))]
    pub session_id: Option<String>,
    /// The subtask it was made for.
    #[serde(default)]
    pub subtask_id: Option<Uuid>,
    /// The lease that it was made under (extension): with it, an agent whose lease is over is told so and
    /// nothing is recorded.
    #[serde(default)]
    pub token: Option<i64>,
    /// The agent that made it.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 200))]
    pub agent_id: Option<String>,
    /// The tool, such as `Edit`.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 200))]
    pub tool_name: String,
    /// The kind of tool: `write` and `edit` count as modifying `file_paths`.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 200))]
    pub tool_type: Option<String>,
    /// What the tool was given; any JSON.
    #[serde(default)]
    pub input: Option<Value>,
    /// What it gave back; any JSON.
    #[serde(default)]
    pub output: Option<Value>,
    /// The files it touched.
    #[serde(default)]
    pub file_paths: Vec<String>,
    /// The exit code of a command.
    #[serde(default)]
    pub exit_code: Option<i32>,
    /// How long it took; milliseconds.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(minimum = 0))]
    pub duration_ms: Option<i64>,
    /// What it cost (extension).
    #[serde(default)]
    pub usage: Usage,
    /// Anything else.
    #[serde(default)]
    pub metadata: Option<JsonObject>,
}

impl RecordAction {
    /// Holds the request to its limits.
    ///
    /// # Errors
    /// [`Refusal::Invalid`].
    pub fn check(&self) -> Result<(), Refusal> {
        let mut check = Check::default();
        match (&self.session_id, self.subtask_id) {
            (Some(session_id), _) => check.name("session_id", session_id),
            (None, None) => check.fail("session_id", "is required when there is no subtask_id"),
            (None, Some(_)) => {}
        }
        if self.token.is_some() && self.subtask_id.is_none() {
            check.fail("subtask_id", "is required with a token");
        }
        check.name("tool_name", &self.tool_name);
        for (field, value) in [("tool_type", &self.tool_type), ("agent_id", &self.agent_id)] {
            if let Some(value) = value {
                check.name(field, value);
            }
        }
        for (field, value) in [("input", &self.input), ("output", &self.output)] {
            if let Some(value) = value {
                if crate::check::has_nul(value) {
                    check.fail(field, "must not contain NUL characters");
                }
                if value.to_string().len() > crate::check::OBJECT {
                    check.fail(
                        field,
                        format!("must be at most {} bytes of JSON", crate::check::OBJECT),
                    );
                }
            }
        }
        check.paths("file_paths", &self.file_paths);
        if let Some(duration) = self.duration_ms {
            check.range("duration_ms", duration, 0, i64::from(i32::MAX) * 1_000);
        }
        self.usage.check(&mut check, "usage");
        if let Some(metadata) = &self.metadata {
            check.object("metadata", &metadata.parse());
        }
        check.finish()
    }

    /// Whether the tool modifies the files it names.
    #[must_use]
    pub fn writes_files(&self) -> bool {
        let is =
            |value: &str, names: &[&str]| names.iter().any(|name| value.eq_ignore_ascii_case(name));
        match &self.tool_type {
            Some(kind) if is(kind, &["write", "edit", "delete"]) => true,
            Some(kind) if is(kind, &["read", "search"]) => false,
            _ => is(&self.tool_name, &["Edit", "Write", "MultiEdit", "NotebookEdit"]),
        }
    }
}

/// A recorded action.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Action {
    /// The server's id.
    pub id: Uuid,
    /// The session.
    pub session_id: String,
    /// The subtask it was made for.
    pub subtask_id: Option<Uuid>,
    /// The agent that made it.
    pub agent_id: Option<String>,
    /// The tool.
    pub tool_name: String,
    /// The kind of tool.
    pub tool_type: Option<String>,
    /// What the tool was given.
    pub input: Option<Value>,
    /// What it gave back.
    pub output: Option<Value>,
    /// The files it touched.
    pub file_paths: Vec<String>,
    /// Whether it modified them.
    pub writes_files: bool,
    /// The forbidden action of its subtask that it was (extension).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forbidden_action: Option<String>,
    /// The exit code of a command.
    pub exit_code: Option<i32>,
    /// How long it took; milliseconds.
    pub duration_ms: Option<i64>,
    /// What it cost (extension).
    #[serde(default, skip_serializing_if = "Usage::is_nothing")]
    pub usage: Usage,
    /// Anything else.
    pub metadata: Option<JsonObject>,
    /// When it was recorded.
    pub created_at: DateTime<Utc>,
}

impl Action {
    /// It, as forbidden actions are held against it.
    #[must_use]
    pub fn call(&self) -> Call<'_> {
        Call {
            tool: &self.tool_name,
            writes: self.writes_files,
            input: self.input.as_ref(),
            files: &self.file_paths,
        }
    }
}

/// One action.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ActionAnswer {
    /// Always true; refusals are problems.
    pub success: bool,
    /// The action.
    pub action: Action,
}

/// A page of actions, newest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ActionPage {
    /// The actions.
    pub actions: Vec<Action>,
    /// Send it as `cursor` for the next page; none on the last.
    pub next_cursor: Option<String>,
}

/// A page of the event log, oldest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EventPage {
    /// The events.
    pub events: Vec<Event>,
    /// Send it as `since` for the next page.
    pub next_since: i64,
    /// The last position of the whole log.
    pub last_seq: i64,
}
