//! The prompt that an agent would be given for a subtask, crafted when it is asked for.

use domain::{dto::CraftPrompt, scope::Scope};
use leptos::prelude::*;

use crate::{
    components::{ActionButton, CopyButton},
    desk::use_desk,
    format::grouped,
    server_fns::craft_prompt,
};

/// A button, then the prompt.
#[component]
pub fn Prompt(
    /// The session.
    session: String,
    /// The subtask's wave.
    wave: i32,
    /// Who does it.
    agent_type: String,
    /// What is to be done.
    description: String,
    /// Where it may work.
    scope: Scope,
) -> impl IntoView {
    let (desk, busy) = (use_desk(), RwSignal::new(false));
    let crafted = RwSignal::new(None::<(String, i32)>);
    let on_press = Callback::new(move |()| {
        let request = CraftPrompt {
            task_description: description.clone(),
            agent_type: agent_type.clone(),
            session_id: Some(session.clone()),
            target_files: scope.target_files.clone(),
            target_directories: scope.target_directories.clone(),
            max_files: scope.max_files,
            forbidden_actions: scope.forbidden_actions.clone(),
            context_budget_tokens: None,
            wave_number: Some(wave),
        };
        desk.attempt(busy, async move {
            let answer = craft_prompt(request).await?;
            crafted.set(Some((answer.crafted_prompt, answer.estimated_tokens)));
            Ok("The prompt is crafted.".to_owned())
        });
    });
    let text = Signal::derive(move || crafted.get().map(|(text, _)| text).unwrap_or_default());
    view! {
        <section>
            <h3>"Prompt"</h3>
            <Show
                when=move || crafted.read().is_some()
                fallback=move || view! { <ActionButton label="Craft its prompt" look="small" on_press busy testid="craft"/> }
            >
                <pre class="drawer-code" dir="auto" tabindex="0" data-testid="drawer-prompt">{move || text.get()}</pre>
                <p class="hint num">{move || crafted.get().map(|(_, tokens)| format!("≈ {} tokens", grouped(tokens.into())))}</p>
                <CopyButton text what="prompt"/>
            </Show>
        </section>
    }
}
