//! `/api/orchestration/craft-prompt`, `decompose` and plans

use axum::{Json, extract::State};
use domain::{
    dto::{CraftPrompt, Decompose, LaunchAnswer, LaunchPlan, NewPlan, Plan},
    planner::CraftedPrompt,
    problem::Problem,
};
use engine::Engine;

use super::{
    batches::SubmitQuery,
    extract::{Body, Create, Query, Segment},
};
use crate::problem::Answer;

/// Craft a scoped prompt
///
/// For one subtask, within a token budget; completed work of lower waves is its context.
#[utoipa::path(post, path = "/api/orchestration/craft-prompt", tag = "planner",
    request_body = CraftPrompt,
    responses((status = 200, body = CraftedPrompt, description = "The prompt."),
              (status = "4XX", body = Problem, description = "Refused.", content_type = "application/problem+json")))]
pub async fn craft_prompt(
    State(engine): State<Engine>,
    Body(request): Body<CraftPrompt>,
) -> Answer<Json<CraftedPrompt>> {
    Ok(Json(engine.craft_prompt(request).await?))
}

/// Decompose a job into a plan
///
/// Steps with agent types, waves, turns, models and dependencies; the plan is stored.
#[utoipa::path(post, path = "/api/orchestration/decompose", tag = "planner",
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes a repeat answer what the first request was answered.", min_length = 1, max_length = 200)),
    request_body = Decompose,
    responses((status = 200, body = Plan, description = "The plan."),
              (status = "4XX", body = Problem, description = "Refused.", content_type = "application/problem+json")))]
pub async fn decompose(
    State(engine): State<Engine>,
    Create { request, key }: Create<Decompose>,
) -> Answer<Json<Plan>> {
    Ok(Json(engine.decompose(request, key).await?))
}

/// Store a plan of your own
///
/// Steps that you made, or a plan that you changed: their waves follow from what they depend on. It is
/// a plan of its own, also when it is made from another.
#[utoipa::path(post, path = "/api/orchestration/plans", tag = "planner",
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes a repeat answer what the first request was answered.", min_length = 1, max_length = 200)),
    request_body = NewPlan,
    responses((status = 201, body = Plan, description = "The plan."),
              (status = "4XX", body = Problem, description = "Refused.", content_type = "application/problem+json")))]
pub async fn create(
    State(engine): State<Engine>,
    Create { request, key }: Create<NewPlan>,
) -> Answer<(axum::http::StatusCode, Json<Plan>)> {
    Ok((axum::http::StatusCode::CREATED, Json(engine.create_plan(request, key).await?)))
}

/// Get a plan
#[utoipa::path(get, path = "/api/orchestration/plans/{id}", tag = "planner",
    params(("id" = String, Path, description = "The plan.")),
    responses((status = 200, body = Plan, description = "The plan."),
              (status = "4XX", body = Problem, description = "No such plan.", content_type = "application/problem+json")))]
pub async fn get(State(engine): State<Engine>, Segment(id): Segment) -> Answer<Json<Plan>> {
    Ok(Json(engine.plan(&id).await?))
}

/// Launch a plan
///
/// Creates its waves, batches and dependencies in a session, all or nothing.
#[utoipa::path(post, path = "/api/orchestration/plans/{id}/launch", tag = "planner",
    params(SubmitQuery,
           ("id" = String, Path, description = "The plan."),
           ("Idempotency-Key" = Option<String>, Header, description = "Makes a repeat answer what the first request was answered.", min_length = 1, max_length = 200)),
    request_body = LaunchPlan,
    responses((status = 201, body = LaunchAnswer, description = "Launched."),
              (status = "4XX", body = Problem, description = "Refused.", content_type = "application/problem+json")))]
pub async fn launch(
    State(engine): State<Engine>,
    Segment(id): Segment,
    Query(query): Query<SubmitQuery>,
    Create { request, key }: Create<LaunchPlan>,
) -> Answer<(axum::http::StatusCode, Json<LaunchAnswer>)> {
    let answer = engine.launch_plan(&id, request, query.on_overlap, key).await?;
    Ok((axum::http::StatusCode::CREATED, Json(answer)))
}
