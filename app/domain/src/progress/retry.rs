//! A failed subtask is tried again, which reopens what its failure had closed.

use uuid::Uuid;

use super::Progress;
use crate::{
    batch::BatchEvent,
    event::NewEvent,
    problem::Refusal,
    subtask::{Subtask, SubtaskEvent},
    wave::{WaveEvent, WaveStatus},
};

impl Progress {
    /// Decides one retry of a failed subtask. `running` is another wave of the session that runs.
    ///
    /// # Errors
    /// Not found, not failed, or a wave that cannot be reopened; then nothing of it is applied.
    pub fn retry(&mut self, id: Uuid, running: Option<i32>) -> Result<Subtask, Refusal> {
        let before = self.subtask(id)?.clone();
        let event = SubtaskEvent::Retry { blocked: before.open_blockers > 0 };
        let Ok(status) = before.status.transition(event) else {
            return Err(Refusal::conflict(
                "not_failed",
                format!(
                    "Subtask {id} is {}; only a failed subtask can be retried.",
                    before.status.as_str()
                ),
            ));
        };
        self.reopen_wave(&before, running)?;
        self.reopen_batch(&before);
        let after = Subtask {
            status,
            agent_id: None,
            lease_token: None,
            not_before: None,
            result: None,
            started_at: None,
            completed_at: None,
            attempt_usage: crate::usage::Usage::default(),
            retry_count: before.retry_count + 1,
            updated_at: self.now,
            ..before.clone()
        };
        self.note(&before, after.clone());
        Ok(after)
    }

    /// Takes the failure out of the wave's counters; a wave that it ended runs again.
    fn reopen_wave(&mut self, failed: &Subtask, running: Option<i32>) -> Result<(), Refusal> {
        let key = (failed.session_id.clone(), failed.wave_number);
        let Some(wave) = self.waves.get_mut(&key) else { return Ok(()) };
        match (wave.status, running) {
            (WaveStatus::Pending | WaveStatus::Running, _) => {}
            (WaveStatus::Completed, _) => {
                return Err(Refusal::conflict(
                    "wave_finished",
                    format!(
                        "Wave {} is completed; submit the work to a later wave.",
                        wave.wave_number
                    ),
                ));
            }
            (WaveStatus::Failed, Some(running)) => {
                return Err(Refusal::conflict(
                    "wave_running",
                    format!(
                        "Wave {running} is running; wave {} can be reopened when it has finished.",
                        wave.wave_number
                    ),
                ));
            }
            (WaveStatus::Failed, None) => {
                if let Ok(status) = wave.status.transition(WaveEvent::Reopen) {
                    wave.status = status;
                    wave.completed_at = None;
                    self.changes.events.push(NewEvent::wave_reopened(wave, self.now));
                }
            }
        }
        wave.failed_tasks -= 1;
        wave.failed_optional_tasks -= i32::from(failed.optional);
        self.changes.waves.insert(key);
        Ok(())
    }

    /// Takes the failure out of the batch's counters; a batch that was complete is so no longer.
    fn reopen_batch(&mut self, failed: &Subtask) {
        let Some(batch) = self.batches.get_mut(&failed.batch_id) else { return };
        batch.failed_tasks -= 1;
        if let Ok(status) = batch.status.transition(BatchEvent::Reopen) {
            batch.status = status;
            batch.completed_at = None;
            batch.outcome = None;
            self.changes.events.push(NewEvent::batch_reopened(batch, self.now));
        }
        self.changes.batches.insert(batch.id);
    }
}
