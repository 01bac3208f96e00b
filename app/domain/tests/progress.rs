//! One patch at a time: what it may do, what follows from it, in which order it is told.

mod common;

use common::{SESSION, World, at, conflict, id, object, subtask, subtask_in, to, told};
use domain::batch::BatchStatus;
use domain::problem::Refusal;
use domain::progress::{Patch, Relink, finish_if_done};
use domain::subtask::{
    Subtask,
    SubtaskStatus::{self, Blocked, Completed, Failed, Paused, Pending, Running},
};
use domain::wave::WaveStatus;
use serde_json::json;

/// One subtask in that status in a wave in that status.
fn one(wave: WaveStatus, status: SubtaskStatus) -> World {
    World::new(&[(0, wave)], vec![subtask_in(1, status)])
}

/// Waves of these statuses; subtasks as (number, wave, blockers), pending or blocked.
fn world(waves: &[(i32, WaveStatus)], tasks: &[(u128, i32, &[u128])]) -> World {
    let task = |(n, wave_number, blockers): &(u128, i32, &[u128])| Subtask {
        wave_number: *wave_number,
        batch_id: id(1_000 + u128::from(wave_number.unsigned_abs())),
        blocked_by: blockers.iter().map(|n| id(*n)).collect(),
        ..subtask(*n)
    };
    World::new(waves, tasks.iter().map(task).collect())
}

#[test]
fn an_unknown_subtask_is_not_found() {
    let mut world = one(WaveStatus::Running, Pending);
    let missing = Refusal::not_found("subtask", id(9));
    assert_eq!(world.patch(9, &to(Failed)).expect_err("unknown"), missing);
    assert_eq!(world.retry(9).expect_err("unknown"), missing);
}

#[test]
fn work_before_its_wave_runs_is_refused_with_the_call_to_make() {
    for target in [Running, Completed] {
        for status in [Pending, Paused] {
            let mut world = one(WaveStatus::Pending, status);
            let before = world.clone();
            let reason = conflict(world.patch(1, &to(target)).expect_err("not running"));
            let call = format!("POST /api/waves/{SESSION}/start {{\"wave_number\": 0}}");
            assert!(reason.starts_with("wave_not_running: ") && reason.contains(&call), "{reason}");
            assert_eq!(world, before);
        }
    }
}

#[test]
fn failing_pausing_and_giving_back_need_no_running_wave() {
    for (status, target) in
        [(Pending, Failed), (Pending, Paused), (Paused, Failed), (Paused, Pending)]
    {
        let mut world = one(WaveStatus::Pending, status);
        world.patch(1, &to(target)).expect("allowed at any time");
        assert_eq!(world.status(1), target);
        assert_eq!(world.waves[&0].status, WaveStatus::Pending);
    }
}

#[test]
fn in_a_running_wave_exactly_the_steps_of_the_readings_are_made() {
    let table: [(SubtaskStatus, &[SubtaskStatus]); 5] = [
        (Pending, &[Pending, Running, Paused, Completed, Failed]),
        (Running, &[Running, Pending, Paused, Completed, Failed]),
        (Paused, &[Paused, Pending, Running, Completed, Failed]),
        (Completed, &[Completed]),
        (Failed, &[Failed]),
    ];
    for (from, allowed) in table {
        for target in SubtaskStatus::ALL {
            let mut world = one(WaveStatus::Running, from);
            let before = world.clone();
            match world.patch(1, &to(target)) {
                Ok(events) if from == target => {
                    assert_eq!((world, events.len()), (before, 0), "{from:?} again is a no-op");
                }
                Ok(events) => {
                    assert!(allowed.contains(&target), "{from:?} → {target:?}");
                    assert_eq!(world.status(1), target);
                    assert_eq!(told(&events)[0], format!("subtask.updated 1 {}", target.as_str()));
                    assert_eq!(events[0].data["from"], from.as_str());
                }
                Err(refusal) => {
                    assert!(!allowed.contains(&target), "{from:?} → {target:?}: {refusal}");
                    conflict(refusal);
                    assert_eq!(world, before);
                }
            }
        }
    }
}

#[test]
fn a_blocked_subtask_can_only_be_failed_by_hand() {
    let tasks: &[(u128, i32, &[u128])] = &[(1, 0, &[]), (2, 0, &[1])];
    for target in [Pending, Running, Paused, Completed] {
        let mut world = world(&[(0, WaveStatus::Running)], tasks);
        let reason = conflict(world.patch(2, &to(target)).expect_err("blocked"));
        assert!(reason.starts_with("illegal_transition: "), "{reason}");
        assert!(reason.contains("blocked") && reason.contains("1 of its blockers"), "{reason}");
    }
    let mut world = world(&[(0, WaveStatus::Running)], tasks);
    world.patch(2, &to(Failed)).expect("by hand");
    assert_eq!(world.status(2), Failed);
}

#[test]
fn an_identical_repeat_of_an_ended_subtask_changes_nothing_and_tells_nothing() {
    for status in [Completed, Failed] {
        let wave = if status == Failed { WaveStatus::Failed } else { WaveStatus::Completed };
        let mut world = one(wave, status);
        let row = world.subtasks.get_mut(&id(1)).expect("the row");
        row.result = Some(object(json!({"summary": "s", "files": ["a"]})));
        let before = world.clone();
        let same = Some(object(json!({"files": ["a"], "summary": "s"})));
        let other = Some(object(json!({"files": ["b"], "summary": "s"})));
        let repeats = [to(status), Patch { result: same, ..to(status) }];
        for repeat in &repeats {
            assert!(world.patch(1, repeat).expect("a repeat").is_empty());
        }
        let contradictions = [
            Patch { result: other.clone(), ..to(status) },
            Patch { result: other, ..Patch::default() },
            Patch { agent_id: Some("late".to_owned()), ..Patch::default() },
            Patch { priority: Some(9), ..Patch::default() },
        ];
        for patch in &contradictions {
            let reason = conflict(world.patch(1, patch).expect_err("it has ended"));
            assert!(reason.starts_with("subtask_ended: "), "{reason}");
        }
        assert_eq!(world, before);
    }
}

#[test]
fn an_ended_subtask_keeps_its_blockers() {
    for status in [Completed, Failed] {
        let wave = if status == Failed { WaveStatus::Failed } else { WaveStatus::Completed };
        let mut world = one(wave, status);
        let relink = Some(Relink { blocked_by: vec![id(7)], open: 1 });
        let patch = Patch { blocked_by: relink, ..to(status) };
        let answer = world.patch(1, &patch).map(|events| told(&events));
        let reason = conflict(answer.expect_err("new blockers are no repeat"));
        assert!(reason.starts_with("subtask_ended: "), "{reason}");
    }
}

#[test]
fn a_failed_subtask_points_to_retry() {
    let mut world = one(WaveStatus::Failed, Failed);
    for target in [Pending, Running, Completed] {
        let reason = conflict(world.patch(1, &to(target)).expect_err("failed"));
        assert!(reason.contains(&format!("POST /api/subtasks/{}/retry", id(1))), "{reason}");
    }
}

#[test]
fn completed_alone_keeps_an_existing_result_and_a_new_one_replaces_it() {
    let first = object(json!({"summary": "halfway"}));
    let mut world = one(WaveStatus::Running, Running);
    let patch = Patch { result: Some(first.clone()), ..Patch::default() };
    world.patch(1, &patch).expect("a result while running");
    let mut other = world.clone();
    world.patch(1, &to(Completed)).expect("completes");
    assert_eq!(world.subtasks[&id(1)].result, Some(first));
    let second = Some(object(json!({"summary": "done"})));
    other.patch(1, &Patch { result: second.clone(), ..to(Completed) }).expect("completes");
    assert_eq!(other.subtasks[&id(1)].result, second);
}

#[test]
fn every_field_of_a_patch_is_stored_and_a_refused_patch_stores_none() {
    let fields = Patch {
        agent_id: Some("agent-7f".to_owned()),
        priority: Some(9),
        result: Some(object(json!({"summary": "s"}))),
        context_snapshot: Some(object(json!({"modified_files": []}))),
        ..to(Running)
    };
    let mut world = one(WaveStatus::Running, Pending);
    assert_eq!(world.patch(1, &fields).expect("allowed").len(), 1);
    let row = &world.subtasks[&id(1)];
    assert_eq!((row.status, row.priority, row.started_at), (Running, 9, Some(at(100))));
    assert_eq!(row.agent_id.as_deref(), Some("agent-7f"));
    assert_eq!((&row.result, &row.context_snapshot), (&fields.result, &fields.context_snapshot));
    assert_eq!((row.updated_at, row.created_at, row.completed_at), (at(100), at(0), None));

    let mut waiting = one(WaveStatus::Pending, Pending);
    let before = waiting.clone();
    waiting.patch(1, &fields).expect_err("the wave does not run");
    assert_eq!(waiting, before);
}

#[test]
fn times_follow_the_work() {
    let mut world = one(WaveStatus::Running, Pending);
    let step = |world: &mut World, target, ms| {
        let mut progress = world.progress(at(ms));
        let after = progress.patch(id(1), &to(target)).expect("allowed");
        world.take(progress);
        (after.started_at, after.completed_at)
    };
    assert_eq!(step(&mut world, Running, 10), (Some(at(10)), None));
    assert_eq!(step(&mut world, Paused, 20), (Some(at(10)), None));
    assert_eq!(step(&mut world, Running, 30), (Some(at(10)), None), "the same attempt");
    assert_eq!(step(&mut world, Pending, 40), (None, None), "given back");
    assert_eq!(step(&mut world, Running, 50), (Some(at(50)), None));
    assert_eq!(step(&mut world, Completed, 60), (Some(at(50)), Some(at(60))));

    let mut never = one(WaveStatus::Running, Pending);
    assert_eq!(step(&mut never, Completed, 70), (None, Some(at(70))), "it never started");
}

#[test]
fn the_last_blocker_unblocks_exactly_once() {
    let tasks: &[(u128, i32, &[u128])] = &[(1, 0, &[]), (2, 0, &[]), (3, 0, &[1, 2]), (4, 0, &[3])];
    let mut world = world(&[(0, WaveStatus::Running)], tasks);
    assert_eq!(
        told(&world.patch(2, &to(Completed)).expect("completes")),
        ["subtask.updated 2 completed", "subtask.updated 3 blocked"]
    );
    assert_eq!(world.subtasks[&id(3)].open_blockers, 1);
    assert_eq!(
        told(&world.patch(1, &to(Completed)).expect("completes")),
        ["subtask.updated 1 completed", "subtask.updated 3 pending"]
    );
    assert_eq!((world.status(3), world.subtasks[&id(3)].open_blockers), (Pending, 0));
    assert_eq!((world.status(4), world.subtasks[&id(4)].open_blockers), (Blocked, 1));
    assert!(world.patch(1, &to(Completed)).expect("a repeat").is_empty());
    assert_eq!(world.subtasks[&id(3)].open_blockers, 0, "a repeat unblocks nobody");
}

#[test]
fn a_blocker_of_a_lower_wave_unblocks_before_its_own_wave_finishes() {
    let waves = [(0, WaveStatus::Running), (1, WaveStatus::Pending)];
    let mut world = world(&waves, &[(1, 0, &[]), (2, 1, &[1])]);
    assert_eq!(
        told(&world.patch(1, &to(Completed)).expect("completes")),
        ["subtask.updated 1 completed", "subtask.updated 2 pending", "wave.completed 0 completed"]
    );
    conflict(world.patch(2, &to(Running)).expect_err("wave 1 does not run yet"));
}

#[test]
fn inside_one_group_a_later_change_sees_the_earlier_ones() {
    let tasks: &[(u128, i32, &[u128])] = &[(1, 0, &[]), (2, 0, &[1]), (3, 0, &[2])];
    let mut world = world(&[(0, WaveStatus::Running)], tasks);
    let mut group = world.progress(at(100));
    for (n, target, allowed) in [
        (3, Running, false),
        (1, Completed, true),
        (2, Running, true),
        (2, Completed, true),
        (3, Completed, true),
        (3, Failed, false),
        (3, Completed, true),
    ] {
        assert_eq!(group.patch(id(n), &to(target)).is_ok(), allowed, "{n} → {target:?}");
    }
    let events = world.take(group);
    assert_eq!(
        told(&events),
        [
            "subtask.updated 1 completed",
            "subtask.updated 2 pending",
            "subtask.updated 2 running",
            "subtask.updated 2 completed",
            "subtask.updated 3 pending",
            "subtask.updated 3 completed",
            "wave.completed 0 completed",
        ]
    );
    let wave = &world.waves[&0];
    assert_eq!((wave.completed_tasks, wave.completed_at), (3, Some(at(100))));
}

#[test]
fn a_failed_blocker_leaves_its_dependents_blocked_and_the_wave_open() {
    let tasks: &[(u128, i32, &[u128])] = &[(1, 0, &[]), (2, 0, &[1])];
    let mut world = world(&[(0, WaveStatus::Running)], tasks);
    let events = world.patch(1, &to(Failed)).expect("fails");
    assert_eq!(told(&events), ["subtask.updated 1 failed"]);
    assert_eq!((world.status(2), world.subtasks[&id(2)].open_blockers), (Blocked, 1));
    assert_eq!(world.waves[&0].status, WaveStatus::Running);
    let events = world.patch(2, &to(Failed)).expect("by hand");
    assert_eq!(told(&events), ["subtask.updated 2 failed", "wave.failed 0 failed"]);
}

#[test]
fn a_batch_runs_from_its_first_start_and_counts_its_ends() {
    let tasks: &[(u128, i32, &[u128])] = &[(1, 0, &[]), (2, 0, &[]), (3, 0, &[])];
    let running = [(0, WaveStatus::Running)];
    for (first, status) in [
        (Paused, BatchStatus::Pending),
        (Failed, BatchStatus::Pending),
        (Running, BatchStatus::Running),
        (Completed, BatchStatus::Running),
    ] {
        let mut world = world(&running, tasks);
        world.patch(1, &to(first)).expect("allowed");
        assert_eq!(world.batches[&id(1_000)].status, status, "{first:?}");
    }
    let mut world = world(&running, tasks);
    for (n, target) in [(1, Running), (1, Completed), (2, Failed), (3, Completed)] {
        world.patch(n, &to(target)).expect("allowed");
    }
    let batch = &world.batches[&id(1_000)];
    assert_eq!((batch.completed_tasks, batch.failed_tasks, batch.open_tasks()), (2, 1, 0));
    assert_eq!(batch.status, BatchStatus::Running, "completing it is a call of its own");
}

#[test]
fn a_wave_fails_when_a_subtask_that_is_not_optional_failed() {
    let table = [
        ([Completed, Completed], false, "completed"),
        ([Completed, Failed], false, "failed"),
        ([Failed, Failed], false, "failed"),
        ([Completed, Failed], true, "completed"),
        ([Failed, Failed], true, "failed"), // the first is not optional
    ];
    for (ends, second_is_optional, expected) in table {
        let second = Subtask { optional: second_is_optional, ..subtask(2) };
        let mut world = World::new(&[(0, WaveStatus::Running)], vec![subtask(1), second]);
        let first = world.patch(1, &to(ends[0])).expect("ends");
        assert_eq!(first.len(), 1, "the wave is still open");
        let events = world.patch(2, &to(ends[1])).expect("ends");
        assert_eq!(
            told(&events)[1..],
            [format!("wave.{expected} 0 {expected}")],
            "{ends:?}, optional: {second_is_optional}"
        );
    }
}

#[test]
fn a_wave_finishes_by_itself_only_when_it_runs_has_subtasks_and_none_is_open() {
    let table = [
        (WaveStatus::Running, [0, 0, 0, 0], None),
        (WaveStatus::Running, [2, 1, 0, 0], None),
        (WaveStatus::Running, [2, 1, 1, 0], Some("wave.failed")),
        (WaveStatus::Running, [2, 1, 1, 1], Some("wave.completed")),
        (WaveStatus::Running, [2, 2, 0, 0], Some("wave.completed")),
        (WaveStatus::Pending, [2, 0, 2, 0], None),
        (WaveStatus::Completed, [2, 2, 0, 0], None),
        (WaveStatus::Failed, [2, 0, 2, 0], None),
    ];
    for (status, counters, expected) in table {
        let mut wave = common::wave_of(0, status, counters);
        let before = wave.clone();
        let event = finish_if_done(&mut wave, at(50));
        assert_eq!(event.as_ref().map(|event| event.event), expected, "{status:?} {counters:?}");
        if expected.is_none() {
            assert_eq!(wave, before);
        } else {
            assert!(wave.status.is_terminal());
            assert_eq!(wave.completed_at, Some(at(50)));
            assert_eq!(finish_if_done(&mut wave, at(60)), None, "once");
        }
    }
}
