//! What needs a person, most urgent first; each leads to the thing.

use std::time::Duration;

use domain::chart::{Concern, Need, Notice, NoticeKind, attention};
use leptos::prelude::*;
use uuid::Uuid;

use super::{place::Place, watch::with_watched};
use crate::{
    board::Board,
    clock::{Clock, use_clock},
    components::{each, key_of},
    format::{clipped, count, running},
    live::calmed,
    views::SessionNeeds,
};

/// How often the queue is worked out at most.
const PAUSE: Duration = Duration::from_millis(400);
/// How often it is worked out when nothing happens, for what only takes long; milliseconds.
const MINUTE: i64 = 60_000;
/// Most things in the queue.
const MOST: usize = 30;
/// Longest quotation of a description; characters.
const QUOTE: usize = 90;

/// The queue.
#[component]
pub fn Attention(
    /// The session.
    board: Board,
    /// Where the visitor is.
    place: Place,
    /// What clashes, and what else there is to say.
    #[prop(into)]
    wanting: Signal<SessionNeeds>,
) -> impl IntoView {
    let clock = use_clock();
    let beat = {
        let board = board.clone();
        calmed(PAUSE, move || board.track_progress())
    };
    let minute = super::minutes(clock);
    let needs = {
        let board = board.clone();
        Memo::new(move |_| {
            beat.track();
            let (entries, now) = (board.entries(), minute.get() * MINUTE);
            with_watched(&entries, |watched| attention(watched, &wanting.read().conflicts, now))
        })
    };
    let all = board.clone();
    let notice = move |notice: Notice| {
        let (mark, word) = notice_look(notice.kind);
        let href = move || match (notice.subtask, notice.wave) {
            (Some(subtask), _) => place.opening(subtask),
            (None, wave) => place.href(|at| at.wave = wave),
        };
        view! {
            <li>
                <a class=format!("need {mark}") href=href rel=place.rel() data-noscroll="" data-testid="need">
                    <span class="need-word">{word}</span>
                    <span class="need-text" dir="auto">{notice.text}</span>
                </a>
            </li>
        }
    };
    let notices = Memo::new(move |_| wanting.read().notices.clone());
    let count_all = move || notices.read().len() + needs.read().len();
    let item = move |need: Need| {
        let board = board.clone();
        let first = need.subtasks.first().copied().unwrap_or_default();
        let (mark, word) = look(need.concern);
        view! {
            <li>
                <a
                    class=format!("need {mark}")
                    href=move || place.opening(first)
                    rel=place.rel()
                    data-noscroll=""
                    data-testid="need"
                    aria-current=move || place.is_open(first).then_some("true")
                >
                    <span class="need-word">{word}</span>
                    <span class="need-text" dir="auto">{move || sentence(&board, &need, clock)}</span>
                </a>
            </li>
        }
    };
    let shown = move || needs.read().iter().take(MOST).cloned().collect::<Vec<_>>();
    let more = move || needs.read().len().saturating_sub(MOST);
    view! {
        <section class="attention" aria-labelledby="attention-title" data-testid="attention">
            <h2 id="attention-title">
                "Needs you"
                <span class="num attention-count" data-testid="attention-count">{count_all}</span>
            </h2>
            <Show
                when=move || { count_all() > 0 }
                fallback=|| view! { <p class="hint">"Nothing. No open conflict, no failure, nothing stranded, stalled or slow."</p> }
            >
                <ol class="needs">
                    {each(move || notices.get(), |it| key_of(&(it.kind, it.subtask, &it.text)), move |it| notice(it).into_any())}
                    {let item = item.clone(); each(shown, |need| key_of(&(need.concern, &need.subtasks, &need.files, need.waiting)), move |need| item(need).into_any())}
                </ol>
            </Show>
            <Show when=move || { more() > 0 }>
                <p class="hint">{move || format!("And {} more.", more())}</p>
            </Show>
            <Show when=move || !all.is_complete()>
                <p class="hint">"Of the subtasks that are loaded."</p>
            </Show>
        </section>
    }
}

const fn look(concern: Concern) -> (&'static str, &'static str) {
    match concern {
        Concern::Stranded => ("is-failed", "Stranded"),
        Concern::Conflict => ("is-blocked", "Conflict"),
        Concern::Failed => ("is-failed", "Failed"),
        Concern::Slow => ("is-running", "Slow"),
    }
}

const fn notice_look(kind: NoticeKind) -> (&'static str, &'static str) {
    match kind {
        NoticeKind::Spent => ("is-failed", "Budget"),
        NoticeKind::Approval => ("is-blocked", "Approval"),
        NoticeKind::Stalled => ("is-blocked", "Stalled"),
        NoticeKind::Scope => ("is-blocked", "Scope"),
        NoticeKind::Budget => ("is-running", "Budget"),
    }
}

/// What is wrong, in one sentence.
fn sentence(board: &Board, need: &Need, clock: Clock) -> String {
    let quoted = |id: &Uuid| {
        let row = board.row(*id).map(|row| clipped(&row.read_untracked().description, QUOTE));
        row.map_or_else(|| "A subtask".to_owned(), |text| format!("“{text}”"))
    };
    let first = need.subtasks.first().map(quoted).unwrap_or_default();
    match need.concern {
        Concern::Stranded => {
            let waiting = count(need.waiting, "subtask waits", "subtasks wait");
            format!("{first} failed; {waiting} for it.")
        }
        Concern::Failed => format!("{first} failed."),
        Concern::Conflict => {
            let file = need.files.first().map(String::as_str).unwrap_or_default();
            let others = match need.files.len() {
                0 | 1 => String::new(),
                n => format!(" and {} more", n - 1),
            };
            let many = i32::try_from(need.subtasks.len()).unwrap_or(i32::MAX);
            format!(
                "{} changed {file}{others} at the same time.",
                count(many, "subtask", "subtasks")
            )
        }
        Concern::Slow => {
            let row = need.subtasks.first().and_then(|id| board.row(*id));
            let started = row.and_then(|row| row.read_untracked().started_at);
            match (started, clock.now()) {
                (Some(started), Some(now)) => {
                    let time = running(now - started.timestamp_millis());
                    format!("{first} has run for {time}, far longer than its like.")
                }
                _ => format!("{first} runs far longer than its like."),
            }
        }
    }
}
