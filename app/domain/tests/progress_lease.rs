//! Subtasks held under a lease.

mod common;

use common::{batch, id, subtask};
use domain::{
    batch::{Batch, BatchStatus},
    lease::{Attempt, Health, Outcome, backoff},
    problem::Refusal,
    progress::{Parts, Patch, Progress},
    subtask::{Subtask, SubtaskStatus},
    wave::{Wave, WaveStatus},
};

fn at(seconds: i64) -> domain::Time {
    common::at(seconds * 1_000)
}

fn wave(status: WaveStatus, total_tasks: i32) -> Wave {
    Wave { status, total_tasks, ..Wave::new(id(500), common::SESSION.to_owned(), 0, at(0)) }
}

/// Over these subtasks of running wave 0.
fn over(now: i64, subtasks: Vec<Subtask>) -> Progress {
    let wave = wave(WaveStatus::Running, 10);
    let batch = Batch { total_tasks: 10, ..batch(1_000, 0, BatchStatus::Pending) };
    Progress::new(at(now), subtasks, Vec::new(), vec![batch], vec![wave])
}

/// A subtask that agent `a` holds under lease 7.
fn held() -> Subtask {
    let mut progress = over(10, vec![subtask(1)]);
    progress.claim(id(1), "a", 7).expect("ready")
}

fn under(token: i64, status: SubtaskStatus) -> Patch {
    Patch { status: Some(status), token: Some(token), ..Patch::default() }
}

fn code(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::Conflict { code, .. } => code,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_claim_starts_a_ready_subtask_once() {
    let mut progress = over(10, vec![subtask(1)]);
    let taken = progress.claim(id(1), "a", 7).expect("ready");
    assert_eq!((taken.status, taken.agent_id.as_deref()), (SubtaskStatus::Running, Some("a")));
    assert_eq!((taken.lease_token, taken.started_at), (Some(7), Some(at(10))));
    assert_eq!(progress.claim(id(1), "b", 8).map_err(code), Err("not_ready"));
    let Parts { batches, events, ended, .. } = progress.into_parts();
    assert_eq!(batches[0].status, BatchStatus::Running);
    assert_eq!(events.len(), 1);
    assert_eq!(ended, []);
}

#[test]
fn nothing_is_claimed_before_its_time_or_before_its_wave() {
    let waiting = Subtask { not_before: Some(at(20)), ..subtask(1) };
    assert_eq!(
        over(19, vec![waiting.clone()]).claim(id(1), "a", 7).map_err(code),
        Err("not_ready")
    );
    let taken = over(20, vec![waiting]).claim(id(1), "a", 7).expect("ready");
    assert_eq!(taken.not_before, None);
    let mut pending = Progress::new(
        at(1),
        vec![subtask(1)],
        Vec::new(),
        vec![batch(1_000, 0, BatchStatus::Pending)],
        vec![wave(WaveStatus::Pending, 1)],
    );
    assert_eq!(pending.claim(id(1), "a", 7).map_err(code), Err("wave_not_running"));
}

#[test]
fn a_report_counts_under_the_latest_lease_alone() {
    let mut progress = over(20, vec![held()]);
    assert_eq!(
        progress.patch(id(1), &under(6, SubtaskStatus::Completed)).map_err(code),
        Err("lease_lost")
    );
    let done = progress.patch(id(1), &under(7, SubtaskStatus::Completed)).expect("held");
    // The same report once more is answered alike; an older one is not.
    assert_eq!(progress.patch(id(1), &under(7, SubtaskStatus::Completed)), Ok(done));
    assert_eq!(
        progress.patch(id(1), &under(6, SubtaskStatus::Completed)).map_err(code),
        Err("lease_lost")
    );
    let ended = progress.into_parts().ended;
    assert_eq!(ended.len(), 1);
    assert_eq!((ended[0].token, ended[0].outcome), (7, Outcome::Completed));
}

#[test]
fn a_person_needs_no_token() {
    let mut progress = over(20, vec![held()]);
    let patch = Patch { status: Some(SubtaskStatus::Failed), ..Patch::default() };
    assert!(progress.patch(id(1), &patch).is_ok());
    assert_eq!(progress.into_parts().ended[0].outcome, Outcome::Failed);
}

#[test]
fn what_is_given_back_is_free_and_its_lease_worth_nothing() {
    let mut progress = over(20, vec![held()]);
    let free = progress.patch(id(1), &under(7, SubtaskStatus::Pending)).expect("held");
    assert_eq!((free.agent_id, free.lease_token, free.retry_count), (None, None, 0));
    assert_eq!(
        progress.patch(id(1), &under(7, SubtaskStatus::Completed)).map_err(code),
        Err("lease_lost")
    );
    assert_eq!(progress.into_parts().ended[0].outcome, Outcome::GivenBack);
}

#[test]
fn a_lease_that_ends_requeues_with_a_pause_until_the_tries_are_used_up() {
    let mut current = held();
    for tries in 1..=3 {
        let mut progress = over(100 * tries, vec![current.clone()]);
        let token = current.lease_token.expect("held");
        let expired = progress.expire(id(1), token, Outcome::Expired, "It was silent.".to_owned());
        assert_eq!(expired, Ok(true));
        // Once.
        let again = progress.expire(id(1), token, Outcome::Expired, "It was silent.".to_owned());
        assert_eq!(again, Ok(false));
        let Parts { subtasks, events, ended, waves, .. } = progress.into_parts();
        let names: Vec<_> = events.iter().map(|event| event.event).collect();
        assert_eq!(names, ["lease.expired", "subtask.updated"]);
        assert_eq!((ended.len(), ended[0].token), (1, token));
        current = subtasks[0].clone();
        assert_eq!(current.lease_token, None);
        if tries < 3 {
            let pause = backoff(i32::try_from(tries).expect("small"));
            assert_eq!(
                (current.status, i64::from(current.retry_count)),
                (SubtaskStatus::Pending, tries)
            );
            assert_eq!(current.not_before, Some(at(100 * tries) + pause));
            let mut progress = over(100 * tries + 90, vec![current]);
            current = progress.claim(id(1), "b", token + 1).expect("ready");
        } else {
            assert_eq!(current.status, SubtaskStatus::Failed);
            let result = current.result.as_ref().expect("why").parse();
            assert_eq!(result["error"], "Tried 3 times. It was silent.");
            assert_eq!(waves[0].failed_tasks, 1);
        }
    }
}

#[test]
fn a_subtask_may_say_how_often_it_is_tried() {
    let once = Subtask { max_attempts: Some(1), ..held() };
    let mut progress = over(100, vec![once]);
    assert_eq!(progress.expire(id(1), 7, Outcome::TimedOut, "Too long.".to_owned()), Ok(true));
    assert_eq!(progress.subtask(id(1)).map(|s| s.status), Ok(SubtaskStatus::Failed));
}

#[test]
fn cancelling_ends_what_is_open_and_leaves_what_has_ended() {
    let done =
        Subtask { completed_at: Some(at(1)), status: SubtaskStatus::Completed, ..subtask(2) };
    let waits = Subtask { status: SubtaskStatus::Blocked, open_blockers: 1, ..subtask(3) };
    let mut progress = over(20, vec![held(), done, waits]);
    let cancelled = progress.cancel(id(1), Some("not needed")).expect("there").expect("open");
    assert_eq!(cancelled.result.expect("why").parse()["error"], "Cancelled: not needed");
    assert_eq!(progress.cancel(id(2), None), Ok(None));
    assert!(progress.cancel(id(3), None).expect("there").is_some());
    assert_eq!(
        progress.patch(id(1), &under(7, SubtaskStatus::Completed)).map_err(code),
        Err("lease_lost")
    );
    let ended = progress.into_parts().ended;
    assert_eq!((ended.len(), ended[0].outcome), (1, Outcome::Cancelled));
}

#[test]
fn health_follows_from_signs_of_life_and_tool_calls() {
    let attempt = Attempt {
        subtask_id: id(1),
        token: 7,
        agent_id: "a".to_owned(),
        lease_seconds: 300,
        claimed_at: at(0),
        heartbeat_at: at(0),
        last_action_at: None,
        expires_at: at(300),
        deadline_at: None,
        ended_at: None,
        outcome: None,
        reason: None,
        health: Health::Working,
    };
    assert_eq!(attempt.health_at(at(180)), Health::Working);
    assert_eq!(attempt.health_at(at(181)), Health::Stalled);
    assert_eq!(attempt.health_at(at(300)), Health::Dead);
    let busy = Attempt { last_action_at: Some(at(170)), ..attempt.clone() };
    assert_eq!(busy.health_at(at(299)), Health::Working);
    assert_eq!(Attempt { ended_at: Some(at(5)), ..attempt }.health_at(at(299)), Health::Idle);
    let pauses: Vec<i64> = (1..9).map(|n| backoff(n).num_seconds()).collect();
    assert_eq!(pauses, [5, 10, 20, 40, 80, 160, 300, 300]);
}
