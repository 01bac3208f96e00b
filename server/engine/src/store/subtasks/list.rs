//! Subtasks alone, as they are asked for one by one and in pages.

use domain::{
    dto::SubtaskFilter,
    planner::PriorWork,
    subtask::{Subtask, SubtaskStatus},
};
use sqlx::PgExecutor;
use uuid::Uuid;

use super::{
    super::Tx,
    rows::{SubtaskRow, select_rows},
};
use crate::Result;

fn all(rows: Vec<SubtaskRow>) -> Result<Vec<Subtask>> {
    rows.into_iter().map(SubtaskRow::into_subtask).collect()
}

/// One subtask.
pub async fn get(db: impl PgExecutor<'_>, id: Uuid) -> Result<Option<Subtask>> {
    select_rows!(SubtaskRow, "", "subtasks s WHERE s.id = $1", id)
        .fetch_optional(db)
        .await?
        .map(SubtaskRow::into_subtask)
        .transpose()
}

/// The subtask that an agent claimed last, of those that it still has a lease of.
pub async fn held_by(db: impl PgExecutor<'_>, agent_id: &str) -> Result<Option<Subtask>> {
    select_rows!(SubtaskRow, "", "subtasks s WHERE s.id = (
             SELECT subtask_id FROM attempts WHERE agent_id = $1 AND ended_at IS NULL AND expires_at > now()
             ORDER BY token DESC LIMIT 1)",
        agent_id
    )
    .fetch_optional(db)
    .await?
    .map(SubtaskRow::into_subtask)
    .transpose()
}

/// A page of what the filter lets through, oldest first. The narrowest filter picks the index.
pub async fn page(
    db: impl PgExecutor<'_>,
    filter: &SubtaskFilter,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Subtask>> {
    let after = after.unwrap_or(Uuid::nil());
    let status = filter.status.map(SubtaskStatus::as_str);
    let (session, wave, agent) =
        (filter.session_id.as_deref(), filter.wave_number, filter.agent_type.as_deref());
    let rows = if let Some(batch_id) = filter.batch_id {
        select_rows!(SubtaskRow, "", "subtasks s WHERE s.batch_id = $1 AND s.id > $2
               AND ($3::text IS NULL OR s.session_id = $3) AND ($4::int IS NULL OR s.wave_number = $4)
               AND ($5::text IS NULL OR s.agent_type = $5) AND ($6::text IS NULL OR s.status = $6)
             ORDER BY s.id LIMIT $7",
            batch_id, after, session, wave, agent, status, limit
        )
        .fetch_all(db)
        .await?
    } else if let Some(session) = session {
        match wave {
            Some(wave) => {
                select_rows!(SubtaskRow, "", "subtasks s WHERE s.session_id = $1 AND s.wave_number = $2 AND s.id > $3
                       AND ($4::text IS NULL OR s.agent_type = $4) AND ($5::text IS NULL OR s.status = $5)
                     ORDER BY s.id LIMIT $6",
                    session, wave, after, agent, status, limit
                )
                .fetch_all(db)
                .await?
            }
            None => {
                select_rows!(SubtaskRow, "", "subtasks s WHERE s.session_id = $1 AND s.id > $2
                       AND ($3::text IS NULL OR s.agent_type = $3) AND ($4::text IS NULL OR s.status = $4)
                     ORDER BY s.id LIMIT $5",
                    session, after, agent, status, limit
                )
                .fetch_all(db)
                .await?
            }
        }
    } else if let Some(agent) = agent {
        select_rows!(
            SubtaskRow,
            "",
            "subtasks s WHERE s.agent_type = $1 AND s.id > $2
               AND ($3::int IS NULL OR s.wave_number = $3) AND ($4::text IS NULL OR s.status = $4)
             ORDER BY s.id LIMIT $5",
            agent,
            after,
            wave,
            status,
            limit
        )
        .fetch_all(db)
        .await?
    } else if let Some(status) = filter.status.filter(|status| *status != SubtaskStatus::Completed)
    {
        // No index knows a status (see the schema); the waves' counters tell where it can be.
        select_rows!(
            SubtaskRow,
            "",
            "wave_states w
             JOIN subtasks s ON s.session_id = w.session_id AND s.wave_number = w.wave_number
             WHERE CASE WHEN $1 = 'failed' THEN w.failed_tasks > 0
                        ELSE w.completed_tasks + w.failed_tasks < w.total_tasks END
               AND s.status = $1 AND s.id > $2 AND ($3::int IS NULL OR s.wave_number = $3)
             ORDER BY s.id LIMIT $4",
            status.as_str(),
            after,
            wave,
            limit
        )
        .fetch_all(db)
        .await?
    } else {
        select_rows!(SubtaskRow, "", "subtasks s WHERE s.id > $1 AND ($2::int IS NULL OR s.wave_number = $2) AND ($3::text IS NULL OR s.status = $3)
             ORDER BY s.id LIMIT $4",
            after, wave, status, limit
        )
        .fetch_all(db)
        .await?
    };
    all(rows)
}

/// The oldest subtasks of several waves of a session, at most so many of each; by wave as asked, then
/// oldest first.
pub async fn oldest(
    db: impl PgExecutor<'_>,
    session_id: &str,
    waves: &[i32],
    most: &[i64],
) -> Result<Vec<Subtask>> {
    let rows = select_rows!(
        SubtaskRow,
        "",
        "unnest($2::int[], $3::bigint[]) WITH ORDINALITY AS w (number, most, place)
         CROSS JOIN LATERAL (SELECT of_wave.id FROM subtasks of_wave
                             WHERE of_wave.session_id = $1 AND of_wave.wave_number = w.number
                             ORDER BY of_wave.id LIMIT w.most) AS first
         JOIN subtasks s ON s.id = first.id
         ORDER BY w.place, s.id",
        session_id,
        waves,
        most
    )
    .fetch_all(db)
    .await?;
    all(rows)
}

/// The failed subtasks of a wave, oldest first.
pub async fn failed(tx: &mut Tx, session_id: &str, wave_number: i32) -> Result<Vec<Uuid>> {
    Ok(sqlx::query_scalar!(
        "SELECT id FROM subtasks WHERE session_id = $1 AND wave_number = $2 AND status = 'failed' ORDER BY id",
        session_id,
        wave_number
    )
    .fetch_all(&mut **tx)
    .await?)
}

/// The subtasks of a wave that have not ended, oldest first.
pub async fn open(tx: &mut Tx, session_id: &str, wave_number: i32) -> Result<Vec<Uuid>> {
    Ok(sqlx::query_scalar!(
        "SELECT id FROM subtasks
         WHERE session_id = $1 AND wave_number = $2 AND status NOT IN ('completed', 'failed') ORDER BY id",
        session_id,
        wave_number
    )
    .fetch_all(&mut **tx)
    .await?)
}

/// What a prompt for a wave tells: completed work of the session's lower waves, newest wave first, at
/// most `limit`, and how much there is; and what was said when the wave was approved.
pub async fn prior_work(
    db: impl PgExecutor<'_>,
    session_id: &str,
    below_wave: i32,
    limit: i64,
) -> Result<(Vec<PriorWork>, usize, Option<String>)> {
    let rows = sqlx::query!(
        r#"SELECT NULL AS agent_type, NULL AS summary, sum(completed_tasks) FILTER (WHERE wave_number < $2) AS total,
                  max(approval_comment) FILTER (WHERE wave_number = $2 AND approval = 'approved') AS text
           FROM wave_states WHERE session_id = $1 AND wave_number <= $2
           UNION ALL
           (SELECT agent_type, result->>'summary', NULL, description FROM subtasks
            WHERE session_id = $1 AND wave_number < $2 AND status = 'completed'
            ORDER BY wave_number DESC, id LIMIT $3)"#,
        session_id,
        below_wave,
        limit
    )
    .fetch_all(db)
    .await?;
    let (mut work, mut total, mut comment) = (Vec::with_capacity(rows.len()), 0, None);
    for row in rows {
        match row.agent_type {
            Some(agent_type) => work.push(PriorWork {
                agent_type,
                description: row.text.unwrap_or_default(),
                summary: row.summary,
            }),
            None => {
                total = usize::try_from(row.total.unwrap_or(0)).unwrap_or(0);
                comment = row.text;
            }
        }
    }
    Ok((work, total, comment))
}
