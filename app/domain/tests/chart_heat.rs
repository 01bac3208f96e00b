//! Files × agents.

mod common;

use common::id;
use domain::chart::{Cell, Heat, Touch, heat};
use domain::conflict::{Conflict, ConflictKind, Severity};
use proptest::prelude::*;

fn touch(file: &str, agent: &str, subtask: u128, writes: i32) -> Touch {
    Touch { file: file.to_owned(), agent_type: agent.to_owned(), subtask_id: id(subtask), writes }
}

fn conflict(file: &str, severity: Severity, subtasks: &[u128]) -> Conflict {
    Conflict {
        kind: ConflictKind::FileConflict,
        severity,
        agents: Vec::new(),
        subtask_ids: subtasks.iter().map(|n| id(*n)).collect(),
        description: String::new(),
        files: vec![file.to_owned()],
    }
}

fn files(map: &Heat) -> Vec<&str> {
    map.files.iter().map(|row| row.file.as_str()).collect()
}

#[test]
fn a_cell_counts_subtasks_and_their_writes() {
    let touches = [
        touch("a", "react", 1, 2),
        touch("./a", "react", 1, 3), // the same subtask and the same file
        touch("a", "react", 2, 0),
        touch("a", "laravel", 3, -4),
        touch("b", "zig", 4, i32::MAX),
        touch("b", "zig", 4, 1),
    ];
    let map = heat(&touches, &[], 10);
    assert_eq!(map.agents, ["laravel", "react", "zig"]);
    assert_eq!((files(&map), map.left_out), (vec!["a", "b"], 0));
    let cell = |of: &[u128], writes| Cell {
        subtasks: of.len() as i32,
        writes,
        conflicted: false,
        ids: of.iter().map(|n| id(*n)).collect(),
    };
    assert_eq!(map.files[0].cells, [cell(&[3], 0), cell(&[1, 2], 5), cell(&[], 0)]);
    assert_eq!(map.files[1].cells, [cell(&[], 0), cell(&[], 0), cell(&[4], i32::MAX)]);
    assert_eq!((map.files[0].subtasks, map.files[0].writes), (3, 5));
}

#[test]
fn nothing_is_an_empty_map_and_a_path_of_nothing_no_file() {
    assert_eq!(heat(&[], &[], 10), Heat::default());
    assert!(heat(&[touch("./", "a", 1, 1)], &[], 10).files.is_empty());
}

#[test]
fn conflicts_come_first_then_what_most_touched_then_writes_then_names() {
    let touches = [
        touch("quiet", "x", 1, 1),
        touch("busy", "x", 1, 9),
        touch("shared", "x", 1, 1),
        touch("shared", "y", 2, 1),
        touch("also quiet", "x", 1, 1),
        touch("ordered", "x", 1, 0),
        touch("fought over", "x", 1, 0),
    ];
    let conflicts = [
        conflict("ordered", Severity::Low, &[1, 2]),
        conflict("fought over", Severity::Low, &[1, 2]), // in one batch
        conflict("fought over", Severity::High, &[1, 3]), // and in another
        conflict("nobody's", Severity::High, &[8, 9]),
    ];
    let map = heat(&touches, &conflicts, 10);
    let turned: Vec<Conflict> = conflicts.iter().rev().cloned().collect();
    assert_eq!(map, heat(&touches, &turned, 10));
    let order = ["fought over", "ordered", "shared", "busy", "also quiet", "quiet"];
    assert_eq!(files(&map), order);
    let worst: Vec<_> = map.files.iter().map(|row| row.conflict).collect();
    assert_eq!(worst[..3], [Some(Severity::High), Some(Severity::Low), None]);

    let short = heat(&touches, &conflicts, 2);
    assert_eq!((files(&short), short.left_out), (order[..2].to_vec(), 4));
    assert_eq!(short.agents, map.agents, "columns stay when rows are left out");
    assert_eq!(heat(&touches, &conflicts, 0).left_out, 6);
}

#[test]
fn only_the_cells_of_subtasks_in_the_conflict_are_marked() {
    let touches = [touch("f", "x", 1, 1), touch("f", "y", 2, 1), touch("f", "z", 3, 1)];
    let mut stranded = conflict("f", Severity::Critical, &[3]);
    stranded.kind = ConflictKind::DependencyConflict;
    let map = heat(&touches, &[conflict("f", Severity::High, &[1, 2]), stranded], 10);
    let marked: Vec<bool> = map.files[0].cells.iter().map(|cell| cell.conflicted).collect();
    assert_eq!(marked, [true, true, false]);
    assert_eq!(map.files[0].conflict, Some(Severity::High));
}

proptest! {
    #[test]
    fn any_order_gives_one_map_and_no_touch_is_lost(
        (touches, shuffled) in prop::collection::vec(
            ("[ab]{1,2}", "[xy]", 0..4_u128, 0..3_i32).prop_map(|(f, a, s, w)| touch(&f, &a, s, w)),
            0..25,
        ).prop_flat_map(|touches| (Just(touches.clone()), Just(touches).prop_shuffle())),
        (a, b) in (0..4_u128, 0..4_u128),
        most in 0..8_u32,
    ) {
        let conflicts = [conflict("a", Severity::High, &[a, b]), conflict("b", Severity::Low, &[b])];
        let turned = [conflicts[1].clone(), conflicts[0].clone()];
        let map = heat(&touches, &conflicts, most);
        prop_assert_eq!(&map, &heat(&shuffled, &turned, most));

        let all = heat(&touches, &conflicts, 100);
        let left = all.files.len().saturating_sub(most as usize);
        prop_assert_eq!(map.left_out, i32::try_from(left).expect("few"));
        prop_assert_eq!(&map.files[..], &all.files[..all.files.len() - left]);
        let writes: i32 = all.files.iter().flat_map(|row| &row.cells).map(|cell| cell.writes).sum();
        prop_assert_eq!(writes, touches.iter().map(|touch| touch.writes).sum::<i32>());
        prop_assert!(all.files.iter().all(|row| row.cells.len() == all.agents.len()));
    }
}
