//! Values out of range, and text that is out of the ordinary: refused with the field's name, or kept
//! to the letter.

use axum::http::Method;
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::{App, task, text, texts};

const SUBMIT: &str = "/api/orchestration/batch-submit";

fn one(task: Value) -> Value {
    json!({"session_id": "s", "wave_number": 0, "tasks": [task]})
}

fn with(field: &str, value: impl Into<Value>) -> Value {
    let mut task = task("Snipper");
    task[field] = value.into();
    one(task)
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn numbers_out_of_range_are_refused(pool: PgPool) {
    let app = App::new(pool).await;
    let (_, ids) = app.running("r", 1).await;
    let subtask = format!("/api/subtasks/{}", ids[0]);
    for priority in [
        json!(0),
        json!(11),
        json!(-1),
        json!(5.5),
        json!("high"),
        json!("5"),
        json!(4_294_967_301_i64),
        json!(1e30),
    ] {
        app.post(SUBMIT, &with("priority", priority.clone())).await.invalid("priority");
        app.patch(&subtask, &json!({"priority": priority})).await.invalid("priority");
    }
    for number in [
        json!(-1),
        json!(2_147_483_648_i64),
        json!(-2_147_483_649_i64),
        json!(1.5),
        json!("1"),
        json!(1e99),
        json!(u64::MAX),
    ] {
        let mut body = with("priority", 5);
        body["wave_number"] = number.clone();
        app.post(SUBMIT, &body).await.invalid("wave_number");
        let wave = json!({"wave_number": number});
        app.post("/api/waves/s/create", &wave).await.invalid("wave_number");
        let started = app.post("/api/waves/s/start", &wave).await;
        assert!([404, 422].contains(&started.status.as_u16()), "{started:?}");
        started.any_problem();
        let craft = json!({"task_description": "x", "agent_type": "x", "wave_number": number});
        app.post("/api/orchestration/craft-prompt", &craft).await.invalid("wave_number");
    }
    let cases = [
        (
            "craft-prompt",
            json!({"task_description": "x", "agent_type": "x", "context_budget_tokens": 99}),
            "context_budget_tokens",
        ),
        (
            "decompose",
            json!({"task_description": "x", "constraints": {"max_parallel": 0}}),
            "max_parallel",
        ),
        (
            "decompose",
            json!({"task_description": "x", "constraints": {"max_parallel": 6}}),
            "max_parallel",
        ),
        (
            "decompose",
            json!({"task_description": "x", "constraints": {"max_total_turns": 4}}),
            "max_total_turns",
        ),
        (
            "decompose",
            json!({"task_description": "x", "constraints": {"max_total_turns": 201}}),
            "max_total_turns",
        ),
    ];
    for (route, body, field) in cases {
        app.post(&format!("/api/orchestration/{route}"), &body).await.invalid(field);
    }
    let action = json!({"session_id": "s", "tool_name": "x", "duration_ms": -1});
    app.post("/api/actions", &action).await.invalid("duration_ms");
    app.post(
        "/api/actions",
        &json!({"session_id": "s", "tool_name": "x", "exit_code": 1_i64 << 40}),
    )
    .await
    .invalid("exit_code");
    app.body(Method::PUT, "/api/registry/x", "{\"max_files\": 0}").await.invalid("max_files");
    app.body(Method::PUT, "/api/registry/x", "{\"max_files\": 1001}").await.invalid("max_files");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn the_highest_wave_number_works_everywhere(pool: PgPool) {
    let app = App::new(pool).await;
    let highest = i32::MAX;
    app.submit("s", highest, json!([task("Snipper")])).await;
    app.start("s", highest).await;
    assert_eq!(
        app.get(&format!("/api/subtasks?wave={highest}")).await.json(200)["subtasks"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    let plan =
        app.post("/api/orchestration/decompose", &json!({"task_description": "x"})).await.json(200);
    let launch = format!("/api/orchestration/plans/{}/launch", text(&plan["plan_id"]));
    app.post(&launch, &json!({"session_id": "s"})).await.any_problem();
    app.post(&launch, &json!({"session_id": "t", "first_wave": highest}))
        .await
        .invalid("first_wave");
    let craft = json!({"task_description": "x", "agent_type": "x", "session_id": "s", "wave_number": highest});
    app.post("/api/orchestration/craft-prompt", &craft).await.json(200);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_batch_has_from_one_to_five_thousand_tasks(pool: PgPool) {
    let app = App::new(pool).await;
    let tasks = |count: usize| json!({"session_id": "s", "wave_number": 0, "tasks": vec![task("Snipper"); count]});
    app.post(SUBMIT, &tasks(0)).await.invalid("tasks");
    app.post(SUBMIT, &tasks(5_001)).await.invalid("tasks");
    app.post(SUBMIT, &tasks(10_000)).await.invalid("tasks");
    let batch = app.post(SUBMIT, &tasks(5_000)).await.json(201)["batch"].clone();
    assert_eq!(texts(&batch["subtask_ids"]).len(), 5_000);
    let read = app.get(&format!("/api/orchestration/batch/{}", text(&batch["id"]))).await.json(200);
    assert_eq!(read["batch"]["subtasks"].as_array().unwrap().len(), 5_000);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_description_of_a_hundred_thousand_characters_is_kept_and_one_more_is_refused(
    pool: PgPool,
) {
    let app = App::new(pool).await;
    for letter in ["x", "ß", "\u{1f600}"] {
        let longest = letter.repeat(100_000);
        let batch = app.post(SUBMIT, &with("description", longest.clone())).await.json(201);
        let read = app
            .get(&format!("/api/subtasks/{}", text(&batch["batch"]["subtask_ids"][0])))
            .await
            .json(200);
        assert!(read["subtask"]["description"] == json!(longest));
        let longer = json!(longest + letter);
        app.post(SUBMIT, &with("description", longer.clone())).await.invalid("description");
        app.post("/api/orchestration/decompose", &json!({"task_description": longer}))
            .await
            .invalid("task_description");
        let craft = json!({"task_description": longer, "agent_type": "x"});
        app.post("/api/orchestration/craft-prompt", &craft).await.invalid("task_description");
        app.post("/api/waves/s/create", &json!({"wave_number": 0, "description": longer}))
            .await
            .invalid("description");
    }
    let decomposed = app
        .post("/api/orchestration/decompose", &json!({"task_description": "x ".repeat(50_000)}))
        .await
        .json(200);
    let launch = format!("/api/orchestration/plans/{}/launch", text(&decomposed["plan_id"]));
    app.post(&launch, &json!({"session_id": "long"})).await.json(201);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn nul_characters_are_refused_wherever_text_is_taken(pool: PgPool) {
    let app = App::new(pool).await;
    let (_, ids) = app.running("s", 1).await;
    let subtask = format!("/api/subtasks/{}", ids[0]);
    for field in ["description", "agent_type", "task_id"] {
        app.post(SUBMIT, &with(field, "a\0b")).await.invalid(field);
    }
    for snapshot in [json!({"a": "\0"}), json!({"\0": 1}), json!({"a": [{"b\0": [1]}]})] {
        app.post(SUBMIT, &with("context_snapshot", snapshot.clone()))
            .await
            .invalid("context_snapshot");
        app.patch(&subtask, &json!({"result": snapshot})).await.invalid("result");
        app.patch(&subtask, &json!({"context_snapshot": snapshot}))
            .await
            .invalid("context_snapshot");
        for field in ["input", "output", "metadata"] {
            let mut action = json!({"session_id": "s", "tool_name": "x"});
            action[field] = snapshot.clone();
            app.post("/api/actions", &action).await.invalid(field);
        }
    }
    app.patch(&subtask, &json!({"agent_id": "\0"})).await.invalid("agent_id");
    app.post(SUBMIT, &with("blocked_by", json!(["\0"]))).await.invalid("blocked_by");
    for field in ["session_id", "tool_name", "tool_type", "agent_id"] {
        let mut action = json!({"session_id": "s", "tool_name": "x"});
        action[field] = json!("a\0");
        app.post("/api/actions", &action).await.invalid(field);
    }
    app.post("/api/actions", &json!({"session_id": "s", "tool_name": "x", "file_paths": ["a\0"]}))
        .await
        .invalid("file_paths");
    for field in
        ["task_description", "agent_type", "session_id", "target_files", "target_directories"]
    {
        let mut body = json!({"task_description": "x", "agent_type": "x"});
        body[field] = if field.starts_with("target") { json!(["\0a"]) } else { json!("\0a") };
        app.post("/api/orchestration/craft-prompt", &body).await.invalid(field);
    }
    for field in ["task_description", "session_id"] {
        let mut body = json!({"task_description": "x"});
        body[field] = json!("\0a");
        app.post("/api/orchestration/decompose", &body).await.invalid(field);
    }
    for field in ["name", "description"] {
        let mut body = json!({"wave_number": 0});
        body[field] = json!("\0a");
        app.post("/api/waves/s/create", &body).await.invalid(field);
    }
    for field in ["display_name", "category", "keywords", "forbidden_actions", "allowed_tools"] {
        let value = if field.ends_with('s') { json!(["\0a"]) } else { json!("\0a") };
        app.body(Method::PUT, "/api/registry/x", json!({field: value}).to_string())
            .await
            .invalid(field);
    }
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn unusual_text_is_kept_to_the_letter(pool: PgPool) {
    let app = App::new(pool).await;
    let unusual = [
        "'; DROP TABLE subtasks; --",
        "\" OR 1=1 /*",
        "$1 $$ \\ %s %_",
        "<script>alert('x')</script>",
        "&amp; &lt;b&gt;",
        "</textarea><img src=x onerror=alert(1)>",
        "{{7*7}} ${jndi:x}",
        "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467} \u{1f600}",
        "\u{05e9}\u{05dc}\u{05d5}\u{05dd} \u{202e}abc\u{202c} \u{0645}\u{0631}\u{062d}\u{0628}\u{0627}",
        "e\u{301} \u{fb01} \u{ff21}\u{200b}",
        "\u{fffd} \u{ffff} \u{10ffff} \u{feff}",
        "line\nbreak\ttab\r\n",
        "  spaces  ",
        "null",
        "a\u{1}b\u{7f}c",
    ];
    for text_ in unusual {
        let named: String = text_.chars().filter(|c| !c.is_control()).collect();
        let result = json!({"summary": text_, "files": [named], "nested": {text_: [text_]}});
        let task = json!({"agent_type": named, "description": text_, "task_id": named, "context_snapshot": {"k": text_}});
        let body = json!({"session_id": named, "wave_number": 0, "tasks": [task]});
        let batch = app.post(SUBMIT, &body).await.json(201)["batch"].clone();
        assert_eq!(batch["session_id"], named);
        let encoded: String = named.bytes().map(|byte| format!("%{byte:02X}")).collect();
        app.post(&format!("/api/waves/{encoded}/start"), &json!({"wave_number": 0}))
            .await
            .json(200);
        let path = format!("/api/subtasks/{}", text(&batch["subtask_ids"][0]));
        let done = json!({"status": "completed", "result": result, "agent_id": named});
        app.patch(&path, &done).await.json(200);
        let kept = app.get(&path).await.json(200)["subtask"].clone();
        assert_eq!(kept["description"], text_);
        assert_eq!(
            (&kept["agent_type"], &kept["task_id"], &kept["agent_id"]),
            (&json!(named), &json!(named), &json!(named))
        );
        assert_eq!((&kept["result"], &kept["context_snapshot"]), (&result, &json!({"k": text_})));
        let list = app
            .get(&format!("/api/subtasks?session={encoded}&agent_type={encoded}"))
            .await
            .json(200);
        assert_eq!(list["subtasks"], json!([kept]));
        let session = app.get(&format!("/api/sessions/{encoded}")).await.json(200);
        assert_eq!(
            (&session["session_id"], session["waves"].as_array().unwrap().len()),
            (&json!(named), 1)
        );
        let found = app.get(&format!("/api/sessions?search={encoded}")).await.json(200);
        assert_eq!(found["sessions"][0]["session_id"], named);
        let action = json!({"session_id": named, "tool_name": named, "input": {text_: text_}, "output": text_, "file_paths": [named]});
        let recorded = app.post("/api/actions", &action).await.json(201)["action"].clone();
        assert_eq!(
            (&recorded["input"], &recorded["output"]),
            (&action["input"], &action["output"])
        );
        let actions = app.get(&format!("/api/actions?session={encoded}")).await.json(200);
        assert_eq!(actions["actions"], json!([recorded]));
        let synthesis = app
            .poke(&format!("/api/orchestration/batch/{}/complete", text(&batch["id"])))
            .await
            .json(200);
        assert_eq!(synthesis["synthesis"]["results"][0]["agent"], named);
    }
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn numbers_in_results_are_kept(pool: PgPool) {
    let app = App::new(pool).await;
    let (_, ids) = app.running("s", 1).await;
    let result = json!({"big": 9_007_199_254_740_993_i64, "max": u64::MAX, "small": -0.000_000_1, "zero": 0, "e": 1.5e300, "list": [1, -1]});
    let path = format!("/api/subtasks/{}", ids[0]);
    app.patch(&path, &json!({"result": result})).await.json(200);
    assert_eq!(app.get(&path).await.json(200)["subtask"]["result"], result);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn names_have_from_one_to_two_hundred_characters_and_none_that_control(pool: PgPool) {
    let app = App::new(pool).await;
    for wrong in ["", " ", "\t", &"x".repeat(201), "a\nb", "a\u{1b}b", "a\u{85}b"] {
        let mut body = with("priority", 5);
        body["session_id"] = json!(wrong);
        app.post(SUBMIT, &body).await.invalid("session_id");
        app.post(SUBMIT, &with("agent_type", wrong)).await.invalid("agent_type");
    }
    for empty in ["", " \n"] {
        app.post(SUBMIT, &with("description", empty)).await.invalid("description");
    }
    let longest = "\u{1f600}".repeat(200);
    let mut body = with("agent_type", longest.clone());
    body["session_id"] = json!(longest);
    app.post(SUBMIT, &body).await.json(201);
    let many: Vec<i32> = vec![0; 1_001];
    app.post(SUBMIT, &with("blocked_by", json!(many))).await.invalid("blocked_by");
    let large = json!({"text": "x".repeat(1_048_576)});
    app.post(SUBMIT, &with("context_snapshot", large)).await.invalid("context_snapshot");
}
