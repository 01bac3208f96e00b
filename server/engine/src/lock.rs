//! The lock that every change to a session is made under: its row in `sessions`.
//!
//! Taken by the statement that begins the transaction, so that it costs no round trip of its own
//! and every later statement of the transaction sees what was committed before the lock was had.
//! (One statement that both locked and read would read what was there *before* it waited.)
//!
//! Sessions are locked in the order of their names, so that transactions over several sessions
//! never wait for each other in a circle.

use std::{collections::BTreeSet, fmt::Write};

use domain::Time;
use sqlx::PgPool;
use uuid::Uuid;

use crate::{Result, tx::Tx};

/// Begins a transaction that holds the sessions of these subtasks. Ids of no subtask lock nothing.
pub async fn of_subtasks(pool: &PgPool, ids: &[Uuid]) -> Result<Tx> {
    if ids.is_empty() {
        return Tx::begin(pool).await;
    }
    begin(pool, &sessions_of(ids)).await
}

/// Begins a transaction that holds the sessions of these subtasks, and these sessions, which it makes
/// where they are not there yet. It makes them in the order of their names and before it waits for any
/// that was there: two such transactions do not wait for each other either.
pub async fn of_actions(
    pool: &PgPool,
    subtasks: &[Uuid],
    sessions: &BTreeSet<&str>,
    now: Time,
) -> Result<Tx> {
    if sessions.is_empty() {
        return of_subtasks(pool, subtasks).await;
    }
    let names: Vec<String> = sessions.iter().map(|name| format!("({})", text(name))).collect();
    let names = format!("SELECT name FROM (VALUES {}) AS named (name)", names.join(","));
    let now = now.to_rfc3339();
    let held = match subtasks {
        [] => names.clone(),
        ids => format!("{} UNION ALL {names}", sessions_of(ids)),
    };
    let statement = format!(
        "BEGIN; INSERT INTO sessions (session_id, created_at, last_active_at)
         SELECT name, '{now}', '{now}' FROM ({names} ORDER BY name) AS ordered ON CONFLICT DO NOTHING; {}",
        hold(&held)
    );
    Tx::begin_with(pool, statement).await
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

fn hold(sessions: &str) -> String {
    format!(
        "SELECT 1 FROM sessions WHERE session_id IN ({sessions}) ORDER BY session_id FOR NO KEY UPDATE"
    )
}
