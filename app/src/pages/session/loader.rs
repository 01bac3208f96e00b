//! Reads the subtasks that the first paint left out, for the views that show the whole session.

use leptos::{prelude::*, task::spawn_local};

use crate::{
    board::Board, components::ActionButton, desk::use_desk, error::AppError, format::grouped,
    server_fns::wave_rows,
};

/// As many subtasks as are read without being asked for.
const MOST: usize = 10_000;

/// Reads them when the browser has taken the page over, and says how far it is.
#[component]
pub fn LoadAll(
    /// The session.
    board: Board,
) -> impl IntoView {
    let desk = use_desk();
    let busy = RwSignal::new(false);
    Effect::new({
        let board = board.clone();
        move |_| {
            let board = board.clone();
            busy.set(true);
            spawn_local(async move {
                if let Err(error) = load(&board, MOST).await {
                    desk.refuse(&error);
                }
                let _ = busy.try_set(false);
            });
        }
    });
    let on_press = {
        let board = board.clone();
        Callback::new(move |()| {
            let board = board.clone();
            desk.attempt(busy, async move {
                load(&board, usize::MAX).await.map(|()| "All subtasks are shown.".to_owned())
            });
        })
    };
    let (partly, counted) = (board.clone(), board);
    let numbers = move || {
        let all: i32 = counted.waves().iter().map(|state| state.wave.read().total_tasks).sum();
        format!("{} of {} subtasks", grouped(counted.entries().len() as i64), grouped(all.into()))
    };
    view! {
        <Show when=move || !partly.is_complete()>
            <p class="hint load-all" role="status">
                {numbers.clone()}
                <Show when=move || !busy.get()><ActionButton label="Show all" look="small" on_press busy testid="load-all"/></Show>
            </p>
        </Show>
    }
}

/// Reads every wave to its end, or until so many subtasks are there.
async fn load(board: &Board, most: usize) -> Result<(), AppError> {
    for state in untrack(|| board.waves()) {
        while !state.complete.get_untracked() {
            if board.loaded() >= most {
                return Ok(());
            }
            let cursor = state.cursor.get_untracked();
            let read = wave_rows(board.session_id.clone(), state.number, cursor.clone()).await?;
            let stuck = board.add_rows(&read) == 0 && read.cursor == cursor;
            if stuck {
                break;
            }
        }
    }
    Ok(())
}
