//! Looking for a few letters among the latest of each table: no index knows the inside of a text, so
//! that how much is read has a limit.

use domain::subtask::SubtaskStatus;
use sqlx::PgExecutor;

use super::known;
use crate::{
    Result,
    find::{FoundAction, FoundBatch, FoundSubtask},
};

/// Subtasks by description, agent or id.
pub async fn subtasks(db: impl PgExecutor<'_>, text: &str, most: i64) -> Result<Vec<FoundSubtask>> {
    sqlx::query!(
        "SELECT s.id, s.session_id, s.agent_type, left(s.description, 200) AS \"description!\", s.status
         FROM (SELECT id, session_id, agent_type, agent_id, description, status
               FROM subtasks ORDER BY id DESC LIMIT 20000) s
         WHERE strpos(lower(s.description), $1) > 0 OR strpos(lower(s.agent_type), $1) > 0
            OR strpos(lower(s.agent_id), $1) > 0 OR strpos(s.id::text, $1) > 0
         ORDER BY s.id DESC LIMIT $2",
        text,
        most
    )
    .fetch_all(db)
    .await?
    .into_iter()
    .map(|row| {
        Ok(FoundSubtask {
            id: row.id,
            session_id: row.session_id,
            agent_type: row.agent_type,
            description: row.description,
            status: known(SubtaskStatus::parse, &row.status)?,
        })
    })
    .collect()
}

/// Batches by id, session or the name of their wave.
pub async fn batches(db: impl PgExecutor<'_>, text: &str, most: i64) -> Result<Vec<FoundBatch>> {
    let found = sqlx::query_as!(
        FoundBatch,
        "SELECT b.id, b.session_id, b.wave_number, w.name AS wave_name, b.total_tasks
         FROM (SELECT id, session_id, wave_number, total_tasks
               FROM orchestration_batches ORDER BY id DESC LIMIT 5000) b
         JOIN wave_states w ON w.session_id = b.session_id AND w.wave_number = b.wave_number
         WHERE strpos(b.id::text, $1) > 0 OR strpos(lower(b.session_id), $1) > 0
            OR strpos(lower(w.name), $1) > 0
         ORDER BY b.id DESC LIMIT $2",
        text,
        most
    )
    .fetch_all(db)
    .await?;
    Ok(found)
}

/// Actions by tool or file.
pub async fn actions(db: impl PgExecutor<'_>, text: &str, most: i64) -> Result<Vec<FoundAction>> {
    let rows = sqlx::query!(
        "SELECT a.subtask_id AS \"subtask_id!\", a.session_id, a.tool_name, a.file_paths
         FROM (SELECT id, subtask_id, session_id, tool_name, file_paths
               FROM actions ORDER BY id DESC LIMIT 5000) a
         WHERE a.subtask_id IS NOT NULL
           AND (strpos(lower(a.tool_name), $1) > 0
                OR strpos(lower(array_to_string(a.file_paths, ' ')), $1) > 0)
         ORDER BY a.id DESC LIMIT $2",
        text,
        most
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| FoundAction {
            subtask_id: row.subtask_id,
            session_id: row.session_id,
            tool_name: row.tool_name,
            file_paths: row.file_paths,
        })
        .collect())
}
