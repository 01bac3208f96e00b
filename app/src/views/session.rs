//! A session, in the list and on its page.

use domain::{Time, batch::Batch, chart::Notice, dto::WaveBrief, read_by_hand, wave::Wave};
use serde::{Deserialize, Serialize};

use super::Row;

/// Some subtasks of a wave, oldest first.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WaveRows {
    /// The wave.
    pub wave_number: i32,
    /// The subtasks.
    pub rows: Vec<Row>,
    /// Where to read on.
    pub cursor: Option<String>,
    /// Whether these are all.
    pub complete: bool,
}

read_by_hand!(WaveRows { wave_number, rows, cursor, complete });

/// A session in the list.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SessionRow {
    /// Its name.
    pub session_id: String,
    /// When something last happened in it.
    pub last_active_at: Time,
    /// Its waves in order.
    pub waves: Vec<WaveBrief>,
    /// Subtasks over all waves.
    pub total_tasks: i32,
    /// Completed ones.
    pub completed_tasks: i32,
    /// Failed ones.
    pub failed_tasks: i32,
    /// Whether no work of it is handed out.
    pub paused: bool,
    /// What it cost, and of how much it may; none when nothing is known of either.
    pub spent: Option<String>,
}

read_by_hand!(SessionRow {
    session_id,
    waves,
    total_tasks,
    completed_tasks,
    failed_tasks,
    paused,
    spent;
    ;
    last_active_at
});

/// A page of the list of sessions.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SessionRows {
    /// The sessions, latest activity first.
    pub sessions: Vec<SessionRow>,
    /// Where the next page begins.
    pub next_cursor: Option<String>,
}

read_by_hand!(SessionRows { sessions, next_cursor });

#[cfg(feature = "ssr")]
impl From<domain::dto::SessionPage> for SessionRows {
    fn from(page: domain::dto::SessionPage) -> Self {
        let row = |it: domain::dto::SessionSummary| SessionRow {
            session_id: it.session_id,
            last_active_at: it.last_active_at,
            waves: it.waves,
            total_tasks: it.total_tasks,
            completed_tasks: it.completed_tasks,
            failed_tasks: it.failed_tasks,
            paused: it.paused,
            spent: crate::format::spent(it.usage, it.budget),
        };
        Self {
            sessions: page.sessions.into_iter().map(row).collect(),
            next_cursor: page.next_cursor,
        }
    }
}

/// A session without its subtasks.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SessionHead {
    /// Its name.
    pub session_id: String,
    /// When it first appeared.
    pub created_at: Time,
    /// Whether no work of it is handed out.
    pub paused: bool,
    /// What it cost, and of how much it may; none when nothing is known of either.
    pub spent: Option<String>,
    /// Whether it spent all that it may, so that no work of it is handed out.
    pub spent_out: bool,
    /// Its waves in order.
    pub waves: Vec<Wave>,
    /// Its batches, oldest first.
    pub batches: Vec<Batch>,
    /// The position of the log that this is at least as new as.
    pub seq: i64,
}

read_by_hand!(SessionHead { session_id, paused, spent, spent_out, waves, batches, seq; ; created_at });

#[cfg(feature = "ssr")]
impl From<domain::dto::SessionDetail> for SessionHead {
    fn from(it: domain::dto::SessionDetail) -> Self {
        Self {
            spent: crate::format::spent(it.usage, it.budget),
            spent_out: it.budget.level(it.usage) == domain::usage::BudgetLevel::Hard,
            session_id: it.session_id,
            created_at: it.created_at,
            paused: it.paused,
            waves: it.waves,
            batches: it.batches,
            seq: it.seq,
        }
    }
}

/// A session's budget as it is typed; what is empty is not limited.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BudgetForm {
    /// The soft limit of tokens.
    pub warn_tokens: String,
    /// The soft limit of US dollars.
    pub warn_dollars: String,
    /// The hard limit of tokens.
    pub stop_tokens: String,
    /// The hard limit of US dollars.
    pub stop_dollars: String,
}

/// What needs a person.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct SessionNeeds {
    /// The most urgent things, in that order.
    pub notices: Vec<Notice>,
    /// How many there are in all.
    pub count: i32,
    /// What they are not all of, when that is so.
    pub hint: Option<String>,
}

read_by_hand!(SessionNeeds { notices, count, hint });

/// A session's page.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SessionView {
    /// The session with its waves and batches.
    pub head: SessionHead,
    /// Subtasks of its waves.
    pub waves: Vec<WaveRows>,
    /// What needs a person.
    pub needs: SessionNeeds,
    /// Who touched what, when that was asked for: the JSON of a `Heat`, read by the view that shows
    /// it, so that what reads it is not downloaded before.
    pub heat: Option<String>,
    /// The subtask that was asked for, when there is one: the JSON of a [`SubtaskView`].
    pub subtask: Option<String>,
}

read_by_hand!(SessionView { head, waves, needs, heat, subtask });

/// The order in which waves get their share of [`ROWS_PER_PAGE`]: what runs, what comes next, then
/// the past from its end.
#[cfg(feature = "ssr")]
#[must_use]
pub(crate) fn reading_order(waves: &[domain::wave::Wave]) -> Vec<&domain::wave::Wave> {
    use domain::wave::WaveStatus;
    let mut order: Vec<_> = waves.iter().collect();
    order.sort_by_key(|wave| match wave.status {
        WaveStatus::Running => (0, 0),
        WaveStatus::Pending => (1, wave.wave_number),
        WaveStatus::Completed | WaveStatus::Failed => (2, -wave.wave_number),
    });
    order
}
