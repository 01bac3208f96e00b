//! What a person can do to a subtask.

use domain::{
    dto::PatchSubtask,
    json::JsonObject,
    subtask::{SubtaskEvent, SubtaskStatus},
};
use leptos::prelude::*;
use uuid::Uuid;

use super::super::actions::take;
use crate::{
    board::Board,
    components::ActionButton,
    desk::use_desk,
    error::AppError,
    live::{Live, use_live},
    server_fns::{Step, patch_subtask},
    views::Row,
};

/// Buttons for the steps that its state allows, and its priority.
#[component]
pub fn Steps(
    /// The session.
    board: Board,
    /// The subtask.
    row: RwSignal<Row>,
    /// Whether it has a result.
    #[prop(into)]
    reported: Signal<bool>,
) -> impl IntoView {
    let (desk, live, busy) = (use_desk(), use_live(), RwSignal::new(false));
    let id = row.read_untracked().id;
    let status = Memo::new(move |_| row.read().status);
    let can = move |event: SubtaskEvent| status.get().transition(event).is_ok();
    let act = {
        let board = board.clone();
        move |body: PatchSubtask, done: &'static str| {
            desk.attempt(busy, patch(board.clone(), live, id, body, done));
        }
    };
    let complete = {
        let act = act.clone();
        Callback::new(move |()| {
            let act = act.clone();
            desk.ask(
                "Mark this subtask completed?".to_owned(),
                "What waits for it becomes ready, and no agent can report on it any more."
                    .to_owned(),
                "Mark completed",
                move || {
                    act(
                        ended(SubtaskStatus::Completed, reported.get_untracked()),
                        "The subtask is completed.",
                    )
                },
            );
        })
    };
    let fail = {
        let act = act.clone();
        Callback::new(move |()| {
            let act = act.clone();
            desk.ask(
                "Mark this subtask failed?".to_owned(),
                "What waits for it stays blocked until it is retried.".to_owned(),
                "Mark failed",
                move || {
                    act(
                        ended(SubtaskStatus::Failed, reported.get_untracked()),
                        "The subtask is failed.",
                    )
                },
            );
        })
    };
    let retried = board.clone();
    let retry = Callback::new(move |()| {
        desk.attempt(busy, take(retried.clone(), live, Step::Retry(id)));
    });
    let cancel = Callback::new(move |()| {
        let board = board.clone();
        desk.ask(
            "Cancel this subtask?".to_owned(),
            "It fails, and its agent is told to stop at its next sign of life.".to_owned(),
            "Cancel it",
            move || desk.attempt(busy, take(board.clone(), live, Step::Cancel(id))),
        );
    });
    let priority = Memo::new(move |_| row.read().priority);
    let set_priority = move |event: leptos::ev::Event| {
        if let Ok(priority) = event_target_value(&event).parse() {
            act(
                PatchSubtask { priority: Some(priority), ..PatchSubtask::default() },
                "The priority is set.",
            );
        }
    };
    let hydrated = crate::clock::use_hydrated();
    view! {
        <div class="drawer-steps">
            <Show when=move || status.get() == SubtaskStatus::Failed>
                <ActionButton label="Retry" look="primary" on_press=retry busy testid="drawer-retry"/>
            </Show>
            <Show when=move || can(SubtaskEvent::Complete)>
                <ActionButton label="Mark completed" on_press=complete busy testid="mark-completed"/>
            </Show>
            <Show when=move || can(SubtaskEvent::Fail)>
                <ActionButton label="Mark failed" on_press=fail busy testid="mark-failed"/>
            </Show>
            <Show when=move || status.get() == SubtaskStatus::Running>
                <ActionButton label="Cancel" on_press=cancel busy testid="cancel"/>
            </Show>
            <label class="drawer-priority">
                "Priority "
                <select data-testid="priority" disabled=move || !hydrated.get() || status.get().is_terminal()
                    prop:value=move || priority.get().to_string() on:change=set_priority>
                    {(1..=10).map(|n| view! { <option value=n selected=move || priority.get() == n>{n}</option> }).collect_view()}
                </select>
            </label>
        </div>
    }
}

/// An end that a person gives a subtask; the result says so, unless an agent reported one.
fn ended(status: SubtaskStatus, reported: bool) -> PatchSubtask {
    let note = || {
        let summary = format!("Marked {} by hand.", status.as_str());
        JsonObject::from(serde_json::Map::from_iter([("summary".to_owned(), summary.into())]))
    };
    PatchSubtask { status: Some(status), result: (!reported).then(note), ..PatchSubtask::default() }
}

async fn patch(
    board: Board,
    live: Live,
    id: Uuid,
    body: PatchSubtask,
    done: &'static str,
) -> Result<String, AppError> {
    keep(&board, live, patch_subtask(id, body).await?);
    Ok(done.to_owned())
}

/// Shows an answer, unless its event does.
fn keep(board: &Board, live: Live, row: Row) {
    if !live.is_live() {
        board.put_row(row);
    }
}
