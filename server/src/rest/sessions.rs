//! `/api/sessions…`

use axum::{Json, extract::State};
use domain::{
    check::{Check, PAGE},
    dto::{Attempts, SessionDetail, SessionPage},
    problem::Problem,
    usage::Budget,
    wave::SessionState,
};
use engine::Engine;
use serde::Deserialize;
use utoipa::IntoParams;

use super::extract::{Body, Query, Segment};
use crate::problem::Answer;

/// Which sessions to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// A part of the name.
    #[param(max_length = 200)]
    search: Option<String>,
    /// Where the sessions stand.
    #[param(inline)]
    status: Option<SessionState>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
    /// Page size, 1–500.
    #[serde(default = "default_limit")]
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: i64,
}

const fn default_limit() -> i64 {
    50
}

/// List sessions
///
/// Latest activity first, by pages.
#[utoipa::path(get, path = "/api/sessions", tag = "sessions", params(Filter),
    responses((status = 200, body = SessionPage, description = "A page."),
              (status = "4XX", body = Problem, description = "Refused.", content_type = "application/problem+json")))]
pub async fn list(
    State(engine): State<Engine>,
    Query(filter): Query<Filter>,
) -> Answer<Json<SessionPage>> {
    let mut check = Check::default();
    check.range("limit", filter.limit, 1, PAGE);
    check.finish()?;
    Ok(Json(
        engine
            .sessions(
                filter.search.as_deref(),
                filter.status,
                filter.cursor.as_deref(),
                filter.limit,
            )
            .await?,
    ))
}

/// Get a session
///
/// With its waves and batches.
#[utoipa::path(get, path = "/api/sessions/{session_id}", tag = "sessions",
    params(("session_id" = String, Path, description = "The session.")),
    responses((status = 200, body = SessionDetail, description = "The session."),
              (status = "4XX", body = Problem, description = "No such session.", content_type = "application/problem+json")))]
pub async fn get(
    State(engine): State<Engine>,
    Segment(session_id): Segment,
) -> Answer<Json<SessionDetail>> {
    Ok(Json(engine.session(&session_id).await?))
}

/// Pause a session
///
/// Claims get no work of it; what agents hold they keep. Safe to repeat.
#[utoipa::path(post, path = "/api/sessions/{session_id}/pause", tag = "agents at work",
    params(("session_id" = String, Path, description = "The session.")),
    responses((status = 200, body = SessionDetail, description = "As it stands now."),
              (status = "4XX", body = Problem, description = "Refused.", content_type = "application/problem+json")))]
pub async fn pause(
    State(engine): State<Engine>,
    Segment(session_id): Segment,
) -> Answer<Json<SessionDetail>> {
    engine.pause_session(&session_id, true).await?;
    Ok(Json(engine.session(&session_id).await?))
}

/// Resume a session
///
/// Claims get its work again. Safe to repeat.
#[utoipa::path(post, path = "/api/sessions/{session_id}/resume", tag = "agents at work",
    params(("session_id" = String, Path, description = "The session.")),
    responses((status = 200, body = SessionDetail, description = "As it stands now."),
              (status = "4XX", body = Problem, description = "Refused.", content_type = "application/problem+json")))]
pub async fn resume(
    State(engine): State<Engine>,
    Segment(session_id): Segment,
) -> Answer<Json<SessionDetail>> {
    engine.pause_session(&session_id, false).await?;
    Ok(Json(engine.session(&session_id).await?))
}

/// Set a session's budget
///
/// What it may spend in tokens and US dollars, over all its subtasks and their attempts. Everyone is told
/// when the soft limits are reached; from the hard ones on, no more work is handed out. What is left out
/// is not limited. Safe to repeat.
#[utoipa::path(put, path = "/api/sessions/{session_id}/budget", tag = "agents at work",
    params(("session_id" = String, Path, description = "The session.")),
    request_body = Budget,
    responses((status = 200, body = SessionDetail, description = "As it stands now."),
              (status = "4XX", body = Problem, description = "Refused.", content_type = "application/problem+json")))]
pub async fn set_budget(
    State(engine): State<Engine>,
    Segment(session_id): Segment,
    Body(budget): Body<Budget>,
) -> Answer<Json<SessionDetail>> {
    engine.set_budget(&session_id, budget).await?;
    Ok(Json(engine.session(&session_id).await?))
}

/// List a session's leases
///
/// What its agents hold now, oldest first.
#[utoipa::path(get, path = "/api/sessions/{session_id}/leases", tag = "agents at work",
    params(("session_id" = String, Path, description = "The session.")),
    responses((status = 200, body = Attempts, description = "The leases."),
              (status = "4XX", body = Problem, description = "Refused.", content_type = "application/problem+json")))]
pub async fn leases(
    State(engine): State<Engine>,
    Segment(session_id): Segment,
) -> Answer<Json<Attempts>> {
    Ok(Json(Attempts { attempts: engine.leases(&session_id).await? }))
}
