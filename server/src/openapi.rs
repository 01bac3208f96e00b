//! The OpenAPI document, generated from the handlers.

use utoipa::OpenApi;

/// What the document says besides its routes.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Swell",
        description = "Coordinates many coding agents that work at once: sessions are cut into waves that run one \
                       after another; a wave holds batches of subtasks that agents work on in parallel. Errors are \
                       `application/problem+json` (RFC 9457) with a stable `code`. Live events come over the socket at `/ws`.",
        license(name = "MIT OR Apache-2.0")
    ),
    tags(
        (name = "waves", description = "Phases that run one after another."),
        (name = "batches", description = "Subtasks submitted together, folded into a synthesis."),
        (name = "subtasks", description = "The work items that agents take."),
        (name = "agents at work", description = "Work claimed under a lease, kept by signs of life, called off."),
        (name = "actions", description = "What agents did, tool call by tool call."),
        (name = "planner", description = "Plans and prompts."),
        (name = "sessions", description = "Jobs, each with its waves."),
        (name = "registry", description = "Agent types: keywords, limits, models."),
        (name = "events", description = "The event log."),
        (name = "health", description = "Is it up?")
    )
)]
struct Base;

/// The document without its routes.
#[must_use]
pub fn base() -> utoipa::openapi::OpenApi {
    Base::openapi()
}

/// The whole document.
#[must_use]
pub fn document() -> utoipa::openapi::OpenApi {
    crate::rest::routes().into_openapi()
}

/// Prints the document as JSON.
///
/// # Errors
/// When it cannot be written as JSON.
pub fn print() -> Result<(), String> {
    let text = document().to_pretty_json().map_err(|error| error.to_string())?;
    println!("{text}");
    Ok(())
}
