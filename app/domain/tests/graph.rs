//! Who waits for whom: cycles, order, stranded subtasks.

mod common;

use common::{id, subtask};
use domain::graph::{Graph, Node};
use domain::subtask::SubtaskStatus::{self, Completed, Failed, Pending};
use proptest::prelude::*;
use uuid::Uuid;

/// A graph of pending subtasks: (subtask, what it waits for).
fn graph(of: &[(u128, &[u128])]) -> Graph {
    graph_in(of, |_| Pending)
}

fn graph_in(of: &[(u128, &[u128])], status: impl Fn(u128) -> SubtaskStatus) -> Graph {
    let node = |(n, blockers): &(u128, &[u128])| Node {
        id: id(*n),
        status: status(*n),
        agent_type: format!("agent-{n}"),
        blocked_by: blockers.iter().map(|n| id(*n)).collect(),
    };
    of.iter().map(node).collect()
}

fn ids(numbers: &[u128]) -> Vec<Uuid> {
    numbers.iter().map(|n| id(*n)).collect()
}

#[test]
fn a_cycle_is_named_by_its_smallest_member_never_by_what_is_behind_it() {
    type Row = (&'static str, &'static [(u128, &'static [u128])], Option<u128>);
    let table: [Row; 14] = [
        ("nothing", &[], None),
        ("one alone", &[(1, &[])], None),
        ("itself", &[(1, &[1])], Some(1)),
        ("itself and another", &[(1, &[1, 2]), (2, &[])], Some(1)),
        ("two", &[(1, &[2]), (2, &[1])], Some(1)),
        ("three", &[(3, &[7]), (7, &[5]), (5, &[3])], Some(3)),
        ("a line", &[(1, &[2]), (2, &[3]), (3, &[])], None),
        ("a diamond", &[(4, &[2, 3]), (3, &[1]), (2, &[1]), (1, &[])], None),
        ("the same blocker twice", &[(2, &[1, 1]), (1, &[])], None),
        ("behind a cycle", &[(1, &[2]), (2, &[5]), (5, &[6]), (6, &[5])], Some(5)),
        ("behind a loop", &[(1, &[9]), (9, &[9])], Some(9)),
        ("before a cycle", &[(1, &[]), (5, &[1, 6]), (6, &[5])], Some(5)),
        ("two cycles", &[(8, &[9]), (9, &[8]), (3, &[4]), (4, &[3])], Some(3)),
        ("an unknown blocker", &[(1, &[99]), (2, &[1])], None),
    ];
    for (what, of, expected) in table {
        assert_eq!(graph(of).cycle(), expected.map(id), "{what}");
    }
}

#[test]
fn depends_on_follows_blockers_to_the_end_and_never_back() {
    let line = graph(&[(1, &[]), (2, &[1]), (3, &[2]), (4, &[]), (5, &[3, 4])]);
    let waits: [(u128, &[u128]); 5] =
        [(1, &[]), (2, &[1]), (3, &[1, 2]), (4, &[]), (5, &[1, 2, 3, 4])];
    for (dependent, blockers) in waits {
        for blocker in 1..=5 {
            let expected = blockers.contains(&blocker);
            let got = line.depends_on(id(dependent), id(blocker));
            assert_eq!(got, expected, "{dependent} on {blocker}");
        }
    }
    assert!(!line.depends_on(id(99), id(1)), "an unknown subtask waits for nothing");
    assert!(!line.depends_on(id(1), id(99)));
}

#[test]
fn a_walk_around_a_cycle_ends() {
    let circle = graph(&[(1, &[2]), (2, &[1]), (3, &[1])]);
    assert!(circle.depends_on(id(1), id(2)));
    assert!(circle.depends_on(id(3), id(2)));
    assert!(!circle.depends_on(id(1), id(3)));
    assert!(!circle.depends_on(id(1), id(1)));
}

#[test]
fn a_chain_is_a_line_in_which_each_waits_for_all_before() {
    let of: &[(u128, &[u128])] =
        &[(1, &[]), (2, &[1]), (3, &[1]), (4, &[2, 3]), (5, &[4]), (6, &[]), (7, &[6, 5])];
    let table: [(&[u128], bool); 11] = [
        (&[], true),
        (&[1], true),
        (&[1, 2], true),
        (&[2, 1], true),
        (&[5, 1, 4, 2], true), // through others, in any order
        (&[1, 5], true),
        (&[2, 3], false),         // side by side
        (&[1, 2, 3, 4], false),   // a diamond
        (&[1, 6], false),         // strangers
        (&[7, 6, 5], false),      // both before, but not one after the other
        (&[1, 2, 4, 5, 7], true), // the longest line
    ];
    for (members, expected) in table {
        assert_eq!(graph(of).is_chain(&ids(members)), expected, "{members:?}");
    }
}

#[test]
fn the_nearest_failed_blocker_strands_a_subtask() {
    let of: &[(u128, &[u128])] = &[(1, &[]), (2, &[1]), (3, &[2]), (4, &[]), (5, &[3, 4])];
    let stranded = graph_in(of, |n| match n {
        1 | 4 => Failed,
        _ => Pending,
    });
    let by = |n| stranded.failed_blocker(id(n)).map(|node| (node.id, node.agent_type.as_str()));
    assert_eq!(by(1), None, "a failed subtask is not its own blocker");
    assert_eq!(by(2), Some((id(1), "agent-1")));
    assert_eq!(by(3), Some((id(1), "agent-1")), "through one that has not failed");
    assert_eq!(by(5), Some((id(4), "agent-4")), "the near one before the far one");
    assert_eq!(by(99), None);

    let healthy = graph_in(of, |n| if n < 3 { Completed } else { Pending });
    assert!((1..=5).all(|n| healthy.failed_blocker(id(n)).is_none()));
}

#[test]
fn a_node_takes_from_its_subtask_what_the_graph_needs() {
    let mut row = subtask(3);
    row.blocked_by = ids(&[1, 2]);
    row.status = Failed;
    let expected = Node {
        id: id(3),
        status: Failed,
        agent_type: "agent-3".to_owned(),
        blocked_by: ids(&[1, 2]),
    };
    assert_eq!(Node::from(&row), expected);
}

/// Which subtasks wait for which, directly or not, by repeated squaring of the relation.
fn closure(edges: &[Vec<usize>]) -> Vec<Vec<bool>> {
    let n = edges.len();
    let mut reach = vec![vec![false; n]; n];
    for (from, blockers) in edges.iter().enumerate() {
        for to in blockers {
            reach[from][*to] = true;
        }
    }
    for via in 0..n {
        for from in 0..n {
            for to in 0..n {
                reach[from][to] |= reach[from][via] && reach[via][to];
            }
        }
    }
    reach
}

proptest! {
    #[test]
    fn any_graph_agrees_with_its_closure(
        edges in (1_usize..8).prop_flat_map(|n| {
            prop::collection::vec(prop::collection::vec(0..n, 0..3), n)
        }),
        mask: u8,
    ) {
        let n = edges.len();
        let numbered = |k: usize| id(k as u128 + 1);
        let built: Graph = edges.iter().enumerate().map(|(k, blockers)| Node {
            id: numbered(k),
            status: Pending,
            agent_type: "any".to_owned(),
            blocked_by: blockers.iter().map(|b| numbered(*b)).collect(),
        }).collect();
        let reach = closure(&edges);

        let smallest = (0..n).find(|k| reach[*k][*k]).map(numbered);
        prop_assert_eq!(built.cycle(), smallest);
        for (a, row) in reach.iter().enumerate() {
            for (b, reached) in row.iter().enumerate() {
                let expected = a != b && *reached;
                prop_assert_eq!(built.depends_on(numbered(a), numbered(b)), expected);
            }
        }
        if smallest.is_none() {
            let members: Vec<usize> = (0..n).filter(|k| mask & (1 << k) != 0).collect();
            let ordered = members.iter().all(|a| {
                members.iter().all(|b| a == b || reach[*a][*b] || reach[*b][*a])
            });
            let ids: Vec<Uuid> = members.into_iter().map(numbered).collect();
            prop_assert_eq!(built.is_chain(&ids), ordered);
        }
    }
}
