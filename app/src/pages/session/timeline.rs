//! A session as a timeline: a bar a subtask, light while it waited and solid while it ran. Idle time
//! is cut out; only the bars in sight are in the document.

use std::time::Duration;

use domain::{
    chart::{Axis, Gap, Span},
    subtask::SubtaskStatus,
    wave::WaveStatus,
};
use leptos::{ev::PointerEvent, html, prelude::*};
use leptos_router::hooks::use_navigate;
use uuid::Uuid;

use super::{
    loader::LoadAll,
    place::{self, Place},
    watch::{latest, span},
};
use crate::{
    board::{Board, RowEntry},
    clock::{use_clock, use_hydrated},
    components::{each, key_of},
    format,
    live::calmed,
    views::Row,
};

/// How often the axis is measured at most.
const PAUSE: Duration = Duration::from_millis(400);
/// The height of a row, and of a bar in it; pixels.
const ROW: i32 = 26;
const BAR: i32 = 12;
/// The width of the names on the left, where there is room and where there is not.
const NAMES: i32 = 232;
const NAMES_NARROW: i32 = 118;
const NARROW: i32 = 640;
/// Rows that are drawn above and below what is in sight.
const AHEAD: i32 = 12;
/// What is drawn before the browser says how large the region is.
const FIRST: Size = Size { width: 900, rows: 40, top: 0 };
/// Shorter stretches without work are never cut out; milliseconds.
const MIN_GAP: i64 = 60_000;
/// The narrowest bar that can still be seen and clicked.
const THIN: f64 = 3.0;
/// The shortest time that can be zoomed to; milliseconds.
const SHORTEST: i64 = 200;

/// The stretch of time that the timeline shows; all of it when none. Unix milliseconds.
#[derive(Clone, Copy, Debug)]
pub struct Window(RwSignal<Option<(i64, i64)>>);

impl Window {
    /// All of it.
    #[must_use]
    pub fn whole() -> Self {
        Self(RwSignal::new(None))
    }

    /// Shows a stretch, or all of it.
    pub fn show(self, window: Option<(i64, i64)>) {
        self.0.set(window);
    }
}

/// What the region has room for, and how far it is scrolled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Size {
    width: i32,
    rows: i32,
    top: i32,
}

impl Size {
    const fn names(self) -> i32 {
        if self.width < NARROW { NAMES_NARROW } else { NAMES }
    }

    /// Where a share of the axis is; pixels from the left.
    fn x(self, share: f64) -> f64 {
        let names = f64::from(self.names());
        // On the right, the last bar's mark has its room.
        (names + share * (f64::from(self.width - 16) - names)).round()
    }
}

/// The timeline of the subtasks that are loaded.
#[component]
pub fn Timeline(
    /// The session.
    board: Board,
    /// Where the visitor is.
    place: Place,
    /// What it shows.
    window: Window,
) -> impl IntoView {
    let clock = use_clock();
    let region = NodeRef::<html::Div>::new();
    let size = RwSignal::new(FIRST);
    let open_gaps = RwSignal::new(Vec::<i64>::new());
    // In the order in which they were submitted: what starts does not move.
    let lanes = {
        let board = board.clone();
        Memo::new(move |_| {
            let at = place.at.get();
            let shown = |entry: &RowEntry| {
                let row = entry.row.read_untracked();
                // Only a filter follows the statuses.
                let status = if at.status.is_some() { entry.row.read().status } else { row.status };
                at.shows(row.wave_number, status)
            };
            let entries = board.entries();
            entries.iter().filter(|entry| shown(entry)).map(|entry| entry.id).collect::<Vec<Uuid>>()
        })
    };
    let begin = {
        let board = board.clone();
        Memo::new(move |_| {
            let lanes = lanes.read();
            let at_work = |id: &Uuid| {
                board.row(*id).is_some_and(|row| board.runs(row.read_untracked().wave_number))
            };
            lanes.iter().position(at_work).map_or(0, |at| at.saturating_sub(2) as i32)
        })
    };
    let look = move || {
        if let Some(region) = region.get_untracked() {
            let seen = Size {
                width: region.client_width().max(NAMES_NARROW * 2),
                rows: region.client_height() / ROW + 1,
                top: region.scroll_top() / ROW / AHEAD * AHEAD,
            };
            if seen != size.get_untracked() {
                size.set(seen);
            }
        }
    };
    Effect::new(move |_| {
        if let Some(region) = region.get() {
            // Where the work is; above it, a little of what came before.
            region.set_scroll_top(begin.get_untracked() * ROW);
            request_animation_frame(look);
        }
        let resized = window_event_listener(leptos::ev::resize, move |_| look());
        on_cleanup(move || resized.remove());
    });

    let find = move |chosen| lanes.read().iter().position(|id| *id == chosen);
    place::follow_chosen(place, find, move |at| {
        let Some(region) = region.get_untracked() else { return };
        let (top, height) = (at as i32 * ROW, region.client_height());
        if top < region.scroll_top() || top + ROW > region.scroll_top() + height {
            region.set_scroll_top(top - height / 2);
        }
    });
    let navigate = use_navigate();

    let beat = {
        let board = board.clone();
        calmed(PAUSE, move || board.track_progress())
    };
    let runs = {
        let board = board.clone();
        Memo::new(move |_| {
            board.waves().iter().any(|state| state.wave.read().status == WaveStatus::Running)
        })
    };
    let axis = {
        let board = board.clone();
        Memo::new(move |_| {
            beat.track();
            let spans: Vec<Span> =
                board.entries().iter().map(|entry| span(&entry.row.read_untracked())).collect();
            let known = latest(&spans);
            // A session in which nothing runs stands still.
            let now = if runs.get() { clock.now().unwrap_or(known).max(known) } else { known };
            let mut axis = Axis::new(&spans, now, MIN_GAP);
            open_gaps.with(|open| {
                for (at, gap) in (0..).zip(axis.gaps().to_vec()) {
                    if open.contains(&gap.from) {
                        axis.expand(at);
                    }
                }
            });
            if let Some((from, until)) = window.0.get() {
                axis.window(from, until);
            }
            Drawn { axis, now }
        })
    };
    let visible = move || {
        let Size { rows, top, .. } = size.get();
        let from = (top - AHEAD).max(0);
        let lanes = lanes.read();
        let wanted = lanes.iter().enumerate().skip(from as usize).take((rows + 3 * AHEAD) as usize);
        wanted.map(|(at, id)| (at as i32, *id)).collect::<Vec<_>>()
    };
    let lane = {
        let board = board.clone();
        move |(at, id): (i32, Uuid)| {
            board.row(id).map(|row| view! { <Lane at row=row.into() axis size place/> })
        }
    };
    let height = move || (lanes.read().len() as i32 * ROW).max(ROW);
    let line_x = move || {
        let drawn = axis.read();
        size.get().x(drawn.axis.position(drawn.now))
    };
    view! {
        <section class="timeline" aria-label="Timeline" data-testid="timeline">
            <div class="view-bar">
                <Zoom window axis/>
                <LoadAll board=board.clone()/>
                <p class="hint legend">
                    <span class="legend-bar is-queued" aria-hidden="true"></span>"queued"
                    <span class="legend-bar is-running" aria-hidden="true"></span>"running"
                </p>
            </div>
            <Gaps axis open=open_gaps/>
            <Ruler axis size window/>
            <div class="timeline-region" role="region" aria-label="Subtasks over time" tabindex="0" node_ref=region on:scroll=move |_| look()
                on:click=move |event| place.open_at(&navigate, &event)>
                <svg class="timeline-lanes" width=move || size.get().width height=height>
                    {each(visible, key_of, move |at| lane(at).into_any())}
                    <g class="over-lanes" aria-hidden="true">
                        {each(move || gaps_in_sight(&axis.read()), |gap| key_of(&(gap.from, gap.until)), move |gap| view! { <GapMark gap axis size height=Signal::derive(height)/> }.into_any())}
                        <line class="now-line" y1="0" x1=line_x x2=line_x y2=height/>
                    </g>
                </svg>
            </div>
        </section>
    }
}

/// The axis, and the present that it was measured for.
#[derive(Clone, Debug, PartialEq)]
struct Drawn {
    axis: Axis,
    now: i64,
}

fn gaps_in_sight(drawn: &Drawn) -> Vec<Gap> {
    drawn.axis.gaps().iter().filter(|gap| gap.collapsed).copied().collect()
}

/// One subtask.
#[component]
fn Lane(
    at: i32,
    row: RwSignal<Row>,
    axis: Memo<Drawn>,
    size: RwSignal<Size>,
    place: Place,
) -> impl IntoView {
    let Row { id, wave_number, .. } = row.get_untracked();
    let status = Memo::new(move |_| row.read().status);
    // Where it waited and where it ran, as (left, width).
    let bars = Memo::new(move |_| {
        let (row, drawn, size) = (row.read(), axis.read(), size.get());
        let x = |at: i64| size.x(drawn.axis.position(at));
        let span = span(&row);
        let end = span.ended_at.unwrap_or(drawn.now);
        let ran_from = span.started_at.unwrap_or(end);
        let wide = |from: f64, until: f64| (from, (until - from).max(THIN));
        let queued = wide(x(span.queued_at), x(ran_from));
        let ran = span.started_at.map(|from| wide(x(from), x(end)));
        (queued, ran)
    });
    let top = at * ROW;
    let names = move || size.get().names();
    let (bar_top, ran) = (top + (ROW - BAR) / 2, move || bars.get().1);
    view! {
        <g
            class=move || format!("lane is-{}{}", status.get().as_str(), if place.is_open(id) { " is-chosen" } else { "" })
            data-testid="lane"
            data-lane=id.to_string()
            data-status=move || status.get().as_str()
        >
            <rect class=if wave_number % 2 == 0 { "lane-ground" } else { "lane-ground is-odd" } x="0" y=top width=move || size.get().width height=ROW/>
            <foreignObject x="0" y=top width=names height=ROW>
                <LaneName row place/>
            </foreignObject>
            <rect class="bar-queued" y=bar_top + 3 height=BAR - 6 rx="2" x=move || bars.get().0.0 width=move || bars.get().0.1/>
            <Show when=move || ran().is_some()>
                <rect class="bar-ran" y=bar_top height=BAR rx="2"
                    x=move || ran().unwrap_or_default().0 width=move || ran().unwrap_or_default().1/>
            </Show>
            <path class="bar-mark" d=move || {
                let (left, width) = ran().unwrap_or(bars.get().0);
                format!("M{} {}{}", left + width + 4.0, bar_top + 3, mark(status.get()))
            }/>
        </g>
    }
}

/// Its name, which opens it. A component of its own: an `<a>` that stands under SVG in the same `view!`
/// would be made as an element of SVG, which shows no text.
#[component]
fn LaneName(row: RwSignal<Row>, place: Place) -> impl IntoView {
    let Row { id, wave_number, agent_type, description, .. } = row.get_untracked();
    let said = move || format!("{agent_type}, {}", row.read().status.as_str());
    view! {
        <a class="lane-name" id=format!("open-{id}") href=move || place.opening(id) rel=place.rel() data-noscroll="" title=description.clone()
            aria-current=move || place.is_open(id).then_some("true")>
            <span class="lane-wave num" aria-hidden="true">{wave_number}</span>
            <span class="visually-hidden">{said}": "</span>
            <bdi>{description.clone()}</bdi>
        </a>
    }
}

/// How a subtask stands, in shape as well as in colour: six by six behind its bar.
const fn mark(status: SubtaskStatus) -> &'static str {
    match status {
        SubtaskStatus::Pending => "m0 3h6",
        SubtaskStatus::Running => "v6l5-3z",
        SubtaskStatus::Paused => "m1 0v6m4-6v6",
        SubtaskStatus::Blocked => "h6v6h-6z",
        SubtaskStatus::Completed => "m0 3l2 3l4-6",
        SubtaskStatus::Failed => "l6 6m0-6l-6 6",
    }
}

/// A stretch that is cut out.
#[component]
fn GapMark(
    gap: Gap,
    axis: Memo<Drawn>,
    size: RwSignal<Size>,
    height: Signal<i32>,
) -> impl IntoView {
    let x = move |at: i64| size.get().x(axis.read().axis.position(at));
    view! {
        <rect class="gap" y="0" height=height x=move || x(gap.from) width=move || (x(gap.until) - x(gap.from)).max(0.0)/>
    }
}

/// The stretches that are cut out, as buttons that show them.
#[component]
fn Gaps(axis: Memo<Drawn>, open: RwSignal<Vec<i64>>) -> impl IntoView {
    let hydrated = use_hydrated();
    let gaps = Memo::new(move |_| gaps_in_sight(&axis.read()));
    let item = move |gap: Gap| {
        let idle = format::duration(gap.until - gap.from);
        view! {
            <li>
                <button type="button" class="button quiet small" data-testid="open-gap" disabled=move || !hydrated.get()
                    on:click=move |_| open.update(|open| open.push(gap.from))>
                    {format!("Show {idle} idle")}
                </button>
            </li>
        }
    };
    view! {
        <ul class="gaps" aria-label="Idle time that is cut out">
            {each(move || gaps.get(), |gap| key_of(&gap.from), move |gap| item(gap).into_any())}
            <Show when=move || !open.read().is_empty()>
                <li>
                    <button type="button" class="button quiet small" on:click=move |_| open.set(Vec::new())>"Cut idle time out"</button>
                </li>
            </Show>
        </ul>
    }
}

/// Narrower, wider, earlier, later, everything.
#[component]
fn Zoom(window: Window, axis: Memo<Drawn>) -> impl IntoView {
    let hydrated = use_hydrated();
    // By `part` of the whole around the middle of what is shown.
    let zoom = move |part: f64| {
        let drawn = axis.read_untracked();
        let (from, until) = (drawn.axis.time(0.0), drawn.axis.time(1.0));
        let (middle, half) =
            (from + (until - from) / 2, ((until - from) as f64 * part / 2.0) as i64);
        window.show(Some((middle - half.max(SHORTEST), middle + half.max(SHORTEST))));
    };
    // Half of what is shown, to one side: it goes on where it stopped.
    let shift = move |by: i64| {
        let drawn = axis.read_untracked();
        let (from, until) = (drawn.axis.time(0.0), drawn.axis.time(1.0));
        let by = (until - from) / 2 * by;
        window.show(Some((from + by, until + by)));
    };
    let all = move || window.0.read().is_none();
    view! {
        <div class="zoom" role="group" aria-label="Time that is shown">
            <button type="button" class="button quiet" aria-label="More time" data-testid="time-out"
                disabled=move || !hydrated.get() || all() on:click=move |_| zoom(2.0)>"−"</button>
            <button type="button" class="button quiet" aria-label="Less time" data-testid="time-in"
                disabled=move || !hydrated.get() on:click=move |_| zoom(0.5)>"+"</button>
            <button type="button" class="button quiet" aria-label="Earlier" data-testid="time-earlier"
                disabled=move || !hydrated.get() || all() on:click=move |_| shift(-1)>"‹"</button>
            <button type="button" class="button quiet" aria-label="Later" data-testid="time-later"
                disabled=move || !hydrated.get() || all() on:click=move |_| shift(1)>"›"</button>
            <button type="button" class="button quiet" data-testid="time-all"
                disabled=move || !hydrated.get() || all() on:click=move |_| window.show(None)>"All"</button>
        </div>
    }
}

/// The times along the top; dragging over them shows that stretch.
#[component]
fn Ruler(axis: Memo<Drawn>, size: RwSignal<Size>, window: Window) -> impl IntoView {
    let drag = RwSignal::new(None::<(i32, i32)>);
    let share = move |x: i32| {
        let (left, right) = (size.get_untracked().x(0.0), size.get_untracked().x(1.0));
        (f64::from(x) - left) / (right - left).max(1.0)
    };
    let down = move |event: PointerEvent| drag.set(Some((event.offset_x(), event.offset_x())));
    let moved = move |event: PointerEvent| {
        if let Some((from, _)) = drag.get_untracked() {
            drag.set(Some((from, event.offset_x())));
        }
    };
    let up = move |_: PointerEvent| {
        let Some((a, b)) = drag.get_untracked() else { return };
        drag.set(None);
        if (a - b).abs() > 4 {
            let axis = &axis.read_untracked().axis;
            let (from, until) = (axis.time(share(a.min(b))), axis.time(share(a.max(b))));
            window.show(Some((from, until.max(from + SHORTEST))));
        }
    };
    let ticks = move || {
        let drawn = axis.read();
        let size = size.get();
        let ticks = drawn.axis.ticks((size.width - size.names()) / 90);
        ticks.into_iter().map(|at| (at, size.x(drawn.axis.position(at)) as i32)).collect::<Vec<_>>()
    };
    let tick = move |(at, x): (i64, i32)| {
        let time = domain::Time::from_timestamp_millis(at).unwrap_or_default();
        let text = format::rfc3339(time).get(11..19).unwrap_or_default().to_owned();
        view! {
            <line class="tick" x1=x x2=x y1="20" y2="28"/>
            <text class="tick-text" x=x y="14" text-anchor="middle">{text}</text>
        }
    };
    let rows = move || {
        let shown = axis.read();
        let day = domain::Time::from_timestamp_millis(shown.axis.time(0.0)).unwrap_or_default();
        format::rfc3339(day).get(..10).unwrap_or_default().to_owned()
    };
    view! {
        <svg class="ruler" width=move || size.get().width height="28" data-testid="ruler"
            on:pointerdown=down on:pointermove=moved on:pointerup=up on:pointerleave=up>
            <title>"Times in UTC. Drag over them to show a stretch."</title>
            <text class="tick-text" x="8" y="14">{rows}" UTC"</text>
            {each(ticks, key_of, move |at| tick(at).into_any())}
            <Show when=move || drag.read().is_some()>
                <rect class="brush" y="0" height="28"
                    x=move || drag.get().map_or(0, |(a, b)| a.min(b))
                    width=move || drag.get().map_or(0, |(a, b)| (a - b).abs())/>
            </Show>
        </svg>
    }
}
