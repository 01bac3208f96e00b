//! The finder (⌘K or Ctrl-K) and the keys (`?`). Only the ear for keys comes with every page; what it
//! opens is downloaded when it is first opened.

mod keys;
mod palette;

use leptos::{prelude::*, task::spawn_local};

pub use keys::Keys;
pub use palette::Palette;

use crate::{browser, desk::use_desk, split};

/// What is open over the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Open {
    /// Nothing.
    Nothing,
    /// The finder.
    Finder,
    /// The list of keys.
    Keys,
}

/// Listens for keys, and shows what they open.
#[component]
pub fn Overlay() -> impl IntoView {
    let open = RwSignal::new(Open::Nothing);
    let loaded = RwSignal::new(false);
    let show = move |what: Open| {
        spawn_local(async move {
            split::load_overlay().await;
            loaded.set(true);
            open.set(what);
        });
    };
    let desk = use_desk();
    Effect::new(move |_| {
        if desk.budget_of.read().is_some() {
            show(Open::Nothing);
        }
    });
    Effect::new(move |_| {
        let handle = window_event_listener(leptos::ev::keydown, move |event| {
            let key = event.key();
            if (event.ctrl_key() || event.meta_key()) && key.eq_ignore_ascii_case("k") {
                event.prevent_default();
                return show(Open::Finder);
            }
            let plain = !event.ctrl_key() && !event.meta_key() && !event.alt_key();
            if !plain || browser::is_typing() || browser::is_dialog_open() {
                return;
            }
            match key.as_str() {
                "?" => show(Open::Keys),
                "/" => {
                    event.prevent_default();
                    show(Open::Finder);
                }
                "j" => browser::step_focus(1),
                "k" => browser::step_focus(-1),
                // From one entry to the next; elsewhere they scroll.
                "ArrowDown" | "ArrowUp" if browser::is_on_step() => {
                    event.prevent_default();
                    browser::step_focus(if key == "ArrowDown" { 1 } else { -1 });
                }
                // The views of a session.
                "1" | "2" | "3" | "4" => browser::click(&format!("[data-key=\"{key}\"]")),
                _ => {}
            }
        });
        on_cleanup(move || handle.remove());
    });
    view! {
        <button type="button" class="button quiet finder-button" data-testid="open-finder" title="Find (Ctrl K)"
            disabled=move || !crate::clock::use_hydrated().get() on:click=move |_| show(Open::Finder)>
            "Find"<kbd class="finder-kbd" aria-hidden="true">"Ctrl K"</kbd>
        </button>
        {move || loaded.get().then(|| split::now(split::overlay(open)))}
    }
}
