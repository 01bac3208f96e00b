//! One wave of a session's page, and its counters.

use domain::{batch::Batch, dto::WaveBrief, subtask::SubtaskStatus, wave::Wave};
use leptos::prelude::*;
use uuid::Uuid;

use crate::views::Row;

/// A subtask and its signal.
#[derive(Clone, Debug)]
pub struct RowEntry {
    /// The subtask.
    pub id: Uuid,
    /// As it stands.
    pub row: ArcRwSignal<Row>,
}

impl PartialEq for RowEntry {
    /// Whether it is the same subtask, not whether it stands the same.
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

/// A wave and everything of it that changes.
#[derive(Clone, Debug)]
pub struct WaveState {
    /// Its number.
    pub number: i32,
    /// The wave itself.
    pub wave: ArcRwSignal<Wave>,
    /// Its subtasks that are loaded, oldest first.
    pub rows: ArcRwSignal<Vec<RowEntry>>,
    /// Its batches, oldest first.
    pub batches: ArcRwSignal<Vec<Batch>>,
    /// Where to read more subtasks.
    pub cursor: ArcRwSignal<Option<String>>,
    /// Whether every subtask is loaded.
    pub complete: ArcRwSignal<bool>,
    /// Its counters.
    pub tally: ArcMemo<Tally>,
}

/// How many subtasks of a wave stand where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// All of them.
    pub total: i32,
    /// Done.
    pub completed: i32,
    /// Given up.
    pub failed: i32,
    /// Being worked on; known when every subtask is loaded.
    pub running: i32,
    /// Waiting for others; known when every subtask is loaded.
    pub blocked: i32,
}

impl WaveState {
    pub(super) fn new(wave: Wave) -> Self {
        let number = wave.wave_number;
        let complete = ArcRwSignal::new(wave.total_tasks == 0);
        let wave = ArcRwSignal::new(wave);
        let rows = ArcRwSignal::new(Vec::<RowEntry>::new());
        let tally = ArcMemo::new({
            let (wave, rows, complete) = (wave.clone(), rows.clone(), complete.clone());
            move |_| {
                if complete.get() {
                    Tally::of_rows(&rows.read())
                } else {
                    Tally::of_wave(&wave.read())
                }
            }
        });
        Self {
            number,
            wave,
            rows,
            batches: ArcRwSignal::new(Vec::new()),
            cursor: ArcRwSignal::new(None),
            complete,
            tally,
        }
    }

    /// For the strip of waves; tracks status and counters.
    #[must_use]
    pub fn brief(&self) -> WaveBrief {
        let tally = self.tally.get();
        WaveBrief {
            wave_number: self.number,
            status: self.wave.read().status,
            total_tasks: tally.total,
            completed_tasks: tally.completed,
            failed_tasks: tally.failed,
        }
    }
}

impl Tally {
    fn of_rows(rows: &[RowEntry]) -> Self {
        let mut tally =
            Self { total: i32::try_from(rows.len()).unwrap_or(i32::MAX), ..Self::default() };
        for entry in rows {
            match entry.row.read().status {
                SubtaskStatus::Completed => tally.completed += 1,
                SubtaskStatus::Failed => tally.failed += 1,
                SubtaskStatus::Running => tally.running += 1,
                SubtaskStatus::Blocked => tally.blocked += 1,
                SubtaskStatus::Pending | SubtaskStatus::Paused => {}
            }
        }
        tally
    }

    const fn of_wave(wave: &Wave) -> Self {
        Self {
            total: wave.total_tasks,
            completed: wave.completed_tasks,
            failed: wave.failed_tasks,
            running: 0,
            blocked: 0,
        }
    }
}
