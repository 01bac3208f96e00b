//! `orchestration_batches`

use domain::{
    Time,
    batch::{Batch, BatchOutcome, BatchStatus},
    event::NewEvent,
    subtask::Subtask,
    synthesis::Synthesis,
};
use sqlx::PgExecutor;
use uuid::Uuid;

use super::{Tx, events::Columns, known};
use crate::Result;

#[derive(Debug)]
pub struct BatchRow {
    pub id: Uuid,
    pub session_id: String,
    pub wave_number: i32,
    pub status: String,
    pub total_tasks: i32,
    pub completed_tasks: i32,
    pub failed_tasks: i32,
    pub outcome: Option<String>,
    pub created_at: Time,
    pub completed_at: Option<Time>,
}

fn outcome(name: &str) -> Option<BatchOutcome> {
    match name {
        "succeeded" => Some(BatchOutcome::Succeeded),
        "partial" => Some(BatchOutcome::Partial),
        "failed" => Some(BatchOutcome::Failed),
        _ => None,
    }
}

/// The outcome's name in the database.
pub const fn outcome_name(outcome: BatchOutcome) -> &'static str {
    match outcome {
        BatchOutcome::Succeeded => "succeeded",
        BatchOutcome::Partial => "partial",
        BatchOutcome::Failed => "failed",
    }
}

impl BatchRow {
    pub fn into_batch(self) -> Result<Batch> {
        Ok(Batch {
            status: known(BatchStatus::parse, &self.status)?,
            outcome: self.outcome.as_deref().map(|name| known(outcome, name)).transpose()?,
            id: self.id,
            session_id: self.session_id,
            wave_number: self.wave_number,
            total_tasks: self.total_tasks,
            completed_tasks: self.completed_tasks,
            failed_tasks: self.failed_tasks,
            created_at: self.created_at,
            completed_at: self.completed_at,
        })
    }
}

/// Every batch of a session, oldest first.
pub async fn of_session(db: impl PgExecutor<'_>, session_id: &str) -> Result<Vec<Batch>> {
    sqlx::query_as!(
        BatchRow,
        "SELECT id, session_id, wave_number, status, total_tasks, completed_tasks, failed_tasks, outcome, created_at,
                completed_at
         FROM orchestration_batches WHERE session_id = $1 ORDER BY wave_number, id",
        session_id
    )
    .fetch_all(db)
    .await?
    .into_iter()
    .map(BatchRow::into_batch)
    .collect()
}

/// The stored synthesis; none when there is no such batch or it has not completed.
pub async fn synthesis(db: impl PgExecutor<'_>, id: Uuid) -> Result<Option<Synthesis>> {
    let text = sqlx::query_scalar!(
        "SELECT synthesis::text FROM orchestration_batches WHERE id = $1 AND status = 'completed'",
        id
    )
    .fetch_optional(db)
    .await?
    .flatten();
    Ok(text.map(|text| serde_json::from_str(&text)).transpose()?)
}

/// Completes a batch with its synthesis.
pub async fn complete(tx: &mut Tx, batch: &Batch, synthesis: &Synthesis) -> Result<()> {
    sqlx::query!(
        "UPDATE orchestration_batches SET status = $2, outcome = $3, completed_at = $4, synthesis = $5::text::jsonb,
                revision = revision + 1
         WHERE id = $1",
        batch.id,
        batch.status.as_str(),
        batch.outcome.map(outcome_name),
        batch.completed_at,
        serde_json::to_string(synthesis)?
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Adds a batch with its subtasks and their dependencies, its wave and session if they are new, and
/// its events: one statement, however many subtasks. Says whether it did; not when the wave has
/// ended.
///
/// The session's row is written first, which holds it like [`crate::lock`] does. `wave_created` is
/// told only when the wave was new.
pub async fn submit(
    db: impl PgExecutor<'_>,
    batch: &Batch,
    subtasks: &[Subtask],
    new_wave_id: Uuid,
    wave_created: NewEvent,
    batch_created: NewEvent,
) -> Result<bool> {
    let events = Columns::of(&[wave_created, batch_created])?;
    let scopes = subtasks
        .iter()
        .map(|s| (!s.scope.is_empty()).then(|| serde_json::to_string(&s.scope)).transpose())
        .collect::<std::result::Result<Vec<_>, _>>()?;
    let edges =
        || subtasks.iter().flat_map(|s| s.blocked_by.iter().map(move |blocker| (s.id, *blocker)));
    let added = sqlx::query_scalar!(
        r#"WITH held AS (
               INSERT INTO sessions (session_id, created_at, last_active_at) VALUES ($1, $5, $5)
               ON CONFLICT (session_id) DO UPDATE SET last_active_at =
                   CASE WHEN sessions.last_active_at < excluded.last_active_at - interval '10 seconds'
                        THEN excluded.last_active_at ELSE sessions.last_active_at END
               RETURNING session_id
           ), wave AS (
               INSERT INTO wave_states (id, session_id, wave_number, total_tasks, created_at)
               SELECT $2, session_id, $3, $4, $5 FROM held
               ON CONFLICT (session_id, wave_number) DO UPDATE SET total_tasks = wave_states.total_tasks + $4
               WHERE wave_states.status IN ('pending', 'running')
               RETURNING session_id, wave_number, (xmax = 0) AS is_new
           ), batch AS (
               INSERT INTO orchestration_batches (id, session_id, wave_number, total_tasks, created_at)
               SELECT $6, session_id, wave_number, $4, $5 FROM wave
               RETURNING id, session_id, wave_number
           ), added AS (
               INSERT INTO subtasks (id, batch_id, session_id, wave_number, task_id, agent_type, description, status,
                                     priority, optional, blockers, open_blockers, context_snapshot, scope, max_attempts,
                                     time_limit_seconds, created_at, updated_at)
               SELECT u.id, batch.id, batch.session_id, batch.wave_number, u.task_id, u.agent_type, u.description,
                      u.status, u.priority, u.optional, u.blockers, u.open_blockers, u.context_snapshot::jsonb,
                      u.scope::jsonb, u.max_attempts, u.time_limit, $5, $5
               FROM batch, unnest($7::uuid[], $8::text[], $9::text[], $10::text[], $11::text[], $12::int[],
                                  $13::bool[], $14::int[], $15::int[], $16::text[], $25::text[], $26::int[], $27::int[])
                   AS u (id, task_id, agent_type, description, status, priority, optional, blockers, open_blockers,
                         context_snapshot, scope, max_attempts, time_limit)
           ), linked AS (
               INSERT INTO subtask_dependencies (subtask_id, blocker_id)
               SELECT e.subtask_id, e.blocker_id FROM batch, unnest($17::uuid[], $18::uuid[]) AS e (subtask_id, blocker_id)
           ), told AS (
               INSERT INTO event_outbox (session_id, batch_id, agent_type, event, data, at)
               SELECT e.session_id, e.batch_id, e.agent_type, e.event, e.data::json, e.at
               FROM wave, unnest($19::text[], $20::uuid[], $21::text[], $22::text[], $23::text[], $24::timestamptz[])
                   WITH ORDINALITY AS e (session_id, batch_id, agent_type, event, data, at, position)
               WHERE wave.is_new OR e.position > 1
               ORDER BY e.position
           )
           SELECT count(*) AS "added!" FROM batch"#,
        batch.session_id,
        new_wave_id,
        batch.wave_number,
        batch.total_tasks,
        batch.created_at,
        batch.id,
        &subtasks.iter().map(|s| s.id).collect::<Vec<_>>(),
        &subtasks.iter().map(|s| s.task_id.clone()).collect::<Vec<_>>() as &[Option<String>],
        &subtasks.iter().map(|s| s.agent_type.clone()).collect::<Vec<_>>(),
        &subtasks.iter().map(|s| s.description.clone()).collect::<Vec<_>>(),
        &subtasks.iter().map(|s| s.status.as_str().to_owned()).collect::<Vec<_>>(),
        &subtasks.iter().map(|s| s.priority).collect::<Vec<_>>(),
        &subtasks.iter().map(|s| s.optional).collect::<Vec<_>>(),
        &subtasks.iter().map(|s| i32::try_from(s.blocked_by.len()).unwrap_or(i32::MAX)).collect::<Vec<_>>(),
        &subtasks.iter().map(|s| s.open_blockers).collect::<Vec<_>>(),
        &subtasks.iter().map(|s| s.context_snapshot.as_ref().map(|json| json.as_str().to_owned())).collect::<Vec<_>>()
            as &[Option<String>],
        &edges().map(|(subtask, _)| subtask).collect::<Vec<_>>(),
        &edges().map(|(_, blocker)| blocker).collect::<Vec<_>>(),
        &events.session_ids,
        &events.batch_ids as &[Option<Uuid>],
        &events.agent_types as &[Option<String>],
        &events.events,
        &events.data,
        &events.at,
        &scopes as &[Option<String>],
        &subtasks.iter().map(|s| s.max_attempts).collect::<Vec<_>>() as &[Option<i32>],
        &subtasks.iter().map(|s| s.time_limit_seconds).collect::<Vec<_>>() as &[Option<i32>]
    )
    .fetch_one(db)
    .await?;
    Ok(added == 1)
}
