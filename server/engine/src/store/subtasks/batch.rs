//! A batch with its subtasks, the read that agents and pages make most.

use std::cmp::Reverse;

use domain::{
    Time,
    batch::{Batch, BatchWithSubtasks},
    subtask::{Subtask, SubtaskStatus},
    usage::Usage,
};
use sqlx::PgExecutor;
use uuid::Uuid;

use super::super::{Error, batches::BatchRow, known, object, scope, usage};
use crate::Result;

/// The batch, where `session_id` is there; one of its subtasks, where it is not.
#[derive(Debug)]
struct Row {
    id: Uuid,
    status: String,
    created_at: Time,
    completed_at: Option<Time>,
    // The batch's own.
    session_id: Option<String>,
    wave_number: Option<i32>,
    total_tasks: Option<i32>,
    completed_tasks: Option<i32>,
    failed_tasks: Option<i32>,
    outcome: Option<String>,
    revision: Option<i64>,
    // The subtask's own; `blocked_by` only where there is something.
    task_id: Option<String>,
    agent_type: Option<String>,
    agent_id: Option<String>,
    description: Option<String>,
    priority: Option<i32>,
    optional: Option<bool>,
    blocked_by: Option<Vec<Uuid>>,
    open_blockers: Option<i32>,
    result: Option<String>,
    context_snapshot: Option<String>,
    scope: Option<String>,
    max_attempts: Option<i32>,
    time_limit_seconds: Option<i32>,
    not_before: Option<Time>,
    retry_count: Option<i32>,
    tokens_used: Option<i64>,
    cost_micros: Option<i64>,
    started_at: Option<Time>,
    updated_at: Option<Time>,
}

/// What a reader who may know a batch already learns of it.
#[derive(Debug)]
pub enum BatchRead {
    /// It is as the reader knows it.
    Same,
    /// As it now stands, at this revision, with the subtasks that changed since the reader's; with all
    /// of them for a reader who has none.
    Now(BatchWithSubtasks, i64),
}

/// A batch and its revision, with its subtasks by priority (highest first), then in the order of
/// submission: those that changed since the revision that is `known`. One statement, so that they
/// agree. None when there is no such batch.
///
/// The batch is a row of its own, and the order is made here: beside every subtask, or sorted over
/// these wide rows in Postgres, each costs a third of the rate.
pub async fn of_batch(
    db: impl PgExecutor<'_>,
    batch_id: Uuid,
    known: Option<i64>,
) -> Result<Option<BatchRead>> {
    let mut rows = sqlx::query_as!(
        Row,
        r#"SELECT id AS "id!", status AS "status!", created_at AS "created_at!", completed_at, session_id,
                  wave_number, total_tasks, completed_tasks, failed_tasks, outcome, revision, NULL AS task_id, NULL AS agent_type, NULL AS agent_id,
                  NULL AS description, NULL::int AS priority, NULL::bool AS optional,
                  NULL::uuid[] AS blocked_by, NULL::int AS open_blockers, NULL AS result,
                  NULL AS context_snapshot, NULL AS scope, NULL::int AS max_attempts,
                  NULL::int AS time_limit_seconds, NULL::timestamptz AS not_before, NULL::int AS retry_count, NULL::bigint AS tokens_used,
                  NULL::bigint AS cost_micros, NULL::timestamptz AS started_at,
                  NULL::timestamptz AS updated_at
           FROM orchestration_batches WHERE id = $1
           UNION ALL
           SELECT s.id, s.status, s.created_at, s.completed_at, NULL, NULL, NULL, NULL, NULL, NULL, NULL, s.task_id, s.agent_type,
                  s.agent_id, s.description, s.priority, s.optional,
                  CASE WHEN s.blockers > 0 THEN ARRAY(
                      SELECT d.blocker_id FROM subtask_dependencies d
                      WHERE d.subtask_id = s.id ORDER BY d.blocker_id
                  ) END,
                  s.open_blockers, s.result::text, s.context_snapshot::text, s.scope::text,
                  s.max_attempts, s.time_limit_seconds, s.not_before, s.retry_count, s.tokens_used, s.cost_micros, s.started_at,
                  s.updated_at
           FROM subtasks s
           WHERE s.batch_id = $1 AND s.revision > coalesce($2::bigint, -1)
             -- Where nothing changed, none is looked at.
             AND $2 IS DISTINCT FROM (SELECT b.revision FROM orchestration_batches b WHERE b.id = $1)"#,
        batch_id,
        known
    )
    .fetch_all(db)
    .await?;
    let Some(at) = rows.iter().position(|row| row.session_id.is_some()) else { return Ok(None) };
    let row = rows.swap_remove(at);
    let revision = there(row.revision)?;
    if known == Some(revision) {
        return Ok(Some(BatchRead::Same));
    }
    let batch = row.into_batch()?;
    let mut subtasks =
        rows.into_iter().map(|row| row.into_subtask(&batch)).collect::<Result<Vec<_>>>()?;
    subtasks.sort_unstable_by_key(|subtask| (Reverse(subtask.priority), subtask.id));
    Ok(Some(BatchRead::Now(BatchWithSubtasks { batch, subtasks }, revision)))
}

impl Row {
    fn into_batch(self) -> Result<Batch> {
        BatchRow {
            id: self.id,
            session_id: there(self.session_id)?,
            wave_number: there(self.wave_number)?,
            status: self.status,
            total_tasks: there(self.total_tasks)?,
            completed_tasks: there(self.completed_tasks)?,
            failed_tasks: there(self.failed_tasks)?,
            outcome: self.outcome,
            created_at: self.created_at,
            completed_at: self.completed_at,
        }
        .into_batch()
    }

    fn into_subtask(self, batch: &Batch) -> Result<Subtask> {
        Ok(Subtask {
            id: self.id,
            task_id: self.task_id,
            batch_id: batch.id,
            session_id: batch.session_id.clone(),
            wave_number: batch.wave_number,
            agent_type: there(self.agent_type)?,
            agent_id: self.agent_id,
            description: there(self.description)?,
            status: known(SubtaskStatus::parse, &self.status)?,
            priority: there(self.priority)?,
            optional: there(self.optional)?,
            blocked_by: self.blocked_by.unwrap_or_default(),
            open_blockers: there(self.open_blockers)?,
            result: object(self.result)?,
            context_snapshot: object(self.context_snapshot)?,
            scope: scope(self.scope)?,
            max_attempts: self.max_attempts,
            time_limit_seconds: self.time_limit_seconds,
            not_before: self.not_before,
            // Readers of a batch are not told.
            lease_token: None,
            retry_count: there(self.retry_count)?,
            usage: usage(there(self.tokens_used)?, there(self.cost_micros)?),
            attempt_usage: Usage::default(),
            created_at: self.created_at,
            started_at: self.started_at,
            completed_at: self.completed_at,
            updated_at: there(self.updated_at)?,
        })
    }
}

/// A column that may be null only in the other kind of row.
fn there<T>(value: Option<T>) -> Result<T> {
    value.ok_or_else(|| Error::internal("a batch's row lacks a column"))
}
