//! What holds after every step of any history of patches, retries and new blockers.

mod common;

use std::collections::BTreeMap;

use common::{World, at, id, object, subtask};
use domain::event::NewEvent;
use domain::progress::{Patch, Relink};
use domain::subtask::{Subtask, SubtaskStatus};
use domain::usage::Usage;
use domain::wave::{WaveStatus, may_start};
use proptest::prelude::*;
use serde_json::json;

/// A change to the k-th subtask.
#[derive(Clone, Debug)]
enum Change {
    Patch(usize, Box<Patch>),
    Retry(usize),
}

#[derive(Clone, Debug)]
enum Step {
    /// Changes of one transaction.
    Group(Vec<Change>),
    /// New blockers of the k-th subtask, by bit; a transaction of its own, as in the engine.
    Relink(usize, u16),
    /// The lowest pending wave starts, when it may.
    Start,
}

fn change() -> impl Strategy<Value = Change> {
    let status = prop::sample::select(vec![
        SubtaskStatus::Pending,
        SubtaskStatus::Running,
        SubtaskStatus::Running,
        SubtaskStatus::Paused,
        SubtaskStatus::Blocked,
        SubtaskStatus::Completed,
        SubtaskStatus::Completed,
        SubtaskStatus::Completed,
        SubtaskStatus::Failed,
    ]);
    let result = prop::option::weighted(0.3, 0..3)
        .prop_map(|n| n.map(|n| object(json!({"n": n, "tokens_used": 100 * (n + 1)}))));
    let patch = (prop::option::weighted(0.9, status), result, prop::option::weighted(0.2, 1..=10));
    prop_oneof![
        5 => (0..9_usize, patch).prop_map(|(k, (status, result, priority))| {
            Change::Patch(k, Box::new(Patch { status, result, priority, ..Patch::default() }))
        }),
        1 => (0..9_usize).prop_map(Change::Retry),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => prop::collection::vec(change(), 1..7).prop_map(Step::Group),
        1 => (0..9_usize, any::<u16>()).prop_map(|(k, mask)| Step::Relink(k, mask)),
        2 => Just(Step::Start),
    ]
}

/// Up to nine subtasks over up to three waves; each may wait for lower ones of the same or a lower
/// wave.
fn worlds() -> impl Strategy<Value = World> {
    let task = (0..3_i32, any::<u16>(), any::<u16>(), prop::bool::weighted(0.3), 0..2_u128);
    (prop::collection::vec(task, 1..=9), any::<bool>()).prop_map(|(mut tasks, runs)| {
        tasks.sort_by_key(|task| task.0);
        let row =
            |(k, (wave_number, a, b, optional, half)): (usize, &(i32, u16, u16, bool, u128))| {
                Subtask {
                    wave_number: *wave_number,
                    batch_id: id(1_000 + 10 * u128::from(wave_number.unsigned_abs()) + half),
                    blocked_by: below(k, a & b),
                    optional: *optional,
                    ..subtask(k as u128)
                }
            };
        let first = if runs { WaveStatus::Running } else { WaveStatus::Pending };
        let waves = [(0, first), (1, WaveStatus::Pending), (2, WaveStatus::Pending)];
        World::new(&waves, tasks.iter().enumerate().map(row).collect())
    })
}

fn below(k: usize, mask: u16) -> Vec<uuid::Uuid> {
    (0..k).filter(|bit| mask & (1 << bit) != 0).map(|bit| id(bit as u128)).collect()
}

/// Counters, readiness and the states of waves equal what the subtasks say.
fn consistent(world: &World) -> Result<(), TestCaseError> {
    for row in world.subtasks.values() {
        let done = |id: &&uuid::Uuid| world.subtasks[*id].status == SubtaskStatus::Completed;
        let open = row.blocked_by.len() - row.blocked_by.iter().filter(done).count();
        prop_assert_eq!(usize::try_from(row.open_blockers), Ok(open), "blockers of {}", row.id);
        if !row.status.is_terminal() {
            prop_assert_eq!(row.status == SubtaskStatus::Blocked, open > 0, "state of {}", row.id);
        }
        prop_assert_eq!(row.completed_at.is_some(), row.status.is_terminal());
    }
    let spent = |of: &dyn Fn(&Subtask) -> bool| {
        let rows = world.subtasks.values().filter(|row| of(row));
        rows.fold(Usage::default(), |sum, row| sum + row.usage)
    };
    prop_assert_eq!(world.account.usage, spent(&|_| true), "spent by the session");
    for batch in world.batches.values() {
        let [total, completed, failed, _] = world.count(|row| row.batch_id == batch.id);
        let counters = [batch.total_tasks, batch.completed_tasks, batch.failed_tasks];
        prop_assert_eq!(counters, [total, completed, failed], "batch {}", batch.id);
    }
    for wave in world.waves.values() {
        let [total, completed, failed, optional] =
            world.count(|row| row.wave_number == wave.wave_number);
        let counters =
            [wave.total_tasks, wave.completed_tasks, wave.failed_tasks, wave.failed_optional_tasks];
        prop_assert_eq!(counters, [total, completed, failed, optional], "{:?}", wave);
        let of_wave = spent(&|row| row.wave_number == wave.wave_number);
        prop_assert_eq!(wave.usage, of_wave, "spent in {:?}", wave);
        let expected = if wave.started_at.is_none() {
            WaveStatus::Pending
        } else if total == 0 || completed + failed < total {
            WaveStatus::Running
        } else if failed > optional {
            WaveStatus::Failed
        } else {
            WaveStatus::Completed
        };
        prop_assert_eq!(wave.status, expected, "{:?}", wave);
        prop_assert_eq!(wave.completed_at.is_some(), wave.status.is_terminal());
    }
    let running = world.waves.values().filter(|wave| wave.status == WaveStatus::Running).count();
    prop_assert!(running <= 1, "{} waves run", running);
    Ok(())
}

/// Reads the log as a follower would: it must tell every state exactly, and each end once.
#[derive(Default)]
struct Follower {
    subtasks: BTreeMap<String, String>,
    ended: BTreeMap<i64, String>,
}

impl Follower {
    fn hear(&mut self, events: &[NewEvent]) -> Result<(), TestCaseError> {
        for event in events {
            let text = |key: &str| event.data[key].as_str().map(str::to_owned);
            let wave = event.data["wave_number"].as_i64().unwrap_or(-1);
            match event.event {
                "subtask.updated" => {
                    let id = text("subtask_id").unwrap_or_default();
                    let status = text("status").unwrap_or_default();
                    if let Some(known) = self.subtasks.insert(id.clone(), status) {
                        prop_assert_eq!(Some(known), text("from"), "{}", id);
                    }
                    let moved = text("status") != text("from");
                    let late = moved && self.ended.contains_key(&wave);
                    prop_assert!(!late, "a subtask of wave {} moved after its end", wave);
                }
                "wave.completed" | "wave.failed" => {
                    let twice = self.ended.insert(wave, text("status").unwrap_or_default());
                    prop_assert_eq!(twice, None, "wave {} ended twice", wave);
                }
                "wave.reopened" => {
                    let ended = self.ended.remove(&wave);
                    prop_assert_eq!(ended.as_deref(), Some("failed"), "wave {}", wave);
                }
                other => prop_assert!(false, "unexpected {}", other),
            }
        }
        Ok(())
    }

    fn agrees(&self, world: &World) -> Result<(), TestCaseError> {
        for row in world.subtasks.values() {
            if let Some(known) = self.subtasks.get(&row.id.to_string()) {
                prop_assert_eq!(known, row.status.as_str());
            }
        }
        for wave in world.waves.values() {
            let known = self.ended.get(&wave.wave_number.into()).map(String::as_str);
            let status = wave.status.is_terminal().then(|| wave.status.as_str());
            prop_assert_eq!(known, status, "wave {}", wave.wave_number);
        }
        Ok(())
    }
}

/// Makes the changes one by one, each in a `Progress` of its own, and all in one; both must agree.
fn group(world: &mut World, changes: &[Change]) -> Result<Vec<NewEvent>, TestCaseError> {
    let now = at(100);
    let known: Vec<Change> = changes
        .iter()
        .filter(|(Change::Patch(k, _) | Change::Retry(k))| {
            world.subtasks.contains_key(&id(*k as u128))
        })
        .cloned()
        .collect();
    let mut together = world.progress(now);
    let mut alone = world.clone();
    let mut events = Vec::new();
    for change in &known {
        let mut single = alone.progress(now);
        let (one, all) = match change {
            Change::Patch(k, patch) => {
                let id = id(*k as u128);
                (single.patch(id, patch), together.patch(id, patch))
            }
            Change::Retry(k) => {
                let (id, running) = (id(*k as u128), alone.running());
                (single.retry(id, running), together.retry(id, running))
            }
        };
        prop_assert_eq!(&one, &all, "{:?}", change);
        let told = alone.take(single);
        prop_assert!(one.is_ok() || told.is_empty(), "a refusal told something");
        events.extend(told);
        consistent(&alone)?;
    }
    prop_assert_eq!(world.take(together), events.clone());
    prop_assert_eq!(&*world, &alone);
    Ok(events)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn counters_readiness_and_ends_never_drift(
        mut world in worlds(),
        steps in prop::collection::vec(step(), 1..14),
    ) {
        let mut follower = Follower::default();
        consistent(&world)?;
        for step in steps {
            let events = match step {
                Step::Group(changes) => group(&mut world, &changes)?,
                Step::Relink(k, mask) => {
                    let blocked_by = below(k, mask);
                    if !world.subtasks.contains_key(&id(k as u128)) {
                        continue;
                    }
                    let open = blocked_by
                        .iter()
                        .filter(|id| world.subtasks[*id].status != SubtaskStatus::Completed)
                        .count();
                    let open = i32::try_from(open).expect("few");
                    let relink = Some(Relink { blocked_by, open });
                    let patch = Patch { blocked_by: relink, ..Patch::default() };
                    world.patch(k as u128, &patch).unwrap_or_default()
                }
                Step::Start => {
                    let waves: Vec<_> = world.waves.values().cloned().collect();
                    let pending = waves.iter().find(|wave| wave.status == WaveStatus::Pending);
                    match pending.map(|wave| wave.wave_number) {
                        Some(number) if may_start(&waves, number, true).is_ok() => {
                            world.start(number, at(90))
                        }
                        _ => continue,
                    }
                }
            };
            consistent(&world)?;
            follower.hear(&events)?;
            follower.agrees(&world)?;
        }
    }
}
