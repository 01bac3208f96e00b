//! Which wave may start, which one is next, and when a wave is ready for the one after it.

mod common;

use common::{at, wave_of};
use domain::wave::WaveStatus::{self, Completed, Failed, Pending, Running};
use domain::wave::{Next, NoNext, Wave, duration_ms, may_start, next, transitioned_from};
use proptest::prelude::*;

/// Waves with one subtask each, as ended as their status says.
fn waves(of: &[(i32, WaveStatus)]) -> Vec<Wave> {
    let counters = |status| match status {
        Pending | Running => [1, 0, 0, 0],
        Completed => [1, 1, 0, 0],
        Failed => [1, 0, 1, 0],
    };
    of.iter().map(|(number, status)| wave_of(*number, *status, counters(*status))).collect()
}

#[test]
fn a_wave_starts_when_it_is_pending_nothing_runs_and_all_below_completed() {
    // waves, which, allowed, allowed with force, what the refusal names
    type Row = (&'static [(i32, WaveStatus)], i32, bool, bool, &'static str);
    let table: [Row; 20] = [
        (&[(0, Pending)], 0, true, true, ""),
        (&[(7, Pending)], 7, true, true, ""),
        (&[(0, Running)], 0, false, false, "Wave 0 is running"),
        (&[(0, Completed)], 0, false, false, "Wave 0 is completed"),
        (&[(0, Failed)], 0, false, false, "Wave 0 is failed"),
        (&[(0, Completed), (1, Pending)], 1, true, true, ""),
        (&[(0, Completed), (5, Pending)], 5, true, true, ""),
        (&[(0, Pending), (1, Pending)], 1, false, false, "Wave 0 comes first"),
        (&[(0, Pending), (1, Pending)], 0, true, true, ""),
        (&[(0, Pending), (5, Pending)], 5, false, false, "Wave 0 comes first"),
        (&[(0, Failed), (5, Pending)], 5, false, true, "Wave 0 failed"),
        (&[(0, Running), (1, Pending)], 1, false, false, "Wave 0 is still running"),
        (&[(0, Pending), (1, Running)], 0, false, false, "Wave 1 is still running"),
        (&[(0, Failed), (1, Pending)], 1, false, true, "Wave 0 failed"),
        (&[(0, Completed), (1, Failed), (2, Pending)], 2, false, true, "Wave 1 failed"),
        (&[(0, Failed), (1, Pending), (2, Pending)], 2, false, false, "Wave"),
        (&[(0, Failed), (1, Running), (2, Pending)], 2, false, false, "Wave"),
        // What lies above does not count, unless it runs.
        (&[(1, Pending), (2, Completed)], 1, true, true, ""),
        (&[(1, Pending), (2, Failed)], 1, true, true, ""),
        (&[(3, Completed), (9, Pending), (20, Pending)], 9, true, true, ""),
    ];
    for (of, number, plain, forced, named) in table {
        for (force, allowed) in [(false, plain), (true, forced)] {
            for order in [waves(of), waves(of).into_iter().rev().collect()] {
                match may_start(&order, number, force) {
                    Ok(()) => assert!(allowed, "{of:?}: {number} started, force: {force}"),
                    Err(reason) => {
                        assert!(!allowed, "{of:?}: {number} refused, force: {force}: {reason}");
                        assert!(reason.contains(named), "{of:?}: {reason}");
                    }
                }
            }
        }
    }
}

#[test]
fn the_refusal_after_a_failed_wave_says_how_to_go_on() {
    let reason =
        may_start(&waves(&[(0, Failed), (1, Pending)]), 1, false).expect_err("wave 0 failed");
    assert!(reason.contains("retry") && reason.contains("\"force\": true"), "{reason}");
}

/// What `next` says, in short.
fn said(verdict: Result<Next, NoNext>) -> String {
    match verdict {
        Ok(Next::Start(number)) => format!("start {number}"),
        Ok(Next::CompleteEmpty { running, then: Some(then) }) => format!("empty {running}, {then}"),
        Ok(Next::CompleteEmpty { running, then: None }) => format!("empty {running}"),
        Err(NoNext::Nothing(reason)) => format!("404 {reason}"),
        Err(NoNext::Refused(reason)) => format!("409 {reason}"),
    }
}

#[test]
fn transition_goes_to_the_lowest_pending_wave_or_says_why_not() {
    // waves, without force, with force
    type Row = (&'static [(i32, WaveStatus)], &'static str, &'static str);
    let table: [Row; 13] = [
        (&[], "404 No wave has completed yet", "404 No wave has completed yet"),
        (&[(0, Pending)], "404 No wave has completed yet", "404 No wave has completed yet"),
        (&[(0, Completed)], "404 No pending wave is left", "404 No pending wave is left"),
        (&[(0, Completed), (1, Completed)], "404 No pending", "404 No pending"),
        (&[(0, Completed), (1, Pending)], "start 1", "start 1"),
        (&[(0, Completed), (4, Pending), (9, Pending)], "start 4", "start 4"),
        (&[(3, Completed), (10, Pending)], "start 10", "start 10"),
        (&[(0, Running)], "409 Wave 0 is still running", "409 Wave 0 is still running"),
        (&[(0, Completed), (1, Running), (2, Pending)], "409 Wave 1 is still", "409 Wave 1 is"),
        (&[(0, Failed), (1, Pending)], "409 Wave 0 failed", "start 1"),
        (&[(0, Completed), (1, Failed), (5, Pending)], "409 Wave 1 failed", "start 5"),
        // The failed wave was passed by force before; what counts is below the next one.
        (&[(0, Failed), (1, Completed), (2, Pending)], "409 Wave 0 failed", "start 2"),
        (&[(0, Pending), (1, Completed), (2, Pending)], "start 0", "start 0"),
    ];
    for (of, plain, forced) in table {
        for (force, expected) in [(false, plain), (true, forced)] {
            for order in [waves(of), waves(of).into_iter().rev().collect()] {
                let got = said(next(&order, force));
                assert!(got.starts_with(expected), "{of:?}, force {force}: {got}, not {expected}");
            }
        }
    }
}

#[test]
fn transition_completes_an_empty_running_wave() {
    let empty = |number| wave_of(number, Running, [0; 4]);
    let pending = |number| wave_of(number, Pending, [2, 0, 0, 0]);
    assert_eq!(said(next(&[empty(1)], false)), "empty 1");
    assert_eq!(said(next(&[empty(1), pending(8), pending(4)], false)), "empty 1, 4");
    let completed = wave_of(0, Completed, [1, 1, 0, 0]);
    assert_eq!(said(next(&[completed, empty(1), pending(2)], true)), "empty 1, 2");
    let one_task = wave_of(1, Running, [1, 0, 0, 0]);
    assert!(said(next(&[one_task, pending(2)], true)).starts_with("409 Wave 1 is still running"));
}

#[test]
fn the_wave_before_is_the_next_lower_number_that_exists() {
    let table: [(&[i32], i32, Option<i32>); 9] = [
        (&[0], 0, None),
        (&[0, 1], 0, None),
        (&[0, 1], 1, Some(0)),
        (&[0, 1, 2], 2, Some(1)),
        (&[2, 0, 5], 5, Some(2)),
        (&[0, 9], 9, Some(0)),
        (&[1], 1, Some(0)),
        (&[7, 9], 7, Some(6)),
        (&[], 3, Some(2)),
    ];
    for (numbers, to, from) in table {
        let of: Vec<Wave> = numbers.iter().map(|n| wave_of(*n, Pending, [0; 4])).collect();
        assert_eq!(transitioned_from(&of, to), from, "{numbers:?} → {to}");
    }
}

#[test]
fn a_wave_is_ready_for_the_next_when_all_ended_and_nothing_critical_failed() {
    // total, completed, failed, optional ones among the failed → the reasons against it
    let table: [([i32; 4], &[&str]); 9] = [
        ([2, 2, 0, 0], &[]),
        ([2, 1, 1, 1], &[]),
        ([3, 0, 3, 3], &[]),
        ([0, 0, 0, 0], &["Wave 4 has no subtasks."]),
        ([3, 1, 0, 0], &["Not ended yet: 2 of 3 subtasks."]),
        ([3, 1, 2, 0], &["Failed subtasks: 2."]),
        ([5, 1, 3, 1], &["Not ended yet: 1 of 5 subtasks.", "Failed subtasks: 2."]),
        ([3, 2, 1, 0], &["Failed subtasks: 1."]),
        ([3, 1, 1, 1], &["Not ended yet: 1 of 3 subtasks."]),
    ];
    for (counters, reasons) in table {
        let wave = wave_of(4, Running, counters);
        assert_eq!(wave.blockers(), reasons, "{counters:?}");
        assert_eq!(wave.is_ready_for_next(), reasons.is_empty(), "{counters:?}");
    }
}

#[test]
fn durations_need_both_times_and_are_never_negative() {
    assert_eq!(duration_ms(Some(at(5)), Some(at(45_005))), Some(45_000));
    assert_eq!(duration_ms(Some(at(9)), Some(at(5))), Some(0));
    assert_eq!(duration_ms(None, Some(at(5))), None);
    assert_eq!(duration_ms(Some(at(5)), None), None);
    let mut wave = wave_of(1, Running, [1, 0, 0, 0]);
    assert_eq!(wave.duration_ms(), None);
    wave.completed_at = Some(at(1_500));
    assert_eq!(wave.duration_ms(), Some(1_500));
}

proptest! {
    #[test]
    fn what_next_starts_may_start_and_is_the_lowest_pending_wave(
        statuses in prop::collection::vec(prop::sample::select(&WaveStatus::ALL[..]), 0..6),
        gap in 1_i32..4,
        force: bool,
    ) {
        let of: Vec<(i32, WaveStatus)> = (0..).step_by(gap.unsigned_abs() as usize).zip(statuses).collect();
        let all = waves(&of);
        let lowest = of.iter().find(|(_, status)| *status == Pending).map(|(number, _)| *number);
        match next(&all, force) {
            Ok(Next::Start(number)) => {
                prop_assert_eq!(Some(number), lowest);
                prop_assert_eq!(may_start(&all, number, force), Ok(()));
                prop_assert!(all.iter().any(|wave| wave.status.is_terminal()));
            }
            Ok(Next::CompleteEmpty { .. }) => prop_assert!(false, "no wave here is empty"),
            Err(NoNext::Nothing(_)) => prop_assert!(
                lowest.is_none() || all.iter().all(|wave| wave.status == Pending)
            ),
            Err(NoNext::Refused(_)) => prop_assert!(
                all.iter().any(|wave| wave.status == Running || (!force && wave.status == Failed))
            ),
        }
    }
}
