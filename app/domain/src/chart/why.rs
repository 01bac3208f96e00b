//! Why a subtask does not run yet, in one sentence.

use uuid::Uuid;

use super::{Watched, sorted};
use crate::{
    subtask::SubtaskStatus,
    usage::HeldBack,
    wave::{Approval, WaveStatus},
};

/// Most blockers to name; the rest is counted.
const MOST_NAMES: usize = 3;
/// Most characters of a description to quote.
const MOST_CHARS: usize = 60;

/// What stands around a subtask.
#[derive(Clone, Copy, Debug)]
pub struct Stage {
    /// How its wave stands.
    pub wave: WaveStatus,
    /// Whether the wave has to be approved, and is.
    pub approval: Option<Approval>,
    /// Why the session hands out no work.
    pub held_back: Option<HeldBack>,
}

/// Why a subtask waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Why {
    /// One sentence.
    pub sentence: String,
    /// The subtasks that it waits for, in order of ids: the failed one that strands it, else its
    /// direct blockers that have not completed.
    pub waits_for: Vec<Uuid>,
}

/// Why `subtask` waits; none when it runs or has ended.
///
/// `blockers` are its direct blockers as far as they are known, and
/// `stranded_by` is the failed subtask that it waits for, directly or not ([`super::stranded`]).
#[must_use]
pub fn why_waiting(
    subtask: &Watched,
    stage: Stage,
    blockers: &[Watched],
    stranded_by: Option<&Watched>,
) -> Option<Why> {
    use SubtaskStatus::{Blocked, Completed, Failed, Paused, Pending, Running};
    let mut sentence = String::new();
    let mut waits_for = Vec::new();
    match (subtask.status, stranded_by) {
        (Running | Completed | Failed, _) => return None,
        (Pending | Paused | Blocked, Some(failed)) => {
            sentence.push_str("Stranded: ");
            quote(&mut sentence, failed.description);
            sentence.push_str(" failed and must be retried first.");
            waits_for.push(failed.id);
        }
        (Paused, None) => sentence.push_str("Paused."),
        (Pending, None) if stage.wave == WaveStatus::Running => {
            sentence.push_str(match stage.held_back {
                None => "Ready: waits for an agent.",
                Some(HeldBack::Paused) => "Ready, but the session is paused.",
                Some(HeldBack::Budget) => "Ready, but the session's budget is spent.",
            });
        }
        (Pending | Blocked, None) => {
            sentence.push_str("Waits for ");
            if stage.wave != WaveStatus::Running {
                sentence.push_str("wave ");
                sentence.push_str(&subtask.wave.to_string());
                sentence.push_str(match stage.approval {
                    None | Some(Approval::Approved) => " to start",
                    Some(Approval::Required) => " to be approved",
                    Some(Approval::Rejected) => " to be approved, which was rejected",
                });
                if subtask.status == Blocked {
                    sentence.push_str(", and for ");
                }
            }
            if subtask.status == Blocked {
                waits_for = name_open(&mut sentence, subtask.blocked_by.len(), blockers);
            }
            sentence.push('.');
        }
    }
    Some(Why { sentence, waits_for })
}

/// Adds `2 of 5: “a” (running), “b” (failed)`; hands back which.
fn name_open(sentence: &mut String, all: usize, blockers: &[Watched]) -> Vec<Uuid> {
    let open: Vec<&Watched> = sorted(blockers.len(), &|a, b| blockers[a].id.cmp(&blockers[b].id))
        .into_iter()
        .map(|k| &blockers[k as usize])
        .filter(|blocker| blocker.status != SubtaskStatus::Completed)
        .collect();
    if open.is_empty() {
        // The blockers are not known here, or word of them is late.
        sentence.push_str("others to complete");
        return Vec::new();
    }
    sentence.push_str(&open.len().to_string());
    sentence.push_str(" of ");
    sentence.push_str(&all.max(blockers.len()).to_string());
    for (number, blocker) in open.iter().take(MOST_NAMES).enumerate() {
        sentence.push_str(if number == 0 { ": " } else { ", " });
        quote(sentence, blocker.description);
        sentence.push_str(" (");
        sentence.push_str(blocker.status.as_str());
        sentence.push(')');
    }
    if open.len() > MOST_NAMES {
        sentence.push_str(" and ");
        sentence.push_str(&(open.len() - MOST_NAMES).to_string());
        sentence.push_str(" more");
    }
    open.iter().map(|blocker| blocker.id).collect()
}

/// Adds the first line of a description in quotes, cut where it gets long.
fn quote(sentence: &mut String, description: &str) {
    let line = description.trim().lines().next().unwrap_or_default().trim_end();
    sentence.push('“');
    match line.char_indices().nth(MOST_CHARS) {
        Some((end, _)) => {
            sentence.push_str(line[..end].trim_end());
            sentence.push('…');
        }
        None => sentence.push_str(line),
    }
    sentence.push('”');
}
