//! What a person should know of a session that no subtask's state tells.

mod common;

use common::{SESSION, at, id, wave_of};
use domain::{
    chart::{Notice, NoticeKind, notices},
    conflict::{Conflict, Touched, violations},
    lease::Attempt,
    scope::Scope,
    usage::{Account, Budget, Limit, Usage},
    wave::{Approval, Wave, WaveStatus},
};
use serde_json::json;

const MINUTE: i64 = 60_000;

fn lease(n: u128, last_action: Option<i64>) -> Attempt {
    serde_json::from_value(json!({
        "subtask_id": id(n), "token": 1, "agent_id": format!("agent-{n}"), "lease_seconds": 3_600,
        "claimed_at": at(0), "heartbeat_at": at(9 * MINUTE), "last_action_at": last_action.map(at),
        "expires_at": at(60 * MINUTE), "deadline_at": null, "ended_at": null, "outcome": null, "reason": null,
        "health": "working",
    }))
    .expect("a lease")
}

fn beyond(n: u128) -> Conflict {
    let files = ["src/a.rs".to_owned()].into();
    let touched =
        Touched { id: id(n), agent_type: "Snipper".to_owned(), files, forbidden: Vec::new() };
    let scope = Scope { target_directories: vec!["docs/".to_owned()], ..Scope::default() };
    violations(&touched, &scope).remove(0)
}

fn account(spent: i64) -> Account {
    let limit = |tokens| Limit { tokens_used: Some(tokens), cost_usd: None };
    Account {
        session_id: SESSION.to_owned(),
        usage: Usage { tokens_used: spent, ..Usage::default() },
        budget: Budget { soft: limit(10), hard: limit(20) },
        paused: false,
    }
}

fn gated(number: i32, approval: Approval) -> Wave {
    Wave { approval: Some(approval), ..wave_of(number, WaveStatus::Pending, [1, 0, 0, 0]) }
}

fn kinds(said: &[Notice]) -> Vec<NoticeKind> {
    said.iter().map(|notice| notice.kind).collect()
}

#[test]
fn everything_is_said_the_most_urgent_first_and_leads_somewhere() {
    let waves = [wave_of(0, WaveStatus::Completed, [1, 1, 0, 0]), gated(1, Approval::Required)];
    let leases = [lease(7, Some(MINUTE))];
    let said = notices(&waves, &leases, &[(0, beyond(8))], &account(20), at(10 * MINUTE));
    use NoticeKind::{Approval as Asks, Scope as Beyond, Spent, Stalled};
    assert_eq!(kinds(&said), [Spent, Asks, Stalled, Beyond]);
    assert_eq!((said[1].wave, said[1].text.as_str()), (Some(1), "Wave 1 waits for approval."));
    assert_eq!(said[2].subtask, Some(id(7)));
    assert_eq!(said[2].text, "agent-7 is alive, but has called no tool for 9 min.");
    assert_eq!(said[3].subtask, Some(id(8)));
    assert_eq!(said[3].text, "Snipper: Files outside the subtask's scope were changed: src/a.rs.");
    let read: Vec<Notice> =
        serde_json::from_value(serde_json::to_value(&said).expect("JSON")).expect("notices");
    assert_eq!(read, said);
}

#[test]
fn what_is_as_it_should_be_is_not_mentioned() {
    let now = at(10 * MINUTE);
    let quiet = |waves: &[Wave], leases: &[Attempt], beyond: &[(i32, Conflict)], spent| {
        kinds(&notices(waves, leases, beyond, &account(spent), now))
    };
    assert_eq!(quiet(&[], &[], &[], 9), []);
    assert_eq!(quiet(&[], &[], &[], 10), [NoticeKind::Budget]);
    // It is not its turn yet; or somebody has spoken.
    let runs = wave_of(0, WaveStatus::Running, [1, 0, 0, 0]);
    assert_eq!(quiet(&[runs.clone(), gated(1, Approval::Required)], &[], &[], 0), []);
    assert_eq!(quiet(&[gated(1, Approval::Approved)], &[], &[], 0), []);
    assert_eq!(quiet(&[gated(1, Approval::Rejected)], &[], &[], 0), []);
    let first = wave_of(0, WaveStatus::Pending, [1, 0, 0, 0]);
    assert_eq!(quiet(&[first, gated(1, Approval::Required)], &[], &[], 0), []);
    // An agent at work, and one that never records what it does.
    assert_eq!(quiet(&[], &[lease(1, Some(9 * MINUTE)), lease(2, None)], &[], 0), []);
    // Somebody went on in spite of it.
    let later = wave_of(2, WaveStatus::Running, [1, 0, 0, 0]);
    assert_eq!(quiet(&[runs, later.clone()], &[], &[(0, beyond(3))], 0), []);
    assert_eq!(quiet(&[later], &[], &[(2, beyond(3))], 0), [NoticeKind::Scope]);
}
