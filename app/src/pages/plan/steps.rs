//! The steps of a plan, one under the other.

use domain::planner::PlannedSubtask;
use leptos::prelude::*;

use crate::format::count;

/// Every step in full.
#[component]
pub fn StepList(
    /// The steps.
    steps: Vec<PlannedSubtask>,
) -> impl IntoView {
    let items = steps.into_iter().map(|step| view! { <Step step/> }).collect_view();
    view! {
        <section>
            <h3>"Steps"</h3>
            <ol class="plan-steps" data-testid="plan-steps">{items}</ol>
        </section>
    }
}

#[component]
fn Step(step: PlannedSubtask) -> impl IntoView {
    let after = match step.depends_on.as_slice() {
        [] => String::new(),
        on => {
            let steps: Vec<String> = on.iter().map(|step| format!("#{step}")).collect();
            format!(" · after {}", steps.join(", "))
        }
    };
    let facts = format!(
        "Wave {} · {} · {}{after}",
        step.wave,
        count(step.max_turns, "turn", "turns"),
        step.model.as_str()
    );
    let scope = step.scope;
    let places: Vec<String> = scope
        .target_files
        .into_iter()
        .chain(scope.target_directories.iter().map(|it| format!("{}/", it.trim_end_matches('/'))))
        .collect();
    let targets = (!places.is_empty()).then(|| {
        let places = places
            .into_iter()
            .map(|place| view! { <li><code class="path" dir="ltr">{place}</code></li> });
        view! { <ul class="targets" aria-label="May touch">{places.collect_view()}</ul> }
    });
    let forbidden = (!scope.forbidden_actions.is_empty()).then(
        || view! { <p class="hint">{format!("Never: {}", scope.forbidden_actions.join(", "))}</p> },
    );
    view! {
        <li class="step" id=format!("step-{}", step.step) tabindex="-1">
            <p class="step-head"><span class="num">{format!("#{}", step.step)}</span><bdi class="agent">{step.agent_type}</bdi></p>
            <p class="step-text" dir="auto">{step.description}</p>
            <p class="step-foot num">{facts}</p>
            {targets}
            {forbidden}
        </li>
    }
}
