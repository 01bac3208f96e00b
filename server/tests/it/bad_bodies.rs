//! Bodies that are not what a route takes: always a 4xx problem, whatever the route.

use axum::{
    body::Body,
    http::{Method, Request, header},
};
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::{App, task, text};

/// A route that takes a body, with one that it accepts.
struct Route {
    method: Method,
    path: String,
    body: Value,
    required: &'static [&'static str],
    /// Fields that take any JSON.
    free: &'static [&'static str],
}

fn post(path: &str, body: Value, required: &'static [&'static str]) -> Route {
    Route { method: Method::POST, path: path.to_owned(), body, required, free: &[] }
}

/// Every route that takes a body.
async fn routes(app: &App) -> Vec<Route> {
    let batch = app.submit("s", 0, json!([task("Snipper")])).await;
    let id = text(&batch["subtask_ids"][0]);
    let plan = app
        .post("/api/orchestration/decompose", &json!({"task_description": "Do it"}))
        .await
        .json(200);
    let submitted = json!({"session_id": "s", "wave_number": 0, "tasks": [task("Snipper")]});
    let scope = json!({"task_description": "Do it", "agent_type": "Snipper", "session_id": "s", "target_files": ["a"],
                       "target_directories": ["b"], "context_budget_tokens": 2000, "wave_number": 1});
    let job = json!({"task_description": "Do it", "session_id": "s", "constraints": {"max_parallel": 3, "max_total_turns": 50}});
    let wave = json!({"wave_number": 1, "name": "Build", "description": "It"});
    let change = json!({"agent_id": "a", "priority": 5, "result": {"a": 1}, "context_snapshot": {"a": 1}, "blocked_by": [], "status": "pending"});
    let action = json!({"session_id": "s", "subtask_id": id, "agent_id": "a", "tool_name": "Edit", "tool_type": "write", "input": 1,
                        "output": 2, "file_paths": ["a"], "exit_code": 0, "duration_ms": 5, "metadata": {"a": 1}});
    let agent = json!({"display_name": "A", "category": "b", "keywords": ["c"], "max_files": 5, "forbidden_actions": ["d"],
                       "allowed_tools": ["e"], "model": "opus"});
    vec![
        post("/api/orchestration/batch-submit", submitted, &["session_id", "wave_number", "tasks"]),
        post("/api/orchestration/craft-prompt", scope, &["task_description", "agent_type"]),
        post("/api/orchestration/decompose", job, &["task_description"]),
        post(
            &format!("/api/orchestration/plans/{}/launch", text(&plan["plan_id"])),
            json!({"session_id": "l", "first_wave": 7}),
            &["session_id"],
        ),
        post("/api/waves/s/create", wave, &["wave_number"]),
        Route { free: &["input", "output"], ..post("/api/actions", action, &["tool_name"]) },
        Route { method: Method::PUT, ..post("/api/registry/mine", agent, &[]) },
        Route { method: Method::PATCH, ..post(&format!("/api/subtasks/{id}"), change, &[]) },
        // Last: it can be started once only.
        post("/api/waves/s/start", json!({"wave_number": 0, "force": false}), &["wave_number"]),
    ]
    .into_iter()
    .chain(routes_of_agents(app).await)
    .collect()
}

/// Those of agents at work.
async fn routes_of_agents(app: &App) -> Vec<Route> {
    let (_, held) = app.running("held", 1).await;
    let claim = json!({"agent_id": "a", "session_id": "held", "agent_types": ["Snipper"], "max": 1, "lease_seconds": 600,
                       "wait_seconds": 0});
    let token =
        app.post("/api/subtasks/claim", &claim).await.json(200)["claims"][0]["lease"]["token"]
            .clone();
    let (_, failed) = app.running("retried", 1).await;
    app.move_to(&failed[0], "failed").await.json(200);
    app.submit("cancelled", 0, json!([task("Snipper")])).await;
    app.post("/api/waves/approved/create", &json!({"wave_number": 0, "requires_approval": true}))
        .await
        .json(201);
    let step = json!({"agent_type": "Snipper", "description": "Do it"});
    let plan = json!({"task_description": "Do it", "session_id": "s", "max_parallel": 2, "subtasks": [step]});
    let reserve = json!({"session_id": "held", "agent_id": "a", "subtask_id": held[0], "paths": ["a.rs"], "ttl_seconds": 60});
    let hook = json!({"session_id": "c", "hook_event_name": "PostToolUse", "cwd": "/p", "project_dir": "/p", "agent_id": "a",
                      "agent_type": "b", "tool_name": "Write", "tool_input": {"file_path": "/p/a"}, "tool_response": {},
                      "error": "e", "prompt": "p", "last_assistant_message": "m", "stop_hook_active": false});
    let budget = json!({"soft": {"tokens_used": 1}, "hard": {"cost_usd": 2.5}});
    vec![
        post("/api/orchestration/plans", plan, &["task_description", "subtasks"]),
        post("/api/subtasks/claim", claim, &["agent_id"]),
        post(
            &format!("/api/subtasks/{}/heartbeat", held[0]),
            json!({"token": token, "lease_seconds": 60}),
            &["token"],
        ),
        post("/api/files/reserve", reserve, &["session_id", "agent_id", "paths"]),
        post(
            "/api/files/release",
            json!({"session_id": "held", "agent_id": "a", "paths": ["a.rs"]}),
            &["session_id", "agent_id"],
        ),
        Route {
            free: &["tool_input", "tool_response"],
            ..post("/api/hooks/claude-code", hook, &["session_id"])
        },
        Route { method: Method::PUT, ..post("/api/sessions/held/budget", budget, &[]) },
        post("/api/waves/retried/retry-failed", json!({"wave_number": 0}), &["wave_number"]),
        post(
            "/api/waves/cancelled/cancel",
            json!({"wave_number": 0, "reason": "r"}),
            &["wave_number"],
        ),
        // Last: it is said once only.
        post(
            "/api/waves/approved/approve",
            json!({"wave_number": 0, "approved": true, "comment": "c", "by": "me"}),
            &["wave_number"],
        ),
    ]
}

/// Those that need no body.
async fn routes_without(app: &App) -> Vec<Route> {
    let batch = app.submit("without", 0, json!([task("Snipper")])).await;
    let why = json!({"reason": "r"});
    vec![
        post("/api/waves/without/transition", json!({"force": false}), &[]),
        post(&format!("/api/orchestration/batch/{}/cancel", text(&batch["id"])), why.clone(), &[]),
        post(&format!("/api/subtasks/{}/cancel", text(&batch["subtask_ids"][0])), why, &[]),
    ]
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn every_route_that_takes_a_body_is_tried_here(pool: PgPool) {
    let app = App::new(pool).await;
    let shape = |path: &str| -> Vec<String> { path.split('/').map(str::to_owned).collect() };
    let mut tried: Vec<(String, Vec<String>)> = Vec::new();
    for route in routes(&app).await.into_iter().chain(routes_without(&app).await) {
        tried.push((route.method.as_str().to_lowercase(), shape(&route.path)));
    }
    let documented = app.get("/api/openapi.json").await.json(200);
    for (path, methods) in documented["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let is_tried = tried.iter().any(|(tried, route)| {
                let documented = shape(path);
                tried == method
                    && route.len() == documented.len()
                    && documented.iter().zip(route).all(|(a, b)| a.starts_with('{') || a == b)
            });
            assert!(operation.get("requestBody").is_none() || is_tried, "{method} {path}");
        }
    }
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn what_is_not_json_is_refused(pool: PgPool) {
    let app = App::new(pool).await;
    let deep =
        |open: &str, close: &str| format!("{}1{}", open.repeat(10_000), close.repeat(10_000));
    let must = routes(&app).await.into_iter().map(|route| (route, true));
    let may = routes_without(&app).await.into_iter().map(|route| (route, false));
    for (Route { method, path, body, .. }, needed) in must.chain(may) {
        let whole = body.to_string();
        let field = body.as_object().unwrap().keys().next().unwrap();
        let mut malformed = vec![
            "{".to_owned(),
            "}".to_owned(),
            "{'a': 1}".to_owned(),
            "nul".to_owned(),
            "\u{feff}{}".to_owned(),
            "   ".to_owned(),
            "{\"\\ud83d\": 1}".to_owned(),
            deep("[", "]"),
            deep(&format!("{{\"{field}\":["), "]}"),
            "[".repeat(10_000),
            format!("{whole} trailing"),
            format!("{whole}{whole}"),
            whole[..whole.len() - 1].to_owned(),
        ];
        for value in [
            "NaN",
            "1,",
            "1e999999",
            "\"\\ud800\"",
            "\"\\udc00x\"",
            "\"\\x00\"",
            "\"\u{1}\"",
            "\"\\u12\"",
        ] {
            malformed.push(format!("{{\"{field}\": {value}}}"));
        }
        if needed {
            malformed.push(String::new());
        }
        for body in malformed {
            let answer = app.body(method.clone(), &path, body.clone()).await;
            let problem = answer.any_problem();
            assert!([400, 422].contains(&answer.status.as_u16()), "{path} {body:.80}: {problem}");
        }
        // Whatever its beginning would be taken for.
        for body in ["[", "[1,", "1x", "{\"session_id\": 1, \"wave", "{\"wave_number\": [], "] {
            app.body(method.clone(), &path, body).await.problem(400, "malformed_json");
        }
        app.body(method.clone(), &path, b"{\"\xff\xfe".to_vec()).await.any_problem();
        app.body(method.clone(), &path, "{").await.problem(400, "malformed_json");
    }
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn deep_nesting_inside_a_free_field_is_refused(pool: PgPool) {
    let app = App::new(pool).await;
    let (_, ids) = app.running("s", 1).await;
    let deep = format!("{}1{}", "{\"a\":".repeat(10_000), "}".repeat(10_000));
    let path = format!("/api/subtasks/{}", ids[0]);
    app.body(Method::PATCH, &path, format!("{{\"result\": {deep}}}")).await.any_problem();
    let action = format!("{{\"session_id\": \"s\", \"tool_name\": \"x\", \"input\": {deep}}}");
    app.body(Method::POST, "/api/actions", action).await.any_problem();
    // Unknown fields are ignored, but not at any price.
    let unknown = format!("{{\"wave_number\": 9, \"x\": {deep}}}");
    let answer = app.body(Method::POST, "/api/waves/s/create", unknown).await;
    assert!(answer.status.is_client_error() || answer.status == 201, "{answer:?}");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn another_content_type_or_none_is_refused(pool: PgPool) {
    let app = App::new(pool).await;
    for Route { method, path, body, .. } in routes(&app).await {
        let kinds = [
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "application/xml",
            "json",
            "",
        ];
        for kind in kinds.map(Some).into_iter().chain([None]) {
            let mut request = Request::builder().method(&method).uri(&path);
            if let Some(kind) = kind {
                request = request.header(header::CONTENT_TYPE, kind);
            }
            let answer = app.send(request.body(Body::from(body.to_string())).unwrap()).await;
            answer.problem(415, "unsupported_media_type");
        }
    }
    for kind in
        ["application/json; charset=utf-8", "Application/JSON", "application/merge-patch+json"]
    {
        let request = Request::post("/api/waves/typed/create").header(header::CONTENT_TYPE, kind);
        let answer = app.send(request.body(Body::from("{\"wave_number\": 1}")).unwrap()).await;
        assert!(answer.status.is_success(), "{kind}: {answer:?}");
    }
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_body_that_is_no_object_is_refused(pool: PgPool) {
    let app = App::new(pool).await;
    let all = routes(&app).await.into_iter().chain(routes_without(&app).await);
    for Route { method, path, body, .. } in all {
        // Its values in order are not the object either.
        let values = json!(body.as_object().unwrap().values().collect::<Vec<_>>()).to_string();
        for body in ["null", "[]", "[{}]", "1", "\"text\"", "true", "[null, 1]", &values] {
            let answer = app.body(method.clone(), &path, body.to_owned()).await;
            answer.problem(422, "invalid");
        }
    }
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn every_field_of_the_wrong_type_is_named(pool: PgPool) {
    let app = App::new(pool).await;
    for Route { method, path, body, free, .. } in routes(&app).await {
        for field in
            body.as_object().unwrap().keys().filter(|field| !free.contains(&field.as_str()))
        {
            for wrong in [
                json!(null),
                json!(true),
                json!("no such value"),
                json!(5.5),
                json!({}),
                json!([]),
                json!([null]),
                json!({"max_parallel": "x"}),
            ] {
                let of_the_right_type = match &body[field] {
                    Value::String(_) => {
                        wrong.is_string() && !["status", "model", "subtask_id"].contains(&&**field)
                    }
                    Value::Object(_) => {
                        wrong.is_object() && (field != "constraints" || wrong == json!({}))
                    }
                    Value::Array(_) => wrong == json!([]) && field != "tasks",
                    right => wrong.is_boolean() && right.is_boolean(),
                };
                if of_the_right_type {
                    continue;
                }
                let mut changed = body.clone();
                changed[field] = wrong.clone();
                let answer = app.body(method.clone(), &path, changed.to_string()).await;
                // Absent and null mean the same where a field may be absent.
                if wrong.is_null() && answer.status.is_success() {
                    continue;
                }
                let problem = answer.invalid(field);
                assert!(
                    text(&problem["error"]).contains(field.as_str()),
                    "{path} {field} {wrong}: {problem}"
                );
            }
        }
    }
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn every_required_field_that_is_missing_is_named(pool: PgPool) {
    let app = App::new(pool).await;
    for Route { method, path, body, required, .. } in routes(&app).await {
        for field in required {
            let mut changed = body.clone();
            changed.as_object_mut().unwrap().remove(*field);
            let problem =
                app.body(method.clone(), &path, changed.to_string()).await.problem(422, "invalid");
            assert!(text(&problem["error"]).contains(field), "{path} {field}: {problem}");
        }
        if method == Method::PATCH {
            app.body(method.clone(), &path, "{}").await.problem(422, "invalid");
            app.body(method, &path, "{\"unknown\": 1}").await.problem(422, "invalid");
        }
    }
    for field in ["agent_type", "description"] {
        let mut one = task("Snipper");
        one.as_object_mut().unwrap().remove(field);
        let body = json!({"session_id": "s", "wave_number": 0, "tasks": [task("Snipper"), one]});
        app.post("/api/orchestration/batch-submit", &body).await.invalid("tasks[1]");
    }
    app.post("/api/actions", &json!({"tool_name": "Bash"})).await.invalid("session_id");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn unknown_fields_are_ignored(pool: PgPool) {
    let app = App::new(pool).await;
    for Route { method, path, mut body, .. } in routes(&app).await {
        body["unknown"] = json!({"deeply": [{"unknown": null}]});
        let answer = app.body(method, &path, body.to_string()).await;
        assert!(answer.status.is_success(), "{answer:?}");
    }
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn duplicate_keys_are_refused_or_the_last_one_counts(pool: PgPool) {
    let app = App::new(pool).await;
    for Route { method, path, body, .. } in routes(&app).await {
        let whole = body.to_string();
        let twice = format!("{{{},{}}}", &whole[1..whole.len() - 1], &whole[1..whole.len() - 1]);
        let answer = app.body(method, &path, twice).await;
        assert!(
            answer.status.is_success() || answer.any_problem()["code"] == "invalid",
            "{answer:?}"
        );
    }
    let (_, ids) = app.running("t", 1).await;
    let body = "{\"result\": {\"a\": 1, \"a\": 2}}";
    let answer =
        app.body(Method::PATCH, &format!("/api/subtasks/{}", ids[0]), body).await.json(200);
    assert_eq!(answer["subtask"]["result"], json!({"a": 2}));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_body_above_the_limit_is_refused_whether_or_not_it_says_its_length(pool: PgPool) {
    let app = App::new(pool).await;
    let large = "x".repeat(5 * 1024 * 1024);
    for Route { method, path, mut body, .. } in routes(&app).await {
        body["unknown"] = json!(large);
        app.body(method.clone(), &path, body.to_string()).await.problem(413, "too_large");
        let chunks = vec![Ok::<_, std::io::Error>(body.to_string().into_bytes())];
        app.body(method, &path, Body::from_stream(futures::stream::iter(chunks)))
            .await
            .problem(413, "too_large");
    }
    app.body(Method::POST, "/api/waves/s/transition", large).await.problem(413, "too_large");
    let small = App::with(app.engine_pool(), &["--body-limit", "100"]).await;
    small
        .body(
            Method::POST,
            "/api/waves/s/create",
            json!({"wave_number": 1, "description": "x".repeat(100)}).to_string(),
        )
        .await
        .problem(413, "too_large");
}
