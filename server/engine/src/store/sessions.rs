//! `sessions`

use domain::{
    Time,
    usage::{Account, BudgetLevel},
};
use sqlx::PgExecutor;

use super::{Tx, budget, usage};
use crate::Result;

/// A session's own row.
#[derive(Debug)]
pub struct SessionRow {
    pub session_id: String,
    pub created_at: Time,
    pub last_active_at: Time,
    pub paused: bool,
    pub tokens_used: i64,
    pub cost_micros: i64,
    pub budget: Option<String>,
}

impl SessionRow {
    /// What it spent and may spend.
    pub fn account(&self) -> Result<Account> {
        Ok(Account {
            session_id: self.session_id.clone(),
            paused: self.paused,
            usage: usage(self.tokens_used, self.cost_micros),
            budget: budget(self.budget.clone())?,
        })
    }
}

/// Makes the session if it does not exist, and holds it until the transaction ends.
pub async fn hold(tx: &mut Tx, session_id: &str, now: Time) -> Result<()> {
    sqlx::query!(
        "INSERT INTO sessions (session_id, created_at, last_active_at) VALUES ($1, $2, $2)
         ON CONFLICT (session_id) DO UPDATE SET last_active_at =
             CASE WHEN sessions.last_active_at < excluded.last_active_at - interval '10 seconds'
                  THEN excluded.last_active_at ELSE sessions.last_active_at END",
        session_id,
        now
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// One session.
pub async fn get(db: impl PgExecutor<'_>, session_id: &str) -> Result<Option<SessionRow>> {
    Ok(sqlx::query_as!(
        SessionRow,
        "SELECT session_id, created_at, last_active_at, paused, tokens_used, cost_micros, budget::text AS budget
         FROM sessions WHERE session_id = $1",
        session_id
    )
    .fetch_optional(db)
    .await?)
}

/// What these sessions spent and may spend.
pub async fn accounts(tx: &mut Tx, session_ids: &[String]) -> Result<Vec<Account>> {
    let rows = sqlx::query_as!(
        SessionRow,
        "SELECT session_id, created_at, last_active_at, paused, tokens_used, cost_micros, budget::text AS budget
         FROM sessions WHERE session_id = ANY($1)",
        session_ids
    )
    .fetch_all(&mut **tx)
    .await?;
    rows.iter().map(SessionRow::account).collect()
}

/// A page by latest activity, after the session that the cursor names. `state` is the name of a
/// [`domain::wave::SessionState`], whose rule this repeats.
pub async fn page(
    db: impl PgExecutor<'_>,
    search: Option<&str>,
    state: Option<&str>,
    after: Option<(Time, &str)>,
    limit: i64,
) -> Result<Vec<SessionRow>> {
    let (time, id) = after.unzip();
    Ok(sqlx::query_as!(
        SessionRow,
        "SELECT session_id, created_at, last_active_at, paused, tokens_used, cost_micros, budget::text AS budget
         FROM sessions
         WHERE ($1::timestamptz IS NULL OR (last_active_at, session_id) < ($1, $2))
           AND ($3::text IS NULL OR strpos(lower(session_id), lower($3)) > 0)
           AND ($5::text IS NULL OR $5 = (
               SELECT CASE
                   WHEN bool_or(w.status = 'running') THEN 'running'
                   WHEN (array_agg(w.status ORDER BY w.wave_number DESC)
                         FILTER (WHERE w.status <> 'pending'))[1] = 'failed' THEN 'failed'
                   WHEN bool_and(w.status <> 'pending') THEN 'completed'
                   ELSE 'waiting' END
               FROM wave_states w WHERE w.session_id = sessions.session_id))
         ORDER BY last_active_at DESC, session_id DESC LIMIT $4",
        time,
        id,
        search,
        limit,
        state
    )
    .fetch_all(db)
    .await?)
}

/// Writes what a session, which the transaction holds, spent and may spend.
pub async fn write_account(tx: &mut Tx, account: &Account) -> Result<()> {
    let budget =
        (!account.budget.is_none()).then(|| serde_json::to_string(&account.budget)).transpose()?;
    sqlx::query!(
        "UPDATE sessions SET tokens_used = $2, cost_micros = $3, budget = $4::text::jsonb, spent_out = $5
         WHERE session_id = $1",
        account.session_id,
        account.usage.tokens_used,
        account.usage.cost_usd.0,
        budget,
        account.level() == BudgetLevel::Hard
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Pauses a session or goes on with it; says whether it was otherwise before.
pub async fn pause(tx: &mut Tx, session_id: &str, paused: bool) -> Result<bool> {
    let changed = sqlx::query!(
        "UPDATE sessions SET paused = $2 WHERE session_id = $1 AND paused <> $2",
        session_id,
        paused
    )
    .execute(&mut **tx)
    .await?;
    Ok(changed.rows_affected() > 0)
}
