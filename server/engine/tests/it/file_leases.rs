//! Files that agents have for themselves.

use domain::{
    dto::{FileLease, ReleaseFiles, ReserveFiles},
    problem::Refusal,
    subtask::SubtaskStatus,
};
use engine::Engine;
use serde_json::json;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::support::{at_once, conflict, invalid, refusal, run, running, times, to};

fn asks(agent: &str, paths: &[&str]) -> ReserveFiles {
    serde_json::from_value(json!({"session_id": "s", "agent_id": agent, "paths": paths})).unwrap()
}

async fn reserve(server: &Engine, agent: &str, paths: &[&str]) -> engine::Result<Vec<FileLease>> {
    server.reserve_files(asks(agent, paths)).await
}

fn paths(leases: &[FileLease]) -> Vec<&str> {
    leases.iter().map(|lease| lease.path.as_str()).collect()
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_file_is_one_agents_until_it_is_released_or_its_time_is_up(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    run(options, async |db| {
        let server = db.server().await;
        let mine =
            reserve(&server, "a", &["./src//a.rs", "docs/**", "src/a.rs", "."]).await.unwrap();
        assert_eq!(paths(&mine), ["docs/**", "src/a.rs"]);
        let refused = refusal(reserve(&server, "b", &["x.rs", "docs/deep/y.md"]).await).to_string();
        assert!(refused.starts_with("`docs/**` is held by agent `a` until "), "{refused}");
        // All or none.
        assert_eq!(paths(&server.file_leases("s").await.unwrap()), ["docs/**", "src/a.rs"]);
        assert_eq!(reserve(&server, "b", &["x.rs"]).await.unwrap().len(), 1);
        // What one has, one may have again, and in part.
        assert_eq!(reserve(&server, "a", &["src/a.rs"]).await.unwrap().len(), 2);
        let only: ReleaseFiles = serde_json::from_value(
            json!({"session_id": "s", "agent_id": "a", "paths": ["src/./a.rs", "x.rs"]}),
        )
        .unwrap();
        assert_eq!(server.release_files(only).await.unwrap(), 1);
        assert_eq!(reserve(&server, "b", &["src/a.rs"]).await.unwrap().len(), 2);
        sqlx::query("UPDATE file_leases SET expires_at = now() WHERE agent_id = 'a'")
            .execute(&db.sql)
            .await
            .unwrap();
        assert_eq!(reserve(&server, "b", &["docs/deep/y.md"]).await.unwrap().len(), 3);
        assert_eq!(db.count("SELECT count(*) FROM file_leases").await, 3);
        let all: ReleaseFiles =
            serde_json::from_value(json!({"session_id": "s", "agent_id": "b"})).unwrap();
        assert_eq!(server.release_files(all.clone()).await.unwrap(), 3);
        assert_eq!(server.release_files(all).await.unwrap(), 0);
        let log = db.log(&server).await;
        // Kept longer is no event.
        assert_eq!((times(&log, "files.reserved"), times(&log, "files.released")), (4, 2));
    });
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn files_of_a_subtask_are_free_once_it_no_longer_runs(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    run(options, async |db| {
        let server = db.server().await;
        let id = running(&server, "s", 0, 2).await.subtask_ids[0];
        server.patch_subtask(id, to(SubtaskStatus::Running)).await.unwrap();
        let for_it = ReserveFiles { subtask_id: Some(id), ..asks("a", &["a.rs"]) };
        server.reserve_files(for_it.clone()).await.unwrap();
        assert_eq!(conflict(reserve(&server, "b", &["a.rs"]).await), "files_held");
        server.patch_subtask(id, to(SubtaskStatus::Completed)).await.unwrap();
        assert_eq!(server.file_leases("s").await.unwrap(), []);
        assert_eq!(reserve(&server, "b", &["a.rs"]).await.unwrap().len(), 1);
        let other = ReserveFiles { session_id: "t".to_owned(), ..for_it };
        assert!(invalid(server.reserve_files(other).await).contains("subtask_id"));
        let bad = ReserveFiles { paths: vec!["*".repeat(11)], ..asks("a", &[]) };
        assert!(matches!(refusal(server.reserve_files(bad).await), Refusal::Invalid(_)));
    });
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn files_are_held_only_for_a_subtask_that_is_ones_own_and_runs(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    run(options, async |db| {
        let server = db.server().await;
        let id = running(&server, "s", 0, 1).await.subtask_ids[0];
        let asked = async |agent: &str| {
            let request = ReserveFiles { subtask_id: Some(id), ..asks(agent, &["a.rs"]) };
            server.reserve_files(request).await
        };
        assert_eq!(conflict(asked("a").await), "subtask_not_running");
        let claim = json!({"agent_id": "a", "session_id": "s"});
        let claim = serde_json::from_value(claim).unwrap();
        assert_eq!(server.claim_subtasks(claim, None).await.unwrap().len(), 1);
        assert_eq!(conflict(asked("zombie").await), "lease_lost");
        assert_eq!(asked("a").await.unwrap().len(), 1);
        server.patch_subtask(id, to(SubtaskStatus::Completed)).await.unwrap();
        assert_eq!(conflict(asked("a").await), "subtask_not_running");
    });
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn an_agent_holds_a_thousand_files_at_most_however_long_their_names(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    run(options, async |db| {
        let server = db.server().await;
        // Letters that compress badly, of three bytes each.
        let long: String =
            (0..1_024_u32).filter_map(|n| char::from_u32(0x4E00 + n * 7919 % 20_000)).collect();
        reserve(&server, "long", &[&long]).await.unwrap();
        reserve(&server, "long", &[&long]).await.unwrap();
        assert_eq!(conflict(reserve(&server, "b", &[&long]).await), "files_held");
        for part in 0..5 {
            let names: Vec<String> = (0..200).map(|n| format!("src/{part}/{n}.rs")).collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            reserve(&server, "a", &names).await.unwrap();
        }
        assert_eq!(conflict(reserve(&server, "a", &["one.rs"]).await), "too_many_files");
        assert_eq!(reserve(&server, "a", &["src/0/0.rs"]).await.unwrap().len(), 1_000);
    });
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn of_fifty_that_want_one_file_at_once_one_gets_it(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    run(options, async |db| {
        let servers = [db.server().await, db.server().await];
        let answers = at_once((0..50).map(|n| {
            let server = servers[n % 2].clone();
            let path = if n % 3 == 0 { "src/*.rs" } else { "src/a.rs" };
            async move { reserve(&server, &format!("agent-{n}"), &[path]).await.is_ok() }
        }))
        .await;
        assert_eq!(answers.iter().filter(|got| **got).count(), 1);
    });
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn files_of_an_agent_that_vanished_are_the_next_ones_to_take(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    run(options, async |db| {
        let server = db.server().await;
        let id = running(&server, "s", 0, 1).await.subtask_ids[0];
        server.patch_subtask(id, to(SubtaskStatus::Running)).await.unwrap();
        let for_it = ReserveFiles { subtask_id: Some(id), ..asks("gone", &["a.rs"]) };
        server.reserve_files(for_it.clone()).await.unwrap();
        server.patch_subtask(id, to(SubtaskStatus::Pending)).await.unwrap();
        // The same subtask runs again, for another agent.
        server.patch_subtask(id, to(SubtaskStatus::Running)).await.unwrap();
        let next = ReserveFiles { agent_id: "next".to_owned(), ..for_it };
        assert_eq!(paths(&server.reserve_files(next).await.unwrap()), ["a.rs"]);
    });
}
