//! Work handed out under leases, on a real database.

use std::{collections::HashSet, time::Duration};

use domain::{
    dto::{Cancel, CancelWave, Claim, ClaimSubtasks, Heartbeat, PatchSubtask, RecordAction, Task},
    lease::{Health, Outcome},
    problem::Refusal,
    subtask::SubtaskStatus,
};
use engine::Engine;
use serde_json::json;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::support::{
    Db, at_once, conflict, refusal, run, running, start, submit, task, times, waiting,
};

fn asks(agent: &str, max: i32) -> ClaimSubtasks {
    serde_json::from_value(json!({"agent_id": agent, "max": max})).unwrap()
}

async fn claim(server: &Engine, agent: &str, max: i32) -> Vec<Claim> {
    server.claim_subtasks(asks(agent, max), None).await.unwrap()
}

fn report(claim: &Claim, status: SubtaskStatus) -> PatchSubtask {
    PatchSubtask { status: Some(status), token: Some(claim.lease.token), ..PatchSubtask::default() }
}

/// As if so many seconds had gone by without a sign of life.
async fn let_pass(db: &Db, seconds: i32) {
    sqlx::query(
        "WITH attempts AS (
             UPDATE attempts SET expires_at = expires_at - make_interval(secs => $1),
                                 deadline_at = deadline_at - make_interval(secs => $1)
             WHERE ended_at IS NULL
         )
         UPDATE subtasks SET not_before = not_before - make_interval(secs => $1) WHERE not_before IS NOT NULL",
    )
    .bind(f64::from(seconds))
    .execute(&db.sql)
    .await
    .unwrap();
}

async fn until_free(db: &Db) {
    db.until("no lease is left", "SELECT count(*) FROM attempts WHERE ended_at IS NULL", 0).await;
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn two_hundred_claims_at_once_over_two_servers_never_get_the_same(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    run(options, async |db| {
        let servers = [db.server().await, db.server().await];
        for session in ["a", "b"] {
            running(&servers[0], session, 0, 90).await;
        }
        let claims = at_once((0..200).map(|n| {
            let server = servers[n % 2].clone();
            async move { claim(&server, &format!("agent-{n}"), 1).await }
        }))
        .await;
        let all: Vec<&Claim> = claims.iter().flatten().collect();
        let ids: HashSet<_> = all.iter().map(|claim| claim.subtask.id).collect();
        let tokens: HashSet<_> = all.iter().map(|claim| claim.lease.token).collect();
        assert_eq!((ids.len(), tokens.len()), (all.len(), all.len()));
        // Nobody went away with nothing while there was something left.
        assert_eq!(all.len(), 180);
        assert_eq!(claim(&servers[1], "later", 5).await, []);
        assert_eq!(db.count("SELECT count(*) FROM attempts WHERE ended_at IS NULL").await, 180);
        db.assert_counters().await;
    });
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn whoever_does_not_hold_the_lease_neither_reports_nor_keeps_it_alive(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    run(options, async |db| {
        let server = db.server().await;
        running(&server, "s", 0, 1).await;
        let held = claim(&server, "a", 1).await.remove(0);
        let id = held.subtask.id;
        let foreign = PatchSubtask {
            status: Some(SubtaskStatus::Completed),
            agent_id: Some("zombie".to_owned()),
            ..PatchSubtask::default()
        };
        assert_eq!(conflict(server.patch_subtask(id, foreign.clone()).await), "lease_lost");
        let act = async |agent: Option<&str>| {
            let action = json!({"subtask_id": id, "tool_name": "Read", "agent_id": agent});
            server.record_action(serde_json::from_value(action).unwrap(), None).await.unwrap();
            server.leases("s").await.unwrap()[0].last_action_at.is_some()
        };
        assert!(!act(Some("zombie")).await);
        assert!(act(Some("a")).await);
        // A person names nobody, and decides.
        let by_hand = PatchSubtask { agent_id: None, ..foreign };
        server.patch_subtask(id, by_hand).await.unwrap();
    });
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_claim_takes_the_most_urgent_ready_work_that_it_asks_for(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    run(options, async |db| {
        let server = db.server().await;
        let of = |agent: &str, priority: i32| Task { priority, ..task(agent) };
        let tasks =
            vec![of("Snipper", 3), of("docs-writer", 9), of("Snipper", 7), waiting("Snipper", [0])];
        let ids = submit(&server, "s", 0, tasks).await.subtask_ids;
        submit(&server, "s", 1, vec![of("Snipper", 10)]).await;
        // Its wave does not run.
        assert_eq!(claim(&server, "a", 5).await, []);
        start(&server, "s", 0).await;
        let only = ClaimSubtasks {
            agent_types: vec!["Snipper".to_owned()],
            session_id: Some("s".to_owned()),
            ..asks("a", 2)
        };
        let got = server.claim_subtasks(only.clone(), None).await.unwrap();
        let order: Vec<_> = got.iter().map(|claim| claim.subtask.id).collect();
        assert_eq!(order, [ids[2], ids[0]]);
        assert_eq!(got[0].subtask.agent_id.as_deref(), Some("a"));
        assert_eq!(server.claim_subtasks(only, None).await.unwrap(), []);
        let elsewhere = ClaimSubtasks { session_id: Some("other".to_owned()), ..asks("a", 2) };
        assert_eq!(server.claim_subtasks(elsewhere, None).await.unwrap(), []);
        // What waits for it becomes ready with its report.
        server.patch_subtask(ids[0], report(&got[1], SubtaskStatus::Completed)).await.unwrap();
        let next: Vec<_> = claim(&server, "b", 5).await.iter().map(|c| c.subtask.id).collect();
        assert_eq!(next, [ids[1], ids[3]]);
        let attempts = server.attempts(ids[0]).await.unwrap();
        assert_eq!((attempts.len(), attempts[0].outcome), (1, Some(Outcome::Completed)));
        db.assert_counters().await;
    });
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_claim_waits_for_work_and_goes_on_as_soon_as_there_is_some(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    run(options, async |db| {
        let server = db.server().await;
        submit(&server, "s", 0, vec![task("Snipper")]).await;
        let waiter = server.clone();
        let asked = ClaimSubtasks { wait_seconds: Some(20), ..asks("a", 1) };
        let waits = tokio::spawn(async move { waiter.claim_subtasks(asked, None).await.unwrap() });
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert!(!waits.is_finished());
        start(&server, "s", 0).await;
        // Long before it would look by itself.
        let got = tokio::time::timeout(Duration::from_millis(1_500), waits).await.unwrap().unwrap();
        assert_eq!(got.len(), 1);
        let none = ClaimSubtasks { wait_seconds: Some(1), ..asks("b", 1) };
        assert_eq!(server.claim_subtasks(none, None).await.unwrap(), []);
    });
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_lease_without_a_sign_of_life_is_taken_back_once_and_the_late_report_refused(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    run(options, async |db| {
        let servers = [db.server().await, db.server().await];
        let id = running(&servers[0], "s", 0, 2).await.subtask_ids[0];
        let first = claim(&servers[0], "gone", 1).await.remove(0);
        assert_eq!(first.subtask.id, id);
        let_pass(&db, 301).await;
        // Whoever holds it hears of it, whether the scheduler has come to it or not.
        let beat = Heartbeat { token: first.lease.token, lease_seconds: None };
        assert_eq!(conflict(servers[1].heartbeat(id, beat).await), "lease_lost");
        until_free(&db).await;
        let subtask = servers[0].subtask(id).await.unwrap();
        assert_eq!((subtask.status, subtask.retry_count), (SubtaskStatus::Pending, 1));
        assert_eq!(subtask.agent_id, None);
        // Not at once.
        let others: Vec<_> =
            claim(&servers[0], "b", 5).await.iter().map(|c| c.subtask.id).collect();
        assert!(!others.contains(&id) && others.len() == 1, "{others:?}");
        let_pass(&db, 6).await;
        let second = claim(&servers[0], "b", 5).await.remove(0);
        assert_eq!(second.subtask.id, id);
        assert!(second.lease.token > first.lease.token);
        let late = servers[1].patch_subtask(id, report(&first, SubtaskStatus::Completed)).await;
        assert_eq!(conflict(late), "lease_lost");
        let done =
            servers[0].patch_subtask(id, report(&second, SubtaskStatus::Completed)).await.unwrap();
        assert_eq!(
            servers[0].patch_subtask(id, report(&second, SubtaskStatus::Completed)).await.unwrap(),
            done
        );
        let outcomes: Vec<_> = servers[0]
            .attempts(id)
            .await
            .unwrap()
            .iter()
            .map(|a| (a.agent_id.clone(), a.outcome))
            .collect();
        assert_eq!(
            outcomes,
            [
                ("gone".to_owned(), Some(Outcome::Expired)),
                ("b".to_owned(), Some(Outcome::Completed))
            ]
        );
        let log = db.log(&servers[0]).await;
        assert_eq!(times(&log, "lease.expired"), 1);
        db.assert_counters().await;
    });
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn an_agent_that_keeps_vanishing_fails_the_subtask_with_the_reason(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    run(options, async |db| {
        let server = db.server().await;
        let twice = Task { max_attempts: Some(2), ..task("Snipper") };
        let slow = Task { time_limit_seconds: Some(10), max_attempts: Some(1), ..task("Snipper") };
        let ids = submit(&server, "s", 0, vec![twice, slow]).await.subtask_ids;
        start(&server, "s", 0).await;
        assert_eq!(claim(&server, "gone", 2).await.len(), 2);
        // A sign of life keeps the lease, but not beyond what the task may take.
        let_pass(&db, 11).await;
        db.until("one lease is left", "SELECT count(*) FROM attempts WHERE ended_at IS NULL", 1)
            .await;
        let error = async |id| {
            let subtask = server.subtask(id).await.unwrap();
            assert_eq!(subtask.status, SubtaskStatus::Failed);
            subtask.result.unwrap().parse()["error"].as_str().unwrap().to_owned()
        };
        assert_eq!(
            error(ids[1]).await,
            "Tried once. Agent `gone` took longer than the task may take."
        );
        let_pass(&db, 300).await;
        until_free(&db).await;
        let_pass(&db, 10).await;
        assert_eq!(claim(&server, "gone", 2).await.len(), 1);
        let_pass(&db, 301).await;
        until_free(&db).await;
        assert_eq!(
            error(ids[0]).await,
            "Tried 2 times. Agent `gone` gave no sign of life for 300 seconds."
        );
        // So the wave has ended.
        let log = db.log(&server).await;
        assert_eq!(times(&log, "wave.failed"), 1);
        db.assert_counters().await;
    });
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn an_attempt_keeps_why_its_agent_gave_up(_: PgPoolOptions, options: PgConnectOptions) {
    run(options, async |db| {
        let server = db.server().await;
        let id = running(&server, "s", 0, 1).await.subtask_ids[0];
        for (status, result) in [
            (SubtaskStatus::Pending, json!({"summary": "needs a database"})),
            (SubtaskStatus::Failed, json!({"error": "tests fail", "summary": "tried"})),
        ] {
            let held = claim(&server, "a", 1).await.remove(0);
            assert_eq!(held.lease.health, Health::Working);
            let result = serde_json::from_value(result).unwrap();
            let given_up = PatchSubtask { result: Some(result), ..report(&held, status) };
            server.patch_subtask(id, given_up).await.unwrap();
        }
        server.retry_subtask(id).await.unwrap();
        let attempts = server.attempts(id).await.unwrap();
        let kept: Vec<_> =
            attempts.iter().map(|it| (it.outcome, it.reason.as_deref(), it.health)).collect();
        assert_eq!(
            kept,
            [
                (Some(Outcome::GivenBack), Some("needs a database"), Health::Idle),
                (Some(Outcome::Failed), Some("tests fail"), Health::Idle),
            ]
        );
    });
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn signs_of_life_keep_a_lease(_: PgPoolOptions, options: PgConnectOptions) {
    run(options, async |db| {
        let server = db.server().await;
        let id = running(&server, "s", 0, 1).await.subtask_ids[0];
        let held = claim(&server, "a", 1).await.remove(0);
        let_pass(&db, 200).await;
        let beat = Heartbeat { token: held.lease.token, lease_seconds: Some(60) };
        let lease = server.heartbeat(id, beat).await.unwrap();
        assert_eq!(
            (lease.lease_seconds, lease.expires_at - lease.heartbeat_at),
            (60, chrono::TimeDelta::seconds(60))
        );
        let_pass(&db, 50).await;
        let action: RecordAction =
            serde_json::from_value(json!({"subtask_id": id, "tool_name": "Edit"})).unwrap();
        server.record_action(action, None).await.unwrap();
        let_pass(&db, 50).await;
        let lease = server.heartbeat(id, beat).await.unwrap();
        assert!(lease.last_action_at.is_some());
        assert_eq!(server.leases("s").await.unwrap(), [lease]);
        assert_eq!(
            conflict(server.heartbeat(id, Heartbeat { token: -1, ..beat }).await),
            "lease_lost"
        );
        let nothing = uuid::Uuid::now_v7();
        assert!(matches!(refusal(server.heartbeat(nothing, beat).await), Refusal::NotFound { .. }));
    });
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_paused_session_hands_out_nothing_and_keeps_what_is_held(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    run(options, async |db| {
        let server = db.server().await;
        running(&server, "s", 0, 3).await;
        let held = claim(&server, "a", 1).await.remove(0);
        assert!(server.pause_session("s", true).await.unwrap());
        assert!(!server.pause_session("s", true).await.unwrap());
        assert!(server.session("s").await.unwrap().paused);
        assert_eq!(claim(&server, "b", 1).await, []);
        let done =
            server.patch_subtask(held.subtask.id, report(&held, SubtaskStatus::Completed)).await;
        assert_eq!(done.unwrap().status, SubtaskStatus::Completed);
        let waiter = server.clone();
        let asked = ClaimSubtasks { wait_seconds: Some(20), ..asks("b", 5) };
        let waits = tokio::spawn(async move { waiter.claim_subtasks(asked, None).await.unwrap() });
        server.pause_session("s", false).await.unwrap();
        assert_eq!(waits.await.unwrap().len(), 2);
        let log = db.log(&server).await;
        assert_eq!((times(&log, "session.paused"), times(&log, "session.resumed")), (1, 1));
    });
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn what_is_cancelled_fails_and_its_agent_hears_of_it(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    run(options, async |db| {
        let server = db.server().await;
        let batch = running(&server, "s", 0, 4).await;
        submit(&server, "s", 0, vec![task("Snipper"), waiting("Snipper", [0])]).await;
        let held = claim(&server, "a", 2).await;
        let why = Cancel { reason: Some("wrong branch".to_owned()) };
        let gone = server.cancel_subtask(held[0].subtask.id, why).await.unwrap();
        assert_eq!(gone[0].status, SubtaskStatus::Failed);
        let beat = Heartbeat { token: held[0].lease.token, lease_seconds: None };
        let refused = refusal(server.heartbeat(held[0].subtask.id, beat).await);
        assert!(refused.to_string().contains("Cancelled: wrong branch"), "{refused}");
        let late =
            server.patch_subtask(held[0].subtask.id, report(&held[0], SubtaskStatus::Completed));
        assert_eq!(conflict(late.await), "lease_lost");
        assert_eq!(server.cancel_batch(batch.batch.id, Cancel::default()).await.unwrap().len(), 3);
        assert_eq!(server.cancel_batch(batch.batch.id, Cancel::default()).await.unwrap(), []);
        let wave = CancelWave { wave_number: 0, reason: None };
        assert_eq!(server.cancel_wave("s", wave).await.unwrap().len(), 2);
        assert_eq!(db.count("SELECT count(*) FROM attempts WHERE ended_at IS NULL").await, 0);
        let log = db.log(&server).await;
        assert_eq!(times(&log, "wave.failed"), 1);
        db.assert_counters().await;
    });
}
