//! Work under a lease: who holds a subtask, for how long, and what became of every try (extension).

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Time;

/// How long a lease lasts without a sign of life when its claim does not say; seconds.
pub const LEASE_SECONDS: i32 = 300;
/// The shortest and the longest lease; seconds.
pub const LEASE_RANGE: (i32, i32) = (5, 86_400);
/// How often a subtask is tried when its task does not say.
pub const MAX_ATTEMPTS: i32 = 3;
/// An agent that is alive but has called no tool for so long is stalled; seconds.
pub const STALLED_SECONDS: i64 = 180;

/// What became of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Its agent reported the work done.
    Completed,
    /// Its agent, or a person, gave the work up.
    Failed,
    /// The subtask was given back for another agent.
    GivenBack,
    /// Its agent gave no sign of life until the lease was over.
    Expired,
    /// It took longer than the subtask may take.
    TimedOut,
    /// The subtask was cancelled.
    Cancelled,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Self; 6] = [
        Self::Completed,
        Self::Failed,
        Self::GivenBack,
        Self::Expired,
        Self::TimedOut,
        Self::Cancelled,
    ];

    /// The name as it is written on the wire and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::GivenBack => "given_back",
            Self::Expired => "expired",
            Self::TimedOut => "timed_out",
            Self::Cancelled => "cancelled",
        }
    }

    /// The outcome of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == name)
    }
}

/// One try at a subtask under a lease.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Attempt {
    /// The subtask.
    pub subtask_id: Uuid,
    /// The fencing token: later leases have higher ones. A report with another one is refused.
    pub token: i64,
    /// Who tries.
    pub agent_id: String,
    /// How long the lease lasts after each sign of life; seconds.
    pub lease_seconds: i32,
    /// When it was claimed.
    pub claimed_at: DateTime<Utc>,
    /// The last sign of life: a heartbeat or a recorded action.
    pub heartbeat_at: DateTime<Utc>,
    /// The last recorded action.
    pub last_action_at: Option<DateTime<Utc>>,
    /// When the lease ends without a sign of life.
    pub expires_at: DateTime<Utc>,
    /// When the time that the subtask may take is over.
    pub deadline_at: Option<DateTime<Utc>>,
    /// When it ended; none while it goes on.
    pub ended_at: Option<DateTime<Utc>>,
    /// What became of it.
    pub outcome: Option<Outcome>,
    /// Why, in one sentence, where that is not clear.
    pub reason: Option<String>,
    /// How it is doing, at the time of this answer.
    pub health: Health,
}

/// How an attempt is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
// The server has a health of its own, and schemas of one name would replace each other.
#[cfg_attr(feature = "openapi", schema(as = AttemptHealth))]
#[serde(rename_all = "lowercase")]
pub enum Health {
    /// It has ended.
    Idle,
    /// Its agent calls tools, or has only just begun.
    Working,
    /// Its agent is alive, but has called no tool for [`STALLED_SECONDS`].
    Stalled,
    /// Its lease is over.
    Dead,
}

impl Attempt {
    /// How it is doing at that time.
    #[must_use]
    pub fn health_at(&self, now: Time) -> Health {
        let active = self.last_action_at.unwrap_or(self.claimed_at);
        if self.ended_at.is_some() {
            Health::Idle
        } else if self.expires_at <= now {
            Health::Dead
        } else if now - active > TimeDelta::seconds(STALLED_SECONDS) {
            Health::Stalled
        } else {
            Health::Working
        }
    }
}

/// How long a subtask is left alone after its lease ended without a report, the `retries`th time:
/// 5 seconds, doubled each time, at most 5 minutes.
#[must_use]
pub fn backoff(retries: i32) -> TimeDelta {
    let doublings = u32::try_from(retries.saturating_sub(1)).unwrap_or(0).min(6);
    TimeDelta::seconds((5_i64 << doublings).min(300))
}
