//! `/api/waves/{session_id}/…`

use axum::{Json, extract::State, http::StatusCode};
use domain::{
    dto::{
        ApproveWave, CancelAnswer, CancelWave, CreateWave, CurrentWave, RetryFailed,
        RetryFailedAnswer, StartWave, TransitionAnswer, TransitionWave, WaveAnswer, WaveHistory,
    },
    problem::Problem,
};
use engine::Engine;

use super::extract::{Body, Create, OptionalBody, Segment};
use crate::problem::Answer;

/// Create a wave
///
/// Safe to repeat: when the wave exists it is answered with 200, its empty name and description
/// filled in.
#[utoipa::path(post, path = "/api/waves/{session_id}/create", tag = "waves",
    params(("session_id" = String, Path, description = "The session; it appears on first use."),
           ("Idempotency-Key" = Option<String>, Header, description = "Makes a repeat answer what the first request was answered.", min_length = 1, max_length = 200)),
    request_body = CreateWave,
    responses((status = 201, body = WaveAnswer, description = "Created."),
              (status = 200, body = WaveAnswer, description = "It was there already."),
              (status = "4XX", body = Problem, description = "Refused.", content_type = "application/problem+json")))]
pub async fn create(
    State(engine): State<Engine>,
    Segment(session_id): Segment,
    Create { request, key }: Create<CreateWave>,
) -> Answer<(StatusCode, Json<WaveAnswer>)> {
    let (wave, created) = engine.create_wave(&session_id, request, key).await?;
    let status = if created { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(WaveAnswer { success: true, wave })))
}

/// Start a wave
///
/// Refused unless the wave is pending, no other wave of the session runs, and every lower wave is
/// completed (or failed, with `force`).
#[utoipa::path(post, path = "/api/waves/{session_id}/start", tag = "waves",
    params(("session_id" = String, Path, description = "The session.")),
    request_body = StartWave,
    responses((status = 200, body = WaveAnswer, description = "Started."),
              (status = "4XX", body = Problem, description = "Refused.", content_type = "application/problem+json")))]
pub async fn start(
    State(engine): State<Engine>,
    Segment(session_id): Segment,
    Body(request): Body<StartWave>,
) -> Answer<Json<WaveAnswer>> {
    let wave = engine.start_wave(&session_id, request).await?;
    Ok(Json(WaveAnswer { success: true, wave }))
}

/// Go on to the next wave
///
/// Starts the lowest pending wave once the one before it has completed; completes a running wave
/// that has no subtasks. The body may be left out.
#[utoipa::path(post, path = "/api/waves/{session_id}/transition", tag = "waves",
    params(("session_id" = String, Path, description = "The session.")),
    request_body = Option<TransitionWave>,
    responses((status = 200, body = TransitionAnswer, description = "The next wave runs."),
              (status = "4XX", body = Problem, description = "Refused.", content_type = "application/problem+json")))]
pub async fn transition(
    State(engine): State<Engine>,
    Segment(session_id): Segment,
    OptionalBody(request): OptionalBody<TransitionWave>,
) -> Answer<Json<TransitionAnswer>> {
    Ok(Json(engine.transition_wave(&session_id, request).await?))
}

/// Retry a wave's failed subtasks
///
/// All of them or none; a failed wave runs again. What was stranded behind them waits for them as
/// before.
#[utoipa::path(post, path = "/api/waves/{session_id}/retry-failed", tag = "waves",
    params(("session_id" = String, Path, description = "The session.")),
    request_body = RetryFailed,
    responses((status = 200, body = RetryFailedAnswer, description = "They are to be tried again."),
              (status = "4XX", body = Problem, description = "Refused.", content_type = "application/problem+json")))]
pub async fn retry_failed(
    State(engine): State<Engine>,
    Segment(session_id): Segment,
    Body(request): Body<RetryFailed>,
) -> Answer<Json<RetryFailedAnswer>> {
    let subtasks = engine.retry_failed(&session_id, request.wave_number).await?;
    Ok(Json(RetryFailedAnswer { success: true, subtasks }))
}

/// Get the current wave
///
/// The running wave, else the highest pending one; `next` is the lowest pending one.
#[utoipa::path(get, path = "/api/waves/{session_id}/current", tag = "waves",
    params(("session_id" = String, Path, description = "The session.")),
    responses((status = 200, body = CurrentWave, description = "The wave."),
              (status = "4XX", body = Problem, description = "Nothing runs or waits.", content_type = "application/problem+json")))]
pub async fn current(
    State(engine): State<Engine>,
    Segment(session_id): Segment,
) -> Answer<Json<CurrentWave>> {
    Ok(Json(engine.current_wave(&session_id).await?))
}

/// List a session's waves
///
/// By wave number.
#[utoipa::path(get, path = "/api/waves/{session_id}/history", tag = "waves",
    params(("session_id" = String, Path, description = "The session.")),
    responses((status = 200, body = WaveHistory, description = "The waves."),
              (status = "4XX", body = Problem, description = "No such session.", content_type = "application/problem+json")))]
pub async fn history(
    State(engine): State<Engine>,
    Segment(session_id): Segment,
) -> Answer<Json<WaveHistory>> {
    Ok(Json(engine.wave_history(&session_id).await?))
}

/// Cancel a wave
///
/// Its open subtasks fail; their agents learn of it at their next sign of life or report.
#[utoipa::path(post, path = "/api/waves/{session_id}/cancel", tag = "agents at work",
    params(("session_id" = String, Path, description = "The session.")),
    request_body = CancelWave,
    responses((status = 200, body = CancelAnswer, description = "What was cancelled."),
              (status = "4XX", body = Problem, description = "Refused.", content_type = "application/problem+json")))]
pub async fn cancel(
    State(engine): State<Engine>,
    Segment(session_id): Segment,
    Body(request): Body<CancelWave>,
) -> Answer<Json<CancelAnswer>> {
    let subtasks = engine.cancel_wave(&session_id, request).await?;
    Ok(Json(CancelAnswer { success: true, subtasks }))
}

/// Approve a wave
///
/// Or reject it, with `"approved": false`. A wave that was created with `requires_approval` starts only once
/// it is approved; a comment goes into the prompts of its subtasks.
#[utoipa::path(post, path = "/api/waves/{session_id}/approve", tag = "waves",
    params(("session_id" = String, Path, description = "The session.")),
    request_body = ApproveWave,
    responses((status = 200, body = WaveAnswer, description = "As it stands now."),
              (status = "4XX", body = Problem, description = "Refused.", content_type = "application/problem+json")))]
pub async fn approve(
    State(engine): State<Engine>,
    Segment(session_id): Segment,
    Body(request): Body<ApproveWave>,
) -> Answer<Json<WaveAnswer>> {
    let wave = engine.approve_wave(&session_id, request).await?;
    Ok(Json(WaveAnswer { success: true, wave }))
}
