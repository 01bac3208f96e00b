//! What needs a person, most urgent first; each leads to the thing.

use domain::chart::{Notice, NoticeKind};
use leptos::prelude::*;

use super::place::{Place, View};
use crate::{
    components::{each, key_of},
    desk::use_desk,
    views::SessionNeeds,
};

/// The queue.
#[component]
pub fn Attention(
    /// Where the visitor is.
    place: Place,
    /// What there is.
    #[prop(into)]
    wanting: Signal<SessionNeeds>,
) -> impl IntoView {
    let desk = use_desk();
    let notices = Memo::new(move |_| keyed(&wanting.read().notices));
    let item = move |(key, notice): (u128, Notice)| {
        let (mark, word) = look(notice.kind);
        let Notice { kind, subtask, wave, .. } = notice;
        let href = move || match subtask {
            // Where both who changed a file are seen; the drawer says what one of them did.
            Some(_) if kind == NoticeKind::Conflict => place.href(|at| {
                at.view = View::Files;
                at.subtask = subtask;
            }),
            Some(subtask) => place.opening(subtask),
            None => place.href(|at| at.wave = wave),
        };
        // It stays the same thing while the words change.
        let text = move || {
            let notices = notices.read();
            let found = notices.iter().find(|(other, _)| *other == key);
            found.map(|(_, notice)| notice.text.clone())
        };
        view! {
            <li>
                <a
                    class=format!("need {mark}")
                    href=href
                    on:click=move |event| {
                        if matches!(kind, NoticeKind::Spent | NoticeKind::Budget) {
                            event.prevent_default();
                            desk.budget_of.set(Some(place.session()));
                        }
                    }
                    rel=place.rel()
                    data-noscroll=""
                    data-testid="need"
                    aria-current=move || subtask.is_some_and(|it| place.is_open(it)).then_some("true")
                >
                    <span class="need-word">{word}</span>
                    <span class="need-text" dir="auto">{text}</span>
                </a>
            </li>
        }
        .into_any()
    };
    let count = move || wanting.read().count;
    let more = move || {
        let more = count() - i32::try_from(notices.read().len()).unwrap_or(i32::MAX);
        (more > 0).then(|| view! { <p class="hint">{format!("And {more} more.")}</p> })
    };
    view! {
        <section class="attention" aria-labelledby="attention-title" data-testid="attention">
            <h2 id="attention-title">
                "Needs you"
                <span class="num attention-count" data-testid="attention-count">{count}</span>
            </h2>
            <Show
                when=move || { count() > 0 }
                fallback=|| view! { <p class="hint">"Nothing. No open conflict, no failure, nothing stranded, stalled or slow."</p> }
            >
                <ol class="needs">{each(move || notices.get(), |(key, _)| *key, item)}</ol>
            </Show>
            {more}
            {move || wanting.read().hint.clone().map(|hint| view! { <p class="hint">{hint}</p> })}
        </section>
    }
}

/// Notices by what they are about; several about the same are told apart by their order.
fn keyed(notices: &[Notice]) -> Vec<(u128, Notice)> {
    let about = |notice: &Notice| (notice.kind, notice.subtask, notice.wave);
    notices
        .iter()
        .enumerate()
        .map(|(at, notice)| {
            let nth = notices[..at].iter().filter(|other| about(other) == about(notice)).count();
            (key_of(&(about(notice), nth)), notice.clone())
        })
        .collect()
}

const fn look(kind: NoticeKind) -> (&'static str, &'static str) {
    match kind {
        NoticeKind::Spent => ("is-failed", "Budget"),
        NoticeKind::Approval => ("is-blocked", "Approval"),
        NoticeKind::Stranded => ("is-failed", "Stranded"),
        NoticeKind::Conflict => ("is-blocked", "Conflict"),
        NoticeKind::Failed => ("is-failed", "Failed"),
        NoticeKind::Stalled => ("is-blocked", "Stalled"),
        NoticeKind::Scope => ("is-blocked", "Scope"),
        NoticeKind::Budget => ("is-running", "Budget"),
        NoticeKind::Slow => ("is-running", "Slow"),
    }
}
