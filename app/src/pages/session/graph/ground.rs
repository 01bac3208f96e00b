//! The ground under the cards of a wave.

use domain::chart::Band;
use leptos::prelude::*;

use crate::{board::Board, pages::grid::band_box};

/// The ground under the cards of a wave, with its name and where it stands.
#[component]
pub fn WaveBand(
    /// The session.
    board: Board,
    /// The wave's columns.
    band: Band,
) -> impl IntoView {
    let number = band.wave;
    let state = board.wave(number);
    let wave = state.map(|state| RwSignal::from(state.wave));
    let status = move || wave.map_or("pending", |wave| wave.read().status.as_str());
    let name = move || {
        let name = wave.and_then(|wave| wave.read().name.clone()).unwrap_or_default();
        let name = crate::format::clipped(&name, 28);
        if name.is_empty() { format!("Wave {number}") } else { format!("Wave {number} · {name}") }
    };
    let ((x, y), (width, height)) = band_box(&band);
    view! {
        <g class=move || format!("band is-{}", status())>
            <rect class="band-ground" x=x y=y width=width height=height rx="8"/>
            <rect class="band-line" x=x y=y width=width height="3" rx="1.5"/>
            <text class="band-name" x=x + 10 y=y + 26>{name}</text>
            <text class="band-status" x=x + width - 10 y=y + 26>{status}</text>
        </g>
    }
}
