//! The frame of every page, and which page stands at which address.

use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::{
    Lazy, LazyRoute, SsrMode,
    components::{FlatRoutes, Route, Router},
    hooks::use_location,
    location::Location,
    path,
};

use crate::{
    browser,
    clock::Clock,
    components::{ConfirmDialog, Header, Notices},
    desk::{Desk, use_desk},
    live,
    pages::{CrashPage, NotFoundPage, SessionPage, SessionsPage},
    split::{Aside, Planner, aside_page, batch_page, planner_page},
};

/// Routes to pages that are downloaded when they are first opened.
macro_rules! lazy_routes {
    ($($route:ident => $page:expr,)*) => {$(
        struct $route;

        impl LazyRoute for $route {
            fn data() -> Self {
                Self
            }

            async fn view(_: Self) -> AnyView {
                $page.await
            }
        }
    )*};
}

lazy_routes! {
    Batch => batch_page(),
    Plan => planner_page(Planner::Plan),
    StoredPlan => planner_page(Planner::Stored),
    Prompt => planner_page(Planner::Prompt),
    Live => aside_page(Aside::Live),
    Registry => aside_page(Aside::Registry),
    Login => aside_page(Aside::Login),
}

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
    live::Live::provide();
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
                        <Route path=path!("/batches/:id") view={Lazy::<Batch>::new()} ssr=SsrMode::Async/>
                        <Route path=path!("/plan") view={Lazy::<Plan>::new()} ssr=SsrMode::Async/>
                        <Route path=path!("/plan/:id") view={Lazy::<StoredPlan>::new()} ssr=SsrMode::Async/>
                        <Route path=path!("/prompt") view={Lazy::<Prompt>::new()} ssr=SsrMode::Async/>
                        <Route path=path!("/live") view={Lazy::<Live>::new()} ssr=SsrMode::Async/>
                        <Route path=path!("/registry") view={Lazy::<Registry>::new()} ssr=SsrMode::Async/>
                        <Route path=path!("/login") view={Lazy::<Login>::new()} ssr=SsrMode::Async/>
                    </FlatRoutes>
                </ErrorBoundary>
            </main>
        </Router>
        <Notices/>
        <ConfirmDialog/>
    }
}

/// After a move to another page, the keyboard goes on from its beginning, and readers say so; a question
/// that was open is closed.
#[component]
fn FocusOnNavigation() -> impl IntoView {
    let Location { pathname, search, .. } = use_location();
    let desk = use_desk();
    Effect::new(move |before: Option<(String, String)>| {
        let now = (pathname.get(), search.get());
        if let Some(before) = before.filter(|before| *before != now) {
            // What was asked was about what was there.
            desk.question.set(None);
            desk.budget_of.set(None);
            if before.0 != now.0 {
                browser::focus("main");
            }
        }
        now
    });
}
