//! A plan being changed. What comes of it is drawn while one types, and kept as a plan of its own.

use std::time::Duration;

use domain::{
    dto::{NewPlan, Plan, PlanStep},
    planner::PlannedSubtask,
    registry::Model,
};
use leptos::{prelude::*, task::spawn_local};
use leptos_router::hooks::use_navigate;

use super::graph::Shape;
use crate::{
    clock::use_hydrated,
    components::{FormProblem, each, whole_number},
    error::AppError,
    pages::prompt::{KnownAgents, Submit, lines},
    paths,
    server_fns::{create_plan, preview_plan},
    typing::once_settled,
};

/// How long after the last letter the plan is drawn anew.
const PREVIEW: Duration = Duration::from_millis(300);

/// A step as it is typed.
#[derive(Clone, Copy)]
struct Draft {
    /// How other steps name it; it stays when others go.
    number: i32,
    agent: RwSignal<String>,
    text: RwSignal<String>,
    turns: RwSignal<String>,
    model: RwSignal<String>,
    after: RwSignal<String>,
    files: RwSignal<String>,
    directories: RwSignal<String>,
    /// What the form does not ask for, kept as it was.
    kept: StoredValue<(Option<i32>, Vec<String>)>,
}

impl Draft {
    fn of(step: PlannedSubtask) -> Self {
        let after: Vec<String> = step.depends_on.iter().map(i32::to_string).collect();
        Self {
            number: step.step,
            agent: RwSignal::new(step.agent_type),
            text: RwSignal::new(step.description),
            turns: RwSignal::new(step.max_turns.to_string()),
            model: RwSignal::new(step.model.as_str().to_owned()),
            after: RwSignal::new(after.join(", ")),
            files: RwSignal::new(step.scope.target_files.join("\n")),
            directories: RwSignal::new(step.scope.target_directories.join("\n")),
            kept: StoredValue::new((step.scope.max_files, step.scope.forbidden_actions)),
        }
    }

    fn empty(number: i32) -> Self {
        let empty = || RwSignal::new(String::new());
        Self {
            number,
            agent: empty(),
            text: empty(),
            turns: empty(),
            model: empty(),
            after: empty(),
            files: empty(),
            directories: empty(),
            kept: StoredValue::new((None, Vec::new())),
        }
    }

    fn step(self) -> Result<PlanStep, AppError> {
        let at = self.number;
        let turns = whole_number(&format!("Turns of #{at}"), &self.turns.read());
        let after = steps(&self.after.read()).map_err(|word| {
            AppError::invalid(format!("#{at}, after: `{word}` is no number of a step."))
        });
        let (max_files, forbidden_actions) = self.kept.get_value();
        Ok(PlanStep {
            step: Some(at),
            agent_type: self.agent.get(),
            description: self.text.get(),
            max_turns: turns.map_err(AppError::invalid)?,
            model: Model::parse(&self.model.read()),
            depends_on: after?,
            target_files: lines(&self.files.read()),
            target_directories: lines(&self.directories.read()),
            max_files,
            forbidden_actions,
        })
    }
}

/// The numbers of steps in a text such as `0, #2`.
///
/// # Errors
/// The first word that is none.
fn steps(text: &str) -> Result<Vec<i32>, String> {
    text.split([',', ' ', '\n'])
        .map(|word| word.trim().trim_start_matches('#'))
        .filter(|word| !word.is_empty())
        .map(|word| word.parse().map_err(|_| word.to_owned()))
        .collect()
}

/// The form.
#[component]
pub fn Editor(
    /// The plan.
    plan: Plan,
    /// What is drawn.
    shape: RwSignal<Shape>,
    /// Leaves the plan as it is.
    stop: Callback<()>,
) -> impl IntoView {
    let drafts = RwSignal::new(plan.subtasks.into_iter().map(Draft::of).collect::<Vec<_>>());
    let (job, session, width) =
        (plan.task_description, plan.session_id, plan.execution_plan.max_parallel);
    // Tracks everything that is typed.
    let request = move || {
        let subtasks = drafts.read().iter().map(|draft| draft.step()).collect::<Result<_, _>>()?;
        Ok::<_, AppError>(NewPlan {
            task_description: job.clone(),
            session_id: session.clone(),
            max_parallel: Some(width),
            subtasks,
        })
    };
    let problem = RwSignal::new(None::<AppError>);
    let wanted = {
        let request = request.clone();
        move || match request() {
            Ok(request) => Some(move || preview_plan(request)),
            Err(error) => {
                problem.set(Some(error));
                None
            }
        }
    };
    once_settled(PREVIEW, wanted, move |plan| match plan {
        Ok((plan, numbers)) => {
            problem.set(None);
            shape.set(Shape::of(&plan).numbered(&numbers));
        }
        Err(error) => problem.set(Some(error)),
    });
    let busy = RwSignal::new(false);
    let navigate = use_navigate();
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let request = match untrack(&request) {
            Ok(request) => request,
            Err(error) => return problem.set(Some(error)),
        };
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        let navigate = navigate.clone();
        spawn_local(async move {
            match create_plan(request).await {
                Ok(plan) => navigate(&paths::plan(&plan.plan_id), Default::default()),
                // The page may be gone.
                Err(error) => drop(problem.try_set(Some(error))),
            }
            let _ = busy.try_set(false);
        });
    };
    let add = move |_| {
        drafts.update(|drafts| {
            let next = drafts.iter().map(|draft| draft.number + 1).max().unwrap_or(0);
            drafts.push(Draft::empty(next));
        });
    };
    let remove = Callback::new(move |number: i32| {
        drafts.update(|drafts| {
            drafts.retain(|draft| draft.number != number);
            for draft in drafts.iter() {
                let after = steps(&draft.after.read_untracked()).unwrap_or_default();
                if after.contains(&number) {
                    let left = after.iter().filter(|on| **on != number).map(i32::to_string);
                    draft.after.set(left.collect::<Vec<_>>().join(", "));
                }
            }
        });
    });
    let rows = each(
        move || drafts.get(),
        |draft| u128::from(draft.number.unsigned_abs()),
        move |draft| view! { <Step draft remove/> }.into_any(),
    );
    let hydrated = use_hydrated();
    view! {
        <form class="form plan-form" data-testid="plan-editor" on:submit=submit>
            <h3>"Change the plan"</h3>
            <p class="hint">"Waves follow from what each step waits for. It is kept as a plan of its own; this one stays as it is."</p>
            <KnownAgents/>
            <ol class="plan-steps">{rows}</ol>
            <FormProblem error=Signal::derive(move || problem.get())/>
            <p class="button-row">
                <button type="button" class="button" data-testid="add-step" disabled=move || !hydrated.get() on:click=add>"Add a step"</button>
                <Submit label="Keep as a new plan" busy/>
                <button type="button" class="button quiet" data-testid="stop-editing" on:click=move |_| stop.run(())>"Leave it as it is"</button>
            </p>
        </form>
    }
}

#[component]
fn Step(draft: Draft, remove: Callback<i32>) -> impl IntoView {
    let number = draft.number;
    let id = move |name: &str| format!("step-{number}-{name}");
    view! {
        <li class="step" id=format!("step-{number}") tabindex="-1" data-testid="edit-step">
            <fieldset class="step-fields">
                <legend class="step-head num">{format!("#{number}")}</legend>
                <div class="field">
                    <label for=id("agent")>"Agent type"</label>
                    <input id=id("agent") type="text" list="agents" maxlength="200" dir="auto" autocomplete="off" required bind:value=draft.agent/>
                </div>
                <div class="field">
                    <label for=id("after")>"After steps"</label>
                    <input id=id("after") type="text" autocomplete="off" placeholder="none" bind:value=draft.after/>
                </div>
                <div class="field">
                    <label for=id("turns")>"Turns"</label>
                    <input id=id("turns") type="number" inputmode="numeric" min="1" max="30" placeholder="by its words" bind:value=draft.turns/>
                </div>
                <div class="field">
                    <label for=id("model")>"Model"</label>
                    <select id=id("model") bind:value=draft.model>
                        <option value="">"by its words"</option>
                        {Model::ALL.map(|model| view! { <option value=model.as_str()>{model.as_str()}</option> }).collect_view()}
                    </select>
                </div>
                <div class="field is-wide">
                    <label for=id("text")>"What to do"</label>
                    <textarea id=id("text") rows="2" dir="auto" required bind:value=draft.text></textarea>
                </div>
                <div class="field is-half">
                    <label for=id("files")>"Files it may touch"</label>
                    <textarea id=id("files") rows="2" dir="ltr" placeholder="One a line; any when left empty" bind:value=draft.files></textarea>
                </div>
                <div class="field is-half">
                    <label for=id("directories")>"Directories it may touch"</label>
                    <textarea id=id("directories") rows="2" dir="ltr" placeholder="One a line" bind:value=draft.directories></textarea>
                </div>
            </fieldset>
            <button type="button" class="button quiet small" aria-label=format!("Remove step {number}") data-testid="remove-step" on:click=move |_| remove.run(number)>"Remove"</button>
        </li>
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn steps_are_read_as_people_write_them() {
        assert_eq!(super::steps(" 0, #2 3"), Ok(vec![0, 2, 3]));
        assert_eq!(super::steps(""), Ok(Vec::new()));
        assert_eq!(super::steps("0, x"), Err("x".to_owned()));
    }
}
