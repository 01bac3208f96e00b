//! The finder: a few letters, and where they lead.

use std::time::Duration;

use leptos::{
    ev::{KeyboardEvent, SubmitEvent},
    html,
    prelude::*,
};
use leptos_router::hooks::use_navigate;

use super::Open;
use crate::{
    browser, components::each, components::key_of, server_fns::find, typing::once_settled,
    views::Hit,
};

/// How long after a letter the server is asked.
const PAUSE: Duration = Duration::from_millis(150);

/// The pages, which are there without a search.
const PAGES: [(&str, &str); 5] = [
    ("Sessions", "/"),
    ("Live", "/live"),
    ("Plan a task", "/plan"),
    ("Craft a prompt", "/prompt"),
    ("Registry of agent types", "/registry"),
];

/// Shows a dialog while it is what is open.
pub fn follow(dialog: NodeRef<html::Dialog>, open: RwSignal<Open>, which: Open) {
    Effect::new(move |_| {
        let wanted = open.get() == which;
        if let Some(dialog) = dialog.get() {
            if wanted && !dialog.open() {
                let _ = dialog.show_modal();
            } else if !wanted && dialog.open() {
                dialog.close();
            }
        }
    });
}

/// The finder.
#[component]
pub fn Palette(
    /// What is open over the page.
    open: RwSignal<Open>,
) -> impl IntoView {
    let dialog = NodeRef::<html::Dialog>::new();
    follow(dialog, open, Open::Finder);
    let text = RwSignal::new(String::new());
    // What was found, and for which text.
    let found = RwSignal::new((String::new(), Vec::<Hit>::new()));
    let chosen = RwSignal::new(0_usize);
    let wanted = move || {
        let text = text.get().trim().to_owned();
        if text.is_empty() {
            found.set((text, Vec::new()));
            return None;
        }
        Some(move || async move { find(text.clone()).await.map(|places| (text, places)) })
    };
    once_settled(PAUSE, wanted, move |places| {
        if let Ok(places) = places {
            found.set(places);
        }
    });
    let places = Memo::new(move |_| {
        let text = text.read().trim().to_lowercase();
        let pages = PAGES.iter().filter(|(name, _)| name.to_lowercase().contains(&text));
        let mut places: Vec<Hit> = pages
            .map(|(name, href)| Hit {
                kind: "page".to_owned(),
                name: (*name).to_owned(),
                about: String::new(),
                href: (*href).to_owned(),
            })
            .collect();
        // Until the answer is there, those of the last one that have the text in what is shown: Enter
        // never goes to what was looked for before.
        let (of, hits) = &*found.read();
        let has = |hit: &&Hit| {
            let has = |it: &str| it.to_lowercase().contains(&text);
            of.to_lowercase() == text || has(&hit.name) || has(&hit.about)
        };
        places.extend(hits.iter().filter(has).cloned());
        places
    });
    // What is first is chosen whenever there is something else.
    Effect::new(move |_| {
        places.track();
        chosen.set(0);
    });
    let navigate = use_navigate();
    let go = {
        let navigate = navigate.clone();
        move |at: usize| {
            if let Some(place) = places.read_untracked().get(at) {
                open.set(Open::Nothing);
                text.set(String::new());
                navigate(&place.href, leptos_router::NavigateOptions::default());
            }
        }
    };
    let submit = {
        let go = go.clone();
        move |event: SubmitEvent| {
            event.prevent_default();
            go(chosen.get_untracked());
        }
    };
    let step = move |event: KeyboardEvent| {
        let last = places.read_untracked().len().saturating_sub(1);
        let at = chosen.get_untracked();
        match event.key().as_str() {
            "ArrowDown" => chosen.set(if at >= last { 0 } else { at + 1 }),
            "ArrowUp" => chosen.set(if at == 0 { last } else { at - 1 }),
            _ => return,
        }
        event.prevent_default();
        browser::reveal(&format!("found-{}", chosen.get_untracked()));
    };
    let items = move || places.get().into_iter().enumerate().collect::<Vec<_>>();
    let item = move |(at, place): (usize, Hit)| {
        let go = go.clone();
        let Hit { kind, name, about, .. } = place;
        view! {
            <li
                id=format!("found-{at}")
                role="option"
                class="found"
                data-testid="found"
                aria-selected=move || (chosen.get() == at).to_string()
                on:click=move |_| go(at)
            >
                <span class="tag">{kind}</span>
                <bdi class="found-name">{name}</bdi>
                <bdi class="hint found-about">{about}</bdi>
            </li>
        }
    };
    view! {
        <dialog node_ref=dialog class="dialog finder" aria-label="Find" data-testid="finder" on:close=move |_| open.set(Open::Nothing)>
            <form on:submit=submit>
                <input
                    type="search"
                    role="combobox"
                    class="finder-input"
                    aria-label="Find a session, batch, subtask, agent, action or page"
                    aria-expanded="true"
                    aria-controls="found"
                    aria-activedescendant=move || format!("found-{}", chosen.get())
                    placeholder="Session, batch, subtask, agent, file…"
                    autocomplete="off"
                    maxlength="200"
                    autofocus
                    bind:value=text
                    on:keydown=step
                />
            </form>
            <ul id="found" role="listbox" aria-label="Found" class="finder-list">
                {each(items, |(at, place)| key_of(&(at, &place.href, &place.name)), move |it| item(it).into_any())}
            </ul>
            <p class="hint" role="status">{move || places.read().is_empty().then_some("Nothing has that in it.")}</p>
        </dialog>
    }
}
