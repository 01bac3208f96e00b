//! What people do to a session, one call for all of it: each server function of its own is code to
//! download.

#[cfg(feature = "ssr")]
use domain::dto::{ApproveWave, Cancel, CancelWave, StartWave, TransitionWave};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::json::Json;
#[cfg(feature = "ssr")]
use super::{engine, refuse};
use crate::AppError;

/// Something that is done to a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Step {
    /// Start a wave.
    Start {
        /// Its number.
        wave: i32,
        /// Although a lower one failed.
        force: bool,
    },
    /// Go on to the next wave.
    Next {
        /// Although the last one failed.
        force: bool,
    },
    /// Try every failed subtask of a wave again.
    RetryFailed(i32),
    /// Try a subtask again.
    Retry(Uuid),
    /// Complete a batch.
    Complete(Uuid),
    /// Cancel a subtask.
    Cancel(Uuid),
    /// Cancel what of a batch has not ended.
    CancelBatch(Uuid),
    /// Cancel what of a wave has not ended.
    CancelWave(i32),
    /// Hand out no more work, or do so again.
    Pause(bool),
    /// Approve that a wave starts, or reject it.
    Approve {
        /// Its number.
        wave: i32,
        /// Whether it may start.
        approved: bool,
        /// What its agents should know; may be empty.
        comment: String,
    },
}

/// Does it, and says what came of it.
#[server(name = StepCall, endpoint = "step", input = Json, output = Json)]
pub async fn take_step(session_id: String, step: Step) -> Result<String, AppError> {
    use crate::format::count;
    let engine = engine()?;
    Ok(match step {
        Step::Start { wave, force } => {
            let request = StartWave { wave_number: wave, force };
            engine.start_wave(&session_id, request).await.map_err(refuse)?;
            format!("Wave {wave} runs.")
        }
        Step::Next { force } => {
            let request = TransitionWave { force };
            let answer = engine.transition_wave(&session_id, request).await.map_err(refuse)?;
            match answer.to {
                Some(to) => format!("Wave {to} runs."),
                None => {
                    format!("Wave {} is complete; no wave is left.", answer.wave.wave_number)
                }
            }
        }
        Step::RetryFailed(wave) => {
            let retried = engine.retry_failed(&session_id, wave).await.map_err(refuse)?;
            let many = i32::try_from(retried.len()).unwrap_or(i32::MAX);
            format!("{} to be tried again.", count(many, "subtask is", "subtasks are"))
        }
        Step::Retry(id) => {
            engine.retry_subtask(id).await.map_err(refuse)?;
            "The subtask is to be tried again.".to_owned()
        }
        Step::Cancel(id) => {
            let cancelled = engine.cancel_subtask(id, Cancel::default()).await.map_err(refuse)?;
            let said = if cancelled.is_empty() {
                "The subtask had ended already."
            } else {
                "The subtask is cancelled; its agent hears of it at its next sign of life."
            };
            said.to_owned()
        }
        Step::CancelBatch(id) => {
            let cancelled = engine.cancel_batch(id, Cancel::default()).await.map_err(refuse)?;
            cancelled_many(cancelled.len())
        }
        Step::CancelWave(wave_number) => {
            let request = CancelWave { wave_number, reason: None };
            let cancelled = engine.cancel_wave(&session_id, request).await.map_err(refuse)?;
            cancelled_many(cancelled.len())
        }
        Step::Pause(paused) => {
            engine.pause_session(&session_id, paused).await.map_err(refuse)?;
            let said = if paused {
                "Paused: no more work is handed out; what agents hold they keep."
            } else {
                "Work is handed out again."
            };
            said.to_owned()
        }
        Step::Approve { wave, approved, comment } => {
            let comment = Some(comment).filter(|comment| !comment.trim().is_empty());
            let request = ApproveWave { wave_number: wave, approved, comment, by: None };
            engine.approve_wave(&session_id, request).await.map_err(refuse)?;
            let said = if approved { "approved" } else { "rejected" };
            format!("Wave {wave} is {said}.")
        }
        Step::Complete(id) => {
            let answer = engine.complete_batch(id, false).await.map_err(refuse)?;
            let summary = answer.synthesis.summary;
            match answer.open_tasks {
                0 => format!("Batch completed. {summary}"),
                open => {
                    let open = count(open, "subtask is", "subtasks are");
                    format!("Not complete yet: {open} open. {summary}")
                }
            }
        }
    })
}

#[cfg(feature = "ssr")]
fn cancelled_many(many: usize) -> String {
    let many = i32::try_from(many).unwrap_or(i32::MAX);
    format!("{} cancelled.", crate::format::count(many, "subtask is", "subtasks are"))
}
