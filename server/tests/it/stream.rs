//! The stream of events under stress: reconnects, several servers, clients that do not read.

use std::time::Duration;

use domain::{
    dto::{PatchSubtask, StartWave, SubmitBatch},
    subtask::SubtaskStatus,
};
use engine::Engine;
use serde_json::{Value, json};
use sqlx::{
    ConnectOptions, Connection, PgConnection,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::net::TcpSocket;
use uuid::Uuid;

use crate::client::{Client, Server, positions};

/// A running wave of so many subtasks.
pub async fn running(server: &Engine, session: &str, tasks: usize) -> Vec<Uuid> {
    let tasks = vec![json!({"agent_type": "Snipper", "description": "Do it"}); tasks];
    let request: SubmitBatch =
        serde_json::from_value(json!({"session_id": session, "wave_number": 0, "tasks": tasks}))
            .unwrap();
    let batch =
        server.submit_batch(request, domain::dto::OnOverlap::Warn, None).await.unwrap().batch;
    server.start_wave(session, StartWave { wave_number: 0, force: false }).await.unwrap();
    batch.subtask_ids
}

/// Two events for each subtask, over both servers, from many agents at once.
async fn work(servers: &[Server; 2], ids: &[Uuid]) {
    let agents: Vec<_> = ids
        .chunks(ids.len().div_ceil(20))
        .enumerate()
        .map(|(n, ids)| {
            let (engines, ids) = (
                [servers[n % 2].engine.clone(), servers[(n + 1) % 2].engine.clone()],
                ids.to_vec(),
            );
            tokio::spawn(async move {
                for id in ids {
                    for (engine, status) in
                        engines.iter().zip([SubtaskStatus::Running, SubtaskStatus::Completed])
                    {
                        let patch =
                            PatchSubtask { status: Some(status), ..PatchSubtask::default() };
                        engine.patch_subtask(id, patch).await.unwrap();
                    }
                }
            })
        })
        .collect();
    for agent in agents {
        agent.await.unwrap();
    }
}

/// What a client sees that goes away again and again, at the end at once and in between after some events.
async fn restless(server: &Server, channel: String, wanted: usize, seed: u64) -> Vec<Value> {
    let (mut seen, mut since, mut dice) = (Vec::new(), 0, seed);
    while seen.len() < wanted {
        let mut client = server.client().await;
        client.subscribe(&channel, Some(since)).await;
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let stay = usize::try_from(dice >> 33).unwrap() % 150;
        let events = client.events(stay.min(wanted - seen.len())).await;
        since = events.last().map_or(since, |event| event["seq"].as_i64().unwrap());
        seen.extend(events);
        // Gone without a word; what was on its way is lost.
    }
    seen
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn clients_that_reconnect_at_random_see_each_of_two_thousand_events_once_and_in_order(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    let servers = [Server::start(&options).await, Server::start(&options).await];
    let ids = running(&servers[0].engine, "s", 1_000).await;
    let wanted = 3 + 2_000 + 1;
    let channel = || "sessions/s".to_owned();
    let (_, first, second, third) = tokio::join!(
        work(&servers, &ids),
        restless(&servers[0], channel(), wanted, 1),
        restless(&servers[1], channel(), wanted, 2),
        restless(&servers[1], channel(), wanted, 3),
    );
    assert_eq!(positions(&first), (1..=wanted as i64).collect::<Vec<_>>());
    assert!(first == second && second == third, "not every client saw the same");
    assert_eq!(first.last().unwrap()["event"], "wave.completed");
    for server in servers {
        server.stop().await;
    }
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn two_servers_over_one_database_deliver_the_same_stream(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    let servers = [Server::start(&options).await, Server::start(&options).await];
    let mut clients = [servers[0].client().await, servers[1].client().await];
    for client in &mut clients {
        client.subscribe("global", None).await;
        client.subscribe("agents/Snipper", None).await;
    }
    for n in 0..10 {
        let ids = running(&servers[n % 2].engine, &format!("s-{n}"), 20).await;
        work(&servers, &ids).await;
    }
    let wanted = 10 * (3 + 40 + 1);
    let streams = [clients[0].events(wanted).await, clients[1].events(wanted).await];
    assert_eq!(streams[0], streams[1]);
    assert_eq!(positions(&streams[0]), (1..=wanted as i64).collect::<Vec<_>>());
    for server in servers {
        server.stop().await;
    }
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn subscribing_again_without_a_position_loses_nothing_that_is_on_its_way(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    let servers = [Server::start(&options).await, Server::start(&options).await];
    let ids = running(&servers[0].engine, "s", 200).await;
    let mut client = servers[0].client().await;
    client.subscribe("sessions/s", Some(0)).await;
    let again = json!({"type": "subscribe", "channel": "sessions/s"});
    let mut seen = Vec::new();
    let mut working = Box::pin(work(&servers, &ids));
    let is_event = |frame: &Value| frame.get("event").is_some();
    loop {
        tokio::select! {
            () = &mut working => break,
            () = client.send(&again) => {}
        }
        seen.extend(Some(client.next().await).filter(is_event));
    }
    let wanted = 3 + 400 + 1;
    client.send(&again).await;
    while positions(&seen).last() != Some(&wanted) {
        seen.extend(Some(client.next().await).filter(is_event));
    }
    assert_eq!(positions(&seen), (1..=wanted).collect::<Vec<_>>());
    drop(working);
    for server in servers {
        server.stop().await;
    }
}

/// Puts events straight into the outbox, each about 300 bytes long.
async fn flood(sql: &mut PgConnection, count: i64) {
    sqlx::query(
        "INSERT INTO event_outbox (session_id, event, data, at)
         SELECT 's', 'wave.created', json_build_object('filler', repeat('x', 200)), now() FROM generate_series(1, $1)",
    )
    .bind(count)
    .execute(sql)
    .await
    .unwrap();
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_client_that_stops_reading_slows_nobody_and_is_told_to_start_over(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    let server = Server::start(&options).await;
    let mut sql = PgConnection::connect_with(&options).await.unwrap();
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(32 * 1024).unwrap();
    let stream = socket.connect(server.address).await.unwrap();
    let mut stalled =
        Client::over(stream, "/ws", &[]).await.unwrap_or_else(|status| panic!("{status}"));
    stalled.subscribe("global", None).await;
    let mut quick = server.client().await;
    quick.subscribe("global", None).await;

    // More than the feed keeps for a slow client, in steps that a quick one keeps up with.
    let (steps, step) = (6_i64, 2_000_i64);
    for n in 0..steps {
        flood(&mut sql, step).await;
        let started = std::time::Instant::now();
        let events = quick.events(step as usize).await;
        assert_eq!(positions(&events), (n * step + 1..=(n + 1) * step).collect::<Vec<_>>());
        assert!(
            started.elapsed() < Duration::from_secs(5),
            "the quick client waited {:?}",
            started.elapsed()
        );
    }

    // The stalled one reads again: what was on its way, then the word to start over, then the rest.
    let mut seen = Vec::new();
    let since = loop {
        let frame = stalled.next().await;
        if frame["type"] == "resync" {
            break frame["since"].as_i64().unwrap();
        }
        seen.push(frame["seq"].as_i64().unwrap());
    };
    assert_eq!(seen, (1..=since).collect::<Vec<_>>(), "resync says exactly what was sent");
    assert!(since < steps * step);
    stalled.assert_quiet().await;
    // The rest comes to a new socket, or to this one.
    let (total, mut again) = (steps * step, server.client().await);
    again.subscribe("global", Some(since)).await;
    let rest = again.events(usize::try_from(total - since).unwrap()).await;
    assert_eq!(positions(&rest), (since + 1..=total).collect::<Vec<_>>());
    stalled.subscribe("global", Some(total - 20)).await;
    flood(&mut sql, 1).await;
    let last = stalled.events(21).await;
    assert_eq!(positions(&last), (total - 19..=total + 1).collect::<Vec<_>>());
    sql.close().await.unwrap();
    server.stop().await;
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_long_replay_joins_the_live_stream_without_gap_or_repeat(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    let server = Server::start(&options).await;
    let mut sql = options.connect().await.unwrap();
    flood(&mut sql, 3_500).await;
    let mut client = server.client().await;
    // Subscribed while more is written: part comes from the log, part live.
    let mut writer = options.connect().await.unwrap();
    let writing = async {
        for _ in 0..40 {
            flood(&mut writer, 25).await;
        }
    };
    let reading = async {
        client.subscribe("sessions/s", Some(0)).await;
        client.events(4_500).await
    };
    let (events, ()) = tokio::join!(reading, writing);
    assert_eq!(positions(&events), (1..=4_500).collect::<Vec<_>>());
    client.assert_quiet().await;
    sql.close().await.unwrap();
    writer.close().await.unwrap();
    server.stop().await;
}
