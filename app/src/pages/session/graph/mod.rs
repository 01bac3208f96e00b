//! A session as a graph: waves side by side, cards in the order of what they wait for.
//!
//! Where a card stands depends on what waits for what and on nothing else, so no change of status
//! moves anything. Only the cards in sight are in the document. The region scrolls like any other,
//! so that touch, wheel and keyboard work as everywhere;
//! [`hand`] adds what a drawing has beside that.

mod card;
mod ground;
mod hand;
mod overview;

use std::{collections::BTreeMap, time::Duration};

use domain::{
    chart::{Band, Item, Place as Spot, critical_path, layout},
    subtask::SubtaskStatus,
    wave::duration_ms,
};
use leptos::{html, prelude::*};
use leptos_router::hooks::use_navigate;
use uuid::Uuid;

use self::{
    card::{Card, Patch},
    ground::WaveBand,
    hand::Hand,
    overview::Overview,
};
use super::{
    loader::LoadAll,
    place::{self, Place},
};
use crate::{
    board::{Board, RowEntry},
    components::{each, key_of},
    live::calmed,
    pages::grid::{CARD, EDGE, GAP, ROWS, band_box, corner, curve, size},
    views::Row,
};

/// How often the critical path is found anew at most.
const PAUSE: Duration = Duration::from_millis(1_000);
/// What is in sight moves in steps, so that scrolling does not ask for every pixel; pixels of the screen.
/// Each brings few cards, so that no frame has many to make.
const STEP: i32 = 120;
/// What is drawn before the browser says how large the region is.
const FIRST: Sight = Sight { left: 0, top: 0, right: 1_600, bottom: 1_200 };
/// The sizes that buttons and wheel go through; percent. What fits may be between them.
const ZOOMS: [i32; 10] = [1, 2, 5, 10, 20, 40, 60, 80, 100, 130];
/// Up to this size a card is a patch of colour.
const PATCH: i32 = 20;

/// What of the drawing is in sight; its own pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sight {
    left: i32,
    top: i32,
    right: i32,
    bottom: i32,
}

impl Sight {
    /// The steps around a region of that size, scrolled that far, at that zoom.
    fn around(scrolled: (i32, i32), size: (i32, i32), zoom: i32) -> Self {
        let own = |pixels: i32| pixels * 100 / zoom;
        let floor = |at: i32| own((at / STEP - 1).max(0) * STEP);
        let ceil = |at: i32| own((at / STEP + 2) * STEP);
        Self {
            left: floor(scrolled.0),
            top: floor(scrolled.1),
            right: ceil(scrolled.0 + size.0),
            bottom: ceil(scrolled.1 + size.1),
        }
    }

    /// Whether a rectangle, of its corners, is in it in part.
    fn meets(self, (left, top): (i32, i32), (right, bottom): (i32, i32)) -> bool {
        left <= self.right && right >= self.left && top <= self.bottom && bottom >= self.top
    }
}

/// A line from a blocker to what waits for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Line {
    from: (Uuid, (i32, i32)),
    to: (Uuid, (i32, i32)),
}

impl Line {
    fn path(self) -> String {
        curve(self.from.1, self.to.1)
    }

    fn in_sight(self, sight: Sight) -> bool {
        let (a, b) = (self.from.1, self.to.1);
        let right = (a.0 + CARD.0).max(b.0);
        sight.meets((a.0.min(b.0), a.1.min(b.1)), (right, a.1.max(b.1) + CARD.1))
    }
}

/// The graph of the subtasks that are loaded.
#[component]
pub fn Graph(
    /// The session.
    board: Board,
    /// Where the visitor is.
    place: Place,
) -> impl IntoView {
    let region = NodeRef::<html::Div>::new();
    let zoom = RwSignal::new(100);
    let hand = Hand::over(region);
    let sight = RwSignal::new(FIRST);
    let plan = {
        let board = board.clone();
        Memo::new(move |_| layout(&items(&board), ROWS))
    };
    let begin = {
        let board = board.clone();
        Memo::new(move |_| {
            let band = plan.read().bands.iter().find(|band| board.runs(band.wave)).copied()?;
            Some((band.first_column * (CARD.0 + GAP.0) - EDGE).max(0))
        })
    };
    // What of the drawing the region shows, exactly: (left, top, width, height).
    let port = RwSignal::new((0, 0, 0, 0));
    // The wave in the middle of the region, and how far into it the region begins.
    let anchor = StoredValue::new(None::<(i32, i32)>);
    let look = move || {
        if let Some(region) = region.get_untracked() {
            let scrolled = (region.scroll_left(), region.scroll_top());
            let room = (region.client_width(), region.client_height());
            let own = |pixels: i32| pixels * 100 / zoom.get_untracked();
            port.set((own(scrolled.0), own(scrolled.1), own(room.0), own(room.1)));
            let (left, middle) = (own(scrolled.0), own(scrolled.0 + room.0 / 2));
            anchor.set_value(plan.with_untracked(|plan| anchored(&plan.bands, left, middle)));
            let seen = Sight::around(scrolled, room, zoom.get_untracked());
            if seen != sight.get_untracked() {
                sight.set(seen);
            }
        }
    };
    Effect::new(move |seen: Option<bool>| {
        // After the region is there, and again at every zoom.
        zoom.track();
        let there = region.get();
        if let (Some(region), None | Some(false)) = (&there, seen) {
            // Where the work is; left of it, a little of what came before.
            region.set_scroll_left(begin.get_untracked().unwrap_or_default());
        }
        if there.is_some() {
            request_animation_frame(look);
        }
        let resized = window_event_listener(leptos::ev::resize, move |_| look());
        on_cleanup(move || resized.remove());
        there.is_some()
    });
    // What is read later widens the waves before it; what is looked at stays where it is.
    Effect::new(move |before: Option<()>| {
        let plan = plan.read();
        let (Some(()), Some((wave, into))) = (before, anchor.get_value()) else { return };
        let Some(band) = plan.bands.iter().find(|band| band.wave == wave) else { return };
        let left = (band_box(band).0.0 + into) * zoom.get_untracked() / 100;
        request_animation_frame(move || {
            if let Some(region) = region.get_untracked() {
                region.set_scroll_left(left);
            }
        });
    });
    let path = critical(board.clone());
    let spots = move || {
        let sight = sight.get();
        let seen = |spot: &&Spot| {
            let (x, y) = corner(spot);
            sight.meets((x, y), (x + CARD.0, y + CARD.1))
        };
        let small = zoom.get() <= PATCH;
        plan.read().places.iter().filter(seen).map(|spot| (*spot, small)).collect::<Vec<_>>()
    };
    let lines = move || {
        let (plan, sight) = (plan.read(), sight.get());
        let end = |at: u32| plan.places.get(at as usize).map(|spot| (spot.id, corner(spot)));
        plan.links
            .iter()
            .filter_map(|link| Some(Line { from: end(link.from)?, to: end(link.to)? }))
            .filter(|line| line.in_sight(sight))
            .collect::<Vec<_>>()
    };
    let card = {
        let board = board.clone();
        move |(spot, small): (Spot, bool)| {
            let (x, y) = corner(&spot);
            let row = board.row(spot.id).map(RwSignal::from);
            let on_path = Memo::new(move |_| path.read().contains_key(&spot.id));
            if small {
                return row
                    .map(|row| view! { <Patch row corner=(x, y) place on_path/> })
                    .into_any();
            }
            row.map(|row| {
                view! {
                    <foreignObject x=x y=y width=CARD.0 height=CARD.1>
                        <Card row place on_path/>
                    </foreignObject>
                }
            })
            .into_any()
        }
    };
    let line = {
        let board = board.clone();
        move |line: Line| {
            let blocker = board.row(line.from.0).map(RwSignal::from);
            let class = move || {
                let done = blocker.is_some_and(|row| row.read().status == SubtaskStatus::Completed);
                let critical = path.read().get(&line.from.0) == Some(&Some(line.to.0));
                let ends = [Some(line.from.0), Some(line.to.0)];
                let touched =
                    ends.contains(&place.at.read().subtask) || ends.contains(&place.pointed.get());
                match (touched, critical, done) {
                    (true, ..) => "link is-chosen",
                    (_, true, _) => "link is-critical",
                    (.., true) => "link is-done",
                    _ => "link",
                }
            };
            view! { <path class=class d=line.path()/> }
        }
    };
    let bands = move || plan.read().bands.clone();
    let band = {
        let board = board.clone();
        move |band: Band| view! { <WaveBand board=board.clone() band/> }
    };
    let percent = move |pixels: i32| pixels * zoom.get() / 100;
    let hydrated = crate::clock::use_hydrated();
    let fit = move |_| {
        if let Some(region) = region.get_untracked() {
            let (width, height) = size(&plan.read_untracked());
            let wide = region.client_width() * 100 / width.max(1);
            let high = region.client_height() * 100 / height.max(1);
            zoom.set(wide.min(high).clamp(ZOOMS[0], 100));
        }
    };
    // Puts a point of the drawing into the middle of the region.
    let to = move |(x, y): (i32, i32)| {
        if let Some(region) = region.get_untracked() {
            let pixels = |own: i32| own * zoom.get_untracked() / 100;
            region.set_scroll_left(pixels(x) - region.client_width() / 2);
            region.set_scroll_top(pixels(y) - region.client_height() / 2);
        }
    };
    let find = move |id| plan.read().places.iter().find(|spot| spot.id == id).map(corner);
    place::follow_chosen(place, find, move |(x, y)| {
        let Some(region) = region.get_untracked() else { return };
        let pixels = |own: i32| own * zoom.get_untracked() / 100;
        let (left, top) = (region.scroll_left(), region.scroll_top());
        let seen = pixels(x) >= left
            && pixels(x + CARD.0) <= left + region.client_width()
            && pixels(y) >= top
            && pixels(y + CARD.1) <= top + region.client_height();
        if !seen {
            to((x + CARD.0 / 2, y + CARD.1 / 2));
        }
    });
    let navigate = use_navigate();
    view! {
        <section class="graph-view" aria-label="Dependency graph" data-testid="graph">
            <div class="view-bar">
                <ZoomButtons zoom/>
                <button type="button" class="button quiet" data-testid="zoom-fit" disabled=move || !hydrated.get() on:click=fit>"Fit"</button>
                <Overview board=board.clone() plan port to=Callback::new(to)/>
                <LoadAll board=board.clone()/>
                <p class="hint legend">
                    <span class="legend-line is-critical" aria-hidden="true"></span>"critical path"
                    <span class="legend-line is-done" aria-hidden="true"></span>"done"
                </p>
            </div>
            <div class="graph-region" class:is-held=move || hand.holds() role="region" aria-label="Subtasks by wave" tabindex="0" node_ref=region
                on:scroll=move |_| look()
                on:pointerdown=move |event| hand.down(&event)
                on:pointermove=move |event| hand.moved(&event)
                on:pointerup=move |_| hand.up()
                on:click=move |event| if !hand.dragged() { place.open_at(&navigate, &event) }
                on:wheel=move |event| hand.wheel(&event, zoom)
            >
                <svg
                    class="graph"
                    width=move || percent(size(&plan.read()).0)
                    height=move || percent(size(&plan.read()).1)
                    viewBox=move || { let (w, h) = size(&plan.read()); format!("0 0 {w} {h}") }
                >
                    <g class="bands">
                        {each(bands, key_of, move |it| band(it).into_any())}
                    </g>
                    <g class="links" aria-hidden="true">
                        {each(lines, key_of, move |it| line(it).into_any())}
                    </g>
                    <g class="cards">
                        {each(spots, |(spot, small)| key_of(&(spot.id, spot.column, spot.row, *small)), card)}
                    </g>
                </svg>
            </div>
        </section>
    }
}

/// The last wave that begins before the middle, else the first; and how far into it the left side is.
fn anchored(bands: &[Band], left: i32, middle: i32) -> Option<(i32, i32)> {
    let begins = |band: &Band| band_box(band).0.0;
    let band = bands.iter().rev().find(|band| begins(band) <= middle).or(bands.first())?;
    Some((band.wave, left - begins(band)))
}

/// The size after this one in `ZOOMS`.
fn next_size(zoom: i32, larger: bool) -> Option<i32> {
    let mut sizes = ZOOMS.iter();
    let found = if larger {
        sizes.find(|size| **size > zoom)
    } else {
        sizes.rev().find(|size| **size < zoom)
    };
    found.copied()
}

#[component]
fn ZoomButtons(zoom: RwSignal<i32>) -> impl IntoView {
    let hydrated = crate::clock::use_hydrated();
    let step = move |larger: bool| {
        if let Some(to) = next_size(zoom.get_untracked(), larger) {
            zoom.set(to);
        }
    };
    view! {
        <div class="zoom" role="group" aria-label="Size of the graph">
            <button type="button" class="button quiet" aria-label="Smaller" data-testid="zoom-out"
                disabled=move || !hydrated.get() || next_size(zoom.get(), false).is_none() on:click=move |_| step(false)>"−"</button>
            <span class="num" data-testid="zoom">{move || format!("{} %", zoom.get())}</span>
            <button type="button" class="button quiet" aria-label="Larger" data-testid="zoom-in"
                disabled=move || !hydrated.get() || next_size(zoom.get(), true).is_none() on:click=move |_| step(true)>"+"</button>
        </div>
    }
}

/// What the layout is made of; tracks which subtasks there are, not how they stand.
fn items(board: &Board) -> Vec<Item> {
    board.track_links();
    let item = |entry: RowEntry| {
        let row = entry.row.read_untracked();
        Item { id: entry.id, wave: row.wave_number, blocked_by: row.blocked_by.clone() }
    };
    board.entries().into_iter().map(item).collect()
}

/// The subtasks on the critical path, each with the next one if it is in the same wave. What has not
/// ended counts as long as the others took on average, or as long as it runs already.
fn critical(board: Board) -> Memo<BTreeMap<Uuid, Option<Uuid>>> {
    let clock = crate::clock::use_clock();
    let beat = {
        let board = board.clone();
        calmed(PAUSE, move || board.track_progress())
    };
    Memo::new(move |_| {
        beat.track();
        let items = items(&board);
        let took = |row: &Row| duration_ms(row.started_at, row.completed_at);
        let known: Vec<i64> =
            items.iter().filter_map(|item| took(&board.row(item.id)?.read_untracked())).collect();
        let mean = known.iter().sum::<i64>() / i64::try_from(known.len().max(1)).unwrap_or(1);
        let now = clock.glance();
        // Without a duration every subtask counts alike.
        let weight = |id: Uuid| {
            let Some(row) = board.row(id) else { return mean.max(1) };
            let row = row.read_untracked();
            let since = row.started_at.filter(|_| row.status == SubtaskStatus::Running);
            let runs = since.and_then(|since| Some(now? - since.timestamp_millis()));
            took(&row).unwrap_or(mean.max(1).max(runs.unwrap_or(0)))
        };
        let path = critical_path(&items, weight);
        let wave = |id: &Uuid| board.row(*id).map(|row| row.read_untracked().wave_number);
        let next = |at: usize| path.get(at + 1).copied();
        path.iter()
            .enumerate()
            .map(|(at, id)| (*id, next(at).filter(|next| wave(next) == wave(id))))
            .collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_sight_covers_the_region_at_every_zoom() {
        for zoom in ZOOMS {
            let (scrolled, region) = ((1_234, 567), (900, 600));
            let sight = Sight::around(scrolled, region, zoom);
            assert!(sight.left <= scrolled.0 * 100 / zoom);
            assert!(sight.top <= scrolled.1 * 100 / zoom);
            assert!(sight.right >= (scrolled.0 + region.0) * 100 / zoom);
            assert!(sight.bottom >= (scrolled.1 + region.1) * 100 / zoom);
        }
    }
}
