//! The critical path: what a session cannot be faster than.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::{Item, Net, links};

/// The heaviest chain of dependencies inside each wave, one after the other, waves ascending: waves
/// run one after another, so a session takes as long as these chains together.
///
/// `weight_ms` is how long a subtask takes, in milliseconds; below 0 is 0. Of chains that are equally
/// heavy the longest counts, then the one of smaller ids.
#[must_use]
pub fn critical_path(items: &[Item], weight_ms: impl Fn(Uuid) -> i64) -> Vec<Uuid> {
    let net = Net::new(&links(items));
    let rows: Vec<&Item> = net.input.iter().map(|k| &items[*k as usize]).collect();
    let waves: Vec<i32> = rows.iter().map(|item| item.wave).collect();
    // The heaviest chain that ends with each row, as its weight and length, and the row before.
    let mut chains: Vec<(i64, i32, Option<u32>)> = vec![(0, 0, None); rows.len()];
    for row in net.order(&waves) {
        let row = row as usize;
        let (mut weight, mut length, mut before) = (0, 0, None);
        for blocker in &net.blockers[row] {
            let (its, long, _) = chains[*blocker as usize];
            // What has no length yet is the other end of a circle.
            if waves[*blocker as usize] == waves[row] && (its, long) > (weight, length) {
                (weight, length, before) = (its, long, Some(*blocker));
            }
        }
        weight = weight.saturating_add(weight_ms(rows[row].id).max(0));
        chains[row] = (weight, length + 1, before);
    }
    let mut ends: BTreeMap<i32, u32> = BTreeMap::new();
    for (row, (weight, length, _)) in chains.iter().enumerate() {
        let end = ends.entry(waves[row]).or_insert(row as u32);
        let (heaviest, longest, _) = &chains[*end as usize];
        if (weight, length) > (heaviest, longest) {
            *end = row as u32;
        }
    }
    let mut path = Vec::new();
    for end in ends.into_values() {
        let start = path.len();
        let mut next = Some(end);
        while let Some(row) = next {
            path.push(rows[row as usize].id);
            next = chains[row as usize].2;
        }
        path[start..].reverse();
    }
    path
}
