//! The time axis: idle time collapses, and every time still has its place.

mod common;

use common::id;
use domain::chart::{Axis, Gap, Span};
use proptest::prelude::*;

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;

/// A span of wave 0 that was queued when it started.
fn ran(from: i64, until: i64) -> Span {
    Span { id: id(1), wave: 0, queued_at: from, started_at: Some(from), ended_at: Some(until) }
}

fn bounds(axis: &Axis) -> Vec<(i64, i64)> {
    axis.gaps().iter().map(|gap| (gap.from, gap.until)).collect()
}

#[track_caller]
fn assert_near(position: f64, expected: f64) {
    assert!((position - expected).abs() < 1e-9, "{position}, expected {expected}");
}

#[test]
fn without_gaps_time_passes_evenly() {
    let axis = Axis::new(&[ran(1_000, 5_000), ran(3_000, 11_000)], 99_000, 0);
    assert!(axis.gaps().is_empty());
    for (at, position) in [(0, 0.0), (1_000, 0.0), (6_000, 0.5), (11_000, 1.0), (99_000, 1.0)] {
        assert_near(axis.position(at), position);
    }
    for (position, at) in [(-1.0, 1_000), (0.25, 3_500), (1.0, 11_000), (2.0, 11_000)] {
        assert_eq!(axis.time(position), at, "{position}");
    }
}

#[test]
fn a_long_idle_stretch_takes_two_percent() {
    let axis = Axis::new(&[ran(0, 49_000), ran(8 * HOUR, 8 * HOUR + 49_000)], 9 * HOUR, MINUTE);
    assert_eq!(axis.gaps(), [Gap { from: 49_000, until: 8 * HOUR, collapsed: true }]);
    assert_near(axis.position(49_000), 0.49);
    assert_near(axis.position((49_000 + 8 * HOUR) / 2), 0.5);
    assert_near(axis.position(8 * HOUR), 0.51);
    assert_eq!(axis.time(0.5), (49_000 + 8 * HOUR) / 2);
}

#[test]
fn a_stretch_is_a_gap_when_it_is_long_for_a_person_and_for_the_work() {
    let idle = |busy: i64, pause: i64, least: i64| {
        let spans = [ran(0, busy), ran(busy + pause, busy + pause)];
        Axis::new(&spans, 0, least).gaps().len()
    };
    let table = [
        ("5 % of the work", 100_000, 5_000, 0, 0),
        ("more than that", 100_000, 5_001, 0, 1),
        ("as long as the least", 1_000, 9_000, 9_000, 0),
        ("longer", 1_000, 9_001, 9_000, 1),
        ("longer than the least, short for the work", 100_000, 4_000, 3_000, 0),
        ("a least below nothing", 10, 1, -5, 1),
    ];
    for (what, busy, pause, least, gaps) in table {
        assert_eq!(idle(busy, pause, least), gaps, "{what}");
    }
}

#[test]
fn work_that_overlaps_leaves_no_gap_and_waiting_is_idle() {
    let queued = Span { queued_at: 0, ..ran(100, 200) };
    let axis = Axis::new(&[queued, ran(110, 500), ran(300, 400), ran(600, 601)], 0, 10);
    assert_eq!(bounds(&axis), [(0, 100), (500, 600)]);
    let twice = [ran(0, 100_000), ran(0, 100_000), ran(105_001, 105_002)];
    assert_eq!(bounds(&Axis::new(&twice, 0, 0)), [(100_000, 105_001)], "counted once");
}

#[test]
fn what_has_not_ended_goes_on_until_now() {
    let running = Span { ended_at: None, ..ran(0, 0) };
    assert_eq!(Axis::new(&[running], 5_000, 0).time(1.0), 5_000);
    let queued = Span { started_at: None, ended_at: None, ..ran(2_000, 0) };
    let axis = Axis::new(&[ran(0, 1_000), queued], 5_000, 0);
    assert_eq!(axis.time(1.0), 5_000);
    assert_eq!(bounds(&axis), [(1_000, 5_000)], "nothing runs while it waits");
    let given_up = Span { started_at: None, ..ran(2_000, 3_000) };
    assert_eq!(Axis::new(&[ran(0, 1_000), given_up], 5_000, 0).time(1.0), 3_000);
}

#[test]
fn when_nothing_ran_nothing_collapses() {
    let queued = Span { started_at: None, ended_at: None, ..ran(0, 0) };
    let axis = Axis::new(&[queued], HOUR, 0);
    assert!(axis.gaps().is_empty());
    assert_near(axis.position(HOUR / 4), 0.25);
    let empty = Axis::new(&[], HOUR, 0);
    assert_near(empty.position(HOUR), 0.0);
    assert_eq!(empty.time(0.0), HOUR);
}

#[test]
fn times_that_cannot_be_are_drawn_somewhere() {
    let spans = [ran(i64::MAX, i64::MIN), ran(500, 100), ran(i64::MIN, i64::MAX)];
    let axis = Axis::new(&spans, i64::MIN, i64::MIN);
    assert_near(axis.position(i64::MIN), 0.0);
    assert_near(axis.position(i64::MAX), 1.0);
    assert!(axis.time(f64::NAN) >= 0);
    assert!(!axis.ticks(5).is_empty());
}

#[test]
fn an_opened_gap_has_its_full_length() {
    let spans = [ran(0, 10_000), ran(50_000, 60_000), ran(90_000, 100_000)];
    let mut axis = Axis::new(&spans, 0, SECOND);
    assert_eq!(bounds(&axis), [(10_000, 50_000), (60_000, 90_000)]);
    let before = axis.position(50_000) - axis.position(10_000);
    axis.expand(0);
    axis.expand(7); // there is none
    assert!(axis.position(50_000) - axis.position(10_000) > 10.0 * before);
    let states: Vec<bool> = axis.gaps().iter().map(|gap| gap.collapsed).collect();
    assert_eq!(states, [false, true], "still told, so that the rest keeps its number");
    axis.expand(1);
    assert_near(axis.position(50_000), 0.5);
}

#[test]
fn many_gaps_together_take_a_fifth() {
    let spans: Vec<Span> = (0..100).map(|k| ran(k * HOUR, k * HOUR + MINUTE)).collect();
    let axis = Axis::new(&spans, 0, SECOND);
    assert_eq!(axis.gaps().len(), 99);
    let idle: f64 =
        axis.gaps().iter().map(|gap| axis.position(gap.until) - axis.position(gap.from)).sum();
    assert!((0.19..=0.2).contains(&idle), "{idle}");
}

#[test]
fn a_window_shows_its_stretch_alone() {
    let spans = [ran(0, 100_000), ran(8 * HOUR, 8 * HOUR + 100_000)];
    let mut axis = Axis::new(&spans, 0, MINUTE);
    axis.window(20_000, 60_000);
    for (at, position) in [(10_000, 0.0), (20_000, 0.0), (30_000, 0.25), (70_000, 1.0)] {
        assert_near(axis.position(at), position);
    }
    assert_eq!((axis.time(0.0), axis.time(0.5), axis.time(1.0)), (20_000, 40_000, 60_000));

    axis.window(75_500, 8 * HOUR + 24_500);
    assert_near(axis.position(100_000), 0.49); // the gap takes two percent of what is seen
    assert_near(axis.position(8 * HOUR), 0.51);
    axis.window(0, 100_100);
    assert_near(axis.position(100_000), 100_000.0 / 100_100.0); // never wider than it is
    axis.window(HOUR, 3 * HOUR);
    assert_near(axis.position(2 * HOUR), 0.5); // inside a gap
    assert_eq!(axis.time(0.25), 3 * HOUR / 2);
    for (from, until) in [(5, 5), (9, 3), (i64::MIN, i64::MAX), (-5, -1)] {
        axis.window(from, until);
        assert_eq!((axis.time(0.0), axis.time(1.0)), (0, 8 * HOUR + 100_000), "{from}–{until}");
    }
}

#[test]
fn ticks_are_round_times_as_many_as_fit() {
    let table: [(&str, i64, i64, i32, &[i64]); 9] = [
        ("seconds", 0, 3_000, 4, &[0, 1_000, 2_000, 3_000]),
        ("two seconds", 0, 3_000, 3, &[0, 2_000]),
        ("from the first round time on", 1_500, 11_500, 2, &[5_000, 10_000]),
        ("a minute", 30_000, 150_000, 2, &[60_000, 120_000]),
        ("hours", 0, 4 * HOUR, 5, &[0, HOUR, 2 * HOUR, 3 * HOUR, 4 * HOUR]),
        ("days", 0, 48 * HOUR, 3, &[0, 24 * HOUR, 48 * HOUR]),
        ("more than a day apart", 0, 200 * HOUR, 3, &[0, 96 * HOUR, 192 * HOUR]),
        ("shorter than a second", 1_100, 1_900, 5, &[]),
        ("none asked for", 0, 3_000, 0, &[]),
    ];
    for (what, from, until, most, expected) in table {
        assert_eq!(Axis::new(&[ran(from, until)], 0, 0).ticks(most), expected, "{what}");
    }
}

#[test]
fn ticks_skip_a_collapsed_gap_and_return_when_it_is_opened() {
    let spans = [ran(0, 60_000), ran(HOUR, HOUR + 60_000)];
    let mut axis = Axis::new(&spans, 0, SECOND);
    let expected = [0, 30_000, 60_000, HOUR + 30_000, HOUR + 60_000];
    assert_eq!(axis.ticks(6), expected, "the first of the second part is too close");
    axis.expand(0);
    assert!(axis.ticks(8).contains(&(HOUR / 2)));
    axis.window(10_000, 20_000);
    assert_eq!(axis.ticks(3), [10_000, 15_000, 20_000]);
}

/// Spans within a few hours, with long pauses, some without start or end.
fn spans() -> impl Strategy<Value = Vec<Span>> {
    let span = (0..6_i64, 0..9_000_i64, 0..5_000_i64, 0..70_000_i64, 0..8_u8);
    prop::collection::vec(span, 0..12).prop_map(|rows| {
        let span = |(k, (hour, after, wait, ran, kind)): (usize, (i64, i64, i64, i64, u8))| {
            let queued_at = 1_000_000 + hour * HOUR + after;
            Span {
                id: id(k as u128),
                wave: i32::from(kind % 2),
                queued_at,
                started_at: (kind > 0).then_some(queued_at + wait),
                ended_at: (kind > 1).then_some(queued_at + wait + ran),
            }
        };
        rows.into_iter().enumerate().map(span).collect()
    })
}

/// An axis over such spans, with some gaps opened and maybe a window.
fn axis() -> impl Strategy<Value = Axis> {
    let view = prop::option::of((0..7 * HOUR, 0..7 * HOUR));
    (spans(), 0..100_000_i64, any::<u8>(), view).prop_map(|(spans, least, open, view)| {
        let mut axis = Axis::new(&spans, 1_000_000 + 7 * HOUR, least);
        for index in (0..8).filter(|k| open & (1 << k) != 0 && k % 3 == 0) {
            axis.expand(index);
        }
        if let Some((a, b)) = view {
            axis.window(1_000_000 + a.min(b), 1_000_000 + a.max(b));
        }
        axis
    })
}

fn in_collapsed_gap(axis: &Axis, at: i64) -> bool {
    axis.gaps().iter().any(|gap| gap.collapsed && gap.from < at && at < gap.until)
}

proptest! {
    #[test]
    fn later_is_never_further_left_and_within_the_axis(
        axis in axis(),
        mut times in prop::collection::vec(900_000..8 * HOUR, 2..20),
    ) {
        times.sort_unstable();
        let positions: Vec<f64> = times.iter().map(|at| axis.position(*at)).collect();
        prop_assert!(positions.is_sorted(), "{positions:?}");
        prop_assert!(positions.iter().all(|position| (0.0..=1.0).contains(position)));
        prop_assert_eq!(axis.position(axis.time(0.0)), 0.0);
        prop_assert_eq!(axis.position(axis.time(1.0)), 1.0);
    }

    #[test]
    fn a_position_leads_back_to_its_time(axis in axis(), share in 0.0..=1.0_f64) {
        let (from, until) = (axis.time(0.0), axis.time(1.0));
        let at = from + ((until - from) as f64 * share) as i64;
        let back = axis.time(axis.position(at));
        prop_assert!((from..=until).contains(&back));
        if !in_collapsed_gap(&axis, at) {
            prop_assert!((back - at).abs() <= 1, "{at} came back as {back}");
        }
        let there = axis.position(axis.time(share));
        // A millisecond of a short axis is wide.
        let wide = 1.0 / (until - from).min(1_000) as f64;
        prop_assert!((there - share).abs() <= wide.max(0.05), "{share} came back as {there}");
    }

    #[test]
    fn ticks_are_round_few_apart_and_never_inside_a_gap(axis in axis(), most in 1..12_i32) {
        let ticks = axis.ticks(most);
        prop_assert!(ticks.len() <= usize::try_from(most).expect("positive"));
        for at in &ticks {
            prop_assert!(!in_collapsed_gap(&axis, *at), "{at}");
            prop_assert!((axis.time(0.0)..=axis.time(1.0)).contains(at));
            prop_assert_eq!(at % SECOND, 0);
        }
        for pair in ticks.windows(2) {
            let apart = axis.position(pair[1]) - axis.position(pair[0]);
            prop_assert!(apart >= 0.4 / f64::from(most), "{apart} apart");
        }
    }

    #[test]
    fn collapsed_gaps_are_narrow_and_hold_no_work(spans in spans(), least in 0..100_000_i64) {
        let now = 1_000_000 + 7 * HOUR;
        let axis = Axis::new(&spans, now, least);
        let ran = |span: &Span| Some((span.started_at?, span.ended_at.unwrap_or(now)));
        for gap in axis.gaps() {
            prop_assert!(gap.until - gap.from > least);
            prop_assert!(axis.position(gap.until) - axis.position(gap.from) <= 0.21);
            for (from, until) in spans.iter().filter_map(ran) {
                prop_assert!(until <= gap.from || from >= gap.until, "{gap:?}");
            }
        }
        prop_assert!(axis.gaps().is_sorted_by(|a, b| a.until <= b.from));
    }

    #[test]
    fn the_order_of_spans_does_not_matter(
        (spans, shuffled) in spans()
            .prop_flat_map(|spans| (Just(spans.clone()), Just(spans).prop_shuffle())),
    ) {
        let now = 1_000_000 + 7 * HOUR;
        prop_assert_eq!(Axis::new(&spans, now, 1_000), Axis::new(&shuffled, now, 1_000));
    }
}
