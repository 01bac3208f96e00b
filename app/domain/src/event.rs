//! Events: what is told to everyone as it happens (specification, "WebSocket Events").

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    Time,
    batch::Batch,
    dto::Action,
    progress::Ended,
    subtask::{Subtask, SubtaskStatus},
    usage::{Account, Usage},
    wave::Wave,
};

/// A stream of events that a client can follow.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Channel {
    /// Every `wave.*` and `batch.*` event.
    Global,
    /// Everything of one session.
    Session(String),
    /// Everything of one batch.
    Batch(Uuid),
    /// Everything of one agent type.
    Agent(String),
    /// Everything; an extension of the document's channels.
    All,
}

impl Channel {
    /// Parses `global`, `all`, `sessions/{id}`, `batches/{id}` or `agents/{type}`.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        if name == "global" {
            return Some(Self::Global);
        }
        if name == "all" {
            return Some(Self::All);
        }
        let (kind, id) = name.split_once('/')?;
        if id.is_empty()
            || id.chars().count() > crate::check::NAME
            || id.chars().any(char::is_control)
        {
            return None;
        }
        match kind {
            "sessions" => Some(Self::Session(id.to_owned())),
            "batches" => id.parse().ok().map(Self::Batch),
            "agents" => Some(Self::Agent(id.to_owned())),
            _ => None,
        }
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Global => f.write_str("global"),
            Self::All => f.write_str("all"),
            Self::Session(id) => write!(f, "sessions/{id}"),
            Self::Batch(id) => write!(f, "batches/{id}"),
            Self::Agent(kind) => write!(f, "agents/{kind}"),
        }
    }
}

/// An event that a use-case appends in its own transaction; it has no position in the log yet.
#[derive(Clone, Debug, PartialEq)]
pub struct NewEvent {
    /// Its name, such as `wave.completed`.
    pub event: &'static str,
    /// The session that it happened in.
    pub session_id: String,
    /// The batch that it is about.
    pub batch_id: Option<Uuid>,
    /// The agent type that it is about.
    pub agent_type: Option<String>,
    /// What happened.
    pub data: Value,
    /// When.
    pub at: Time,
}

impl NewEvent {
    fn of_wave(event: &'static str, wave: &Wave, data: Value, at: Time) -> Self {
        Self {
            event,
            session_id: wave.session_id.clone(),
            batch_id: None,
            agent_type: None,
            data,
            at,
        }
    }

    /// `wave.created` (extension).
    #[must_use]
    pub fn wave_created(wave: &Wave, at: Time) -> Self {
        let data = json!({
            "session_id": wave.session_id, "wave_number": wave.wave_number, "status": wave.status, "name": wave.name,
        });
        Self::of_wave("wave.created", wave, data, at)
    }

    /// `wave.updated` (extension): the wave got a name or a description, or has to be approved.
    #[must_use]
    pub fn wave_updated(wave: &Wave, at: Time) -> Self {
        let data = json!({
            "session_id": wave.session_id, "wave_number": wave.wave_number, "status": wave.status, "name": wave.name,
            "approval": wave.approval,
        });
        Self::of_wave("wave.updated", wave, data, at)
    }

    /// `wave.transitioned`: the wave started; `from` is the wave before it.
    #[must_use]
    pub fn wave_transitioned(wave: &Wave, from: Option<i32>, at: Time) -> Self {
        let data = json!({
            "session_id": wave.session_id, "from": from, "to": wave.wave_number, "status": wave.status,
        });
        Self::of_wave("wave.transitioned", wave, data, at)
    }

    /// `wave.completed` or `wave.failed`, after the wave's status.
    #[must_use]
    pub fn wave_finished(wave: &Wave, at: Time) -> Self {
        let event = if wave.status == crate::wave::WaveStatus::Failed {
            "wave.failed"
        } else {
            "wave.completed"
        };
        let data = json!({
            "session_id": wave.session_id,
            "wave_number": wave.wave_number,
            "status": wave.status,
            "total_tasks": wave.total_tasks,
            "completed_tasks": wave.completed_tasks,
            "failed_tasks": wave.failed_tasks,
            "duration_ms": wave.duration_ms(),
        });
        Self::of_wave(event, wave, data, at)
    }

    /// `wave.reopened` (extension): a failed subtask of a failed wave is tried again.
    #[must_use]
    pub fn wave_reopened(wave: &Wave, at: Time) -> Self {
        let data = json!({
            "session_id": wave.session_id, "wave_number": wave.wave_number, "status": wave.status,
        });
        Self::of_wave("wave.reopened", wave, data, at)
    }

    /// `batch.created`.
    #[must_use]
    pub fn batch_created(batch: &Batch, subtask_ids: &[Uuid], at: Time) -> Self {
        Self {
            event: "batch.created",
            session_id: batch.session_id.clone(),
            batch_id: Some(batch.id),
            agent_type: None,
            data: json!({
                "batch_id": batch.id,
                "session_id": batch.session_id,
                "wave_number": batch.wave_number,
                "status": batch.status,
                "total_tasks": batch.total_tasks,
                "subtask_ids": subtask_ids,
            }),
            at,
        }
    }

    /// `batch.completed`.
    #[must_use]
    pub fn batch_completed(batch: &Batch, next_wave_ready: bool, at: Time) -> Self {
        Self {
            event: "batch.completed",
            session_id: batch.session_id.clone(),
            batch_id: Some(batch.id),
            agent_type: None,
            data: json!({
                "batch_id": batch.id,
                "session_id": batch.session_id,
                "wave_number": batch.wave_number,
                "total_tasks": batch.total_tasks,
                "completed_tasks": batch.completed_tasks,
                "failed_tasks": batch.failed_tasks,
                "outcome": batch.outcome,
                "next_wave_ready": next_wave_ready,
            }),
            at,
        }
    }

    /// `batch.reopened` (extension): a failed subtask of a completed batch is tried again.
    #[must_use]
    pub fn batch_reopened(batch: &Batch, at: Time) -> Self {
        Self {
            event: "batch.reopened",
            session_id: batch.session_id.clone(),
            batch_id: Some(batch.id),
            agent_type: None,
            data: json!({
                "batch_id": batch.id,
                "session_id": batch.session_id,
                "wave_number": batch.wave_number,
                "status": batch.status,
            }),
            at,
        }
    }

    /// `subtask.updated`: everything that a list shows of it, without the result itself.
    #[must_use]
    pub fn subtask_updated(subtask: &Subtask, from: SubtaskStatus, at: Time) -> Self {
        Self {
            event: "subtask.updated",
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
                "from": from,
                "status": subtask.status,
                "priority": subtask.priority,
                "blocked_by": subtask.blocked_by,
                "open_blockers": subtask.open_blockers,
                "retry_count": subtask.retry_count,
                "started_at": subtask.started_at,
                "completed_at": subtask.completed_at,
            }),
            at,
        }
    }
}

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

/// An event in the log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Event {
    /// Its position in the log; dense, from 1.
    pub seq: i64,
    /// Its name, such as `wave.completed`.
    pub event: String,
    /// The session that it happened in.
    pub session_id: String,
    /// The batch that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch_id: Option<Uuid>,
    /// The agent type that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_type: Option<String>,
    /// What happened.
    pub data: crate::json::JsonObject,
    /// When; milliseconds since 1970.
    pub timestamp: i64,
}

impl Event {
    /// Whether the channel carries this event.
    #[must_use]
    pub fn is_on(&self, channel: &Channel) -> bool {
        match channel {
            Channel::Global => self.event.starts_with("wave.") || self.event.starts_with("batch."),
            Channel::Session(id) => self.session_id == *id,
            Channel::Batch(id) => self.batch_id == Some(*id),
            Channel::Agent(kind) => self.agent_type.as_ref() == Some(kind),
            Channel::All => true,
        }
    }
}

/// What the server sends over the socket.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ServerFrame {
    /// An event of a channel.
    Event(Envelope),
    /// Everything else.
    Control(Control),
}

/// An event as one channel carries it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Envelope {
    /// The channel that the client subscribed to.
    pub channel: String,
    /// The event's name.
    pub event: String,
    /// What happened.
    pub data: Value,
    /// When; milliseconds since 1970.
    pub timestamp: i64,
    /// Its position in the log.
    pub seq: i64,
}

/// Frames that are not events.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Control {
    /// The first frame of every socket.
    Connected {
        /// The server's name for this socket.
        client_id: Uuid,
        /// Milliseconds since 1970.
        timestamp: i64,
        /// The last position of the log at that moment.
        seq: i64,
        /// Names what the server and its pages were built from (extension): a page that was loaded
        /// from another build has to be loaded again.
        build: String,
    },
    /// A subscription changed.
    Ack {
        /// The client's name for its request.
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<Value>,
        /// Always true; refusals are `error` frames.
        success: bool,
        /// The channel.
        channel: String,
        /// Milliseconds since 1970.
        timestamp: i64,
    },
    /// The answer to `ping`.
    Pong {
        /// Milliseconds since 1970.
        timestamp: i64,
    },
    /// The client fell behind: its subscriptions are gone; subscribe again with this `since`.
    Resync {
        /// The last position that the client was sent.
        since: i64,
    },
    /// The client's frame was not understood.
    Error {
        /// A sentence.
        error: String,
        /// A stable name of the kind of error.
        code: String,
        /// Milliseconds since 1970.
        timestamp: i64,
    },
}

/// What a client sends over the socket.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum ClientFrame {
    /// Follow a channel.
    Subscribe {
        /// Its name.
        channel: String,
        /// The client's name for this request, echoed in the ack.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<Value>,
        /// Replay every event after this position first.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        since: Option<i64>,
    },
    /// Stop following a channel.
    Unsubscribe {
        /// Its name.
        channel: String,
        /// The client's name for this request, echoed in the ack.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<Value>,
    },
    /// Is anybody there?
    Ping,
}
