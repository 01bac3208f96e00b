//! What subtasks wait for: named at submission, changed later, never in a circle.

use domain::dto::OnOverlap;
use domain::{
    dto::PatchSubtask,
    problem::Refusal,
    subtask::{Subtask, SubtaskStatus},
};
use engine::{Engine, Error};
use serde_json::json;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use uuid::Uuid;

use crate::support::{
    at_once, batch, complete, conflict, invalid, refusal, run, running, start, submit, task, to,
    waiting,
};

async fn relink(server: &Engine, id: Uuid, blocked_by: &[Uuid]) -> Result<Subtask, Error> {
    let blocked_by = Some(blocked_by.to_vec());
    server.patch_subtask(id, PatchSubtask { blocked_by, ..PatchSubtask::default() }).await
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn blockers_are_named_by_index_task_id_or_id(_: PgPoolOptions, options: PgConnectOptions) {
    run(options, async |db| {
        let server = db.server().await;
        let earlier = running(&server, "s", 0, 1).await.subtask_ids[0];
        let mut first = task("Explore");
        first.task_id = Some("first".to_owned());
        let mut last = waiting("code-reviewer", json!(["first", 1, earlier, 1]));
        last.depends_on = serde_json::from_value(json!([0])).unwrap();
        // An index may point forward: the order of tasks is not the order of work.
        let tasks = vec![first, waiting("Snipper", [3]), last, task("Snipper")];
        let ids = submit(&server, "s", 0, tasks).await.subtask_ids;
        let subtask = async |n: usize| server.subtask(ids[n]).await.unwrap();
        let mut wanted = vec![ids[0], ids[1], earlier];
        wanted.sort_unstable();
        assert_eq!((subtask(2).await.blocked_by, subtask(2).await.open_blockers), (wanted, 3));
        assert_eq!(subtask(1).await.blocked_by, [ids[3]]);
        assert_eq!(subtask(0).await.status, SubtaskStatus::Pending);

        for id in [ids[0], earlier, ids[3], ids[1]] {
            assert_eq!(subtask(2).await.status, SubtaskStatus::Blocked);
            complete(&server, id).await;
        }
        assert_eq!(
            (subtask(2).await.status, subtask(2).await.open_blockers),
            (SubtaskStatus::Pending, 0)
        );
        // What has completed blocks nobody.
        let late =
            submit(&server, "s", 0, vec![waiting("Snipper", [earlier])]).await.subtask_ids[0];
        assert_eq!(server.subtask(late).await.unwrap().status, SubtaskStatus::Pending);
        db.assert_counters().await;
    });
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_submit_with_blockers_that_mean_nothing_is_refused_and_leaves_nothing(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    run(options, async |db| {
        let server = db.server().await;
        let elsewhere = submit(&server, "elsewhere", 0, vec![task("Snipper")]).await.subtask_ids[0];
        let later = submit(&server, "s", 9, vec![task("Snipper")]).await.subtask_ids[0];
        let nobody = Uuid::now_v7();
        let mut twice = task("Snipper");
        twice.task_id = Some("twice".to_owned());
        let before = db.count("SELECT count(*) FROM subtasks").await;
        let cases = [
            (vec![waiting("Snipper", [nobody])], nobody.to_string()),
            (vec![waiting("Snipper", [elsewhere])], elsewhere.to_string()),
            (vec![waiting("Snipper", [later])], later.to_string()),
            (vec![waiting("Snipper", ["no-task-id"])], "no-task-id".to_owned()),
            (vec![waiting("Snipper", [1])], "there is no task 1".to_owned()),
            (vec![waiting("Snipper", [0])], "itself".to_owned()),
            (vec![twice.clone(), twice, waiting("Snipper", ["twice"])], "twice".to_owned()),
            (vec![waiting("Snipper", [1]), waiting("Snipper", [0])], "waits for itself".to_owned()),
            (
                vec![waiting("Snipper", [1]), waiting("Snipper", [2]), waiting("Snipper", [0])],
                "waits for itself".to_owned(),
            ),
        ];
        for (tasks, named) in cases {
            let message =
                invalid(server.submit_batch(batch("s", 1, tasks), OnOverlap::Warn, None).await);
            assert!(message.contains(&named), "{message} does not name {named}");
        }
        assert_eq!(db.count("SELECT count(*) FROM subtasks").await, before);
        assert_eq!(db.count("SELECT count(*) FROM wave_states WHERE wave_number = 1").await, 0);
    });
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn new_blockers_must_exist_in_the_session_and_not_come_later(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    run(options, async |db| {
        let server = db.server().await;
        let lower = submit(&server, "s", 0, vec![task("Snipper")]).await.subtask_ids[0];
        let ids = submit(&server, "s", 1, vec![task("Snipper"); 2]).await.subtask_ids;
        let higher = submit(&server, "s", 2, vec![task("Snipper")]).await.subtask_ids[0];
        let elsewhere = submit(&server, "elsewhere", 0, vec![task("Snipper")]).await.subtask_ids[0];
        for id in [higher, elsewhere, Uuid::now_v7(), ids[0]] {
            let message = invalid(relink(&server, ids[0], &[lower, id]).await);
            assert!(message.contains(&id.to_string()), "{message} does not name {id}");
        }
        assert!(server.subtask(ids[0]).await.unwrap().blocked_by.is_empty());
        let linked = relink(&server, ids[0], &[lower, ids[1]]).await.unwrap();
        assert_eq!((linked.status, linked.open_blockers), (SubtaskStatus::Blocked, 2));
        assert_eq!(server.subtask(ids[0]).await.unwrap(), linked);
        let free = relink(&server, ids[0], &[]).await.unwrap();
        assert_eq!((free.status, free.open_blockers), (SubtaskStatus::Pending, 0));
        assert!(matches!(
            refusal(relink(&server, Uuid::now_v7(), &[]).await),
            Refusal::NotFound { .. }
        ));
        db.assert_counters().await;
    });
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn new_blockers_that_close_a_circle_are_refused(_: PgPoolOptions, options: PgConnectOptions) {
    run(options, async |db| {
        let server = db.server().await;
        let tasks = vec![task("A"), waiting("B", [0]), waiting("C", [1]), waiting("D", [2])];
        let ids = submit(&server, "s", 0, tasks).await.subtask_ids;
        for last in &ids[1..] {
            let message = invalid(relink(&server, ids[0], &[*last]).await);
            assert!(message.contains(&ids[0].to_string()), "{message}");
        }
        relink(&server, ids[3], &[ids[0]]).await.unwrap();
        db.assert_counters().await;
    });
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn of_two_concurrent_changes_that_together_close_a_circle_one_is_refused(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    run(options, async |db| {
        let servers = [db.server().await, db.server().await];
        for _ in 0..20 {
            let ids = submit(&servers[0], "s", 0, vec![task("Snipper"); 2]).await.subtask_ids;
            let relinks = [(0, ids[0], ids[1]), (1, ids[1], ids[0])].map(|(n, id, on)| {
                let server = servers[n].clone();
                async move { relink(&server, id, &[on]).await }
            });
            let linked = at_once(relinks).await.iter().filter(|answer| answer.is_ok()).count();
            assert_eq!(linked, 1);
        }
        db.assert_counters().await;
    });
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_failed_blocker_strands_its_dependents_until_it_is_tried_again(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    run(options, async |db| {
        let server = db.server().await;
        let batch = submit(&server, "s", 0, vec![task("A"), waiting("B", [0])]).await;
        let (blocker, dependent) = (batch.subtask_ids[0], batch.subtask_ids[1]);
        start(&server, "s", 0).await;
        server.patch_subtask(blocker, to(SubtaskStatus::Failed)).await.unwrap();
        for status in [SubtaskStatus::Running, SubtaskStatus::Completed, SubtaskStatus::Pending] {
            assert_eq!(
                conflict(server.patch_subtask(dependent, to(status)).await),
                "illegal_transition"
            );
        }
        let report = server.conflicts(batch.batch.id).await.unwrap();
        assert_eq!(report.conflict_count, 1);
        assert_eq!(report.conflicts[0].subtask_ids, [dependent, blocker]);
        let running = "SELECT count(*) FROM wave_states WHERE status = 'running'";
        assert_eq!(db.count(running).await, 1);

        let again = server.retry_subtask(blocker).await.unwrap();
        assert_eq!((again.status, again.retry_count), (SubtaskStatus::Pending, 1));
        complete(&server, blocker).await;
        complete(&server, dependent).await;
        assert_eq!(db.count(running).await, 0);
        assert_eq!(server.conflicts(batch.batch.id).await.unwrap().conflict_count, 0);
        db.assert_counters().await;
    });
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_retry_reopens_the_failed_wave_and_its_completed_batch(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    run(options, async |db| {
        let server = db.server().await;
        let batch = running(&server, "s", 0, 2).await;
        complete(&server, batch.subtask_ids[0]).await;
        server.patch_subtask(batch.subtask_ids[1], to(SubtaskStatus::Failed)).await.unwrap();
        let first = server.complete_batch(batch.batch.id, true).await.unwrap();
        assert!(!first.synthesis.next_wave_ready);
        assert_eq!(conflict(server.retry_subtask(batch.subtask_ids[0]).await), "not_failed");
        server.retry_subtask(batch.subtask_ids[1]).await.unwrap();
        let open = server.complete_batch(batch.batch.id, false).await.unwrap();
        assert_eq!((open.open_tasks, open.success), (1, true));
        complete(&server, batch.subtask_ids[1]).await;
        let second = server.complete_batch(batch.batch.id, true).await.unwrap();
        assert!(second.synthesis.next_wave_ready);
        let names: Vec<String> =
            db.log(&server).await.into_iter().map(|event| event.event).collect();
        let wanted = [
            "wave.created",
            "batch.created",
            "wave.transitioned",
            "subtask.updated",
            "subtask.updated",
            "wave.failed",
            "batch.completed",
            "wave.reopened",
            "batch.reopened",
            "subtask.updated",
            "subtask.updated",
            "wave.completed",
            "batch.completed",
        ];
        assert_eq!(names, wanted);
        db.assert_counters().await;
    });
}
