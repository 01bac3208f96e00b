//! What becomes of waves, batches and subtasks.

use serde_json::{Value, json};
use uuid::Uuid;

use super::NewEvent;
use crate::{Time, batch::Batch, subtask::Subtask, subtask::SubtaskStatus, wave::Wave};

impl NewEvent {
    fn of_wave(event: &'static str, wave: &Wave, data: Value, at: Time) -> Self {
        Self {
            event,
            session_id: wave.session_id.clone(),
            batch_id: None,
            agent_type: None,
            data,
            at,
        }
    }

    /// `wave.created` (extension).
    #[must_use]
    pub fn wave_created(wave: &Wave, at: Time) -> Self {
        let data = json!({
            "session_id": wave.session_id, "wave_number": wave.wave_number, "status": wave.status, "name": wave.name,
        });
        Self::of_wave("wave.created", wave, data, at)
    }

    /// `wave.updated` (extension): the wave got a name or a description, or has to be approved.
    #[must_use]
    pub fn wave_updated(wave: &Wave, at: Time) -> Self {
        let data = json!({
            "session_id": wave.session_id, "wave_number": wave.wave_number, "status": wave.status, "name": wave.name,
            "approval": wave.approval,
        });
        Self::of_wave("wave.updated", wave, data, at)
    }

    /// `wave.transitioned`: the wave started; `from` is the wave before it.
    #[must_use]
    pub fn wave_transitioned(wave: &Wave, from: Option<i32>, at: Time) -> Self {
        let data = json!({
            "session_id": wave.session_id, "from": from, "to": wave.wave_number, "status": wave.status,
        });
        Self::of_wave("wave.transitioned", wave, data, at)
    }

    /// `wave.completed` or `wave.failed`, after the wave's status.
    #[must_use]
    pub fn wave_finished(wave: &Wave, at: Time) -> Self {
        let event = if wave.status == crate::wave::WaveStatus::Failed {
            "wave.failed"
        } else {
            "wave.completed"
        };
        let data = json!({
            "session_id": wave.session_id,
            "wave_number": wave.wave_number,
            "status": wave.status,
            "total_tasks": wave.total_tasks,
            "completed_tasks": wave.completed_tasks,
            "failed_tasks": wave.failed_tasks,
            "duration_ms": wave.duration_ms(),
        });
        Self::of_wave(event, wave, data, at)
    }

    /// `wave.reopened` (extension): a failed subtask of a failed wave is tried again.
    #[must_use]
    pub fn wave_reopened(wave: &Wave, at: Time) -> Self {
        let data = json!({
            "session_id": wave.session_id, "wave_number": wave.wave_number, "status": wave.status,
        });
        Self::of_wave("wave.reopened", wave, data, at)
    }

    /// `batch.created`.
    #[must_use]
    pub fn batch_created(batch: &Batch, subtask_ids: &[Uuid], at: Time) -> Self {
        Self {
            event: "batch.created",
            session_id: batch.session_id.clone(),
            batch_id: Some(batch.id),
            agent_type: None,
            data: json!({
                "batch_id": batch.id,
                "session_id": batch.session_id,
                "wave_number": batch.wave_number,
                "status": batch.status,
                "total_tasks": batch.total_tasks,
                "subtask_ids": subtask_ids,
            }),
            at,
        }
    }

    /// `batch.completed`.
    #[must_use]
    pub fn batch_completed(batch: &Batch, next_wave_ready: bool, at: Time) -> Self {
        Self {
            event: "batch.completed",
            session_id: batch.session_id.clone(),
            batch_id: Some(batch.id),
            agent_type: None,
            data: json!({
                "batch_id": batch.id,
                "session_id": batch.session_id,
                "wave_number": batch.wave_number,
                "total_tasks": batch.total_tasks,
                "completed_tasks": batch.completed_tasks,
                "failed_tasks": batch.failed_tasks,
                "outcome": batch.outcome,
                "next_wave_ready": next_wave_ready,
            }),
            at,
        }
    }

    /// `batch.reopened` (extension): a failed subtask of a completed batch is tried again.
    #[must_use]
    pub fn batch_reopened(batch: &Batch, at: Time) -> Self {
        Self {
            event: "batch.reopened",
            session_id: batch.session_id.clone(),
            batch_id: Some(batch.id),
            agent_type: None,
            data: json!({
                "batch_id": batch.id,
                "session_id": batch.session_id,
                "wave_number": batch.wave_number,
                "status": batch.status,
            }),
            at,
        }
    }

    /// `subtask.updated`: everything that a list shows of it, without the result itself.
    #[must_use]
    pub fn subtask_updated(subtask: &Subtask, from: SubtaskStatus, at: Time) -> Self {
        Self {
            event: "subtask.updated",
            session_id: subtask.session_id.clone(),
            batch_id: Some(subtask.batch_id),
            agent_type: Some(subtask.agent_type.clone()),
            data: json!({
                "subtask_id": subtask.id,
                "batch_id": subtask.batch_id,
                "session_id": subtask.session_id,
                "wave_number": subtask.wave_number,
                "agent_type": subtask.agent_type,
                "agent_id": subtask.agent_id,
                "from": from,
                "status": subtask.status,
                "priority": subtask.priority,
                "blocked_by": subtask.blocked_by,
                "open_blockers": subtask.open_blockers,
                "retry_count": subtask.retry_count,
                "started_at": subtask.started_at,
                "completed_at": subtask.completed_at,
            }),
            at,
        }
    }
}
