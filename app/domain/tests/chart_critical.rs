//! The critical path: each wave's heaviest chain.

mod common;

use std::collections::BTreeMap;

use common::id;
use domain::chart::{Item, critical_path};
use proptest::prelude::*;
use uuid::Uuid;

/// (subtask, wave, milliseconds, what it waits for).
type Row = (u128, i32, i64, &'static [u128]);

fn path(of: &[Row]) -> Vec<u128> {
    let item = |(n, wave, _, blockers): &Row| Item {
        id: id(*n),
        wave: *wave,
        blocked_by: blockers.iter().map(|n| id(*n)).collect(),
    };
    let items: Vec<Item> = of.iter().map(item).collect();
    let weights: BTreeMap<Uuid, i64> = of.iter().map(|(n, _, ms, _)| (id(*n), *ms)).collect();
    critical_path(&items, |id| weights[&id]).iter().map(Uuid::as_u128).collect()
}

#[test]
fn the_path_is_each_waves_heaviest_chain() {
    let table: [(&str, &[Row], &[u128]); 12] = [
        ("nothing", &[], &[]),
        ("one alone", &[(1, 0, 5, &[])], &[1]),
        ("the heavier of two", &[(1, 0, 5, &[]), (2, 0, 6, &[])], &[2]),
        ("a chain over one", &[(1, 0, 5, &[]), (2, 0, 5, &[1]), (3, 0, 9, &[])], &[1, 2]),
        ("one over a chain", &[(1, 0, 5, &[]), (2, 0, 5, &[1]), (3, 0, 11, &[])], &[3]),
        (
            "the heavy side of a diamond",
            &[(1, 0, 1, &[]), (2, 0, 2, &[1]), (3, 0, 3, &[1]), (4, 0, 1, &[2, 3])],
            &[1, 3, 4],
        ),
        (
            "waves one after another, in their own order",
            &[(1, 5, 1, &[]), (2, 0, 1, &[]), (3, 0, 2, &[])],
            &[3, 1],
        ),
        (
            "a chain across waves counts in each wave alone",
            &[(1, 0, 9, &[]), (2, 1, 1, &[1]), (3, 1, 2, &[])],
            &[1, 3],
        ),
        (
            "without weights the longest",
            &[(1, 0, 0, &[]), (2, 0, 0, &[]), (3, 0, 0, &[2]), (4, 1, 0, &[])],
            &[2, 3, 4],
        ),
        (
            "of equals the smallest ids",
            &[(2, 0, 1, &[]), (1, 0, 1, &[]), (9, 0, 1, &[2, 1]), (8, 0, 1, &[2, 1])],
            &[1, 8],
        ),
        ("less than nothing is nothing", &[(1, 0, -9, &[]), (2, 0, 1, &[1])], &[1, 2]),
        (
            "unknown blockers and more time than there is",
            &[(1, 0, i64::MAX, &[77]), (2, 0, i64::MAX, &[1])],
            &[1, 2],
        ),
    ];
    for (what, of, expected) in table {
        assert_eq!(path(of), expected, "{what}");
    }
}

#[test]
fn a_circle_still_gives_a_path() {
    let circle = path(&[(1, 0, 1, &[3]), (2, 0, 1, &[1]), (3, 0, 1, &[2])]);
    assert_eq!(circle.len(), 3);
}

/// All chains that end with a row, by brute force.
fn heaviest(rows: &[(i32, i64, Vec<usize>)], end: usize) -> i64 {
    let (wave, ms, blockers) = &rows[end];
    let before = blockers.iter().filter(|b| rows[**b].0 == *wave).map(|b| heaviest(rows, *b));
    ms + before.max().unwrap_or(0)
}

proptest! {
    #[test]
    fn the_path_is_a_chain_in_each_wave_and_none_is_heavier(
        rows in prop::collection::vec((0..3_i32, 0..5_i64, prop::collection::vec(0..12_usize, 0..3)), 1..12)
            .prop_map(|mut rows| {
                for (k, (_, _, blockers)) in rows.iter_mut().enumerate() {
                    blockers.retain(|b| *b < k);
                }
                rows
            }),
        turn in 0..12_usize,
    ) {
        let mut items: Vec<Item> = rows.iter().enumerate().map(|(k, (wave, _, blockers))| Item {
            id: id(k as u128),
            wave: *wave,
            blocked_by: blockers.iter().map(|b| id(*b as u128)).collect(),
        }).collect();
        let row = |id: Uuid| &rows[usize::try_from(id.as_u128()).expect("small")];
        let path = critical_path(&items, |id| row(id).1);
        items.rotate_left(turn % rows.len());
        prop_assert_eq!(&path, &critical_path(&items, |id| row(id).1), "any order of the input");

        for wave in 0..3 {
            let part: Vec<Uuid> = path.iter().copied().filter(|id| row(*id).0 == wave).collect();
            for pair in part.windows(2) {
                prop_assert!(row(pair[1]).2.iter().any(|b| id(*b as u128) == pair[0]), "a chain");
            }
            let weight: i64 = part.iter().map(|id| row(*id).1).sum();
            let ends = (0..rows.len()).filter(|k| rows[*k].0 == wave);
            prop_assert_eq!(part.is_empty(), ends.clone().count() == 0);
            prop_assert_eq!(weight, ends.map(|k| heaviest(&rows, k)).max().unwrap_or(0));
        }
        prop_assert!(path.is_sorted_by_key(|id| row(*id).0), "waves ascend");
    }
}
