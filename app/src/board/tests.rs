use domain::{
    event::{Envelope, NewEvent},
    subtask::SubtaskStatus,
    wave::WaveStatus,
};
use serde_json::json;

use super::*;
use crate::views::SessionNeeds;

fn wave(number: i32, total: i32, status: WaveStatus) -> Wave {
    let at = domain::Time::from_timestamp_millis(0).unwrap_or_default();
    Wave { total_tasks: total, status, ..Wave::new(Uuid::nil(), "s".to_owned(), number, at) }
}

fn row(id: u128, wave_number: i32, status: SubtaskStatus) -> Row {
    Row {
        id: Uuid::from_u128(id),
        batch_id: Uuid::nil(),
        wave_number,
        agent_type: "Explore".to_owned(),
        agent_id: None,
        description: "look".to_owned(),
        status,
        priority: 5,
        optional: false,
        blocked_by: Vec::new(),
        open_blockers: 0,
        retry_count: 0,
        created_at: domain::Time::UNIX_EPOCH,
        last_tool: None,
        started_at: None,
        completed_at: None,
    }
}

fn board(complete: bool) -> Board {
    let at = domain::Time::from_timestamp_millis(0).unwrap_or_default();
    Board::new(&SessionView {
        head: SessionHead {
            session_id: "s".to_owned(),
            created_at: at,
            paused: false,
            spent: None,
            spent_out: false,
            waves: vec![wave(0, 2, WaveStatus::Running)],
            batches: Vec::new(),
            seq: 10,
        },
        waves: vec![WaveRows {
            wave_number: 0,
            rows: vec![row(1, 0, SubtaskStatus::Pending), row(2, 0, SubtaskStatus::Running)],
            cursor: None,
            complete,
        }],
        needs: SessionNeeds::default(),
        heat: None,
        subtask: None,
    })
}

fn event(seq: i64, name: &str, data: serde_json::Value) -> Envelope {
    Envelope {
        channel: "sessions/s".to_owned(),
        event: name.to_owned(),
        data,
        timestamp: 5_000,
        seq,
    }
}

fn updated(seq: i64, id: u128, status: &str) -> Envelope {
    let data = json!({
        "subtask_id": Uuid::from_u128(id), "batch_id": Uuid::nil(), "session_id": "s", "wave_number": 0,
        "agent_type": "Explore", "agent_id": "a-1", "from": "pending", "status": status, "priority": 5,
        "open_blockers": 0, "retry_count": 0, "started_at": "1970-01-01T00:00:01Z", "completed_at": null,
    });
    event(seq, "subtask.updated", data)
}

fn tally(board: &Board) -> Option<Tally> {
    board.wave(0).map(|state| state.tally.get_untracked())
}

#[test]
fn counters_follow_the_rows_and_an_event_applied_twice_counts_once() {
    let board = board(true);
    for _ in 0..2 {
        assert_eq!(board.apply(&updated(11, 1, "completed")), None);
    }
    assert_eq!(
        tally(&board),
        Some(Tally { total: 2, completed: 1, failed: 0, running: 1, blocked: 0 })
    );
}

#[test]
fn a_wave_that_is_not_loaded_wholly_asks_for_its_counters() {
    let board = board(false);
    assert_eq!(board.apply(&updated(11, 9, "completed")), Some(Need::Detail));
    let mut detail = SessionHead {
        session_id: "s".to_owned(),
        created_at: domain::Time::default(),
        paused: false,
        spent: None,
        spent_out: false,
        waves: vec![Wave { completed_tasks: 1, ..wave(0, 2, WaveStatus::Running) }],
        batches: Vec::new(),
        seq: 10,
    };
    assert!(!board.merge(&detail), "a reading older than the last event is refused");
    detail.seq = 11;
    assert!(board.merge(&detail));
    assert_eq!(tally(&board).map(|tally| tally.completed), Some(1));
}

#[test]
fn an_event_that_overtakes_the_reading_of_its_subtask_is_not_lost() {
    let board = board(true);
    board.apply(&updated(12, 3, "failed"));
    board.add_batch_rows(0, &[row(3, 0, SubtaskStatus::Pending)], true);
    assert_eq!(tally(&board).map(|tally| tally.total), Some(3));
}

#[test]
fn subtasks_that_could_not_be_read_leave_their_wave_to_be_read() {
    let board = board(true);
    board.add_batch_rows(0, &[], false);
    assert_eq!(board.wave(0).map(|state| state.complete.get_untracked()), Some(false));
    assert!(!board.is_complete());
}

#[test]
fn a_new_batch_is_listed_once_and_its_subtasks_are_asked_for() {
    let board = board(true);
    let id = Uuid::from_u128(7);
    let data = json!({"batch_id": id, "session_id": "s", "wave_number": 1, "status": "pending", "total_tasks": 4, "subtask_ids": []});
    assert_eq!(board.apply(&event(11, "batch.created", data.clone())), Some(Need::Batch(id, 1, 4)));
    board.apply(&event(11, "batch.created", data));
    assert_eq!(board.wave(1).map(|state| state.batches.get_untracked().len()), Some(1));
    assert_eq!(board.waves().iter().map(|state| state.number).collect::<Vec<_>>(), [0, 1]);
}

#[test]
fn a_reopened_batch_asks_for_what_the_waves_and_batches_now_say() {
    let board = board(true);
    let reopened = event(11, "batch.reopened", serde_json::json!({"batch_id": Uuid::nil()}));
    assert_eq!(board.apply(&reopened), Some(Need::Detail));
}

#[test]
fn the_engines_own_wave_events_move_the_header() {
    let board = board(true);
    let at = domain::Time::from_timestamp_millis(5_000).unwrap_or_default();
    let mut ended = wave(0, 2, WaveStatus::Failed);
    (ended.completed_tasks, ended.failed_tasks) = (1, 1);
    for made in [
        NewEvent::wave_transitioned(&wave(3, 0, WaveStatus::Running), Some(0), at),
        NewEvent::wave_finished(&ended, at),
    ] {
        board.apply(&event(12, made.event, made.data));
    }
    let states: Vec<_> = board
        .rules()
        .iter()
        .map(|wave| (wave.wave_number, wave.status, wave.failed_tasks))
        .collect();
    assert_eq!(states, [(0, WaveStatus::Failed, 1), (3, WaveStatus::Running, 0)]);
}

#[test]
fn a_recorded_action_shows_its_tool_and_a_newer_reading_of_the_subtask_keeps_it() {
    let board = board(true);
    let id = Uuid::from_u128(1);
    let data = json!({ "subtask_id": id, "tool_name": "Edit", "session_id": "s" });
    assert_eq!(board.apply(&event(11, "action.recorded", data)), None);
    board.put_row(Row { priority: 9, ..row(1, 0, SubtaskStatus::Running) });
    let row = board.row(id).map(|row| row.get_untracked());
    let shown = row.map(|row| (row.last_tool, row.priority));
    assert_eq!(shown, Some((Some("Edit".to_owned()), 9)));
    // Of a session, not of a subtask.
    assert_eq!(board.apply(&event(12, "action.recorded", json!({ "tool_name": "Bash" }))), None);
}

#[test]
fn an_event_that_links_a_subtask_anew_is_told_apart_from_one_that_does_not() {
    let board = board(true);
    let seen = || board.links.get_untracked();
    let blocker = Uuid::from_u128(2);
    let data = |blocked_by: serde_json::Value| {
        json!({
            "subtask_id": Uuid::from_u128(1), "wave_number": 0, "status": "blocked", "priority": 5,
            "blocked_by": blocked_by, "open_blockers": 1, "retry_count": 0,
        })
    };
    board.apply(&event(11, "subtask.updated", data(json!([blocker]))));
    assert_eq!(seen(), 1);
    board.apply(&event(12, "subtask.updated", data(json!([blocker]))));
    assert_eq!(seen(), 1);
    // An older server does not say.
    board.apply(&event(13, "subtask.updated", data(serde_json::Value::Null)));
    assert_eq!(seen(), 1);
    let row = board.row(Uuid::from_u128(1)).map(|row| row.get_untracked().blocked_by);
    assert_eq!(row, Some(vec![blocker]));
}

#[test]
fn a_session_is_paused_and_resumed_by_its_events() {
    let board = board(true);
    assert!(!board.paused.get_untracked());
    board.apply(&event(11, "session.paused", json!({ "session_id": "s", "paused": true })));
    assert!(board.paused.get_untracked());
    board.apply(&event(12, "session.resumed", json!({ "session_id": "s", "paused": false })));
    assert!(!board.paused.get_untracked());
}
