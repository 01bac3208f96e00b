//! What comes in: the document's requests, defaults, limits, and what is no request at all.

mod common;

use common::id;
use domain::dto::{
    ApproveWave, BlockerRef, Cancel, ClaimSubtasks, CraftPrompt, CreateWave, Decompose, NewPlan,
    PatchSubtask, PutAgent, RecordAction, ReserveFiles, StartWave, SubmitBatch, TransitionWave,
};
use domain::planner::Constraints;
use domain::problem::Refusal;
use domain::subtask::SubtaskStatus;
use serde_json::{Value, from_str, from_value, json};

/// "Batch Submission", verbatim.
const SUBMIT: &str = r#"{
  "session_id": "session-uuid",
  "wave_number": 1,
  "tasks": [
    {
      "task_id": "uuid",
      "agent_type": "backend-laravel",
      "description": "Create User API endpoint",
      "priority": 8
    },
    {
      "task_id": "uuid",
      "agent_type": "frontend-react",
      "description": "Build user profile component",
      "priority": 5
    }
  ]
}"#;

/// "Craft Scoped Prompt", verbatim.
const CRAFT: &str = r#"{
  "task_description": "Add user authentication to the API",
  "agent_type": "backend-laravel",
  "session_id": "session-uuid",
  "target_files": [
    "app/Http/Controllers/AuthController.php",
    "routes/api.php"
  ],
  "target_directories": ["app/Http/Middleware"],
  "context_budget_tokens": 2000,
  "wave_number": 1
}"#;

/// "Decompose Task", verbatim.
const DECOMPOSE: &str = r#"{
  "task_description": "Build a complete user management system with authentication and profiles",
  "session_id": "session-uuid",
  "constraints": {
    "max_parallel": 3,
    "max_total_turns": 50
  }
}"#;

#[test]
fn the_documents_batch_is_taken_as_it_stands() {
    let batch: SubmitBatch = from_str(SUBMIT).expect("the sample");
    assert_eq!((batch.session_id.as_str(), batch.wave_number), ("session-uuid", 1));
    let tasks: Vec<_> = batch
        .tasks
        .iter()
        .map(|t| (t.task_id.as_deref(), t.agent_type.as_str(), t.description.as_str(), t.priority))
        .collect();
    assert_eq!(
        tasks,
        [
            (Some("uuid"), "backend-laravel", "Create User API endpoint", 8),
            (Some("uuid"), "frontend-react", "Build user profile component", 5),
        ]
    );
    assert_eq!(batch.check(), Ok(()), "the same task_id twice is fine, and no UUID");
}

#[test]
fn the_documents_wave_requests_are_taken_as_they_stand() {
    let create: CreateWave = from_str(
        r#"{
  "wave_number": 1,
  "name": "Implementation Phase",
  "description": "Core feature implementation"
}"#,
    )
    .expect("the sample");
    assert_eq!(create.wave_number, 1);
    assert_eq!(create.name.as_deref(), Some("Implementation Phase"));
    assert_eq!(create.description.as_deref(), Some("Core feature implementation"));
    assert_eq!(create.check(), Ok(()));
    let bare: CreateWave = from_str(r#"{"wave_number": 1}"#).expect("the curl flow's");
    assert_eq!((bare.name.clone(), bare.description.clone(), bare.check()), (None, None, Ok(())));
    let start: StartWave = from_str("{\n  \"wave_number\": 1\n}").expect("the sample");
    assert_eq!(start, StartWave { wave_number: 1, force: false });
    let forced: StartWave = from_str(r#"{"wave_number": 2, "force": true}"#).expect("extension");
    assert_eq!(forced, StartWave { wave_number: 2, force: true });
    assert_eq!(from_str::<TransitionWave>("{}").expect("empty"), TransitionWave { force: false });
}

#[test]
fn the_documents_planner_requests_are_taken_as_they_stand() {
    let craft: CraftPrompt = from_str(CRAFT).expect("the sample");
    let expected = CraftPrompt {
        task_description: "Add user authentication to the API".to_owned(),
        agent_type: "backend-laravel".to_owned(),
        session_id: Some("session-uuid".to_owned()),
        target_files: ["app/Http/Controllers/AuthController.php", "routes/api.php"]
            .map(str::to_owned)
            .to_vec(),
        target_directories: vec!["app/Http/Middleware".to_owned()],
        max_files: None,
        forbidden_actions: Vec::new(),
        context_budget_tokens: Some(2_000),
        wave_number: Some(1),
    };
    assert_eq!((craft.check(), craft), (Ok(()), expected));

    let decompose: Decompose = from_str(DECOMPOSE).expect("the sample");
    assert_eq!(decompose.constraints, Constraints { max_parallel: 3, max_total_turns: 50 });
    assert_eq!(decompose.check(), Ok(()));
    let bare: Decompose = from_str(r#"{"task_description": "x"}"#).expect("defaults");
    assert_eq!(bare.constraints, decompose.constraints);
    let half: Decompose =
        from_str(r#"{"task_description": "x", "constraints": {"max_parallel": 5}}"#).expect("one");
    assert_eq!(half.constraints, Constraints { max_parallel: 5, max_total_turns: 50 });
}

#[test]
fn the_documents_patch_is_taken_as_it_stands() {
    let patch: PatchSubtask = from_str(r#"{"status": "completed"}"#).expect("the sample");
    let expected = PatchSubtask { status: Some(SubtaskStatus::Completed), ..Default::default() };
    assert_eq!((patch.check(), patch), (Ok(()), expected));
}

#[test]
fn a_task_needs_no_more_than_a_type_and_a_description() {
    let batch: SubmitBatch = from_value(json!({
        "session_id": "s", "wave_number": 0, "unknown": {"ignored": true},
        "tasks": [{"agent_type": "Explore", "description": "Look", "colour": "green"}],
    }))
    .expect("a request");
    let task = &batch.tasks[0];
    assert_eq!((task.priority, task.optional, &task.task_id), (5, false, &None));
    assert!(task.blocked_by.is_empty() && task.depends_on.is_empty());
    assert_eq!((&task.context_snapshot, batch.check()), (&None, Ok(())));
}

#[test]
fn a_blocker_is_an_index_or_a_name() {
    let index = |n| BlockerRef::Index(n);
    let name = |text: &str| BlockerRef::Name(text.to_owned());
    let table = [
        (json!(0), Some(index(0))),
        (json!(4_294_967_295_u32), Some(index(u32::MAX))),
        (json!("task-uuid-1"), Some(name("task-uuid-1"))),
        (json!("0"), Some(name("0"))),
        (json!(id(1)), Some(name(&id(1).to_string()))),
        (json!(-1), None),
        (json!(1.5), None),
        (json!(4_294_967_296_u64), None),
        (json!(null), None),
        (json!(true), None),
        (json!([0]), None),
        (json!({"index": 0}), None),
    ];
    for (value, expected) in table {
        assert_eq!(from_value::<BlockerRef>(value.clone()).ok(), expected, "{value}");
    }
}

/// The document's batch with one value replaced.
fn submit(pointer: &str, value: Value) -> Result<SubmitBatch, serde_json::Error> {
    let mut body: Value = from_str(SUBMIT).expect("the sample");
    let (parent, key) = pointer.rsplit_once('/').expect("a pointer");
    body.pointer_mut(parent).expect("it is there")[key] = value;
    from_value(body)
}

/// The fields that a verdict names.
fn fields(verdict: Result<(), Refusal>) -> Vec<String> {
    match verdict {
        Ok(()) => Vec::new(),
        Err(Refusal::Invalid(details)) => {
            assert!(details.values().flatten().all(|message| !message.is_empty()));
            details.into_keys().collect()
        }
        Err(other) => panic!("not a validation: {other:?}"),
    }
}

#[test]
fn a_batch_is_held_to_its_limits_field_by_field() {
    let chars = |n| json!("ü".repeat(n));
    let task = json!({"agent_type": "a", "description": "d"});
    let tasks = |n: usize| Value::Array(vec![task.clone(); n]);
    let table = [
        ("/session_id", chars(200), None),
        ("/session_id", chars(201), Some("session_id")),
        ("/session_id", json!(""), Some("session_id")),
        ("/session_id", json!("a\u{7}b"), Some("session_id")),
        ("/session_id", json!("a\0"), Some("session_id")),
        ("/session_id", json!("a\u{85}b"), Some("session_id")),
        ("/session_id", json!("شبكة 🌊 <b>'; DROP"), None),
        ("/wave_number", json!(0), None),
        ("/wave_number", json!(i32::MAX), None),
        ("/wave_number", json!(-1), Some("wave_number")),
        ("/tasks", tasks(0), Some("tasks")),
        ("/tasks", tasks(1), None),
        ("/tasks", tasks(5_000), None),
        ("/tasks", tasks(5_001), Some("tasks")),
        ("/tasks/1/priority", json!(1), None),
        ("/tasks/1/priority", json!(10), None),
        ("/tasks/1/priority", json!(0), Some("tasks[1].priority")),
        ("/tasks/1/priority", json!(11), Some("tasks[1].priority")),
        ("/tasks/1/priority", json!(-5), Some("tasks[1].priority")),
        ("/tasks/0/agent_type", chars(201), Some("tasks[0].agent_type")),
        ("/tasks/0/agent_type", json!(" "), Some("tasks[0].agent_type")),
        ("/tasks/0/agent_type", json!("a\nb"), Some("tasks[0].agent_type")),
        ("/tasks/0/task_id", chars(200), None),
        ("/tasks/0/task_id", chars(201), Some("tasks[0].task_id")),
        ("/tasks/0/task_id", json!("a\0b"), Some("tasks[0].task_id")),
        ("/tasks/0/description", chars(100_000), None),
        ("/tasks/0/description", chars(100_001), Some("tasks[0].description")),
        ("/tasks/0/description", json!("two\nlines\tand a tab"), None),
        ("/tasks/0/description", json!("a\0b"), Some("tasks[0].description")),
        ("/tasks/0/description", json!(" \n"), Some("tasks[0].description")),
        ("/tasks/0/depends_on", json!(vec![1; 1_000]), None),
        ("/tasks/0/depends_on", json!(vec![1; 1_001]), Some("tasks[0].blocked_by")),
        ("/tasks/0/context_snapshot", json!({"a": ["\0"]}), Some("tasks[0].context_snapshot")),
        ("/tasks/0/context_snapshot", json!({"a": {"b\0": 1}}), Some("tasks[0].context_snapshot")),
        ("/tasks/0/context_snapshot", json!({"a": [{"b": "c"}]}), None),
    ];
    for (pointer, value, named) in table {
        let short: String = value.to_string().chars().take(40).collect();
        let batch = submit(pointer, value).expect("the right types");
        let named: Vec<&str> = named.into_iter().collect();
        assert_eq!(fields(batch.check()), named, "{pointer} = {short}");
    }
}

#[test]
fn values_of_the_wrong_type_are_no_request() {
    let table = [
        ("/session_id", json!(5)),
        ("/session_id", json!(null)),
        ("/wave_number", json!(1.5)),
        ("/wave_number", json!("1")),
        ("/wave_number", json!(2_147_483_648_u32)),
        ("/tasks", json!({})),
        ("/tasks", json!(null)),
        ("/tasks/0", json!("task")),
        ("/tasks/0/priority", json!(5.5)),
        ("/tasks/0/priority", json!("high")),
        ("/tasks/0/priority", json!(null)),
        ("/tasks/0/description", json!(["d"])),
        ("/tasks/0/blocked_by", json!([null])),
        ("/tasks/0/context_snapshot", json!([1])),
    ];
    for (pointer, value) in table {
        if pointer == "/tasks/0" {
            let body = json!({"session_id": "s", "wave_number": 1, "tasks": [value]});
            assert!(from_value::<SubmitBatch>(body).is_err());
            continue;
        }
        assert!(submit(pointer, value.clone()).is_err(), "{pointer} = {value}");
    }
    for body in ["null", "[]", "5", "\"x\"", "{}", "", "{\"session_id\":"] {
        assert!(from_str::<SubmitBatch>(body).is_err(), "{body}");
    }
}

#[test]
fn every_violation_is_reported_at_once() {
    let body = json!({
        "session_id": "", "wave_number": -1,
        "tasks": [{"agent_type": "", "description": "", "priority": 0}],
    });
    let batch: SubmitBatch = from_value(body).expect("the right types");
    assert_eq!(
        fields(batch.check()),
        [
            "session_id",
            "tasks[0].agent_type",
            "tasks[0].description",
            "tasks[0].priority",
            "wave_number"
        ]
    );
}

#[test]
fn other_requests_are_held_to_their_limits() {
    let long = "x".repeat(201);
    let text = "x".repeat(100_001);
    let wave = |body: Value| from_value::<CreateWave>(body).expect("a request").check();
    let patch = |body: Value| from_value::<PatchSubtask>(body).expect("a request").check();
    let craft = |field: &str, value: Value| {
        let mut body: Value = from_str(CRAFT).expect("the sample");
        body[field] = value;
        from_value::<CraftPrompt>(body).expect("a request").check()
    };
    let plan = |parallel: i32, turns: i32| {
        let constraints = json!({"max_parallel": parallel, "max_total_turns": turns});
        let body = json!({"task_description": "x", "constraints": constraints});
        from_value::<Decompose>(body).expect("a request").check()
    };
    const PARALLEL: &[&str] = &["constraints.max_parallel"];
    const TURNS: &[&str] = &["constraints.max_total_turns"];
    let table: Vec<(Result<(), Refusal>, &[&str])> = vec![
        (wave(json!({"wave_number": -1})), &["wave_number"]),
        (wave(json!({"wave_number": 0, "name": "", "description": ""})), &[]),
        (wave(json!({"wave_number": 0, "name": long})), &["name"]),
        (wave(json!({"wave_number": 0, "name": "a\0"})), &["name"]),
        (wave(json!({"wave_number": 0, "description": "a\0"})), &["description"]),
        (wave(json!({"wave_number": 0, "description": text})), &["description"]),
        (patch(json!({})), &["body"]),
        (patch(json!({"colour": "green"})), &["body"]),
        (patch(json!({"result": {}})), &[]),
        (patch(json!({"result": {"deep": {"a": ["\0"]}}})), &["result"]),
        (patch(json!({"result": {"x": "x".repeat(1_048_576)}})), &["result"]),
        (patch(json!({"context_snapshot": {"\0": 1}})), &["context_snapshot"]),
        (patch(json!({"agent_id": ""})), &["agent_id"]),
        (patch(json!({"agent_id": long})), &["agent_id"]),
        (patch(json!({"priority": 0})), &["priority"]),
        (patch(json!({"priority": 11})), &["priority"]),
        (patch(json!({"priority": 10})), &[]),
        (patch(json!({"blocked_by": []})), &[]),
        (patch(json!({"blocked_by": vec![id(1); 1_001]})), &["blocked_by"]),
        (craft("task_description", json!(" ")), &["task_description"]),
        (craft("task_description", json!(text)), &["task_description"]),
        (craft("agent_type", json!(long)), &["agent_type"]),
        (craft("session_id", json!("")), &["session_id"]),
        (craft("wave_number", json!(-1)), &["wave_number"]),
        (craft("context_budget_tokens", json!(99)), &["context_budget_tokens"]),
        (craft("context_budget_tokens", json!(100)), &[]),
        (craft("target_files", json!(["a", ""])), &["target_files[1]"]),
        (craft("target_files", json!(["x".repeat(1_025)])), &["target_files[0]"]),
        (craft("target_directories", json!(["a\nb"])), &["target_directories[0]"]),
        (craft("target_directories", json!(vec!["a"; 1_001])), &["target_directories"]),
        (plan(1, 5), &[]),
        (plan(5, 200), &[]),
        (plan(0, 50), PARALLEL),
        (plan(6, 50), PARALLEL),
        (plan(3, 4), TURNS),
        (plan(3, 201), TURNS),
    ];
    for (row, (verdict, named)) in table.into_iter().enumerate() {
        assert_eq!(fields(verdict), named, "row {row}");
    }
    for body in [json!({"result": []}), json!({"result": "done"}), json!({"blocked_by": ["x"]})] {
        assert!(from_value::<PatchSubtask>(body.clone()).is_err(), "{body}");
    }
}

#[test]
fn every_list_and_text_ends_at_its_limit() {
    let action = |paths: usize| {
        let body = json!({"session_id": "s", "tool_name": "Edit", "file_paths": vec!["a"; paths]});
        from_value::<RecordAction>(body).expect("a request").check()
    };
    let agent = |field: &str, entries: usize| {
        let mut body = json!({});
        body[field] = json!(vec!["a"; entries]);
        from_value::<PutAgent>(body).expect("a request").into_profile("a").map(drop)
    };
    let plan = |steps: usize, depends_on: usize| {
        let step =
            json!({"agent_type": "a", "description": "d", "depends_on": vec![0; depends_on]});
        let body = json!({"task_description": "d", "subtasks": vec![step; steps]});
        from_value::<NewPlan>(body).expect("a request").check()
    };
    let task = |field: &str, entries: usize| {
        let mut task = json!({"agent_type": "a", "description": "d"});
        task[field] = json!(vec!["a"; entries]);
        let body = json!({"session_id": "s", "wave_number": 0, "tasks": [task]});
        from_value::<SubmitBatch>(body).expect("a request").check()
    };
    let reserve = |paths: usize| {
        let body = json!({"session_id": "s", "agent_id": "a", "paths": vec!["a"; paths]});
        from_value::<ReserveFiles>(body).expect("a request").check()
    };
    let claim = |types: usize| {
        let body = json!({"agent_id": "a", "agent_types": vec!["a"; types]});
        from_value::<ClaimSubtasks>(body).expect("a request").check()
    };
    let approve = |letters: usize| {
        let body = json!({"wave_number": 0, "comment": "é".repeat(letters)});
        from_value::<ApproveWave>(body).expect("a request").check()
    };
    let cancel = |letters: usize| {
        let body = json!({"reason": "é".repeat(letters)});
        from_value::<Cancel>(body).expect("a request").check()
    };
    type Checked<'a> = Box<dyn Fn(usize) -> Result<(), Refusal> + 'a>;
    let table: Vec<(&str, usize, Checked)> = vec![
        ("file_paths", 1_000, Box::new(action)),
        ("keywords", 200, Box::new(|n| agent("keywords", n))),
        ("allowed_tools", 200, Box::new(|n| agent("allowed_tools", n))),
        ("forbidden_actions", 200, Box::new(|n| agent("forbidden_actions", n))),
        ("subtasks", 100, Box::new(|n| plan(n, 0))),
        ("subtasks[0].depends_on", 100, Box::new(|n| plan(1, n))),
        ("tasks[0].target_files", 200, Box::new(|n| task("target_files", n))),
        ("tasks[0].target_directories", 200, Box::new(|n| task("target_directories", n))),
        ("tasks[0].forbidden_actions", 50, Box::new(|n| task("forbidden_actions", n))),
        ("tasks[0].blocked_by", 1_000, Box::new(|n| task("blocked_by", n))),
        ("paths", 200, Box::new(reserve)),
        ("agent_types", 50, Box::new(claim)),
        ("comment", 10_000, Box::new(approve)),
        ("reason", 1_000, Box::new(cancel)),
    ];
    for (field, most, check) in table {
        assert_eq!(fields(check(most)), [""; 0], "{most} of {field}");
        assert_eq!(fields(check(most + 1)), [field], "{most} of {field} and one more");
    }
}
