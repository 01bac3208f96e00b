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
