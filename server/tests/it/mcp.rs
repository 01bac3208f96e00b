//! The Model Context Protocol over HTTP, message by message; a real client is in `end2end/tests/mcp.spec.ts`.

use std::time::{Duration, Instant};

use axum::{
    body::Body,
    http::{Method, Request, header},
};
use domain::{dto::ClaimSubtasks, lease::Outcome};
use serde_json::{Value, json};
use sqlx::{
    PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::{io::AsyncWriteExt, net::TcpStream};

use crate::{
    client::Server,
    stream,
    support::{App, text},
};

/// One request of the protocol as it was before it lost its handshake.
async fn ask(app: &App, method: &str, params: Value) -> Value {
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
    let request = Request::builder()
        .method(Method::POST)
        .uri("/mcp")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::ACCEPT, "application/json, text/event-stream")
        .header("mcp-protocol-version", "2025-06-18");
    let answer = app.send(request.body(Body::from(body.to_string())).unwrap()).await;
    let answer = answer.json(200);
    assert_eq!((&answer["jsonrpc"], &answer["id"]), (&json!("2.0"), &json!(1)), "{answer}");
    answer
}

async fn call(app: &App, tool: &str, arguments: Value) -> Value {
    let answer = ask(app, "tools/call", json!({"name": tool, "arguments": arguments})).await;
    answer["result"].clone()
}

/// What a tool gives back when all goes well.
async fn done(app: &App, tool: &str, arguments: Value) -> Value {
    let result = call(app, tool, arguments).await;
    assert_ne!(result["isError"], true, "{tool}: {result}");
    let said: Value = serde_json::from_str(&text(&result["content"][0]["text"])).unwrap();
    assert_eq!(said, result["structuredContent"], "{tool} says the same twice");
    said
}

/// What a tool says when it refuses.
async fn refused(app: &App, tool: &str, arguments: Value) -> String {
    let result = call(app, tool, arguments).await;
    assert_eq!(result["isError"], true, "{tool}: {result}");
    text(&result["content"][0]["text"])
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_job_is_led_and_done_with_tools_alone(pool: PgPool) {
    let app = App::new(pool).await;
    let plan =
        done(&app, "decompose", json!({"task_description": "Add tests to the react login form"}))
            .await;
    let launched =
        done(&app, "launch_plan", json!({"plan_id": plan["plan_id"], "session_id": "planned"}))
            .await;
    assert_eq!(launched["success"], true, "{launched}");
    let tasks = json!([{"agent_type": "Snipper", "description": "One", "target_files": ["src/a.rs"]},
                       {"agent_type": "Snipper", "description": "Two", "blocked_by": [0]}]);
    let batch = done(
        &app,
        "submit_batch",
        json!({"session_id": "s/1", "wave_number": 0, "tasks": tasks, "on_overlap": "reject"}),
    )
    .await["batch"]
        .clone();
    done(&app, "start_wave", json!({"session_id": "s/1", "wave_number": 0})).await;
    for _ in 0..2 {
        let claimed = done(&app, "claim", json!({"agent_id": "a", "session_id": "s/1"})).await;
        let (id, token) = (
            claimed["claims"][0]["subtask"]["id"].clone(),
            claimed["claims"][0]["lease"]["token"].clone(),
        );
        let files =
            json!({"session_id": "s/1", "agent_id": "a", "subtask_id": id, "paths": ["src/a.rs"]});
        done(&app, "reserve_files", files).await;
        done(&app, "heartbeat", json!({"subtask_id": id, "token": token})).await;
        let wrong = json!({"subtask_id": id, "token": 999, "status": "completed"});
        assert!(refused(&app, "report", wrong).await.contains("(code: lease_lost)"));
        let result = json!({"summary": "Done", "files": ["src/a.rs"], "tokens_used": 50});
        let report =
            json!({"subtask_id": id, "token": token, "status": "completed", "result": result});
        assert_eq!(done(&app, "report", report).await["subtask"]["status"], "completed");
    }
    let nothing = done(&app, "claim", json!({"agent_id": "a", "session_id": "s/1"})).await;
    assert_eq!(nothing["claims"], json!([]));
    let folded = done(&app, "complete_batch", json!({"batch_id": batch["id"]})).await;
    assert_eq!(folded["synthesis"]["stats"]["completed"], 2);
    let status = done(&app, "status", json!({"session_id": "s/1"})).await;
    assert_eq!(
        (&status["waves"][0]["status"], &status["usage"]["tokens_used"]),
        (&json!("completed"), &json!(100))
    );
    assert!(
        refused(&app, "next_wave", json!({"session_id": "s/1"})).await.contains("No pending wave")
    );
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn what_is_wrong_with_a_call_is_said_so_that_an_agent_can_mend_it(pool: PgPool) {
    let app = App::new(pool).await;
    assert_eq!(refused(&app, "status", json!({})).await, "`status` needs `session_id`.");
    let empty =
        refused(&app, "submit_batch", json!({"session_id": "", "wave_number": -1, "tasks": []}))
            .await;
    for field in ["session_id", "wave_number", "tasks"] {
        assert!(empty.contains(&format!("- {field} must")), "{empty}");
    }
    let unknown = ask(&app, "tools/call", json!({"name": "approve_wave", "arguments": {}})).await;
    assert_eq!(unknown["error"]["code"], -32602);
    assert!(
        refused(&app, "synthesis", json!({"batch_id": "../../sessions"}))
            .await
            .contains("no batch")
    );
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn sessions_waves_and_batches_are_read_as_resources(pool: PgPool) {
    let app = App::new(pool).await;
    let task = json!({"agent_type": "Snipper", "description": "Do it"});
    let batch = text(&app.submit("a b/c", 0, json!([task, task])).await["id"]);
    let list = ask(&app, "resources/list", json!({})).await["result"]["resources"].clone();
    assert_eq!(
        (&list[0]["uri"], &list[0]["name"]),
        (&json!("swell://sessions/a%20b%2Fc"), &json!("a b/c"))
    );
    let read = async |uri: &str| {
        let answer = ask(&app, "resources/read", json!({"uri": uri})).await;
        answer["result"]["contents"][0].clone()
    };
    let session = read("swell://sessions/a%20b%2Fc").await;
    let detail: Value = serde_json::from_str(&text(&session["text"])).unwrap();
    assert_eq!(detail["session_id"], "a b/c");
    let wave = read("swell://sessions/a%20b%2Fc/waves/0").await;
    let wave: Value = serde_json::from_str(&text(&wave["text"])).unwrap();
    assert_eq!(
        (&wave["wave"]["total_tasks"], wave["subtasks"].as_array().unwrap().len()),
        (&json!(2), 2)
    );
    app.poke(&format!("/api/orchestration/batch/{batch}/complete")).await.json(200);
    let synthesis = read(&format!("swell://batches/{batch}/synthesis")).await;
    assert_eq!(synthesis["mimeType"], "text/markdown");
    assert!(text(&synthesis["text"]).starts_with("# Wave 0: 0/2 tasks completed."), "{synthesis}");
    for nowhere in [
        "swell://sessions/none",
        "swell://batches/x",
        "file:///etc/passwd",
        "swell://sessions/a/waves/x",
    ] {
        let answer = ask(&app, "resources/read", json!({"uri": nowhere})).await;
        assert!(answer["error"]["code"].is_i64(), "{nowhere}: {answer}");
    }
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn prompts_are_filled_in_and_ask_for_what_is_missing(pool: PgPool) {
    let app = App::new(pool).await;
    let list = ask(&app, "prompts/list", json!({})).await["result"]["prompts"].clone();
    assert_eq!((&list[0]["name"], &list[1]["name"]), (&json!("orchestrator"), &json!("worker")));
    let arguments = json!({"agent_id": "a7", "session_id": "s"});
    let worker = ask(&app, "prompts/get", json!({"name": "worker", "arguments": arguments})).await;
    let said = text(&worker["result"]["messages"][0]["content"]["text"]);
    assert!(said.contains("agent_id `a7`, session_id `s`"), "{said}");
    for (name, arguments) in
        [("worker", json!({})), ("orchestrator", json!({"task": " "})), ("x", json!({}))]
    {
        let answer = ask(&app, "prompts/get", json!({"name": name, "arguments": arguments})).await;
        assert_eq!(answer["error"]["code"], -32602, "{name}");
    }
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn the_edge_guards_the_protocol_like_everything_else(pool: PgPool) {
    let app = App::with(pool, &["--api-token", "0123456789abcdef"]).await;
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}).to_string();
    let request = |headers: &[(&str, &str)]| {
        let mut request = Request::post("/mcp").header(header::CONTENT_TYPE, "application/json");
        request = request.header(header::ACCEPT, "application/json, text/event-stream");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(Body::from(body.clone())).unwrap()
    };
    app.send(request(&[])).await.problem(401, "unauthorized");
    app.get("/mcp").await.problem(401, "unauthorized");
    let token = ("authorization", "Bearer 0123456789abcdef");
    app.send(request(&[token, ("origin", "http://evil.example")]))
        .await
        .problem(403, "origin_not_allowed");
    let listed = app.send(request(&[token])).await.json(200);
    assert!(listed["result"]["tools"].as_array().unwrap().len() > 15);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn what_a_tool_does_not_know_is_refused_and_large_calls_are_taken(pool: PgPool) {
    let app = App::new(pool).await;
    let strange = refused(&app, "claim", json!({"agent_id": "a", "agent_type": "Snipper"})).await;
    assert!(strange.starts_with("`claim` knows no `agent_type`; it knows agent_id, "), "{strange}");
    refused(&app, "synthesis", json!({"batch_id": "x", "format": "markdown"})).await;
    // As much as REST takes: the limit is 4 MiB.
    let task = json!({"agent_type": "Snipper", "description": "x".repeat(100_000)});
    let tasks = vec![task; 35];
    done(&app, "submit_batch", json!({"session_id": "s", "wave_number": 0, "tasks": tasks})).await;
    let rows = done(&app, "list_subtasks", json!({"session_id": "s", "wave_number": 0})).await;
    assert_eq!(rows["subtasks"].as_array().unwrap().len(), 35);
    let none = done(&app, "list_subtasks", json!({"session_id": "t"})).await;
    assert_eq!(none["subtasks"], json!([]));
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_claim_that_nobody_waits_for_any_more_keeps_nothing(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    let server = Server::start(&options).await;
    let body = json!({
        "jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": {"name": "claim", "arguments": {"agent_id": "ghost", "wait_seconds": 20}},
    })
    .to_string();
    let mut gone = TcpStream::connect(server.address).await.unwrap();
    let request = format!(
        "POST /mcp HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n\
         Accept: application/json, text/event-stream\r\nMCP-Protocol-Version: 2025-06-18\r\n\
         Content-Length: {}\r\n\r\n{body}",
        server.address,
        body.len()
    );
    gone.write_all(request.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    drop(gone);
    tokio::time::sleep(Duration::from_millis(200)).await;

    let id = stream::running(&server.engine, "s", 1).await[0];
    // Whatever it takes, it gives back.
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let attempts = server.engine.attempts(id).await.unwrap();
        let given_back = attempts.iter().all(|it| it.outcome == Some(Outcome::GivenBack));
        if !attempts.is_empty() && given_back {
            break;
        }
        assert!(Instant::now() < deadline, "{attempts:?}");
    }
    let claim: ClaimSubtasks = serde_json::from_value(json!({"agent_id": "a"})).unwrap();
    assert_eq!(server.engine.claim_subtasks(claim, None).await.unwrap()[0].subtask.id, id);
    server.stop().await;
}
