//! The choice of theme.

use leptos::prelude::*;

use crate::{
    browser,
    clock::use_hydrated,
    theme::{self, Theme},
};

/// System, light or dark.
#[component]
pub fn ThemeMenu() -> impl IntoView {
    let chosen = theme::initial();
    let hydrated = use_hydrated();
    let options = Theme::ALL
        .into_iter()
        .map(|theme| view! { <option value=theme.as_str() selected=theme == chosen>{theme.label()}</option> })
        .collect_view();
    view! {
        <label class="theme">
            <span class="visually-hidden">"Theme"</span>
            <select
                name="theme"
                data-testid="theme"
                disabled=move || !hydrated.get()
                on:change=move |event| browser::set_theme(Theme::parse(&event_target_value(&event)).as_str())
            >
                {options}
            </select>
        </label>
    }
}
