//! The lock that every change to a session is made under: its row in `sessions`.
//!
//! Taken by the statement that begins the transaction, so that it costs no round trip of its own
//! and every later statement of the transaction sees what was committed before the lock was had.
//! (One statement that both locked and read would read what was there *before* it waited.)
//!
//! Sessions are locked in the order of their names, so that transactions over several sessions
//! never wait for each other in a circle.

use std::fmt::Write;

use sqlx::PgPool;
use uuid::Uuid;

use crate::{Result, tx::Tx};

/// Begins a transaction that holds the sessions of these subtasks. Ids of no subtask lock nothing.
pub async fn of_subtasks(pool: &PgPool, ids: &[Uuid]) -> Result<Tx> {
    let mut list = String::with_capacity(ids.len() * 39);
    for id in ids {
        // A UUID prints as hexadecimal digits and hyphens: it cannot end the literal.
        let _ = write!(list, "{}'{id}'", if list.is_empty() { "" } else { "," });
    }
    if list.is_empty() {
        return Tx::begin(pool).await;
    }
    begin(pool, &format!("SELECT session_id FROM subtasks WHERE id IN ({list})")).await
}

/// Begins a transaction that holds the session of this batch.
pub async fn of_batch(pool: &PgPool, id: Uuid) -> Result<Tx> {
    begin(pool, &format!("SELECT session_id FROM orchestration_batches WHERE id = '{id}'")).await
}

/// Begins a transaction that holds this session, if it exists.
pub async fn of_session(pool: &PgPool, session_id: &str) -> Result<Tx> {
    let mut hex = String::with_capacity(session_id.len() * 2);
    for byte in session_id.bytes() {
        let _ = write!(hex, "{byte:02x}");
    }
    // As hexadecimal digits, the name cannot end the literal either.
    begin(pool, &format!("SELECT convert_from(decode('{hex}', 'hex'), 'UTF8')")).await
}

/// The simple protocol takes several statements in one round trip, but no parameters.
async fn begin(pool: &PgPool, sessions: &str) -> Result<Tx> {
    let statement = format!(
        "BEGIN; SELECT 1 FROM sessions WHERE session_id IN ({sessions}) ORDER BY session_id FOR NO KEY UPDATE"
    );
    Tx::begin_with(pool, statement).await
}
