//! What needs a person, in words.

use domain::chart::{Concern, Need, Notice, NoticeKind, Watched};
use uuid::Uuid;

use crate::format::{clipped, count, running};

/// Longest quotation of a description; characters.
const QUOTE: usize = 90;

/// What is wrong with one or several of the subtasks, which are in order of ids, in one sentence.
pub fn notice(need: &Need, subtasks: &[Watched], now: i64) -> Notice {
    let row =
        |id: &Uuid| subtasks.binary_search_by_key(id, |row| row.id).ok().map(|at| &subtasks[at]);
    let first = need.subtasks.first().and_then(row);
    let quoted = first.map_or_else(
        || "A subtask".to_owned(),
        |row| format!("“{}”", clipped(row.description, QUOTE)),
    );
    let (kind, text) = match need.concern {
        Concern::Stranded => {
            let waiting = count(need.waiting, "subtask waits", "subtasks wait");
            (NoticeKind::Stranded, format!("{quoted} failed; {waiting} for it."))
        }
        Concern::Failed => (NoticeKind::Failed, format!("{quoted} failed.")),
        Concern::Conflict => {
            let file = need.files.first().map(String::as_str).unwrap_or_default();
            let others = match need.files.len() {
                0 | 1 => String::new(),
                n => format!(" and {} more", n - 1),
            };
            let many = i32::try_from(need.subtasks.len()).unwrap_or(i32::MAX);
            let many = count(many, "subtask", "subtasks");
            (NoticeKind::Conflict, format!("{many} changed {file}{others} at the same time."))
        }
        Concern::Slow => {
            let started = first.and_then(|row| row.started_at).unwrap_or(now);
            let time = running(now - started);
            (NoticeKind::Slow, format!("{quoted} has run for {time}, far longer than its like."))
        }
    };
    Notice { kind, subtask: need.subtasks.first().copied(), wave: None, text }
}
