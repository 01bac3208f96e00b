//! The time and the ids that use-cases hand to `domain`.

use chrono::{SubsecRound, Utc};
use domain::Time;
use uuid::Uuid;

/// Now, to the microsecond that Postgres keeps, so that what is answered equals what is read later.
pub fn now() -> Time {
    Utc::now().trunc_subsecs(6)
}

/// Ids of new subtasks, in ascending order: their order is that of submission.
pub fn subtask_ids(count: usize) -> Vec<Uuid> {
    (0..count).map(|_| Uuid::now_v7()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subtask_ids_are_version_7_and_ascending() {
        let ids = subtask_ids(5_000);
        assert!(ids.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(ids.iter().all(|id| id.get_version_num() == 7));
    }
}
