//! What needs a person, and why a subtask waits.

mod common;

use std::collections::BTreeSet;

use common::id;
use domain::chart::{Concern, Need, Stage, Watched, attention, stranded, why_waiting};
use domain::conflict::{Conflict, ConflictKind, Severity};
use domain::graph::{Graph, Node};
use domain::subtask::SubtaskStatus::{self, Blocked, Completed, Failed, Paused, Pending, Running};
use domain::usage::HeldBack;
use domain::wave::{Approval, WaveStatus};
use proptest::prelude::*;
use uuid::Uuid;

const MINUTE: i64 = 60_000;

/// A subtask that started at 0.
#[derive(Clone, Debug)]
struct Row {
    n: u128,
    status: SubtaskStatus,
    agent: &'static str,
    blocked_by: Vec<Uuid>,
    ended_at: Option<i64>,
}

fn row(n: u128, status: SubtaskStatus, blockers: &[u128]) -> Row {
    let blocked_by = blockers.iter().map(|n| id(*n)).collect();
    Row { n, status, agent: "any", blocked_by, ended_at: None }
}

/// A subtask of that type that completed after so many minutes.
fn took(n: u128, agent: &'static str, minutes: i64) -> Row {
    Row { agent, ended_at: Some(minutes * MINUTE), ..row(n, Completed, &[]) }
}

fn watched(rows: &[Row]) -> Vec<Watched<'_>> {
    fn one(row: &Row) -> Watched<'_> {
        let Row { n, status, agent, blocked_by, ended_at } = row;
        Watched {
            id: id(*n),
            wave: 2,
            status: *status,
            description: "the task",
            agent_type: agent,
            blocked_by,
            started_at: Some(0),
            ended_at: *ended_at,
        }
    }
    rows.iter().map(one).collect()
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

fn need(concern: Concern, subtasks: &[u128], files: &[&str], waiting: i32) -> Need {
    Need {
        concern,
        subtasks: subtasks.iter().map(|n| id(*n)).collect(),
        files: files.iter().map(|file| (*file).to_owned()).collect(),
        waiting,
    }
}

#[test]
fn what_goes_well_needs_nobody() {
    let rows = [
        row(1, Running, &[]),
        row(2, Pending, &[]),
        row(3, Blocked, &[1]),
        row(4, Paused, &[]),
        took(5, "any", 1),
    ];
    let ordered = conflict("f", Severity::Low, &[1, 5]);
    assert!(attention(&watched(&rows), &[ordered], 10 * MINUTE).is_empty());
    assert!(attention(&[], &[], 0).is_empty());
}

#[test]
fn the_most_urgent_comes_first_and_then_what_most_wait_for() {
    let rows = [
        row(1, Running, &[]), // slow
        row(2, Failed, &[]),
        row(3, Failed, &[]), // strands one
        row(4, Failed, &[]), // strands two
        row(5, Blocked, &[3]),
        row(6, Blocked, &[4]),
        row(7, Blocked, &[6]),
        row(8, Blocked, &[1, 2_000]), // waits for the slow one
        row(9, Running, &[]),
    ];
    let rows = &watched(&rows);
    let conflicts = [conflict("f", Severity::High, &[7, 5])];
    let needs = attention(rows, &conflicts, 11 * MINUTE);
    let expected = [
        need(Concern::Stranded, &[4], &[], 2),
        need(Concern::Stranded, &[3], &[], 1),
        need(Concern::Conflict, &[5, 7], &["f"], 0),
        need(Concern::Failed, &[2], &[], 0),
        need(Concern::Slow, &[1], &[], 1),
        need(Concern::Slow, &[9], &[], 0),
    ];
    assert_eq!(needs, expected);
}

#[test]
fn conflicts_of_the_same_subtasks_are_one_need() {
    let rows = [
        row(1, Completed, &[]),
        row(2, Running, &[1]),
        row(3, Blocked, &[2]),
        row(4, Blocked, &[3]),
    ];
    let mut dependency = conflict("c", Severity::High, &[1]);
    dependency.kind = ConflictKind::DependencyConflict;
    let conflicts = [
        conflict("b", Severity::High, &[1, 2]),
        conflict("a", Severity::High, &[2, 1, 2]),
        conflict("b", Severity::High, &[1, 2]), // in another batch
        conflict("low", Severity::Low, &[1, 2]),
        conflict("c", Severity::High, &[1, 77]), // one is not watched
        dependency,
    ];
    let expected = [
        need(Concern::Conflict, &[1, 77], &["c"], 3),
        need(Concern::Conflict, &[1, 2], &["a", "b"], 2),
    ];
    assert_eq!(attention(&watched(&rows), &conflicts, 0), expected);
}

#[test]
fn those_that_ended_do_not_wait() {
    let rows = [row(1, Failed, &[]), row(2, Failed, &[1]), row(3, Completed, &[1])];
    let needs = attention(&watched(&rows), &[], 0);
    assert_eq!(needs, [need(Concern::Failed, &[1], &[], 0), need(Concern::Failed, &[2], &[], 0)]);
    assert!(stranded(&watched(&rows)).is_empty());
}

#[test]
fn slow_is_three_times_the_median_of_its_like_and_more_than_ten_minutes() {
    let a = |minutes: &[i64]| -> Vec<Row> {
        minutes.iter().enumerate().map(|(k, m)| took(k as u128 + 10, "any", *m)).collect()
    };
    let b = |minutes: &[i64]| -> Vec<Row> {
        minutes.iter().enumerate().map(|(k, m)| took(k as u128 + 50, "other", *m)).collect()
    };
    let table = [
        ("nothing to compare with", a(&[]), b(&[]), 10),
        ("quick ones: still ten minutes", a(&[1, 1, 1]), b(&[]), 10),
        ("three of its type", a(&[5, 9, 50]), b(&[1, 1, 1]), 27),
        ("four: between the middle two", a(&[4, 50, 10, 5]), b(&[]), 22),
        ("too few of its type: all", a(&[50, 50]), b(&[6, 7, 8]), 24),
        ("none of its type: all, even one", a(&[]), b(&[20]), 60),
    ];
    for (what, own, others, limit) in table {
        let failed = Row { status: Failed, ..took(2, "any", 500) }; // says nothing
        let mut rows = vec![row(1, Running, &[]), failed];
        rows.extend(own);
        rows.extend(others);
        let slow = |ms: i64| {
            let needs = attention(&watched(&rows), &[], ms);
            needs.iter().any(|need| need.concern == Concern::Slow)
        };
        let exact =
            if what.starts_with("four") { limit * MINUTE + MINUTE / 2 } else { limit * MINUTE };
        assert!(!slow(exact), "{what}: not yet");
        assert!(slow(exact + 1), "{what}: now");
    }
}

#[test]
fn only_what_runs_and_started_is_slow() {
    for status in SubtaskStatus::ALL {
        let rows = [row(1, status, &[])];
        let mut rows = watched(&rows);
        let slow = |rows: &[Watched]| {
            attention(rows, &[], i64::MAX).iter().any(|need| need.concern == Concern::Slow)
        };
        assert_eq!(slow(&rows), status == Running, "{status:?}");
        rows[0].started_at = None;
        assert!(!slow(&rows), "{status:?} without a start");
    }
}

#[test]
fn the_nearest_failed_one_strands() {
    let rows = [
        row(1, Failed, &[]),
        row(2, Pending, &[1]),
        row(3, Pending, &[2, 4]),
        row(4, Failed, &[]),
        row(5, Blocked, &[9, 4, 1]),
        row(6, Blocked, &[7]),
        row(7, Blocked, &[6]),
    ];
    let by: Vec<(u128, u128)> = stranded(&watched(&rows))
        .iter()
        .map(|(id, failed)| (id.as_u128(), failed.as_u128()))
        .collect();
    assert_eq!(by, [(2, 1), (3, 4), (5, 1)]);
}

/// A blocker: its number, status and description.
type Blocker = (u128, SubtaskStatus, &'static str);

/// The sentence for a subtask of wave 2 in that status, and what it waits for.
fn why(
    status: SubtaskStatus,
    wave: WaveStatus,
    blockers: &[Blocker],
) -> Option<(String, Vec<u128>)> {
    let ids: Vec<Uuid> = (1..=5).map(id).collect();
    let template = [row(9, status, &[])];
    let mut subtask = watched(&template)[0];
    subtask.blocked_by = &ids;
    let blocker = |(n, status, description): &Blocker| Watched {
        id: id(*n),
        status: *status,
        description,
        blocked_by: &[],
        ..subtask
    };
    let blockers: Vec<Watched> = blockers.iter().map(blocker).collect();
    let why = why_waiting(&subtask, plain(wave), &blockers, None)?;
    Some((why.sentence, why.waits_for.iter().map(Uuid::as_u128).collect()))
}

fn plain(wave: WaveStatus) -> Stage {
    Stage { wave, approval: None, held_back: None }
}

#[test]
fn a_subtask_waits_for_an_approval_a_pause_or_a_budget() {
    let rows = [row(1, Pending, &[])];
    let rows = watched(&rows);
    let said = |stage| why_waiting(&rows[0], stage, &[], None).expect("a reason").sentence;
    let running = plain(WaveStatus::Running);
    let held = |why| said(Stage { held_back: Some(why), ..running });
    assert_eq!(held(HeldBack::Paused), "Ready, but the session is paused.");
    assert_eq!(held(HeldBack::Budget), "Ready, but the session's budget is spent.");
    let gate = |approval| said(Stage { approval: Some(approval), ..plain(WaveStatus::Pending) });
    let wave = rows[0].wave;
    assert_eq!(gate(Approval::Required), format!("Waits for wave {wave} to be approved."));
    assert_eq!(gate(Approval::Approved), format!("Waits for wave {wave} to start."));
    let rejected = format!("Waits for wave {wave} to be approved, which was rejected.");
    assert_eq!(gate(Approval::Rejected), rejected);
}

#[test]
fn one_sentence_says_why_a_subtask_waits() {
    use WaveStatus as W;
    let two: &[Blocker] = &[
        (4, Failed, " write the docs \nand more "),
        (2, Completed, "done"),
        (1, Running, "write the schema"),
    ];
    const LONG: &str = "write the schema of everything that was ever asked for, and then some";
    type Case = (SubtaskStatus, W, &'static [Blocker], &'static str, &'static [u128]);
    let table: [Case; 11] = [
        (Pending, W::Running, &[], "Ready: waits for an agent.", &[]),
        (Pending, W::Pending, &[], "Waits for wave 2 to start.", &[]),
        (Pending, W::Pending, two, "Waits for wave 2 to start.", &[]),
        (Paused, W::Running, &[], "Paused.", &[]),
        (
            Blocked,
            W::Running,
            two,
            "Waits for 2 of 5: “write the schema” (running), “write the docs” (failed).",
            &[1, 4],
        ),
        (
            Blocked,
            W::Pending,
            &[(3, Pending, "plan")],
            "Waits for wave 2 to start, and for 1 of 5: “plan” (pending).",
            &[3],
        ),
        (Blocked, W::Running, &[], "Waits for others to complete.", &[]),
        (Blocked, W::Running, &[(2, Completed, "done")], "Waits for others to complete.", &[]),
        (
            Blocked,
            W::Running,
            &[
                (5, Blocked, "e"),
                (4, Paused, "d"),
                (3, Pending, "c"),
                (2, Pending, "b"),
                (1, Pending, "ä"),
            ],
            "Waits for 5 of 5: “ä” (pending), “b” (pending), “c” (pending) and 2 more.",
            &[1, 2, 3, 4, 5],
        ),
        (
            Blocked,
            W::Running,
            &[(1, Pending, "a"), (2, Pending, "b"), (3, Pending, "c")],
            "Waits for 3 of 5: “a” (pending), “b” (pending), “c” (pending).",
            &[1, 2, 3],
        ),
        (
            Blocked,
            W::Running,
            &[(1, Running, LONG)],
            "Waits for 1 of 5: “write the schema of everything that was ever asked for, and…” (running).",
            &[1],
        ),
    ];
    for (status, wave, blockers, sentence, waits_for) in table {
        let expected = Some((sentence.to_owned(), waits_for.to_vec()));
        assert_eq!(why(status, wave, blockers), expected, "{status:?} in a {wave:?} wave");
    }
    for status in [Running, Completed, Failed] {
        assert_eq!(why(status, W::Running, two), None, "{status:?}");
    }
}

#[test]
fn a_stranded_subtask_names_the_failed_one_that_must_be_retried() {
    let rows = [row(1, Failed, &[]), row(2, Blocked, &[1]), row(3, Blocked, &[2])];
    let rows = watched(&rows);
    let failed = Watched { description: "write the schema", ..rows[0] };
    let why = why_waiting(&rows[2], plain(WaveStatus::Running), &rows[1..2], Some(&failed));
    let why = why.expect("a reason");
    assert_eq!(why.sentence, "Stranded: “write the schema” failed and must be retried first.");
    assert_eq!(why.waits_for, [id(1)]);
    let unlisted = Watched { blocked_by: &[], ..rows[2] };
    let why =
        why_waiting(&unlisted, plain(WaveStatus::Running), &rows[1..2], None).expect("a reason");
    assert_eq!(why.sentence, "Waits for 1 of 1: “the task” (blocked).");
    assert_eq!(why_waiting(&failed, plain(WaveStatus::Running), &[], Some(&failed)), None);
}

/// Any subtasks with any links, circles too.
fn crowd() -> impl Strategy<Value = Vec<Row>> {
    let status = prop::sample::select(SubtaskStatus::ALL.to_vec());
    let row_of = (status, prop::collection::vec(0..18_u128, 0..3));
    prop::collection::vec(row_of, 0..16).prop_map(|rows| {
        let numbered = |(k, (status, blockers)): (usize, (SubtaskStatus, Vec<u128>))| Row {
            agent: if k % 3 == 0 { "any" } else { "other" },
            ended_at: status.is_terminal().then_some(k as i64 * 1_000),
            ..row(k as u128, status, &blockers)
        };
        rows.into_iter().enumerate().map(numbered).collect()
    })
}

proptest! {
    #[test]
    fn stranded_is_who_reaches_a_failed_one(rows in crowd()) {
        let node = |row: &Row| Node {
            id: id(row.n),
            status: row.status,
            agent_type: String::new(),
            blocked_by: row.blocked_by.clone(),
        };
        let graph: Graph = rows.iter().map(node).collect();
        let by = stranded(&watched(&rows));
        let expected: BTreeSet<Uuid> = rows
            .iter()
            .filter(|row| !row.status.is_terminal() && graph.failed_blocker(id(row.n)).is_some())
            .map(|row| id(row.n))
            .collect();
        prop_assert_eq!(by.iter().map(|(id, _)| *id).collect::<BTreeSet<_>>(), expected);
        for (waits, failed) in &by {
            prop_assert!(graph.depends_on(*waits, *failed));
        }

        for need in attention(&watched(&rows), &[], 0) {
            let open = rows.iter().filter(|row| !row.status.is_terminal());
            let waiting = open.filter(|row| graph.depends_on(id(row.n), need.subtasks[0])).count();
            prop_assert_eq!(need.waiting, i32::try_from(waiting).expect("few"));
            prop_assert_eq!(need.concern == Concern::Stranded, waiting > 0);
        }
    }

    #[test]
    fn the_order_of_rows_and_conflicts_does_not_matter(
        (rows, shuffled) in crowd()
            .prop_flat_map(|rows| (Just(rows.clone()), Just(rows).prop_shuffle())),
        (a, b, c) in (0..16_u128, 0..16_u128, 0..16_u128),
    ) {
        let conflicts = [
            conflict("f", Severity::High, &[a, b]),
            conflict("g", Severity::High, &[b, a]),
            conflict("h", Severity::High, &[c]),
        ];
        let turned: Vec<Conflict> = conflicts.iter().rev().cloned().collect();
        let now = 20 * MINUTE;
        let needs = attention(&watched(&rows), &conflicts, now);
        prop_assert_eq!(&needs, &attention(&watched(&shuffled), &turned, now));
        prop_assert_eq!(stranded(&watched(&rows)), stranded(&watched(&shuffled)));
        prop_assert!(needs.is_sorted_by_key(|need| need.concern));
        let failed = rows.iter().filter(|row| row.status == Failed).count();
        let told = |need: &&Need| matches!(need.concern, Concern::Failed | Concern::Stranded);
        prop_assert_eq!(needs.iter().filter(told).count(), failed, "each failed one once");
    }
}

#[test]
fn what_a_later_wave_has_gone_past_needs_nobody_unless_something_waits_for_it() {
    let rows = [
        row(1, Failed, &[]),
        row(2, Failed, &[]),
        row(3, Blocked, &[2]),
        row(4, Completed, &[]),
        row(5, Completed, &[]),
        row(6, Failed, &[]),
    ];
    let mut watched = watched(&rows);
    let conflicts =
        [conflict("old", Severity::High, &[4, 5]), conflict("new", Severity::High, &[5, 6])];
    for subtask in &mut watched[..5] {
        subtask.wave = 1;
    }
    let wanted = [
        need(Concern::Stranded, &[2], &[], 1),
        need(Concern::Conflict, &[5, 6], &["new"], 0),
        need(Concern::Failed, &[6], &[], 0),
    ];
    assert_eq!(attention(&watched, &conflicts, 0), wanted);

    // The later wave is there, but has not begun.
    watched[5].started_at = None;
    watched[5].status = Pending;
    let left: Vec<_> =
        attention(&watched, &conflicts, 0).into_iter().map(|need| need.concern).collect();
    assert_eq!(left, [Concern::Stranded, Concern::Conflict, Concern::Conflict, Concern::Failed]);
}
