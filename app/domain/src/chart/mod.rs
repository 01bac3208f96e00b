//! What the dashboard draws, worked out: where cards and bars go, what is critical, what is hot,
//! what needs a person.
//!
//! Pure functions of a session's subtasks. The order of the input never matters. Nothing here knows
//! pixels, colours or the page; the browser downloads it, so it is kept small.

mod attention;
mod critical;
mod heat;
mod layout;
mod timeline;
mod why;

use uuid::Uuid;

pub use attention::{Concern, Need, Watched, attention, stranded};
pub use critical::critical_path;
pub use heat::{Cell, FileRow, Heat, Touch, heat};
pub use layout::{Band, Item, Layout, Link, Place, layout};
pub use timeline::{Axis, Gap, Span, lanes};
pub use why::{Why, why_waiting};

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
        let mut ids: Vec<(Uuid, u32)> =
            rows.iter().enumerate().map(|(k, (id, _))| (*id, k as u32)).collect();
        ids.sort_unstable();
        ids.dedup_by_key(|(id, _)| *id);
        let mut links = Vec::new();
        for (row, (_, k)) in ids.iter().enumerate() {
            for blocker in rows[*k as usize].1 {
                if let Ok(found) = ids.binary_search_by_key(blocker, |(id, _)| *id)
                    && found != row
                {
                    links.push(pack(row as u32, found as u32));
                }
            }
        }
        links.sort_unstable();
        links.dedup();
        let mut blockers = vec![Vec::new(); ids.len()];
        for link in links {
            blockers[(link >> 32) as usize].push(link as u32);
        }
        Self { input: ids.into_iter().map(|(_, k)| k).collect(), blockers }
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

/// Two numbers as one that sorts by the first, then the second: everything here shares one sort.
const fn pack(first: u32, second: u32) -> u64 {
    (first as u64) << 32 | second as u64
}

/// A count as the page gets it.
fn count(n: usize) -> i32 {
    i32::try_from(n).unwrap_or(i32::MAX)
}
