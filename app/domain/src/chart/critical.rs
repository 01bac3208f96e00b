//! The critical path: what a session cannot be faster than.

use uuid::Uuid;

use super::{Item, Net, links, sorted};

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
    let ends = sorted(rows.len(), &|a, b| {
        let key = |row: usize| (chains[row].0, chains[row].1);
        waves[a].cmp(&waves[b]).then(key(b).cmp(&key(a)))
    });
    let mut path = Vec::new();
    let mut wave = None;
    for end in ends {
        // The first of each wave is its heaviest.
        if wave.replace(waves[end as usize]) == Some(waves[end as usize]) {
            continue;
        }
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
