//! Claude Code's events, as it sends them.

use domain::{
    hook::{HookEvent, deny, nothing, outside, tell},
    scope::Scope,
};
use serde_json::json;

fn event(value: serde_json::Value) -> HookEvent {
    serde_json::from_value(value).expect("an event")
}

#[test]
fn an_edit_names_its_file_relative_to_the_project() {
    let edit = |path: &str| {
        event(json!({
            "session_id": "abc", "transcript_path": "/t.jsonl", "cwd": "/home/me/shop/web", "permission_mode": "default",
            "hook_event_name": "PreToolUse", "tool_name": "Edit", "tool_use_id": "toolu_1", "project_dir": "/home/me/shop/",
            "tool_input": {"file_path": path, "old_string": "a", "new_string": "b"},
        }))
    };
    for (path, relative) in [
        ("/home/me/shop/src/a.rs", "src/a.rs"),
        ("/home/me/shop/./src//a.rs", "src/a.rs"),
        ("/home/me/shop/../other/a.rs", "/home/me/other/a.rs"),
        ("/home/me/shopping/a.rs", "/home/me/shopping/a.rs"),
        ("/etc/passwd", "/etc/passwd"),
        ("src/a.rs", "src/a.rs"),
    ] {
        assert_eq!(edit(path).files(), [relative], "{path}");
    }
    let only_cwd = HookEvent { project_dir: None, ..edit("/home/me/shop/web/x.ts") };
    assert_eq!(only_cwd.files(), ["x.ts"]);
    assert!(edit("a").writes());
    assert_eq!((edit("a").tool_type(), edit("a").agent()), ("edit", "abc"));
}

#[test]
fn events_of_a_subagent_are_its_own_and_missing_fields_are_empty() {
    let read = event(
        json!({"session_id": "abc", "hook_event_name": "PostToolUse", "agent_id": "agent-1", "tool_name": "Read",
                            "tool_input": {"file_path": "/x"}, "something_new": {"a": 1}}),
    );
    assert_eq!((read.agent(), read.writes(), read.tool_type()), ("agent-1", false, "read"));
    let bare = event(json!({"session_id": "abc", "hook_event_name": "Stop"}));
    assert_eq!((bare.agent(), bare.files(), bare.writes()), ("abc", Vec::new(), false));
}

#[test]
fn an_edit_outside_the_scope_or_beyond_the_limit_is_told_what_to_do_instead() {
    let scope = Scope { target_directories: vec!["src/api".to_owned()], ..Scope::default() };
    let touched = ["src/api/a.rs".to_owned(), "src/api/b.rs".to_owned()];
    assert_eq!(outside("src/api/c.rs", &scope, &touched, 3), None);
    assert_eq!(outside("src/api/a.rs", &scope, &touched, 2), None);
    let limit = outside("src/api/c.rs", &scope, &touched, 2).expect("too many");
    assert!(limit.contains("may change 2 files"), "{limit}");
    let elsewhere = outside("src/web/a.ts", &scope, &[], 5).expect("outside");
    assert!(elsewhere.contains("src/api") && elsewhere.contains("report"), "{elsewhere}");
}

#[test]
fn answers_are_in_its_own_format() {
    assert_eq!(
        deny("no"),
        json!({"hookSpecificOutput": {"hookEventName": "PreToolUse", "permissionDecision": "deny", "permissionDecisionReason": "no"}})
    );
    assert_eq!(
        tell("SessionStart", "hello"),
        json!({"hookSpecificOutput": {"hookEventName": "SessionStart", "additionalContext": "hello"}})
    );
    assert_eq!(nothing(), json!({}));
}
