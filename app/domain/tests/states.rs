//! Every (state × event) pair of the three machines, against tables written out by hand from the
//! readings; and the names of the states.

use domain::batch::{Batch, BatchEvent, BatchOutcome, BatchStatus};
use domain::subtask::{SubtaskEvent, SubtaskStatus};
use domain::wave::{WaveEvent, WaveStatus};
use serde::{Serialize, de::DeserializeOwned};

#[test]
fn a_wave_makes_exactly_the_steps_of_its_table() {
    use WaveStatus::{Completed, Failed, Pending, Running};
    let events = [
        WaveEvent::Start,
        WaveEvent::Finish { failed: false },
        WaveEvent::Finish { failed: true },
        WaveEvent::Reopen,
    ];
    #[rustfmt::skip]
    let table = [
        //          Start          all succeeded    some failed    Reopen
        (Pending,   [Some(Running), None,            None,          None]),
        (Running,   [None,          Some(Completed), Some(Failed),  None]),
        (Completed, [None,          None,            None,          None]),
        (Failed,    [None,          None,            None,          Some(Running)]),
    ];
    assert_eq!(table.map(|(status, _)| status), WaveStatus::ALL);
    for (status, row) in table {
        for (event, expected) in events.into_iter().zip(row) {
            let got = status.transition(event);
            assert_eq!(got.ok(), expected, "{status:?} × {event:?}");
            if let Err(refused) = got {
                assert_eq!((refused.current, refused.event), (status, event));
            }
        }
    }
}

#[test]
fn a_subtask_makes_exactly_the_steps_of_its_table() {
    use SubtaskEvent as E;
    let events = [
        E::Start,
        E::Pause,
        E::Requeue,
        E::Complete,
        E::Fail,
        E::Block,
        E::Unblock,
        E::Retry { blocked: false },
        E::Retry { blocked: true },
    ];
    const O: Option<SubtaskStatus> = None;
    const P: Option<SubtaskStatus> = Some(SubtaskStatus::Pending);
    const R: Option<SubtaskStatus> = Some(SubtaskStatus::Running);
    const Z: Option<SubtaskStatus> = Some(SubtaskStatus::Paused);
    const B: Option<SubtaskStatus> = Some(SubtaskStatus::Blocked);
    const C: Option<SubtaskStatus> = Some(SubtaskStatus::Completed);
    const F: Option<SubtaskStatus> = Some(SubtaskStatus::Failed);
    #[rustfmt::skip]
    let table = [
        //                      Start Pause Requeue Complete Fail Block Unblock Retry Retry, blocked
        (SubtaskStatus::Pending,   [R, Z, O, C, F, B, O, O, O]),
        (SubtaskStatus::Running,   [O, Z, P, C, F, O, O, O, O]),
        (SubtaskStatus::Paused,    [R, O, P, C, F, B, O, O, O]),
        (SubtaskStatus::Blocked,   [O, O, O, O, F, O, P, O, O]),
        (SubtaskStatus::Completed, [O, O, O, O, O, O, O, O, O]),
        (SubtaskStatus::Failed,    [O, O, O, O, O, O, O, P, B]),
    ];
    assert_eq!(table.map(|(status, _)| status), SubtaskStatus::ALL);
    for (status, row) in table {
        for (event, expected) in events.into_iter().zip(row) {
            let got = status.transition(event);
            assert_eq!(got.ok(), expected, "{status:?} × {event:?}");
            if let Err(refused) = got {
                assert_eq!((refused.current, refused.event), (status, event));
            }
        }
    }
}

#[test]
fn a_patch_by_hand_reaches_exactly_the_states_of_the_readings() {
    use SubtaskStatus::{Blocked, Completed, Failed, Paused, Pending, Running};
    let table: [(SubtaskStatus, &[SubtaskStatus]); 6] = [
        (Pending, &[Running, Paused, Completed, Failed]),
        (Running, &[Pending, Paused, Completed, Failed]),
        (Paused, &[Pending, Running, Completed, Failed]),
        (Blocked, &[Failed]),
        (Completed, &[]),
        (Failed, &[]),
    ];
    for (from, allowed) in table {
        for target in SubtaskStatus::ALL {
            let reached = target.asked_by_hand().and_then(|event| from.transition(event).ok());
            let expected = allowed.contains(&target).then_some(target);
            assert_eq!(reached, expected, "{from:?} → {target:?}");
        }
    }
}

#[test]
fn a_batch_makes_exactly_the_steps_of_its_table() {
    use BatchStatus::{Completed, Pending, Running};
    let events = [BatchEvent::Start, BatchEvent::Complete, BatchEvent::Reopen];
    #[rustfmt::skip]
    let table = [
        //          Start          Complete         Reopen
        (Pending,   [Some(Running), Some(Completed), None]),
        (Running,   [None,          Some(Completed), None]),
        (Completed, [None,          None,            Some(Running)]),
    ];
    assert_eq!(table.map(|(status, _)| status), BatchStatus::ALL);
    for (status, row) in table {
        for (event, expected) in events.into_iter().zip(row) {
            let got = status.transition(event);
            assert_eq!(got.ok(), expected, "{status:?} × {event:?}");
            if let Err(refused) = got {
                assert_eq!((refused.current, refused.event), (status, event));
            }
        }
    }
}

#[test]
fn only_ended_states_are_terminal() {
    let waves = WaveStatus::ALL.map(WaveStatus::is_terminal);
    assert_eq!(waves, [false, false, true, true]);
    let subtasks = SubtaskStatus::ALL.map(SubtaskStatus::is_terminal);
    assert_eq!(subtasks, [false, false, false, false, true, true]);
}

/// The same name in `as_str`, `parse` and JSON, and nothing but that name.
fn has_name<T>(
    status: T,
    name: &str,
    as_str: impl Fn(T) -> &'static str,
    parse: impl Fn(&str) -> Option<T>,
) where
    T: Copy + PartialEq + std::fmt::Debug + Serialize + DeserializeOwned,
{
    assert_eq!(as_str(status), name);
    assert_eq!(parse(name), Some(status));
    let json = format!("\"{name}\"");
    assert_eq!(serde_json::to_string(&status).expect("JSON"), json);
    assert_eq!(serde_json::from_str::<T>(&json).expect("a status"), status);
    let wrong = [name.to_uppercase(), format!(" {name}"), format!("{name}s"), String::new()];
    for wrong in wrong.iter().map(String::as_str).chain(["done", "cancelled", "0"]) {
        assert_eq!(parse(wrong), None, "{wrong:?}");
        assert!(serde_json::from_str::<T>(&format!("\"{wrong}\"")).is_err(), "{wrong:?}");
    }
}

#[test]
fn states_go_by_the_names_of_the_document() {
    let names = ["pending", "running", "completed", "failed"];
    for (status, name) in WaveStatus::ALL.into_iter().zip(names) {
        has_name(status, name, WaveStatus::as_str, WaveStatus::parse);
    }
    let names = ["pending", "running", "paused", "blocked", "completed", "failed"];
    for (status, name) in SubtaskStatus::ALL.into_iter().zip(names) {
        has_name(status, name, SubtaskStatus::as_str, SubtaskStatus::parse);
    }
    for (status, name) in BatchStatus::ALL.into_iter().zip(["pending", "running", "completed"]) {
        has_name(status, name, BatchStatus::as_str, BatchStatus::parse);
    }
}

#[test]
fn a_state_of_one_machine_is_not_one_of_another() {
    for foreign in ["paused", "blocked"] {
        assert_eq!(WaveStatus::parse(foreign), None);
    }
    for foreign in ["paused", "blocked", "failed"] {
        assert_eq!(BatchStatus::parse(foreign), None);
    }
}

#[test]
fn the_outcome_of_a_batch_follows_its_failures() {
    let table = [
        (1, 0, BatchOutcome::Succeeded, "succeeded"),
        (3, 1, BatchOutcome::Partial, "partial"),
        (3, 2, BatchOutcome::Partial, "partial"),
        (3, 3, BatchOutcome::Failed, "failed"),
        (1, 1, BatchOutcome::Failed, "failed"),
    ];
    for (total, failed, outcome, name) in table {
        assert_eq!(Batch::outcome_of(total, failed), outcome, "{failed} of {total}");
        let json = serde_json::to_value(outcome).expect("JSON");
        assert_eq!(json, name);
        assert_eq!(serde_json::from_value::<BatchOutcome>(json).expect("an outcome"), outcome);
    }
}
