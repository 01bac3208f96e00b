//! How many subtasks ended when.

/// A stretch of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Slot {
    /// How many completed in it, 0 or more.
    pub completed: i32,
    /// How many failed in it, 0 or more.
    pub failed: i32,
}

/// The time from `from` to `until` in `slots` (at least 1) equal stretches, and what ended in each.
/// `ends` are the times of the ends and whether the subtask failed; those outside are left out.
/// Times are unix milliseconds.
#[must_use]
pub fn density(ends: &[(i64, bool)], (from, until): (i64, i64), slots: u32) -> Vec<Slot> {
    let many = i128::from(slots.max(1));
    let mut found = vec![Slot::default(); slots.max(1) as usize];
    // Wider than 64 bits: the times are the caller's.
    let length = (i128::from(until) - i128::from(from)).max(1);
    for (at, failed) in ends.iter().filter(|(at, _)| (from..=until).contains(at)) {
        let passed = i128::from(*at) - i128::from(from);
        // The last moment belongs to the last stretch.
        let slot = (passed * many / length).min(many - 1) as usize;
        if *failed {
            found[slot].failed += 1;
        } else {
            found[slot].completed += 1;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_end_counts_where_it_happened_and_the_last_moment_in_the_last_stretch() {
        let slots =
            density(&[(0, false), (4, true), (5, false), (10, false), (11, true)], (0, 10), 2);
        assert_eq!(slots, [Slot { completed: 1, failed: 1 }, Slot { completed: 2, failed: 0 }]);
    }

    #[test]
    fn no_time_at_all_is_one_moment() {
        assert_eq!(density(&[(7, true)], (7, 7), 3)[0], Slot { completed: 0, failed: 1 });
        assert_eq!(density(&[(7, true)], (8, 7), 0), [Slot::default()]);
    }

    proptest! {
        #[test]
        fn every_end_inside_counts_once(
            ends in prop::collection::vec((any::<i64>(), any::<bool>()), 0..50),
            from in any::<i64>(), until in any::<i64>(), slots in 0_u32..40,
        ) {
            let inside = ends.iter().filter(|(at, _)| (from..=until).contains(at)).count();
            let found = density(&ends, (from, until), slots);
            prop_assert_eq!(found.len(), slots.max(1) as usize);
            let counted: i32 = found.iter().map(|slot| slot.completed + slot.failed).sum();
            prop_assert_eq!(counted as usize, inside);
        }
    }
}
