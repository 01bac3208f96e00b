//! A session as its page holds it: one signal per wave, batch list and subtask, so that one event
//! touches what it is about and nothing else.
//!
//! Made from what the server read, then moved by events; applying an event again changes nothing.
//! Nothing here knows the socket or the DOM.

mod apply;
mod change;
mod wave;

use std::collections::BTreeMap;

use domain::{batch::Batch, usage::HeldBack, wave::Wave};
use leptos::prelude::*;
use uuid::Uuid;

pub use apply::Need;
use change::RowChange;
pub use wave::{RowEntry, Tally, WaveState};

use crate::views::{Row, SessionHead, SessionView, WaveRows};

/// The session; clones share it.
#[derive(Clone, Debug)]
pub struct Board {
    /// The session's name.
    pub session_id: String,
    waves: ArcRwSignal<Vec<WaveState>>,
    /// Whether no work of it is handed out.
    pub paused: ArcRwSignal<bool>,
    /// What it cost so far, in words.
    pub spent: ArcRwSignal<Option<String>>,
    spent_out: ArcRwSignal<bool>,
    /// Counts how often a subtask came to wait for others than before.
    links: ArcRwSignal<u32>,
    index: ArcStoredValue<Index>,
}

#[derive(Debug, Default)]
struct Index {
    rows: BTreeMap<Uuid, ArcRwSignal<Row>>,
    /// What events said of subtasks that are not loaded.
    unknown: BTreeMap<Uuid, RowChange>,
    /// The last event that a detail has to be as new as.
    seq: i64,
}

impl Board {
    /// A session as it was read.
    #[must_use]
    pub fn new(view: &SessionView) -> Self {
        let board = Self {
            session_id: view.head.session_id.clone(),
            waves: ArcRwSignal::new(Vec::new()),
            paused: ArcRwSignal::new(view.head.paused),
            spent: ArcRwSignal::new(None),
            spent_out: ArcRwSignal::new(false),
            links: ArcRwSignal::new(0),
            index: ArcStoredValue::new(Index::default()),
        };
        board.merge(&view.head);
        for read in &view.waves {
            board.add_rows(read);
        }
        board
    }

    /// The waves in order; tracks waves that come, not what happens to them.
    #[must_use]
    pub fn waves(&self) -> Vec<WaveState> {
        self.waves.get()
    }

    /// The waves as the rules see them; tracks all of them.
    #[must_use]
    pub fn rules(&self) -> Vec<Wave> {
        self.waves.get().iter().map(|state| state.wave.get()).collect()
    }

    /// Takes over a newer reading of the session. False when events have gone past it, so that it
    /// has to be read again.
    pub fn merge(&self, detail: &SessionHead) -> bool {
        if detail.seq < self.index.with_value(|index| index.seq) {
            return false;
        }
        for wave in &detail.waves {
            self.put_wave(wave.clone());
        }
        for batch in &detail.batches {
            self.put_batch(batch.clone());
        }
        if *self.paused.read_untracked() != detail.paused {
            self.paused.set(detail.paused);
        }
        if *self.spent.read_untracked() != detail.spent {
            self.spent.set(detail.spent.clone());
        }
        if *self.spent_out.read_untracked() != detail.spent_out {
            self.spent_out.set(detail.spent_out);
        }
        true
    }

    /// Why no work of it is handed out; tracks it.
    #[must_use]
    pub fn held_back(&self) -> Option<HeldBack> {
        let budget = self.spent_out.get().then_some(HeldBack::Budget);
        if self.paused.get() { Some(HeldBack::Paused) } else { budget }
    }

    /// A wave as it now stands.
    pub fn put_wave(&self, wave: Wave) {
        let state = self.wave_or_insert(wave.wave_number, || wave.clone());
        if *state.wave.read_untracked() != wave {
            state.wave.set(wave);
        }
    }

    /// A batch as it now stands.
    pub fn put_batch(&self, batch: Batch) {
        let state = self.wave_or_placeholder(batch.wave_number, batch.created_at);
        state.batches.update(|batches| {
            match batches.iter_mut().find(|known| known.id == batch.id) {
                Some(known) => *known = batch,
                None => batches.push(batch),
            }
        });
    }

    /// A subtask as it now stands.
    pub fn put_row(&self, row: Row) {
        if let Some(signal) = self.index.with_value(|index| index.rows.get(&row.id).cloned()) {
            // What only events tell stays.
            signal.update(|known| {
                let last_tool = known.last_tool.take();
                *known = Row { last_tool: row.last_tool.clone().or(last_tool), ..row };
            });
        }
    }

    /// Adds subtasks of a wave that are not there yet, and notes where to read on. Returns how many
    /// were new.
    pub fn add_rows(&self, read: &WaveRows) -> usize {
        let Some(state) = self.wave(read.wave_number) else { return 0 };
        let added = self.append(&state, &read.rows);
        state.cursor.set(read.cursor.clone());
        state.complete.set(read.complete);
        added
    }

    /// Adds the subtasks of a new batch to its wave. `all` says whether the batch has no others.
    pub fn add_batch_rows(&self, wave_number: i32, rows: &[Row], all: bool) {
        let Some(state) = self.wave(wave_number) else { return };
        self.append(&state, rows);
        if !all {
            state.complete.set(false);
        }
    }

    /// A subtask, when it is loaded.
    #[must_use]
    pub fn row(&self, id: Uuid) -> Option<ArcRwSignal<Row>> {
        self.index.with_value(|index| index.rows.get(&id).cloned())
    }

    /// The subtasks that are loaded, by wave, oldest first; tracks which there are, not how they stand.
    #[must_use]
    pub fn entries(&self) -> Vec<RowEntry> {
        self.waves.get().iter().flat_map(|state| state.rows.get()).collect()
    }

    /// Tracks what waits for what.
    pub fn track_links(&self) {
        self.links.track();
    }

    /// How many subtasks are loaded; tracks nothing.
    #[must_use]
    pub fn loaded(&self) -> usize {
        self.index.with_value(|index| index.rows.len())
    }

    /// Whether every subtask of the session is loaded; tracks it.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.waves.get().iter().all(|state| state.complete.get())
    }

    /// Whether a wave runs; tracks it.
    #[must_use]
    pub fn runs(&self, number: i32) -> bool {
        let running = domain::wave::WaveStatus::Running;
        self.wave(number).is_some_and(|state| state.wave.read().status == running)
    }

    /// Tracks every wave's status and counters.
    pub fn track_progress(&self) {
        for state in self.waves.get() {
            state.tally.track();
            state.wave.track();
        }
    }

    /// The wave of that number.
    #[must_use]
    pub fn wave(&self, number: i32) -> Option<WaveState> {
        self.waves.read_untracked().iter().find(|state| state.number == number).cloned()
    }

    fn append(&self, state: &WaveState, rows: &[Row]) -> usize {
        let mut fresh = Vec::new();
        self.index.update_value(|index| {
            for row in rows {
                if index.rows.contains_key(&row.id) {
                    continue;
                }
                let mut row = row.clone();
                // An event may have overtaken the reading; a later one will follow if the reading
                // was the newer of the two.
                if let Some(change) = index.unknown.remove(&row.id) {
                    change.apply(&mut row);
                }
                let entry = RowEntry { id: row.id, row: ArcRwSignal::new(row) };
                index.rows.insert(entry.id, entry.row.clone());
                fresh.push(entry);
            }
        });
        let added = fresh.len();
        if added > 0 {
            state.rows.update(|rows| rows.extend(fresh));
        }
        added
    }

    fn wave_or_placeholder(&self, number: i32, now: domain::Time) -> WaveState {
        self.wave_or_insert(number, || Wave::new(Uuid::nil(), self.session_id.clone(), number, now))
    }

    fn wave_or_insert(&self, number: i32, make: impl FnOnce() -> Wave) -> WaveState {
        if let Some(state) = self.wave(number) {
            return state;
        }
        let state = WaveState::new(make());
        self.waves.update(|waves| {
            let at = waves.partition_point(|other| other.number < number);
            waves.insert(at, state.clone());
        });
        state
    }
}

#[cfg(test)]
mod tests;
