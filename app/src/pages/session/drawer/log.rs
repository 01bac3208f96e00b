//! What the agent did, newest first.

use leptos::prelude::*;

use crate::{
    components::{TimeTag, each, recorded_action},
    format::duration,
    views::{ActionRow, SubtaskView},
};

/// The recorded tool calls of a subtask.
#[component]
pub fn Log(
    /// The subtask as it was read last.
    view: Signal<SubtaskView>,
) -> impl IntoView {
    let id = view.read_untracked().row.id;
    let actions = Memo::new(move |_| view.read().actions.clone());
    let more = Memo::new(move |_| view.read().more_actions);
    view! {
        <section aria-labelledby="log-title">
            <h3 id="log-title">"Actions"</h3>
            <Show
                when=move || !actions.read().is_empty()
                fallback=move || view! {
                    <p class="hint">"No tool call was recorded. An agent records one like this:"</p>
                    {recorded_action(id)}
                }
            >
                <ol class="log" data-testid="log">
                    {each(move || actions.get(), |action| action.id.as_u128(), |action| entry(action).into_any())}
                </ol>
            </Show>
            <Show when=move || more.get()><p class="hint">"Older ones are left out."</p></Show>
        </section>
    }
}

fn entry(action: ActionRow) -> impl IntoView {
    let ActionRow { tool_name, files, given, exit_code, forbidden, duration_ms, at, .. } = action;
    let failed = exit_code.is_some_and(|code| code != 0);
    view! {
        <li data-testid="action">
            <bdi class="log-tool">{tool_name}</bdi>
            <span class="log-files">{files.into_iter().map(|file| view! { <bdi>{file}</bdi>" " }).collect_view()}</span>
            {given.map(|given| view! { <bdi class="log-files log-given">{given}</bdi> })}
            {forbidden.map(|rule| view! { <span class="is-failed">"forbidden: "<bdi>{rule}</bdi></span> })}
            {exit_code.map(|code| view! { <span class="num" class:is-failed=failed>{format!("exit {code}")}</span> })}
            {duration_ms.map(|ms| view! { <span class="num hint">{duration(ms)}</span> })}
            <span class="hint log-at"><TimeTag at=Signal::stored(at)/></span>
        </li>
    }
}
