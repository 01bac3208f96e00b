//! What a person should know of a session, in words.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    Time,
    conflict::Conflict,
    lease::{Attempt, Health},
    usage::{Account, BudgetLevel},
    wave::{Approval, Wave, WaveStatus},
};

/// What a notice is about, most urgent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum NoticeKind {
    /// The hard budget is spent.
    Spent,
    /// The next wave waits for a person's word.
    Approval,
    /// As [`Concern::Stranded`](super::Concern).
    Stranded,
    /// As [`Concern::Conflict`](super::Concern).
    Conflict,
    /// As [`Concern::Failed`](super::Concern).
    Failed,
    /// An agent is alive but does nothing.
    Stalled,
    /// A subtask changed what it must not, or more than it may.
    Scope,
    /// The soft budget is spent.
    Budget,
    /// As [`Concern::Slow`](super::Concern).
    Slow,
}

/// Something that a person should know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Notice {
    /// What it is about.
    pub kind: NoticeKind,
    /// The subtask to look at.
    pub subtask: Option<Uuid>,
    /// The wave to look at.
    pub wave: Option<i32>,
    /// One sentence.
    pub text: String,
}

crate::read_by_hand!(Notice { kind, subtask, wave, text });

/// What there is to say beside what [`super::attention`] finds, most urgent first. `violations` come with the waves of their subtasks; those of
/// waves that were gone past are left out, as in [`super::attention`].
#[must_use]
pub fn notices(
    waves: &[Wave],
    leases: &[Attempt],
    violations: &[(i32, Conflict)],
    account: &Account,
    now: Time,
) -> Vec<Notice> {
    let about = |kind, text: String| Notice { kind, subtask: None, wave: None, text };
    let mut all = Vec::new();
    match account.level() {
        BudgetLevel::Within => {}
        BudgetLevel::Soft => {
            all.push(about(NoticeKind::Budget, "The soft budget is spent.".to_owned()));
        }
        BudgetLevel::Hard => all.push(about(
            NoticeKind::Spent,
            "The budget is spent: no more work is handed out.".to_owned(),
        )),
    }
    if let Some(wave) = waits_for_approval(waves) {
        let text = format!("Wave {} waits for approval.", wave.wave_number);
        let wave = Some(wave.wave_number);
        all.push(Notice { wave, ..about(NoticeKind::Approval, text) });
    }
    for lease in leases {
        // Who never records an action cannot be told from who calls no tool.
        if let (Health::Stalled, Some(last)) = (lease.health_at(now), lease.last_action_at) {
            let minutes = (now - last).num_minutes();
            let text =
                format!("{} is alive, but has called no tool for {minutes} min.", lease.agent_id);
            let subtask = Some(lease.subtask_id);
            all.push(Notice { subtask, ..about(NoticeKind::Stalled, text) });
        }
    }
    let begun = waves.iter().filter(|wave| wave.started_at.is_some()).map(|wave| wave.wave_number);
    let begun = begun.max().unwrap_or(i32::MIN);
    for (_, conflict) in violations.iter().filter(|(wave, _)| *wave >= begun) {
        let agent = conflict.agents.first().map_or("An agent", String::as_str);
        let text = format!("{agent}: {}.", conflict.description);
        let subtask = conflict.subtask_ids.first().copied();
        all.push(Notice { subtask, ..about(NoticeKind::Scope, text) });
    }
    all.sort_by_key(|notice| notice.kind);
    all
}

/// The next wave, when it is its turn and somebody has to approve it first.
fn waits_for_approval(waves: &[Wave]) -> Option<&Wave> {
    if waves.iter().any(|wave| wave.status == WaveStatus::Running) {
        return None;
    }
    let pending = waves.iter().filter(|wave| wave.status == WaveStatus::Pending);
    let next = pending.min_by_key(|wave| wave.wave_number)?;
    (next.approval == Some(Approval::Required)).then_some(next)
}
