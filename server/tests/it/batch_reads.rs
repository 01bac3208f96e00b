//! A batch read again: the same bytes while nothing changed, new ones after every change.

use axum::{
    body::Body,
    http::{Request, header},
};
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::{Answer, App, task, text, texts};

async fn read(app: &App, batch: &str, known: Option<&str>) -> Answer {
    let mut request = Request::get(format!("/api/orchestration/batch/{batch}"));
    if let Some(tag) = known {
        request = request.header(header::IF_NONE_MATCH, tag);
    }
    app.send(request.body(Body::empty()).unwrap()).await
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_batch_is_answered_304_until_something_of_it_changes(pool: PgPool) {
    let app = App::new(pool).await;
    let (id, ids) = app.running("s", 2).await;
    let first = read(&app, &id, None).await;
    first.json(200);
    let tag = first.header("etag").to_owned();
    assert!(tag.starts_with("W/\""), "{tag}");

    for known in [tag.clone(), format!("\"else\", {tag}"), "*".to_owned()] {
        let same = read(&app, &id, Some(&known)).await;
        assert_eq!((same.status.as_u16(), same.body.len()), (304, 0), "{known}");
        assert_eq!(same.header("etag"), tag);
    }

    app.move_to(&ids[0], "running").await.json(200);
    let changed = read(&app, &id, Some(&tag)).await;
    assert_eq!(changed.json(200)["batch"]["subtasks"][0]["status"], "running");
    assert_ne!(changed.header("etag"), tag);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn every_kind_of_change_shows_in_the_next_read(pool: PgPool) {
    let app = App::new(pool).await;
    // A server that keeps nothing tells what is true.
    let truthful = App::with(app.engine_pool(), &["--read-cache", "0"]).await;
    let truth = async |batch: &str| read(&truthful, batch, None).await.json(200);
    let waits =
        |on: &str| json!({"agent_type": "Snipper", "description": "Then", "blocked_by": [on]});
    let batch =
        app.submit("s", 0, json!([task("Snipper"), task("Snipper"), task("Snipper")])).await;
    let (id, ids) = (text(&batch["id"]), texts(&batch["subtask_ids"]));
    // Another batch, whose rows change by what happens in the first.
    let other = app.submit("s", 0, json!([waits(&ids[0])])).await;
    let (other, waiting) = (text(&other["id"]), texts(&other["subtask_ids"])[0].clone());
    app.start("s", 0).await;

    let subtask = |n: usize| format!("/api/subtasks/{}", ids[n]);
    let complete = format!("/api/orchestration/batch/{id}/complete");
    type Step<'a> = (&'a str, &'a str, Value);
    let steps: Vec<Step> = vec![
        ("PATCH", "0", json!({"status": "running", "agent_id": "a"})),
        ("PATCH", "1", json!({"priority": 9})),
        ("PATCH", "1", json!({"context_snapshot": {"modified_files": ["x"]}})),
        ("PATCH", "1", json!({"blocked_by": [ids[2]]})),
        ("PATCH", "0", json!({"status": "completed", "result": {"summary": "done"}})),
        ("PATCH", "2", json!({"status": "failed"})),
        ("POST", "2", json!(null)),
        ("PATCH", "2", json!({"status": "completed"})),
        ("PATCH", "1", json!({"status": "completed"})),
        ("POST", "complete", json!(null)),
    ];
    for (method, what, body) in steps {
        // Both are kept now.
        let before = read(&app, &id, None).await.json(200);
        read(&app, &other, None).await.json(200);
        match (method, what) {
            ("PATCH", n) => app.patch(&subtask(n.parse().unwrap()), &body).await.json(200),
            (_, "complete") => app.poke(&complete).await.json(200),
            (_, n) => app.poke(&format!("{}/retry", subtask(n.parse().unwrap()))).await.json(200),
        };
        let after = read(&app, &id, None).await.json(200);
        assert_ne!(after, before, "{method} {what} {body}");
        assert_eq!(after, truth(&id).await, "{method} {what} {body}");
        assert_eq!(read(&app, &other, None).await.json(200), truth(&other).await);
    }

    // The last completed blocker in the first batch freed the one in the other.
    let freed = read(&app, &other, None).await.json(200);
    assert_eq!(freed["batch"]["subtasks"][0]["status"], "pending");
    // A failure that is retried reopens the batch that had been completed.
    app.move_to(&waiting, "failed").await.json(200);
    app.poke(&format!("/api/orchestration/batch/{other}/complete")).await.json(200);
    let closed = read(&app, &other, None).await.json(200);
    app.poke(&format!("/api/subtasks/{waiting}/retry")).await.json(200);
    let reopened = read(&app, &other, None).await.json(200);
    assert_ne!(reopened["batch"]["status"], closed["batch"]["status"]);
    assert_eq!(reopened, truth(&other).await);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn what_another_server_changes_shows_here_at_once(pool: PgPool) {
    let (one, two) = (App::new(pool.clone()).await, App::new(pool).await);
    let (id, ids) = one.running("s", 1).await;
    read(&two, &id, None).await.json(200);
    one.move_to(&ids[0], "completed").await.json(200);
    let read = read(&two, &id, None).await.json(200);
    assert_eq!(read["batch"]["subtasks"][0]["status"], "completed");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn what_is_kept_and_what_changed_are_the_bytes_of_a_whole_read(pool: PgPool) {
    let app = App::new(pool).await;
    let truthful = App::with(app.engine_pool(), &["--read-cache", "0"]).await;
    let tasks: Vec<Value> = (0..40)
        .map(|n| json!({"agent_type": "Snipper", "description": format!("]}}}},[{{\"{n}"), "priority": n % 10 + 1}))
        .collect();
    let batch = app.submit("s", 0, json!(tasks)).await;
    let (id, ids) = (text(&batch["id"]), texts(&batch["subtask_ids"]));
    for step in 0..40_usize {
        // None, one, or several of them, to the front, to the end, and to where they are.
        for n in 0..step % 4 {
            let subtask = format!("/api/subtasks/{}", ids[(step * 7 + n * 13) % ids.len()]);
            app.patch(&subtask, &json!({"priority": (step * 3 + n) % 10 + 1})).await.json(200);
        }
        let (kept, whole) = (read(&app, &id, None).await, read(&truthful, &id, None).await);
        assert_eq!(kept.header("etag"), whole.header("etag"), "step {step}");
        assert!(kept.body == whole.body, "step {step}");
    }
    let answer: domain::dto::BatchAnswer =
        serde_json::from_slice(&read(&app, &id, None).await.body).unwrap();
    let order =
        |subtask: &domain::subtask::Subtask| (std::cmp::Reverse(subtask.priority), subtask.id);
    assert!(answer.batch.subtasks.is_sorted_by_key(order));
    assert_eq!(answer.batch.subtasks.len(), 40);
}
