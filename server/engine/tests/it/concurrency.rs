//! Many at once, over two servers.

use domain::{dto::StartWave, problem::Refusal, subtask::SubtaskStatus, wave::WaveStatus};
use engine::Error;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use uuid::Uuid;

use crate::support::{at_once, complete, run, running, start, submit, task, times, to};

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn of_fifty_concurrent_starts_of_a_wave_one_succeeds(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    run(options, async |db| {
        let servers = [db.server().await, db.server().await];
        submit(&servers[0], "s", 0, vec![task("Snipper")]).await;
        let starts = (0..50).map(|n| {
            let server = servers[n % 2].clone();
            async move { server.start_wave("s", StartWave { wave_number: 0, force: false }).await }
        });
        let answers = at_once(starts).await;
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
        for error in answers.into_iter().filter_map(Result::err) {
            assert!(matches!(error, Error::Refused(Refusal::Conflict { .. })), "{error:?}");
        }
        let log = db.log(&servers[0]).await;
        assert_eq!(times(&log, "wave.transitioned"), 1);
    });
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn of_concurrent_starts_of_two_waves_one_succeeds(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    run(options, async |db| {
        let servers = [db.server().await, db.server().await];
        running(&servers[0], "s", 0, 1).await;
        for wave in [1, 2] {
            submit(&servers[0], "s", wave, vec![task("Snipper")]).await;
        }
        let first = servers[0].subtasks(&domain::dto::SubtaskFilter::default(), None, 1).await;
        let refused =
            servers[0].patch_subtask(first.unwrap().subtasks[0].id, to(SubtaskStatus::Failed));
        refused.await.unwrap();
        // Wave 0 failed: with force, both may come next, but only one may run.
        let starts = (0..20).map(|n| {
            let server = servers[n % 2].clone();
            let wave_number = 1 + i32::try_from(n / 10).unwrap();
            async move { server.start_wave("s", StartWave { wave_number, force: true }).await }
        });
        let started = at_once(starts).await.iter().filter(|answer| answer.is_ok()).count();
        assert_eq!(started, 1);
        let running = "SELECT count(*) FROM wave_states WHERE status = 'running'";
        assert_eq!(db.count(running).await, 1);
    });
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn two_hundred_concurrent_patches_of_one_wave_count_exactly_and_finish_it_once(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    run(options, async |db| {
        let servers = [db.server().await, db.server().await];
        let mut tasks = vec![task("Snipper"); 200];
        for task in tasks.iter_mut().step_by(10) {
            task.optional = true;
        }
        let batch = submit(&servers[0], "s", 0, tasks).await;
        start(&servers[0], "s", 0).await;
        let patches = batch.subtask_ids.iter().enumerate().map(|(n, id)| {
            let (server, id) = (servers[n / 3 % 2].clone(), *id);
            let end = if n % 10 == 0 { SubtaskStatus::Failed } else { SubtaskStatus::Completed };
            async move { server.patch_subtask(id, to(end)).await }
        });
        for (answer, id) in at_once(patches).await.into_iter().zip(&batch.subtask_ids) {
            let subtask = answer.unwrap();
            assert_eq!(subtask.id, *id);
            assert!(subtask.status.is_terminal());
        }
        let history = servers[1].wave_history("s").await.unwrap();
        let wave = &history.waves[0];
        assert_eq!(wave.status, WaveStatus::Completed);
        assert_eq!(
            (wave.total_tasks, wave.completed_tasks, wave.failed_tasks, wave.failed_optional_tasks),
            (200, 180, 20, 20)
        );
        db.assert_counters().await;
        let log = db.log(&servers[0]).await;
        assert_eq!(times(&log, "wave.completed"), 1);
        assert_eq!(times(&log, "wave.failed"), 0);
        assert_eq!(times(&log, "subtask.updated"), 200);
        assert_eq!(log.last().unwrap().event, "wave.completed");
    });
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn the_same_change_sent_by_many_at_once_is_made_once(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    run(options, async |db| {
        let servers = [db.server().await, db.server().await];
        let batch = running(&servers[0], "s", 0, 2).await;
        let id = batch.subtask_ids[0];
        let patches = (0..40).map(|n| {
            let server = servers[n % 2].clone();
            async move { server.patch_subtask(id, to(SubtaskStatus::Completed)).await }
        });
        for answer in at_once(patches).await {
            assert_eq!(answer.unwrap().status, SubtaskStatus::Completed);
        }
        db.assert_counters().await;
        assert_eq!(times(&db.log(&servers[0]).await, "subtask.updated"), 1);
    });
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_refused_change_does_not_take_the_others_of_its_group_with_it(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    run(options, async |db| {
        let server = db.server().await;
        let batch = running(&server, "s", 0, 60).await;
        let changes = batch.subtask_ids.iter().enumerate().map(|(n, id)| {
            let (server, id) = (server.clone(), if n % 3 == 0 { Uuid::now_v7() } else { *id });
            async move { server.patch_subtask(id, to(SubtaskStatus::Running)).await }
        });
        let answers = at_once(changes).await;
        for (n, answer) in answers.into_iter().enumerate() {
            assert_eq!(answer.is_ok(), n % 3 != 0, "{answer:?}");
        }
        let running = "SELECT count(*) FROM subtasks WHERE status = 'running'";
        assert_eq!(db.count(running).await, 40);
    });
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn concurrent_completes_make_one_synthesis_and_one_event(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    run(options, async |db| {
        let servers = [db.server().await, db.server().await];
        let batch = running(&servers[0], "s", 0, 10).await;
        for id in &batch.subtask_ids {
            complete(&servers[0], *id).await;
        }
        let id = batch.batch.id;
        let completes = (0..30).map(|n| {
            let server = servers[n % 2].clone();
            async move { server.complete_batch(id, n % 3 == 0).await.unwrap() }
        });
        let answers = at_once(completes).await;
        let stored = servers[1].synthesis(id).await.unwrap();
        assert!(answers.iter().all(|answer| answer.synthesis == stored && answer.open_tasks == 0));
        assert_eq!(times(&db.log(&servers[0]).await, "batch.completed"), 1);
        db.assert_counters().await;
    });
}
