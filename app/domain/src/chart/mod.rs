//! What the dashboard draws, worked out: where cards and bars go, what is critical, what is hot,
//! what needs a person.
//!
//! Pure functions of a session's subtasks. The order of the input never matters. Nothing here knows
//! pixels, colours or the page; the browser downloads it, so it is kept small.

mod attention;
mod critical;
mod density;
mod heat;
mod layout;
mod notices;
mod timeline;
mod why;

use std::cmp::Ordering;

use uuid::Uuid;

pub use attention::{Concern, Need, Watched, attention, stranded};
pub use critical::critical_path;
pub use density::{Slot, density};
pub use heat::{Cell, FileRow, Heat, Touch, heat};
pub use layout::{Band, Item, Layout, Link, Place, layout};
pub use notices::{Notice, NoticeKind, notices};
pub use timeline::{Axis, Gap, Span};
pub use why::{Stage, Why, why_waiting};

/// Rows in order of their ids, each known by its number in that order, and what each waits for.
struct Net {
    /// Where each row stands in the input.
    input: Vec<u32>,
    /// What each row waits for, in order of ids, each once.
    blockers: Vec<Vec<u32>>,
}

impl Net {
    /// Of (id, its blockers). Of two rows with one id the first counts; blockers that are not among
    /// the rows, and a row that waits for itself, are left out.
    fn new(rows: &[(Uuid, &[Uuid])]) -> Self {
        let mut input = sorted(rows.len(), &|a, b| rows[a].0.cmp(&rows[b].0));
        input.dedup_by_key(|k| rows[*k as usize].0);
        let find = |id: &Uuid| input.binary_search_by_key(id, |k| rows[*k as usize].0).ok();
        let mut blockers = Vec::with_capacity(input.len());
        for (row, k) in input.iter().enumerate() {
            let found: Vec<usize> =
                rows[*k as usize].1.iter().filter_map(find).filter(|found| *found != row).collect();
            let mut mine: Vec<u32> = sorted(found.len(), &|a, b| found[a].cmp(&found[b]))
                .into_iter()
                .map(|at| found[at as usize] as u32)
                .collect();
            mine.dedup();
            blockers.push(mine);
        }
        Self { input, blockers }
    }

    /// Who waits for each row, in order of ids.
    fn dependents(&self) -> Vec<Vec<u32>> {
        let mut dependents = vec![Vec::new(); self.blockers.len()];
        for (row, blockers) in self.blockers.iter().enumerate() {
            for blocker in blockers {
                dependents[*blocker as usize].push(row as u32);
            }
        }
        dependents
    }

    /// The rows so that each comes after its blockers of the same wave. In a circle, which only
    /// broken data has, one link of it points backwards.
    fn order(&self, waves: &[i32]) -> Vec<u32> {
        let mut order = Vec::with_capacity(waves.len());
        let mut seen = vec![false; waves.len()];
        // By hand, not by recursion: a chain may be as long as the session.
        let mut path: Vec<(u32, u32)> = Vec::new();
        for root in 0..waves.len() {
            if !std::mem::replace(&mut seen[root], true) {
                path.push((root as u32, 0));
            }
            while let Some((row, next)) = path.last_mut() {
                let at = *row as usize;
                let Some(blocker) = self.blockers[at].get(*next as usize) else {
                    order.push(*row);
                    path.pop();
                    continue;
                };
                *next += 1;
                let to = *blocker as usize;
                if waves[to] == waves[at] && !std::mem::replace(&mut seen[to], true) {
                    path.push((*blocker, 0));
                }
            }
        }
        order
    }
}

/// (id, its blockers) of each item.
fn links(items: &[Item]) -> Vec<(Uuid, &[Uuid])> {
    items.iter().map(|item| (item.id, item.blocked_by.as_slice())).collect()
}

/// The numbers below `n` in that order, equal ones as they come. Trees and sorts are made anew for
/// every type of key, and the browser downloads each: so every sort here is this one.
fn sorted(n: usize, by: &dyn Fn(usize, usize) -> Ordering) -> Vec<u32> {
    let mut numbers: Vec<u32> = (0..n as u32).collect();
    numbers.sort_unstable_by(|a, b| by(*a as usize, *b as usize).then(a.cmp(b)));
    numbers
}

/// A count as the page gets it.
fn count(n: usize) -> i32 {
    i32::try_from(n).unwrap_or(i32::MAX)
}
