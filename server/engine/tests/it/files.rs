//! Who touched which files of a session, and where subtasks of one wave met.

use domain::{
    chart::Touch,
    conflict::Severity,
    dto::{PatchSubtask, RecordAction},
    subtask::SubtaskStatus,
};
use engine::Engine;
use serde_json::json;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use uuid::Uuid;

use crate::{
    support::{run, start, submit, task, waiting},
    wire::Wire,
};

async fn report(server: &Engine, id: Uuid, files: &[&str]) {
    let body = json!({ "status": "completed", "result": { "files": files } });
    let patch: PatchSubtask = serde_json::from_value(body).unwrap();
    assert_eq!(server.patch_subtask(id, patch).await.unwrap().status, SubtaskStatus::Completed);
}

async fn edit(server: &Engine, id: Uuid, path: &str) {
    let body =
        json!({ "subtask_id": id, "tool_name": "Edit", "tool_type": "edit", "file_paths": [path] });
    let action: RecordAction = serde_json::from_value(body).unwrap();
    server.record_action(action, None).await.unwrap();
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn batches_of_one_wave_clash_over_a_file_and_subtasks_of_two_waves_do_not(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    run(options, async |db| {
        let server = db.server().await;
        let a = submit(&server, "s", 1, vec![task("backend-laravel")]).await.subtask_ids[0];
        let b = submit(&server, "s", 1, vec![task("Snipper"), waiting("docs-writer", [a])])
            .await
            .subtask_ids;
        let later = submit(&server, "s", 2, vec![task("Snipper")]).await.subtask_ids[0];
        let other = submit(&server, "t", 1, vec![task("Snipper")]).await.subtask_ids[0];
        for (session, wave) in [("s", 1), ("t", 1)] {
            start(&server, session, wave).await;
        }
        // The same file under two spellings, twice by one of them.
        edit(&server, b[0], "src//shared.rs").await;
        edit(&server, b[0], "./src/shared.rs").await;
        report(&server, a, &["src/shared.rs", "docs/a.md"]).await;
        report(&server, b[0], &["src/own.rs"]).await;
        report(&server, b[1], &["docs/a.md"]).await;
        start(&server, "s", 2).await;
        report(&server, later, &["src/shared.rs"]).await;
        report(&server, other, &["src/shared.rs"]).await;

        let files = server.session_files("s").await.unwrap();
        let touch = |file: &str, agent_type: &str, subtask_id: Uuid, writes: i32| Touch {
            file: file.to_owned(),
            agent_type: agent_type.to_owned(),
            subtask_id,
            writes,
        };
        let mut wanted = vec![
            touch("docs/a.md", "backend-laravel", a, 0),
            touch("src/shared.rs", "backend-laravel", a, 0),
            touch("src/own.rs", "Snipper", b[0], 0),
            touch("src/shared.rs", "Snipper", b[0], 2),
            touch("docs/a.md", "docs-writer", b[1], 0),
            touch("src/shared.rs", "Snipper", later, 0),
        ];
        let key = |touch: &Touch| (touch.subtask_id, touch.file.clone());
        let mut touches = files.touches;
        touches.sort_by_key(key);
        wanted.sort_by_key(key);
        assert_eq!(touches, wanted);

        let met: Vec<_> = files
            .conflicts
            .iter()
            .map(|conflict| {
                (conflict.files[0].as_str(), conflict.severity, conflict.subtask_ids.clone())
            })
            .collect();
        let ordered = ("docs/a.md", Severity::Low, vec![a, b[1]]);
        assert_eq!(met, [ordered, ("src/shared.rs", Severity::High, vec![a, b[0]])]);
        assert_eq!(server.session_files("nobody").await.unwrap(), engine::SessionFiles::default());
    });
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_session_of_many_subtasks_costs_the_statements_of_one(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    run(options, async |db| {
        let wire = Wire::new(&db.url).await;
        let server = &wire.server;
        let read = || async { server.session_files("s").await.unwrap() };
        submit(server, "s", 0, vec![task("Snipper")]).await;
        read().await;
        let one = wire.round_trips(read()).await;
        submit(server, "s", 0, vec![task("Snipper"); 300]).await;
        assert_eq!(wire.round_trips(read()).await, one);
        assert_eq!(one.len(), 3, "{one:#?}");
    });
}
