//! What goes out: the document's responses and event payloads, problems.

mod common;

use common::{SESSION, assert_documented, at, id, object, subtask, wave_of};
use domain::batch::{Batch, BatchOutcome, BatchStatus, BatchWithSubtasks};
use domain::dto::{BatchAnswer, SubmitAnswer, SubmittedBatch, WaveAnswer};
use domain::event::{Channel, Envelope, NewEvent, ServerFrame};
use domain::problem::{Problem, Refusal};
use domain::subtask::{Subtask, SubtaskStatus};
use domain::wave::{Wave, WaveStatus};
use serde_json::{Value, from_str, from_value, json, to_value};

const MINUTE: i64 = 60_000;
const SENT: i64 = 1_707_400_000_000;

/// A sample of the document with real ids in place of its placeholders.
fn sample(text: &str) -> Value {
    let names =
        [("batch-uuid", 77), ("wave-uuid", 9_001), ("subtask-uuid-1", 1), ("subtask-uuid-2", 2)];
    let text = names
        .iter()
        .fold(text.to_owned(), |text, (name, n)| text.replace(name, &id(*n).to_string()));
    from_str(&text.replace("session-uuid", SESSION)).expect("the sample")
}

fn sample_batch(status: BatchStatus, completed_tasks: i32) -> Batch {
    Batch { total_tasks: 2, completed_tasks, ..common::batch(77, 1, status) }
}

#[test]
fn a_submitted_batch_reads_as_in_the_document() {
    let batch = sample_batch(BatchStatus::Pending, 0);
    let answer = SubmitAnswer {
        success: true,
        batch: SubmittedBatch { batch, subtask_ids: vec![id(1), id(2)] },
        warnings: Vec::new(),
    };
    let documented = sample(
        r#"{
  "success": true,
  "batch": {
    "id": "batch-uuid",
    "session_id": "session-uuid",
    "wave_number": 1,
    "status": "pending",
    "total_tasks": 2,
    "completed_tasks": 0,
    "failed_tasks": 0,
    "created_at": "2026-02-09T10:00:00Z",
    "subtask_ids": ["subtask-uuid-1", "subtask-uuid-2"]
  }
}"#,
    );
    let value = to_value(&answer).expect("JSON");
    assert_documented(&value, &documented);
    assert_eq!(from_value::<SubmitAnswer>(value).expect("it reads back"), answer);
}

#[test]
fn a_batch_with_its_subtasks_reads_as_in_the_document() {
    let done = Subtask {
        batch_id: id(77),
        agent_type: "backend-laravel".to_owned(),
        status: SubtaskStatus::Completed,
        priority: 8,
        result: Some(object(json!({
            "files": ["app/Http/Controllers/UserController.php"],
            "summary": "Created CRUD endpoints for User resource",
        }))),
        completed_at: Some(at(15 * MINUTE)),
        ..subtask(1)
    };
    let runs = Subtask {
        agent_type: "frontend-react".to_owned(),
        status: SubtaskStatus::Running,
        ..subtask(2)
    };
    let batch = sample_batch(BatchStatus::Running, 1);
    let answer = BatchAnswer { batch: BatchWithSubtasks { batch, subtasks: vec![done, runs] } };
    let documented = sample(
        r#"{
  "batch": {
    "id": "batch-uuid",
    "wave_number": 1,
    "status": "running",
    "total_tasks": 2,
    "completed_tasks": 1,
    "failed_tasks": 0,
    "subtasks": [
      {
        "id": "subtask-uuid-1",
        "agent_type": "backend-laravel",
        "status": "completed",
        "priority": 8,
        "result": {
          "files": ["app/Http/Controllers/UserController.php"],
          "summary": "Created CRUD endpoints for User resource"
        },
        "created_at": "2026-02-09T10:00:00Z",
        "completed_at": "2026-02-09T10:15:00Z"
      },
      {
        "id": "subtask-uuid-2",
        "agent_type": "frontend-react",
        "status": "running",
        "priority": 5,
        "created_at": "2026-02-09T10:00:00Z"
      }
    ]
  }
}"#,
    );
    let value = to_value(&answer).expect("JSON");
    assert_documented(&value, &documented);
    let open = value["batch"]["subtasks"][1].as_object().expect("an object");
    assert!(!open.contains_key("result") && !open.contains_key("completed_at"), "{open:?}");
    assert_eq!(from_value::<BatchAnswer>(value).expect("it reads back"), answer);
}

#[test]
fn a_created_wave_reads_as_in_the_document() {
    let answer = WaveAnswer { success: true, wave: wave_of(1, WaveStatus::Pending, [0; 4]) };
    let documented = sample(
        r#"{
  "success": true,
  "wave": {
    "id": "wave-uuid",
    "session_id": "session-uuid",
    "wave_number": 1,
    "status": "pending",
    "total_tasks": 0,
    "completed_tasks": 0,
    "failed_tasks": 0,
    "started_at": null,
    "completed_at": null
  }
}"#,
    );
    let value = to_value(&answer).expect("JSON");
    assert_documented(&value, &documented);
    assert_eq!(from_value::<WaveAnswer>(value).expect("it reads back"), answer);
}

/// The event as the global channel carries it.
fn envelope(event: &NewEvent) -> Value {
    to_value(ServerFrame::Event(Envelope {
        channel: Channel::Global.to_string(),
        event: event.event.to_owned(),
        data: event.data.clone(),
        timestamp: SENT,
        seq: 12,
    }))
    .expect("JSON")
}

#[test]
fn wave_transitioned_reads_as_in_the_document() {
    let wave = wave_of(1, WaveStatus::Running, [0; 4]);
    let documented = sample(
        r#"{
  "channel": "global",
  "event": "wave.transitioned",
  "data": {
    "session_id": "session-uuid",
    "from": 0,
    "to": 1,
    "status": "running"
  },
  "timestamp": 1707400000000
}"#,
    );
    let value = envelope(&NewEvent::wave_transitioned(&wave, Some(0), at(0)));
    assert_documented(&value, &documented);
    assert_eq!(value["seq"], 12);
    let first = NewEvent::wave_transitioned(&wave_of(0, WaveStatus::Running, [0; 4]), None, at(0));
    assert_eq!(first.data.get("from"), Some(&Value::Null));
}

#[test]
fn batch_completed_reads_as_in_the_document() {
    let batch = Batch {
        total_tasks: 5,
        completed_tasks: 5,
        outcome: Some(BatchOutcome::Succeeded),
        ..common::batch(77, 1, BatchStatus::Completed)
    };
    let documented = sample(
        r#"{
  "channel": "global",
  "event": "batch.completed",
  "data": {
    "batch_id": "batch-uuid",
    "session_id": "session-uuid",
    "wave_number": 1,
    "completed_tasks": 5,
    "failed_tasks": 0,
    "next_wave_ready": true
  },
  "timestamp": 1707400000000
}"#,
    );
    let event = NewEvent::batch_completed(&batch, true, at(9));
    assert_documented(&envelope(&event), &documented);
    assert_eq!(
        (event.session_id.as_str(), event.batch_id, event.at),
        (SESSION, Some(id(77)), at(9))
    );
    let created = NewEvent::batch_created(&batch, &[id(1)], at(0));
    assert_eq!((created.event, created.batch_id), ("batch.created", Some(id(77))));
}

#[test]
fn a_finished_wave_tells_what_the_readings_list() {
    for (status, name, failed) in
        [(WaveStatus::Completed, "wave.completed", 0), (WaveStatus::Failed, "wave.failed", 1)]
    {
        let wave = Wave {
            completed_at: Some(at(1_500)),
            ..wave_of(2, status, [3, 3 - failed, failed, 0])
        };
        let event = NewEvent::wave_finished(&wave, at(1_500));
        assert_eq!(event.event, name);
        let expected = json!({
            "session_id": SESSION, "wave_number": 2, "status": status.as_str(), "total_tasks": 3,
            "completed_tasks": 3 - failed, "failed_tasks": failed, "duration_ms": 1_500,
        });
        assert_documented(&event.data, &expected);
    }
}

#[test]
fn a_problem_says_its_sentence_under_both_names() {
    let problem = Problem::new(404, "Not Found", "not_found", "There is no batch `x`.");
    let expected = json!({
        "type": "about:blank", "title": "Not Found", "status": 404, "code": "not_found",
        "detail": "There is no batch `x`.", "error": "There is no batch `x`.",
    });
    assert_eq!(to_value(problem).expect("JSON"), expected);
    assert_eq!(Refusal::not_found("batch", "x").to_string(), "There is no batch `x`.");
    let invalid = Refusal::invalid("priority", "must be from 1 to 10");
    assert_eq!(invalid.to_string(), "priority: must be from 1 to 10.");
}
