//! What needs a person, most urgent first.

use std::cmp::Reverse;

use uuid::Uuid;

use super::{Net, sorted};
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
const SHORTEST_SLOW_MS: u64 = 600_000;

/// Everything that needs a person: by concern, then how many wait for it, then id. A failed subtask
/// is one need, however many it strands. When a later wave has begun, what nothing waits for is
/// behind: somebody went on in spite of it.
#[must_use]
pub fn attention(subtasks: &[Watched], conflicts: &[Conflict], now: i64) -> Vec<Need> {
    let (net, rows) = watched(subtasks);
    let dependents = net.dependents();
    let mut needs: Vec<Need> = Vec::new();

    // The same subtasks often meet in many files: one thing to look at.
    let mut met: Vec<(Vec<Uuid>, &str)> = Vec::new();
    for conflict in conflicts {
        if conflict.kind == ConflictKind::FileConflict && conflict.severity == Severity::High {
            let of = &conflict.subtask_ids;
            let mut ids: Vec<Uuid> = sorted(of.len(), &|a, b| of[a].cmp(&of[b]))
                .iter()
                .map(|k| of[*k as usize])
                .collect();
            ids.dedup();
            met.extend(conflict.files.iter().map(|file| (ids.clone(), file.as_str())));
        }
    }
    for at in sorted(met.len(), &|a, b| met[a].cmp(&met[b])) {
        let (ids, file) = &met[at as usize];
        if let Some(Need { subtasks, files, .. }) = needs.last_mut()
            && subtasks == ids
        {
            if files.last().is_none_or(|last| last != file) {
                files.push((*file).to_owned());
            }
            continue;
        }
        let find = |id: &Uuid| rows.binary_search_by_key(id, |row| row.id).ok().map(|k| k as u32);
        needs.push(Need {
            concern: Concern::Conflict,
            waiting: waiting(&rows, &dependents, ids.iter().filter_map(find).collect()),
            subtasks: ids.clone(),
            files: vec![(*file).to_owned()],
        });
    }

    let begun = rows.iter().filter(|row| row.started_at.is_some()).map(|row| row.wave).max();
    needs.retain(|need| {
        let wave = |id: &Uuid| rows.binary_search_by_key(id, |row| row.id).map(|at| rows[at].wave);
        let behind = |id: &Uuid| wave(id).is_ok_and(|wave| begun.is_some_and(|begun| wave < begun));
        need.waiting > 0 || !need.subtasks.iter().all(behind)
    });

    let usual = Usual::of(&rows);
    for (at, row) in rows.iter().enumerate() {
        let failed = row.status == SubtaskStatus::Failed;
        if failed || usual.is_slow(row, now) {
            let waiting = waiting(&rows, &dependents, vec![at as u32]);
            if failed && waiting == 0 && begun.is_some_and(|begun| row.wave < begun) {
                continue;
            }
            let concern = match (failed, waiting) {
                (false, _) => Concern::Slow,
                (true, 0) => Concern::Failed,
                (true, _) => Concern::Stranded,
            };
            needs.push(Need { concern, subtasks: vec![row.id], files: Vec::new(), waiting });
        }
    }
    sorted(needs.len(), &|a, b| urgency(&needs[a]).cmp(&urgency(&needs[b])))
        .into_iter()
        .map(|k| needs[k as usize].clone())
        .collect()
}

/// Orders needs, most urgent first.
fn urgency(need: &Need) -> (Concern, Reverse<i32>, &[Uuid]) {
    (need.concern, Reverse(need.waiting), &need.subtasks)
}

/// The subtasks that wait, directly or not, for a failed one, each with the nearest such one (the
/// smallest id of several); in order of ids.
#[must_use]
pub fn stranded(subtasks: &[Watched]) -> Vec<(Uuid, Uuid)> {
    let (net, rows) = watched(subtasks);
    let dependents = net.dependents();
    let mut by: Vec<Option<u32>> = vec![None; rows.len()];
    let mut queue = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        if row.status == SubtaskStatus::Failed {
            by[at] = Some(at as u32);
            queue.push(at as u32);
        }
    }
    // From all failed ones at once, in order of ids: the first to arrive is the nearest.
    let mut reached = 0;
    while let Some(at) = queue.get(reached).copied() {
        reached += 1;
        for next in &dependents[at as usize] {
            if by[*next as usize].is_none() {
                by[*next as usize] = by[at as usize];
                queue.push(*next);
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

/// How long completed subtasks took, in milliseconds.
struct Usual<'a> {
    /// By agent type, then ascending.
    by_type: Vec<(&'a str, u64)>,
    /// The median of all; 0 of none.
    all: u64,
}

impl<'a> Usual<'a> {
    fn of(rows: &[&Watched<'a>]) -> Self {
        let mut times = Vec::new();
        for row in rows.iter().filter(|row| row.status == SubtaskStatus::Completed) {
            if let (Some(from), Some(until)) = (row.started_at, row.ended_at) {
                times.push((row.agent_type, until.saturating_sub(from).max(0) as u64));
            }
        }
        let in_order = |by: &dyn Fn(usize, usize) -> std::cmp::Ordering| -> Vec<(&'a str, u64)> {
            sorted(times.len(), by).into_iter().map(|k| times[k as usize]).collect()
        };
        Self {
            all: median(&in_order(&|a, b| times[a].1.cmp(&times[b].1))),
            by_type: in_order(&|a, b| times[a].cmp(&times[b])),
        }
    }

    /// Whether it runs for more than three times the median of its like, and not just for minutes.
    fn is_slow(&self, row: &Watched, now: i64) -> bool {
        let Some(started) = row.started_at else { return false };
        let from = self.by_type.partition_point(|(kind, _)| *kind < row.agent_type);
        let until = self.by_type.partition_point(|(kind, _)| *kind <= row.agent_type);
        let own = &self.by_type[from..until];
        let usual = if own.len() >= 3 { median(own) } else { self.all };
        let limit = usual.saturating_mul(3).max(SHORTEST_SLOW_MS);
        row.status == SubtaskStatus::Running && now.saturating_sub(started).max(0) as u64 > limit
    }
}

/// The middle of ascending times; between the middle two; 0 of none.
fn median(times: &[(&str, u64)]) -> u64 {
    match times.len() {
        0 => 0,
        n => u64::midpoint(times[(n - 1) / 2].1, times[n / 2].1),
    }
}
