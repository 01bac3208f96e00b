//! A plan drawn as columns of waves, and its launch into a session.

use domain::{
    dto::{LaunchAnswer, LaunchPlan, Plan},
    planner::PlannedSubtask,
};
use leptos::{prelude::*, task::spawn_local};

use super::prompt::Submit;
use crate::{
    components::{Field, FormProblem, NumberField, whole_number},
    error::AppError,
    format::count,
    paths,
    server_fns::launch_plan,
};

/// A plan.
#[component]
pub fn PlanBoard(
    /// The plan.
    plan: Plan,
) -> impl IntoView {
    let Plan { plan_id, subtasks, execution_plan, task_description, session_id, .. } = plan;
    let steps = i32::try_from(subtasks.len()).unwrap_or(i32::MAX);
    let waves = i32::try_from(execution_plan.waves.len()).unwrap_or(i32::MAX);
    let columns = execution_plan
        .waves
        .into_iter()
        .map(|wave| {
            let cards = subtasks
                .iter()
                .filter(|step| step.wave == wave.wave)
                .cloned()
                .map(|step| view! { <StepCard step/> })
                .collect_view();
            view! {
                <li class="plan-wave" data-testid="plan-wave" data-wave=wave.wave>
                    <h3>{format!("Wave {}", wave.wave)}<span class="hint">{format!(" {} side by side", wave.parallel)}</span></h3>
                    <ol class="plan-steps">{cards}</ol>
                </li>
            }
        })
        .collect_view();
    view! {
        <section class="plan" aria-labelledby="plan-title" data-testid="plan">
            <h2 id="plan-title" class="visually-hidden">"The plan"</h2>
            <p class="lead" dir="auto">{task_description}</p>
            <dl class="facts">
                <div><dt>"Subtasks"</dt><dd class="num">{steps}</dd></div>
                <div><dt>"Waves"</dt><dd class="num">{waves}</dd></div>
                <div><dt>"Turns in all"</dt><dd class="num" data-testid="total-turns">{execution_plan.total_turns}</dd></div>
                <div><dt>"Kept as"</dt><dd><a href=paths::plan(&plan_id) data-testid="plan-link">{plan_id.clone()}</a></dd></div>
            </dl>
            <div class="plan-region" role="region" aria-label="Waves of the plan" tabindex="0">
                <ol class="plan-waves">{columns}</ol>
            </div>
            <Launch plan_id session_id/>
        </section>
    }
}

#[component]
fn StepCard(step: PlannedSubtask) -> impl IntoView {
    let after = (!step.depends_on.is_empty()).then(|| {
        let steps: Vec<String> = step.depends_on.iter().map(|step| format!("#{step}")).collect();
        view! { <p class="hint">{format!("after {}", steps.join(", "))}</p> }
    });
    view! {
        <li class="step" data-testid="step">
            <p class="step-head"><span class="num">{format!("#{}", step.step)}</span><bdi class="agent">{step.agent_type}</bdi></p>
            <p class="step-text" dir="auto" title=step.description.clone()>{step.description.clone()}</p>
            <p class="step-foot num">{count(step.max_turns, "turn", "turns")}<span class="tag">{step.model.as_str()}</span></p>
            {after}
        </li>
    }
}

/// Makes the plan the waves of a session.
#[component]
fn Launch(plan_id: String, session_id: Option<String>) -> impl IntoView {
    let session = RwSignal::new(session_id.unwrap_or_default());
    let first = RwSignal::new(String::new());
    let busy = RwSignal::new(false);
    let answer = RwSignal::new(None::<Result<LaunchAnswer, AppError>>);
    let error = Signal::derive(move || answer.get().and_then(Result::err));
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let first_wave = match whole_number("First wave", &first.read_untracked()) {
            Ok(number) => number,
            Err(sentence) => {
                answer.set(Some(Err(AppError::invalid(sentence))));
                return;
            }
        };
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        let (id, body) =
            (plan_id.clone(), LaunchPlan { session_id: session.get_untracked(), first_wave });
        spawn_local(async move {
            let launched = launch_plan(id, body).await;
            // The page may be gone.
            let _ = answer.try_set(Some(launched));
            let _ = busy.try_set(false);
        });
    };
    view! {
        <form class="form launch" data-testid="launch-form" on:submit=submit>
            <h3>"Launch"</h3>
            <div class="field-row">
                <Field id="launch_session" label="Session" value=session required=true hint="A new or an existing one."/>
                <NumberField id="first_wave" label="First wave" value=first min=0 hint="The first free one when left out."/>
            </div>
            <Submit label="Launch" busy/>
            <FormProblem error/>
            <div role="status">
                {move || answer.get().and_then(Result::ok).map(|answer| view! { <Launched answer/> })}
            </div>
        </form>
    }
}

#[component]
fn Launched(answer: LaunchAnswer) -> impl IntoView {
    let waves = i32::try_from(answer.waves.len()).unwrap_or(i32::MAX);
    let id = answer.session_id;
    view! {
        <p class="launched" data-testid="launched">
            {format!("Launched as {}. ", count(waves, "wave", "waves"))}
            <a href=paths::session(&id) rel=paths::rel(&id)>"Go to session "<bdi>{id.clone()}</bdi></a>
        </p>
    }
}
