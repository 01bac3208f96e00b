//! In place of pages that do not exist or that broke.

use leptos::prelude::*;
use leptos_meta::Title;

/// The status of the response, when the server renders.
fn respond(status: u16) {
    #[cfg(feature = "ssr")]
    if let (Some(response), Ok(status)) =
        (use_context::<leptos_axum::ResponseOptions>(), axum::http::StatusCode::from_u16(status))
    {
        response.set_status(status);
    }
    #[cfg(not(feature = "ssr"))]
    let _ = status;
}

/// No page at this address.
#[component]
pub fn NotFoundPage() -> impl IntoView {
    respond(404);
    view! {
        <Title text="Not found"/>
        <section class="problem" data-testid="not-found">
            <h1>"There is no such page"</h1>
            <p>"The address may be mistyped, or what it named is gone."</p>
            <p><a class="button" href="/">"All sessions"</a></p>
        </section>
    }
}

/// A page that could not be drawn.
#[component]
pub fn CrashPage(
    /// What went wrong.
    errors: ArcRwSignal<Errors>,
) -> impl IntoView {
    respond(500);
    let sentences = move || {
        errors
            .read()
            .iter()
            .map(|(_, error)| view! { <li dir="auto">{error.to_string()}</li> })
            .collect_view()
    };
    view! {
        <Title text="Something went wrong"/>
        <section class="problem" role="alert" data-testid="crash">
            <h1>"This page could not be drawn"</h1>
            <ul>{sentences}</ul>
            <p><a class="button" href="/" rel="external">"All sessions"</a></p>
        </section>
    }
}
