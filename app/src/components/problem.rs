//! Refusals in place of what was asked for, and waiting for it.

use leptos::prelude::*;
use leptos_meta::Title;

use crate::error::AppError;

/// In place of a page whose data the server refused.
#[component]
pub fn ProblemView(
    /// Why.
    error: AppError,
) -> impl IntoView {
    let login = error.is_login();
    let problem = error.problem().clone();
    view! {
        <Title text=problem.title.clone()/>
        <section class="problem" data-testid="problem" data-status=problem.status>
            <h1>{problem.title}</h1>
            <p dir="auto">{problem.detail}</p>
            <p>
                {if login {
                    view! { <a class="button primary" href="/login" rel="external">"Log in"</a> }.into_any()
                } else {
                    view! { <a class="button" href="/">"All sessions"</a> }.into_any()
                }}
            </p>
        </section>
    }
}

/// Above a form whose request the server refused; read out as it appears.
#[component]
pub fn FormProblem(
    /// Why, if it was.
    #[prop(into)]
    error: Signal<Option<AppError>>,
) -> impl IntoView {
    let fields = move || {
        let details =
            error.get().and_then(|error| error.problem().details.clone()).unwrap_or_default();
        details
            .into_iter()
            .map(
                |(field, messages)| view! { <li><code>{field}</code>" "{messages.join("; ")}</li> },
            )
            .collect_view()
    };
    view! {
        <div class="form-problem" role="alert" data-testid="form-problem">
            {move || {
                error
                    .get()
                    .map(|error| {
                        view! {
                            <p>{error.to_string()}</p>
                            <ul>{fields}</ul>
                        }
                    })
            }}
        </div>
    }
}

/// In place of what is still being read; the style draws its shape, so that nothing jumps when it comes.
#[component]
pub fn Waiting() -> impl IntoView {
    view! {
        <div class="waiting" role="status" aria-busy="true">
            <span class="visually-hidden">"Loading…"</span>
        </div>
    }
}

/// In place of a whole page, with the heading and the title that it does not have yet.
#[component]
pub fn WaitingPage() -> impl IntoView {
    // The server waits for the page itself, whose title this one would stand in front of.
    let title = (!cfg!(feature = "ssr")).then(|| view! { <Title text="Loading…"/> });
    view! {
        {title}
        <h1 class="visually-hidden">"Loading…"</h1>
        <Waiting/>
    }
}
