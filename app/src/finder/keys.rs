//! The keys, written down.

use leptos::{html, prelude::*};

use super::Open;

const KEYS: [(&str, &str); 7] = [
    ("Ctrl K, ⌘K or /", "Find a session, batch, subtask, agent, action or page"),
    ("j, k or ↓, ↑", "The next and the one before: session, subtask, card, bar or cell"),
    ("Enter", "Open it"),
    ("Esc", "Close the drawer, or what is open over the page"),
    ("1, 2, 3, 4", "A session as table, graph, timeline, files"),
    ("Tab", "Onwards through everything that can be used"),
    ("?", "These keys"),
];

/// The dialog that lists them.
#[component]
pub fn Keys(
    /// What is open over the page.
    open: RwSignal<Open>,
) -> impl IntoView {
    let dialog = NodeRef::<html::Dialog>::new();
    super::palette::follow(dialog, open, Open::Keys);
    view! {
        <dialog node_ref=dialog class="dialog" aria-labelledby="keys-title" data-testid="keys" on:close=move |_| open.set(Open::Nothing)>
            <h2 id="keys-title">"Keys"</h2>
            <dl class="keys">
                {KEYS.map(|(key, what)| view! { <div><dt><kbd>{key}</kbd></dt><dd>{what}</dd></div> }).collect_view()}
            </dl>
            <div class="dialog-actions">
                <button type="button" class="button" autofocus on:click=move |_| open.set(Open::Nothing)>"Close"</button>
            </div>
        </dialog>
    }
}
