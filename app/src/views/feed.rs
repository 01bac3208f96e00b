//! The log as a feed.

use domain::Time;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::DESCRIPTION;
use crate::format::clipped;

/// The latest of the log, and where it ends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EventFeed {
    /// Newest first.
    pub rows: Vec<EventRow>,
    /// The log's last position.
    pub last_seq: i64,
}

/// An event in the feed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EventRow {
    /// Its position in the log.
    pub seq: i64,
    /// Its name.
    pub event: String,
    /// Its session.
    pub session_id: String,
    /// The subtask that it is about.
    pub subtask_id: Option<Uuid>,
    /// The batch that it is about.
    pub batch_id: Option<Uuid>,
    /// What happened, in a few words.
    pub what: String,
    /// When.
    pub at: Time,
}

impl EventRow {
    /// An event in a few words, from what its data says.
    #[must_use]
    pub fn new(seq: i64, event: &str, data: &serde_json::Value, at: Time) -> Self {
        let text = |name: &str| data[name].as_str().unwrap_or_default();
        let id = |name: &str| data[name].as_str().and_then(|id| id.parse().ok());
        let wave = data["wave_number"].as_i64().or_else(|| data["to"].as_i64());
        let mut parts: Vec<String> = Vec::new();
        parts.extend(wave.map(|wave| format!("wave {wave}")));
        for name in ["agent_type", "agent_id", "tool_name", "status", "outcome"] {
            if !text(name).is_empty() {
                parts.push(text(name).to_owned());
            }
        }
        let files = data["file_paths"].as_array().into_iter().flatten();
        parts.extend(files.filter_map(|file| file.as_str()).take(3).map(str::to_owned));
        if let (Some(done), Some(total)) =
            (data["completed_tasks"].as_i64(), data["total_tasks"].as_i64())
        {
            parts.push(format!("{done}/{total}"));
        }
        Self {
            seq,
            event: event.to_owned(),
            session_id: text("session_id").to_owned(),
            subtask_id: id("subtask_id"),
            batch_id: id("batch_id"),
            what: clipped(&parts.join(" · "), DESCRIPTION),
            at,
        }
    }

    /// Whether a text is in it, in any case of ASCII letters.
    #[must_use]
    pub fn says(&self, text: &str) -> bool {
        let text = text.trim().to_ascii_lowercase();
        let has = |it: &str| it.to_ascii_lowercase().contains(&text);
        has(&self.session_id) || has(&self.what) || has(&self.event)
    }
}
