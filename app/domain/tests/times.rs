//! Times as Swell writes and reads them.

use domain::{
    Time,
    json::{Moment, time},
};
use proptest::prelude::*;
use serde_json::json;

proptest! {
    #[test]
    fn every_time_is_read_as_it_is_written(seconds in 0_i64..=253_402_300_799, nanos in 0_u32..1_000_000_000, coarse in 0_u32..4) {
        // With no fraction, and with three, six or nine digits.
        let step = 1_000_000_000 / 1_000_u32.pow(coarse);
        let at = Time::from_timestamp(seconds, nanos / step * step).expect("a time");
        let text = serde_json::to_value(at).expect("text");
        prop_assert_eq!(<Option<Time>>::read(&text), Some(Some(at)));
    }

    #[test]
    fn whatever_is_no_time_is_read_as_none(text in "[0-9TZ:.+-]{0,30}") {
        // Never a panic; and what is read, serde reads as the same.
        if let Some(at) = time(&text) {
            prop_assert_eq!(serde_json::from_value::<Time>(json!(text)).ok(), Some(at));
        }
    }
}

#[test]
fn none_is_none_and_nonsense_is_an_error() {
    assert_eq!(<Option<Time>>::read(&json!(null)), Some(None));
    for nonsense in [
        json!(7),
        json!("today"),
        json!("2026-13-01T00:00:00Z"),
        json!("2026-01-01T24:00:00Z"),
        json!("2026-01-01T00:00:00"),
        json!("2026-01-01T00:00:00.1234567890Z"),
        json!("2026-01-01-01T00:00:00Z"),
    ] {
        assert_eq!(Time::read(&nonsense), None, "{nonsense}");
    }
}
