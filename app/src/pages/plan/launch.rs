//! A plan launched into a session.

use domain::dto::{LaunchAnswer, LaunchPlan, OnOverlap};
use leptos::{prelude::*, task::spawn_local};

use crate::{
    components::{Field, FormProblem, NumberField, whole_number},
    error::AppError,
    format::count,
    pages::prompt::Submit,
    paths,
    server_fns::launch_plan,
};

/// Makes the plan the waves of a session.
#[component]
pub fn Launch(
    /// The plan.
    plan_id: String,
    /// The session that it is meant for.
    session_id: Option<String>,
) -> impl IntoView {
    let session = RwSignal::new(session_id.unwrap_or_default());
    let first = RwSignal::new(String::new());
    let overlap = RwSignal::new("warn".to_owned());
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
        let on_overlap = match overlap.read_untracked().as_str() {
            "serialize" => OnOverlap::Serialize,
            "reject" => OnOverlap::Reject,
            _ => OnOverlap::Warn,
        };
        spawn_local(async move {
            let launched = launch_plan(id, body, on_overlap).await;
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
                <div class="field">
                    <label for="on_overlap">"Steps that meet"</label>
                    <select id="on_overlap" bind:value=overlap>
                        <option value="warn">"Launch, and say so"</option>
                        <option value="serialize">"Let one wait for the other"</option>
                        <option value="reject">"Do not launch"</option>
                    </select>
                </div>
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
    let warnings = answer.warnings.into_iter().map(|it| view! { <li dir="auto">{it.message}</li> });
    let warnings = warnings.collect::<Vec<_>>();
    view! {
        <p class="launched" data-testid="launched">
            {format!("Launched as {}. ", count(waves, "wave", "waves"))}
            <a href=paths::session(&id) rel=paths::rel(&id)>"Go to session "<bdi>{id.clone()}</bdi></a>
        </p>
        {(!warnings.is_empty()).then(|| view! { <ul class="hint" data-testid="launch-warnings">{warnings}</ul> })}
    }
}
