//! The `swell` program itself, over a cluster of its own: what a person does to it by hand.

use std::{
    fs::Permissions,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

const BATCH: &str =
    r#"{"session_id":"s","wave_number":0,"tasks":[{"agent_type":"Explore","description":"look"}]}"#;

/// A data directory; its cluster is stopped and its files removed at the end of the test.
struct Data(PathBuf);

impl Data {
    fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("swell-test-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        // Postgres is another user when the tests are root's.
        std::fs::set_permissions(&dir, Permissions::from_mode(0o755)).unwrap();
        Self(dir)
    }

    /// The process id of its Postgres, if one is there.
    fn postgres(&self) -> Option<u32> {
        let file = std::fs::read_to_string(self.0.join("postgres/postmaster.pid")).ok()?;
        let pid = file.lines().next()?.parse().ok()?;
        Path::new(&format!("/proc/{pid}")).exists().then_some(pid)
    }
}

impl Drop for Data {
    fn drop(&mut self) {
        if let Some(pid) = self.postgres() {
            kill("QUIT", pid);
            eventually("Postgres ends", || self.postgres().is_none());
        }
        std::fs::remove_dir_all(&self.0).unwrap();
    }
}

fn command(data: &Data, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_swell"));
    command
        .args(["--listen", "127.0.0.1:0", "--data-dir"])
        .arg(&data.0)
        .args(arguments)
        .env_remove("SWELL_DATABASE_URL")
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    command
}

/// A running `swell serve`.
struct Swell {
    process: Child,
    address: String,
}

impl Swell {
    fn start(data: &Data) -> Self {
        Self::start_with(data, &[])
    }

    fn start_with(data: &Data, arguments: &[&str]) -> Self {
        let mut process = command(data, &["serve"]).args(arguments).spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let address = lines
            .find_map(|line| {
                let line = line.unwrap();
                let rest = line.strip_prefix("Swell is at http://")?;
                Some(rest.split(' ').next()?.to_owned())
            })
            .expect("it says where it is");
        Self { process, address }
    }

    /// Status and body.
    fn send(&self, method: &str, path: &str, body: &str) -> (u16, String) {
        send(&self.address, method, path, body)
    }

    fn subtasks(&self) -> (u16, usize) {
        let (status, body) = self.send("GET", "/api/subtasks?session_id=s", "");
        (status, body.matches("\"batch_id\"").count())
    }
}

/// Status and body.
fn send(address: &str, method: &str, path: &str, body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

impl Drop for Swell {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn kill(signal: &str, pid: u32) {
    let done = Command::new("kill").args(["-s", signal, &pid.to_string()]).status().unwrap();
    assert!(done.success());
}

fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < until, "not within 30 s: {what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn a_postgres_that_is_killed_is_started_again_and_has_lost_nothing() {
    let data = Data::new("revive");
    let swell = Swell::start(&data);
    assert_eq!(swell.send("POST", "/api/orchestration/batch-submit", BATCH).0, 201);

    let killed = data.postgres().unwrap();
    kill("KILL", killed);
    eventually("another Postgres runs", || data.postgres().is_some_and(|pid| pid != killed));
    eventually("Swell is ready", || swell.send("GET", "/health/ready", "").0 == 200);
    assert_eq!(swell.subtasks(), (200, 1));
    assert_eq!(swell.send("POST", "/api/orchestration/batch-submit", BATCH).0, 201);
    assert_eq!(swell.subtasks(), (200, 2));
}

#[test]
fn a_killed_swell_is_followed_by_one_that_goes_on_with_its_data() {
    let data = Data::new("killed");
    let mut first = Swell::start(&data);
    assert_eq!(first.send("POST", "/api/orchestration/batch-submit", BATCH).0, 201);
    first.process.kill().unwrap();
    first.process.wait().unwrap();
    let left = data.postgres().unwrap();

    let second = Swell::start(&data);
    assert_eq!(data.postgres(), Some(left), "the cluster that was left is used");
    assert_eq!(second.subtasks(), (200, 1));
}

#[test]
fn a_swell_that_is_asked_to_stop_ends_well_and_takes_its_postgres_with_it() {
    let data = Data::new("stop");
    let mut swell = Swell::start(&data);
    let address = swell.address.clone();
    let waits = std::thread::spawn(move || {
        send(&address, "POST", "/api/subtasks/claim", r#"{"agent_id":"a","wait_seconds":25}"#)
    });
    // It waits by now, or is refused a connection and fails the test.
    std::thread::sleep(Duration::from_millis(500));
    let asked = Instant::now();
    kill("TERM", swell.process.id());
    assert!(swell.process.wait().unwrap().success());
    assert!(asked.elapsed() < Duration::from_secs(10), "{:?}", asked.elapsed());
    assert_eq!(data.postgres(), None);
    // Who waited for work is answered, not cut off.
    let (status, body) = waits.join().unwrap();
    assert!(status == 200 && body.contains("\"claims\":[]"), "{status} {body}");
}

#[test]
fn one_data_directory_is_for_one_swell_and_doctor_looks_at_it_either_way() {
    let data = Data::new("doctor");
    let before = command(&data, &["doctor"]).output().unwrap();
    assert!(said(&before).contains("will be made in"), "{}", said(&before));

    let mut swell = Swell::start(&data);
    let second = command(&data, &["serve"]).output().unwrap();
    assert!(!second.status.success());
    let beside = command(&data, &["doctor"]).output().unwrap();
    assert!(said(&beside).contains("a Swell uses it"), "{}", said(&beside));
    assert!(said(&beside).contains("the schema is up to date"), "{}", said(&beside));

    kill("TERM", swell.process.id());
    swell.process.wait().unwrap();
    let after = command(&data, &["doctor"]).output().unwrap();
    assert!(said(&after).contains("it starts"), "{}", said(&after));
    assert!(said(&after).contains("the schema is up to date"), "{}", said(&after));
    assert_eq!(data.postgres(), None, "doctor stops what it started");
}

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
fn a_swell_that_is_asked_to_stop_while_it_starts_stops_and_leaves_no_postgres() {
    let data = Data::new("starts");
    let mut process = command(&data, &["serve"]).spawn().unwrap();
    eventually("its cluster is being made", || data.0.join("postgres.new").exists());
    let asked = Instant::now();
    kill("TERM", process.id());
    assert!(process.wait().unwrap().success());
    assert!(asked.elapsed() < Duration::from_secs(10), "{:?}", asked.elapsed());
    assert_eq!(data.postgres(), None);
}

#[test]
fn a_cluster_that_was_left_with_too_few_connections_is_started_again_with_more() {
    let data = Data::new("connections");
    let mut first = Swell::start(&data);
    assert_eq!(first.send("POST", "/api/orchestration/batch-submit", BATCH).0, 201);
    first.process.kill().unwrap();
    first.process.wait().unwrap();
    let left = data.postgres().unwrap();
    let second = Swell::start_with(&data, &["--connections", "150"]);
    assert_ne!(data.postgres(), Some(left));
    assert_eq!(second.subtasks(), (200, 1));
}

#[test]
fn two_processes_over_one_database_tell_the_same_events_in_the_same_order() {
    let data = Data::new("two");
    let first = Swell::start(&data);
    let url = format!("postgres://swell@localhost/postgres?host={}", data.0.join("run").display());
    let second = Swell::start_with(&data, &["--database-url", &url]);
    let tasks = vec![serde_json::json!({"agent_type": "Snipper", "description": "Cut"}); 40];
    let batch = serde_json::json!({"session_id": "s", "wave_number": 0, "tasks": tasks});
    let (_, answer) = first.send("POST", "/api/orchestration/batch-submit", &batch.to_string());
    let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
    let watch = |swell: &Swell| {
        Command::new(env!("CARGO_BIN_EXE_swell"))
            .args(["watch", "s", "--since", "0", "--until-done", "--json"])
            .env("SWELL_URL", format!("http://{}", swell.address))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let watching = [watch(&first), watch(&second)];
    assert_eq!(second.send("POST", "/api/waves/s/start", r#"{"wave_number":0}"#).0, 200);
    let ids = answer["batch"]["subtask_ids"].as_array().unwrap();
    std::thread::scope(|scope| {
        for (n, ids) in ids.chunks(10).enumerate() {
            let (one, other) = if n % 2 == 0 { (&first, &second) } else { (&second, &first) };
            scope.spawn(move || {
                for id in ids {
                    let path = format!("/api/subtasks/{}", id.as_str().unwrap());
                    assert_eq!(one.send("PATCH", &path, r#"{"status":"running"}"#).0, 200);
                    assert_eq!(other.send("PATCH", &path, r#"{"status":"completed"}"#).0, 200);
                }
            });
        }
    });
    let [one, other] = watching.map(|process| said(&process.wait_with_output().unwrap()));
    // Created, started, twice for each subtask, and the end of the wave.
    assert_eq!(one.lines().count(), 3 + 80 + 1, "{one}");
    assert_eq!(one, other);
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
