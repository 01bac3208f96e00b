//! What waits for what.

use domain::{Time, graph::Node, scope::Scope, subtask::SubtaskStatus};
use sqlx::PgExecutor;
use uuid::Uuid;

use super::super::{Tx, known};
use crate::Result;

/// Replaces what a subtask waits for; the subtask's own row is written by [`write_changes`].
pub async fn relink(tx: &mut Tx, id: Uuid, blocked_by: &[Uuid]) -> Result<()> {
    sqlx::query!(
        "WITH gone AS (DELETE FROM subtask_dependencies WHERE subtask_id = $1 AND blocker_id <> ALL($2))
         INSERT INTO subtask_dependencies (subtask_id, blocker_id)
         SELECT $1, unnest($2::uuid[]) ON CONFLICT DO NOTHING",
        id,
        blocked_by
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// What a new dependency is judged by.
#[derive(Debug)]
pub struct BlockerRow {
    pub id: Uuid,
    pub session_id: String,
    pub wave_number: i32,
    pub status: String,
}

/// The subtasks of these ids.
pub async fn blockers(tx: &mut Tx, ids: &[Uuid]) -> Result<Vec<BlockerRow>> {
    Ok(sqlx::query_as!(
        BlockerRow,
        "SELECT id, session_id, wave_number, status FROM subtasks WHERE id = ANY($1)",
        ids
    )
    .fetch_all(&mut **tx)
    .await?)
}

/// These subtasks and everything they wait for, directly or not.
pub async fn upstream(db: impl PgExecutor<'_>, ids: &[Uuid]) -> Result<Vec<Node>> {
    sqlx::query!(
        r#"WITH RECURSIVE up AS (
               SELECT unnest($1::uuid[]) AS id
               UNION
               SELECT d.blocker_id FROM up JOIN subtask_dependencies d ON d.subtask_id = up.id
           )
           SELECT s.id, s.status, s.agent_type,
                  ARRAY(SELECT d.blocker_id FROM subtask_dependencies d WHERE d.subtask_id = s.id) AS "blocked_by!"
           FROM up JOIN subtasks s ON s.id = up.id"#,
        ids
    )
    .fetch_all(db)
    .await?
    .into_iter()
    .map(|row| {
        Ok(Node {
            id: row.id,
            status: known(SubtaskStatus::parse, &row.status)?,
            agent_type: row.agent_type,
            blocked_by: row.blocked_by,
        })
    })
    .collect()
}

/// The subtasks of a wave that have not ended and say where they work.
pub async fn scoped(tx: &mut Tx, session_id: &str, wave_number: i32) -> Result<Vec<(Node, Scope)>> {
    sqlx::query!(
        r#"SELECT s.id, s.status, s.agent_type, s.scope::text AS "scope!",
                  ARRAY(SELECT d.blocker_id FROM subtask_dependencies d WHERE d.subtask_id = s.id) AS "blocked_by!"
           FROM subtasks s
           WHERE s.session_id = $1 AND s.wave_number = $2 AND s.scope IS NOT NULL
             AND s.status NOT IN ('completed', 'failed')
           ORDER BY s.id"#,
        session_id,
        wave_number
    )
    .fetch_all(&mut **tx)
    .await?
    .into_iter()
    .map(|row| {
        let node = Node {
            id: row.id,
            status: known(SubtaskStatus::parse, &row.status)?,
            agent_type: row.agent_type,
            blocked_by: row.blocked_by,
        };
        Ok((node, serde_json::from_str(&row.scope)?))
    })
    .collect()
}

/// A subtask of a session with the files that it names itself, as JSON, and the beginning of what is to be done.
#[derive(Debug)]
pub struct NamedFiles {
    pub node: Node,
    pub wave_number: i32,
    pub description: String,
    pub started_at: Option<Time>,
    pub completed_at: Option<Time>,
    pub scope: Scope,
    pub reported: Option<String>,
    pub snapshot: Option<String>,
}

/// A session's subtasks, oldest first, with what they wait for and the files that they name.
pub async fn of_session(
    db: impl PgExecutor<'_>,
    session_id: &str,
    most: i64,
) -> Result<Vec<NamedFiles>> {
    sqlx::query!(
        r#"SELECT s.id, s.wave_number, s.status, s.agent_type, s.scope::text AS scope,
                  left(s.description, 100) AS "description!", s.started_at, s.completed_at,
                  (s.result -> 'files')::text AS reported,
                  (s.context_snapshot -> 'modified_files')::text AS snapshot,
                  ARRAY(SELECT d.blocker_id FROM subtask_dependencies d WHERE d.subtask_id = s.id) AS "blocked_by!"
           FROM subtasks s
           WHERE s.session_id = $1
           ORDER BY s.id
           LIMIT $2"#,
        session_id,
        most
    )
    .fetch_all(db)
    .await?
    .into_iter()
    .map(|row| {
        Ok(NamedFiles {
            node: Node {
                id: row.id,
                status: known(SubtaskStatus::parse, &row.status)?,
                agent_type: row.agent_type,
                blocked_by: row.blocked_by,
            },
            wave_number: row.wave_number,
            description: row.description,
            started_at: row.started_at,
            completed_at: row.completed_at,
            scope: super::super::scope(row.scope)?,
            reported: row.reported,
            snapshot: row.snapshot,
        })
    })
    .collect()
}
