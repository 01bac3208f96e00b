//! Where cards go: waves from left to right, chains from left to right, few crossings.

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::id;
use domain::chart::{Band, Item, Layout, Link, layout};
use proptest::prelude::*;

/// (subtask, wave, what it waits for).
type Row = (u128, i32, &'static [u128]);

fn items(of: &[Row]) -> Vec<Item> {
    let item = |(n, wave, blockers): &Row| Item {
        id: id(*n),
        wave: *wave,
        blocked_by: blockers.iter().map(|n| id(*n)).collect(),
    };
    of.iter().map(item).collect()
}

/// The grid as lists of cards, column by column, from the top.
fn columns(grid: &Layout) -> Vec<Vec<u128>> {
    let mut cells = BTreeMap::new();
    for place in &grid.places {
        cells.insert((place.column, place.row), place.id.as_u128());
    }
    let mut columns = vec![Vec::new(); usize::try_from(grid.columns).expect("a count")];
    for ((column, row), card) in cells {
        let column = &mut columns[usize::try_from(column).expect("from 0")];
        assert_eq!(usize::try_from(row), Ok(column.len()), "no holes");
        column.push(card);
    }
    columns
}

/// Lines as (blocker, dependent).
fn lines(grid: &Layout) -> Vec<(u128, u128)> {
    let card = |at: u32| grid.places[at as usize].id.as_u128();
    grid.links.iter().map(|Link { from, to }| (card(*from), card(*to))).collect()
}

#[test]
fn nothing_has_no_columns() {
    assert_eq!(layout(&[], 10), Layout::default());
}

#[test]
fn a_chain_inside_a_wave_goes_from_left_to_right() {
    let grid = layout(&items(&[(1, 0, &[3]), (2, 0, &[]), (3, 0, &[2])]), 10);
    assert_eq!(columns(&grid), [[2], [3], [1]]);
    assert_eq!(grid.bands, [Band { wave: 0, first_column: 0, columns: 3, rows: 1 }]);
    assert_eq!(lines(&grid), [(3, 1), (2, 3)]);
}

#[test]
fn a_card_stands_behind_the_longest_chain_of_its_blockers() {
    let of: &[Row] = &[(1, 0, &[]), (2, 0, &[1]), (3, 0, &[2]), (4, 0, &[1, 3]), (5, 0, &[])];
    assert_eq!(columns(&layout(&items(of), 10)), [vec![1, 5], vec![2], vec![3], vec![4]]);
}

#[test]
fn waves_are_bands_in_their_own_order_whatever_waits_for_what() {
    let of: &[Row] = &[(1, 7, &[2]), (2, 2, &[]), (3, 2, &[2]), (4, -1, &[]), (5, 7, &[])];
    let grid = layout(&items(of), 10);
    assert_eq!(columns(&grid), [vec![4], vec![2], vec![3], vec![1, 5]]);
    let band = |wave, first_column, columns, rows| Band { wave, first_column, columns, rows };
    assert_eq!(grid.bands, [band(-1, 0, 1, 1), band(2, 1, 2, 1), band(7, 3, 1, 2)]);
    assert_eq!((grid.columns, grid.rows), (4, 2));
}

#[test]
fn a_thousand_independent_cards_make_a_block_in_order_of_submission() {
    let many: Vec<Item> = (1..=1_000).rev().flat_map(|n| items(&[(n, 0, &[])])).collect();
    let grid = layout(&many, 30);
    let expected: Vec<Vec<u128>> =
        (1..=1_000).collect::<Vec<_>>().chunks(30).map(<[u128]>::to_vec).collect();
    assert_eq!(columns(&grid), expected);
    assert_eq!(grid.bands, [Band { wave: 0, first_column: 0, columns: 34, rows: 30 }]);
}

#[test]
fn a_card_behind_a_wrapped_rank_stands_behind_all_of_its_columns() {
    let of: &[Row] = &[(1, 0, &[]), (2, 0, &[]), (3, 0, &[]), (4, 0, &[1]), (5, 1, &[])];
    assert_eq!(columns(&layout(&items(of), 2)), [vec![1, 2], vec![3], vec![4], vec![5]]);
    let single = layout(&items(of), 0);
    assert_eq!(single.rows, 1, "at least one card a column");
    assert_eq!(single.columns, 5);
}

#[test]
fn links_that_need_not_cross_do_not() {
    type Case = (&'static str, &'static [Row], &'static [&'static [u128]]);
    let table: [Case; 6] = [
        ("two pairs", &[(1, 0, &[]), (2, 0, &[]), (3, 1, &[2]), (4, 1, &[1])], &[&[1, 2], &[4, 3]]),
        (
            "three turned round, inside a wave",
            &[(1, 0, &[]), (2, 0, &[]), (3, 0, &[]), (4, 0, &[3]), (5, 0, &[2]), (6, 0, &[1])],
            &[&[1, 2, 3], &[6, 5, 4]],
        ),
        (
            "over a wave between",
            &[(1, 0, &[]), (2, 0, &[]), (3, 1, &[]), (4, 2, &[2]), (5, 2, &[1])],
            &[&[1, 2], &[3], &[5, 4]],
        ),
        (
            "only the left side can give way",
            &[(1, 0, &[]), (2, 0, &[]), (3, 0, &[]), (4, 1, &[1, 3]), (5, 1, &[2])],
            &[&[1, 3, 2], &[4, 5]],
        ),
        (
            "by half a row",
            &[(1, 0, &[]), (2, 0, &[]), (3, 1, &[1, 2]), (4, 1, &[1])],
            &[&[1, 2], &[4, 3]],
        ),
        ("a fan has no crossing", &[(1, 0, &[]), (2, 1, &[1]), (3, 1, &[1])], &[&[1], &[2, 3]]),
    ];
    for (what, of, expected) in table {
        assert_eq!(columns(&layout(&items(of), 10)), expected, "{what}");
    }
}

#[test]
fn cards_without_links_keep_their_order_among_those_that_move() {
    let of: &[Row] = &[
        (1, 0, &[]),
        (2, 0, &[]),
        (10, 1, &[2]),
        (11, 1, &[]),
        (12, 1, &[]),
        (13, 1, &[]),
        (14, 1, &[1]),
    ];
    let right = columns(&layout(&items(of), 10)).pop();
    assert_eq!(right, Some(vec![14, 10, 11, 12, 13]));
}

#[test]
fn unknown_blockers_repeats_and_loops_draw_nothing() {
    let grid = layout(&items(&[(1, 0, &[99, 1]), (2, 0, &[1, 1, 98])]), 10);
    assert_eq!(columns(&grid), [[1], [2]]);
    assert_eq!(lines(&grid), [(1, 2)]);
}

#[test]
fn a_circle_is_drawn_with_one_link_to_the_left() {
    let of: &[Row] = &[(1, 0, &[3]), (2, 0, &[1]), (3, 0, &[2]), (4, 0, &[3])];
    let grid = layout(&items(of), 10);
    let left = |link: &&Link| {
        grid.places[link.from as usize].column >= grid.places[link.to as usize].column
    };
    assert_eq!(grid.links.len(), 4);
    assert_eq!(grid.links.iter().filter(left).count(), 1);
    assert_eq!(grid.places.len(), 4);
}

#[test]
fn a_circle_across_waves_leaves_the_order_in_each_wave_alone() {
    let of: &[Row] = &[(1, 0, &[2]), (2, 1, &[3]), (3, 0, &[1])];
    assert_eq!(columns(&layout(&items(of), 10)), [[1], [3], [2]]);
}

#[test]
fn the_longest_chain_does_not_exhaust_the_stack() {
    let item = |n: u128| Item { id: id(n), wave: 0, blocked_by: vec![id(n + 1)] };
    let chain: Vec<Item> = (1..=50_000).map(item).collect();
    assert_eq!(layout(&chain, 10).columns, 50_000);
}

/// Items of a session: blockers are of a smaller wave, or of the same and a smaller number. Ids are
/// scattered so that their order says nothing.
fn session() -> impl Strategy<Value = Vec<Item>> {
    let row = (0..4_i32, prop::collection::vec(any::<prop::sample::Index>(), 0..4));
    prop::collection::vec(row, 1..40).prop_map(|rows| {
        let scattered = |k: usize| id((k as u128 * 37 + 11) % 101);
        let mut items = Vec::new();
        for (k, (wave, blockers)) in rows.iter().enumerate() {
            let before = |b: usize| (rows[b].0, b) < (*wave, k);
            let blockers = blockers.iter().map(|b| b.index(rows.len())).filter(|b| before(*b));
            let blocked_by = blockers.map(scattered).collect();
            items.push(Item { id: scattered(k), wave: *wave, blocked_by });
        }
        items
    })
}

/// The same with any links, circles too.
fn broken_session() -> impl Strategy<Value = Vec<Item>> {
    let row = (0..4_i32, prop::collection::vec(0..25_u128, 0..4));
    prop::collection::vec(row, 0..20).prop_map(|rows| {
        let item = |(k, (wave, blockers)): (usize, (i32, Vec<u128>))| Item {
            id: id(k as u128),
            wave,
            blocked_by: blockers.into_iter().map(id).collect(),
        };
        rows.into_iter().enumerate().map(item).collect()
    })
}

/// Pairs of links that leave one column, or enter one, with their ends in opposite order.
fn crossings(links: &[[(i32, i32); 2]]) -> usize {
    let mut pairs = 0;
    for (k, [from, to]) in links.iter().enumerate() {
        for [other, end] in &links[..k] {
            let opposite = (from.1 < other.1 && to.1 > end.1) || (from.1 > other.1 && to.1 < end.1);
            let shared = usize::from(from.0 == other.0) + usize::from(to.0 == end.0);
            pairs += usize::from(opposite) * shared;
        }
    }
    pairs
}

proptest! {
    #[test]
    fn every_item_is_placed_once_in_its_band_and_shares_no_cell(
        items in prop_oneof![session(), broken_session()],
        max_rows in -1..9_i32,
    ) {
        let grid = layout(&items, max_rows);
        let placed: Vec<_> = grid.places.iter().map(|place| place.id).collect();
        let ids: BTreeSet<_> = items.iter().map(|item| item.id).collect();
        prop_assert_eq!(placed, ids.into_iter().collect::<Vec<_>>());
        let cells: BTreeSet<_> = grid.places.iter().map(|p| (p.column, p.row)).collect();
        prop_assert_eq!(cells.len(), items.len());

        let mut next = 0;
        for band in &grid.bands {
            prop_assert_eq!(band.first_column, next);
            next += band.columns;
            prop_assert!((1..=max_rows.max(1)).contains(&band.rows));
        }
        prop_assert_eq!(grid.columns, next);
        prop_assert!(grid.bands.is_sorted_by(|a, b| a.wave < b.wave));
        for item in &items {
            let place = grid.places.iter().find(|p| p.id == item.id).expect("placed");
            let band = grid.bands.iter().find(|b| b.wave == item.wave).expect("its wave");
            let columns = band.first_column..band.first_column + band.columns;
            prop_assert!(columns.contains(&place.column) && (0..band.rows).contains(&place.row));
        }
    }

    #[test]
    fn a_link_never_points_left(items in session(), max_rows in 1..9_i32) {
        let grid = layout(&items, max_rows);
        for link in &grid.links {
            let (from, to) = (grid.places[link.from as usize], grid.places[link.to as usize]);
            prop_assert!(from.column < to.column, "{from:?} → {to:?}");
        }
        let expected: BTreeSet<_> = items
            .iter()
            .flat_map(|item| item.blocked_by.iter().map(|b| (b.as_u128(), item.id.as_u128())))
            .collect();
        let drawn = lines(&grid);
        prop_assert_eq!(drawn.len(), expected.len(), "each once");
        prop_assert_eq!(drawn.into_iter().collect::<BTreeSet<_>>(), expected);
    }

    #[test]
    fn the_order_of_the_input_does_not_matter(
        (items, shuffled) in prop_oneof![session(), broken_session()]
            .prop_flat_map(|items| (Just(items.clone()), Just(items).prop_shuffle())),
        max_rows in 1..9_i32,
    ) {
        prop_assert_eq!(layout(&items, max_rows), layout(&shuffled, max_rows));
    }

    #[test]
    fn there_are_never_more_crossings_than_in_order_of_ids(
        items in session(),
        max_rows in 2..9_i32,
    ) {
        let grid = layout(&items, max_rows);
        let mut plain = grid.places.clone();
        let mut next = BTreeMap::new();
        for place in &mut plain {
            let row = next.entry(place.column).or_insert(0);
            place.row = *row;
            *row += 1;
        }
        let count = |places: &[domain::chart::Place]| {
            let cell = |at: u32| (places[at as usize].column, places[at as usize].row);
            let links = grid.links.iter().map(|link| [cell(link.from), cell(link.to)]);
            crossings(&links.collect::<Vec<_>>())
        };
        let (best, first) = (count(&grid.places), count(&plain));
        prop_assert!(best <= first, "{best} crossings, {first} in order of ids");
        if first == 0 {
            prop_assert_eq!(&grid.places, &plain, "what is fine stays in order of ids");
        }
    }
}
