//! A subtask that completes while others are made to wait for it: whoever comes second sees what the
//! first did, so that nothing waits for what is done.
//!
//! Without the session's lock the first two tests fail every time, the others most times.

use domain::dto::OnOverlap;
use domain::{dto::PatchSubtask, problem::Refusal, subtask::SubtaskStatus};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::support::{at_once, batch, complete, refusal, run, running, submit, task, to, waiting};

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_completion_waits_for_a_submit_that_has_read_its_subtask_as_open(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    run(options, async |db| {
        let server = db.server().await;
        let blocker = running(&server, "s", 0, 2).await.subtask_ids[0];
        // A submit writes dependencies and a completion only reads them: the submit stops half way.
        let mut gate = db.sql.begin().await.unwrap();
        sqlx::query("LOCK TABLE subtask_dependencies IN EXCLUSIVE MODE")
            .execute(&mut *gate)
            .await
            .unwrap();
        let submitter = server.clone();
        let submitted = tokio::spawn(async move {
            submit(&submitter, "s", 0, vec![waiting("Snipper", [blocker])]).await
        });
        db.until_waiting_for_locks(1).await;
        let completer = server.clone();
        let completed = tokio::spawn(async move { complete(&completer, blocker).await });
        // Without the lock the completion would end here, having seen no dependents.
        tokio::time::timeout(std::time::Duration::from_secs(2), db.until_waiting_for_locks(2))
            .await
            .expect("the completion did not wait for the submit");
        gate.rollback().await.unwrap();
        let dependent = submitted.await.unwrap().subtask_ids[0];
        completed.await.unwrap();
        assert_eq!(server.subtask(dependent).await.unwrap().status, SubtaskStatus::Pending);
        db.assert_counters().await;
    });
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_submit_waits_for_a_completion_that_has_read_no_dependents(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    run(options, async |db| {
        let server = db.server().await;
        let blocker = running(&server, "s", 0, 2).await.subtask_ids[0];
        // Both write subtasks, but the submit reads its blockers before that.
        let mut gate = db.sql.begin().await.unwrap();
        sqlx::query("LOCK TABLE subtasks IN EXCLUSIVE MODE").execute(&mut *gate).await.unwrap();
        let completer = server.clone();
        let completed = tokio::spawn(async move { complete(&completer, blocker).await });
        db.until_waiting_for_locks(1).await;
        let submitter = server.clone();
        let submitted = tokio::spawn(async move {
            submit(&submitter, "s", 0, vec![waiting("Snipper", [blocker])]).await
        });
        db.until_waiting_for_locks(2).await;
        gate.rollback().await.unwrap();
        completed.await.unwrap();
        let dependent = submitted.await.unwrap().subtask_ids[0];
        assert_eq!(server.subtask(dependent).await.unwrap().status, SubtaskStatus::Pending);
        db.assert_counters().await;
    });
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_completion_racing_submits_never_strands_a_dependent(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    run(options, async |db| {
        let servers = [db.server().await, db.server().await];
        let blockers = running(&servers[0], "s", 0, 61).await.subtask_ids;
        for (round, blocker) in blockers.iter().copied().take(60).enumerate() {
            let submits = (0..5).map(|n| {
                let server = servers[n % 2].clone();
                async move {
                    let tasks = vec![waiting("Snipper", [blocker])];
                    server.submit_batch(batch("s", 1, tasks), OnOverlap::Warn, None).await.map(drop)
                }
            });
            let completer = servers[round % 2].clone();
            let completion = tokio::spawn(async move { complete(&completer, blocker).await });
            for submitted in at_once(submits).await {
                submitted.unwrap();
            }
            completion.await.unwrap();
        }
        let stranded = "SELECT count(*) FROM subtasks WHERE status = 'blocked'";
        assert_eq!(db.count(stranded).await, 0);
        assert_eq!(db.count("SELECT count(*) FROM subtasks WHERE wave_number = 1").await, 300);
        db.assert_counters().await;
    });
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_completion_racing_new_dependencies_never_strands_a_dependent(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    run(options, async |db| {
        let servers = [db.server().await, db.server().await];
        let blockers = running(&servers[0], "s", 0, 41).await.subtask_ids;
        let waiters = submit(&servers[0], "s", 1, vec![task("Snipper"); 4]).await.subtask_ids;
        for (round, blocker) in blockers.iter().copied().take(40).enumerate() {
            let relinks = waiters.iter().copied().enumerate().map(|(n, waiter)| {
                let server = servers[n % 2].clone();
                let blocked_by = Some(vec![blocker]);
                let request = PatchSubtask { blocked_by, ..PatchSubtask::default() };
                async move { server.patch_subtask(waiter, request).await.map(drop) }
            });
            let completer = servers[round % 2].clone();
            let completion = tokio::spawn(async move { complete(&completer, blocker).await });
            for relinked in at_once(relinks).await {
                relinked.unwrap();
            }
            completion.await.unwrap();
            for waiter in &waiters {
                let waiter = servers[0].subtask(*waiter).await.unwrap();
                assert_eq!((waiter.status, waiter.open_blockers), (SubtaskStatus::Pending, 0));
            }
        }
        db.assert_counters().await;
    });
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn every_failed_subtask_of_a_wave_is_tried_again_at_once(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    run(options, async |db| {
        let server = db.server().await;
        let batch = running(&server, "s", 0, 5).await;
        for (n, id) in batch.subtask_ids.iter().enumerate() {
            let status = if n < 3 { SubtaskStatus::Failed } else { SubtaskStatus::Completed };
            server.patch_subtask(*id, to(status)).await.unwrap();
        }
        // The wave has failed; it runs again.
        let retried = server.retry_failed("s", 0).await.unwrap();
        let ids: Vec<_> = retried.iter().map(|subtask| subtask.id).collect();
        assert_eq!(ids, batch.subtask_ids[..3]);
        assert!(retried.iter().all(|s| s.status == SubtaskStatus::Pending && s.retry_count == 1));
        let wave = server.current_wave("s").await.unwrap().wave;
        assert_eq!((wave.completed_tasks, wave.failed_tasks), (2, 0));
        assert_eq!(server.retry_failed("s", 0).await.unwrap(), []);
        assert!(matches!(refusal(server.retry_failed("s", 7).await), Refusal::NotFound { .. }));
        db.assert_counters().await;
    });
}
