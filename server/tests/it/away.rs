//! A server whose database is away.

use axum::{
    body::Body,
    http::{Method, Request},
};
use serde_json::json;
use sqlx::PgPool;

use crate::support::{App, task};

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn without_its_database_every_route_says_so_and_when_to_try_again(pool: PgPool) {
    let app = App::new(pool).await;
    app.engine.close().await;
    let id = uuid::Uuid::now_v7();
    let gets = [
        format!("orchestration/batch/{id}"),
        format!("orchestration/synthesis/{id}"),
        format!("orchestration/conflicts/{id}"),
        format!("subtasks/{id}"),
        "orchestration/plans/plan_1_abcdef".to_owned(),
        "waves/s/current".to_owned(),
        "waves/s/history".to_owned(),
        "subtasks".to_owned(),
        "actions".to_owned(),
        "sessions".to_owned(),
        "sessions/s".to_owned(),
        "registry".to_owned(),
        "registry/Explore".to_owned(),
        "events".to_owned(),
        "events?channel=global".to_owned(),
    ];
    let writes = [
        (
            Method::POST,
            "orchestration/batch-submit".to_owned(),
            json!({"session_id": "s", "wave_number": 0, "tasks": [task("Snipper")]}),
        ),
        (Method::POST, format!("orchestration/batch/{id}/complete"), json!({})),
        (
            Method::POST,
            "orchestration/craft-prompt".to_owned(),
            json!({"task_description": "x", "agent_type": "x"}),
        ),
        (Method::POST, "orchestration/decompose".to_owned(), json!({"task_description": "x"})),
        (
            Method::POST,
            "orchestration/plans/plan_1_abcdef/launch".to_owned(),
            json!({"session_id": "s"}),
        ),
        (Method::POST, "waves/s/create".to_owned(), json!({"wave_number": 0})),
        (Method::POST, "waves/s/start".to_owned(), json!({"wave_number": 0})),
        (Method::POST, "waves/s/transition".to_owned(), json!({})),
        (Method::PATCH, format!("subtasks/{id}"), json!({"status": "completed"})),
        (Method::PATCH, format!("subtasks/{id}"), json!({"blocked_by": []})),
        (Method::POST, format!("subtasks/{id}/retry"), json!({})),
        (Method::POST, "actions".to_owned(), json!({"session_id": "s", "tool_name": "x"})),
        (Method::PUT, "registry/x".to_owned(), json!({})),
        (Method::DELETE, "registry/x".to_owned(), json!({})),
    ];
    let gets = gets.into_iter().map(|path| (Method::GET, path, json!(null)));
    for (method, path, body) in gets.chain(writes) {
        let answer = app.body(method, &format!("/api/{path}"), body.to_string()).await;
        answer.problem(503, "unavailable");
        assert!(answer.header("retry-after").parse::<u32>().is_ok(), "{path}: no Retry-After");
    }
    app.get("/health/ready").await.problem(503, "unavailable");
    app.get("/health").await.json(200);
    // What is wrong with a request is said all the same.
    app.post("/api/waves/s/create", &json!({"wave_number": -1})).await.invalid("wave_number");
    let page = app.send(Request::get("/").body(Body::empty()).unwrap()).await;
    assert!(!page.status.is_server_error() || page.status == 503, "{}", page.status);
    assert!(!page.text().contains("SELECT"));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_request_that_takes_too_long_is_let_go_with_a_problem(pool: PgPool) {
    let app = App::with(pool.clone(), &["--request-timeout", "1"]).await;
    let (_, subtasks) = app.running("s", 1).await;
    let mut holder = pool.begin().await.unwrap();
    let hold = "SELECT 1 FROM sessions WHERE session_id = 's' FOR UPDATE";
    sqlx::query(hold).execute(&mut *holder).await.unwrap();
    let answer = app.move_to(&subtasks[0], "running").await;
    answer.problem(503, "timeout");
    assert!(answer.header("retry-after").parse::<u32>().is_ok());
    holder.rollback().await.unwrap();
    app.move_to(&subtasks[0], "completed").await.json(200);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_claim_waits_no_longer_than_a_request_may_take(pool: PgPool) {
    let app = App::with(pool, &["--request-timeout", "2"]).await;
    let claim = |wait: i32| json!({"agent_id": "a", "wait_seconds": wait});
    let answer = app.post("/api/subtasks/claim", &claim(25)).await.json(200);
    assert_eq!(answer["claims"], json!([]));
    app.post("/api/subtasks/claim", &claim(26)).await.invalid("wait_seconds");
}
