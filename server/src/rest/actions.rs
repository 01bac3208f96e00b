//! `/api/actions`

use axum::{Json, extract::State, http::StatusCode};
use domain::{
    check::{Check, PAGE},
    dto::{ActionAnswer, ActionPage, RecordAction},
    problem::Problem,
};
use engine::Engine;
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::extract::{Create, Query};
use crate::problem::Answer;

/// Record an action
///
/// One tool call of an agent, for a subtask or just a session.
#[utoipa::path(post, path = "/api/actions", tag = "actions",
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes a repeat answer what the first request was answered.", min_length = 1, max_length = 200)),
    request_body = RecordAction,
    responses((status = 201, body = ActionAnswer, description = "Recorded."),
              (status = "4XX", body = Problem, description = "Refused.", content_type = "application/problem+json")))]
pub async fn record(
    State(engine): State<Engine>,
    Create { request, key }: Create<RecordAction>,
) -> Answer<(StatusCode, Json<ActionAnswer>)> {
    let action = engine.record_action(request, key).await?;
    Ok((StatusCode::CREATED, Json(ActionAnswer { success: true, action })))
}

/// Which actions to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Of this session.
    #[serde(alias = "session_id")]
    #[param(min_length = 1, max_length = 200)]
    session: Option<String>,
    /// Of this subtask.
    #[serde(alias = "subtask_id")]
    subtask: Option<Uuid>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
    /// Page size, 1–500.
    #[serde(default = "default_limit")]
    #[param(minimum = 1, maximum = 500, default = 100)]
    limit: i64,
}

const fn default_limit() -> i64 {
    100
}

/// List actions
///
/// Newest first, by pages.
#[utoipa::path(get, path = "/api/actions", tag = "actions", params(Filter),
    responses((status = 200, body = ActionPage, description = "A page."),
              (status = "4XX", body = Problem, description = "Refused.", content_type = "application/problem+json")))]
pub async fn list(
    State(engine): State<Engine>,
    Query(filter): Query<Filter>,
) -> Answer<Json<ActionPage>> {
    let mut check = Check::default();
    check.range("limit", filter.limit, 1, PAGE);
    if let Some(session) = &filter.session {
        check.name("session", session);
    }
    check.finish()?;
    let page = engine.actions(
        filter.session.as_deref(),
        filter.subtask,
        filter.cursor.as_deref(),
        filter.limit,
    );
    Ok(Json(page.await?))
}
