//! The frame of every page, and which page stands at which address.

use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::{
    SsrMode,
    components::{FlatRoutes, Route, Router},
    hooks::use_location,
    path,
};

use crate::{
    browser,
    clock::Clock,
    components::{ConfirmDialog, Header, Notices},
    desk::Desk,
    live::Live,
    pages::{
        BatchPage, CrashPage, LoginPage, NotFoundPage, PlanPage, PromptPage, SessionPage,
        SessionsPage, StoredPlanPage,
    },
};

/// The title of the window, `page · Swell`.
#[expect(clippy::needless_pass_by_value, reason = "the formatter of `Title`")]
fn window_title(page: String) -> String {
    // leptos_meta puts it into the document as it is; in the browser it becomes a text node.
    #[cfg(feature = "ssr")]
    let page = page.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    if page.is_empty() { "Swell".to_owned() } else { format!("{page} · Swell") }
}

/// The whole app. Pages render only when their data is there, so that a page without JavaScript is
/// whole and its status says how it went.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    Clock::provide();
    Desk::provide();
    Live::provide();
    view! {
        <Title formatter=window_title/>
        <Router>
            <a class="skip" href="#main" rel="external">"Skip to content"</a>
            <Header/>
            <FocusOnNavigation/>
            <main id="main" tabindex="-1">
                <ErrorBoundary fallback=|errors| view! { <CrashPage errors/> }>
                    <FlatRoutes fallback=|| view! { <NotFoundPage/> }.into_any()>
                        <Route path=path!("/") view=|| view! { <SessionsPage/> }.into_any() ssr=SsrMode::Async/>
                        <Route path=path!("/sessions/:id") view=|| view! { <SessionPage/> }.into_any() ssr=SsrMode::Async/>
                        <Route path=path!("/batches/:id") view=|| view! { <BatchPage/> }.into_any() ssr=SsrMode::Async/>
                        <Route path=path!("/plan") view=|| view! { <PlanPage/> }.into_any() ssr=SsrMode::Async/>
                        <Route path=path!("/plan/:id") view=|| view! { <StoredPlanPage/> }.into_any() ssr=SsrMode::Async/>
                        <Route path=path!("/prompt") view=|| view! { <PromptPage/> }.into_any() ssr=SsrMode::Async/>
                        <Route path=path!("/login") view=|| view! { <LoginPage/> }.into_any() ssr=SsrMode::Async/>
                    </FlatRoutes>
                </ErrorBoundary>
            </main>
        </Router>
        <Notices/>
        <ConfirmDialog/>
    }
}

/// After a move to another page, the keyboard goes on from its beginning, and readers say so.
#[component]
fn FocusOnNavigation() -> impl IntoView {
    let path = use_location().pathname;
    Effect::new(move |before: Option<String>| {
        let now = path.get();
        if before.is_some_and(|before| before != now) {
            browser::focus("main");
        }
        now
    });
}
