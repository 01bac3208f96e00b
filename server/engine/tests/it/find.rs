//! Finding things by a few letters, and sessions by where they stand.

use domain::{
    dto::{CreateWave, PatchSubtask, RecordAction},
    subtask::SubtaskStatus,
    wave::{SessionState, WaveStatus},
};
use engine::Error;
use serde_json::json;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::support::{complete, run, running, start, submit, task, to};

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_few_letters_find_sessions_subtasks_batches_and_actions_in_any_case(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    run(options, async |db| {
        let server = db.server().await;
        let mut wanted = task("Snipper");
        wanted.description = "Rename the FROBnicator 100%_".to_owned();
        let batch = submit(&server, "s-frob", 0, vec![wanted, task("Explore")]).await;
        let id = batch.subtask_ids[0];
        let patch =
            PatchSubtask { agent_id: Some("frob-agent".to_owned()), ..PatchSubtask::default() };
        server.patch_subtask(batch.subtask_ids[1], patch).await.unwrap();
        let body = json!({ "subtask_id": id, "tool_name": "Edit", "file_paths": ["src/Frob.rs"] });
        let action: RecordAction = serde_json::from_value(body).unwrap();
        server.record_action(action, None).await.unwrap();

        let found = server.find(" frob ").await.unwrap();
        assert_eq!(found.sessions, ["s-frob"]);
        let ids: Vec<_> = found.subtasks.iter().map(|subtask| subtask.id).collect();
        assert_eq!(ids, [batch.subtask_ids[1], id]);
        assert_eq!(found.actions[0].subtask_id, id);
        assert_eq!(found.actions[0].file_paths, ["src/Frob.rs"]);
        // Letters that mean something in a pattern mean themselves.
        assert_eq!(server.find("100%_").await.unwrap().subtasks[0].id, id);
        assert!(server.find("1%_").await.unwrap().subtasks.is_empty());

        let tail = batch.batch.id.to_string()[28..].to_owned();
        let by_id = server.find(&tail).await.unwrap().batches;
        assert_eq!((by_id.len(), by_id[0].id, by_id[0].total_tasks), (1, batch.batch.id, 2));
        assert_eq!(found.batches, by_id, "also by the session");
        let name = CreateWave {
            wave_number: 0,
            name: Some("Tidy UP".to_owned()),
            description: None,
            requires_approval: false,
        };
        server.create_wave("s-frob", name, None).await.unwrap();
        let by_wave = server.find("tidy up").await.unwrap().batches;
        assert_eq!(by_wave[0].wave_name.as_deref(), Some("Tidy UP"));
        assert_eq!(server.find(&id.to_string()).await.unwrap().subtasks[0].id, id);
        for refused in ["", " ", &"x".repeat(201)] {
            assert!(matches!(server.find(refused).await, Err(Error::Refused(_))), "{refused:?}");
        }
    });
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn sessions_are_listed_by_where_the_rules_say_they_stand(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    run(options, async |db| {
        let server = db.server().await;
        running(&server, "running", 0, 1).await;
        let failed = running(&server, "failed", 0, 1).await.subtask_ids[0];
        server.patch_subtask(failed, to(SubtaskStatus::Failed)).await.unwrap();
        submit(&server, "failed", 1, vec![task("Snipper")]).await;
        submit(&server, "waiting", 0, vec![task("Snipper")]).await;
        let first = running(&server, "between", 0, 1).await.subtask_ids[0];
        complete(&server, first).await;
        submit(&server, "between", 1, vec![task("Snipper")]).await;
        let done = running(&server, "done", 0, 1).await.subtask_ids[0];
        complete(&server, done).await;
        // A failed wave that was gone past is behind.
        let gone = running(&server, "past", 0, 1).await.subtask_ids[0];
        server.patch_subtask(gone, to(SubtaskStatus::Failed)).await.unwrap();
        let next = submit(&server, "past", 1, vec![task("Snipper")]).await.subtask_ids[0];
        let force = domain::dto::StartWave { wave_number: 1, force: true };
        server.start_wave("past", force).await.unwrap();
        complete(&server, next).await;
        start(&server, "waiting", 0).await;
        submit(&server, "new", 0, vec![task("Snipper")]).await;

        let all = server.sessions(None, None, None, 100).await.unwrap().sessions;
        assert_eq!(all.len(), 7);
        for state in SessionState::ALL {
            let mut listed: Vec<String> = server
                .sessions(None, Some(state), None, 100)
                .await
                .unwrap()
                .sessions
                .into_iter()
                .map(|session| session.session_id)
                .collect();
            let mut by_rule: Vec<String> = all
                .iter()
                .filter(|session| {
                    let waves: Vec<WaveStatus> =
                        session.waves.iter().map(|wave| wave.status).collect();
                    SessionState::of(&waves) == state
                })
                .map(|session| session.session_id.clone())
                .collect();
            listed.sort();
            by_rule.sort();
            assert_eq!(listed, by_rule, "{state:?}");
            assert!(!listed.is_empty(), "{state:?}");
        }
    });
}
