//! The life of a `swell` process and of its cluster: started, killed, asked to stop, side by side.

use std::{
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use crate::binary::{BATCH, Data, Swell, command, eventually, kill, said, send};

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
