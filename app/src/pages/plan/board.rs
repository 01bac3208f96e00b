//! A plan: drawn, step by step, to change and to launch.

use domain::dto::Plan;
use leptos::prelude::*;

use super::{
    editor::Editor,
    graph::{PlanGraph, Shape},
    launch::Launch,
    steps::StepList,
};
use crate::{clock::use_hydrated, format::count, paths};

/// A plan.
#[component]
pub fn PlanBoard(
    /// The plan.
    plan: Plan,
) -> impl IntoView {
    let stored = Shape::of(&plan);
    // What is drawn: the plan, or what it would become.
    let shape = RwSignal::new(stored.clone());
    let editing = RwSignal::new(false);
    let stop = Callback::new(move |()| {
        shape.set(stored.clone());
        editing.set(false);
    });
    let hydrated = use_hydrated();
    let steps = plan.subtasks.clone();
    let (id, session_id) = (plan.plan_id.clone(), plan.session_id.clone());
    let job = plan.task_description.clone();
    let plan = StoredValue::new(plan);
    let below = move || {
        if editing.get() {
            view! { <Editor plan=plan.get_value() shape stop/> }.into_any()
        } else {
            view! {
                <StepList steps=steps.clone()/>
                <Launch plan_id=id.clone() session_id=session_id.clone()/>
            }
            .into_any()
        }
    };
    view! {
        <section class="plan" aria-labelledby="plan-title" data-testid="plan">
            <h2 id="plan-title" class="visually-hidden">"The plan"</h2>
            <p class="lead" dir="auto">{job}</p>
            <dl class="facts">
                <div><dt>"Subtasks"</dt><dd class="num">{move || shape.read().steps.len()}</dd></div>
                <div><dt>"Waves"</dt><dd class="num">{move || shape.read().waves()}</dd></div>
                <div><dt>"Turns in all"</dt><dd class="num" data-testid="total-turns">{move || shape.read().turns()}</dd></div>
                <div><dt>"Kept as"</dt><dd>{plan.with_value(|plan| {
                    view! { <a href=paths::plan(&plan.plan_id) data-testid="plan-link">{plan.plan_id.clone()}</a> }
                })}</dd></div>
            </dl>
            <Overlaps shape/>
            <PlanGraph shape/>
            <Show when=move || !editing.get()>
                <p class="button-row">
                    <button type="button" class="button" data-testid="edit-plan" disabled=move || !hydrated.get() on:click=move |_| editing.set(true)>
                        "Change the plan"
                    </button>
                </p>
            </Show>
            {below}
        </section>
    }
}

/// Where steps of one wave may touch the same files.
#[component]
fn Overlaps(shape: RwSignal<Shape>) -> impl IntoView {
    let items = move || {
        let shape = shape.read();
        let item = |overlap: &domain::planner::StepOverlap| {
            let steps: Vec<String> = overlap.steps.iter().map(|step| format!("#{step}")).collect();
            view! {
                <li>
                    {format!("Wave {}: {} may touch ", overlap.wave, steps.join(", "))}
                    <code class="path" dir="ltr">{overlap.files.join(", ")}</code>
                </li>
            }
        };
        shape.overlaps.iter().map(item).collect_view()
    };
    let head = move || {
        let places = i32::try_from(shape.read().overlaps.len()).unwrap_or(i32::MAX);
        format!("Steps would meet in {}", count(places, "place", "places"))
    };
    view! {
        <Show when=move || !shape.read().overlaps.is_empty()>
            <section class="overlaps" data-testid="overlaps" aria-label="Predicted overlaps">
                <h3>{head}</h3>
                <ul>{items}</ul>
                <p class="hint">"They would run at the same time: let one wait for the other, or narrow what they may touch."</p>
            </section>
        </Show>
    }
}
