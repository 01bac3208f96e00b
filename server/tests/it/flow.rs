//! The document's "Full Orchestration Flow", with everything it answers.

use serde_json::json;
use sqlx::PgPool;

use crate::support::{App, assert_like, text, texts};

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn the_documented_flow_answers_as_documented(pool: PgPool) {
    let app = App::new(pool).await;

    let created =
        app.post("/api/waves/session-abc/create", &json!({"wave_number": 1})).await.json(201);
    let mut wave = json!({
        "id": "<uuid>", "session_id": "session-abc", "wave_number": 1, "name": null, "description": null,
        "status": "pending", "total_tasks": 0, "completed_tasks": 0, "failed_tasks": 0,
        "failed_optional_tasks": 0, "created_at": "<time>", "started_at": null, "completed_at": null,
    });
    assert_like(&created, &json!({"success": true, "wave": wave}));

    let tasks = json!([
        {"task_id": "task-uuid-1", "agent_type": "backend-laravel", "description": "Create User CRUD endpoints", "priority": 8},
        {"task_id": "task-uuid-2", "agent_type": "frontend-react", "description": "Build user management UI", "priority": 7},
    ]);
    let body = json!({"session_id": "session-abc", "wave_number": 1, "tasks": tasks});
    let submitted = app.post("/api/orchestration/batch-submit", &body).await.json(201);
    let mut batch = json!({
        "id": "<uuid>", "session_id": "session-abc", "wave_number": 1, "status": "pending", "total_tasks": 2,
        "completed_tasks": 0, "failed_tasks": 0, "outcome": null, "created_at": "<time>", "completed_at": null,
        "subtask_ids": ["<uuid>", "<uuid>"],
    });
    assert_like(&submitted, &json!({"success": true, "batch": batch}));
    let id = text(&submitted["batch"]["id"]);
    let ids = texts(&submitted["batch"]["subtask_ids"]);

    let started = app.start("session-abc", 1).await;
    wave["status"] = json!("running");
    wave["total_tasks"] = json!(2);
    wave["started_at"] = json!("<time>");
    assert_like(&started, &json!({"success": true, "wave": wave}));

    // An agent works, and reports.
    let claim = json!({"status": "running", "agent_id": "agent-7"});
    app.patch(&format!("/api/subtasks/{}", ids[0]), &claim).await.json(200);
    let result = json!({"files": ["app/Http/Controllers/UserController.php"], "summary": "Created CRUD endpoints"});
    let done = app
        .patch(
            &format!("/api/subtasks/{}", ids[0]),
            &json!({"status": "completed", "result": result}),
        )
        .await;
    let first = json!({
        "id": ids[0], "task_id": "task-uuid-1", "batch_id": id, "session_id": "session-abc", "wave_number": 1,
        "agent_type": "backend-laravel", "agent_id": "agent-7", "description": "Create User CRUD endpoints",
        "status": "completed", "priority": 8, "optional": false, "blocked_by": [], "open_blockers": 0,
        "result": result, "retry_count": 0, "created_at": "<time>", "started_at": "<time>",
        "completed_at": "<time>", "updated_at": "<time>",
    });
    assert_like(&done.json(200), &json!({"success": true, "subtask": first}));

    let read = app.get(&format!("/api/orchestration/batch/{id}")).await.json(200);
    let second = json!({
        "id": ids[1], "task_id": "task-uuid-2", "batch_id": id, "session_id": "session-abc", "wave_number": 1,
        "agent_type": "frontend-react", "description": "Build user management UI", "status": "pending",
        "priority": 7, "optional": false, "blocked_by": [], "open_blockers": 0, "retry_count": 0,
        "created_at": "<time>", "updated_at": "<time>",
    });
    batch.as_object_mut().unwrap().remove("subtask_ids");
    batch["status"] = json!("running");
    batch["completed_tasks"] = json!(1);
    batch["subtasks"] = json!([first, second]);
    assert_like(&read, &json!({"batch": batch}));

    // The document completes the batch while a subtask is open: an honest snapshot.
    let complete = format!("/api/orchestration/batch/{id}/complete");
    let snapshot = app.poke(&complete).await.json(200);
    assert_eq!((&snapshot["success"], &snapshot["open_tasks"]), (&json!(true), &json!(1)));
    assert_eq!(
        (&snapshot["status"], &snapshot["synthesis"]["next_wave_ready"]),
        (&json!("running"), &json!(false))
    );
    app.poke(&format!("{complete}?strict=true")).await.problem(409, "open_subtasks");

    let result =
        json!({"files": ["./src//types/user.ts", "app/Http/Controllers/UserController.php"]});
    let body = json!({"status": "completed", "result": result});
    app.patch(&format!("/api/subtasks/{}", ids[1]), &body).await.json(200);
    let completed = app.poke(&complete).await.json(200);
    let conflict = json!({
        "type": "file_conflict", "severity": "high", "agents": ["backend-laravel", "frontend-react"],
        "subtask_ids": [ids[0], ids[1]], "files": ["app/Http/Controllers/UserController.php"],
        "description": "Multiple agents modified the same file: app/Http/Controllers/UserController.php",
    });
    let synthesis = json!({
        "summary": "Wave 1: 2/2 tasks completed. 2 files modified, 1 conflicts.",
        "results": [
            {"agent": "backend-laravel", "agent_id": "agent-7", "subtask_id": ids[0], "status": "completed",
             "files": ["app/Http/Controllers/UserController.php"], "summary": "Created CRUD endpoints", "duration_ms": "<int>"},
            {"agent": "frontend-react", "agent_id": null, "subtask_id": ids[1], "status": "completed",
             "files": ["src/types/user.ts", "app/Http/Controllers/UserController.php"],
             "summary": "Build user management UI", "duration_ms": null},
        ],
        "conflicts": [conflict], "files_changed": ["app/Http/Controllers/UserController.php", "src/types/user.ts"],
        "next_wave_ready": true, "blockers": [], "tokens_saved": 1400, "tokens_saved_measured": "<int>",
        "stats": {"total_tasks": 2, "completed": 2, "failed": 0, "files_modified": 2,
                  "avg_duration_ms": "<int>", "total_duration_ms": "<int>"},
        "outcome": "succeeded",
    });
    let wanted =
        json!({"success": true, "synthesis": synthesis, "status": "completed", "open_tasks": 0});
    assert_like(&completed, &wanted);
    assert_eq!(app.poke(&complete).await.json(200), completed);
    let bare = app.get(&format!("/api/orchestration/synthesis/{id}")).await.json(200);
    assert_eq!(bare, completed["synthesis"]);

    let conflicts = app.get(&format!("/api/orchestration/conflicts/{id}")).await.json(200);
    assert_like(&conflicts, &json!({"batch_id": id, "conflicts": [conflict], "conflict_count": 1}));

    app.poke("/api/waves/session-abc/transition").await.problem(404, "not_found");
    app.post("/api/waves/session-abc/create", &json!({"wave_number": 2})).await.json(201);
    let moved = app.poke("/api/waves/session-abc/transition").await.json(200);
    wave["wave_number"] = json!(2);
    wave["total_tasks"] = json!(0);
    assert_like(&moved, &json!({"success": true, "wave": wave, "from": 1, "to": 2}));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_stuck_wave_is_freed_as_the_troubleshooting_says(pool: PgPool) {
    let app = App::new(pool).await;
    let (id, ids) = app.running("s", 2).await;
    app.move_to(&ids[0], "completed").await.json(200);
    assert_eq!(app.get("/api/waves/s/current").await.json(200)["wave"]["status"], "running");
    let batch = app.get(&format!("/api/orchestration/batch/{id}")).await.json(200);
    assert_eq!(batch["batch"]["subtasks"][1]["status"], "pending");
    app.move_to(&ids[1], "completed").await.json(200);
    let history = app.get("/api/waves/s/history").await.json(200);
    assert_eq!(
        (&history["waves"][0]["status"], &history["count"]),
        (&json!("completed"), &json!(1))
    );
}
