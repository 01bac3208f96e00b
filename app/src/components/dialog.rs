//! The question before a step that cannot be taken back.

use leptos::{html, prelude::*};

use crate::desk::use_desk;

/// The page's one dialog: shows what the desk asks.
#[component]
pub fn ConfirmDialog() -> impl IntoView {
    let desk = use_desk();
    let dialog = NodeRef::<html::Dialog>::new();
    Effect::new(move |_| {
        let asked = desk.question.read().is_some();
        if let Some(dialog) = dialog.get() {
            if asked && !dialog.open() {
                let _ = dialog.show_modal();
            } else if !asked && dialog.open() {
                dialog.close();
            }
        }
    });
    let part = move |pick: fn(&crate::desk::Question) -> &String| {
        desk.question.read().as_ref().map(|question| pick(question).clone()).unwrap_or_default()
    };
    let go_on = move |_| {
        if let Some(question) = desk.question.get_untracked() {
            desk.question.set(None);
            question.then.run(());
        }
    };
    view! {
        <dialog
            node_ref=dialog
            class="dialog"
            data-testid="confirm"
            aria-labelledby="confirm-title"
            aria-describedby="confirm-text"
            on:close=move |_| desk.question.set(None)
        >
            <h2 id="confirm-title">{move || part(|question| &question.title)}</h2>
            <p id="confirm-text">{move || part(|question| &question.text)}</p>
            <div class="dialog-actions">
                <button type="button" class="button" autofocus on:click=move |_| desk.question.set(None)>
                    "Cancel"
                </button>
                <button type="button" class="button danger" data-testid="confirm-yes" on:click=go_on>
                    {move || part(|question| &question.yes)}
                </button>
            </div>
        </dialog>
    }
}
