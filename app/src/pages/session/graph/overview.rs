//! The whole graph by waves, small.

use domain::chart::{Band, Layout};
use leptos::prelude::*;

use crate::{
    board::Board,
    pages::grid::{band_box, size},
};

/// Its size; pixels.
const MAP: (i32, i32) = (180, 56);

/// The whole graph by waves, and what of it the region shows; a click goes there.
#[component]
pub fn Overview(
    /// The session.
    board: Board,
    /// Where everything is.
    plan: Memo<Layout>,
    /// What the region shows: left, top, width, height; pixels of the drawing.
    port: RwSignal<(i32, i32, i32, i32)>,
    /// Goes to a point of the drawing.
    to: Callback<(i32, i32)>,
) -> impl IntoView {
    let whole = Memo::new(move |_| size(&plan.read()));
    let scaled = move |own: (i32, i32)| {
        let whole = whole.get();
        (own.0 * MAP.0 / whole.0.max(1), own.1 * MAP.1 / whole.1.max(1))
    };
    let bands = move || {
        let bar = |band: &Band| {
            let ((left, _), size) = band_box(band);
            let ((x, _), (width, height)) = (scaled((left, 0)), scaled(size));
            let wave = board.wave(band.wave).map(|state| RwSignal::from(state.wave));
            let status = move || wave.map_or("pending", |wave| wave.read().status.as_str());
            view! { <rect class=move || format!("map-band is-{}", status()) x=x y="0" width=width height=height.max(2)/> }.into_any()
        };
        plan.read().bands.iter().map(bar).collect::<Vec<_>>()
    };
    let part = move |pick: fn((i32, i32), (i32, i32)) -> i32| {
        move || {
            let (left, top, width, height) = port.get();
            let whole = whole.get();
            pick(scaled((left, top)), scaled((width.min(whole.0), height.min(whole.1))))
        }
    };
    let click = move |event: leptos::ev::MouseEvent| {
        let whole = whole.get_untracked();
        to.run((event.offset_x() * whole.0 / MAP.0, event.offset_y() * whole.1 / MAP.1));
    };
    view! {
        <svg class="graph-map" width=MAP.0 height=MAP.1 aria-hidden="true" data-testid="graph-map" on:click=click>
            {bands}
            <rect class="map-port" x=part(|at, _| at.0) y=part(|at, _| at.1) width=part(|_, size| size.0) height=part(|_, size| size.1)/>
        </svg>
    }
}
