//! When work ended, over the whole session: completed above the line, failed below it.

use std::time::Duration;

use domain::{
    chart::{Slot, density},
    subtask::SubtaskStatus,
};
use leptos::{
    ev::{KeyboardEvent, MouseEvent},
    html,
    prelude::*,
};
use leptos_router::hooks::use_navigate;

use super::{
    place::{Place, View},
    timeline::Window,
    watch::{latest, span},
};
use crate::{board::Board, clock::use_clock, format::absolute, live::calmed};

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

/// The strip; a click shows that time in the timeline, and so do the arrow keys and Enter.
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
    // The stretch that the keyboard is at.
    let chosen = RwSignal::new(None::<u32>);
    let ended = move |pick: fn(&Slot) -> i32| strip.read().slots.iter().map(pick).sum::<i32>();
    let label = move || {
        format!(
            "When work ended: {} completed, {} failed",
            ended(|s| s.completed),
            ended(|s| s.failed)
        )
    };
    let time = move |share: f64| {
        let (from, until) = strip.read().time;
        from + ((until - from) as f64 * share) as i64
    };
    let show = Callback::new(move |share: f64| {
        let (from, until) = strip.read_untracked().time;
        let (at, around) = (untrack(|| time(share)), ((until - from) / 16).max(1));
        window.show(Some((at - around, at + around)));
        place.go(&navigate, |at| at.view = View::Timeline);
    });
    let middle = |slot: u32| (f64::from(slot) + 0.5) / f64::from(SLOTS);
    let point = move |event: MouseEvent| {
        let Some(image) = image.get_untracked() else { return };
        show.run(f64::from(event.offset_x()) / f64::from(image.client_width().max(1)));
    };
    let press = move |event: KeyboardEvent| {
        if event.alt_key() || event.ctrl_key() || event.meta_key() {
            return;
        }
        let slot = chosen.get_untracked().unwrap_or(SLOTS - 1);
        match event.key().as_str() {
            "ArrowLeft" => chosen.set(Some(slot.saturating_sub(1))),
            "ArrowRight" => chosen.set(Some((slot + 1).min(SLOTS - 1))),
            "Home" => chosen.set(Some(0)),
            "End" => chosen.set(Some(SLOTS - 1)),
            "Enter" => show.run(middle(slot)),
            _ => return,
        }
        event.prevent_default();
    };
    let spoken = move || {
        let slot = chosen.get().unwrap_or(SLOTS - 1);
        let ended =
            strip.read().slots.get(slot as usize).map_or((0, 0), |s| (s.completed, s.failed));
        let at = domain::Time::from_timestamp_millis(time(middle(slot))).unwrap_or_default();
        format!("{}: {} completed, {} failed", absolute(at), ended.0, ended.1)
    };
    view! {
        <div class="density" node_ref=image on:click=point on:keydown=press title="Show this time in the timeline" data-testid="density"
            role="slider" tabindex="0" aria-label=label aria-valuemin="0" aria-valuemax=SLOTS - 1
            aria-valuenow=move || chosen.get().unwrap_or(SLOTS - 1) aria-valuetext=spoken
        >
            <svg aria-hidden="true" viewBox=format!("0 0 {SLOTS} {}", UP + DOWN + 2) preserveAspectRatio="none">
                <path class="density-done" d=move || strip.read().outline(false)/>
                <rect class="density-line" y=UP width=SLOTS height="1"/>
                <path class="density-failed" d=move || strip.read().outline(true)/>
                {move || chosen.get().map(|slot| view! { <rect class="density-at" x=slot width="1" height=UP + DOWN + 2/> })}
            </svg>
        </div>
    }
}
