//! What a group of changes writes.

use std::collections::BTreeSet;

use domain::{Time, progress::Parts, subtask::SubtaskStatus, usage::BudgetLevel};
use uuid::Uuid;

use super::super::{Tx, batches::outcome_name, events::Columns};
use crate::Result;

/// Writes what a group changed, and its events: one statement, whatever the group's size. `batches`
/// are those that changed and those of the changed subtasks: each gets a new revision.
pub async fn write_changes(tx: &mut Tx, parts: &Parts, now: Time) -> Result<()> {
    let Parts { subtasks, batches, waves, accounts, events, ended } = parts;
    let text = |value: &Option<domain::json::JsonObject>| {
        value.as_ref().map(|json| json.as_str().to_owned())
    };
    let sessions: BTreeSet<&String> = events.iter().map(|e| &e.session_id).collect();
    let sessions: Vec<String> = sessions.into_iter().cloned().collect();
    // What did not change is null.
    let account = |id: &String| accounts.iter().find(|account| account.session_id == *id);
    let runs = |status| matches!(status, SubtaskStatus::Running | SubtaskStatus::Paused);
    // Files that were reserved for it are not the next agent's to wait for.
    let idle: Vec<Uuid> = subtasks.iter().filter(|s| !runs(s.status)).map(|s| s.id).collect();
    let columns = Columns::of(events)?;
    sqlx::query!(
        r#"WITH changed_subtasks AS (
               UPDATE subtasks s
               SET status = u.status, agent_id = u.agent_id, priority = u.priority, result = u.result::jsonb,
                   context_snapshot = u.context_snapshot::jsonb, blockers = u.blockers,
                   open_blockers = u.open_blockers,
                   retry_count = u.retry_count, started_at = u.started_at, completed_at = u.completed_at,
                   updated_at = u.updated_at, not_before = u.not_before, lease_token = u.lease_token,
                   tokens_used = u.tokens, cost_micros = u.micros, attempt_tokens = u.attempt_tokens,
                   attempt_micros = u.attempt_micros,
                   -- What it is once this statement has written its batch, too.
                   revision = (SELECT b.revision + 1 FROM orchestration_batches b WHERE b.id = s.batch_id)
               FROM unnest($1::uuid[], $2::text[], $3::text[], $4::int[], $5::text[], $6::text[], $7::int[],
                           $8::int[], $9::timestamptz[], $10::timestamptz[], $11::timestamptz[], $32::int[],
                           $33::timestamptz[], $34::bigint[], $38::bigint[], $39::bigint[], $40::bigint[],
                           $41::bigint[])
                   AS u (id, status, agent_id, priority, result, context_snapshot, open_blockers, retry_count,
                         started_at, completed_at, updated_at, blockers, not_before, lease_token,
                         tokens, micros, attempt_tokens, attempt_micros)
               WHERE s.id = u.id
           ), changed_batches AS (
               UPDATE orchestration_batches b
               SET status = u.status, completed_tasks = u.completed, failed_tasks = u.failed, outcome = u.outcome,
                   completed_at = u.completed_at, revision = b.revision + 1
               FROM unnest($12::uuid[], $13::text[], $14::int[], $15::int[], $16::text[], $17::timestamptz[])
                   AS u (id, status, completed, failed, outcome, completed_at)
               WHERE b.id = u.id
           ), changed_waves AS (
               UPDATE wave_states w
               SET status = u.status, completed_tasks = u.completed, failed_tasks = u.failed,
                   failed_optional_tasks = u.failed_optional, completed_at = u.completed_at,
                   tokens_used = u.tokens, cost_micros = u.micros
               FROM unnest($18::uuid[], $19::text[], $20::int[], $21::int[], $22::int[], $23::timestamptz[],
                           $42::bigint[], $43::bigint[])
                   AS u (id, status, completed, failed, failed_optional, completed_at, tokens, micros)
               WHERE w.id = u.id
           ), ended_attempts AS (
               UPDATE attempts a SET ended_at = $24, outcome = u.outcome, reason = u.reason
               FROM unnest($35::bigint[], $36::text[], $37::text[]) AS u (token, outcome, reason)
               WHERE a.token = u.token AND a.ended_at IS NULL
           ), freed_files AS (
               DELETE FROM file_leases f WHERE f.subtask_id = ANY($47)
           ), active AS (
               UPDATE sessions x
               SET last_active_at = $24, tokens_used = coalesce(u.tokens, x.tokens_used),
                   cost_micros = coalesce(u.micros, x.cost_micros), spent_out = coalesce(u.spent_out, x.spent_out)
               FROM unnest($25::text[], $44::bigint[], $45::bigint[], $46::bool[])
                   AS u (session_id, tokens, micros, spent_out)
               WHERE x.session_id = u.session_id
                 AND (x.last_active_at < $24::timestamptz - interval '10 seconds' OR u.tokens IS NOT NULL)
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
        &batches.iter().map(|b| b.outcome.map(|o| outcome_name(o).to_owned())).collect::<Vec<_>>()
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
        &subtasks.iter().map(|s| i32::try_from(s.blocked_by.len()).unwrap_or(i32::MAX)).collect::<Vec<_>>(),
        &subtasks.iter().map(|s| s.not_before).collect::<Vec<_>>() as &[Option<Time>],
        &subtasks.iter().map(|s| s.lease_token).collect::<Vec<_>>() as &[Option<i64>],
        &ended.iter().map(|e| e.token).collect::<Vec<_>>(),
        &ended.iter().map(|e| e.outcome.as_str().to_owned()).collect::<Vec<_>>(),
        &ended.iter().map(|e| e.reason.clone()).collect::<Vec<_>>() as &[Option<String>],
        &subtasks.iter().map(|s| s.usage.tokens_used).collect::<Vec<_>>(),
        &subtasks.iter().map(|s| s.usage.cost_usd.0).collect::<Vec<_>>(),
        &subtasks.iter().map(|s| s.attempt_usage.tokens_used).collect::<Vec<_>>(),
        &subtasks.iter().map(|s| s.attempt_usage.cost_usd.0).collect::<Vec<_>>(),
        &waves.iter().map(|w| w.usage.tokens_used).collect::<Vec<_>>(),
        &waves.iter().map(|w| w.usage.cost_usd.0).collect::<Vec<_>>(),
        &sessions.iter().map(|id| account(id).map(|a| a.usage.tokens_used)).collect::<Vec<_>>() as &[Option<i64>],
        &sessions.iter().map(|id| account(id).map(|a| a.usage.cost_usd.0)).collect::<Vec<_>>() as &[Option<i64>],
        &sessions.iter().map(|id| account(id).map(|a| a.level() == BudgetLevel::Hard)).collect::<Vec<_>>()
            as &[Option<bool>],
        &idle
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}
