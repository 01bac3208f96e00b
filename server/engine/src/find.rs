//! Finding things by a few letters, for the dashboard.

use domain::{check::Check, subtask::SubtaskStatus};
use uuid::Uuid;

use crate::{Engine, Result, store};

/// Most things of a kind.
const MOST: i64 = 8;

/// What was found, latest first in each kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Names of sessions.
    pub sessions: Vec<String>,
    /// Subtasks.
    pub subtasks: Vec<FoundSubtask>,
    /// Batches.
    pub batches: Vec<FoundBatch>,
    /// Actions of subtasks.
    pub actions: Vec<FoundAction>,
}

/// A subtask that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundSubtask {
    /// The subtask.
    pub id: Uuid,
    /// Its session.
    pub session_id: String,
    /// Its role.
    pub agent_type: String,
    /// What is to be done.
    pub description: String,
    /// Where it stands.
    pub status: SubtaskStatus,
}

/// A batch that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundBatch {
    /// The batch.
    pub id: Uuid,
    /// Its session.
    pub session_id: String,
    /// Its wave.
    pub wave_number: i32,
    /// The name of its wave, if it has one.
    pub wave_name: Option<String>,
    /// How many subtasks it has.
    pub total_tasks: i32,
}

/// An action that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundAction {
    /// The subtask that it was made for.
    pub subtask_id: Uuid,
    /// Its session.
    pub session_id: String,
    /// The tool.
    pub tool_name: String,
    /// The files.
    pub file_paths: Vec<String>,
}

impl Engine {
    /// What has `text` (1–200 characters) in its name, id, description, agent or files, in any case
    /// of letters; batches also by their session and the name of their wave. Sessions are looked for among
    /// all; the others among the latest: 20,000 subtasks and 5,000 batches and actions.
    ///
    /// # Errors
    /// An invalid text, or the database is away.
    pub async fn find(&self, text: &str) -> Result<Found> {
        let text = text.trim().to_lowercase();
        let mut check = Check::default();
        check.name("q", &text);
        check.finish()?;
        let mut db = self.pool_ref().acquire().await?;
        Ok(Found {
            sessions: store::sessions::page(&mut *db, Some(&text), None, None, MOST)
                .await?
                .into_iter()
                .map(|row| row.session_id)
                .collect(),
            subtasks: store::find::subtasks(&mut *db, &text, MOST).await?,
            batches: store::find::batches(&mut *db, &text, MOST).await?,
            actions: store::find::actions(&mut *db, &text, MOST).await?,
        })
    }
}
