//! The REST API, one file a resource.
//!
//! [`routes`] is both the routing table and the OpenAPI document: a handler's `utoipa::path` says
//! where it is, and its doc comment is its text there.

pub mod actions;
pub mod batches;
pub mod events;
pub mod extract;
pub mod files;
pub mod health;
pub mod hooks;
pub mod planning;
pub mod registry;
pub mod sessions;
pub mod subtasks;
pub mod waves;

use axum::{
    extract::Request,
    http::{Method, StatusCode},
};
use engine::Engine;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::problem::Failure;

/// Every documented route.
pub fn routes() -> OpenApiRouter<Engine> {
    OpenApiRouter::with_openapi(crate::openapi::base())
        .routes(routes!(batches::submit))
        .routes(routes!(batches::get))
        .routes(routes!(batches::complete))
        .routes(routes!(batches::synthesis))
        .routes(routes!(batches::conflicts))
        .routes(routes!(batches::cancel))
        .routes(routes!(planning::craft_prompt))
        .routes(routes!(planning::decompose))
        .routes(routes!(planning::create))
        .routes(routes!(planning::get))
        .routes(routes!(planning::launch))
        .routes(routes!(waves::create))
        .routes(routes!(waves::start))
        .routes(routes!(waves::transition))
        .routes(routes!(waves::retry_failed))
        .routes(routes!(waves::cancel))
        .routes(routes!(waves::approve))
        .routes(routes!(waves::current))
        .routes(routes!(waves::history))
        .routes(routes!(subtasks::list))
        .routes(routes!(subtasks::get, subtasks::patch))
        .routes(routes!(subtasks::retry))
        .routes(routes!(subtasks::claim))
        .routes(routes!(subtasks::heartbeat))
        .routes(routes!(subtasks::attempts))
        .routes(routes!(subtasks::cancel))
        .routes(routes!(actions::list, actions::record))
        .routes(routes!(files::reserve))
        .routes(routes!(files::release))
        .routes(routes!(files::list))
        .routes(routes!(hooks::claude_code))
        .routes(routes!(sessions::list))
        .routes(routes!(sessions::get))
        .routes(routes!(sessions::pause))
        .routes(routes!(sessions::resume))
        .routes(routes!(sessions::set_budget))
        .routes(routes!(sessions::leases))
        .routes(routes!(registry::list))
        .routes(routes!(registry::get, registry::put, registry::delete))
        .routes(routes!(events::list))
        .routes(routes!(health::live))
        .routes(routes!(health::ready))
}

/// What answers where no route is.
pub async fn no_route(request: Request) -> Failure {
    Failure::new(
        StatusCode::NOT_FOUND,
        "no_such_route",
        format!(
            "There is nothing at {} {}; see /api/docs.",
            request.method(),
            request.uri().path()
        ),
    )
}

/// What answers where a route has no such method; axum adds `Allow`.
pub async fn no_method(method: Method) -> Failure {
    Failure::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        format!("{method} is not allowed here; see Allow."),
    )
}
