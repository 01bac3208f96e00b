//! `subtasks` and `subtask_dependencies`

use domain::{
    Time,
    batch::{Batch, BatchWithSubtasks},
    dto::SubtaskFilter,
    event::NewEvent,
    graph::Node,
    planner::PriorWork,
    subtask::{Subtask, SubtaskStatus},
    wave::Wave,
};
use sqlx::PgExecutor;
use uuid::Uuid;

use super::{Tx, batches::BatchRow, events::Columns, known, object, waves::WaveRow};
use crate::Result;

/// A row with a subtask's columns and others; `into_subtask` takes the former.
macro_rules! subtask_row {
    ($name:ident { $($extra:ident: $kind:ty),* $(,)? }) => {
        #[derive(Debug)]
        struct $name {
            id: Uuid,
            batch_id: Uuid,
            session_id: String,
            wave_number: i32,
            task_id: Option<String>,
            agent_type: String,
            agent_id: Option<String>,
            description: String,
            status: String,
            priority: i32,
            optional: bool,
            blocked_by: Vec<Uuid>,
            open_blockers: i32,
            result: Option<String>,
            context_snapshot: Option<String>,
            retry_count: i32,
            created_at: Time,
            started_at: Option<Time>,
            completed_at: Option<Time>,
            updated_at: Time,
            $($extra: $kind,)*
        }

        impl $name {
            fn into_subtask(self) -> Result<Subtask> {
                Ok(Subtask {
                    status: known(SubtaskStatus::parse, &self.status)?,
                    result: object(self.result)?,
                    context_snapshot: object(self.context_snapshot)?,
                    id: self.id,
                    batch_id: self.batch_id,
                    session_id: self.session_id,
                    wave_number: self.wave_number,
                    task_id: self.task_id,
                    agent_type: self.agent_type,
                    agent_id: self.agent_id,
                    description: self.description,
                    priority: self.priority,
                    optional: self.optional,
                    blocked_by: self.blocked_by,
                    open_blockers: self.open_blockers,
                    retry_count: self.retry_count,
                    created_at: self.created_at,
                    started_at: self.started_at,
                    completed_at: self.completed_at,
                    updated_at: self.updated_at,
                })
            }
        }
    };
}

subtask_row!(SubtaskRow {});
// With what of its batch the subtasks do not say themselves.
subtask_row!(BatchMemberRow {
    b_status: String,
    b_outcome: Option<String>,
    b_created_at: Time,
    b_completed_at: Option<Time>,
});
// With its batch and its wave.
subtask_row!(FullRow {
    b_status: String,
    b_total: i32,
    b_completed: i32,
    b_failed: i32,
    b_outcome: Option<String>,
    b_created_at: Time,
    b_completed_at: Option<Time>,
    w_id: Uuid,
    w_name: Option<String>,
    w_description: Option<String>,
    w_status: String,
    w_total: i32,
    w_completed: i32,
    w_failed: i32,
    w_optional: i32,
    w_created_at: Time,
    w_started_at: Option<Time>,
    w_completed_at: Option<Time>,
});

/// A query for rows of subtasks `s` with further columns; `$from` is what follows `FROM`.
macro_rules! select_rows {
    ($row:ident, $columns:tt, $from:tt $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            $row,
            r#"SELECT s.id, s.batch_id, s.session_id, s.wave_number, s.task_id, s.agent_type, s.agent_id,
                      s.description, s.status, s.priority, s.optional,
                      CASE WHEN s.blockers = 0 THEN '{}'::uuid[] ELSE ARRAY(
                          SELECT d.blocker_id FROM subtask_dependencies d
                          WHERE d.subtask_id = s.id ORDER BY d.blocker_id
                      ) END AS "blocked_by!",
                      s.open_blockers, s.result::text AS result, s.context_snapshot::text AS context_snapshot,
                      s.retry_count, s.created_at, s.started_at, s.completed_at, s.updated_at"#
                + $columns + " FROM " + $from
            $(, $argument)*
        )
    };
}

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

/// A query for subtasks with batch and wave; `$from` gives `s`, `b` and `w`.
macro_rules! select_full {
    ($from:tt $(, $argument:expr)* $(,)?) => {
        select_rows!(
            FullRow,
            r#", b.status AS b_status, b.total_tasks AS b_total, b.completed_tasks AS b_completed,
                b.failed_tasks AS b_failed, b.outcome AS b_outcome, b.created_at AS b_created_at,
                b.completed_at AS b_completed_at,
                w.id AS w_id, w.name AS w_name, w.description AS w_description, w.status AS w_status,
                w.total_tasks AS w_total, w.completed_tasks AS w_completed, w.failed_tasks AS w_failed,
                w.failed_optional_tasks AS w_optional, w.created_at AS w_created_at,
                w.started_at AS w_started_at, w.completed_at AS w_completed_at"#,
            $from
            $(, $argument)*
        )
    };
}

impl FullRow {
    fn batch(&self) -> Result<Batch> {
        BatchRow {
            id: self.batch_id,
            session_id: self.session_id.clone(),
            wave_number: self.wave_number,
            status: self.b_status.clone(),
            total_tasks: self.b_total,
            completed_tasks: self.b_completed,
            failed_tasks: self.b_failed,
            outcome: self.b_outcome.clone(),
            created_at: self.b_created_at,
            completed_at: self.b_completed_at,
        }
        .into_batch()
    }

    fn wave(&self) -> Result<Wave> {
        WaveRow {
            id: self.w_id,
            session_id: self.session_id.clone(),
            wave_number: self.wave_number,
            name: self.w_name.clone(),
            description: self.w_description.clone(),
            status: self.w_status.clone(),
            total_tasks: self.w_total,
            completed_tasks: self.w_completed,
            failed_tasks: self.w_failed,
            failed_optional_tasks: self.w_optional,
            created_at: self.w_created_at,
            started_at: self.w_started_at,
            completed_at: self.w_completed_at,
        }
        .into_wave()
    }
}

/// Subtasks with the batches and waves that they belong to, each once.
#[derive(Debug, Default)]
pub struct Rows {
    pub subtasks: Vec<Subtask>,
    pub batches: Vec<Batch>,
    pub waves: Vec<Wave>,
}

impl Rows {
    fn of(rows: Vec<FullRow>) -> Result<Self> {
        let mut all = Self::default();
        for row in rows {
            if !all.batches.iter().any(|batch| batch.id == row.batch_id) {
                all.batches.push(row.batch()?);
            }
            if !all.waves.iter().any(|wave| wave.id == row.w_id) {
                all.waves.push(row.wave()?);
            }
            all.subtasks.push(row.into_subtask()?);
        }
        Ok(all)
    }
}

/// A batch with its wave and its subtasks, these by priority (highest first), then in the order of
/// submission. One statement, so that the counters and the rows agree. Empty when there is no such
/// batch: a batch has at least one subtask.
pub async fn with_batch(db: impl PgExecutor<'_>, batch_id: Uuid) -> Result<Rows> {
    let rows = select_full!(
        "orchestration_batches b
         JOIN wave_states w ON w.session_id = b.session_id AND w.wave_number = b.wave_number
         JOIN subtasks s ON s.batch_id = b.id
         WHERE b.id = $1 ORDER BY s.priority DESC, s.id",
        batch_id
    );
    Rows::of(rows.fetch_all(db).await?)
}

/// A batch with its subtasks, by priority (highest first), then in the order of submission. One
/// statement, so that they agree; the counters are those of the rows. None when there is no such
/// batch.
pub async fn of_batch(
    db: impl PgExecutor<'_>,
    batch_id: Uuid,
) -> Result<Option<BatchWithSubtasks>> {
    let rows = select_rows!(
        BatchMemberRow,
        ", b.status AS b_status, b.outcome AS b_outcome, b.created_at AS b_created_at, b.completed_at AS b_completed_at",
        "orchestration_batches b JOIN subtasks s ON s.batch_id = b.id WHERE b.id = $1 ORDER BY s.id",
        batch_id
    )
    .fetch_all(db)
    .await?;
    let Some(first) = rows.first() else { return Ok(None) };
    let count = |status: SubtaskStatus| {
        let n = rows.iter().filter(|row| row.status == status.as_str()).count();
        i32::try_from(n).unwrap_or(i32::MAX)
    };
    let batch = BatchRow {
        id: first.batch_id,
        session_id: first.session_id.clone(),
        wave_number: first.wave_number,
        status: first.b_status.clone(),
        total_tasks: i32::try_from(rows.len()).unwrap_or(i32::MAX),
        completed_tasks: count(SubtaskStatus::Completed),
        failed_tasks: count(SubtaskStatus::Failed),
        outcome: first.b_outcome.clone(),
        created_at: first.b_created_at,
        completed_at: first.b_completed_at,
    }
    .into_batch()?;
    let mut subtasks =
        rows.into_iter().map(BatchMemberRow::into_subtask).collect::<Result<Vec<_>>>()?;
    // Stable, and cheaper here than over the wide rows there.
    subtasks.sort_by_key(|subtask| -subtask.priority);
    Ok(Some(BatchWithSubtasks { batch, subtasks }))
}

/// What a group of changes is decided on: the subtasks, the subtasks that wait for those about to
/// complete, and their batches and waves. One statement, whatever the group's size.
pub async fn for_changes(tx: &mut Tx, ids: &[Uuid], completing: &[Uuid]) -> Result<Rows> {
    let rows = select_full!(
        "(SELECT unnest($1::uuid[]) AS id
          UNION
          SELECT subtask_id FROM subtask_dependencies WHERE blocker_id = ANY($2)) AS wanted
         JOIN subtasks s ON s.id = wanted.id
         JOIN orchestration_batches b ON b.id = s.batch_id
         JOIN wave_states w ON w.session_id = s.session_id AND w.wave_number = s.wave_number",
        ids,
        completing
    );
    Rows::of(rows.fetch_all(&mut **tx).await?)
}

/// Writes what a group changed, and its events: one statement, whatever the group's size.
pub async fn write_changes(
    tx: &mut Tx,
    subtasks: &[Subtask],
    batches: &[Batch],
    waves: &[Wave],
    events: &[NewEvent],
    now: Time,
) -> Result<()> {
    let text = |value: &Option<domain::json::JsonObject>| {
        value.as_ref().map(|json| json.as_str().to_owned())
    };
    let mut sessions: Vec<String> = subtasks.iter().map(|s| s.session_id.clone()).collect();
    sessions.dedup();
    let columns = Columns::of(events)?;
    sqlx::query!(
        r#"WITH changed_subtasks AS (
               UPDATE subtasks s
               SET status = u.status, agent_id = u.agent_id, priority = u.priority, result = u.result::jsonb,
                   context_snapshot = u.context_snapshot::jsonb, blockers = u.blockers,
                   open_blockers = u.open_blockers,
                   retry_count = u.retry_count, started_at = u.started_at, completed_at = u.completed_at,
                   updated_at = u.updated_at
               FROM unnest($1::uuid[], $2::text[], $3::text[], $4::int[], $5::text[], $6::text[], $7::int[],
                           $8::int[], $9::timestamptz[], $10::timestamptz[], $11::timestamptz[], $32::int[])
                   AS u (id, status, agent_id, priority, result, context_snapshot, open_blockers, retry_count,
                         started_at, completed_at, updated_at, blockers)
               WHERE s.id = u.id
           ), changed_batches AS (
               UPDATE orchestration_batches b
               SET status = u.status, completed_tasks = u.completed, failed_tasks = u.failed, outcome = u.outcome,
                   completed_at = u.completed_at
               FROM unnest($12::uuid[], $13::text[], $14::int[], $15::int[], $16::text[], $17::timestamptz[])
                   AS u (id, status, completed, failed, outcome, completed_at)
               WHERE b.id = u.id
           ), changed_waves AS (
               UPDATE wave_states w
               SET status = u.status, completed_tasks = u.completed, failed_tasks = u.failed,
                   failed_optional_tasks = u.failed_optional, completed_at = u.completed_at
               FROM unnest($18::uuid[], $19::text[], $20::int[], $21::int[], $22::int[], $23::timestamptz[])
                   AS u (id, status, completed, failed, failed_optional, completed_at)
               WHERE w.id = u.id
           ), active AS (
               UPDATE sessions SET last_active_at = $24
               WHERE session_id = ANY($25) AND last_active_at < $24::timestamptz - interval '10 seconds'
           )
           INSERT INTO event_outbox (session_id, batch_id, agent_type, event, data, at)
           SELECT e.session_id, e.batch_id, e.agent_type, e.event, e.data::json, e.at
           FROM unnest($26::text[], $27::uuid[], $28::text[], $29::text[], $30::text[], $31::timestamptz[])
               WITH ORDINALITY AS e (session_id, batch_id, agent_type, event, data, at, position)
           ORDER BY e.position"#,
        &subtasks.iter().map(|s| s.id).collect::<Vec<_>>(),
        &subtasks.iter().map(|s| s.status.as_str().to_owned()).collect::<Vec<_>>(),
        &subtasks.iter().map(|s| s.agent_id.clone()).collect::<Vec<_>>() as &[Option<String>],
        &subtasks.iter().map(|s| s.priority).collect::<Vec<_>>(),
        &subtasks.iter().map(|s| text(&s.result)).collect::<Vec<_>>() as &[Option<String>],
        &subtasks.iter().map(|s| text(&s.context_snapshot)).collect::<Vec<_>>() as &[Option<String>],
        &subtasks.iter().map(|s| s.open_blockers).collect::<Vec<_>>(),
        &subtasks.iter().map(|s| s.retry_count).collect::<Vec<_>>(),
        &subtasks.iter().map(|s| s.started_at).collect::<Vec<_>>() as &[Option<Time>],
        &subtasks.iter().map(|s| s.completed_at).collect::<Vec<_>>() as &[Option<Time>],
        &subtasks.iter().map(|s| s.updated_at).collect::<Vec<_>>(),
        &batches.iter().map(|b| b.id).collect::<Vec<_>>(),
        &batches.iter().map(|b| b.status.as_str().to_owned()).collect::<Vec<_>>(),
        &batches.iter().map(|b| b.completed_tasks).collect::<Vec<_>>(),
        &batches.iter().map(|b| b.failed_tasks).collect::<Vec<_>>(),
        &batches.iter().map(|b| b.outcome.map(|o| super::batches::outcome_name(o).to_owned())).collect::<Vec<_>>()
            as &[Option<String>],
        &batches.iter().map(|b| b.completed_at).collect::<Vec<_>>() as &[Option<Time>],
        &waves.iter().map(|w| w.id).collect::<Vec<_>>(),
        &waves.iter().map(|w| w.status.as_str().to_owned()).collect::<Vec<_>>(),
        &waves.iter().map(|w| w.completed_tasks).collect::<Vec<_>>(),
        &waves.iter().map(|w| w.failed_tasks).collect::<Vec<_>>(),
        &waves.iter().map(|w| w.failed_optional_tasks).collect::<Vec<_>>(),
        &waves.iter().map(|w| w.completed_at).collect::<Vec<_>>() as &[Option<Time>],
        now,
        &sessions,
        &columns.session_ids,
        &columns.batch_ids as &[Option<Uuid>],
        &columns.agent_types as &[Option<String>],
        &columns.events,
        &columns.data,
        &columns.at,
        &subtasks.iter().map(|s| i32::try_from(s.blocked_by.len()).unwrap_or(i32::MAX)).collect::<Vec<_>>()
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

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

/// Completed work of the session's lower waves, newest wave first; at most `limit`.
pub async fn prior_work(
    db: impl PgExecutor<'_>,
    session_id: &str,
    below_wave: i32,
    limit: i64,
) -> Result<Vec<PriorWork>> {
    Ok(sqlx::query_as!(
        PriorWork,
        "SELECT agent_type, description, result->>'summary' AS summary FROM subtasks
         WHERE session_id = $1 AND wave_number < $2 AND status = 'completed'
         ORDER BY wave_number DESC, id LIMIT $3",
        session_id,
        below_wave,
        limit
    )
    .fetch_all(db)
    .await?)
}
