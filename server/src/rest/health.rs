//! `/health…`

use axum::{Json, extract::State};
use domain::problem::Problem;
use engine::Engine;
use serde::Serialize;
use utoipa::ToSchema;

use crate::problem::Answer;

/// That the server is there.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    /// Always `ok`.
    status: &'static str,
    /// The server's version.
    version: &'static str,
}

const OK: Health = Health { status: "ok", version: env!("CARGO_PKG_VERSION") };

/// Is the server up?
#[utoipa::path(get, path = "/health", tag = "health", responses((status = 200, body = Health, description = "It is.")))]
pub async fn live() -> Json<Health> {
    Json(OK)
}

/// Is the database up too?
#[utoipa::path(get, path = "/health/ready", tag = "health",
    responses((status = 200, body = Health, description = "It is."),
              (status = 503, body = Problem, description = "It is not.", content_type = "application/problem+json")))]
pub async fn ready(State(engine): State<Engine>) -> Answer<Json<Health>> {
    engine.ping().await?;
    Ok(Json(OK))
}
