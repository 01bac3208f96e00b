//! `/api/registry…`

use axum::{Json, extract::State, http::StatusCode};
use domain::{
    dto::{PutAgent, Registry},
    problem::Problem,
    registry::AgentProfile,
};
use engine::Engine;

use super::extract::{Body, Segment};
use crate::problem::Answer;

/// List agent types
#[utoipa::path(get, path = "/api/registry", tag = "registry",
    responses((status = 200, body = Registry, description = "The registry.")))]
pub async fn list(State(engine): State<Engine>) -> Answer<Json<Registry>> {
    Ok(Json(engine.registry().await?))
}

/// Get an agent type
#[utoipa::path(get, path = "/api/registry/{agent_type}", tag = "registry",
    params(("agent_type" = String, Path, description = "The agent type.")),
    responses((status = 200, body = AgentProfile, description = "The entry."),
              (status = "4XX", body = Problem, description = "No such entry.", content_type = "application/problem+json")))]
pub async fn get(
    State(engine): State<Engine>,
    Segment(agent_type): Segment,
) -> Answer<Json<AgentProfile>> {
    Ok(Json(engine.agent(&agent_type).await?))
}

/// Add or replace an agent type
///
/// The planner uses it at once.
#[utoipa::path(put, path = "/api/registry/{agent_type}", tag = "registry",
    params(("agent_type" = String, Path, description = "The agent type.")),
    request_body = PutAgent,
    responses((status = 201, body = AgentProfile, description = "Added."),
              (status = 200, body = AgentProfile, description = "Replaced."),
              (status = "4XX", body = Problem, description = "Refused.", content_type = "application/problem+json")))]
pub async fn put(
    State(engine): State<Engine>,
    Segment(agent_type): Segment,
    Body(request): Body<PutAgent>,
) -> Answer<(StatusCode, Json<AgentProfile>)> {
    let (profile, added) = engine.put_agent(&agent_type, request).await?;
    Ok((if added { StatusCode::CREATED } else { StatusCode::OK }, Json(profile)))
}

/// Remove an agent type
#[utoipa::path(delete, path = "/api/registry/{agent_type}", tag = "registry",
    params(("agent_type" = String, Path, description = "The agent type.")),
    responses((status = 204, description = "Removed."),
              (status = "4XX", body = Problem, description = "No such entry.", content_type = "application/problem+json")))]
pub async fn delete(
    State(engine): State<Engine>,
    Segment(agent_type): Segment,
) -> Answer<StatusCode> {
    engine.delete_agent(&agent_type).await?;
    Ok(StatusCode::NO_CONTENT)
}
