//! One subtask in the graph: neutral, with a stripe for where it stands.

use leptos::prelude::*;

use crate::{
    components::{Elapsed, Mark, StatusMark},
    pages::{grid::CARD, session::Place},
    views::Row,
};

/// A card too small to be read: where it stands, and its name under the pointer.
#[component]
pub fn Patch(
    /// The subtask.
    row: RwSignal<Row>,
    /// Its corner; pixels of the drawing.
    corner: (i32, i32),
    /// Where the visitor is.
    place: Place,
    /// Whether the session cannot be faster than it.
    on_path: Memo<bool>,
) -> impl IntoView {
    let Row { id, agent_type, description, .. } = row.get_untracked();
    let class = looks("patch", row, place, on_path);
    let title = move || format!("{agent_type}, {}: {description}", row.read().status.as_str());
    view! {
        <rect class=class x=corner.0 y=corner.1 width=CARD.0 height=CARD.1 data-patch=id.to_string() data-testid="patch">
            <title>{title}</title>
        </rect>
    }
}

/// The classes of what stands for a subtask.
fn looks(
    kind: &'static str,
    row: RwSignal<Row>,
    place: Place,
    on_path: Memo<bool>,
) -> impl Fn() -> String + Clone {
    let Row { id, wave_number, .. } = row.get_untracked();
    let status = Memo::new(move |_| row.read().status);
    move || {
        let chosen = if place.is_open(id) { " is-chosen" } else { "" };
        let path = if on_path.get() { " is-critical" } else { "" };
        let dim = if place.at.read().shows(wave_number, status.get()) { "" } else { " is-dim" };
        format!("{kind} is-{}{path}{chosen}{dim}", status.get().as_str())
    }
}

/// A card; a link that opens the drawer.
#[component]
pub fn Card(
    /// The subtask.
    row: RwSignal<Row>,
    /// Where the visitor is.
    place: Place,
    /// Whether the session cannot be faster than it.
    on_path: Memo<bool>,
) -> impl IntoView {
    let Row { id, agent_type, description, .. } = row.get_untracked();
    let (text, status) = (description.clone(), Memo::new(move |_| row.read().status));
    let class = looks("card", row, place, on_path);
    let retries = move || match row.read().retry_count {
        0 => None,
        n => Some(view! { <span class="num" title="Retries">{format!("↻{n}")}</span> }),
    };
    view! {
        <a
            class=class
            href=move || place.opening(id)
            rel=place.rel()
            data-noscroll=""
            data-testid="card"
            data-card=id.to_string()
            data-status=move || status.get().as_str()
            title=description.clone()
            id=format!("open-{id}")
            aria-current=move || place.is_open(id).then_some("true")
        >
            <span class="card-head">
                <StatusMark mark=Signal::derive(move || Mark::from(status.get()))/>
                <bdi class="card-agent">{agent_type}</bdi>
                {retries}
                {move || row.read().last_tool.clone().map(|tool| view! { <bdi class="card-tool" title="Last tool call">{tool}</bdi> })}
                <span class="card-time num"><Elapsed row/></span>
            </span>
            <span class="card-text" dir="auto">{text}</span>
        </a>
    }
}
