//! `/api/hooks…`

use axum::{Json, extract::State};
use domain::{hook::HookEvent, problem::Problem};
use engine::Engine;
use serde::Deserialize;
use serde_json::Value;
use utoipa::IntoParams;

use super::extract::{Body, Query};
use crate::problem::Answer;

/// Where an event belongs.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Target {
    /// The Swell session; Claude Code's own when left out.
    #[param(min_length = 1, max_length = 200)]
    session: Option<String>,
}

/// Take an event of Claude Code
///
/// As its hooks send it; answered in its own format. A session is tracked, tool calls are recorded, a
/// subagent takes the most urgent ready subtask for its type and reports it when it stops. An edit outside
/// the subtask's scope, or of a file that another agent holds, is denied before it is made.
#[utoipa::path(post, path = "/api/hooks/claude-code", tag = "agents at work",
    params(Target),
    request_body = HookEvent,
    responses((status = 200, body = Object, description = "What Claude Code is to do; `{}` is nothing special."),
              (status = "4XX", body = Problem, description = "Refused.", content_type = "application/problem+json")))]
pub async fn claude_code(
    State(engine): State<Engine>,
    Query(target): Query<Target>,
    Body(event): Body<HookEvent>,
) -> Answer<Json<Value>> {
    Ok(Json(engine.claude_code(target.session.as_deref(), event).await?))
}
