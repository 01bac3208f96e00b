//! `/api/waves/{session_id}/…`

use serde::{Deserialize, Serialize};

use crate::{check::Check, problem::Refusal, subtask::Subtask, wave::Wave};

/// Body of `POST /api/waves/{session_id}/create`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreateWave {
    /// Its place in the order of execution; 0 or more.
    #[cfg_attr(feature = "openapi", schema(minimum = 0))]
    pub wave_number: i32,
    /// A short title.
    #[serde(default)]
    pub name: Option<String>,
    /// What the phase is for.
    #[serde(default)]
    pub description: Option<String>,
    /// Whether somebody has to approve it before it starts (extension).
    #[serde(default)]
    pub requires_approval: bool,
}

/// Body of `POST /api/waves/{session_id}/approve`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ApproveWave {
    /// The wave.
    #[cfg_attr(feature = "openapi", schema(minimum = 0))]
    pub wave_number: i32,
    /// False rejects it.
    #[serde(default = "yes")]
    #[cfg_attr(feature = "openapi", schema(default = true))]
    pub approved: bool,
    /// What its agents are to know; at most 10,000 characters.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(max_length = 10_000))]
    pub comment: Option<String>,
    /// Who says so.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 200))]
    pub by: Option<String>,
}

const fn yes() -> bool {
    true
}

impl ApproveWave {
    /// Holds the request to its limits.
    ///
    /// # Errors
    /// [`Refusal::Invalid`].
    pub fn check(&self) -> Result<(), Refusal> {
        let mut check = Check::default();
        if let Some(comment) = &self.comment {
            check.text("comment", comment, false);
            if comment.chars().count() > 10_000 {
                check.fail("comment", "must be at most 10000 characters long");
            }
        }
        if let Some(by) = &self.by {
            check.name("by", by);
        }
        check.finish()
    }
}

impl CreateWave {
    /// Holds the request to its limits.
    ///
    /// # Errors
    /// [`Refusal::Invalid`].
    pub fn check(&self) -> Result<(), Refusal> {
        let mut check = Check::default();
        check.range("wave_number", self.wave_number.into(), 0, i32::MAX.into());
        if let Some(name) = self.name.as_deref().filter(|name| !name.is_empty()) {
            check.name("name", name);
        }
        check.text("description", self.description.as_deref().unwrap_or_default(), false);
        check.finish()
    }
}

/// Body of `POST /api/waves/{session_id}/start`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StartWave {
    /// The wave to start.
    #[cfg_attr(feature = "openapi", schema(minimum = 0))]
    pub wave_number: i32,
    /// Start although a lower wave failed (extension).
    #[serde(default)]
    pub force: bool,
}

/// Body of `POST /api/waves/{session_id}/transition`; may be left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TransitionWave {
    /// Go on although the last finished wave failed (extension).
    #[serde(default)]
    pub force: bool,
}

/// Body of `POST /api/waves/{session_id}/retry-failed`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RetryFailed {
    /// The wave.
    #[cfg_attr(feature = "openapi", schema(minimum = 0))]
    pub wave_number: i32,
}

/// Body of `POST /api/waves/{session_id}/cancel`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CancelWave {
    /// The wave.
    #[cfg_attr(feature = "openapi", schema(minimum = 0))]
    pub wave_number: i32,
    /// Why; at most 1,000 characters.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(max_length = 1_000))]
    pub reason: Option<String>,
}

impl CancelWave {
    /// Holds the request to its limits.
    ///
    /// # Errors
    /// [`Refusal::Invalid`].
    pub fn check(&self) -> Result<(), Refusal> {
        super::subtasks::check_reason(self.reason.as_deref())
    }
}

/// The failed subtasks of a wave that are tried again. What was stranded behind them waits for them as
/// before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RetryFailedAnswer {
    /// Always true; refusals are problems.
    pub success: bool,
    /// The subtasks as they now stand, oldest first; none when none had failed.
    pub subtasks: Vec<Subtask>,
}

/// A wave that was created or started.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WaveAnswer {
    /// Always true; refusals are problems.
    pub success: bool,
    /// The wave as it stands now.
    pub wave: Wave,
}

/// A transition that was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TransitionAnswer {
    /// Always true; refusals are problems.
    pub success: bool,
    /// The wave that runs now; the one just completed when it was the last.
    pub wave: Wave,
    /// The number of the wave before it.
    pub from: Option<i32>,
    /// The number of the wave that was started; none when the last one was completed.
    pub to: Option<i32>,
}

/// The wave a session is at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CurrentWave {
    /// The running wave, else the highest pending one.
    pub wave: Wave,
    /// The lowest pending wave (extension).
    pub next: Option<Wave>,
}

/// Every wave of a session, by number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WaveHistory {
    /// The session.
    pub session_id: String,
    /// Its waves.
    pub waves: Vec<Wave>,
    /// How many there are.
    pub count: i32,
}
