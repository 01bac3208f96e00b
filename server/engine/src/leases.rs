//! Leases: kept by signs of life, and taken back when they stop.

use std::{sync::Weak, time::Duration};

use domain::{
    Time,
    dto::Heartbeat,
    lease::{Attempt, Outcome},
    problem::Refusal,
    progress::Progress,
};
use sqlx::PgPool;
use uuid::Uuid;

use crate::{
    Engine, Inner, Result, clock,
    lock::{self, Wait},
    store,
    subtasks::{read, write},
};

/// How often leases are looked at.
const TICK: Duration = Duration::from_millis(1_000);
/// Most leases that are taken back in one transaction.
const AT_ONCE: i64 = 200;

impl Engine {
    /// A sign of life: the lease lasts from now on.
    ///
    /// # Errors
    /// An invalid request, no such subtask, a lease that is over (and why), or the database is away.
    pub async fn heartbeat(&self, id: Uuid, request: Heartbeat) -> Result<Attempt> {
        request.check()?;
        let Heartbeat { token, lease_seconds } = request;
        let pool = self.pool_ref();
        if let Some(lease) =
            store::attempts::heartbeat(pool, id, token, lease_seconds, clock::now()).await?
        {
            return Ok(lease);
        }
        let attempts = store::attempts::of_subtask(pool, id).await?;
        if attempts.is_empty() {
            self.subtask(id).await?;
        }
        Err(lost(id, attempts.iter().find(|attempt| attempt.token == token)).into())
    }

    /// Every try at a subtask, oldest first.
    ///
    /// # Errors
    /// No such subtask, or the database is away.
    pub async fn attempts(&self, id: Uuid) -> Result<Vec<Attempt>> {
        let attempts = store::attempts::of_subtask(self.pool_ref(), id).await?;
        if attempts.is_empty() {
            self.subtask(id).await?;
        }
        Ok(attempts)
    }

    /// The leases of a session, oldest first; none for a session that there is not.
    ///
    /// # Errors
    /// The database is away.
    pub async fn leases(&self, session_id: &str) -> Result<Vec<Attempt>> {
        crate::names::check_session(session_id)?;
        store::attempts::leases(self.pool_ref(), session_id).await
    }
}

/// Takes back leases whose time is up, for as long as the engine is there. Every server does; whoever
/// is first has the session's lock, and the others find nothing left to do.
pub async fn keep(engine: Weak<Inner>) {
    loop {
        tokio::time::sleep(TICK).await;
        let Some(engine) = engine.upgrade() else { return };
        match take_back(&engine.pool).await {
            Ok(true) => engine.appender.wake(),
            Ok(false) => {}
            Err(error) if !engine.pool.is_closed() => {
                tracing::warn!(%error, "leases could not be looked at; it is tried again");
            }
            Err(_) => return,
        }
    }
}

async fn take_back(pool: &PgPool) -> Result<bool> {
    let due = store::attempts::due(pool, None, clock::now(), AT_ONCE).await?;
    if due.is_empty() {
        return Ok(false);
    }
    let ids: Vec<Uuid> = due.iter().map(|attempt| attempt.subtask_id).collect();
    // First those of sessions that nobody holds. The others are waited for like any change: a session in
    // which much happens is always held by somebody.
    let (changed, left) = take_back_from(pool, ids, Wait::Never).await?;
    if left.is_empty() {
        return Ok(changed);
    }
    match take_back_from(pool, left, Wait::AsLong).await {
        Ok((more, _)) => Ok(changed || more),
        Err(error) if changed => {
            tracing::warn!(%error, "some leases could not be taken back; it is tried again");
            Ok(true)
        }
        Err(error) => Err(error),
    }
}

/// Takes back those of these subtasks whose session can be had; says whether it did, and which are left.
async fn take_back_from(pool: &PgPool, ids: Vec<Uuid>, wait: Wait) -> Result<(bool, Vec<Uuid>)> {
    let mut held = lock::of_many(pool, &ids, wait).await?;
    let mut progress: Progress = read(&mut held.tx, &ids, &[]).await?;
    let is_had = |id: &Uuid| progress.subtask(*id).is_ok_and(|it| held.has(&it.session_id));
    let (ids, left): (Vec<Uuid>, Vec<Uuid>) = ids.into_iter().partition(is_had);
    // Again under the lock: a heartbeat or another server may have come first.
    let now = clock::now();
    let due = store::attempts::due(&mut *held.tx, Some(&ids), now, AT_ONCE).await?;
    for attempt in due {
        let (outcome, reason) = why(&attempt, now);
        progress.expire(attempt.subtask_id, attempt.token, outcome, reason)?;
    }
    let changed = write(&mut held.tx, progress).await?;
    held.tx.commit().await?;
    Ok((changed, left))
}

fn why(attempt: &Attempt, now: Time) -> (Outcome, String) {
    let agent = &attempt.agent_id;
    if attempt.deadline_at.is_some_and(|deadline| deadline <= now) {
        return (Outcome::TimedOut, format!("Agent `{agent}` took longer than the task may take."));
    }
    let seconds = attempt.lease_seconds;
    (Outcome::Expired, format!("Agent `{agent}` gave no sign of life for {seconds} seconds."))
}

/// That a lease is over, and why, as its attempt tells.
pub fn lost(id: Uuid, attempt: Option<&Attempt>) -> Refusal {
    let why = match attempt {
        None => "It was never held under that token.".to_owned(),
        Some(attempt) => match (attempt.outcome, &attempt.reason) {
            (_, Some(reason)) => reason.clone(),
            (Some(outcome), None) => format!("It ended: {}.", outcome.as_str()),
            (None, None) => "Its time is up.".to_owned(),
        },
    };
    Refusal::conflict(
        "lease_lost",
        format!("The lease of subtask {id} is over; stop working on it. {why}"),
    )
}
