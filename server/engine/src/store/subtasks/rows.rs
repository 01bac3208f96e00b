//! What a row of `subtasks` is, alone or with columns of its batch and wave.

use domain::{
    Time,
    subtask::{Subtask, SubtaskStatus},
};
use uuid::Uuid;

use super::super::{known, object, scope, usage};
use crate::Result;

/// A row with a subtask's columns and others; `into_subtask` takes the former.
macro_rules! subtask_row {
    ($name:ident { $($extra:ident: $kind:ty),* $(,)? }) => {
        #[derive(Debug)]
        pub struct $name {
            pub id: Uuid,
            pub batch_id: Uuid,
            pub session_id: String,
            pub wave_number: i32,
            pub task_id: Option<String>,
            pub agent_type: String,
            pub agent_id: Option<String>,
            pub description: String,
            pub status: String,
            pub priority: i32,
            pub optional: bool,
            pub blocked_by: Vec<Uuid>,
            pub open_blockers: i32,
            pub result: Option<String>,
            pub context_snapshot: Option<String>,
            pub scope: Option<String>,
            pub max_attempts: Option<i32>,
            pub time_limit_seconds: Option<i32>,
            pub not_before: Option<Time>,
            pub lease_token: Option<i64>,
            pub retry_count: i32,
            pub tokens_used: i64,
            pub cost_micros: i64,
            pub attempt_tokens: i64,
            pub attempt_micros: i64,
            pub created_at: Time,
            pub started_at: Option<Time>,
            pub completed_at: Option<Time>,
            pub updated_at: Time,
            $(pub $extra: $kind,)*
        }

        impl $name {
            pub fn into_subtask(self) -> Result<Subtask> {
                Ok(Subtask {
                    status: known(SubtaskStatus::parse, &self.status)?,
                    result: object(self.result)?,
                    context_snapshot: object(self.context_snapshot)?,
                    scope: scope(self.scope)?,
                    max_attempts: self.max_attempts,
                    time_limit_seconds: self.time_limit_seconds,
                    not_before: self.not_before,
                    lease_token: self.lease_token,
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
                    usage: usage(self.tokens_used, self.cost_micros),
                    attempt_usage: usage(self.attempt_tokens, self.attempt_micros),
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
    w_tokens: i64,
    w_micros: i64,
    w_created_at: Time,
    w_started_at: Option<Time>,
    w_completed_at: Option<Time>,
    x_paused: bool,
    x_tokens: i64,
    x_micros: i64,
    x_budget: Option<String>,
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
                      s.scope::text AS scope, s.max_attempts, s.time_limit_seconds, s.not_before, s.lease_token,
                      s.retry_count, s.tokens_used, s.cost_micros, s.attempt_tokens, s.attempt_micros,
                      s.created_at, s.started_at, s.completed_at, s.updated_at"#
                + $columns + " FROM " + $from
            $(, $argument)*
        )
    };
}

pub(super) use select_rows;
