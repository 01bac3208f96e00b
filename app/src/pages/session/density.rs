//! When work ended, over the whole session: completed above the line, failed below it.

use std::time::Duration;

use domain::{
    chart::{Slot, density},
    subtask::SubtaskStatus,
};
use leptos::{ev::MouseEvent, html, prelude::*};
use leptos_router::hooks::use_navigate;

use super::{
    place::{Place, View},
    timeline::Window,
    watch::{latest, span},
};
use crate::{board::Board, clock::use_clock, live::calmed};

/// How often the strip is worked out at most.
const PAUSE: Duration = Duration::from_millis(1_000);
/// Stretches of time.
const SLOTS: u32 = 96;
/// The room above the line and below it.
const UP: i32 = 20;
const DOWN: i32 = 10;

#[derive(Clone, PartialEq)]
struct Strip {
    slots: Vec<Slot>,
    time: (i64, i64),
}

impl Strip {
    fn of(board: &Board, now: Option<i64>) -> Self {
        let entries = board.entries();
        let rows: Vec<_> = entries.iter().map(|entry| entry.row.read_untracked()).collect();
        let spans: Vec<_> = rows.iter().map(|row| span(row)).collect();
        let open = rows.iter().any(|row| row.status == SubtaskStatus::Running);
        let known = latest(&spans);
        let until = if open { now.unwrap_or(known).max(known) } else { known };
        let first = |span: &domain::chart::Span| span.started_at.unwrap_or(span.queued_at);
        let from = spans.iter().map(first).min().unwrap_or(until);
        let ends: Vec<_> = rows
            .iter()
            .filter_map(|row| {
                let at = row.completed_at?.timestamp_millis();
                Some((at, row.status == SubtaskStatus::Failed))
            })
            .collect();
        Self { slots: density(&ends, (from, until), SLOTS), time: (from, until) }
    }

    /// The most that ended in one stretch, at least 1.
    fn most(&self) -> i32 {
        self.slots.iter().map(|slot| slot.completed.max(slot.failed)).max().unwrap_or(1).max(1)
    }

    /// The outline of the bars over the line, or under it.
    fn outline(&self, below: bool) -> String {
        let most = self.most();
        let mut path = String::new();
        for (at, slot) in self.slots.iter().enumerate() {
            let (n, room) = if below { (slot.failed, DOWN) } else { (slot.completed, UP) };
            if n > 0 {
                // One is seen however many there are elsewhere.
                let height = (n * room / most).max(2);
                let top = if below { UP + 1 } else { UP - height };
                path.push_str(&format!("M{at} {top}h.8v{height}h-.8Z"));
            }
        }
        path
    }
}

/// The strip; a click shows that time in the timeline.
#[component]
pub fn Density(
    /// The session.
    board: Board,
    /// Where the visitor is.
    place: Place,
    /// What the timeline shows.
    window: Window,
) -> impl IntoView {
    let clock = use_clock();
    let navigate = use_navigate();
    let image = NodeRef::<html::Div>::new();
    let beat = {
        let board = board.clone();
        calmed(PAUSE, move || {
            board.track_progress();
        })
    };
    let strip = Memo::new(move |_| {
        beat.track();
        Strip::of(&board, clock.glance())
    });
    let ended = move |pick: fn(&Slot) -> i32| strip.read().slots.iter().map(pick).sum::<i32>();
    let label = move || {
        format!(
            "When work ended: {} completed, {} failed",
            ended(|s| s.completed),
            ended(|s| s.failed)
        )
    };
    let show = move |event: MouseEvent| {
        let Some(image) = image.get_untracked() else { return };
        let share = f64::from(event.offset_x()) / f64::from(image.client_width().max(1));
        let (from, until) = strip.read_untracked().time;
        let around = ((until - from) / 16).max(1);
        let at = from + ((until - from) as f64 * share) as i64;
        window.show(Some((at - around, at + around)));
        place.go(&navigate, |at| at.view = View::Timeline);
    };
    view! {
        <div class="density" node_ref=image on:click=show title="Show this time in the timeline" data-testid="density">
            <svg role="img" aria-label=label viewBox=format!("0 0 {SLOTS} {}", UP + DOWN + 2) preserveAspectRatio="none">
                <path class="density-done" d=move || strip.read().outline(false)/>
                <rect class="density-line" y=UP width=SLOTS height="1"/>
                <path class="density-failed" d=move || strip.read().outline(true)/>
            </svg>
        </div>
    }
}
