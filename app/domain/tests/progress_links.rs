//! Retries of failed subtasks, and new blockers for open ones.

mod common;

use common::{World, at, conflict, id, object, subtask, subtask_in, to, told};
use domain::batch::{BatchOutcome, BatchStatus};
use domain::progress::{Patch, Relink};
use domain::subtask::{
    Subtask,
    SubtaskStatus::{self, Blocked, Completed, Failed, Paused, Pending, Running},
};
use domain::wave::WaveStatus;
use serde_json::json;

fn in_wave(wave_number: i32, subtask: Subtask) -> Subtask {
    let batch_id = id(1_000 + u128::from(wave_number.unsigned_abs()));
    Subtask { wave_number, batch_id, ..subtask }
}

#[test]
fn a_retry_reopens_the_failed_wave_and_tells_it() {
    let failed = Subtask {
        agent_id: Some("gone".to_owned()),
        result: Some(object(json!({"error": "boom"}))),
        retry_count: 1,
        ..subtask_in(1, Failed)
    };
    let rows = vec![failed, subtask_in(2, Completed)];
    let mut world = World::new(&[(0, WaveStatus::Failed)], rows);
    let events = world.retry(1).expect("a failed subtask");
    let mut lines = told(&events);
    lines.sort_unstable();
    assert_eq!(lines, ["subtask.updated 1 pending", "wave.reopened 0 running"]);

    let row = &world.subtasks[&id(1)];
    assert_eq!((row.status, row.retry_count, row.updated_at), (Pending, 2, at(100)));
    assert_eq!((&row.agent_id, &row.result), (&None, &None));
    assert_eq!((row.started_at, row.completed_at), (None, None));
    let wave = &world.waves[&0];
    assert_eq!((wave.status, wave.completed_at), (WaveStatus::Running, None));
    assert_eq!((wave.completed_tasks, wave.failed_tasks, wave.open_tasks()), (1, 0, 1));

    let events = world.patch(1, &to(Completed)).expect("it runs again");
    assert_eq!(told(&events), ["subtask.updated 1 completed", "wave.completed 0 completed"]);
}

#[test]
fn a_retry_in_an_open_wave_changes_the_counters_alone() {
    for status in [WaveStatus::Running, WaveStatus::Pending] {
        let mut world = World::new(&[(0, status)], vec![subtask_in(1, Failed), subtask(2)]);
        let events = world.retry(1).expect("a failed subtask");
        assert_eq!(told(&events), ["subtask.updated 1 pending"]);
        assert_eq!(world.waves[&0].status, status);
        assert_eq!((world.waves[&0].failed_tasks, world.waves[&0].open_tasks()), (0, 2));
    }
}

#[test]
fn only_a_failed_subtask_can_be_retried() {
    for status in [Pending, Running, Paused, Completed] {
        let mut world = World::new(&[(0, WaveStatus::Running)], vec![subtask_in(1, status)]);
        let before = world.clone();
        let reason = conflict(world.retry(1).expect_err("not failed"));
        assert!(reason.starts_with("not_failed: ") && reason.contains(status.as_str()), "{reason}");
        assert_eq!(world, before);
    }
}

#[test]
fn a_completed_wave_is_not_reopened() {
    let optional = Subtask { optional: true, ..subtask_in(1, Failed) };
    let rows = vec![optional, subtask_in(2, Completed)];
    let mut world = World::new(&[(0, WaveStatus::Completed)], rows);
    let before = world.clone();
    let reason = conflict(world.retry(1).expect_err("the wave is done"));
    assert!(reason.starts_with("wave_finished: "), "{reason}");
    assert_eq!(world, before);
}

#[test]
fn a_failed_wave_is_not_reopened_while_another_runs() {
    let waves = [(0, WaveStatus::Failed), (1, WaveStatus::Running)];
    let rows = vec![subtask_in(1, Failed), in_wave(1, subtask(2))];
    let mut world = World::new(&waves, rows);
    let before = world.clone();
    let reason = conflict(world.retry(1).expect_err("wave 1 runs"));
    assert!(reason.starts_with("wave_running: Wave 1 is running"), "{reason}");
    assert_eq!(world, before);
    world.patch(2, &to(Completed)).expect("wave 1 ends");
    world.retry(1).expect("nothing runs now");
    assert_eq!(world.running(), Some(0));
}

#[test]
fn a_retry_takes_an_optional_failure_back_too() {
    let rows = vec![Subtask { optional: true, ..subtask_in(1, Failed) }, subtask_in(2, Failed)];
    let mut world = World::new(&[(0, WaveStatus::Failed)], rows);
    assert_eq!(world.waves[&0].failed_optional_tasks, 1);
    world.retry(1).expect("a failed subtask");
    let wave = &world.waves[&0];
    assert_eq!(
        (wave.failed_tasks, wave.failed_optional_tasks, wave.critical_failures()),
        (1, 0, 1)
    );
}

#[test]
fn a_retry_reopens_a_completed_batch() {
    let rows = vec![subtask_in(1, Failed), subtask_in(2, Completed)];
    let mut world = World::new(&[(0, WaveStatus::Failed)], rows);
    let batch = world.batches.get_mut(&id(1_000)).expect("the batch");
    batch.status = BatchStatus::Completed;
    batch.outcome = Some(BatchOutcome::Partial);
    batch.completed_at = Some(at(50));
    world.retry(1).expect("a failed subtask");
    let batch = &world.batches[&id(1_000)];
    assert_eq!((batch.status, batch.outcome), (BatchStatus::Running, None));
    assert_eq!((batch.completed_at, batch.failed_tasks, batch.completed_tasks), (None, 0, 1));
}

#[test]
fn a_dependent_that_was_failed_by_hand_is_blocked_again_after_its_retry() {
    let rows = vec![
        subtask_in(1, Failed),
        Subtask { blocked_by: vec![id(1)], ..subtask_in(2, Failed) },
        subtask(3),
    ];
    let mut world = World::new(&[(0, WaveStatus::Running)], rows);
    world.retry(2).expect("a failed subtask");
    assert_eq!((world.status(2), world.subtasks[&id(2)].open_blockers), (Blocked, 1));
    world.retry(1).expect("a failed subtask");
    let events = world.patch(1, &to(Completed)).expect("completes");
    assert_eq!(told(&events), ["subtask.updated 1 completed", "subtask.updated 2 pending"]);
}

#[test]
fn a_dependent_that_failed_is_ready_when_its_blocker_completed_meanwhile() {
    let failed = Subtask { blocked_by: vec![id(1)], ..subtask_in(2, Failed) };
    let rows = vec![subtask(1), failed, subtask(3)];
    let mut world = World::new(&[(0, WaveStatus::Running)], rows);
    world.patch(1, &to(Completed)).expect("completes");
    assert_eq!(world.status(2), Failed, "completing a blocker retries nobody");
    world.retry(2).expect("a failed subtask");
    assert_eq!((world.status(2), world.subtasks[&id(2)].open_blockers), (Pending, 0));
}

fn relink(blockers: &[u128], open: i32) -> Patch {
    let blocked_by = blockers.iter().map(|n| id(*n)).collect();
    Patch { blocked_by: Some(Relink { blocked_by, open }), ..Patch::default() }
}

#[test]
fn new_blockers_block_and_their_absence_unblocks() {
    // before, its blockers → after open ones, after none, after completed ones
    let table: [(SubtaskStatus, &[u128], [SubtaskStatus; 3]); 3] = [
        (Pending, &[], [Blocked, Pending, Pending]),
        (Paused, &[], [Blocked, Paused, Paused]),
        (Blocked, &[1], [Blocked, Pending, Pending]),
    ];
    for (before, blockers, after) in table {
        let patches = [relink(&[1, 3], 1), relink(&[], 0), relink(&[3], 0)];
        for (patch, expected) in patches.iter().zip(after) {
            let blocked_by = blockers.iter().map(|n| id(*n)).collect();
            let row = Subtask { blocked_by, ..subtask_in(2, before) };
            let rows = vec![subtask(1), row, subtask_in(3, Completed)];
            let mut world = World::new(&[(0, WaveStatus::Running)], rows);
            world.patch(2, patch).expect("allowed");
            let row = &world.subtasks[&id(2)];
            let wanted = patch.blocked_by.as_ref().expect("blockers");
            assert_eq!(row.status, expected, "{before:?} with {wanted:?}");
            assert_eq!((&row.blocked_by, row.open_blockers), (&wanted.blocked_by, wanted.open));
        }
    }
}

#[test]
fn blockers_and_status_in_one_patch_are_judged_together() {
    let rows = || {
        let blocked = Subtask { blocked_by: vec![id(1)], ..subtask(2) };
        World::new(&[(0, WaveStatus::Running)], vec![subtask(1), blocked, subtask(3)])
    };
    let mut world = rows();
    let freed = Patch { status: Some(Running), ..relink(&[], 0) };
    world.patch(2, &freed).expect("nothing holds it any more");
    assert_eq!(world.status(2), Running);

    let mut world = rows();
    let before = world.clone();
    let held = Patch { status: Some(Running), ..relink(&[1], 1) };
    conflict(world.patch(3, &held).expect_err("it would be blocked"));
    assert_eq!(world, before);
}

#[test]
fn a_running_subtask_keeps_its_blockers_until_it_is_paused() {
    let rows = vec![subtask(1), subtask_in(2, Running)];
    let mut world = World::new(&[(0, WaveStatus::Running)], rows);
    let reason = conflict(world.patch(2, &relink(&[1], 1)).expect_err("it runs"));
    assert!(reason.starts_with("subtask_running: ") && reason.contains("pause"), "{reason}");
    world.patch(2, &to(Paused)).expect("allowed");
    world.patch(2, &relink(&[1], 1)).expect("allowed");
    assert_eq!(world.status(2), Blocked);
}

#[test]
fn blocked_is_not_a_status_to_ask_for() {
    let mut world = World::new(&[(0, WaveStatus::Running)], vec![subtask(1)]);
    let reason = conflict(world.patch(1, &to(Blocked)).expect_err("it follows from blockers"));
    assert!(reason.starts_with("blocked_by_hand: ") && reason.contains("blocked_by"), "{reason}");
}

#[test]
fn a_new_blocker_counts_within_the_same_group() {
    let rows = vec![subtask(1), subtask(2), subtask(3)];
    let mut world = World::new(&[(0, WaveStatus::Running)], rows);
    let mut group = world.progress(at(100));
    group.patch(id(2), &relink(&[1], 1)).expect("allowed");
    group.patch(id(1), &to(Completed)).expect("completes");
    world.take(group);
    assert_eq!((world.status(2), world.subtasks[&id(2)].open_blockers), (Pending, 0));
}

#[test]
fn a_blocker_that_was_removed_counts_no_more_within_the_same_group() {
    let blocked = Subtask { blocked_by: vec![id(1)], ..subtask(2) };
    let rows = vec![subtask(1), blocked, subtask(3)];
    let mut world = World::new(&[(0, WaveStatus::Running)], rows);
    let mut group = world.progress(at(100));
    group.patch(id(2), &relink(&[3], 1)).expect("allowed");
    group.patch(id(1), &to(Completed)).expect("completes");
    world.take(group);
    assert_eq!((world.status(2), world.subtasks[&id(2)].open_blockers), (Blocked, 1));
}
