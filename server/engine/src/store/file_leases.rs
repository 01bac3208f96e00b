//! `file_leases`

use domain::{Time, dto::FileLease};
use sqlx::PgExecutor;
use uuid::Uuid;

use super::Tx;
use crate::Result;

/// What is held in a session, in order of paths.
pub async fn of_session(
    db: impl PgExecutor<'_>,
    session_id: &str,
    now: Time,
) -> Result<Vec<FileLease>> {
    Ok(sqlx::query_as!(
        FileLease,
        r#"SELECT f.pattern AS path, f.agent_id, f.subtask_id, f.since, f.expires_at
           FROM file_leases f LEFT JOIN subtasks s ON s.id = f.subtask_id
           WHERE f.session_id = $1 AND f.expires_at > $2
             AND (f.subtask_id IS NULL OR s.status IN ('running', 'paused'))
           ORDER BY f.pattern, f.id"#,
        session_id,
        now
    )
    .fetch_all(db)
    .await?)
}

/// Gives these paths to an agent, or keeps them longer when it has them; what is no longer held by
/// anybody is swept out.
pub async fn reserve(
    tx: &mut Tx,
    session_id: &str,
    agent_id: &str,
    subtask_id: Option<Uuid>,
    paths: &[String],
    (now, until): (Time, Time),
) -> Result<()> {
    sqlx::query!(
        "WITH gone AS (
             DELETE FROM file_leases f USING file_leases g LEFT JOIN subtasks s ON s.id = g.subtask_id
             WHERE f.id = g.id AND f.session_id = $1 AND NOT (f.agent_id = $2 AND f.pattern = ANY($4))
               AND (f.expires_at <= $5 OR (f.subtask_id IS NOT NULL AND s.status NOT IN ('running', 'paused')))
         )
         INSERT INTO file_leases (session_id, pattern, agent_id, subtask_id, since, expires_at)
         SELECT $1, p.pattern, $2, $3, $5, $6 FROM unnest($4::text[]) AS p (pattern)
         ON CONFLICT (session_id, agent_id, md5(pattern))
         DO UPDATE SET subtask_id = excluded.subtask_id, expires_at = excluded.expires_at",
        session_id,
        agent_id,
        subtask_id,
        paths,
        now,
        until
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Takes paths from an agent, all of them when none are named; says which.
pub async fn release(
    tx: &mut Tx,
    session_id: &str,
    agent_id: &str,
    paths: Option<&[String]>,
) -> Result<Vec<String>> {
    Ok(sqlx::query_scalar!(
        "DELETE FROM file_leases WHERE session_id = $1 AND agent_id = $2 AND ($3::text[] IS NULL OR pattern = ANY($3))
         RETURNING pattern",
        session_id,
        agent_id,
        paths
    )
    .fetch_all(&mut **tx)
    .await?)
}
