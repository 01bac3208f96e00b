//! `/prompt`: the prompt that one agent would be given for one task.

use std::time::Duration;

use domain::{dto::CraftPrompt, planner::CraftedPrompt};
use leptos::{prelude::*, task::spawn_local};
use leptos_meta::Title;

use super::prompt_result::PromptResult;
use crate::{
    clock::use_hydrated,
    components::{Field, FormProblem, NumberField, TextArea, whole_number},
    error::AppError,
    server_fns::{craft_prompt, registry},
    typing::once_settled,
};

/// How long after the last letter the prompt is crafted by itself.
const PREVIEW: Duration = Duration::from_millis(400);

/// What is filled in.
#[derive(Clone, Copy)]
struct Form {
    task: RwSignal<String>,
    agent: RwSignal<String>,
    session: RwSignal<String>,
    wave: RwSignal<String>,
    files: RwSignal<String>,
    directories: RwSignal<String>,
    budget: RwSignal<String>,
}

impl Form {
    fn new() -> Self {
        let empty = || RwSignal::new(String::new());
        Self {
            task: empty(),
            agent: empty(),
            session: empty(),
            wave: empty(),
            files: empty(),
            directories: empty(),
            budget: empty(),
        }
    }

    /// Tracks every field.
    fn track(self) {
        let Self { task, agent, session, wave, files, directories, budget } = self;
        for field in [task, agent, session, wave, files, directories, budget] {
            field.track();
        }
    }

    fn request(self) -> Result<CraftPrompt, AppError> {
        let number = |label: &str, field: RwSignal<String>| {
            whole_number(label, &field.read_untracked()).map_err(AppError::invalid)
        };
        let session = self.session.get_untracked();
        Ok(CraftPrompt {
            task_description: self.task.get_untracked(),
            agent_type: self.agent.get_untracked(),
            session_id: (!session.trim().is_empty()).then_some(session),
            target_files: lines(&self.files.read_untracked()),
            target_directories: lines(&self.directories.read_untracked()),
            max_files: None,
            forbidden_actions: Vec::new(),
            context_budget_tokens: number("Budget", self.budget)?,
            wave_number: number("Wave", self.wave)?,
        })
    }
}

/// One entry a line, blank lines left out.
pub fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// A crafted prompt and the budget it was asked for.
#[derive(Clone, Debug, PartialEq)]
struct Answer {
    prompt: CraftedPrompt,
    budget: Option<i32>,
}

/// The prompt crafter.
#[component]
pub fn PromptPage() -> impl IntoView {
    let form = Form::new();
    let busy = RwSignal::new(false);
    let answer = RwSignal::new(None::<Result<Answer, AppError>>);
    let error = Signal::derive(move || answer.get().and_then(Result::err));
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let request = match form.request() {
            Ok(request) => request,
            Err(error) => return answer.set(Some(Err(error))),
        };
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        spawn_local(async move {
            let budget = request.context_budget_tokens;
            let crafted = craft_prompt(request).await.map(|prompt| Answer { prompt, budget });
            // The page may be gone.
            let _ = answer.try_set(Some(crafted));
            let _ = busy.try_set(false);
        });
    };
    preview(form, answer);
    let ready = move || answer.get().and_then(Result::ok).map(|_| "The prompt is ready.");
    view! {
        <Title text="Prompt"/>
        <div class="page-head"><h1>"Craft a prompt"</h1></div>
        <div class="split">
            <form class="form" data-testid="prompt-form" on:submit=submit>
                <TextArea id="task_description" label="Task" value=form.task rows=5 required=true/>
                <AgentField value=form.agent/>
                <TextArea id="target_files" label="Target files" value=form.files rows=3 hint="One a line. The agent touches no others."/>
                <TextArea id="target_directories" label="Target directories" value=form.directories rows=2 hint="One a line."/>
                <div class="field-row">
                    <Field id="session_id" label="Session" value=form.session hint="Its lower waves give context."/>
                    <NumberField id="wave_number" label="Wave" value=form.wave min=0/>
                    <NumberField id="context_budget_tokens" label="Budget" value=form.budget min=100 hint="Tokens; 100 or more."/>
                </div>
                <Submit label="Craft prompt" busy/>
                <FormProblem error/>
            </form>
            <div class="output">
                <p class="visually-hidden" role="status">{ready}</p>
                {move || match answer.get() {
                    Some(Ok(Answer { prompt, budget })) => view! { <PromptResult prompt budget/> }.into_any(),
                    _ => view! { <p class="empty">"The prompt appears here while you type."</p> }.into_any(),
                }}
            </div>
        </div>
    }
}

/// Crafts the prompt a moment after the last letter, once there is a task and an agent. What is not
/// valid yet is not told while somebody types; the button tells it.
fn preview(form: Form, answer: RwSignal<Option<Result<Answer, AppError>>>) {
    let wanted = move || {
        form.track();
        let filled = |field: RwSignal<String>| !field.read_untracked().trim().is_empty();
        let request =
            (filled(form.task) && filled(form.agent)).then(|| form.request().ok()).flatten()?;
        let budget = request.context_budget_tokens;
        Some(move || async move { (craft_prompt(request).await, budget) })
    };
    once_settled(PREVIEW, wanted, move |(crafted, budget)| {
        if let Ok(prompt) = crafted {
            answer.set(Some(Ok(Answer { prompt, budget })));
        }
    });
}

/// The agent type, with those of the registry as suggestions.
#[component]
fn AgentField(value: RwSignal<String>) -> impl IntoView {
    view! {
        <Field id="agent_type" label="Agent type" value list="agents" required=true hint="Any type; those of the registry are suggested."/>
        <KnownAgents/>
    }
}

/// The agent types of the registry, as the suggestions `agents`.
#[component]
pub(super) fn KnownAgents() -> impl IntoView {
    let known = Resource::new(|| (), |()| registry());
    view! {
        <Transition>
            {move || Suspend::new(async move {
                let agents = known.await.map(|registry| registry.agents).unwrap_or_default();
                let options = agents
                    .into_iter()
                    .map(|agent| view! { <option value=agent.agent_type>{agent.display_name}</option> })
                    .collect_view();
                view! { <datalist id="agents">{options}</datalist> }
            })}
        </Transition>
    }
}

/// The button that sends a form.
#[component]
pub(super) fn Submit(
    /// What it says.
    label: &'static str,
    /// Whether the form is on its way.
    busy: RwSignal<bool>,
) -> impl IntoView {
    let hydrated = use_hydrated();
    view! {
        <button type="submit" class="button primary" data-testid="submit" disabled=move || !hydrated.get() aria-busy=move || busy.get().then_some("true")>
            {label}
        </button>
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn lists_take_one_entry_a_line() {
        assert_eq!(super::lines(" a.rs \n\n b.rs\r\n"), ["a.rs", "b.rs"]);
    }
}
