//! Decompose, plans and prompts over REST, with the document's own requests.

use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::{App, assert_like, text};

async fn decompose(app: &App) -> Value {
    let body = json!({
        "task_description": "Build a complete user management system with authentication and profiles",
        "session_id": "session-uuid", "constraints": {"max_parallel": 3, "max_total_turns": 50},
    });
    app.post("/api/orchestration/decompose", &body).await.json(200)
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn the_documented_job_becomes_the_documented_plan(pool: PgPool) {
    let app = App::new(pool).await;
    let plan = decompose(&app).await;
    let job = "Build a complete user management system with authentication and profiles";
    let step = |step: i32,
                wave: i32,
                agent: &str,
                verb: &str,
                turns: i32,
                model: &str,
                on: Value| {
        json!({"step": step, "wave": wave, "agent_type": agent, "description": format!("{verb}: {job}"),
               "max_turns": turns, "model": model, "depends_on": on})
    };
    assert_like(
        &plan,
        &json!({
            "plan_id": "<text>",
            "subtasks": [
                step(0, 0, "Explore", "Explore and understand the codebase relevant to", 8, "sonnet", json!([])),
                step(1, 1, "backend-laravel", "Implement", 10, "sonnet", json!([0])),
                step(2, 1, "frontend-react", "Implement", 10, "sonnet", json!([0])),
                step(3, 2, "code-reviewer", "Review and validate changes from", 5, "haiku", json!([1, 2])),
            ],
            "execution_plan": {
                "waves": [{"wave": 0, "parallel": 1, "tasks": [0]}, {"wave": 1, "parallel": 2, "tasks": [1, 2]},
                          {"wave": 2, "parallel": 1, "tasks": [3]}],
                "total_turns": 33, "max_parallel": 3,
            },
            "task_description": job, "session_id": "session-uuid", "created_at": "<time>",
        }),
    );
    let id = text(&plan["plan_id"]);
    let parts: Vec<&str> = id.split('_').collect();
    assert!(
        parts.len() == 3
            && parts[0] == "plan"
            && parts[1].parse::<i64>().is_ok()
            && parts[2].len() == 6,
        "{id}"
    );
    assert_eq!(app.get(&format!("/api/orchestration/plans/{id}")).await.json(200), plan);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_plan_is_launched_as_waves_and_batches(pool: PgPool) {
    let app = App::new(pool).await;
    let id = text(&decompose(&app).await["plan_id"]);
    let launch = format!("/api/orchestration/plans/{id}/launch");
    let launched = app.post(&launch, &json!({"session_id": "s", "first_wave": 4})).await.json(201);
    let wave = |number: i32, tasks: usize| json!({"wave_number": number, "batch_id": "<uuid>", "subtask_ids": vec!["<uuid>"; tasks]});
    let waves = [wave(4, 1), wave(5, 2), wave(6, 1)];
    assert_like(
        &launched,
        &json!({"success": true, "plan_id": id, "session_id": "s", "waves": waves}),
    );
    let batch = app
        .get(&format!("/api/orchestration/batch/{}", text(&launched["waves"][1]["batch_id"])))
        .await
        .json(200);
    assert_eq!(batch["batch"]["subtasks"][0]["status"], "blocked");
    assert_eq!(batch["batch"]["subtasks"][0]["blocked_by"], launched["waves"][0]["subtask_ids"]);
    app.post("/api/orchestration/plans/plan_1_nobody/launch", &json!({"session_id": "s"}))
        .await
        .problem(404, "not_found");
    app.get("/api/orchestration/plans/plan_1_nobody").await.problem(404, "not_found");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn the_documented_prompt_is_crafted_with_the_earlier_waves_work(pool: PgPool) {
    let app = App::new(pool).await;
    let explore =
        json!([{"agent_type": "Explore", "description": "Analyzed authentication requirements"}]);
    let batch = app.submit("session-uuid", 0, explore).await;
    app.start("session-uuid", 0).await;
    let done = json!({"status": "completed", "result": {"summary": "Found existing JWT library, recommended Sanctum"}});
    app.patch(&format!("/api/subtasks/{}", text(&batch["subtask_ids"][0])), &done).await.json(200);
    let body = json!({
        "task_description": "Add user authentication to the API", "agent_type": "backend-laravel",
        "session_id": "session-uuid", "context_budget_tokens": 2000, "wave_number": 1,
        "target_files": ["app/Http/Controllers/AuthController.php", "routes/api.php"],
        "target_directories": ["app/Http/Middleware"],
    });
    let crafted = app.post("/api/orchestration/craft-prompt", &body).await.json(200);
    let prompt = text(&crafted["crafted_prompt"]);
    assert!(prompt.starts_with("# Task for Laravel Backend Developer\n\n## Task\n\nAdd user authentication to the API\n\n## MANDATORY Scope Constraints\n"), "{prompt}");
    let context = "## Previous Wave Context\n\n1 task(s) completed in previous wave(s):\n\n- **Explore** (done): Analyzed authentication requirements\n  Result: Found existing JWT library, recommended Sanctum\n\n## Completion\n";
    assert!(prompt.contains(context), "{prompt}");
    assert!(prompt.contains("**Forbidden Actions**"), "{prompt}");
    for (field, value) in [
        ("max_turns", json!(10)),
        ("model", json!("sonnet")),
        ("complexity", json!("moderate")),
        ("budget_exceeded", json!(false)),
    ] {
        assert_eq!(crafted[field], value, "{field}");
    }
    assert_eq!(
        crafted["scope_directives"],
        json!({
            "target_files": body["target_files"], "target_directories": body["target_directories"], "max_files": 5,
            "forbidden_actions": ["delete migrations", "drop tables"],
        })
    );
    assert!(
        crafted["estimated_tokens"].as_i64().is_some_and(|tokens| tokens > 0 && tokens <= 2000)
    );
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_plan_of_ones_own_is_stored_arranged_forecast_and_launched(pool: PgPool) {
    let app = App::new(pool).await;
    let body = json!({"task_description": "All of it", "max_parallel": 2, "subtasks": [
        {"agent_type": "code-reviewer", "description": "Review", "depends_on": [1, 2]},
        {"agent_type": "Snipper", "description": "Edit", "target_files": ["src/a.rs"]},
        {"agent_type": "Snipper", "description": "Edit more", "target_directories": ["src"], "max_turns": 7,
         "max_files": 2, "forbidden_actions": ["delete"]},
    ]});
    let plan = app.post("/api/orchestration/plans", &body).await.json(201);
    assert_like(
        &plan["subtasks"][2],
        &json!({"step": 2, "wave": 1, "agent_type": "code-reviewer", "description": "Review", "max_turns": "<int>",
                "model": "haiku", "depends_on": [0, 1]}),
    );
    assert_eq!(plan["subtasks"][1]["target_directories"], json!(["src"]));
    assert_eq!(plan["overlaps"], json!([{"wave": 0, "steps": [0, 1], "files": ["src/a.rs"]}]));
    let path = format!("/api/orchestration/plans/{}", text(&plan["plan_id"]));
    assert_eq!(app.get(&path).await.json(200), plan);
    // As it is stored, it can be sent again.
    let mut again = plan.clone();
    again["subtasks"][0]["description"] = json!("Edit less");
    let other = app.post("/api/orchestration/plans", &again).await.json(201);
    assert_ne!(other["plan_id"], plan["plan_id"]);
    assert_eq!(other["subtasks"][0]["description"], "Edit less");
    assert_eq!(other["execution_plan"]["waves"], plan["execution_plan"]["waves"]);

    let launched =
        app.post(&format!("{path}/launch"), &json!({"session_id": "own"})).await.json(201);
    let id = text(&launched["waves"][0]["subtask_ids"][1]);
    let subtask = app.get(&format!("/api/subtasks/{id}")).await.json(200)["subtask"].clone();
    assert_eq!(subtask["target_directories"], json!(["src"]), "{subtask}");
    assert_eq!(subtask["forbidden_actions"], json!(["delete"]), "{subtask}");

    for (field, bad) in [
        ("subtasks", json!({"task_description": "x", "subtasks": []})),
        (
            "subtasks[0].depends_on[0]",
            json!({"task_description": "x", "subtasks": [{"agent_type": "a", "description": "b", "depends_on": [5]}]}),
        ),
        (
            "subtasks",
            json!({"task_description": "x", "subtasks": [
            {"agent_type": "a", "description": "b", "depends_on": [1]}, {"agent_type": "a", "description": "b", "depends_on": [0]}]}),
        ),
        (
            "subtasks[0].target_files[0]",
            json!({"task_description": "x", "subtasks": [{"agent_type": "a", "description": "b", "target_files": ["***********"]}]}),
        ),
        (
            "subtasks[0].max_turns",
            json!({"task_description": "x", "subtasks": [{"agent_type": "a", "description": "b", "max_turns": 31}]}),
        ),
        (
            "max_parallel",
            json!({"task_description": "x", "max_parallel": 6, "subtasks": [{"agent_type": "a", "description": "b"}]}),
        ),
    ] {
        app.post("/api/orchestration/plans", &bad).await.invalid(field);
    }
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_batch_whose_tasks_would_meet_says_so_or_is_refused(pool: PgPool) {
    let app = App::new(pool).await;
    let task = |file: &str| json!({"agent_type": "Snipper", "description": "Edit", "target_files": [file]});
    let body = json!({"session_id": "s", "wave_number": 0, "tasks": [task("src/*.rs"), task("./src/a.rs")]});
    let path = "/api/orchestration/batch-submit";
    let refused =
        app.post(&format!("{path}?on_overlap=reject"), &body).await.problem(409, "scope_overlap");
    assert!(text(&refused["detail"]).contains("src/a.rs"), "{refused}");
    app.post(&format!("{path}?on_overlap=maybe"), &body).await.invalid("query");
    let told = app.post(path, &body).await.json(201);
    assert_eq!(told["warnings"][0]["subtask_ids"], told["batch"]["subtask_ids"]);
    assert_like(
        &told["warnings"],
        &json!([{"code": "scope_overlap", "message": "2 subtasks may touch src/a.rs at the same time.",
                 "subtask_ids": ["<uuid>", "<uuid>"], "files": ["src/a.rs"]}]),
    );
    let put = app.post(&format!("{path}?on_overlap=serialize"), &body).await.json(201);
    assert_eq!(put.get("warnings"), None, "{put}");
}
