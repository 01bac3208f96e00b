//! The parts of the WASM that are downloaded when they are first needed.
//!
//! What several parts share becomes a file of its own for every combination of them, so that there
//! are few, each as large as what is needed together.

use futures::FutureExt;
use leptos::prelude::*;
use uuid::Uuid;

use crate::{
    board::Board,
    finder::{Keys, Open, Palette},
    pages::{
        BatchPage, LivePage, LoginPage, PlanPage, PromptPage, RegistryPage, StoredPlanPage,
        session::{BudgetDialog, Files, Graph, Panel, Place, Timeline, View, Window},
    },
};

/// A batch.
#[lazy]
pub fn batch_page() -> AnyView {
    view! { <BatchPage/> }.into_any()
}

/// The planner's pages.
#[derive(Clone, Copy, Debug)]
pub enum Planner {
    /// `/plan`
    Plan,
    /// `/plan/{id}`
    Stored,
    /// `/prompt`
    Prompt,
}

/// One of the planner's pages.
#[lazy]
pub fn planner_page(which: Planner) -> AnyView {
    match which {
        Planner::Plan => view! { <PlanPage/> }.into_any(),
        Planner::Stored => view! { <StoredPlanPage/> }.into_any(),
        Planner::Prompt => view! { <PromptPage/> }.into_any(),
    }
}

/// The pages that are opened now and then.
#[derive(Clone, Copy, Debug)]
pub enum Aside {
    /// `/live`
    Live,
    /// `/registry`
    Registry,
    /// `/login`
    Login,
}

/// One of the pages that are opened now and then.
#[lazy]
pub fn aside_page(which: Aside) -> AnyView {
    match which {
        Aside::Live => view! { <LivePage/> }.into_any(),
        Aside::Registry => view! { <RegistryPage/> }.into_any(),
        Aside::Login => view! { <LoginPage/> }.into_any(),
    }
}

/// A session as a graph.
#[lazy]
pub fn graph(board: Board, place: Place) -> AnyView {
    view! { <Graph board place/> }.into_any()
}

/// A session over time, or by file.
#[lazy]
pub fn chart(board: Board, place: Place, of: Chart) -> AnyView {
    match of {
        Chart::Time(window) => view! { <Timeline board place window/> }.into_any(),
        Chart::Files(first) => view! { <Files board place first/> }.into_any(),
    }
}

/// What is charted.
#[derive(Clone, Copy, Debug)]
pub enum Chart {
    /// What ran when.
    Time(Window),
    /// Who touched what, with what came with the page.
    Files(StoredValue<Option<String>>),
}

/// A subtask in the drawer.
#[lazy]
pub fn panel(board: Board, id: Uuid, place: Place, first: StoredValue<Option<String>>) -> AnyView {
    view! { <Panel board id place first/> }.into_any()
}

/// The finder, the list of keys and the dialogs.
#[lazy]
pub fn overlay(open: RwSignal<Open>) -> AnyView {
    view! {
        <Palette open/>
        <Keys open/>
        <BudgetDialog/>
    }
    .into_any()
}

/// Downloads the finder and the list of keys; at once when they are there.
pub async fn load_overlay() {
    #[cfg(feature = "hydrate")]
    __preload_overlay().await;
}

/// Downloads what a view of a session needs; at once when it is there.
pub async fn load_view(view: View) {
    #[cfg(feature = "hydrate")]
    match view {
        View::Table => {}
        View::Graph => __preload_graph().await,
        View::Timeline | View::Files => __preload_chart().await,
    }
    #[cfg(not(feature = "hydrate"))]
    let _ = view;
}

/// Downloads what the drawer needs; at once when it is there.
pub async fn load_panel() {
    #[cfg(feature = "hydrate")]
    __preload_panel().await;
}

/// A view that is there already: loaded before, or on the server. Nothing when it is not.
pub fn now(view: impl Future<Output = AnyView>) -> AnyView {
    view.now_or_never().unwrap_or_else(|| ().into_any())
}

/// Downloads what the page at this address needs: a page is hydrated at once, with everything there.
#[cfg(feature = "hydrate")]
pub async fn preload(path: &str, query: &str) {
    if path.starts_with("/batches/") {
        __preload_batch_page().await;
    } else if path.starts_with("/plan") || path == "/prompt" {
        __preload_planner_page().await;
    } else if matches!(path, "/live" | "/registry" | "/login") {
        __preload_aside_page().await;
    } else if path.starts_with("/sessions/") {
        let query = query.trim_start_matches('?');
        let says = |pair: &str| query.split('&').any(|given| given == pair);
        for view in View::ALL {
            if says(&format!("view={}", view.as_str())) {
                load_view(view).await;
            }
        }
        if query.split('&').any(|given| given.starts_with("subtask=")) {
            load_panel().await;
        }
    }
}
