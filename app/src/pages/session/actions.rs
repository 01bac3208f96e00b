//! What can be done to waves, batches and their subtasks from the page of a session. The server
//! decides; the rules are asked here only for whether a step needs `force` and so a question.

use domain::{
    batch::{Batch, BatchStatus},
    wave::{Approval, Next, NoNext, Wave, WaveStatus, may_start, next},
};
use leptos::prelude::*;
use uuid::Uuid;

use crate::{
    board::{Board, Tally},
    clock::use_hydrated,
    components::ActionButton,
    desk::{Desk, use_desk},
    error::AppError,
    format::count,
    live::{Live, use_live},
    paths::short,
    server_fns::{Step, take_step},
};

/// Starts a pending wave; where it has to be approved first, asks for that instead.
#[component]
pub fn StartButton(
    /// The session.
    board: Board,
    /// The wave.
    number: i32,
    /// Its row.
    wave: RwSignal<Wave>,
) -> impl IntoView {
    let (desk, live) = (use_desk(), use_live());
    let busy = RwSignal::new(false);
    let status = Memo::new(move |_| wave.read().status);
    let gated = Memo::new(move |_| wave.read().approval.is_some_and(|it| it != Approval::Approved));
    let typed = RwSignal::new(String::new());
    let hydrated = use_hydrated();
    let judge = |approved| {
        let board = board.clone();
        Callback::new(move |()| {
            let comment = typed.get_untracked();
            let step = Step::Approve { wave: number, approved, comment };
            let board = board.clone();
            desk.attempt(busy, async move {
                let said = take(board, live, step).await?;
                typed.try_set(String::new());
                Ok(said)
            });
        })
    };
    let (approve, reject) = (judge(true), judge(false));
    let on_press = Callback::new(move |()| {
        let waves = board.rules();
        let board = board.clone();
        let start = move |force| {
            desk.attempt(busy, take(board.clone(), live, Step::Start { wave: number, force }));
        };
        match may_start(&waves, number, false) {
            Err(reason) if may_start(&waves, number, true).is_ok() => {
                desk.ask(
                    format!("Start wave {number} anyway?"),
                    reason,
                    "Start anyway",
                    move || start(true),
                );
            }
            _ => start(false),
        }
    });
    view! {
        <Show when=move || status.get() == WaveStatus::Pending>
            <Show
                when=move || gated.get()
                fallback=move || view! { <ActionButton label=format!("Start wave {number}") look="primary" on_press busy testid="start-wave"/> }
            >
                <input
                    class="approval-comment"
                    aria-label=format!("Comment for the agents of wave {number}")
                    placeholder="Comment for its agents"
                    maxlength="10000"
                    // What is typed before it is heard would be lost.
                    disabled=move || !hydrated.get()
                    prop:value=move || typed.get()
                    on:input=move |event| typed.set(event_target_value(&event))
                />
                <ActionButton label="Reject" on_press=reject busy testid="reject-wave"/>
                <ActionButton label=format!("Approve wave {number}") look="primary" on_press=approve busy testid="approve-wave"/>
            </Show>
        </Show>
    }
}

/// Whether the next wave may start, in a sentence; none without a wave.
#[must_use]
pub fn outlook(waves: &[Wave]) -> Option<String> {
    if waves.is_empty() {
        return None;
    }
    let pending = waves.iter().filter(|wave| wave.status == WaveStatus::Pending);
    let lowest = pending.min_by_key(|wave| wave.wave_number);
    Some(match (next(waves, false), lowest) {
        (Ok(Next::CompleteEmpty { running, then: Some(then) }), _) => {
            format!("Wave {running} has no subtasks: wave {then} may start.")
        }
        (Ok(Next::CompleteEmpty { running, then: None }), _) => {
            format!("Wave {running} has no subtasks.")
        }
        (Ok(Next::Start(number)), _) => format!("Wave {number} may start."),
        (Err(_), None) if waves.iter().all(|wave| wave.status.is_terminal()) => {
            "No wave is left to start.".to_owned()
        }
        (Err(NoNext::Refused(reason) | NoNext::Nothing(reason)), None) => reason,
        (Err(no), Some(wave)) => {
            let may = may_start(waves, wave.wave_number, false);
            in_the_way(waves, wave, no, may.err())
        }
    })
}

/// What keeps a wave from starting, in words for people: the rules' own say what to send.
fn in_the_way(waves: &[Wave], wave: &Wave, no: NoNext, refused: Option<String>) -> String {
    let number = wave.wave_number;
    let stands = |status| move |wave: &&Wave| wave.status == status;
    let failed = waves.iter().filter(stands(WaveStatus::Failed)).map(|wave| wave.wave_number);
    match (no, refused, wave.approval) {
        (NoNext::Refused(reason), ..)
            if waves.iter().any(|it| stands(WaveStatus::Running)(&it)) =>
        {
            reason
        }
        // The first one of all.
        (_, None, _) => format!("Wave {number} may start."),
        (_, Some(_), Some(Approval::Required)) => {
            format!("Wave {number} has to be approved first.")
        }
        (_, Some(_), Some(Approval::Rejected)) => format!("Wave {number} was rejected."),
        (_, Some(reason), _) => failed.filter(|it| *it < number).max().map_or(reason, |failed| {
            format!("Wave {failed} failed: retry what failed in it, or go on without it.")
        }),
    }
}

/// Goes on to the next wave.
#[component]
pub fn TransitionButton(
    /// The session.
    board: Board,
) -> impl IntoView {
    let (desk, live) = (use_desk(), use_live());
    let busy = RwSignal::new(false);
    let on_press = Callback::new(move |()| {
        let waves = board.rules();
        let board = board.clone();
        let go = move |force| desk.attempt(busy, take(board.clone(), live, Step::Next { force }));
        match next(&waves, false) {
            Err(NoNext::Refused(reason)) if next(&waves, true).is_ok() => {
                desk.ask(
                    "Go on to the next wave anyway?".to_owned(),
                    reason,
                    "Go on anyway",
                    move || go(true),
                );
            }
            _ => go(false),
        }
    });
    view! { <ActionButton label="Next wave" on_press busy testid="transition"/> }
}

/// Stops handing out the session's work to those who claim it, or does so again.
#[component]
pub fn PauseButton(
    /// The session.
    board: Board,
) -> impl IntoView {
    let (desk, live) = (use_desk(), use_live());
    let busy = RwSignal::new(false);
    let paused = RwSignal::from(board.paused.clone());
    let label =
        Signal::derive(move || if paused.get() { "Paused: resume" } else { "Pause" }.to_owned());
    let on_press = Callback::new(move |()| {
        desk.attempt(busy, take(board.clone(), live, Step::Pause(!paused.get_untracked())));
    });
    view! { <ActionButton label look="quiet" on_press busy testid="pause-session"/> }
}

/// Opens the dialog in which the session's budget is set.
#[component]
pub fn BudgetButton(
    /// The session.
    id: String,
) -> impl IntoView {
    let desk = use_desk();
    let on_press = Callback::new(move |()| desk.budget_of.set(Some(id.clone())));
    view! { <ActionButton label="Budget" look="quiet" on_press busy=false testid="open-budget"/> }
}

/// Completes a batch and says what came of it.
#[component]
pub fn CompleteButton(
    /// The batch.
    id: Uuid,
    /// As it stands.
    batch: Memo<Option<Batch>>,
) -> impl IntoView {
    let desk = use_desk();
    let busy = RwSignal::new(false);
    let done =
        move || batch.read().as_ref().is_some_and(|batch| batch.status == BatchStatus::Completed);
    let on_press =
        Callback::new(move |()| complete(desk, busy, id, batch.get_untracked().as_ref()));
    view! {
        <Show when=move || !done() fallback=|| view! { <span class="tag">"completed"</span> }>
            <ActionButton label="Complete" describe=format!("Complete batch {}", short(id)) look="small" on_press busy testid="complete-batch"/>
        </Show>
    }
}

/// Completes a batch; asks first when some of it has not ended.
pub fn complete(desk: Desk, busy: RwSignal<bool>, id: Uuid, batch: Option<&Batch>) {
    let open = batch.map_or(0, |it| it.total_tasks - it.completed_tasks - it.failed_tasks);
    let go = move || desk.attempt(busy, take_step(String::new(), Step::Complete(id)));
    if open == 0 {
        return go();
    }
    desk.ask(
        "Complete this batch now?".to_owned(),
        format!(
            "{} not ended; the synthesis is made of what there is.",
            count(open, "subtask has", "subtasks have")
        ),
        "Complete it",
        go,
    );
}

/// Tries every failed subtask of a wave again.
#[component]
pub fn RetryFailedButton(
    /// The session.
    board: Board,
    /// The wave.
    number: i32,
    /// Its counters.
    tally: Memo<Tally>,
    /// Whether something is being done to its subtasks.
    busy: RwSignal<bool>,
) -> impl IntoView {
    let (desk, live) = (use_desk(), use_live());
    let label = Signal::derive(move || format!("Retry {} failed", tally.get().failed));
    let on_press = Callback::new(move |()| {
        let board = board.clone();
        desk.ask(
            format!("Retry what failed in wave {number}?"),
            format!(
                "{} failed subtasks, and what waits for them, run again.",
                tally.get_untracked().failed
            ),
            "Retry them",
            move || desk.attempt(busy, take(board.clone(), live, Step::RetryFailed(number))),
        );
    });
    view! {
        <Show when=move || { tally.get().failed > 0 }>
            <ActionButton label on_press busy testid="retry-failed"/>
        </Show>
    }
}

/// Cancels what of a wave has not ended.
#[component]
pub fn CancelWaveButton(
    /// The session.
    board: Board,
    /// The wave.
    number: i32,
    /// Its row.
    wave: RwSignal<Wave>,
    /// Its counters.
    tally: Memo<Tally>,
) -> impl IntoView {
    let (desk, live) = (use_desk(), use_live());
    let busy = RwSignal::new(false);
    let open = move || {
        let tally = tally.get();
        !wave.read().status.is_terminal() && tally.total > tally.completed + tally.failed
    };
    let on_press = Callback::new(move |()| {
        let board = board.clone();
        desk.ask(
            format!("Cancel wave {number}?"),
            "What has not ended fails, and its agents are told to stop.".to_owned(),
            "Cancel it",
            move || desk.attempt(busy, take(board.clone(), live, Step::CancelWave(number))),
        );
    });
    view! {
        <Show when=open>
            <ActionButton label="Cancel" describe=format!("Cancel wave {number}") look="quiet" on_press busy testid="cancel-wave"/>
        </Show>
    }
}

/// Does something to the session, and says what came of it.
///
/// # Errors
/// The server's refusal.
pub async fn take(board: Board, live: Live, step: Step) -> Result<String, AppError> {
    let said = take_step(board.session_id.clone(), step).await?;
    // Events tell what follows; without them it is read.
    if !live.is_live() {
        let _ = super::read_detail(board).await;
    }
    Ok(said)
}
