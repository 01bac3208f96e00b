//! The socket's frames: hello, subscriptions, events and refusals.

use domain::{
    dto::{PatchSubtask, RecordAction, StartWave, SubmitBatch},
    subtask::SubtaskStatus,
};
use engine::Engine;
use serde_json::{Value, json};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use tokio_tungstenite::tungstenite::Message;
use uuid::Uuid;

use crate::{
    client::{Client, Server, positions},
    support::assert_like,
};

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_client_is_greeted_acknowledged_and_answered(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    let server = Server::start(&options).await;
    let mut client = server.client().await;
    let hello = json!({"type": "connected", "client_id": "<uuid>", "timestamp": "<int>", "seq": 0, "build": "<text>"});
    assert_like(&client.hello, &hello);
    assert_ne!(server.client().await.hello["client_id"], client.hello["client_id"]);
    for id in [json!("a"), json!(7), json!({"b": [1]})] {
        client.send(&json!({"type": "subscribe", "channel": "global", "id": id})).await;
        let ack = json!({"type": "ack", "id": id, "success": true, "channel": "global", "timestamp": "<int>"});
        assert_like(&client.next().await, &ack);
        client.send(&json!({"type": "unsubscribe", "channel": "global", "id": id})).await;
        assert_like(&client.next().await, &ack);
    }
    client.send(&json!({"type": "subscribe", "channel": "sessions/a/b c", "unknown": 1})).await;
    let ack =
        json!({"type": "ack", "success": true, "channel": "sessions/a/b c", "timestamp": "<int>"});
    assert_like(&client.next().await, &ack);
    client.send(&json!({"type": "ping"})).await;
    assert_like(&client.next().await, &json!({"type": "pong", "timestamp": "<int>"}));
    server.stop().await;
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn what_the_server_does_not_understand_is_an_error_and_the_socket_stays_open(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    let server = Server::start(&options).await;
    let mut client = server.client().await;
    let deep =
        format!("{{\"type\": \"ping\", \"x\": {}1{}}}", "[".repeat(10_000), "]".repeat(10_000));
    let frames = [
        "",
        "{",
        "null",
        "[]",
        "1",
        "{}",
        "{\"type\": \"shout\"}",
        "{\"type\": 1}",
        "{\"type\": \"subscribe\"}",
        "{\"type\": \"subscribe\", \"channel\": 1}",
        "{\"type\": \"subscribe\", \"channel\": \"nowhere\"}",
        "{\"type\": \"subscribe\", \"channel\": \"sessions/\"}",
        "{\"type\": \"subscribe\", \"channel\": \"batches/x\"}",
        "{\"type\": \"subscribe\", \"channel\": \"agents/a\\u0000\"}",
        "{\"type\": \"unsubscribe\", \"channel\": \"x\"}",
        "{\"type\": \"subscribe\", \"channel\": \"global\", \"since\": \"x\"}",
        "{\"type\": \"subscribe\", \"channel\": \"global\", \"since\": 1e99}",
        "{\"type\": \"subscribe\", \"channel\": \"\\ud800\"}",
        "<script>",
        "[\"ping\"]",
        "[\"subscribe\", \"global\"]",
        &"x".repeat(70_000),
        &deep,
    ];
    for frame in frames {
        client.send_message(Message::text(frame)).await;
        let error = client.next().await;
        assert_like(
            &error,
            &json!({"type": "error", "error": "<text>", "code": "<text>", "timestamp": "<int>"}),
        );
    }
    client.send_message(Message::binary(b"{\"type\": \"ping\"}".to_vec())).await;
    assert_eq!(client.next().await["code"], "not_text");
    client.assert_quiet().await;
    server.stop().await;
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_client_follows_at_most_two_hundred_channels(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    let server = Server::start(&options).await;
    let mut client = server.client().await;
    for n in 0..200 {
        client.subscribe(&format!("sessions/{n}"), None).await;
    }
    client.send(&json!({"type": "subscribe", "channel": "global"})).await;
    assert_eq!(client.next().await["code"], "too_many_channels");
    client.subscribe("sessions/7", Some(0)).await;
    client.send(&json!({"type": "unsubscribe", "channel": "sessions/7"})).await;
    client.next().await;
    client.subscribe("global", None).await;
    server.stop().await;
}

async fn patch(server: &Engine, id: Uuid, status: SubtaskStatus) {
    let patch = PatchSubtask { status: Some(status), ..PatchSubtask::default() };
    server.patch_subtask(id, patch).await.unwrap();
}

/// A session in which everything happens that there is an event for: its batch.
async fn everything(server: &Engine, session: &str) -> (Uuid, Vec<Uuid>) {
    let tasks = json!([{"agent_type": "backend-laravel", "description": "a"}, {"agent_type": "frontend-react", "description": "b", "blocked_by": [0]}]);
    let request: SubmitBatch =
        serde_json::from_value(json!({"session_id": session, "wave_number": 1, "tasks": tasks}))
            .unwrap();
    let batch =
        server.submit_batch(request, domain::dto::OnOverlap::Warn, None).await.unwrap().batch;
    let ids = batch.subtask_ids.clone();
    server.start_wave(session, StartWave { wave_number: 1, force: false }).await.unwrap();
    patch(server, ids[0], SubtaskStatus::Running).await;
    let action = json!({"subtask_id": ids[0], "tool_name": "Edit", "file_paths": ["a.php"], "input": "secret"});
    let action: RecordAction = serde_json::from_value(action).unwrap();
    server.record_action(action, None).await.unwrap();
    patch(server, ids[0], SubtaskStatus::Completed).await;
    patch(server, ids[1], SubtaskStatus::Failed).await;
    server.retry_subtask(ids[1]).await.unwrap();
    patch(server, ids[1], SubtaskStatus::Completed).await;
    server.complete_batch(batch.batch.id, true).await.unwrap();
    (batch.batch.id, ids)
}

/// Every event of [`everything`], in order, with its data.
fn told(batch: Uuid, ids: &[Uuid], session: &str) -> Vec<(&'static str, Value)> {
    let subtask = |n: usize, from: &str, status: &str, open: i32, retries: i32, started: bool| {
        let agent = ["backend-laravel", "frontend-react"][n];
        let time = |there: bool| if there { json!("<time>") } else { Value::Null };
        let ended = ["completed", "failed"].contains(&status);
        let blocked_by = &ids[..n];
        json!({"subtask_id": ids[n], "batch_id": batch, "session_id": session, "wave_number": 1, "agent_type": agent, "agent_id": null,
               "from": from, "status": status, "priority": 5, "blocked_by": blocked_by, "open_blockers": open, "retry_count": retries,
               "started_at": time(started), "completed_at": time(ended)})
    };
    let finished = |status: &str, completed: i32, failed: i32| {
        json!({"session_id": session, "wave_number": 1, "status": status, "total_tasks": 2, "completed_tasks": completed,
               "failed_tasks": failed, "duration_ms": "<int>"})
    };
    vec![
        (
            "wave.created",
            json!({"session_id": session, "wave_number": 1, "status": "pending", "name": null}),
        ),
        (
            "batch.created",
            json!({"batch_id": batch, "session_id": session, "wave_number": 1, "status": "pending", "total_tasks": 2, "subtask_ids": ids}),
        ),
        (
            "wave.transitioned",
            json!({"session_id": session, "from": 0, "to": 1, "status": "running"}),
        ),
        ("subtask.updated", subtask(0, "pending", "running", 0, 0, true)),
        (
            "action.recorded",
            json!({"action_id": "<uuid>", "session_id": session, "subtask_id": ids[0], "agent_id": null, "tool_name": "Edit",
            "tool_type": null, "file_paths": ["a.php"], "writes_files": true, "exit_code": null, "duration_ms": null}),
        ),
        ("subtask.updated", subtask(0, "running", "completed", 0, 0, true)),
        ("subtask.updated", subtask(1, "blocked", "pending", 0, 0, false)),
        ("subtask.updated", subtask(1, "pending", "failed", 0, 0, false)),
        ("wave.failed", finished("failed", 1, 1)),
        ("wave.reopened", json!({"session_id": session, "wave_number": 1, "status": "running"})),
        ("subtask.updated", subtask(1, "failed", "pending", 0, 1, false)),
        ("subtask.updated", subtask(1, "pending", "completed", 0, 1, false)),
        ("wave.completed", finished("completed", 2, 0)),
        (
            "batch.completed",
            json!({"batch_id": batch, "session_id": session, "wave_number": 1, "total_tasks": 2, "completed_tasks": 2,
            "failed_tasks": 0, "outcome": "succeeded", "next_wave_ready": true}),
        ),
    ]
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn every_event_has_its_data_and_goes_to_its_channels_live_and_replayed(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    let server = Server::start(&options).await;
    let mut live = Vec::new();
    for channel in [
        "global",
        "all",
        "sessions/s",
        "agents/backend-laravel",
        "agents/frontend-react",
        "agents/nobody",
        "sessions/t",
    ] {
        let mut client = server.client().await;
        client.subscribe(channel, None).await;
        live.push((channel.to_owned(), client));
    }
    let (batch, ids) = everything(&server.engine, "s").await;
    let all = told(batch, &ids, "s");
    live.push((format!("batches/{batch}"), server.client().await));
    live.last_mut().unwrap().1.subscribe(&format!("batches/{batch}"), Some(0)).await;
    for (channel, mut client) in live {
        let carried: Vec<_> = all
            .iter()
            .filter(|(event, data)| {
                let of_wave_or_batch = event.starts_with("wave.") || event.starts_with("batch.");
                match channel.split_once('/') {
                    None => of_wave_or_batch || channel == "all",
                    Some(("sessions", session)) => session == "s",
                    Some(("batches", _)) => !event.starts_with("wave."),
                    Some((_, agent)) => {
                        data["agent_type"] == agent
                            || (*event == "action.recorded" && agent == "backend-laravel")
                    }
                }
            })
            .collect();
        let events = client.events(carried.len()).await;
        for ((event, data), frame) in carried.iter().zip(&events) {
            assert_like(
                frame,
                &json!({"channel": channel, "event": event, "data": data, "timestamp": "<int>", "seq": "<int>"}),
            );
        }
        client.assert_quiet().await;
        let mut order = positions(&events);
        order.dedup();
        assert!(order.is_sorted() && order.len() == events.len());
        assert!(
            events.iter().all(|event| !event.to_string().contains("secret")),
            "inputs are not told"
        );

        // A later client is told the same from the log.
        let mut later = server.client().await;
        later.subscribe(&channel, Some(0)).await;
        assert_eq!(later.events(events.len()).await, events);
        later.assert_quiet().await;
    }
    server.stop().await;
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_client_gets_an_event_once_for_each_of_its_channels_and_none_after_it_leaves(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    let server = Server::start(&options).await;
    let mut client = server.client().await;
    for channel in ["global", "sessions/s", "global"] {
        client.subscribe(channel, None).await;
    }
    everything(&server.engine, "s").await;
    let events = client.events(7 + 14).await;
    let of = |channel: &str| {
        positions(
            &events.iter().filter(|event| event["channel"] == channel).cloned().collect::<Vec<_>>(),
        )
    };
    assert_eq!((of("global").len(), of("sessions/s")), (7, (1..=14).collect()));
    client.send(&json!({"type": "unsubscribe", "channel": "sessions/s"})).await;
    assert_eq!(client.next().await["type"], "ack");
    everything(&server.engine, "s2").await;
    assert!(client.events(7).await.iter().all(|event| event["channel"] == "global"));
    client.assert_quiet().await;
    server.stop().await;
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn since_replays_what_came_after_it_and_nothing_else(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    let server = Server::start(&options).await;
    let mut early = server.client().await;
    early.subscribe("sessions/s", None).await;
    everything(&server.engine, "s").await;
    let events = early.events(14).await;
    for since in [0, 1, 5, 13, 14, 99] {
        let mut client = server.client().await;
        assert_eq!(client.hello["seq"], 14);
        client.subscribe("sessions/s", Some(since)).await;
        let rest = events.get(usize::try_from(since).unwrap()..).unwrap_or_default();
        assert_eq!(client.events(rest.len()).await, rest);
        client.assert_quiet().await;
    }
    let mut below_zero = server.client().await;
    below_zero.subscribe("sessions/s", Some(i64::MIN)).await;
    assert_eq!(below_zero.events(14).await, events);
    server.stop().await;
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_stopping_server_closes_its_sockets_with_a_reason(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    let server = Server::start(&options).await;
    let mut clients = [server.client().await, server.client().await];
    clients[0].subscribe("global", None).await;
    server.ask_to_stop();
    for client in &mut clients {
        let frame = client.closed().await.expect("no reason");
        assert_eq!(u16::from(frame.code), 1001);
        assert!(frame.reason.contains("stopping"), "{}", frame.reason);
    }
    server.stop().await;
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn the_socket_wants_the_token_a_known_host_and_its_own_origin(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    let token = "0123456789abcdef";
    let server = Server::with(&options, &["--api-token", token]).await;
    let at = server.address;
    let status = async |path: &str, headers: &[(&'static str, &str)]| {
        Client::connect(at, path, headers).await.err()
    };
    assert_eq!(status("/ws", &[]).await, Some(401));
    assert_eq!(status("/ws?token=wrong", &[]).await, Some(401));
    assert_eq!(status(&format!("/ws?token={token}"), &[]).await, None);
    assert_eq!(status("/ws", &[("authorization", &format!("Bearer {token}"))]).await, None);
    let own = format!("http://localhost:{}", at.port());
    let with_token = format!("/ws?token={token}");
    assert_eq!(status(&with_token, &[("origin", &own)]).await, None);
    for origin in ["http://evil.example", "null", "http://localhost:1"] {
        assert_eq!(status(&with_token, &[("origin", origin)]).await, Some(403), "{origin}");
    }
    assert_eq!(status(&with_token, &[("host", "evil.example")]).await, Some(403));
    server.stop().await;
}
