//! Text to take along.

use leptos::{prelude::*, task::spawn_local};

use crate::{browser, clock::use_hydrated, desk::use_desk, error::AppError};

/// A button that puts text on the clipboard.
#[component]
pub fn CopyButton(
    /// The text.
    #[prop(into)]
    text: Signal<String>,
    /// What is copied, such as `prompt`.
    what: &'static str,
) -> impl IntoView {
    let desk = use_desk();
    let hydrated = use_hydrated();
    let copy = move |_| {
        let text = text.get_untracked();
        spawn_local(async move {
            if browser::copy(text).await {
                desk.say(format!("Copied the {what}."));
            } else {
                desk.refuse(&AppError::from(domain::problem::Problem::new(
                    0,
                    "Not copied",
                    "clipboard",
                    "The browser does not let this page write to the clipboard; select the text and copy it.",
                )));
            }
        });
    };
    view! {
        <button type="button" class="button quiet" data-testid="copy" disabled=move || !hydrated.get() on:click=copy>
            {format!("Copy {what}")}
        </button>
    }
}
