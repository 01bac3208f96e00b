//! The time and the ids that use-cases hand to `domain`.

use chrono::{SubsecRound, Utc};
use domain::Time;
use uuid::Uuid;

/// Now, to the microsecond that Postgres keeps, so that what is answered equals what is read later.
pub fn now() -> Time {
    Utc::now().trunc_subsecs(6)
}

/// Ids of new subtasks of one session, in ascending order: their order is that of submission.
///
/// The last two bytes, random in a plain UUIDv7, are a hash of the session: the group of writers
/// that a change belongs to is known from the subtask's id alone ([`lane`]).
pub fn subtask_ids(session_id: &str, count: usize) -> Vec<Uuid> {
    let tail = session_tail(session_id);
    (0..count)
        .map(|_| {
            let mut bytes = *Uuid::now_v7().as_bytes();
            bytes[14..].copy_from_slice(&tail);
            Uuid::from_bytes(bytes)
        })
        .collect()
}

/// Which of `lanes` writers a subtask's changes go through. Any id has one; ids of one session
/// share theirs.
pub fn lane(subtask: Uuid, lanes: usize) -> usize {
    let bytes = subtask.as_bytes();
    usize::from(u16::from_be_bytes([bytes[14], bytes[15]])) % lanes
}

/// FNV-1a, folded to 16 bits: the same on every server and in every version.
fn session_tail(session_id: &str) -> [u8; 2] {
    let hash = session_id.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let folded = hash ^ (hash >> 32);
    let folded = folded ^ (folded >> 16);
    let bytes = folded.to_be_bytes();
    [bytes[6], bytes[7]]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subtask_ids_are_version_7_ascending_and_name_their_lane() {
        let ids = subtask_ids("session-abc", 5_000);
        assert!(ids.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(ids.iter().all(|id| id.get_version_num() == 7));
        assert!(ids.iter().all(|id| lane(*id, 4) == lane(ids[0], 4)));
    }

    #[test]
    fn sessions_spread_over_lanes() {
        let mut used = [0; 4];
        for n in 0..400 {
            used[lane(subtask_ids(&format!("session-{n}"), 1)[0], 4)] += 1;
        }
        assert!(used.iter().all(|count| *count > 50), "{used:?}");
    }
}
