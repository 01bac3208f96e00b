//! What people and scripts do by hand: the documented calls, the commands, Claude Code's hooks, the swarm.

use std::{
    io::Write,
    process::{Command, Output, Stdio},
};

use crate::binary::{Data, Swell, said};

/// The document's "Full Orchestration Flow", as it stands there.
const FLOW: &str = r#"# 1. Create wave state
curl -X POST http://localhost:3847/api/waves/session-abc/create \
  -H "Content-Type: application/json" \
  -d '{"wave_number": 1}'

# 2. Submit batch of tasks
curl -X POST http://localhost:3847/api/orchestration/batch-submit \
  -H "Content-Type: application/json" \
  -d '{
    "session_id": "session-abc",
    "wave_number": 1,
    "tasks": [
      {
        "task_id": "task-uuid-1",
        "agent_type": "backend-laravel",
        "description": "Create User CRUD endpoints",
        "priority": 8
      },
      {
        "task_id": "task-uuid-2",
        "agent_type": "frontend-react",
        "description": "Build user management UI",
        "priority": 7
      }
    ]
  }'

# 3. Start wave
curl -X POST http://localhost:3847/api/waves/session-abc/start \
  -H "Content-Type: application/json" \
  -d '{"wave_number": 1}'

# 4. Agents execute (tracked automatically via hooks)

# 5. Complete batch and generate synthesis
curl -X POST http://localhost:3847/api/orchestration/batch/batch-uuid/complete

# 6. Check for conflicts
curl http://localhost:3847/api/orchestration/conflicts/batch-uuid

# 7. Transition to next wave
curl -X POST http://localhost:3847/api/waves/session-abc/transition"#;

/// Pastes commands into a shell and gives back what they answered.
fn paste(swell: &Swell, commands: &str, ids: &[(&str, &str)]) -> Vec<serde_json::Value> {
    let mut commands = commands.replace("localhost:3847", &swell.address);
    for (name, id) in ids {
        commands = commands.replace(name, id);
    }
    let done = Command::new("bash").args(["-c", &commands]).output().unwrap();
    assert!(done.status.success(), "{commands}\n{done:?}");
    let answers = serde_json::Deserializer::from_slice(&done.stdout).into_iter();
    answers.collect::<Result<_, _>>().unwrap_or_else(|error| panic!("{error}: {done:?}"))
}

#[test]
fn the_curl_commands_of_the_document_work_as_they_stand() {
    let data = Data::new("document");
    let swell = Swell::start(&data);
    let steps: Vec<&str> = FLOW.split("\n\n").collect();
    let [create, submit, start, _, complete, conflicts, transition] = steps[..] else {
        panic!("{steps:#?}")
    };
    assert_eq!(paste(&swell, create, &[])[0]["wave"]["status"], "pending");
    let batch = paste(&swell, submit, &[])[0]["batch"].clone();
    let ids = [("batch-uuid", batch["id"].as_str().unwrap())];
    assert_eq!(paste(&swell, start, &[])[0]["wave"]["status"], "running");
    // The document leaves this to agents.
    for id in batch["subtask_ids"].as_array().unwrap() {
        let path = format!("/api/subtasks/{}", id.as_str().unwrap());
        assert_eq!(swell.send("PATCH", &path, r#"{"status":"completed"}"#).0, 200);
    }
    let completed = &paste(&swell, complete, &ids)[0];
    assert_eq!(completed["synthesis"]["stats"]["completed"], 2, "{completed}");
    assert_eq!(paste(&swell, conflicts, &ids)[0]["conflict_count"], 0);
    // There is one wave in it.
    let transition = &paste(&swell, transition, &[])[0];
    assert_eq!(transition["code"], "not_found", "{transition}");
}

#[test]
fn the_curl_commands_of_the_readme_work_as_they_stand() {
    let data = Data::new("readme");
    let swell = Swell::start(&data);
    let readme = include_str!("../../../README.md");
    let (_, flow) = readme.split_once("## The flow in curl\n\n```sh\n").unwrap();
    let (flow, _) = flow.split_once("\n```").unwrap();
    let steps: Vec<&str> = flow.split("\n\n").collect();
    let [create, submit, start, report, end] = steps[..] else { panic!("{steps:#?}") };
    assert_eq!(paste(&swell, create, &[])[0]["wave"]["name"], "Implementation");
    let batch = paste(&swell, submit, &[])[0]["batch"].clone();
    assert_eq!(paste(&swell, start, &[])[0]["wave"]["status"], "running");
    for id in batch["subtask_ids"].as_array().unwrap() {
        let answers = paste(&swell, report, &[("SUBTASK_ID", id.as_str().unwrap())]);
        assert_eq!(answers[0]["subtask"]["agent_id"], "agent-1");
        assert_eq!(answers[1]["subtask"]["status"], "completed");
    }
    let answers = paste(&swell, end, &[("BATCH_ID", batch["id"].as_str().unwrap())]);
    assert_eq!(answers[0]["synthesis"]["stats"]["completed"], 2, "{answers:#?}");
    // Both say that they changed `app/User.php`, one after the other.
    assert_eq!(answers[1]["conflict_count"], 1, "{answers:#?}");
    assert_eq!(answers[2]["code"], "not_found", "{answers:#?}");
}

#[test]
fn hooks_are_installed_run_as_the_settings_say_and_taken_out() {
    let data = Data::new("hooks");
    let swell = Swell::start(&data);
    let project = data.0.join("project");
    let settings = project.join(".claude/settings.local.json");
    std::fs::create_dir_all(settings.parent().unwrap()).unwrap();
    let own = "{\n  \"zeta\": 1,\n  \"hooks\": {\n    \"Stop\": [\n      {\n        \"hooks\": [\n          {\n            \"type\": \"command\",\n            \"command\": \"say done\"\n          }\n        ]\n      }\n    ]\n  },\n  \"alpha\": 2\n}\n";
    std::fs::write(&settings, own).unwrap();
    let url = format!("http://{}", swell.address);
    let hooks = |arguments: &[&str]| {
        let project = project.to_string_lossy().into_owned();
        let done = Command::new(env!("CARGO_BIN_EXE_swell"))
            .arg("hooks")
            .args(arguments)
            .args(["--project", &project])
            .output()
            .unwrap();
        assert!(done.status.success(), "{done:?}");
    };
    hooks(&["install", "--url", &url, "--session", "it's mine", "--fail-closed"]);
    hooks(&["install", "--url", &url, "--session", "it's mine", "--fail-closed"]);
    let text = std::fs::read_to_string(&settings).unwrap();
    assert!(text.starts_with("{\n  \"zeta\": 1,\n  \"hooks\""), "its order is kept: {text}");
    let installed: serde_json::Value = serde_json::from_str(&text).unwrap();
    let groups = installed["hooks"]["PreToolUse"].as_array().unwrap();
    assert_eq!(groups.len(), 1, "once, however often it is installed");
    let relay = groups[0]["hooks"][0]["command"].as_str().unwrap().to_owned();

    // As Claude Code runs them: two agents, one file.
    let ask = |agent: &str, tool: &str| {
        let event = format!(
            r#"{{"session_id":"{agent}","hook_event_name":"PreToolUse","tool_name":"{tool}","tool_input":{{"file_path":"/p/a.rs"}}}}"#
        );
        let mut run = Command::new("sh")
            .args(["-c", &relay])
            .env("CLAUDE_PROJECT_DIR", "/p")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        run.stdin.take().unwrap().write_all(event.as_bytes()).unwrap();
        let done = run.wait_with_output().unwrap();
        assert!(done.status.success());
        said(&done)
    };
    let edit = |agent: &str| ask(agent, "Edit");
    assert_eq!(edit("one").trim(), "{}");
    assert_eq!(ask("two", "Read").trim(), "{}");
    let denied = edit("two");
    assert!(
        denied.contains("\"deny\"") && denied.contains("`a.rs` is held by agent `one`"),
        "{denied}"
    );
    let (status, body) = swell.send("GET", "/api/files?session=it%27s%20mine", "");
    assert!(status == 200 && body.contains("\"agent_id\":\"one\""), "{body}");
    // The server is gone: the edit is refused, as was asked for; looking is not.
    drop(swell);
    assert_eq!(ask("one", "Read"), "");
    assert!(edit("one").contains("Swell cannot be asked"));

    hooks(&["uninstall"]);
    assert_eq!(std::fs::read_to_string(&settings).unwrap(), own);

    // Those who work in one project know of each other, unless each window is to be for itself.
    hooks(&["install"]);
    assert!(std::fs::read_to_string(&settings).unwrap().contains("--session=project\""));
    hooks(&["install", "--each-window"]);
    assert!(!std::fs::read_to_string(&settings).unwrap().contains("--session"));
}

#[test]
fn a_swarm_with_crashes_and_a_killed_server_loses_nothing_and_does_nothing_twice() {
    let swarm = |seed: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_swell"))
            .args(["swarm", "--agents", "10", "--subtasks", "60", "--patience", "100"])
            .args(seed)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    };
    // One that is the same every time, and one that nobody has seen; it says its seed when it fails.
    for playing in [swarm(&["--seed", "7"]), swarm(&[])] {
        let done = playing.wait_with_output().unwrap();
        assert!(done.status.success(), "{}{}", said(&done), String::from_utf8_lossy(&done.stderr));
        assert!(said(&done).contains("Everything holds."), "{}", said(&done));
        assert!(said(&done).contains("1 kills of the server"), "{}", said(&done));
    }
}

#[test]
fn a_script_submits_claims_reports_and_watches_by_exit_code() {
    let data = Data::new("cli");
    let swell = Swell::start(&data);
    let url = format!("http://{}", swell.address);
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_swell"));
        command.args(arguments).env("SWELL_URL", &url).output().unwrap()
    };
    let code = |output: &Output| output.status.code().unwrap();
    let file = data.0.join("tasks.json");
    let task =
        r#"{"agent_type":"Snipper","description":"Cut \u001b[31mit\nshort","target_files":["a"]}"#;
    std::fs::write(&file, format!("[{task},{task}]")).unwrap();
    let file = file.to_string_lossy().into_owned();
    let submit = run(&["submit", &file, "--session", "job", "--wave", "0"]);
    assert!(said(&submit).contains("with 2 subtasks in wave 0"), "{submit:?}");
    assert!(
        said(&submit).contains("Warning: 2 subtasks may touch a at the same time."),
        "{submit:?}"
    );
    assert_eq!(
        code(&run(&["submit", &file, "--session", "job", "--wave", "0", "--on-overlap", "reject"])),
        1
    );
    assert_eq!(code(&run(&["claim", "--agent", "a1"])), 3);
    assert_eq!(swell.send("POST", "/api/waves/job/start", r#"{"wave_number":0}"#).0, 200);

    let claimed = run(&["claim", "--agent", "a1", "--session", "job", "--max", "5"]);
    assert_eq!(code(&claimed), 0);
    let table = said(&claimed);
    let rows: Vec<Vec<&str>> =
        table.lines().skip(1).map(|row| row.split_whitespace().collect()).collect();
    assert_eq!(rows.len(), 2, "{table}");
    // What others wrote cannot steer the terminal.
    assert!(!table.contains('\u{1b}') && table.contains("Cut  [31mit short"), "{table:?}");
    assert_eq!(code(&run(&["report", rows[0][0], "completed", "--token", "1234567"])), 1);
    let beat = run(&["heartbeat", rows[0][0], "--token", rows[0][1], "--lease", "60"]);
    assert!(said(&beat).starts_with("Held until 2"), "{beat:?}");
    assert_eq!(code(&run(&["heartbeat", rows[0][0], "--token", "1234567"])), 1);
    for row in &rows {
        let done = run(&[
            "report",
            row[0],
            "completed",
            "--token",
            row[1],
            "--summary",
            "Done",
            "--file",
            "a",
        ]);
        assert!(said(&done).contains("is completed."), "{done:?}");
    }
    let waves = said(&run(&["waves", "job"]));
    assert!(waves.contains("completed") && waves.contains("2/2"), "{waves}");
    let json: serde_json::Value = serde_json::from_str(&said(&run(&["status", "--json"]))).unwrap();
    assert_eq!(json["sessions"][0]["completed_tasks"], 2);
    assert!(said(&run(&["status"])).contains("1 done, 0 running"));
    let watched = run(&["watch", "job", "--since", "0", "--until-done"]);
    assert_eq!(code(&watched), 0);
    assert!(said(&watched).contains("wave.completed"), "{watched:?}");
    assert!(said(&run(&["completions", "bash"])).contains("_swell"));
    assert_eq!(code(&run(&["waves"])), 2);
    let away = Command::new(env!("CARGO_BIN_EXE_swell"))
        .args(["status", "--url", "http://127.0.0.1:1"])
        .output()
        .unwrap();
    assert_eq!(code(&away), 1);
    assert!(String::from_utf8_lossy(&away.stderr).contains("no answer from"));
}
