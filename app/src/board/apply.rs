//! Events → the board.

use domain::{
    Time,
    batch::{Batch, BatchStatus},
    event::Envelope,
};
use leptos::prelude::*;
use uuid::Uuid;

use super::{
    Board,
    change::{ActionNews, BatchChange, RowChange, WaveChange},
};

/// Most subtasks to remember news of before they are loaded.
const MOST_UNKNOWN: usize = 5_000;

/// What an event leaves to be read from the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// The waves' and batches' own numbers.
    Detail,
    /// The subtasks of a new batch, and how many it has.
    Batch(Uuid, i32, i32),
}

impl Board {
    /// Takes in one event of the session.
    pub fn apply(&self, event: &Envelope) -> Option<Need> {
        self.index.update_value(|index| index.seq = index.seq.max(event.seq));
        let at = Time::from_timestamp_millis(event.timestamp).unwrap_or_default();
        let data = &event.data;
        // What was spent is read in words.
        let spent = (!data["usage"].is_null()).then_some(Need::Detail);
        // What cannot be read is an event of a newer server, and is left alone.
        let need = match event.event.as_str() {
            "subtask.updated" => self.row_changed(RowChange::read(data)?, at),
            "action.recorded" => self.action_recorded(ActionNews::read(data)?),
            "batch.created" => self.batch_created(BatchChange::read(data)?, at),
            "batch.completed" => self.batch_completed(&BatchChange::read(data)?, at),
            "batch.reopened" | "wave.approved" | "wave.rejected" | "wave.updated" => {
                Some(Need::Detail)
            }
            "session.paused" | "session.resumed" => {
                self.paused.set(data["paused"] == true);
                None
            }
            name if name.starts_with("wave.") => self.wave_changed(WaveChange::read(data)?, at),
            _ => None,
        };
        need.or(spent)
    }

    fn row_changed(&self, change: RowChange, at: Time) -> Option<Need> {
        let known = self.index.with_value(|index| index.rows.get(&change.subtask_id).cloned());
        let state = self.wave_or_placeholder(change.wave_number, at);
        let counted_here = state.complete.get_untracked();
        match known {
            Some(row) => {
                let relinks = change.relinks(&row.read_untracked());
                row.update(|row| change.apply(row));
                if relinks {
                    self.links.update(|links| *links = links.wrapping_add(1));
                }
            }
            None => self.index.update_value(|index| {
                index.unknown.insert(change.subtask_id, change);
                if index.unknown.len() > MOST_UNKNOWN {
                    index.unknown.pop_first();
                }
            }),
        }
        (!counted_here).then_some(Need::Detail)
    }

    fn action_recorded(&self, action: ActionNews) -> Option<Need> {
        let row = self.row(action.subtask_id?)?;
        if row.read_untracked().last_tool.as_ref() != Some(&action.tool_name) {
            row.update(|row| row.last_tool = Some(action.tool_name));
        }
        None
    }

    fn batch_created(&self, change: BatchChange, at: Time) -> Option<Need> {
        let state = self.wave_or_placeholder(change.wave_number, at);
        let (id, total) = (change.batch_id, change.total_tasks);
        // A reading may be ahead of the event and know the batch, but not its subtasks.
        if !state.batches.read_untracked().iter().any(|batch| batch.id == id) {
            self.put_batch(Batch {
                id,
                session_id: self.session_id.clone(),
                wave_number: change.wave_number,
                status: BatchStatus::Pending,
                total_tasks: total,
                completed_tasks: 0,
                failed_tasks: 0,
                outcome: None,
                created_at: at,
                completed_at: None,
            });
        }
        let is_complete = state.complete.get_untracked();
        Some(if is_complete { Need::Batch(id, change.wave_number, total) } else { Need::Detail })
    }

    fn batch_completed(&self, change: &BatchChange, at: Time) -> Option<Need> {
        let state = self.wave_or_placeholder(change.wave_number, at);
        let mut known = false;
        state.batches.update(|batches| {
            if let Some(batch) = batches.iter_mut().find(|batch| batch.id == change.batch_id) {
                known = true;
                batch.status = BatchStatus::Completed;
                batch.completed_tasks = change.completed_tasks;
                batch.failed_tasks = change.failed_tasks;
                batch.outcome = change.outcome;
                batch.completed_at = Some(at);
            }
        });
        (!known).then_some(Need::Detail)
    }

    fn wave_changed(&self, change: WaveChange, at: Time) -> Option<Need> {
        let known = self.wave(change.wave_number).is_some();
        let state = self.wave_or_placeholder(change.wave_number, at);
        state.wave.update(|wave| change.apply(wave, at));
        (!known).then_some(Need::Detail)
    }
}
