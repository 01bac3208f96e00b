//! What use-cases cost in round trips, whatever the size of what they touch.

use domain::dto::OnOverlap;
use domain::{
    dto::{PatchSubtask, StartWave},
    subtask::SubtaskStatus,
    wave::WaveStatus,
};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use uuid::Uuid;

use crate::{
    support::{at_once, batch, run, running, submit, task, to, waiting},
    wire::Wire,
};

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn submitting_a_hundred_tasks_takes_the_round_trips_of_one(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    run(options, async |db| {
        let wire = Wire::new(&db.url).await;
        let server = &wire.server;
        let submit = |tasks: usize| {
            let request = batch("s", 0, vec![task("Snipper"); tasks]);
            async { server.submit_batch(request, OnOverlap::Warn, None).await.unwrap() }
        };
        let blocker = submit(1).await.batch.subtask_ids[0];
        let one = wire.round_trips(submit(1)).await;
        assert_eq!(wire.round_trips(submit(100)).await, one);
        assert!(one.len() <= 3, "{one:#?}");

        let submit_waiting = |tasks: usize| {
            let request = batch("s", 0, vec![waiting("Snipper", [blocker]); tasks]);
            async { server.submit_batch(request, OnOverlap::Warn, None).await.unwrap() }
        };
        submit_waiting(1).await;
        let one = wire.round_trips(submit_waiting(1)).await;
        assert_eq!(wire.round_trips(submit_waiting(100)).await, one);
        assert!(one.len() <= 5, "{one:#?}");
    });
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_patch_takes_at_most_four_round_trips_with_begin_and_commit(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    run(options, async |db| {
        let wire = Wire::new(&db.url).await;
        let server = &wire.server;
        let ids = running(server, "s", 0, 4).await.subtask_ids;
        submit(server, "s", 0, vec![waiting("Snipper", [ids[1]]); 50]).await;
        let patch = |id: Uuid, request: PatchSubtask| async move {
            server.patch_subtask(id, request).await.unwrap()
        };
        patch(ids[0], to(SubtaskStatus::Completed)).await;
        let changes = [
            to(SubtaskStatus::Running),
            PatchSubtask { priority: Some(9), ..PatchSubtask::default() },
            // Unblocks the fifty.
            to(SubtaskStatus::Completed),
            // A repeat writes nothing.
            to(SubtaskStatus::Completed),
        ];
        for change in changes {
            let trips = wire.round_trips(patch(ids[1], change)).await;
            assert!(trips.len() <= 4, "{trips:#?}");
        }
        // The last of a wave, which ends its batch and the wave.
        for session in ["warm", "t"] {
            let last = running(server, session, 0, 1).await.subtask_ids[0];
            let trips = wire.round_trips(patch(last, to(SubtaskStatus::Completed))).await;
            assert!(session == "warm" || trips.len() <= 4, "{trips:#?}");
            let waves = server.session(session).await.unwrap().waves;
            assert_eq!(waves[0].status, WaveStatus::Completed);
        }
    });
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn patches_that_wait_together_share_their_round_trips(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    run(options, async |db| {
        let wire = Wire::new(&db.url).await;
        let ids = running(&wire.server, "s", 0, 200).await.subtask_ids;
        wire.server.patch_subtask(ids[0], to(SubtaskStatus::Running)).await.unwrap();
        let patches = ids.iter().map(|id| {
            let (server, id) = (wire.server.clone(), *id);
            async move { server.patch_subtask(id, to(SubtaskStatus::Completed)).await.unwrap() }
        });
        let trips = wire.round_trips(at_once(patches)).await;
        assert!(trips.len() <= 60, "{} round trips for 200 changes", trips.len());
    });
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_batch_of_a_thousand_subtasks_is_read_in_at_most_two_round_trips(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    run(options, async |db| {
        let wire = Wire::new(&db.url).await;
        let id = submit(&wire.server, "s", 0, vec![task("Snipper"); 1_000]).await.batch.id;
        let read = || async { wire.server.batch(id).await.unwrap() };
        assert_eq!(read().await.subtasks.len(), 1_000);
        let trips = wire.round_trips(read()).await;
        assert!(trips.len() <= 2, "{trips:#?}");
    });
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn the_beginnings_of_many_waves_are_read_in_one_round_trip(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    run(options, async |db| {
        let wire = Wire::new(&db.url).await;
        let mut ids = Vec::new();
        for wave in 0..6 {
            ids.push(submit(&wire.server, "s", wave, vec![task("Snipper"); 5]).await.subtask_ids);
        }
        let wanted = [(3, 2), (0, 5), (5, 0), (1, 9)];
        let read = || async { wire.server.oldest_subtasks("s", &wanted).await.unwrap() };
        let found: Vec<Uuid> = read().await.iter().map(|subtask| subtask.id).collect();
        assert_eq!(found, [&ids[3][..2], &ids[0][..], &ids[1][..]].concat());
        let trips = wire.round_trips(read()).await;
        assert_eq!(trips.len(), 1, "{trips:#?}");
    });
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn completing_a_large_batch_takes_the_round_trips_of_a_small_one(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    run(options, async |db| {
        let wire = Wire::new(&db.url).await;
        let server = &wire.server;
        let mut trips = Vec::new();
        for (session, tasks) in [("warm", 2), ("small", 2), ("large", 500)] {
            let mut batch = vec![task("Snipper"); tasks];
            batch[1] = waiting("Snipper", [0]);
            let batch = submit(server, session, 0, batch).await;
            server.start_wave(session, StartWave { wave_number: 0, force: false }).await.unwrap();
            for chunk in [&batch.subtask_ids[..1], &batch.subtask_ids[1..]] {
                at_once(
                    chunk.iter().map(|id| {
                        let (server, id) = (server.clone(), *id);
                        async move {
                            server.patch_subtask(id, to(SubtaskStatus::Completed)).await.unwrap()
                        }
                    }),
                )
                .await;
            }
            let complete = async { server.complete_batch(batch.batch.id, true).await.unwrap() };
            trips.push(wire.round_trips(complete).await);
        }
        assert_eq!(trips[1], trips[2]);
        assert!(trips[2].len() <= 8, "{:#?}", trips[2]);
    });
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn listing_fifty_sessions_takes_the_round_trips_of_one(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    run(options, async |db| {
        let wire = Wire::new(&db.url).await;
        let server = &wire.server;
        for n in 0..50 {
            for wave in 0..2 {
                submit(server, &format!("session-{n}"), wave, vec![task("Snipper")]).await;
            }
        }
        let list = |limit| async move { server.sessions(None, None, None, limit).await.unwrap() };
        let all = list(50).await.sessions;
        assert_eq!(all.len(), 50);
        assert!(all.iter().all(|session| session.waves.len() == 2 && session.total_tasks == 2));
        let one = wire.round_trips(list(1)).await;
        assert_eq!(wire.round_trips(list(50)).await, one);
        assert!(one.len() <= 2, "{one:#?}");
    });
}
