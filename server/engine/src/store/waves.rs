//! `wave_states`

use domain::{
    Time,
    wave::{Approval, Wave, WaveStatus},
};
use sqlx::PgExecutor;
use uuid::Uuid;

use super::{Tx, known, usage};
use crate::Result;

#[derive(Debug)]
pub struct WaveRow {
    pub id: Uuid,
    pub session_id: String,
    pub wave_number: i32,
    pub name: Option<String>,
    pub description: Option<String>,
    pub status: String,
    pub total_tasks: i32,
    pub completed_tasks: i32,
    pub failed_tasks: i32,
    pub failed_optional_tasks: i32,
    pub tokens_used: i64,
    pub cost_micros: i64,
    pub created_at: Time,
    pub started_at: Option<Time>,
    pub completed_at: Option<Time>,
    pub approval: Option<String>,
    pub approval_comment: Option<String>,
    pub approved_by: Option<String>,
}

impl WaveRow {
    pub fn into_wave(self) -> Result<Wave> {
        Ok(Wave {
            status: known(WaveStatus::parse, &self.status)?,
            approval: self
                .approval
                .as_deref()
                .map(|name| known(Approval::parse, name))
                .transpose()?,
            approval_comment: self.approval_comment,
            approved_by: self.approved_by,
            id: self.id,
            session_id: self.session_id,
            wave_number: self.wave_number,
            name: self.name,
            description: self.description,
            total_tasks: self.total_tasks,
            completed_tasks: self.completed_tasks,
            failed_tasks: self.failed_tasks,
            failed_optional_tasks: self.failed_optional_tasks,
            usage: usage(self.tokens_used, self.cost_micros),
            created_at: self.created_at,
            started_at: self.started_at,
            completed_at: self.completed_at,
        })
    }
}

/// Every wave of a session, by number.
pub async fn of_session(db: impl PgExecutor<'_>, session_id: &str) -> Result<Vec<Wave>> {
    sqlx::query_as!(
        WaveRow,
        "SELECT id, session_id, wave_number, name, description, status, total_tasks, completed_tasks, failed_tasks,
                failed_optional_tasks, tokens_used, cost_micros, created_at, started_at, completed_at, approval, approval_comment,
                approved_by
         FROM wave_states WHERE session_id = $1 ORDER BY wave_number",
        session_id
    )
    .fetch_all(db)
    .await?
    .into_iter()
    .map(WaveRow::into_wave)
    .collect()
}

/// The waves of these sessions, by session and number.
pub async fn of_sessions(db: impl PgExecutor<'_>, session_ids: &[String]) -> Result<Vec<Wave>> {
    sqlx::query_as!(
        WaveRow,
        "SELECT id, session_id, wave_number, name, description, status, total_tasks, completed_tasks, failed_tasks,
                failed_optional_tasks, tokens_used, cost_micros, created_at, started_at, completed_at, approval, approval_comment,
                approved_by
         FROM wave_states WHERE session_id = ANY($1) ORDER BY session_id, wave_number",
        session_ids
    )
    .fetch_all(db)
    .await?
    .into_iter()
    .map(WaveRow::into_wave)
    .collect()
}

/// Adds a wave that does not exist yet.
pub async fn insert(tx: &mut Tx, wave: &Wave) -> Result<()> {
    sqlx::query!(
        "INSERT INTO wave_states (id, session_id, wave_number, name, description, created_at, approval)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        wave.id,
        wave.session_id,
        wave.wave_number,
        wave.name,
        wave.description,
        wave.created_at,
        wave.approval.map(Approval::as_str)
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Writes everything of a wave that can change.
pub async fn update(tx: &mut Tx, wave: &Wave) -> Result<()> {
    sqlx::query!(
        "UPDATE wave_states
         SET name = $2, description = $3, status = $4, started_at = $5, completed_at = $6, approval = $7,
             approval_comment = $8, approved_by = $9
         WHERE id = $1",
        wave.id,
        wave.name,
        wave.description,
        wave.status.as_str(),
        wave.started_at,
        wave.completed_at,
        wave.approval.map(Approval::as_str),
        wave.approval_comment,
        wave.approved_by
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}
