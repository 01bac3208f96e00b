//! What agents do, hold and spend, and what people allow them (extensions, but for `action.recorded`).

use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use super::NewEvent;
use crate::{
    Time,
    dto::Action,
    progress::Ended,
    subtask::Subtask,
    usage::{Account, Usage},
    wave::Wave,
};

impl NewEvent {
    /// `lease.expired` (extension): an agent gave no sign of life, or took too long. `requeued` says
    /// whether the subtask is tried again.
    #[must_use]
    pub fn lease_expired(subtask: &Subtask, ended: &Ended, requeued: bool, at: Time) -> Self {
        Self {
            event: "lease.expired",
            session_id: subtask.session_id.clone(),
            batch_id: Some(subtask.batch_id),
            agent_type: Some(subtask.agent_type.clone()),
            data: json!({
                "subtask_id": subtask.id,
                "batch_id": subtask.batch_id,
                "session_id": subtask.session_id,
                "wave_number": subtask.wave_number,
                "agent_type": subtask.agent_type,
                "agent_id": subtask.agent_id,
                "token": ended.token,
                "outcome": ended.outcome,
                "reason": ended.reason,
                "requeued": requeued,
            }),
            at,
        }
    }

    /// `files.reserved` and `files.released` (extension): what an agent has for itself, or no longer.
    #[must_use]
    pub fn files_held(
        session_id: &str,
        agent_id: &str,
        subtask_id: Option<Uuid>,
        paths: &[String],
        until: Option<Time>,
        at: Time,
    ) -> Self {
        Self {
            event: if until.is_some() { "files.reserved" } else { "files.released" },
            session_id: session_id.to_owned(),
            batch_id: None,
            agent_type: None,
            data: json!({
                "session_id": session_id,
                "agent_id": agent_id,
                "subtask_id": subtask_id,
                "file_paths": paths,
                "expires_at": until,
            }),
            at,
        }
    }

    /// `wave.approved` and `wave.rejected` (extension).
    #[must_use]
    pub fn wave_approved(wave: &Wave, at: Time) -> Self {
        let approved = wave.approval == Some(crate::wave::Approval::Approved);
        Self {
            event: if approved { "wave.approved" } else { "wave.rejected" },
            session_id: wave.session_id.clone(),
            batch_id: None,
            agent_type: None,
            data: json!({
                "session_id": wave.session_id,
                "wave_number": wave.wave_number,
                "status": wave.status,
                "approval": wave.approval,
                "comment": wave.approval_comment,
                "by": wave.approved_by,
            }),
            at,
        }
    }

    /// `scope.violated` (extension): a subtask changed files outside its scope, or more than it may, or did
    /// what is forbidden to it. Names at most 100 of the files, and says how many there are.
    #[must_use]
    pub fn scope_violated(subtask: &Subtask, violation: &Violation<'_>, at: Time) -> Self {
        Self {
            event: "scope.violated",
            session_id: subtask.session_id.clone(),
            batch_id: Some(subtask.batch_id),
            agent_type: Some(subtask.agent_type.clone()),
            data: json!({
                "session_id": subtask.session_id,
                "subtask_id": subtask.id,
                "batch_id": subtask.batch_id,
                "wave_number": subtask.wave_number,
                "agent_type": subtask.agent_type,
                "agent_id": violation.agent_id,
                "action_id": violation.action_id,
                "tool_name": violation.tool_name,
                "file_paths": violation.files.iter().take(LISTED).collect::<Vec<_>>(),
                "file_count": violation.files.len(),
                "max_files": violation.max_files,
                "forbidden_action": violation.forbidden,
            }),
            at,
        }
    }

    /// `session.paused` and `session.resumed` (extension).
    #[must_use]
    pub fn session_paused(session_id: &str, paused: bool, at: Time) -> Self {
        Self {
            event: if paused { "session.paused" } else { "session.resumed" },
            session_id: session_id.to_owned(),
            batch_id: None,
            agent_type: None,
            data: json!({ "session_id": session_id, "paused": paused }),
            at,
        }
    }
}

/// What happened to a session's budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BudgetEvent {
    /// It was changed.
    Set,
    /// A limit was reached.
    Reached,
}

impl BudgetEvent {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Set => "budget.set",
            Self::Reached => "budget.reached",
        }
    }
}

/// What something cost, and what that adds up to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Of the subtask; none for an action of a session alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subtask: Option<Usage>,
    /// Of its wave.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wave: Option<Usage>,
    /// Of the session.
    pub session: Usage,
}

impl NewEvent {
    /// With what was spent, in total, as `usage` (extension).
    #[must_use]
    pub fn with_usage(mut self, totals: Totals) -> Self {
        self.data["usage"] = json!(totals);
        self
    }

    /// `budget.set` and `budget.reached` (extension): what a session may spend was changed; or it has
    /// spent as much as one of its limits allows.
    #[must_use]
    pub fn budget(event: BudgetEvent, account: &Account, at: Time) -> Self {
        Self {
            event: event.as_str(),
            session_id: account.session_id.clone(),
            batch_id: None,
            agent_type: None,
            data: json!({
                "session_id": account.session_id,
                "level": account.level(),
                "usage": Totals { session: account.usage, ..Totals::default() },
                "budget": account.budget,
            }),
            at,
        }
    }

    /// `action.recorded`: who did what to which files, without input and output.
    #[must_use]
    pub fn action_recorded(action: &Action, subtask: Option<&Subtask>, at: Time) -> Self {
        Self {
            event: "action.recorded",
            session_id: action.session_id.clone(),
            batch_id: subtask.map(|subtask| subtask.batch_id),
            agent_type: subtask.map(|subtask| subtask.agent_type.clone()),
            data: json!({
                "action_id": action.id,
                "session_id": action.session_id,
                "subtask_id": action.subtask_id,
                "agent_id": action.agent_id,
                "tool_name": action.tool_name,
                "tool_type": action.tool_type,
                "file_paths": action.file_paths,
                "writes_files": action.writes_files,
                "exit_code": action.exit_code,
                "duration_ms": action.duration_ms,
            }),
            at,
        }
    }
}

/// Most files that a violation's event names.
const LISTED: usize = 100;

/// What a subtask did beyond its scope, in a report or in an action.
#[derive(Clone, Debug, Default)]
pub struct Violation<'a> {
    /// Who did it.
    pub agent_id: Option<&'a str>,
    /// The action that it was.
    pub action_id: Option<Uuid>,
    /// The action's tool.
    pub tool_name: Option<&'a str>,
    /// The files that are too many or outside.
    pub files: Vec<&'a String>,
    /// How many files it may change, when it has changed more.
    pub max_files: Option<i32>,
    /// The forbidden action.
    pub forbidden: Option<&'a str>,
}

impl<'a> Violation<'a> {
    /// By this action.
    #[must_use]
    pub fn by(action: &'a Action) -> Self {
        Self {
            agent_id: action.agent_id.as_deref(),
            action_id: Some(action.id),
            tool_name: Some(&action.tool_name),
            ..Self::default()
        }
    }
}
