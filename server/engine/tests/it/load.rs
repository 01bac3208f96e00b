//! A mixed load: agents that do anything at any time, over two servers.

use std::sync::{Arc, Mutex};

use domain::dto::OnOverlap;
use domain::{
    dto::{
        Cancel, CreateWave, Heartbeat, PatchSubtask, RecordAction, StartWave, SubtaskFilter,
        TransitionWave,
    },
    subtask::SubtaskStatus,
};
use engine::{Engine, Error};
use serde_json::json;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use uuid::Uuid;

use crate::support::{Db, at_once, batch, run, task, times, to, waiting};

/// A small generator of numbers, so that a failing run can be repeated.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }
}

/// Everything that one of the load's agents may do; only refusals may come of it.
async fn anything(
    server: &Engine,
    known: &Mutex<Vec<(usize, Uuid, Uuid)>>,
    dice: &mut Dice,
) -> Result<(), Error> {
    let session = dice.roll(3);
    let name = format!("session-{session}");
    let pick = |dice: &mut Dice| {
        let known = known.lock().unwrap();
        let of_session: Vec<_> = known.iter().filter(|(owner, ..)| *owner == session).collect();
        (!of_session.is_empty()).then(|| *of_session[dice.roll(of_session.len())])
    };
    let wave_number = i32::try_from(dice.roll(4)).unwrap();
    let Some((_, batch_id, id)) = pick(dice) else {
        let request = batch(&name, wave_number, vec![task("Snipper"); 5]);
        let batch = server.submit_batch(request, OnOverlap::Warn, None).await?.batch;
        let mut known = known.lock().unwrap();
        known.extend(batch.subtask_ids.iter().map(|id| (session, batch.batch.id, *id)));
        return Ok(());
    };
    let another = pick(dice).map_or(id, |(_, _, id)| id);
    match dice.roll(30) {
        0..=2 => {
            let blockers = vec![another.to_string(), id.to_string()];
            let tasks =
                vec![task("Explore"), waiting("Snipper", blockers), waiting("Snipper", [0])];
            let batch = server
                .submit_batch(batch(&name, wave_number, tasks), OnOverlap::Warn, None)
                .await?
                .batch;
            let mut known = known.lock().unwrap();
            known.extend(batch.subtask_ids.iter().map(|id| (session, batch.batch.id, *id)));
        }
        3..=4 => drop(server.start_wave(&name, StartWave { wave_number, force: true }).await?),
        5 => drop(server.transition_wave(&name, TransitionWave { force: true }).await?),
        6 => drop(server.retry_subtask(id).await?),
        7 => drop(server.complete_batch(batch_id, false).await?),
        8..=9 => {
            let blocked_by = Some(if dice.roll(3) == 0 { vec![] } else { vec![another] });
            server.patch_subtask(id, PatchSubtask { blocked_by, ..Default::default() }).await?;
        }
        10 => {
            let request = json!({"subtask_id": id, "tool_name": "Edit", "file_paths": ["a"], "usage": {"tokens_used": 9}});
            let request: RecordAction = serde_json::from_value(request).unwrap();
            server.record_action(request, None).await?;
        }
        11 => {
            let request = CreateWave {
                wave_number,
                name: Some("Again".to_owned()),
                description: None,
                requires_approval: false,
            };
            server.create_wave(&name, request, None).await?;
        }
        12 => drop(server.patch_subtask(id, to(SubtaskStatus::Failed)).await?),
        13 => drop(server.patch_subtask(id, to(SubtaskStatus::Paused)).await?),
        14..=16 => drop(server.patch_subtask(id, to(SubtaskStatus::Running)).await?),
        17..=20 => {
            let claim = json!({"agent_id": format!("agent-{}", dice.roll(9)), "session_id": name, "max": 3, "lease_seconds": 5});
            server.claim_subtasks(serde_json::from_value(claim).unwrap(), None).await?;
        }
        21..=23 => {
            let leases = server.leases(&name).await?;
            if leases.is_empty() {
                return Ok(());
            }
            let lease = &leases[dice.roll(leases.len())];
            let (token, lease_seconds) = (lease.token, Some(5));
            if dice.roll(2) == 0 {
                server.heartbeat(lease.subtask_id, Heartbeat { token, lease_seconds }).await?;
            } else {
                let status = [SubtaskStatus::Completed, SubtaskStatus::Pending][dice.roll(2)];
                let report = PatchSubtask { token: Some(token), ..to(status) };
                server.patch_subtask(lease.subtask_id, report).await?;
            }
        }
        24 => drop(server.cancel_subtask(id, Cancel::default()).await?),
        25 => {
            let files = json!({"session_id": name, "agent_id": format!("agent-{}", dice.roll(9)), "subtask_id": id, "paths": ["a", "b/*"]});
            server.reserve_files(serde_json::from_value(files).unwrap()).await?;
        }
        26 => {
            let files = json!({"session_id": name, "agent_id": format!("agent-{}", dice.roll(9))});
            server.release_files(serde_json::from_value(files).unwrap()).await?;
        }
        27 => {
            let budget = json!({"soft": {"tokens_used": dice.roll(500)}, "hard": {"tokens_used": 100 + dice.roll(5_000)}});
            server.set_budget(&name, serde_json::from_value(budget).unwrap()).await?;
        }
        28 => drop(server.pause_session(&name, dice.roll(4) == 0).await?),
        _ => drop(server.patch_subtask(id, to(SubtaskStatus::Completed)).await?),
    }
    Ok(())
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_mixed_load_ends_without_deadlock_and_with_exact_counters(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    run(options, async |db| {
        let servers = [db.server().await, db.server().await];
        let known = Arc::new(Mutex::new(Vec::new()));
        let agents = (0..24).map(|n| {
            let (server, known) = (servers[n % 2].clone(), Arc::clone(&known));
            async move {
                let mut dice = Dice(n as u64 + 1);
                let mut done = 0;
                for _ in 0..60 {
                    done += usize::from(allowed(anything(&server, &known, &mut dice).await));
                }
                done
            }
        });
        let done: usize = at_once(agents).await.into_iter().sum();
        assert!(done > 300, "only {done} of 1,440 changes were made: the load is not mixed");
        db.assert_counters().await;
        finish_everything(&db, &servers[0]).await;
        db.assert_counters().await;

        let log = db.log(&servers[0]).await;
        assert!(log.iter().enumerate().all(|(n, event)| event.seq == n as i64 + 1));
        let batches = db.count("SELECT count(*) FROM orchestration_batches").await;
        assert!(times(&log, "batch.completed") as i64 >= batches);
        let deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
        assert_eq!(db.count(deadlocks).await, 0);
    });
}

/// Whether it was done; what is neither done nor refused fails the test.
fn allowed<T>(answer: Result<T, Error>) -> bool {
    match answer {
        Ok(_) => true,
        Err(Error::Refused(_)) => false,
        Err(other) => panic!("{other:?}"),
    }
}

/// Whatever the agents left, nothing is stuck: wave after wave can be brought to its end.
async fn finish_everything(db: &Db, server: &Engine) {
    // Twice: a wave that was submitted below a running one starts after it.
    for session in [0, 1, 2, 0, 1, 2] {
        let session_id = format!("session-{session}");
        for wave_number in 0..4 {
            let start = StartWave { wave_number, force: true };
            allowed(server.start_wave(&session_id, start).await);
            let filter = SubtaskFilter {
                session_id: Some(session_id.clone()),
                wave_number: Some(wave_number),
                ..SubtaskFilter::default()
            };
            let mut cursor = None;
            loop {
                let page = server.subtasks(&filter, cursor.as_deref(), 500).await.unwrap();
                let ends = page.subtasks.into_iter().map(|subtask| {
                    let server = server.clone();
                    async move {
                        let done = server.patch_subtask(subtask.id, to(SubtaskStatus::Completed));
                        if !allowed(done.await) {
                            let failed =
                                server.patch_subtask(subtask.id, to(SubtaskStatus::Failed));
                            allowed(failed.await);
                        }
                    }
                });
                at_once(ends).await;
                cursor = page.next_cursor;
                if cursor.is_none() {
                    break;
                }
            }
            // A wave that was created and never filled ends by hand.
            allowed(server.transition_wave(&session_id, TransitionWave { force: true }).await);
        }
    }
    let open = "SELECT count(*) FROM wave_states WHERE status IN ('pending', 'running')";
    assert_eq!(db.count(open).await, 0);
    let batches: Vec<Uuid> = sqlx::query_scalar("SELECT id FROM orchestration_batches")
        .fetch_all(&db.sql)
        .await
        .unwrap();
    for id in batches {
        assert_eq!(server.complete_batch(id, true).await.unwrap().open_tasks, 0);
    }
}
