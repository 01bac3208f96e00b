//! Where subtasks may work, kept and looked at when they are submitted.

use domain::{
    conflict::ConflictKind,
    dto::{OnOverlap, PatchSubtask, RecordAction, SubmitAnswer, Task},
    scope::Scope,
    subtask::SubtaskStatus,
};
use engine::Engine;
use serde_json::json;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::support::{batch, complete, conflict, run, start, task, times};

fn within(files: &[&str]) -> Task {
    Task { target_files: files.iter().map(|it| (*it).to_owned()).collect(), ..task("Snipper") }
}

async fn submit(
    server: &Engine,
    wave: i32,
    tasks: Vec<Task>,
    on_overlap: OnOverlap,
) -> SubmitAnswer {
    server.submit_batch(batch("s", wave, tasks), on_overlap, None).await.unwrap()
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_scope_is_kept_with_its_subtask(_: PgPoolOptions, options: PgConnectOptions) {
    run(options, async |db| {
        let server = db.server().await;
        let scoped = Task {
            target_directories: vec!["docs".to_owned()],
            max_files: Some(3),
            forbidden_actions: vec!["delete".to_owned()],
            ..within(&["src/*.rs"])
        };
        let wanted: Scope = scoped.scope();
        let answer = submit(&server, 0, vec![scoped, task("Snipper")], OnOverlap::Warn).await;
        let ids = &answer.batch.subtask_ids;
        assert_eq!(server.subtask(ids[0]).await.unwrap().scope, wanted);
        assert_eq!(server.subtask(ids[1]).await.unwrap().scope, Scope::default());
    });
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn overlaps_are_told_of_the_batch_and_of_what_is_open_beside_it(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    run(options, async |db| {
        let server = db.server().await;
        let first = submit(&server, 0, vec![within(&["a"]), within(&["b"])], OnOverlap::Warn).await;
        assert_eq!(first.warnings, []);
        let second =
            submit(&server, 0, vec![within(&["a"]), within(&["c"])], OnOverlap::Warn).await;
        let ids = [first.batch.subtask_ids[0], second.batch.subtask_ids[0]];
        assert_eq!(second.warnings.len(), 1);
        assert_eq!(second.warnings[0].overlap.subtask_ids, ids);
        assert_eq!(second.warnings[0].message, "2 subtasks may touch a at the same time.");
        // Another wave runs at another time, and what has ended touches nothing any more.
        assert_eq!(submit(&server, 1, vec![within(&["a"])], OnOverlap::Warn).await.warnings, []);
        start(&server, "s", 0).await;
        for id in [first.batch.subtask_ids[1], second.batch.subtask_ids[1]] {
            complete(&server, id).await;
        }
        assert_eq!(submit(&server, 0, vec![within(&["b"])], OnOverlap::Warn).await.warnings, []);
    });
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn overlapping_batches_are_refused_whole_or_made_to_wait(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    run(options, async |db| {
        let server = db.server().await;
        let first = submit(&server, 0, vec![within(&["src/**"])], OnOverlap::Reject).await;
        let tasks = vec![within(&["src/a.rs"]), Task { priority: 9, ..within(&["src/a.rs", "x"]) }];
        let refused =
            server.submit_batch(batch("s", 0, tasks.clone()), OnOverlap::Reject, None).await;
        assert_eq!(conflict(refused), "scope_overlap");
        assert_eq!(server.current_wave("s").await.unwrap().wave.total_tasks, 1);

        let second = submit(&server, 0, tasks, OnOverlap::Serialize).await;
        assert_eq!(second.warnings, []);
        let [low, high] = second.batch.subtask_ids[..] else { panic!() };
        let of_first = first.batch.subtask_ids[0];
        let waits = server.subtask(high).await.unwrap();
        assert_eq!((waits.blocked_by, waits.open_blockers), (vec![of_first], 1));
        let waits = server.subtask(low).await.unwrap();
        assert_eq!(waits.status, SubtaskStatus::Blocked);
        assert!(waits.blocked_by.contains(&high), "{waits:?}");
        start(&server, "s", 0).await;
        for id in [of_first, high, low] {
            assert_eq!(server.subtask(id).await.unwrap().status, SubtaskStatus::Pending);
            complete(&server, id).await;
        }
        db.assert_counters().await;
    });
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn an_action_outside_the_scope_is_told_and_is_a_conflict_with_its_evidence(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    run(options, async |db| {
        let server = db.server().await;
        let answer = submit(&server, 0, vec![within(&["src/a.rs"])], OnOverlap::Warn).await;
        let (batch, id) = (answer.batch.batch.id, answer.batch.subtask_ids[0]);
        start(&server, "s", 0).await;
        for (tool, path) in [("Edit", "src/a.rs"), ("Edit", "/etc/passwd"), ("Read", "README.md")] {
            let action: RecordAction = serde_json::from_value(
                json!({"subtask_id": id, "tool_name": tool, "file_paths": [path]}),
            )
            .unwrap();
            server.record_action(action, None).await.unwrap();
        }
        let done = PatchSubtask {
            status: Some(SubtaskStatus::Completed),
            result: Some(
                json!({"files": ["src/a.rs", "src/b.rs"]}).as_object().unwrap().clone().into(),
            ),
            ..PatchSubtask::default()
        };
        server.patch_subtask(id, done).await.unwrap();
        let log = db.log(&server).await;
        assert_eq!(times(&log, "scope.violated"), 2, "an edit, and a report");
        let synthesis = server.complete_batch(batch, false).await.unwrap().synthesis;
        assert_eq!(synthesis.conflicts.len(), 1);
        assert_eq!(synthesis.conflicts[0].kind, ConflictKind::ScopeViolation);
        assert_eq!(synthesis.conflicts[0].files, ["/etc/passwd", "src/b.rs"]);
        let evidence = synthesis.results[0].evidence.clone().unwrap();
        assert_eq!(evidence.verified, ["src/a.rs"]);
        assert_eq!(evidence.unverified, ["src/b.rs"]);
        assert_eq!(evidence.unreported, ["/etc/passwd"]);
        // What is recorded later is no part of the batch as it was completed, in either of the two.
        let late = json!({"subtask_id": id, "tool_name": "Edit", "file_paths": ["late.rs"]});
        server.record_action(serde_json::from_value(late).unwrap(), None).await.unwrap();
        assert_eq!(server.conflicts(batch).await.unwrap().conflicts, synthesis.conflicts);
    });
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_forbidden_action_is_told_and_is_a_conflict(_: PgPoolOptions, options: PgConnectOptions) {
    run(options, async |db| {
        let server = db.server().await;
        let careful = Task {
            forbidden_actions: vec!["delete migrations".to_owned(), "Bash(rm -rf *)".to_owned()],
            ..within(&[])
        };
        let answer = submit(&server, 0, vec![careful.clone(), careful], OnOverlap::Warn).await;
        let (batch, id) = (answer.batch.batch.id, answer.batch.subtask_ids[0]);
        start(&server, "s", 0).await;
        for command in ["ls", "rm -rf target", "cd x; rm -rf y"] {
            let action: RecordAction = serde_json::from_value(
                json!({"subtask_id": id, "tool_name": "Bash", "input": {"command": command}}),
            )
            .unwrap();
            let action = server.record_action(action, None).await.unwrap();
            let rule = (command != "ls").then_some("Bash(rm -rf *)");
            assert_eq!(action.forbidden_action.as_deref(), rule);
        }
        let actions = server.actions(None, Some(id), None, 10).await.unwrap().actions;
        assert_eq!(actions.iter().filter(|it| it.forbidden_action.is_some()).count(), 2);
        let log = db.log(&server).await;
        assert_eq!(times(&log, "scope.violated"), 2);
        let found = server.conflicts(batch).await.unwrap().conflicts;
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(
            (found[0].kind, &found[0].subtask_ids),
            (ConflictKind::ScopeViolation, &vec![id])
        );
        assert_eq!(found[0].description, "A forbidden action was taken: Bash(rm -rf *)");
        let files = server.session_files("s").await.unwrap();
        assert_eq!(files.violations, [(0, found[0].clone())]);
        // Without a file written there is nothing to hold a report against.
        assert_eq!(server.synthesis(batch).await.unwrap().results[0].evidence, None);
    });
}
