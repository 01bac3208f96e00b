//! `swell demo` against a server: the play comes to its end, and has what it promises.

use domain::{conflict::Severity, subtask::SubtaskStatus};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use swell::demo::{self, Demo};

use crate::client::Server;

fn play(server: &Server, session: &str, stop_in_wave: Option<i32>) -> Demo {
    Demo {
        url: format!("http://{}", server.address),
        session: Some(session.to_owned()),
        speed: 1_000.0,
        seed: 7,
        agents: 6,
        stop_in_wave,
    }
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn the_demo_plays_to_its_end_with_failures_retries_and_a_conflict(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    let server = Server::start(&options).await;
    let whole = play(&server, "shop & more", None);
    tokio::task::spawn_blocking(move || demo::run(&whole, None)).await.unwrap().unwrap();
    let session = server.engine.session("shop & more").await.unwrap();
    assert_eq!(session.waves.len(), 5);
    for wave in &session.waves {
        assert_eq!(wave.status.as_str(), "completed", "{wave:?}");
    }
    let filter = domain::dto::SubtaskFilter {
        session_id: Some("shop & more".to_owned()),
        ..Default::default()
    };
    let subtasks = server.engine.subtasks(&filter, None, 500).await.unwrap().subtasks;
    assert!(subtasks.iter().all(|subtask| subtask.status == SubtaskStatus::Completed));
    assert!(subtasks.iter().filter(|subtask| subtask.retry_count > 0).count() >= 2);
    let files = server.engine.session_files("shop & more").await.unwrap();
    assert!(files.conflicts.iter().any(|conflict| conflict.severity == Severity::High));

    // For a screenshot: half of a wave.
    let part = play(&server, "half", Some(2));
    tokio::task::spawn_blocking(move || demo::run(&part, None)).await.unwrap().unwrap();
    let waves = server.engine.session("half").await.unwrap().waves;
    assert_eq!((waves[0].status.as_str(), waves[1].status.as_str()), ("completed", "running"));
    server.stop().await;
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_demo_that_is_refused_or_finds_nobody_says_so_in_a_sentence(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    let server = Server::with(&options, &["--api-token", "a-token-of-some-length"]).await;
    let whole = play(&server, "s", None);
    let refused = tokio::task::spawn_blocking({
        let whole = whole.clone();
        move || demo::run(&whole, None)
    });
    assert!(refused.await.unwrap().unwrap_err().contains("401"));
    let nobody = Demo { url: "http://127.0.0.1:1".to_owned(), ..whole };
    let away = tokio::task::spawn_blocking(move || demo::run(&nobody, None)).await.unwrap();
    assert!(away.unwrap_err().contains("Is `swell serve` running there?"));
    server.stop().await;
}
