//! What a subtask does beyond its scope is told once, when it does it.

mod common;

use std::collections::BTreeSet;

use common::{World, at, id, object, subtask};
use domain::{
    dto::Action,
    progress::Patch,
    scope::Scope,
    subtask::SubtaskStatus::{Completed, Running},
    wave::WaveStatus,
};
use serde_json::{Value, json};

/// One subtask that may change two files in `src`.
fn world() -> World {
    let scope = Scope {
        target_directories: vec!["src".to_owned()],
        max_files: Some(2),
        ..Scope::default()
    };
    let rows = vec![domain::subtask::Subtask { scope, ..subtask(1) }];
    World::new(&[(0, WaveStatus::Running)], rows)
}

/// What is told of an action that writes these files, after those that are known.
fn act(world: &mut World, tool: &str, files: &[&str], known: &[&str]) -> Option<Value> {
    let action: Action = serde_json::from_value(json!({
        "id": id(77), "session_id": common::SESSION, "subtask_id": id(1), "agent_id": "a", "tool_name": tool,
        "file_paths": files, "writes_files": tool == "Edit", "created_at": at(0),
    }))
    .expect("an action");
    let known: BTreeSet<String> = known.iter().map(|file| (*file).to_owned()).collect();
    let mut progress = world.progress(at(50));
    progress.acted(&action, None, &known).expect("there");
    let events = world.take(progress);
    events.into_iter().find(|event| event.event == "scope.violated").map(|event| event.data)
}

#[test]
fn an_action_is_told_of_files_that_are_outside_or_too_many() {
    let mut world = world();
    assert_eq!(act(&mut world, "Edit", &["src/a"], &[]), None);
    assert_eq!(act(&mut world, "Read", &["/etc/passwd"], &[]), None);
    let outside = act(&mut world, "Edit", &["./x", "src/a"], &[]).expect("told");
    assert_eq!(
        (&outside["file_paths"], &outside["max_files"], &outside["agent_id"]),
        (&json!(["x"]), &Value::Null, &json!("a"))
    );
    let many = act(&mut world, "Edit", &["src/c"], &["src/a", "src/b"]).expect("told");
    assert_eq!((&many["file_paths"], &many["max_files"]), (&json!(["src/c"]), &json!(2)));
    // A file that it has changed already is no other one.
    assert_eq!(act(&mut world, "Edit", &["src//a"], &["src/a", "src/b", "src/c"]), None);
}

#[test]
fn a_report_is_told_of_what_the_one_before_did_not_own_up_to() {
    let mut world = world();
    let report = |status, files: Value| Patch {
        status: Some(status),
        result: Some(object(json!({ "files": files }))),
        ..Patch::default()
    };
    let mut told = |patch: &Patch| -> Vec<Value> {
        let events = world.patch(1, patch).expect("allowed");
        let violated = events.into_iter().filter(|event| event.event == "scope.violated");
        violated.map(|event| event.data["file_paths"].clone()).collect()
    };
    assert_eq!(told(&report(Running, json!(["src/a"]))), Vec::<Value>::new());
    assert_eq!(told(&report(Running, json!(["src/a", "x"]))), [json!(["x"])]);
    assert_eq!(told(&report(Running, json!(["src/a", "x"]))), Vec::<Value>::new());
    let done = report(Completed, json!(["src/a", "x", "src/b"]));
    assert_eq!(told(&done), [json!(["src/b"])]);
    assert_eq!(told(&done), Vec::<Value>::new());
}
