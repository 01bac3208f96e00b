//! `/plan` breaks a job down into waves; `/plan/{id}` shows a plan that was stored.

mod board;
mod editor;
mod graph;
mod launch;
mod steps;

use domain::{
    dto::{Decompose, Plan},
    planner::Constraints,
};
use leptos::{prelude::*, task::spawn_local};
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;

use self::board::PlanBoard;
use super::prompt::Submit;
use crate::{
    components::{FormProblem, NumberField, ProblemView, TextArea, Waiting, whole_number},
    error::AppError,
    server_fns::{decompose, stored_plan},
};

/// The planner.
#[component]
pub fn PlanPage() -> impl IntoView {
    let task = RwSignal::new(String::new());
    let (parallel, turns) = (RwSignal::new("3".to_owned()), RwSignal::new("50".to_owned()));
    let busy = RwSignal::new(false);
    let answer = RwSignal::new(None::<Result<Plan, AppError>>);
    let error = Signal::derive(move || answer.get().and_then(Result::err));
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let request = match request(
            &task.read_untracked(),
            &parallel.read_untracked(),
            &turns.read_untracked(),
        ) {
            Ok(request) => request,
            Err(error) => return answer.set(Some(Err(error))),
        };
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        spawn_local(async move {
            let plan = decompose(request).await;
            // The page may be gone.
            let _ = answer.try_set(Some(plan));
            let _ = busy.try_set(false);
        });
    };
    let ready = move || answer.get().and_then(Result::ok).map(|_| "The plan is ready.");
    view! {
        <Title text="Plan"/>
        <div class="page-head"><h1>"Plan a task"</h1></div>
        <form class="form" data-testid="plan-form" on:submit=submit>
            <TextArea id="task_description" label="Task" value=task rows=4 required=true hint="Name what it touches: the planner picks agents by the words."/>
            <div class="field-row">
                <NumberField id="max_parallel" label="Side by side" value=parallel min=1 max=5 hint="Subtasks a wave, 1–5."/>
                <NumberField id="max_total_turns" label="Turns in all" value=turns min=5 max=200 hint="5–200."/>
            </div>
            <Submit label="Plan" busy/>
            <FormProblem error/>
        </form>
        <p class="visually-hidden" role="status">{ready}</p>
        {move || answer.get().and_then(Result::ok).map(|plan| view! { <PlanBoard plan/> })}
    }
}

fn request(task: &str, parallel: &str, turns: &str) -> Result<Decompose, AppError> {
    let number = |label: &str, text: &str, default: i32| {
        whole_number(label, text).map(|number| number.unwrap_or(default)).map_err(AppError::invalid)
    };
    let default = Constraints::default();
    Ok(Decompose {
        task_description: task.to_owned(),
        session_id: None,
        constraints: Constraints {
            max_parallel: number("Side by side", parallel, default.max_parallel)?,
            max_total_turns: number("Turns in all", turns, default.max_total_turns)?,
        },
    })
}

/// A stored plan.
#[component]
pub fn StoredPlanPage() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.read().get("id").unwrap_or_default());
    let plan = Resource::new(move || id.get(), stored_plan);
    view! {
        <Transition fallback=|| view! { <Waiting/> }>
            {move || Suspend::new(async move {
                match plan.await {
                    Ok(plan) => {
                        view! {
                            <Title text="Plan"/>
                            <div class="page-head">
                                <div class="page-title">
                                    <p class="crumb"><a href="/plan">"Plan a task"</a></p>
                                    <h1>"Plan"</h1>
                                </div>
                            </div>
                            <PlanBoard plan/>
                        }
                            .into_any()
                    }
                    Err(error) => view! { <ProblemView error/> }.into_any(),
                }
            })}
        </Transition>
    }
}
