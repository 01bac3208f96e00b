//! Waves: phases of a session that run one after another (specification, "Wave States").

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Time, read_by_hand, usage::Usage};

/// Where a wave stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum WaveStatus {
    /// Created, not started.
    Pending,
    /// Its subtasks may run.
    Running,
    /// Every subtask ended and none failed critically.
    Completed,
    /// Every subtask ended and at least one failed critically.
    Failed,
}

/// What can happen to a wave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaveEvent {
    /// An orchestrator starts it.
    Start,
    /// Its last subtask ended.
    Finish {
        /// Whether a subtask that is not optional failed.
        failed: bool,
    },
    /// A failed subtask of it is tried again.
    Reopen,
}

/// A transition that the table does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a {current:?} wave cannot {event:?}")]
pub struct IllegalWaveEvent {
    /// Where the wave stands.
    pub current: WaveStatus,
    /// What was asked of it.
    pub event: WaveEvent,
}

impl WaveStatus {
    /// Every status, in the order of a wave's life.
    pub const ALL: [Self; 4] = [Self::Pending, Self::Running, Self::Completed, Self::Failed];

    /// The one table of wave transitions.
    ///
    /// # Errors
    /// When the wave cannot make that step.
    pub const fn transition(self, event: WaveEvent) -> Result<Self, IllegalWaveEvent> {
        match (self, event) {
            (Self::Pending, WaveEvent::Start) => Ok(Self::Running),
            (Self::Running, WaveEvent::Finish { failed: false }) => Ok(Self::Completed),
            (Self::Running, WaveEvent::Finish { failed: true }) => Ok(Self::Failed),
            (Self::Failed, WaveEvent::Reopen) => Ok(Self::Running),
            (
                Self::Pending | Self::Running | Self::Completed | Self::Failed,
                WaveEvent::Start | WaveEvent::Finish { .. } | WaveEvent::Reopen,
            ) => Err(IllegalWaveEvent { current: self, event }),
        }
    }

    /// Whether the wave has ended.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed)
    }

    /// The name as it is written on the wire and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
        }
    }

    /// The status of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }
}

/// Where a session stands, as its waves tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum SessionState {
    /// A wave runs.
    Running,
    /// No wave runs, and the last one that did failed.
    Failed,
    /// Nothing runs, and there is a wave to start, or none yet.
    Waiting,
    /// Every wave has ended, the last one well.
    Completed,
}

impl SessionState {
    /// Every state, the most pressing first.
    pub const ALL: [Self; 4] = [Self::Running, Self::Failed, Self::Waiting, Self::Completed];

    /// Where a session with these waves, ascending, stands.
    #[must_use]
    pub fn of(waves: &[WaveStatus]) -> Self {
        let pending = |status: &WaveStatus| *status == WaveStatus::Pending;
        if waves.contains(&WaveStatus::Running) {
            Self::Running
        } else if waves.iter().rev().find(|status| !pending(status)) == Some(&WaveStatus::Failed) {
            Self::Failed
        } else if waves.is_empty() || waves.iter().any(pending) {
            Self::Waiting
        } else {
            Self::Completed
        }
    }

    /// The name as it is written on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Failed => "failed",
            Self::Waiting => "waiting",
            Self::Completed => "completed",
        }
    }

    /// The state of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }
}

/// Whether somebody has approved that a wave starts (extension).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Approval {
    /// Nobody has said anything yet.
    Required,
    /// It may start.
    Approved,
    /// It may not, unless it is approved later.
    Rejected,
}

impl Approval {
    /// The name as it is written on the wire and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
        }
    }

    /// The state of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Required, Self::Approved, Self::Rejected].into_iter().find(|it| it.as_str() == name)
    }
}

/// A wave as it stands.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Wave {
    /// The server's id.
    pub id: Uuid,
    /// The session it belongs to.
    pub session_id: String,
    /// Its place in the order of execution; 0 or more, gaps allowed.
    pub wave_number: i32,
    /// A short title.
    pub name: Option<String>,
    /// What the phase is for.
    pub description: Option<String>,
    /// Where it stands.
    pub status: WaveStatus,
    /// How many subtasks it holds.
    pub total_tasks: i32,
    /// How many of them completed.
    pub completed_tasks: i32,
    /// How many of them failed, optional ones included.
    pub failed_tasks: i32,
    /// How many of the failed ones were optional, so that they do not fail the wave.
    pub failed_optional_tasks: i32,
    /// What its subtasks cost so far (extension).
    #[serde(skip_serializing_if = "Usage::is_nothing")]
    pub usage: Usage,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When it was started.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub completed_at: Option<DateTime<Utc>>,
    /// Whether it was approved; none when it needs no approval (extension).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approval>,
    /// What was said with that; it goes into the prompts of the wave (extension).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval_comment: Option<String>,
    /// Who said it (extension).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approved_by: Option<String>,
}

read_by_hand!(Wave { id, session_id, wave_number, name, description, status, total_tasks, completed_tasks, failed_tasks, failed_optional_tasks; usage, approval, approval_comment, approved_by; created_at, started_at, completed_at });

impl Wave {
    /// A new, empty wave.
    #[must_use]
    pub const fn new(id: Uuid, session_id: String, wave_number: i32, now: Time) -> Self {
        Self {
            id,
            session_id,
            wave_number,
            name: None,
            description: None,
            status: WaveStatus::Pending,
            total_tasks: 0,
            completed_tasks: 0,
            failed_tasks: 0,
            failed_optional_tasks: 0,
            usage: Usage { tokens_used: 0, cost_usd: crate::usage::Usd(0) },
            created_at: now,
            started_at: None,
            completed_at: None,
            approval: None,
            approval_comment: None,
            approved_by: None,
        }
    }

    /// How many subtasks have not ended.
    #[must_use]
    pub const fn open_tasks(&self) -> i32 {
        self.total_tasks - self.completed_tasks - self.failed_tasks
    }

    /// How many subtasks failed that were not optional.
    #[must_use]
    pub const fn critical_failures(&self) -> i32 {
        self.failed_tasks - self.failed_optional_tasks
    }

    /// Whether the next wave may build on this one: everything ended and nothing critical failed.
    #[must_use]
    pub const fn is_ready_for_next(&self) -> bool {
        self.total_tasks > 0 && self.open_tasks() == 0 && self.critical_failures() == 0
    }

    /// Why [`Self::is_ready_for_next`] is false, in sentences; empty when it is true.
    #[must_use]
    pub fn blockers(&self) -> Vec<String> {
        let mut reasons = Vec::new();
        if self.total_tasks == 0 {
            reasons.push(format!("Wave {} has no subtasks.", self.wave_number));
        }
        if self.open_tasks() > 0 {
            reasons.push(format!(
                "Not ended yet: {} of {} subtasks.",
                self.open_tasks(),
                self.total_tasks
            ));
        }
        if self.critical_failures() > 0 {
            reasons.push(format!("Failed subtasks: {}.", self.critical_failures()));
        }
        reasons
    }

    /// Milliseconds from start to end; none before the end.
    #[must_use]
    pub fn duration_ms(&self) -> Option<i64> {
        duration_ms(self.started_at, self.completed_at)
    }
}

/// Milliseconds between two times, never negative (the clocks of two servers may differ).
#[must_use]
pub fn duration_ms(from: Option<Time>, to: Option<Time>) -> Option<i64> {
    Some((to? - from?).num_milliseconds().max(0))
}

/// Whether a wave may start, given every wave of its session (readings, "start").
///
/// # Errors
/// The reason, and what to do about it.
pub fn may_start(waves: &[Wave], wave_number: i32, force: bool) -> Result<(), String> {
    for wave in waves {
        if wave.wave_number == wave_number {
            if wave.status.transition(WaveEvent::Start).is_err() {
                return Err(format!(
                    "Wave {wave_number} is {}; only a pending wave can start.",
                    wave.status.as_str()
                ));
            }
            match wave.approval {
                None | Some(Approval::Approved) => {}
                Some(Approval::Required) => {
                    return Err(format!(
                        "Wave {wave_number} has to be approved first: POST /api/waves/{}/approve {{\"wave_number\": {wave_number}}}.",
                        wave.session_id
                    ));
                }
                Some(Approval::Rejected) => {
                    return Err(format!(
                        "Wave {wave_number} was rejected; it starts once it is approved."
                    ));
                }
            }
        } else if wave.status == WaveStatus::Running {
            return Err(format!(
                "Wave {} is still running; finish it before wave {wave_number} starts.",
                wave.wave_number
            ));
        } else if wave.wave_number < wave_number && wave.status == WaveStatus::Pending {
            return Err(format!(
                "Wave {} comes first and is still pending; start it before wave {wave_number}.",
                wave.wave_number
            ));
        } else if wave.wave_number < wave_number && wave.status == WaveStatus::Failed && !force {
            return Err(format!(
                "Wave {} failed; retry its failed subtasks, or send \"force\": true to go on without them.",
                wave.wave_number
            ));
        }
    }
    Ok(())
}

/// Which wave `transition` should act on (readings, "transition").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Start the pending wave of this number.
    Start(i32),
    /// Complete this empty running wave, then start the pending one if there is one.
    CompleteEmpty {
        /// The running wave without subtasks.
        running: i32,
        /// The lowest pending wave.
        then: Option<i32>,
    },
}

/// Why there is no next wave to go to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoNext {
    /// Nothing to go to: a 404.
    Nothing(String),
    /// Something stands in the way: a 409.
    Refused(String),
}

/// Decides what `transition` does, given every wave of the session.
///
/// # Errors
/// [`NoNext`] with the reason.
pub fn next(waves: &[Wave], force: bool) -> Result<Next, NoNext> {
    let lowest_pending =
        waves.iter().filter(|w| w.status == WaveStatus::Pending).map(|w| w.wave_number).min();
    if let Some(running) = waves.iter().find(|w| w.status == WaveStatus::Running) {
        if running.total_tasks == 0 {
            return Ok(Next::CompleteEmpty { running: running.wave_number, then: lowest_pending });
        }
        return Err(NoNext::Refused(format!(
            "Wave {} is still running: {} of its {} subtasks have not ended.",
            running.wave_number,
            running.open_tasks(),
            running.total_tasks
        )));
    }
    let Some(last) = waves.iter().filter(|w| w.status.is_terminal()).max_by_key(|w| w.wave_number)
    else {
        return Err(NoNext::Nothing(
            "No wave has completed yet; start the first one with POST /api/waves/{session_id}/start.".to_owned(),
        ));
    };
    let Some(next) = lowest_pending else {
        return Err(NoNext::Nothing("No pending wave is left.".to_owned()));
    };
    if last.status == WaveStatus::Failed && !force {
        return Err(NoNext::Refused(format!(
            "Wave {} failed; retry its failed subtasks, or send \"force\": true to go on without them.",
            last.wave_number
        )));
    }
    may_start(waves, next, force).map_err(NoNext::Refused)?;
    Ok(Next::Start(next))
}

/// The `from` of `wave.transitioned`: the next lower wave that exists, else one less, none for wave 0.
#[must_use]
pub fn transitioned_from(waves: &[Wave], to: i32) -> Option<i32> {
    waves
        .iter()
        .map(|w| w.wave_number)
        .filter(|n| *n < to)
        .max()
        .or_else(|| (to > 0).then(|| to - 1))
}
