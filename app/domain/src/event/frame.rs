//! Events in the log, and the frames of the socket.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::Channel;

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
