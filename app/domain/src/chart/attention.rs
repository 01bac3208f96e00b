//! What needs a person, most urgent first.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, VecDeque},
};

use uuid::Uuid;

use super::Net;
use crate::{
    conflict::{Conflict, ConflictKind, Severity},
    subtask::SubtaskStatus,
};

/// What is looked at of a subtask. Times are unix milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watched<'a> {
    /// The subtask; no two share it.
    pub id: Uuid,
    /// The number of its wave.
    pub wave: i32,
    /// Where it stands.
    pub status: SubtaskStatus,
    /// What is to be done.
    pub description: &'a str,
    /// The role that does it.
    pub agent_type: &'a str,
    /// What must complete first; ids that are not watched are ignored.
    pub blocked_by: &'a [Uuid],
    /// When it first ran.
    pub started_at: Option<i64>,
    /// When it ended.
    pub ended_at: Option<i64>,
}

/// Why a person is needed, most urgent first: the order of [`Severity`], then what only takes time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Concern {
    /// One failed and others can never start unless it is retried.
    Stranded,
    /// Several changed the same files at the same time.
    Conflict,
    /// One failed; nothing waits for it.
    Failed,
    /// One runs for much longer than its like did.
    Slow,
}

/// One thing to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// Why.
    pub concern: Concern,
    /// The subtasks to act on, in order of ids: those in conflict, else the failed or slow one.
    pub subtasks: Vec<Uuid>,
    /// The files in conflict, by name; empty for other concerns.
    pub files: Vec<String>,
    /// How many others that have not ended wait for them, directly or not; 0 or more.
    pub waiting: i32,
}

/// Nobody is asked to look at what runs for less than ten minutes.
const SHORTEST_SLOW_MS: i64 = 600_000;

/// Everything that needs a person: by concern, then how many wait for it, then id. A failed subtask
/// is one need, however many it strands.
#[must_use]
pub fn attention(subtasks: &[Watched], conflicts: &[Conflict], now: i64) -> Vec<Need> {
    let (net, rows) = watched(subtasks);
    let dependents = net.dependents();
    let mut needs = Vec::new();

    // The same subtasks often meet in many files: one thing to look at.
    let mut met: BTreeMap<Vec<Uuid>, BTreeSet<&str>> = BTreeMap::new();
    for conflict in conflicts {
        if conflict.kind == ConflictKind::FileConflict && conflict.severity == Severity::High {
            let ids: BTreeSet<Uuid> = conflict.subtask_ids.iter().copied().collect();
            let files = met.entry(ids.into_iter().collect()).or_default();
            files.extend(conflict.files.iter().map(String::as_str));
        }
    }
    for (ids, files) in met {
        let find = |id: &Uuid| rows.binary_search_by_key(id, |row| row.id).ok().map(|k| k as u32);
        needs.push(Need {
            concern: Concern::Conflict,
            waiting: waiting(&rows, &dependents, ids.iter().filter_map(find).collect()),
            subtasks: ids,
            files: files.into_iter().map(str::to_owned).collect(),
        });
    }

    let usual = Usual::of(&rows);
    for (at, row) in rows.iter().enumerate() {
        let failed = row.status == SubtaskStatus::Failed;
        if failed || usual.is_slow(row, now) {
            let waiting = waiting(&rows, &dependents, vec![at as u32]);
            let concern = match (failed, waiting) {
                (false, _) => Concern::Slow,
                (true, 0) => Concern::Failed,
                (true, _) => Concern::Stranded,
            };
            needs.push(Need { concern, subtasks: vec![row.id], files: Vec::new(), waiting });
        }
    }
    needs.sort_by(|a, b| urgency(a).cmp(&urgency(b)));
    needs
}

/// Orders needs, most urgent first.
fn urgency(need: &Need) -> (Concern, Reverse<i32>, &[Uuid]) {
    (need.concern, Reverse(need.waiting), &need.subtasks)
}

/// The subtasks that wait, directly or not, for a failed one, each with the nearest such one (the
/// smallest id of several).
#[must_use]
pub fn stranded(subtasks: &[Watched]) -> BTreeMap<Uuid, Uuid> {
    let (net, rows) = watched(subtasks);
    let dependents = net.dependents();
    let mut by: Vec<Option<u32>> = vec![None; rows.len()];
    let mut queue = VecDeque::new();
    for (at, row) in rows.iter().enumerate() {
        if row.status == SubtaskStatus::Failed {
            by[at] = Some(at as u32);
            queue.push_back(at as u32);
        }
    }
    // From all failed ones at once, in order of ids: the first to arrive is the nearest.
    while let Some(at) = queue.pop_front() {
        for next in &dependents[at as usize] {
            if by[*next as usize].is_none() {
                by[*next as usize] = by[at as usize];
                queue.push_back(*next);
            }
        }
    }
    rows.iter()
        .zip(by)
        .filter(|(row, _)| !row.status.is_terminal())
        .filter_map(|(row, failed)| Some((row.id, rows[failed? as usize].id)))
        .collect()
}

/// The subtasks in order of ids, and who waits for whom.
fn watched<'a, 'b>(subtasks: &'b [Watched<'a>]) -> (Net, Vec<&'b Watched<'a>>) {
    let links: Vec<(Uuid, &[Uuid])> = subtasks.iter().map(|row| (row.id, row.blocked_by)).collect();
    let net = Net::new(&links);
    let rows = net.input.iter().map(|k| &subtasks[*k as usize]).collect();
    (net, rows)
}

/// How many that have not ended wait for any of these, directly or not, themselves not counted.
fn waiting(rows: &[&Watched], dependents: &[Vec<u32>], of: Vec<u32>) -> i32 {
    let mut seen = vec![false; rows.len()];
    for at in &of {
        seen[*at as usize] = true;
    }
    let mut next = of;
    let mut open = 0;
    while let Some(at) = next.pop() {
        for dependent in &dependents[at as usize] {
            if !std::mem::replace(&mut seen[*dependent as usize], true) {
                open += i32::from(!rows[*dependent as usize].status.is_terminal());
                next.push(*dependent);
            }
        }
    }
    open
}

/// How long subtasks took, in milliseconds, ascending: of each agent type, and of all.
struct Usual<'a> {
    of: BTreeMap<&'a str, Vec<u64>>,
    all: Vec<u64>,
}

impl<'a> Usual<'a> {
    fn of(rows: &[&Watched<'a>]) -> Self {
        let mut of: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
        let mut all = Vec::new();
        for row in rows.iter().filter(|row| row.status == SubtaskStatus::Completed) {
            if let (Some(from), Some(until)) = (row.started_at, row.ended_at) {
                let took = until.saturating_sub(from).max(0) as u64;
                of.entry(row.agent_type).or_default().push(took);
                all.push(took);
            }
        }
        for times in of.values_mut() {
            times.sort_unstable();
        }
        all.sort_unstable();
        Self { of, all }
    }

    /// Whether it runs for more than three times the median of its like, and not just for minutes.
    fn is_slow(&self, row: &Watched, now: i64) -> bool {
        let Some(started) = row.started_at else { return false };
        let own = self.of.get(row.agent_type).filter(|times| times.len() >= 3);
        let times = own.unwrap_or(&self.all);
        let median = match times.len() {
            0 => 0,
            n => u64::midpoint(times[(n - 1) / 2], times[n / 2]),
        };
        let limit = median.saturating_mul(3).max(SHORTEST_SLOW_MS as u64);
        row.status == SubtaskStatus::Running && now.saturating_sub(started).max(0) as u64 > limit
    }
}
