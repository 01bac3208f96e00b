//! `Idempotency-Key`: a repeat is answered as the first request was, and does nothing.

use domain::dto::OnOverlap;
use domain::dto::{ClaimSubtasks, CreateWave, Decompose, LaunchPlan, RecordAction, SubmitBatch};
use engine::IdempotencyKey;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::support::{
    at_once, batch, complete, conflict, invalid, run, running, submit, task, times,
};

fn request(tasks: usize) -> (SubmitBatch, Vec<u8>) {
    let request = batch("s", 0, vec![task("Snipper"); tasks]);
    let body = serde_json::to_vec(&request).unwrap();
    (request, body)
}

fn key(key: &str, body: &[u8]) -> Option<IdempotencyKey> {
    Some(IdempotencyKey::new("POST /batch-submit", key, body).unwrap())
}

/// What the client reads: an answer kept for repeats holds no more than that.
fn json(answer: &impl serde::Serialize) -> serde_json::Value {
    serde_json::to_value(answer).unwrap()
}

const BATCHES: &str = "SELECT count(*) FROM orchestration_batches";

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn the_same_key_and_body_get_the_same_answer_and_make_one_batch(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    run(options, async |db| {
        let servers = [db.server().await, db.server().await];
        let (request, body) = request(3);
        let first = servers[0]
            .submit_batch(request.clone(), OnOverlap::Warn, key("k", &body))
            .await
            .unwrap();
        let again = servers[1]
            .submit_batch(request.clone(), OnOverlap::Warn, key("k", &body))
            .await
            .unwrap();
        assert_eq!(first, again);
        assert_eq!(db.count(BATCHES).await, 1);
        assert_eq!(times(&db.log(&servers[0]).await, "batch.created"), 1);

        let another = servers[0]
            .submit_batch(request.clone(), OnOverlap::Warn, key("another", &body))
            .await
            .unwrap();
        assert_ne!(first.batch.batch.id, another.batch.batch.id);
        let none = servers[0].submit_batch(request, OnOverlap::Warn, None).await.unwrap();
        assert_ne!(first.batch.batch.id, none.batch.batch.id);
        assert_eq!(db.count(BATCHES).await, 3);
        db.assert_counters().await;
    });
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn the_same_key_with_another_body_is_refused(_: PgPoolOptions, options: PgConnectOptions) {
    run(options, async |db| {
        let server = db.server().await;
        let (first, body) = request(1);
        server.submit_batch(first, OnOverlap::Warn, key("k", &body)).await.unwrap();
        let (other, body) = request(2);
        let answer = server.submit_batch(other, OnOverlap::Warn, key("k", &body)).await;
        assert!(invalid(answer).contains("Idempotency-Key"));
        assert_eq!(db.count(BATCHES).await, 1);
    });
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn concurrent_requests_with_one_key_make_one_batch(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    run(options, async |db| {
        let servers = [db.server().await, db.server().await];
        let (request, body) = request(5);
        let requests = (0..24).map(|n| {
            let (server, request) = (servers[n % 2].clone(), request.clone());
            let key = key("k", &body);
            async move { server.submit_batch(request, OnOverlap::Warn, key).await.unwrap() }
        });
        let answers = at_once(requests).await;
        assert!(answers.iter().all(|answer| *answer == answers[0]));
        assert_eq!(db.count(BATCHES).await, 1);
        assert_eq!(times(&db.log(&servers[0]).await, "batch.created"), 1);
        db.assert_counters().await;
    });
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_key_is_forgotten_after_a_day(_: PgPoolOptions, options: PgConnectOptions) {
    run(options, async |db| {
        let server = db.server().await;
        let (request, body) = request(1);
        let first =
            server.submit_batch(request.clone(), OnOverlap::Warn, key("k", &body)).await.unwrap();
        let age = "UPDATE idempotency_keys SET created_at = created_at - interval '25 hours'";
        sqlx::query(age).execute(&db.sql).await.unwrap();
        let later = server.submit_batch(request, OnOverlap::Warn, key("k", &body)).await.unwrap();
        assert_ne!(first.batch.batch.id, later.batch.batch.id);
    });
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_refused_request_keeps_no_answer(_: PgPoolOptions, options: PgConnectOptions) {
    run(options, async |db| {
        let server = db.server().await;
        let id = running(&server, "s", 0, 1).await.subtask_ids[0];
        complete(&server, id).await;
        let (request, body) = request(1);
        let refused = server.submit_batch(request.clone(), OnOverlap::Warn, key("k", &body)).await;
        assert_eq!(conflict(refused), "wave_finished");
        assert_eq!(db.count("SELECT count(*) FROM idempotency_keys").await, 0);
        // What stood in the way may be gone when the client tries again.
        let reopen = "UPDATE wave_states SET status = 'running', completed_at = NULL";
        sqlx::query(reopen).execute(&db.sql).await.unwrap();
        server.submit_batch(request, OnOverlap::Warn, key("k", &body)).await.unwrap();
    });
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn every_request_that_creates_can_be_repeated(_: PgPoolOptions, options: PgConnectOptions) {
    run(options, async |db| {
        let server = db.server().await;
        let key = |scope: &str| Some(IdempotencyKey::new(scope, "k", b"{}").unwrap());

        let create =
            CreateWave { wave_number: 0, name: None, description: None, requires_approval: false };
        let wave = server.create_wave("s", create.clone(), key("wave")).await.unwrap();
        assert_eq!(server.create_wave("s", create, key("wave")).await.unwrap(), wave);
        assert!(wave.1, "the repeat says, like the first, that it was created");

        let record = serde_json::json!({"session_id": "s", "tool_name": "Bash", "input": {"b": 1, "a": [2]}});
        let record: RecordAction = serde_json::from_value(record).unwrap();
        let action = server.record_action(record.clone(), key("action")).await.unwrap();
        assert_eq!(server.record_action(record, key("action")).await.unwrap(), action);
        assert_eq!(db.count("SELECT count(*) FROM actions").await, 1);

        running(&server, "c", 0, 2).await;
        let claim = serde_json::json!({"agent_id": "a", "session_id": "c"});
        let claim: ClaimSubtasks = serde_json::from_value(claim).unwrap();
        let held = server.claim_subtasks(claim.clone(), key("claim")).await.unwrap();
        let again = server.claim_subtasks(claim.clone(), key("claim")).await.unwrap();
        assert_eq!(json(&again), json(&held));
        let other = server.claim_subtasks(claim.clone(), key("another")).await.unwrap();
        assert_ne!(other[0].subtask.id, held[0].subtask.id);
        // Also when there is nothing left to take; and what got nothing is not what it gets for ever.
        let again = server.claim_subtasks(claim.clone(), key("claim")).await.unwrap();
        assert_eq!(json(&again), json(&held));
        assert_eq!(server.claim_subtasks(claim.clone(), key("late")).await.unwrap(), []);
        submit(&server, "c", 0, vec![task("Snipper")]).await;
        assert_eq!(server.claim_subtasks(claim, key("late")).await.unwrap().len(), 1);

        let job = serde_json::json!({"task_description": "Build a shop"});
        let job: Decompose = serde_json::from_value(job).unwrap();
        let plan = server.decompose(job.clone(), key("plan")).await.unwrap();
        assert_eq!(server.decompose(job, key("plan")).await.unwrap(), plan);
        assert_eq!(db.count("SELECT count(*) FROM plans").await, 1);

        let launch = LaunchPlan { session_id: "l".to_owned(), first_wave: None };
        let launched = server
            .launch_plan(&plan.plan_id, launch.clone(), OnOverlap::Warn, key("launch"))
            .await
            .unwrap();
        let again = server
            .launch_plan(&plan.plan_id, launch, OnOverlap::Warn, key("launch"))
            .await
            .unwrap();
        assert_eq!(again, launched);
        let batches = "SELECT count(*) FROM orchestration_batches WHERE session_id = 'l'";
        assert_eq!(db.count(batches).await, launched.waves.len() as i64);
    });
}
