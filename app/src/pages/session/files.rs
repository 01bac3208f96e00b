//! Files × agents: who touched what, the conflicts first.

use std::time::Duration;

use domain::{
    chart::{Cell, FileRow, Heat},
    conflict::Severity,
};
use leptos::prelude::*;

use uuid::Uuid;

use super::{held::Held, place::Place};
use crate::{
    board::{Board, WaveState},
    components::{Waiting, recorded_action},
    format::count,
    live::{Heard, Refresher, follow},
    server_fns::session_heat,
};

/// How often the map is read at most.
const PAUSE: Duration = Duration::from_millis(1_000);

/// The map.
#[component]
pub fn Files(
    /// The session.
    board: Board,
    /// Where the visitor is.
    place: Place,
    /// The map that came with the page, as JSON.
    first: StoredValue<Option<String>>,
) -> impl IntoView {
    // Once: when the visitor comes back to this view, it is old.
    let first = first.try_update_value(Option::take).flatten();
    let heat = RwSignal::new(first.and_then(|text| serde_json::from_str::<Heat>(&text).ok()));
    let session = board.session_id.clone();
    stay_fresh(heat, board.session_id.clone());
    let board = StoredValue::new(board);
    let shows = Callback::new(move |id: Uuid| {
        let row = board.with_value(|board| board.row(id).map(|row| row.get()));
        row.is_none_or(|row| place.at.read().shows(row.wave_number, row.status))
    });
    // Any subtask, to show how an action of one is recorded.
    let example = Memo::new(move |_| {
        let first = |state: &WaveState| state.rows.read().first().map(|entry| entry.id);
        board.with_value(|board| board.waves().iter().find_map(first))
    });
    let map = Memo::new(move |_| heat.get().unwrap_or_default());
    let agents = Memo::new(move |_| map.read().agents.clone());
    // The busiest cell sets the scale.
    let most = Memo::new(move |_| {
        let map = map.read();
        map.files
            .iter()
            .flat_map(|row| &row.cells)
            .map(|cell| cell.subtasks)
            .max()
            .unwrap_or(1)
            .max(1)
    });
    view! {
        <div class="files-view" data-testid="files">
            <Held session/>
            <Show when=move || heat.read().is_some() fallback=|| view! { <Waiting/> }>
                <Show
                    when=move || !map.read().files.is_empty()
                    fallback=move || view! {
                        <div class="empty">
                            <p>"No file yet. What results report in "<code>"files"</code>" and what the recorded actions of subtasks write appears here."</p>
                            {move || match example.get() {
                                Some(id) => recorded_action(id),
                                None => view! { <p>"The session has no subtask yet: a batch brings the first."</p> }.into_any(),
                            }}
                        </div>
                    }
                >
                    <div class="table-region" role="region" aria-label="Files by agent" tabindex="0">
                        <table class="heat">
                            <caption class="visually-hidden">"Files by agent type: how many subtasks touched each, and how often they wrote"</caption>
                            <thead>
                                <tr>
                                    <th scope="col">"File"</th>
                                    {move || agents.get().into_iter().map(|agent| view! { <th scope="col" class="heat-agent"><bdi>{agent}</bdi></th> }).collect_view()}
                                </tr>
                            </thead>
                            <tbody>
                                {move || map.read().files.iter().map(|row| file_row(row, &agents.read(), most.get(), place, shows)).collect_view()}
                            </tbody>
                        </table>
                    </div>
                    <Show when=move || { map.read().left_out > 0 }>
                        <p class="hint">{move || format!("And {}.", count(map.read().left_out, "more file", "more files"))}</p>
                    </Show>
                </Show>
            </Show>
        </div>
    }
}

fn file_row(
    row: &FileRow,
    agents: &[String],
    most: i32,
    place: Place,
    shows: Callback<Uuid, bool>,
) -> impl IntoView + use<> {
    let (class, word) = match row.conflict {
        None => ("", None),
        Some(Severity::Low) => ("is-ordered", Some("one after the other")),
        Some(Severity::High | Severity::Critical) => ("is-conflict", Some("at the same time")),
    };
    let clash = matches!(row.conflict, Some(Severity::High | Severity::Critical));
    let cells = row
        .cells
        .iter()
        .zip(agents)
        .map(|(cell, agent)| {
            let look = Look::of(cell, agent, most, clash);
            cell_view(look, cell.ids.clone(), place, shows).into_any()
        })
        .collect_view();
    view! {
        <tr class=class data-testid="file" data-file=row.file.clone()>
            <th scope="row" class="heat-file">
                <bdi title=row.file.clone()>{row.file.clone()}</bdi>
                {word.map(|word| view! { <span class="tag heat-word">{word}</span> })}
            </th>
            {cells}
        </tr>
    }
}

/// How a cell looks, whoever is chosen.
struct Look {
    subtasks: i32,
    class: String,
    said: String,
    conflicted: bool,
}

impl Look {
    fn of(cell: &Cell, agent: &str, most: i32, clash: bool) -> Self {
        // Who came one after the other does not clash.
        let conflicted = clash && cell.conflicted;
        // Four steps of heat: by eye no more can be told apart.
        let step = 1 + (cell.subtasks - 1) * 4 / most;
        Self {
            subtasks: cell.subtasks,
            class: format!(
                "heat-cell heat-{}{}",
                step.clamp(1, 4),
                if conflicted { " is-conflict" } else { "" }
            ),
            said: format!(
                "{agent}: {}, {}",
                count(cell.subtasks, "subtask", "subtasks"),
                count(cell.writes, "recorded write", "recorded writes"),
            ),
            conflicted,
        }
    }
}

/// A cell; a link that opens its subtasks one after the other.
fn cell_view(
    look: Look,
    ids: Vec<Uuid>,
    place: Place,
    shows: Callback<Uuid, bool>,
) -> impl IntoView + use<> {
    let Look { subtasks, class, said, conflicted } = look;
    let title = said.clone();
    let Some(first) = ids.first().copied() else {
        return view! { <td class="heat-cell"><span class="visually-hidden">"none"</span></td> }
            .into_any();
    };
    let all = ids.iter().map(Uuid::to_string).collect::<Vec<_>>().join(" ");
    let ids = StoredValue::new(ids);
    let open = move || {
        let open = place.at.read().subtask?;
        ids.with_value(|ids| ids.iter().position(|id| *id == open))
    };
    let next = move || {
        let after = open().map_or(0, |at| at + 1);
        ids.with_value(|ids| ids.get(after).copied()).unwrap_or(first)
    };
    let look = move || {
        let chosen = if open().is_some() { " is-chosen" } else { "" };
        let dim =
            if ids.with_value(|ids| ids.iter().any(|id| shows.run(*id))) { "" } else { " is-dim" };
        format!("{class}{chosen}{dim}")
    };
    view! {
        <td class=look title=title>
            <a href=move || place.opening(next()) rel=place.rel() data-noscroll="" data-testid="heat-link" data-subtasks=all
                aria-label=said aria-current=move || open().is_some().then_some("true")>
                <span class="num">{subtasks}</span>
                {conflicted.then(|| view! { <span class="heat-mark" aria-hidden="true">"!"</span><span class="visually-hidden">" in conflict"</span> })}
            </a>
        </td>
    }
    .into_any()
}

/// Reads the map when the view opens, and afresh when somebody touches a file.
fn stay_fresh(heat: RwSignal<Option<Heat>>, id: String) {
    Effect::new(move |_| {
        let session = id.clone();
        let refresher = Refresher::new(PAUSE, move || {
            let read = session_heat(session.clone());
            async move {
                // When it fails, the badge says that the page is stale.
                if let Ok(fresh) = read.await
                    && heat.try_get_untracked().is_some_and(|known| known.as_ref() != Some(&fresh))
                {
                    heat.set(Some(fresh));
                }
            }
        });
        if heat.read_untracked().is_none() {
            refresher.now();
        }
        follow(format!("sessions/{id}"), None, move |heard| match heard {
            Heard::Event(event)
                if !matches!(event.event.as_str(), "subtask.updated" | "action.recorded") => {}
            _ => refresher.ask(),
        });
    });
}
