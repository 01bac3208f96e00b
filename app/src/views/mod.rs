//! What the pages read: the engine's answers cut down to what a screen shows, because all of it
//! travels twice, as HTML and as the data that hydrates it.

mod batch;
mod feed;
#[cfg(feature = "ssr")]
mod needs;
mod session;
mod subtask;

use serde::{Deserialize, Serialize};

pub use self::{
    batch::BatchView,
    feed::{EventFeed, EventRow},
    session::{
        BudgetForm, SessionHead, SessionNeeds, SessionRow, SessionRows, SessionView, WaveRows,
    },
    subtask::{ActionRow, AttemptRow, Row, SubtaskView},
};
#[cfg(feature = "ssr")]
pub(crate) use self::{needs::notice, session::reading_order};

/// Most subtasks of a wave that a session's first paint shows.
pub const ROWS_PER_WAVE: usize = 200;
/// Most subtasks that one request for a wave or a batch reads.
pub const ROWS_PER_READ: usize = 500;
/// Most subtasks that a session's first paint shows over all its waves.
pub const ROWS_PER_PAGE: usize = 1_000;
/// Longest description in a row; characters.
const DESCRIPTION: usize = 280;
/// Longest summary of a result; characters.
const SUMMARY: usize = 1_000;
/// Most results, files or conflicts of a synthesis that a page shows.
const ENTRIES: usize = 500;

/// Something that the finder found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hit {
    /// What kind of thing it is.
    pub kind: String,
    /// What it is called.
    pub name: String,
    /// What else tells it from its like.
    pub about: String,
    /// Where it is.
    pub href: String,
}
