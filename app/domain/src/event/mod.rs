//! Events: what is told to everyone as it happens (specification, "WebSocket Events").

mod agents;
mod frame;
mod work;

use std::fmt;

use serde_json::Value;
use uuid::Uuid;

pub use self::{
    agents::{BudgetEvent, Totals, Violation},
    frame::{ClientFrame, Control, Envelope, Event, ServerFrame},
};
use crate::Time;

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
