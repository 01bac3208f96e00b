//! Every other route's answers, whole, resource by resource.

use axum::{body::Body, http::Request};
use serde_json::json;
use sqlx::PgPool;

use crate::support::{App, assert_like, task, text, texts};

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_wave_is_created_once_and_its_empty_fields_are_filled_in(pool: PgPool) {
    let app = App::new(pool).await;
    let create = "/api/waves/s/create";
    let first = app.post(create, &json!({"wave_number": 3})).await.json(201);
    let named = json!({"wave_number": 3, "name": "Build", "description": "Core features"});
    let second = app.post(create, &named).await.json(200);
    assert_eq!(second["wave"]["id"], first["wave"]["id"]);
    assert_eq!(
        (&second["wave"]["name"], &second["wave"]["description"]),
        (&json!("Build"), &json!("Core features"))
    );
    let third = app.post(create, &json!({"wave_number": 3, "name": "Other"})).await.json(200);
    assert_eq!(third["wave"]["name"], "Build");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn waves_start_in_order_and_refuse_with_a_reason(pool: PgPool) {
    let app = App::new(pool).await;
    app.get("/api/waves/s/current").await.problem(404, "not_found");
    app.get("/api/waves/s/history").await.problem(404, "not_found");
    app.poke("/api/waves/s/transition").await.problem(404, "not_found");
    app.post("/api/waves/s/start", &json!({"wave_number": 1})).await.problem(404, "not_found");
    for wave in [1, 2, 5] {
        app.submit("s", wave, json!([task("Snipper")])).await;
    }
    // Nothing has completed yet.
    app.poke("/api/waves/s/transition").await.problem(404, "not_found");
    let current = app.get("/api/waves/s/current").await.json(200);
    assert_eq!(
        (&current["wave"]["wave_number"], &current["next"]["wave_number"]),
        (&json!(5), &json!(1))
    );
    app.post("/api/waves/s/start", &json!({"wave_number": 2}))
        .await
        .problem(409, "wave_cannot_start");
    app.start("s", 1).await;
    app.post("/api/waves/s/start", &json!({"wave_number": 1}))
        .await
        .problem(409, "wave_cannot_start");
    app.post("/api/waves/s/start", &json!({"wave_number": 2, "force": true}))
        .await
        .problem(409, "wave_cannot_start");
    app.poke("/api/waves/s/transition").await.problem(409, "wave_cannot_transition");
    let list = app.get("/api/subtasks?session=s").await.json(200);
    app.move_to(&text(&list["subtasks"][0]["id"]), "failed").await.json(200);
    app.post("/api/waves/s/transition", &json!({})).await.problem(409, "wave_cannot_transition");
    let forced = app.post("/api/waves/s/transition", &json!({"force": true})).await.json(200);
    assert_eq!((&forced["from"], &forced["to"]), (&json!(1), &json!(2)));
    let history = app.get("/api/waves/s/history").await.json(200);
    assert_eq!((&history["session_id"], &history["count"]), (&json!("s"), &json!(3)));
    let states: Vec<String> =
        history["waves"].as_array().unwrap().iter().map(|wave| text(&wave["status"])).collect();
    assert_eq!(states, ["failed", "running", "pending"]);
    let body = json!({"session_id": "s", "wave_number": 1, "tasks": [task("Snipper")]});
    app.post("/api/orchestration/batch-submit", &body).await.problem(409, "wave_finished");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn an_empty_running_wave_is_completed_by_a_transition(pool: PgPool) {
    let app = App::new(pool).await;
    for wave in [0, 1] {
        app.post("/api/waves/s/create", &json!({"wave_number": wave})).await.json(201);
    }
    let started = app.start("s", 0).await;
    assert_eq!(started["wave"]["status"], "running");
    let moved = app.poke("/api/waves/s/transition").await.json(200);
    assert_eq!(
        (&moved["from"], &moved["to"], &moved["wave"]["wave_number"]),
        (&json!(0), &json!(1), &json!(1))
    );
    let last = app.poke("/api/waves/s/transition").await.json(200);
    assert_eq!(
        (&last["from"], &last["to"], &last["wave"]["status"]),
        (&json!(1), &json!(null), &json!("completed"))
    );
    // One that comes before those that have ended is the answer all the same.
    app.post("/api/waves/late/create", &json!({"wave_number": 1})).await.json(201);
    app.start("late", 1).await;
    app.poke("/api/waves/late/transition").await.json(200);
    app.post("/api/waves/late/create", &json!({"wave_number": 0})).await.json(201);
    app.start("late", 0).await;
    let moved = app.poke("/api/waves/late/transition").await.json(200);
    assert_eq!((&moved["from"], &moved["wave"]["wave_number"]), (&json!(0), &json!(0)));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_subtask_is_read_changed_and_tried_again(pool: PgPool) {
    let app = App::new(pool).await;
    let (_, ids) = app.running("s", 2).await;
    let path = format!("/api/subtasks/{}", ids[0]);
    let read = app.get(&path).await.json(200);
    assert_eq!((&read["success"], &read["subtask"]["id"]), (&json!(true), &json!(ids[0])));

    let body = json!({"status": "running", "agent_id": "a-1", "priority": 9, "blocked_by": [],
                      "context_snapshot": {"modified_files": ["a.rs"]}, "result": {"summary": "half"}});
    let changed = app.patch(&path, &body).await.json(200)["subtask"].clone();
    for (field, value) in body.as_object().unwrap() {
        assert_eq!(changed[field], *value, "{field}");
    }
    let done = app.move_to(&ids[0], "completed").await.json(200)["subtask"].clone();
    assert_eq!(done["result"], json!({"summary": "half"}), "a status alone keeps the result");
    assert_eq!(app.move_to(&ids[0], "completed").await.json(200)["subtask"], done);
    app.patch(&path, &json!({"status": "completed", "result": {"summary": "other"}}))
        .await
        .problem(409, "subtask_ended");
    app.move_to(&ids[0], "running").await.problem(409, "subtask_ended");
    app.poke(&format!("{path}/retry")).await.problem(409, "not_failed");

    app.move_to(&ids[1], "blocked").await.problem(409, "blocked_by_hand");
    app.move_to(&ids[1], "failed").await.json(200);
    assert_eq!(app.get("/api/waves/s/history").await.json(200)["waves"][0]["status"], "failed");
    let again =
        app.poke(&format!("/api/subtasks/{}/retry", ids[1])).await.json(200)["subtask"].clone();
    assert_eq!((&again["status"], &again["retry_count"]), (&json!("pending"), &json!(1)));
    assert_eq!(app.get("/api/waves/s/current").await.json(200)["wave"]["status"], "running");

    let early = app.submit("early", 0, json!([task("Snipper")])).await;
    let early = text(&early["subtask_ids"][0]);
    let problem = app.move_to(&early, "running").await.problem(409, "wave_not_running");
    assert!(text(&problem["error"]).contains("POST /api/waves/early/start"), "{problem}");
    app.move_to(&early, "completed").await.problem(409, "wave_not_running");
    app.move_to(&early, "failed").await.json(200);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn subtasks_are_listed_by_every_filter_and_by_pages(pool: PgPool) {
    let app = App::new(pool).await;
    let first =
        app.submit("s", 0, json!([task("Explore"), task("Snipper"), task("Snipper")])).await;
    let second = app.submit("s", 1, json!([task("Snipper")])).await;
    app.submit("t", 0, json!([task("Snipper")])).await;
    let (first_ids, second_ids) = (texts(&first["subtask_ids"]), texts(&second["subtask_ids"]));
    app.move_to(&first_ids[0], "failed").await.json(200);
    let list = async |query: &str| {
        let page = app.get(&format!("/api/subtasks{query}")).await.json(200);
        let found: Vec<String> =
            page["subtasks"].as_array().unwrap().iter().map(|one| text(&one["id"])).collect();
        (found, page["next_cursor"].clone())
    };
    let all = [first_ids.clone(), second_ids.clone()].concat();
    assert_eq!(list("?session=s").await, (all.clone(), json!(null)));
    assert_eq!(list("").await.0.len(), 5);
    assert_eq!(list("?session=s&wave=1").await.0, second_ids);
    assert_eq!(list("?wave=1").await.0, second_ids);
    assert_eq!(list("?status=failed").await.0, first_ids[..1]);
    assert_eq!(list("?agent_type=Explore").await.0, first_ids[..1]);
    assert_eq!(list("?session=s&agent_type=Snipper&status=pending&wave=0").await.0, first_ids[1..]);
    assert_eq!(list(&format!("?batch={}&session=t", text(&first["id"]))).await.0.len(), 0);
    assert_eq!(list(&format!("?batch={}", text(&first["id"]))).await.0, first_ids);
    let (mut paged, mut query) = (Vec::new(), "?session=s&limit=3".to_owned());
    loop {
        let (found, cursor) = list(&query).await;
        paged.extend(found);
        let Some(cursor) = cursor.as_str() else { break };
        query = format!("?session=s&limit=3&cursor={cursor}");
    }
    assert_eq!(paged, all);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn subtasks_of_a_batch_come_by_priority_then_in_the_order_of_submission(pool: PgPool) {
    let app = App::new(pool).await;
    let tasks: Vec<_> = [5, 9, 5, 1, 9]
        .iter()
        .map(|priority| json!({"agent_type": "Snipper", "description": "Do it", "priority": priority}))
        .collect();
    let batch = app.submit("s", 0, json!(tasks)).await;
    let ids = texts(&batch["subtask_ids"]);
    let read = app.get(&format!("/api/orchestration/batch/{}", text(&batch["id"]))).await.json(200);
    let order: Vec<String> =
        read["batch"]["subtasks"].as_array().unwrap().iter().map(|one| text(&one["id"])).collect();
    assert_eq!(order, [1, 4, 0, 2, 3].map(|n| ids[n].clone()));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn an_action_is_recorded_for_a_subtask_or_a_session_and_listed_newest_first(pool: PgPool) {
    let app = App::new(pool).await;
    let (batch, ids) = app.running("s", 2).await;
    let body = json!({
        "subtask_id": ids[0], "agent_id": "a-1", "tool_name": "Edit", "tool_type": "write",
        "input": {"old": "1", "list": [null, true, 1.5]}, "output": "done", "file_paths": ["./src/a.rs"],
        "exit_code": -1, "duration_ms": 12, "metadata": {"b": 1, "a": {"c": []}},
    });
    let mut wanted = body.clone();
    for (field, value) in [("id", "<uuid>"), ("session_id", "s"), ("created_at", "<time>")] {
        wanted[field] = json!(value);
    }
    wanted["writes_files"] = json!(true);
    let recorded = app.post("/api/actions", &body).await.json(201);
    assert_like(&recorded, &json!({"success": true, "action": wanted}));
    let bare =
        app.post("/api/actions", &json!({"session_id": "s", "tool_name": "Bash"})).await.json(201);
    assert_eq!(
        (&bare["action"]["subtask_id"], &bare["action"]["writes_files"]),
        (&json!(null), &json!(false))
    );

    let listed = app.get("/api/actions?session=s").await.json(200);
    assert_like(
        &listed,
        &json!({"actions": [bare["action"], recorded["action"]], "next_cursor": null}),
    );
    let of_subtask = app.get(&format!("/api/actions?subtask={}", ids[0])).await.json(200);
    assert_eq!(of_subtask["actions"], json!([recorded["action"]]));
    let page = app.get("/api/actions?session=s&limit=1").await.json(200);
    let next = app
        .get(&format!("/api/actions?session=s&limit=1&cursor={}", text(&page["next_cursor"])))
        .await
        .json(200);
    assert_eq!(next["actions"], json!([recorded["action"]]));

    // The files that it wrote are in the synthesis.
    let synthesis = app.get(&format!("/api/orchestration/synthesis/{batch}")).await.json(200);
    assert_eq!(synthesis["files_changed"], json!(["src/a.rs"]));
    let mut elsewhere = body.clone();
    elsewhere["session_id"] = json!("t");
    app.post("/api/actions", &elsewhere).await.invalid("session_id");
    elsewhere["subtask_id"] = json!(uuid::Uuid::now_v7());
    app.post("/api/actions", &elsewhere).await.problem(404, "not_found");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn sessions_are_listed_latest_first_searched_and_read(pool: PgPool) {
    let app = App::new(pool).await;
    for session in ["alpha", "beta", "Alphabet"] {
        app.running(session, 2).await;
    }
    let list = async |query: &str| app.get(&format!("/api/sessions{query}")).await.json(200);
    let names = |page: &serde_json::Value| -> Vec<String> {
        page["sessions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|session| text(&session["session_id"]))
            .collect()
    };
    let all = list("").await;
    assert_eq!(names(&all), ["Alphabet", "beta", "alpha"]);
    assert_like(
        &all["sessions"][1],
        &json!({
            "session_id": "beta", "created_at": "<time>", "last_active_at": "<time>", "paused": false, "total_tasks": 2,
            "usage": {"tokens_used": 0, "cost_usd": 0.0}, "budget": {"soft": {}, "hard": {}},
            "completed_tasks": 0, "failed_tasks": 0,
            "waves": [{"wave_number": 0, "status": "running", "total_tasks": 2, "completed_tasks": 0, "failed_tasks": 0}],
        }),
    );
    assert_eq!(names(&list("?search=alpha").await), ["Alphabet", "alpha"]);
    assert_eq!(names(&list("?search=%25").await), [""; 0]);
    let page = list("?limit=2").await;
    let next = list(&format!("?limit=2&cursor={}", text(&page["next_cursor"]))).await;
    assert_eq!((names(&next), &next["next_cursor"]), (vec!["alpha".to_owned()], &json!(null)));

    let detail = app.get("/api/sessions/beta").await.json(200);
    assert_like(
        &detail,
        &json!({
            "session_id": "beta", "created_at": "<time>", "last_active_at": "<time>", "paused": false, "seq": "<int>",
            "usage": {"tokens_used": 0, "cost_usd": 0.0}, "budget": {"soft": {}, "hard": {}},
            "waves": [{"id": "<uuid>", "session_id": "beta", "wave_number": 0, "name": null, "description": null,
                       "status": "running", "total_tasks": 2, "completed_tasks": 0, "failed_tasks": 0,
                       "failed_optional_tasks": 0, "created_at": "<time>", "started_at": "<time>", "completed_at": null}],
            "batches": [{"id": "<uuid>", "session_id": "beta", "wave_number": 0, "status": "pending", "total_tasks": 2,
                         "completed_tasks": 0, "failed_tasks": 0, "outcome": null, "created_at": "<time>", "completed_at": null}],
        }),
    );
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn an_agent_type_is_added_read_replaced_and_removed(pool: PgPool) {
    let app = App::new(pool).await;
    assert_eq!(app.get("/api/registry").await.json(200)["agents"].as_array().unwrap().len(), 10);
    let path = "/api/registry/rust-engineer";
    app.get(path).await.problem(404, "not_found");
    let body = json!({"display_name": "Rust Engineer", "category": "implementation", "keywords": ["rust", "cargo"],
                      "max_files": 7, "forbidden_actions": ["unsafe code"], "allowed_tools": ["Read"], "model": "opus"});
    let mut wanted = body.clone();
    wanted["agent_type"] = json!("rust-engineer");
    assert_like(&app.body("PUT".parse().unwrap(), path, body.to_string()).await.json(201), &wanted);
    assert_like(&app.get(path).await.json(200), &wanted);
    let plan = app
        .post(
            "/api/orchestration/decompose",
            &json!({"task_description": "Port the parser to rust"}),
        )
        .await
        .json(200);
    assert_eq!(plan["subtasks"][1]["agent_type"], "rust-engineer");
    let bare = app.body("PUT".parse().unwrap(), path, "{}").await.json(200);
    assert_like(
        &bare,
        &json!({"agent_type": "rust-engineer", "display_name": "rust-engineer", "category": "implementation",
        "keywords": [], "max_files": 5, "forbidden_actions": [], "allowed_tools": [], "model": "sonnet"}),
    );
    let delete = || app.send(Request::delete(path).body(Body::empty()).unwrap());
    let gone = delete().await;
    assert_eq!((gone.status.as_u16(), gone.body.len()), (204, 0));
    delete().await.problem(404, "not_found");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn the_event_log_is_read_by_pages_and_channels(pool: PgPool) {
    let app = App::new(pool).await;
    let (batch, ids) = app.running("s", 1).await;
    app.move_to(&ids[0], "completed").await.json(200);
    // Whoever changed something sees it at once.
    let page = app.get("/api/events?limit=1000").await.json(200);
    assert_eq!(page["last_seq"], 5);
    let names: Vec<String> =
        page["events"].as_array().unwrap().iter().map(|event| text(&event["event"])).collect();
    assert_eq!(
        names,
        ["wave.created", "batch.created", "wave.transitioned", "subtask.updated", "wave.completed"]
    );
    assert_like(
        &page["events"][2],
        &json!({"seq": 3, "event": "wave.transitioned", "session_id": "s", "timestamp": "<int>",
        "data": {"session_id": "s", "from": null, "to": 0, "status": "running"}}),
    );
    assert_eq!((&page["next_since"], &page["last_seq"]), (&json!(5), &json!(5)));
    for (query, count) in [
        ("since=4", 1),
        ("since=5", 0),
        ("since=99", 0),
        ("channel=global", 4),
        ("channel=all", 5),
        ("channel=sessions/s", 5),
        ("channel=sessions%2Fs", 5),
        ("channel=agents/Snipper", 1),
        ("limit=2", 2),
    ] {
        let page = app.get(&format!("/api/events?{query}")).await.json(200);
        assert_eq!(page["events"].as_array().unwrap().len(), count, "{query}");
    }
    let of_batch = app.get(&format!("/api/events?channel=batches/{batch}")).await.json(200);
    assert_eq!(of_batch["events"].as_array().unwrap().len(), 2);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn health_says_ok(pool: PgPool) {
    let app = App::new(pool).await;
    for path in ["/health", "/health/ready"] {
        assert_like(&app.get(path).await.json(200), &json!({"status": "ok", "version": "<text>"}));
    }
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_request_id_is_echoed_or_made(pool: PgPool) {
    let app = App::new(pool).await;
    let request =
        Request::get("/health").header("x-request-id", "mine").body(Body::empty()).unwrap();
    assert_eq!(app.send(request).await.header("x-request-id"), "mine");
    let (first, second) = (app.get("/health").await, app.get("/health").await);
    assert_ne!(first.header("x-request-id"), second.header("x-request-id"));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn sessions_are_filtered_by_where_they_stand_and_a_synthesis_is_a_report_when_asked(
    pool: PgPool,
) {
    let app = App::new(pool).await;
    let batch = app
        .post(
            "/api/orchestration/batch-submit",
            &json!({"session_id": "s", "wave_number": 1, "tasks": [{"agent_type": "Snipper", "description": "Rename <it>"}]}),
        )
        .await
        .json(201);
    for (status, count) in [("waiting", 1), ("running", 0), ("failed", 0), ("completed", 0)] {
        let page = app.get(&format!("/api/sessions?status={status}")).await.json(200);
        assert_eq!(page["sessions"].as_array().unwrap().len(), count, "{status}");
    }
    app.get("/api/sessions?status=nonsense").await.problem(422, "invalid");

    let id = batch["batch"]["id"].as_str().unwrap();
    let report = app.get(&format!("/api/orchestration/synthesis/{id}?format=markdown")).await;
    assert_eq!(report.headers["content-type"], "text/markdown; charset=utf-8");
    assert!(report.text().contains("### Snipper – pending"), "{}", report.text());
    app.get(&format!("/api/orchestration/synthesis/{id}?format=pdf")).await.problem(422, "invalid");
}
