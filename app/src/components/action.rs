//! A button that does something on the server.

use leptos::prelude::*;

use crate::clock::use_hydrated;

/// A button; disabled until the page is hydrated, marked busy while its work runs.
#[component]
pub fn ActionButton(
    /// What it says.
    #[prop(into)]
    label: Signal<String>,
    /// What a click does.
    on_press: Callback<()>,
    /// Whether its work runs.
    #[prop(into)]
    busy: Signal<bool>,
    /// What it says to those who cannot see where it stands.
    #[prop(optional, into)]
    describe: Option<Signal<String>>,
    /// Its look: `primary`, `quiet` or none.
    #[prop(optional)]
    look: &'static str,
    /// Its name for browser tests.
    #[prop(optional)]
    testid: &'static str,
) -> impl IntoView {
    let hydrated = use_hydrated();
    view! {
        <button
            type="button"
            class=format!("button {look}")
            data-testid=testid
            disabled=move || !hydrated.get()
            aria-busy=move || busy.get().then_some("true")
            aria-label=move || describe.map(|text| text.get())
            on:click=move |_| on_press.run(())
        >
            {move || label.get()}
        </button>
    }
}
