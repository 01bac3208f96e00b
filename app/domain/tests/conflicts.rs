//! Conflicts between the subtasks of a batch, and the paths that they are found by.

mod common;

use common::{graph, id, object, subtask_in, wrote};
use domain::conflict::{
    Actions, Conflict, ConflictKind, Recorded, Severity, conflicts, normalise_path,
};
use domain::subtask::{
    Subtask,
    SubtaskStatus::{Blocked, Completed, Failed, Pending, Running},
};
use proptest::prelude::*;
use serde_json::json;

#[test]
fn paths_are_normalised() {
    let table = [
        ("a/b", "a/b"),
        ("./a//b", "a/b"),
        ("a/./b/", "a/b"),
        ("././a", "a"),
        ("a/c/../b", "a/b"),
        ("a/../../b", "../b"),
        ("../../a", "../../a"),
        ("/a//b", "/a/b"),
        ("/../a", "/a"),
        ("", ""),
        (".", ""),
        ("./", ""),
        ("a/..", ""),
        ("a b/Ünï.ts", "a b/Ünï.ts"),
        (".hidden/..rc/...", ".hidden/..rc/..."),
        ("A/b", "A/b"),
    ];
    for (path, expected) in table {
        assert_eq!(normalise_path(path), expected, "{path:?}");
        assert_eq!(normalise_path(expected), expected, "twice is as once");
    }
}

/// Subtasks that all touched `f`: (number, what it waits for).
fn touching(of: &[(u128, &[u128])]) -> Vec<Subtask> {
    let row = |(n, blockers): &(u128, &[u128])| Subtask {
        blocked_by: blockers.iter().map(|n| id(*n)).collect(),
        result: Some(object(json!({"files": ["f"]}))),
        ..subtask_in(*n, Completed)
    };
    of.iter().map(row).collect()
}

#[test]
fn edits_of_one_file_are_low_only_when_all_are_ordered() {
    type Row = (&'static str, &'static [(u128, &'static [u128])], &'static [u128], Severity);
    let table: [Row; 7] = [
        ("strangers", &[(1, &[]), (2, &[])], &[1, 2], Severity::High),
        ("one after the other", &[(1, &[]), (2, &[1])], &[1, 2], Severity::Low),
        ("the younger first", &[(1, &[2]), (2, &[])], &[1, 2], Severity::Low),
        ("through one outside", &[(1, &[]), (5, &[1]), (2, &[5])], &[1, 2], Severity::Low),
        ("a line", &[(1, &[]), (2, &[1]), (3, &[2])], &[1, 2, 3], Severity::Low),
        ("two after one", &[(1, &[]), (2, &[1]), (3, &[1])], &[1, 2, 3], Severity::High),
        (
            "a diamond",
            &[(1, &[]), (2, &[1]), (3, &[1]), (4, &[2, 3])],
            &[1, 2, 3, 4],
            Severity::High,
        ),
    ];
    for (what, of, members, severity) in table {
        let all = touching(of);
        let within = |s: &Subtask| members.contains(&s.id.as_u128());
        let rows: Vec<Subtask> = all.iter().filter(|s| within(s)).cloned().collect();
        let found = conflicts(&rows, &Actions::new(), &graph(&all));
        let ids: Vec<_> = members.iter().map(|n| id(*n)).collect();
        let expected = Conflict {
            kind: ConflictKind::FileConflict,
            severity,
            agents: members.iter().map(|n| format!("agent-{n}")).collect(),
            subtask_ids: ids,
            description: "Multiple agents modified the same file: f".to_owned(),
            files: vec!["f".to_owned()],
        };
        assert_eq!(found, [expected], "{what}");
    }
}

#[test]
fn two_subtasks_of_one_agent_type_conflict_and_one_subtask_alone_does_not() {
    let mut rows = touching(&[(1, &[]), (2, &[])]);
    for row in &mut rows {
        row.agent_type = "frontend-react".to_owned();
    }
    rows[1].result = Some(object(json!({"files": ["./f", "f", "g"]})));
    let found = conflicts(&rows, &Actions::new(), &graph(&rows));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].agents, ["frontend-react"]);
    assert_eq!(found[0].subtask_ids, [id(1), id(2)]);
    assert!(conflicts(&rows[1..], &Actions::new(), &graph(&rows)).is_empty());
}

#[test]
fn conflicts_come_by_file_then_by_age() {
    let mut rows = touching(&[(1, &[]), (2, &[])]);
    rows[0].result = Some(object(json!({"files": ["z", "b/../a"]})));
    rows[1].status = Failed;
    rows.push(Subtask { blocked_by: vec![id(2)], ..subtask_in(3, Blocked) });
    let actions = Actions::from([(id(2), wrote(&["z", "a"]))]);
    let found = conflicts(&rows, &actions, &graph(&rows));
    let of: Vec<_> = found.iter().map(|c| (c.kind, c.severity, c.files.join(","))).collect();
    assert_eq!(
        of,
        [
            (ConflictKind::FileConflict, Severity::High, "a".to_owned()),
            (ConflictKind::FileConflict, Severity::High, "z".to_owned()),
            (ConflictKind::DependencyConflict, Severity::Critical, String::new()),
        ]
    );
}

#[test]
fn what_waits_for_a_failed_subtask_directly_or_not_is_critical() {
    let waits = |n, status, blockers: &[u128]| Subtask {
        blocked_by: blockers.iter().map(|n| id(*n)).collect(),
        ..subtask_in(n, status)
    };
    let all = vec![
        subtask_in(1, Failed),
        waits(2, Blocked, &[1]),
        waits(3, Blocked, &[2]),
        waits(4, Failed, &[1]), // ended itself
        subtask_in(5, Running), // waits for nothing
        waits(6, Pending, &[7]),
        subtask_in(7, Completed),
    ];
    let found = conflicts(&all, &Actions::new(), &graph(&all));
    let pairs: Vec<_> = found.iter().map(|c| c.subtask_ids.clone()).collect();
    assert_eq!(pairs, [[id(2), id(1)], [id(3), id(1)]]);
    for conflict in &found {
        assert_eq!(conflict.kind, ConflictKind::DependencyConflict);
        assert_eq!(conflict.severity, Severity::Critical);
        assert!(conflict.agents.contains(&"agent-1".to_owned()), "{conflict:?}");
        assert!(conflict.description.starts_with("Blocked task depends on failed task"));
    }
    // The failed one may be of another batch, and what lies between too.
    let alone = conflicts(&all[2..3], &Actions::new(), &graph(&all));
    assert_eq!(alone, found[1..]);
}

proptest! {
    #[test]
    fn normalising_twice_is_normalising_once(path in "[./a-c]{0,14}") {
        let once = normalise_path(&path);
        prop_assert_eq!(normalise_path(&once), once.clone());
        prop_assert!(!once.contains("//") && !once.split('/').any(|part| part == "."));
    }
}

#[test]
fn what_is_changed_outside_the_scope_or_beyond_its_number_is_a_violation() {
    let scope = domain::scope::Scope {
        target_directories: vec!["src".to_owned()],
        max_files: Some(2),
        ..Default::default()
    };
    let reports = |files: serde_json::Value| Subtask {
        scope: scope.clone(),
        result: Some(object(json!({ "files": files }))),
        ..subtask_in(1, Completed)
    };
    let found = |subtask: Subtask, actions: &Actions| {
        let rows = [subtask];
        conflicts(&rows, actions, &graph(&rows))
    };
    let none = Actions::new();
    assert_eq!(found(reports(json!(["src/a", "src/b"])), &none), []);
    let outside = found(reports(json!(["src/a"])), &Actions::from([(id(1), wrote(&["./etc/x"]))]));
    assert_eq!(outside.len(), 1);
    assert_eq!(
        (outside[0].kind, outside[0].severity),
        (ConflictKind::ScopeViolation, Severity::High)
    );
    assert_eq!(outside[0].files, ["etc/x"]);
    let many = found(reports(json!(["src/a", "src/b", "src/c"])), &none);
    assert_eq!(many[0].description, "3 files were changed; 2 were allowed");
    let forbidden = Recorded { forbidden: vec!["Bash(git push *)".to_owned()], ..wrote(&[]) };
    let pushed = found(reports(json!([])), &Actions::from([(id(1), forbidden)]));
    assert_eq!(pushed[0].kind, ConflictKind::ScopeViolation);
    assert_eq!(pushed[0].description, "A forbidden action was taken: Bash(git push *)");
}
