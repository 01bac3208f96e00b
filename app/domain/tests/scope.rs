//! Where subtasks may work, and where they would meet.

mod common;

use domain::{
    graph::{Graph, Node},
    scope::{EFFORT, Member, Overlap, Scope, forecast, meet, serialise},
    subtask::SubtaskStatus,
};
use proptest::prelude::*;
use uuid::Uuid;

fn files(paths: &[&str]) -> Scope {
    Scope { target_files: paths.iter().map(|it| (*it).to_owned()).collect(), ..Scope::default() }
}

fn directories(paths: &[&str]) -> Scope {
    Scope {
        target_directories: paths.iter().map(|it| (*it).to_owned()).collect(),
        ..Scope::default()
    }
}

fn id(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

fn graph(waits: &[(u128, &[u128])]) -> Graph {
    waits
        .iter()
        .map(|(n, blockers)| Node {
            id: id(*n),
            status: SubtaskStatus::Pending,
            agent_type: "x".to_owned(),
            blocked_by: blockers.iter().map(|n| id(*n)).collect(),
        })
        .collect()
}

#[test]
fn patterns_meet_where_some_path_matches_both() {
    for (a, b, expected) in [
        ("src/a.rs", "src/a.rs", true),
        ("src/a.rs", "./src//a.rs", true),
        ("src/a.rs", "src/b.rs", false),
        ("src/*.rs", "src/a.rs", true),
        ("src/*.rs", "src/deep/a.rs", false),
        ("src/*.rs", "src/a.ts", false),
        ("src/?.rs", "src/ab.rs", false),
        ("src/?.rs", "src/a.rs", true),
        ("src/**", "src/deep/er/a.rs", true),
        ("src/**", "src", false),
        ("src/**", "srcs/a", false),
        ("src/**/a.rs", "src/a.rs", true),
        ("src/**/a.rs", "src/x/y/a.rs", true),
        ("src/**/a.rs", "src/xa.rs", false),
        ("**/test.ts", "a/b/test.ts", true),
        ("**/test.ts", "test.ts", true),
        ("**/test.ts", "a/mytest.ts", false),
        ("*.rs", "*.ts", false),
        ("a*", "*b", true),
        ("a*c", "ab*", true),
        ("src/*/mod.rs", "src/a/**", true),
        ("src/*/mod.rs", "src/mod.rs", false),
        ("**", "anything/at/all", true),
        // Brackets are names: routes of some frameworks are called so.
        ("app/[id]/page.tsx", "app/[id]/page.tsx", true),
        ("app/[id]/page.tsx", "app/i/page.tsx", false),
        ("héllo/*", "héllo/wörld", true),
    ] {
        assert_eq!(meet(a, b), expected, "{a} and {b}");
        assert_eq!(meet(b, a), expected, "{b} and {a}");
    }
}

#[test]
fn a_scope_allows_its_files_and_what_is_in_its_directories() {
    assert!(Scope::default().allows("anything"));
    let scope = Scope { target_directories: vec!["src/api/".to_owned()], ..files(&["docs/*.md"]) };
    for (path, allowed) in [
        ("docs/a.md", true),
        ("./docs/a.md", true),
        ("docs/deep/a.md", false),
        ("src/api/v1/users.rs", true),
        ("src/api", false),
        ("src/apis/a.rs", false),
        ("src/api/../secret.rs", false),
        // A name that only looks like a pattern.
        ("docs/**", false),
    ] {
        assert_eq!(scope.allows(path), allowed, "{path}");
    }
    assert!(directories(&["."]).allows("a/b"));
    assert!(directories(&["packages/*/src"]).allows("packages/web/src/x/y.ts"));
    assert!(!directories(&["packages/*/src"]).allows("packages/web/test/y.ts"));
}

#[test]
fn subtasks_meet_in_the_narrower_place_and_are_told_together() {
    let (a, b, c, d) = (
        directories(&["src"]),
        files(&["src/a.rs", "src/b.rs"]),
        files(&["src/a.rs"]),
        files(&["docs/x.md"]),
    );
    let scopes = [(id(1), &a), (id(2), &b), (id(3), &c), (id(4), &d)];
    assert_eq!(
        forecast(&scopes, &graph(&[]), &mut { EFFORT }),
        [
            Overlap { subtask_ids: vec![id(1), id(2)], files: vec!["src/b.rs".to_owned()] },
            Overlap { subtask_ids: vec![id(1), id(2), id(3)], files: vec!["src/a.rs".to_owned()] },
            Overlap { subtask_ids: vec![id(2), id(3)], files: vec!["src/a.rs".to_owned()] },
        ]
    );
}

#[test]
fn those_that_wait_for_each_other_do_not_meet_and_the_open_ones_are_not_counted() {
    let (a, b, open) = (files(&["a"]), files(&["a"]), Scope::default());
    let scopes = [(id(1), &a), (id(2), &b), (id(3), &open)];
    assert_eq!(forecast(&scopes, &graph(&[(1, &[]), (2, &[1]), (3, &[])]), &mut { EFFORT }), []);
    assert_eq!(
        forecast(&scopes, &graph(&[(1, &[]), (2, &[]), (3, &[])]), &mut { EFFORT }).len(),
        1
    );
}

#[test]
fn thousands_of_scopes_are_forecast_at_once_and_the_answer_stays_small() {
    let everywhere = directories(&["."]);
    let own: Vec<Scope> = (0..5_000).map(|n| files(&[&format!("src/file{n}.rs")])).collect();
    let alone: Vec<_> = own.iter().enumerate().map(|(n, it)| (id(n as u128), it)).collect();
    assert_eq!(forecast(&alone, &graph(&[]), &mut { EFFORT }), []);
    let all: Vec<_> = (0..5_000).map(|n| (id(n), &everywhere)).collect();
    assert_eq!(forecast(&all, &graph(&[]), &mut { EFFORT }).len(), 1);
    let mut mixed = alone;
    mixed.push((id(9_999), &everywhere));
    assert_eq!(forecast(&mixed, &graph(&[]), &mut { EFFORT }).len(), domain::scope::OVERLAPS);
}

/// A name or pattern of a path from a small alphabet, so that things do meet.
fn pattern() -> impl Strategy<Value = String> {
    let name = prop_oneof![
        "[ab]{1,2}".prop_map(String::from),
        Just("*".to_owned()),
        Just("**".to_owned()),
        Just("a*".to_owned()),
        Just("?b".to_owned()),
    ];
    proptest::collection::vec(name, 1..4).prop_map(|names| names.join("/"))
}

proptest! {
    #[test]
    fn two_patterns_that_one_path_matches_meet(a in pattern(), b in pattern(), path in "[ab]{1,2}(/[ab]{1,2}){0,3}") {
        let matches = |pattern: &str| files(&[pattern]).allows(&path);
        prop_assert_eq!(meet(&a, &b), meet(&b, &a));
        if matches(&a) && matches(&b) {
            prop_assert!(meet(&a, &b), "{} and {} both match {}", a, b, path);
        }
        prop_assert!(meet(&a, &a));
    }

    #[test]
    fn whatever_is_in_a_directory_is_allowed_there(directory in "[ab]{1,2}(/[ab]{1,2}){0,2}", below in "[abc.]{1,3}(/[abc]{1,3}){0,2}") {
        let path = format!("{directory}/{below}");
        prop_assume!(!path.split('/').any(|name| name.chars().all(|c| c == '.')));
        prop_assert!(directories(&[&directory]).allows(&path));
    }
}

/// Members (number, scope, priority, what it waits for).
fn members<'a>(of: &[(u128, &'a Scope, i32, &[u128])]) -> Vec<Member<'a>> {
    of.iter()
        .map(|(n, scope, priority, blockers)| Member {
            node: Node {
                id: id(*n),
                status: SubtaskStatus::Pending,
                agent_type: "x".to_owned(),
                blocked_by: blockers.iter().map(|n| id(*n)).collect(),
            },
            scope,
            priority: *priority,
            may_wait: true,
        })
        .collect()
}

#[test]
fn serialised_subtasks_go_by_priority_then_as_they_are_named_and_keep_what_they_wait_for() {
    let (a, other) = (files(&["a"]), files(&["b"]));
    let links = serialise(
        &members(&[(1, &a, 5, &[]), (2, &a, 9, &[]), (3, &a, 5, &[]), (4, &other, 5, &[])]),
        &mut { EFFORT },
    );
    assert_eq!(links, [(id(1), id(2)), (id(3), id(1))]);
    // 2 is of higher priority, but waits for 3.
    let links =
        serialise(&members(&[(2, &a, 9, &[3]), (3, &other, 1, &[]), (1, &a, 5, &[])]), &mut {
            EFFORT
        });
    assert_eq!(links, [(id(2), id(1))]);
}

#[test]
fn what_may_not_wait_goes_first_and_is_left_alone() {
    let a = files(&["a"]);
    let mut all = members(&[(1, &a, 9, &[]), (2, &a, 1, &[]), (3, &a, 1, &[])]);
    all[1].may_wait = false;
    all[2].may_wait = false;
    let links = serialise(&all, &mut { EFFORT });
    assert_eq!(links, [(id(1), id(2)), (id(1), id(3))]);
}

proptest! {
    #[test]
    fn nothing_meets_once_it_is_serialised_and_nothing_waits_for_itself(
        targets in proptest::collection::vec((proptest::collection::vec(pattern(), 0..3), 1..=10_i32, proptest::option::of(0..12_u128)), 1..12),
        firm in 0..4_usize,
    ) {
        let scopes: Vec<Scope> = targets.iter().map(|(paths, _, _)| Scope { target_files: paths.clone(), ..Scope::default() }).collect();
        let mut all: Vec<Member<'_>> = Vec::new();
        for (n, (_, priority, blocker)) in targets.iter().enumerate() {
            let blockers: Vec<u128> = blocker.iter().copied().filter(|b| *b < n as u128).collect();
            all.extend(members(&[(n as u128, &scopes[n], *priority, &blockers)]));
            all[n].may_wait = n >= firm;
        }
        for (after, before) in serialise(&all, &mut { EFFORT }) {
            let member = all.iter_mut().find(|member| member.node.id == after).expect("a member");
            member.node.blocked_by.push(before);
        }
        let graph: Graph = all.iter().map(|member| member.node.clone()).collect();
        prop_assert_eq!(graph.cycle(), None);
        for (n, one) in all.iter().enumerate() {
            for other in all[..n].iter().filter(|other| one.may_wait || other.may_wait) {
                let two = [(one.node.id, one.scope), (other.node.id, other.scope)];
                prop_assert_eq!(forecast(&two, &graph, &mut { EFFORT }), []);
            }
        }
    }
}

#[test]
fn what_would_take_too_long_to_judge_is_let_pass() {
    // Each of these reads each of the paths to its end before it turns out not to name it.
    let scope = Scope {
        target_files: (0..200).map(|n| format!("{}*b{n}", "*a".repeat(9))).collect(),
        ..Scope::default()
    };
    let files: Vec<String> = (0..1_000).map(|n| format!("{}{n}", "a".repeat(1_000))).collect();
    let outside = scope.outside(&files);
    assert_eq!(outside.first(), Some(&&files[0]));
    assert!(!outside.contains(&&files[999]), "{} were judged", outside.len());
    // Targets without wildcards cost nothing, however many there are.
    let many = Scope { target_files: files[1..].to_vec(), ..Scope::default() };
    assert_eq!(many.outside(&files), [&files[0]]);
}

proptest! {
    #[test]
    fn a_file_is_allowed_when_its_path_meets_a_target(
        target in "(a|b|/|\\?|\\*|\\*\\*/|/\\*\\*){1,8}",
        path in "(a|b|/){1,8}",
    ) {
        let scope = Scope { target_files: vec![target.clone()], ..Scope::default() };
        prop_assert_eq!(scope.allows(&path), meet(&target, &path), "{} {}", target, path);
    }
}
