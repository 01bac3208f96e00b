//! Claude Code's events against real sessions.

use domain::{
    dto::{Cancel, OnOverlap, PatchSubtask, PutAgent, ReserveFiles, Task},
    hook::HookEvent,
    subtask::SubtaskStatus,
};
use engine::Engine;
use serde_json::{Value, json};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::support::{batch, run, running, start, task, to};

async fn send(server: &Engine, name: &str, more: Value) -> Value {
    let mut event = json!({"session_id": "claude", "cwd": "/p", "hook_event_name": name});
    event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let event: HookEvent = serde_json::from_value(event).unwrap();
    server.claude_code(Some("s"), event).await.unwrap()
}

async fn edit(server: &Engine, agent: &str, path: &str) -> Option<String> {
    refused(server, agent, "Edit", json!({"file_path": path})).await
}

async fn bash(server: &Engine, agent: &str, command: &str) -> Option<String> {
    refused(server, agent, "Bash", json!({"command": command})).await
}

/// Why a tool may not be used.
async fn refused(server: &Engine, agent: &str, tool: &str, input: Value) -> Option<String> {
    let more = json!({"agent_id": agent, "tool_name": tool, "tool_input": input});
    let answer = send(server, "PreToolUse", more).await;
    if answer == json!({}) {
        return None;
    }
    let decision = &answer["hookSpecificOutput"];
    assert_eq!(
        (&decision["hookEventName"], &decision["permissionDecision"]),
        (&json!("PreToolUse"), &json!("deny"))
    );
    Some(decision["permissionDecisionReason"].as_str().unwrap().to_owned())
}

fn context(answer: &Value) -> &str {
    answer["hookSpecificOutput"]["additionalContext"].as_str().unwrap()
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_subagent_takes_a_subtask_is_kept_within_it_and_reports_it_when_it_stops(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    run(options, async |db| {
        let server = db.server().await;
        let scoped = Task {
            target_directories: vec!["src/api".to_owned()],
            max_files: Some(2),
            ..task("backend-laravel")
        };
        let request = batch("s", 0, vec![scoped, task("docs-writer")]);
        let ids =
            server.submit_batch(request, OnOverlap::Warn, None).await.unwrap().batch.subtask_ids;
        start(&server, "s", 0).await;
        let started = send(&server, "SessionStart", json!({"source": "startup"})).await;
        assert!(context(&started).contains("Wave 0 runs: 0 of 2"), "{started}");

        let who = json!({"agent_id": "a1", "agent_type": "backend-laravel"});
        let told = send(&server, "SubagentStart", who.clone()).await;
        let text = context(&told);
        assert!(text.contains(&ids[0].to_string()) && text.contains("`src/api`"), "{text}");
        assert!(text.contains("Do not modify more than 2 files."), "{text}");
        // A subagent that goes on is not given another one.
        assert_eq!(send(&server, "SubagentStart", who.clone()).await, json!({}));
        let nobody = json!({"agent_id": "a9", "agent_type": "unknown-type"});
        assert_eq!(send(&server, "SubagentStart", nobody).await, json!({}));

        // A pattern that it reserves is not a file that it has changed.
        let reserve: ReserveFiles = serde_json::from_value(
            json!({"session_id": "s", "agent_id": "a1", "subtask_id": ids[0], "paths": ["src/api/x/**"]}),
        )
        .unwrap();
        server.reserve_files(reserve).await.unwrap();
        assert_eq!(edit(&server, "a1", "/p/src/api/a.rs").await, None);
        let outside = edit(&server, "a1", "/p/src/web/b.ts").await.unwrap();
        assert!(outside.contains("outside the scope"), "{outside}");
        assert_eq!(edit(&server, "a1", "/p/src/api/b.rs").await, None);
        assert_eq!(edit(&server, "a1", "/p/src/api/a.rs").await, None);
        let third = edit(&server, "a1", "/p/src/api/c.rs").await.unwrap();
        assert!(third.contains("may change 2 files"), "{third}");
        // Another agent is told before it edits, by whom the file is held.
        let held = edit(&server, "a2", "/p/src/api/a.rs").await.unwrap();
        assert!(held.contains("`src/api/a.rs` is held by agent `a1` until"), "{held}");

        let done = json!({"agent_id": "a1", "tool_name": "Edit", "tool_input": {"file_path": "/p/src/api/a.rs"},
                          "tool_response": {"success": true, "nul": "a\u{0}b", "text": "\\u0000"}});
        assert_eq!(send(&server, "PostToolUse", done).await, json!({}));
        let failed = json!({"agent_id": "a1", "tool_name": "Write", "tool_input": {"file_path": "/p/src/api/b.rs"}, "error": "disk full"});
        send(&server, "PostToolUseFailure", failed).await;
        let actions = server.actions(None, Some(ids[0]), None, 10).await.unwrap().actions;
        assert_eq!(actions.len(), 2);
        assert_eq!(
            (&actions[1].tool_name, &actions[1].file_paths),
            (&"Edit".to_owned(), &vec!["src/api/a.rs".to_owned()])
        );
        let output = json!({"success": true, "nul": "ab", "text": "\\u0000"});
        assert_eq!(actions[1].output, Some(output));
        assert!(server.leases("s").await.unwrap()[0].last_action_at.is_some());

        let stopped = json!({"agent_id": "a1", "agent_type": "backend-laravel", "last_assistant_message": "Added the endpoint."});
        assert_eq!(send(&server, "SubagentStop", stopped.clone()).await, json!({}));
        let subtask = server.subtask(ids[0]).await.unwrap();
        assert_eq!(
            (subtask.status, subtask.agent_id.as_deref()),
            (SubtaskStatus::Completed, Some("a1"))
        );
        let result = Value::Object(subtask.result.unwrap().parse());
        assert_eq!(result, json!({"summary": "Added the endpoint.", "files": ["src/api/a.rs"]}));
        assert_eq!(server.file_leases("s").await.unwrap(), []);
        assert_eq!(edit(&server, "a2", "/p/src/api/a.rs").await, None);
        // Once more is nothing more.
        assert_eq!(send(&server, "SubagentStop", stopped).await, json!({}));
        // One that could not do it says so.
        let who = json!({"agent_id": "a3", "agent_type": "docs-writer"});
        let told = send(&server, "SubagentStart", who).await;
        assert!(context(&told).contains("begin that message with `FAILED:`"), "{told}");
        let gave_up =
            json!({"agent_id": "a3", "last_assistant_message": "FAILED: nobody knows the API."});
        send(&server, "SubagentStop", gave_up).await;
        let subtask = server.subtask(ids[1]).await.unwrap();
        assert_eq!(subtask.status, SubtaskStatus::Failed);
        let result = Value::Object(subtask.result.unwrap().parse());
        assert_eq!(result["error"], "nobody knows the API.");
        db.assert_counters().await;
    });
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_session_without_waves_is_tracked_and_its_files_are_its_own(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    run(options, async |db| {
        let server = db.server().await;
        let event = |more: Value| {
            let mut event = json!({"session_id": "plain", "cwd": "/p"});
            event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            serde_json::from_value::<HookEvent>(event).unwrap()
        };
        let send = async |more: Value| server.claude_code(None, event(more)).await.unwrap();
        let started = send(json!({"hook_event_name": "SessionStart"})).await;
        assert!(context(&started).contains("session `plain`"), "{started}");
        send(json!({"hook_event_name": "UserPromptSubmit", "prompt": "Fix it"})).await;
        let write = json!({"hook_event_name": "PreToolUse", "tool_name": "Write", "tool_input": {"file_path": "/p/a"}});
        assert_eq!(send(write.clone()).await, json!({}));
        let large = json!({"hook_event_name": "PostToolUse", "tool_name": "Read", "tool_input": {"file_path": "/p/a"},
                           "tool_response": {"content": "x".repeat(30_000)}});
        send(large).await;
        let actions = server.actions(Some("plain"), None, None, 10).await.unwrap().actions;
        let output = actions[0].output.as_ref().unwrap();
        assert!(output["omitted_bytes"].as_i64().unwrap() > 30_000, "{output}");
        assert_eq!(actions[1].input, Some(json!({"prompt": "Fix it"})));
        assert_eq!(actions[1].tool_name, "UserPromptSubmit");
        assert_eq!(server.file_leases("plain").await.unwrap().len(), 1);
        for other in ["Stop", "PreCompact", "SomethingNew"] {
            assert_eq!(send(json!({"hook_event_name": other})).await, json!({}));
        }
        let bash = json!({"hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": {"command": "ls"}});
        assert_eq!(send(bash).await, json!({}));
        send(json!({"hook_event_name": "SessionEnd"})).await;
        assert_eq!(server.file_leases("plain").await.unwrap(), []);
    });
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_subagent_goes_on_with_what_its_session_changed_and_others_do_not(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    run(options, async |db| {
        let server = db.server().await;
        assert_eq!(edit(&server, "claude", "/p/src/a.rs").await, None);
        assert_eq!(edit(&server, "sub-1", "/p/src/a.rs").await, None);
        let second = edit(&server, "sub-2", "/p/src/a.rs").await.unwrap();
        assert!(second.contains("held by agent `sub-1`"), "{second}");
        let elsewhere = json!({"session_id": "other", "tool_name": "Edit", "tool_input": {"file_path": "/p/src/a.rs"}});
        let told = send(&server, "PreToolUse", elsewhere).await;
        assert_eq!(told["hookSpecificOutput"]["permissionDecision"], "deny");
    });
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn what_is_forbidden_to_a_subtask_or_its_type_is_not_done(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    run(options, async |db| {
        let server = db.server().await;
        let rules: PutAgent = serde_json::from_value(
            json!({"forbidden_actions": ["drop tables", "WebFetch", "Edit(migrations/**)"]}),
        )
        .unwrap();
        server.put_agent("Snipper", rules).await.unwrap();
        let careful =
            Task { forbidden_actions: vec!["Bash(git push *)".to_owned()], ..task("Snipper") };
        let request = batch("s", 0, vec![careful]);
        server.submit_batch(request, OnOverlap::Warn, None).await.unwrap();
        start(&server, "s", 0).await;
        let who = json!({"agent_id": "a1", "agent_type": "Snipper"});
        let told = send(&server, "SubagentStart", who).await;
        let line =
            "**Forbidden Actions**: drop tables, WebFetch, Edit(migrations/**), Bash(git push *)";
        assert!(context(&told).contains(line), "{told}");

        assert_eq!(bash(&server, "a1", "git status").await, None);
        let push = bash(&server, "a1", "cargo test && git push").await.unwrap();
        assert!(push.contains("`Bash(git push *)` is forbidden to your subtask"), "{push}");
        let fetch = refused(&server, "a1", "WebFetch", json!({"url": "https://a.example"})).await;
        assert!(fetch.unwrap().contains("`WebFetch` is forbidden"));
        let edit = edit(&server, "a1", "/p/migrations/1.sql").await.unwrap();
        assert!(edit.contains("`Edit(migrations/**)` is forbidden"), "{edit}");
        // Nobody else is held to it.
        assert_eq!(bash(&server, "a2", "git push").await, None);
    });
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_subagent_whose_subtask_is_cancelled_is_told_at_its_next_tool_call(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    run(options, async |db| {
        let server = db.server().await;
        let request = batch("s", 0, vec![task("Snipper"), task("Snipper")]);
        let ids =
            server.submit_batch(request, OnOverlap::Warn, None).await.unwrap().batch.subtask_ids;
        start(&server, "s", 0).await;
        for agent in ["a1", "a2"] {
            let who = json!({"agent_id": agent, "agent_type": "Snipper"});
            send(&server, "SubagentStart", who).await;
        }
        assert_eq!(bash(&server, "a1", "ls").await, None);
        let why = Cancel { reason: Some("wrong branch".to_owned()) };
        server.cancel_subtask(ids[0], why).await.unwrap();
        let told = bash(&server, "a1", "ls").await.unwrap();
        assert!(told.contains("stop working on it. Cancelled: wrong branch"), "{told}");
        assert_eq!(bash(&server, "a2", "ls").await, None);
        // What ended by its own word ended well: it may still clear up.
        let failed =
            PatchSubtask { status: Some(SubtaskStatus::Failed), ..PatchSubtask::default() };
        server.patch_subtask(ids[1], failed).await.unwrap();
        assert_eq!(bash(&server, "a2", "ls").await, None);
        // The session itself does not live for one subtask.
        let main = json!({"tool_name": "Bash", "tool_input": {"command": "ls"}});
        assert_eq!(send(&server, "PreToolUse", main).await, json!({}));
    });
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_subagent_that_was_not_told_of_a_subtask_in_time_does_not_hold_it(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    run(options, async |db| {
        let server = db.server().await;
        let id = running(&server, "s", 0, 1).await.subtask_ids[0];
        let mut held = db.sql.begin().await.unwrap();
        sqlx::query("SELECT 1 FROM sessions FOR UPDATE").execute(&mut *held).await.unwrap();
        let who = json!({"session_id": "claude", "hook_event_name": "SubagentStart",
                         "agent_id": "a1", "agent_type": "Snipper"});
        let event: HookEvent = serde_json::from_value(who).unwrap();
        let asked = server.claude_code(Some("s"), event);
        // Who asks hangs up, and the lock is free only after that.
        let soon = std::time::Duration::from_millis(4_200);
        assert!(tokio::time::timeout(soon, asked).await.is_err());
        held.rollback().await.unwrap();
        db.until(
            "it is given back",
            "SELECT count(*) FROM attempts WHERE outcome = 'given_back'",
            1,
        )
        .await;
        assert_eq!(server.subtask(id).await.unwrap().status, SubtaskStatus::Pending);
        // Its own work is none of Swell's business.
        assert_eq!(bash(&server, "a1", "ls").await, None);
        send(&server, "SubagentStop", json!({"agent_id": "a1", "last_assistant_message": "x"}))
            .await;
        assert_eq!(server.subtask(id).await.unwrap().status, SubtaskStatus::Pending);
    });
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_subagent_whose_subtask_somebody_gives_back_has_to_stop(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    run(options, async |db| {
        let server = db.server().await;
        let id = running(&server, "s", 0, 1).await.subtask_ids[0];
        send(&server, "SubagentStart", json!({"agent_id": "a1", "agent_type": "Snipper"})).await;
        let read = json!({"agent_id": "a1", "tool_name": "Read", "tool_input": {"file_path": "a"}});
        send(&server, "PostToolUse", read).await;
        assert_eq!(edit(&server, "a1", "/p/a").await, None);
        server.patch_subtask(id, to(SubtaskStatus::Pending)).await.unwrap();
        let told = edit(&server, "a1", "/p/a").await.unwrap();
        assert!(told.contains("stop working on it"), "{told}");
    });
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_session_that_ends_gives_back_what_it_and_its_subagents_held(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    run(options, async |db| {
        let server = db.server().await;
        let ids = running(&server, "s", 0, 3).await.subtask_ids;
        let own = json!({"agent_id": "claude", "session_id": "s"});
        server.claim_subtasks(serde_json::from_value(own).unwrap(), None).await.unwrap();
        let who = json!({"agent_id": "a1", "agent_type": "Snipper"});
        assert!(context(&send(&server, "SubagentStart", who).await).contains("subtask"));
        let other = json!({"agent_id": "elsewhere", "session_id": "s"});
        server.claim_subtasks(serde_json::from_value(other).unwrap(), None).await.unwrap();
        assert_eq!(edit(&server, "a1", "/p/a.rs").await, None);
        assert_eq!(send(&server, "SessionEnd", json!({"reason": "clear"})).await, json!({}));
        let left = server.leases("s").await.unwrap();
        let left: Vec<_> = left.iter().map(|lease| lease.agent_id.as_str()).collect();
        assert_eq!(left, ["elsewhere"]);
        assert_eq!(server.file_leases("s").await.unwrap(), []);
        for id in &ids {
            assert_eq!(server.subtask(*id).await.unwrap().retry_count, 0);
        }
        db.assert_counters().await;
    });
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_session_is_asked_once_for_the_report_that_it_owes(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    run(options, async |db| {
        let server = db.server().await;
        running(&server, "s", 0, 1).await;
        assert_eq!(send(&server, "Stop", json!({})).await, json!({}));
        let own = json!({"agent_id": "claude", "session_id": "s"});
        let held = server.claim_subtasks(serde_json::from_value(own).unwrap(), None).await.unwrap();
        let kept = send(&server, "Stop", json!({"stop_hook_active": false})).await;
        assert_eq!(kept["decision"], "block");
        let reason = kept["reason"].as_str().unwrap();
        let token = format!("\"token\": {}", held[0].lease.token);
        assert!(
            reason.contains(&held[0].subtask.id.to_string()) && reason.contains(&token),
            "{reason}"
        );
        assert_eq!(send(&server, "Stop", json!({"stop_hook_active": true})).await, json!({}));
    });
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_session_whose_own_subtask_is_cancelled_is_told_once_and_goes_on(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    run(options, async |db| {
        let server = db.server().await;
        running(&server, "s", 0, 2).await;
        let own = json!({"agent_id": "claude", "session_id": "s", "max": 2});
        let held = server.claim_subtasks(serde_json::from_value(own).unwrap(), None).await.unwrap();
        let why = Cancel { reason: Some("wrong branch".to_owned()) };
        server.cancel_subtask(held[0].subtask.id, why).await.unwrap();
        let told = refused(&server, "claude", "Bash", json!({"command": "ls"})).await.unwrap();
        assert!(told.contains("Cancelled: wrong branch"), "{told}");
        assert_eq!(bash(&server, "claude", "ls").await, None);
    });
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_subagent_that_nobody_waits_for_any_more_does_not_hold_a_subtask(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    run(options, async |db| {
        let server = db.server().await;
        let id = running(&server, "s", 0, 1).await.subtask_ids[0];
        let mut held = db.sql.begin().await.unwrap();
        sqlx::query("SELECT 1 FROM sessions FOR UPDATE").execute(&mut *held).await.unwrap();
        let who = json!({"agent_id": "a1", "agent_type": "Snipper"});
        let asking = send(&server, "SubagentStart", who);
        let hung_up = tokio::time::timeout(std::time::Duration::from_millis(200), asking).await;
        assert!(hung_up.is_err());
        held.rollback().await.unwrap();
        db.until(
            "it was taken and given back",
            "SELECT count(*) FROM attempts WHERE outcome = 'given_back'",
            1,
        )
        .await;
        assert_eq!(server.subtask(id).await.unwrap().status, SubtaskStatus::Pending);
    });
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_description_longer_than_a_request_may_have_is_told_all_the_same(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    run(options, async |db| {
        let server = db.server().await;
        let id = running(&server, "s", 0, 1).await.subtask_ids[0];
        sqlx::query("UPDATE subtasks SET description = repeat('x', 100500) WHERE id = $1")
            .bind(id)
            .execute(&db.sql)
            .await
            .unwrap();
        let who = json!({"agent_id": "a1", "agent_type": "Snipper"});
        assert!(context(&send(&server, "SubagentStart", who).await).len() > 100_500);
    });
}
