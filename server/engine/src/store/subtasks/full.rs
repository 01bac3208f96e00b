//! Subtasks with the batch and the wave that they belong to.

use domain::{batch::Batch, subtask::Subtask, usage::Account, wave::Wave};
use sqlx::PgExecutor;
use uuid::Uuid;

use super::{
    super::{Tx, batches::BatchRow, budget, usage, waves::WaveRow},
    rows::{FullRow, select_rows},
};
use crate::Result;

/// A query for subtasks with batch, wave and session; `$from` gives `s`, `b`, `w` and `x`.
macro_rules! select_full {
    ($from:tt $(, $argument:expr)* $(,)?) => {
        select_rows!(
            FullRow,
            r#", b.status AS b_status, b.total_tasks AS b_total, b.completed_tasks AS b_completed,
                b.failed_tasks AS b_failed, b.outcome AS b_outcome, b.created_at AS b_created_at,
                b.completed_at AS b_completed_at,
                w.id AS w_id, w.name AS w_name, w.description AS w_description, w.status AS w_status,
                w.total_tasks AS w_total, w.completed_tasks AS w_completed, w.failed_tasks AS w_failed,
                w.failed_optional_tasks AS w_optional, w.tokens_used AS w_tokens, w.cost_micros AS w_micros,
                w.created_at AS w_created_at,
                w.started_at AS w_started_at, w.completed_at AS w_completed_at,
                x.paused AS x_paused, x.tokens_used AS x_tokens, x.cost_micros AS x_micros,
                x.budget::text AS x_budget"#,
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
            tokens_used: self.w_tokens,
            cost_micros: self.w_micros,
            created_at: self.w_created_at,
            started_at: self.w_started_at,
            completed_at: self.w_completed_at,
            // Of no concern to a wave that has subtasks changed.
            approval: None,
            approval_comment: None,
            approved_by: None,
        }
        .into_wave()
    }

    fn account(&self) -> Result<Account> {
        Ok(Account {
            session_id: self.session_id.clone(),
            paused: self.x_paused,
            usage: usage(self.x_tokens, self.x_micros),
            budget: budget(self.x_budget.clone())?,
        })
    }
}

/// Subtasks with the batches, waves and sessions that they belong to, each once.
#[derive(Debug, Default)]
pub struct Rows {
    pub subtasks: Vec<Subtask>,
    pub batches: Vec<Batch>,
    pub waves: Vec<Wave>,
    pub accounts: Vec<Account>,
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
            if !all.accounts.iter().any(|account| account.session_id == row.session_id) {
                all.accounts.push(row.account()?);
            }
            all.subtasks.push(row.into_subtask()?);
        }
        Ok(all)
    }
}

/// A batch with its wave and its subtasks, in no order. One statement, so that the counters and the
/// rows agree. Empty when there is no such batch: a batch has at least one subtask.
pub async fn with_batch(db: impl PgExecutor<'_>, batch_id: Uuid) -> Result<Rows> {
    let rows = select_full!(
        "orchestration_batches b
         JOIN wave_states w ON w.session_id = b.session_id AND w.wave_number = b.wave_number
         JOIN sessions x ON x.session_id = b.session_id
         JOIN subtasks s ON s.batch_id = b.id
         WHERE b.id = $1",
        batch_id
    );
    Rows::of(rows.fetch_all(db).await?)
}

/// What a group of changes is decided on: the subtasks, the subtasks that wait for those about to
/// complete, and their batches and waves. One statement, whatever the group's size.
pub async fn for_changes(tx: &mut Tx, ids: &[Uuid], completing: &[Uuid]) -> Result<Rows> {
    if ids.is_empty() {
        return Ok(Rows::default());
    }
    let rows = select_full!(
        "(SELECT unnest($1::uuid[]) AS id
          UNION
          SELECT subtask_id FROM subtask_dependencies WHERE blocker_id = ANY($2)) AS wanted
         JOIN subtasks s ON s.id = wanted.id
         JOIN orchestration_batches b ON b.id = s.batch_id
         JOIN wave_states w ON w.session_id = s.session_id AND w.wave_number = s.wave_number
         JOIN sessions x ON x.session_id = s.session_id",
        ids,
        completing
    );
    Rows::of(rows.fetch_all(&mut **tx).await?)
}
