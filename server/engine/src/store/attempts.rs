//! `attempts`

use domain::{
    Time,
    lease::{Attempt, Health, Outcome},
};
use sqlx::{PgExecutor, PgPool};
use uuid::Uuid;

use super::{Tx, known};
use crate::{Result, clock};

#[derive(Debug)]
struct AttemptRow {
    token: i64,
    subtask_id: Uuid,
    agent_id: String,
    lease_seconds: i32,
    claimed_at: Time,
    heartbeat_at: Time,
    last_action_at: Option<Time>,
    expires_at: Time,
    deadline_at: Option<Time>,
    ended_at: Option<Time>,
    outcome: Option<String>,
    reason: Option<String>,
}

impl AttemptRow {
    fn into_attempt(self) -> Result<Attempt> {
        let mut attempt = Attempt {
            outcome: self.outcome.as_deref().map(|name| known(Outcome::parse, name)).transpose()?,
            token: self.token,
            subtask_id: self.subtask_id,
            agent_id: self.agent_id,
            lease_seconds: self.lease_seconds,
            claimed_at: self.claimed_at,
            heartbeat_at: self.heartbeat_at,
            last_action_at: self.last_action_at,
            expires_at: self.expires_at,
            deadline_at: self.deadline_at,
            ended_at: self.ended_at,
            reason: self.reason,
            health: Health::Working,
        };
        attempt.health = attempt.health_at(clock::now());
        Ok(attempt)
    }
}

fn all(rows: Vec<AttemptRow>) -> Result<Vec<Attempt>> {
    rows.into_iter().map(AttemptRow::into_attempt).collect()
}

/// Which work an agent takes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Wanted {
    /// Only of this session.
    pub session_id: Option<String>,
    /// Only for these agent types; any when there are none.
    pub agent_types: Vec<String>,
}

/// Work that is ready, the highest priority first, for each of `wanted` at most so many; with a token
/// for whoever gets it. (Place in `wanted`, subtask, token.)
pub async fn ready(
    pool: &PgPool,
    wanted: &[(Wanted, i32)],
    now: Time,
) -> Result<Vec<(usize, Uuid, i64)>> {
    let types = wanted
        .iter()
        .map(|(wanted, _)| {
            let types = &wanted.agent_types;
            (!types.is_empty()).then(|| serde_json::to_string(types)).transpose()
        })
        .collect::<std::result::Result<Vec<_>, _>>()?;
    let rows = sqlx::query!(
        r#"SELECT f.place AS "place!", c.id AS "id!", nextval('lease_tokens') AS "token!"
           FROM unnest($1::text[], $2::text[], $3::int[]) WITH ORDINALITY AS f (session_id, types, most, place),
           LATERAL (
               SELECT t.id, t.priority
               FROM wave_states w
               JOIN sessions x ON x.session_id = w.session_id AND NOT x.paused AND NOT x.spent_out,
               -- The first of each wave, in the order of the index, so that no wave is read whole.
               LATERAL (
                   SELECT s.id, s.priority FROM subtasks s
                   WHERE s.session_id = w.session_id AND s.wave_number = w.wave_number AND s.status = 'pending'
                     AND (s.not_before IS NULL OR s.not_before <= $4)
                     AND (f.types IS NULL OR f.types::jsonb ? s.agent_type)
                   ORDER BY s.priority DESC, s.id
                   LIMIT f.most
               ) t
               WHERE w.status = 'running' AND (f.session_id IS NULL OR w.session_id = f.session_id)
               ORDER BY t.priority DESC, t.id
               LIMIT f.most
           ) c
           ORDER BY f.place, c.priority DESC, c.id"#,
        &wanted.iter().map(|(wanted, _)| wanted.session_id.clone()).collect::<Vec<_>>() as &[Option<String>],
        &types as &[Option<String>],
        &wanted.iter().map(|(_, most)| *most).collect::<Vec<_>>(),
        now
    )
    .fetch_all(pool)
    .await?;
    let place = |place: i64| usize::try_from(place - 1).unwrap_or(usize::MAX);
    Ok(rows.into_iter().map(|row| (place(row.place), row.id, row.token)).collect())
}

/// Begins these attempts.
pub async fn begin(tx: &mut Tx, attempts: &[(String, Attempt)]) -> Result<()> {
    sqlx::query!(
        "INSERT INTO attempts (token, subtask_id, session_id, agent_id, lease_seconds, claimed_at, heartbeat_at,
                               expires_at, deadline_at)
         SELECT u.token, u.subtask_id, u.session_id, u.agent_id, u.lease_seconds, u.claimed_at, u.claimed_at,
                u.expires_at, u.deadline_at
         FROM unnest($1::bigint[], $2::uuid[], $3::text[], $4::text[], $5::int[], $6::timestamptz[],
                     $7::timestamptz[], $8::timestamptz[])
             AS u (token, subtask_id, session_id, agent_id, lease_seconds, claimed_at, expires_at, deadline_at)",
        &attempts.iter().map(|(_, a)| a.token).collect::<Vec<_>>(),
        &attempts.iter().map(|(_, a)| a.subtask_id).collect::<Vec<_>>(),
        &attempts.iter().map(|(session, _)| session.clone()).collect::<Vec<_>>(),
        &attempts.iter().map(|(_, a)| a.agent_id.clone()).collect::<Vec<_>>(),
        &attempts.iter().map(|(_, a)| a.lease_seconds).collect::<Vec<_>>(),
        &attempts.iter().map(|(_, a)| a.claimed_at).collect::<Vec<_>>(),
        &attempts.iter().map(|(_, a)| a.expires_at).collect::<Vec<_>>(),
        &attempts.iter().map(|(_, a)| a.deadline_at).collect::<Vec<_>>() as &[Option<Time>]
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// A sign of life: the lease lasts from now on. None when it is over, or never was.
pub async fn heartbeat(
    pool: &PgPool,
    subtask_id: Uuid,
    token: i64,
    lease_seconds: Option<i32>,
    now: Time,
) -> Result<Option<Attempt>> {
    // One whose time is up is the scheduler's, also when it has not come to it yet.
    sqlx::query_as!(
        AttemptRow,
        "UPDATE attempts
         SET heartbeat_at = $4, lease_seconds = coalesce($3, lease_seconds),
             expires_at = $4::timestamptz + coalesce($3, lease_seconds) * interval '1 second'
         WHERE token = $2 AND subtask_id = $1 AND ended_at IS NULL AND expires_at > $4
           AND (deadline_at IS NULL OR deadline_at > $4)
         RETURNING token, subtask_id, agent_id, lease_seconds, claimed_at, heartbeat_at, last_action_at, expires_at,
                   deadline_at, ended_at, outcome, reason",
        subtask_id,
        token,
        lease_seconds,
        now
    )
    .fetch_optional(pool)
    .await?
    .map(AttemptRow::into_attempt)
    .transpose()
}

/// Every try at a subtask, oldest first.
pub async fn of_subtask(db: impl PgExecutor<'_>, subtask_id: Uuid) -> Result<Vec<Attempt>> {
    all(sqlx::query_as!(
        AttemptRow,
        "SELECT token, subtask_id, agent_id, lease_seconds, claimed_at, heartbeat_at, last_action_at, expires_at,
                deadline_at, ended_at, outcome, reason
         FROM attempts WHERE subtask_id = $1 ORDER BY token",
        subtask_id
    )
    .fetch_all(db)
    .await?)
}

/// The leases of a session, oldest first.
pub async fn leases(db: impl PgExecutor<'_>, session_id: &str) -> Result<Vec<Attempt>> {
    all(sqlx::query_as!(
        AttemptRow,
        "SELECT token, subtask_id, agent_id, lease_seconds, claimed_at, heartbeat_at, last_action_at, expires_at,
                deadline_at, ended_at, outcome, reason
         FROM attempts WHERE session_id = $1 AND ended_at IS NULL ORDER BY token",
        session_id
    )
    .fetch_all(db)
    .await?)
}

/// What an agent held last.
pub async fn last_of(db: impl PgExecutor<'_>, agent_id: &str) -> Result<Option<Attempt>> {
    sqlx::query_as!(
        AttemptRow,
        "SELECT token, subtask_id, agent_id, lease_seconds, claimed_at, heartbeat_at, last_action_at, expires_at,
                deadline_at, ended_at, outcome, reason
         FROM attempts WHERE agent_id = $1 ORDER BY token DESC LIMIT 1",
        agent_id
    )
    .fetch_optional(db)
    .await?
    .map(AttemptRow::into_attempt)
    .transpose()
}

/// Takes note that an agent knows of the first attempt that was taken away from it and that it does not
/// know of; none when there is no such attempt.
pub async fn tell_lost(db: impl PgExecutor<'_>, agent_id: &str) -> Result<Option<Attempt>> {
    sqlx::query_as!(
        AttemptRow,
        "UPDATE attempts SET told_at = now()
         WHERE told_at IS NULL AND outcome IN ('expired', 'timed_out', 'cancelled') AND token = (
             SELECT token FROM attempts
             WHERE agent_id = $1 AND told_at IS NULL AND outcome IN ('expired', 'timed_out', 'cancelled')
             ORDER BY token LIMIT 1)
         RETURNING token, subtask_id, agent_id, lease_seconds, claimed_at, heartbeat_at, last_action_at, expires_at,
                   deadline_at, ended_at, outcome, reason",
        agent_id
    )
    .fetch_optional(db)
    .await?
    .map(AttemptRow::into_attempt)
    .transpose()
}

/// Takes note of the session of Claude Code that an attempt's agent lives in.
pub async fn is_within(db: impl PgExecutor<'_>, token: i64, within: &str) -> Result<()> {
    sqlx::query!("UPDATE attempts SET within = $2 WHERE token = $1", token, within)
        .execute(db)
        .await?;
    Ok(())
}

/// What a session of Claude Code and its subagents hold, with the leases.
pub async fn held_within(
    db: impl PgExecutor<'_>,
    session: &str,
) -> Result<Vec<(Uuid, Option<i64>)>> {
    let rows = sqlx::query!(
        "SELECT subtask_id, token FROM attempts WHERE agent_id = $1 AND ended_at IS NULL
         UNION
         SELECT subtask_id, token FROM attempts WHERE within = $1 AND ended_at IS NULL
         ORDER BY token",
        session
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().filter_map(|row| Some((row.subtask_id?, row.token))).collect())
}

/// Leases whose time is up, of subtasks that run; at most `limit`. Those that are `held` alone, when
/// they are named.
pub async fn due(
    db: impl PgExecutor<'_>,
    held: Option<&[Uuid]>,
    now: Time,
    limit: i64,
) -> Result<Vec<Attempt>> {
    all(sqlx::query_as!(
        AttemptRow,
        "SELECT a.token, a.subtask_id, a.agent_id, a.lease_seconds, a.claimed_at, a.heartbeat_at, a.last_action_at,
                a.expires_at, a.deadline_at, a.ended_at, a.outcome, a.reason
         FROM attempts a JOIN subtasks s ON s.id = a.subtask_id
         WHERE a.ended_at IS NULL AND (a.expires_at <= $1 OR a.deadline_at <= $1) AND s.status = 'running'
           AND ($2::uuid[] IS NULL OR a.subtask_id = ANY($2))
         ORDER BY a.session_id, a.token LIMIT $3",
        now,
        held,
        limit
    )
    .fetch_all(db)
    .await?)
}
