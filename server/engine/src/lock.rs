//! The lock that every change to a session is made under: its row in `sessions`.
//!
//! Taken by the statement that begins the transaction, so that it costs no round trip of its own
//! and every later statement of the transaction sees what was committed before the lock was had.
//! (One statement that both locked and read would read what was there *before* it waited.)
//!
//! Sessions are locked in the order of their names, so that transactions over several sessions
//! never wait for each other in a circle.

use std::{
    collections::{BTreeSet, HashSet},
    fmt::Write,
};

use domain::Time;
use sqlx::PgPool;
use uuid::Uuid;

use crate::{Result, tx::Tx};

/// How long a transaction over several sessions waits for those that somebody else holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// As long as anything waits for a lock.
    AsLong,
    /// Longer than a session is held when all is well; then it fails with [`crate::Error::Busy`].
    Briefly,
    /// Not at all: they are left out.
    Never,
}

/// A transaction over several sessions.
pub struct Held {
    /// The transaction.
    pub tx: Tx,
    /// What it holds, where some were left out.
    only: Option<HashSet<String>>,
}

impl Held {
    /// Whether this session may be changed.
    pub fn has(&self, session_id: &str) -> bool {
        self.only.as_ref().is_none_or(|held| held.contains(session_id))
    }
}

/// Begins a transaction that holds the sessions of these subtasks. Ids of no subtask lock nothing.
pub async fn of_subtasks(pool: &PgPool, ids: &[Uuid]) -> Result<Tx> {
    Ok(of_many(pool, ids, Wait::AsLong).await?.tx)
}

/// Begins a transaction that holds the sessions of these subtasks, or those of them that can be had.
pub async fn of_many(pool: &PgPool, ids: &[Uuid], wait: Wait) -> Result<Held> {
    if ids.is_empty() {
        return Ok(Held { tx: Tx::begin(pool).await?, only: None });
    }
    holding(pool, "", &sessions_of(ids), wait).await
}

/// Begins a transaction that holds the sessions of these subtasks, and these sessions, which it makes
/// where they are not there yet. It makes them in the order of their names and before it waits for any
/// that was there: two such transactions do not wait for each other either.
pub async fn of_actions(
    pool: &PgPool,
    subtasks: &[Uuid],
    sessions: &BTreeSet<&str>,
    now: Time,
    wait: Wait,
) -> Result<Held> {
    if sessions.is_empty() {
        return of_many(pool, subtasks, wait).await;
    }
    let names: Vec<String> = sessions.iter().map(|name| format!("({})", text(name))).collect();
    let names = format!("SELECT name FROM (VALUES {}) AS named (name)", names.join(","));
    let now = now.to_rfc3339();
    let held = match subtasks {
        [] => names.clone(),
        ids => format!("{} UNION ALL {names}", sessions_of(ids)),
    };
    let make = format!(
        "INSERT INTO sessions (session_id, created_at, last_active_at)
         SELECT name, '{now}', '{now}' FROM ({names} ORDER BY name) AS ordered ON CONFLICT DO NOTHING;"
    );
    holding(pool, &make, &held, wait).await
}

fn sessions_of(subtasks: &[Uuid]) -> String {
    let mut list = String::with_capacity(subtasks.len() * 39);
    for id in subtasks {
        // A UUID prints as hexadecimal digits and hyphens: it cannot end the literal.
        let _ = write!(list, "{}'{id}'", if list.is_empty() { "" } else { "," });
    }
    format!("SELECT session_id FROM subtasks WHERE id IN ({list})")
}

/// Begins a transaction that holds the session of this batch.
pub async fn of_batch(pool: &PgPool, id: Uuid) -> Result<Tx> {
    begin(pool, &format!("SELECT session_id FROM orchestration_batches WHERE id = '{id}'")).await
}

/// Begins a transaction that holds this session, if it exists.
pub async fn of_session(pool: &PgPool, session_id: &str) -> Result<Tx> {
    begin(pool, &format!("SELECT {}", text(session_id))).await
}

/// A text in SQL: as hexadecimal digits, it cannot end the literal either.
fn text(text: &str) -> String {
    let mut hex = String::with_capacity(text.len() * 2);
    for byte in text.bytes() {
        let _ = write!(hex, "{byte:02x}");
    }
    format!("convert_from(decode('{hex}', 'hex'), 'UTF8')")
}

/// The simple protocol takes several statements in one round trip, but no parameters.
async fn begin(pool: &PgPool, sessions: &str) -> Result<Tx> {
    Tx::begin_with(pool, format!("BEGIN; {}", hold(sessions))).await
}

/// Like [`begin`], after a statement of its own.
async fn holding(pool: &PgPool, first: &str, sessions: &str, wait: Wait) -> Result<Held> {
    let skip = if wait == Wait::Never { " SKIP LOCKED" } else { "" };
    let held = format!("{first} {}{skip}", hold(sessions));
    let statement = match wait {
        Wait::AsLong => format!("BEGIN; {held}"),
        // What `first` waits for cannot be left out. What comes after it waits like everything else.
        Wait::Briefly | Wait::Never => format!(
            "BEGIN; SET LOCAL lock_timeout = '100ms'; {held}; SET LOCAL lock_timeout TO DEFAULT"
        ),
    };
    if wait != Wait::Never {
        return Ok(Held { tx: Tx::begin_with(pool, statement).await?, only: None });
    }
    let (tx, held) = Tx::begin_reading(pool, statement).await?;
    Ok(Held { tx, only: Some(held.into_iter().collect()) })
}

fn hold(sessions: &str) -> String {
    format!(
        "SELECT session_id FROM sessions WHERE session_id IN ({sessions}) ORDER BY session_id FOR NO KEY UPDATE"
    )
}
