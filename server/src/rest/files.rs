//! `/api/files…`

use axum::{Json, extract::State};
use domain::{
    dto::{FileLeases, ReleaseAnswer, ReleaseFiles, ReserveFiles},
    problem::Problem,
};
use engine::Engine;
use serde::Deserialize;
use utoipa::IntoParams;

use super::extract::{Body, Query};
use crate::problem::Answer;

/// Reserve files
///
/// For one agent, all of them or none; sent again, they are kept longer. 409 `files_held` names the agent
/// that has one of them, and until when. They are free when their time is up, when they are released, and
/// when the subtask that they are for no longer runs.
#[utoipa::path(post, path = "/api/files/reserve", tag = "agents at work",
    request_body = ReserveFiles,
    responses((status = 200, body = FileLeases, description = "Everything that the agent now holds of the session."),
              (status = "4XX", body = Problem, description = "Refused.", content_type = "application/problem+json")))]
pub async fn reserve(
    State(engine): State<Engine>,
    Body(request): Body<ReserveFiles>,
) -> Answer<Json<FileLeases>> {
    Ok(Json(FileLeases { leases: engine.reserve_files(request).await? }))
}

/// Release files
#[utoipa::path(post, path = "/api/files/release", tag = "agents at work",
    request_body = ReleaseFiles,
    responses((status = 200, body = ReleaseAnswer, description = "They are free."),
              (status = "4XX", body = Problem, description = "Refused.", content_type = "application/problem+json")))]
pub async fn release(
    State(engine): State<Engine>,
    Body(request): Body<ReleaseFiles>,
) -> Answer<Json<ReleaseAnswer>> {
    Ok(Json(ReleaseAnswer { success: true, released: engine.release_files(request).await? }))
}

/// Which files to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// The session.
    #[param(min_length = 1, max_length = 200)]
    session: String,
}

/// List the files that are held
///
/// Of a session, in order of their paths.
#[utoipa::path(get, path = "/api/files", tag = "agents at work", params(Filter),
    responses((status = 200, body = FileLeases, description = "Who holds what, and until when."),
              (status = "4XX", body = Problem, description = "Refused.", content_type = "application/problem+json")))]
pub async fn list(
    State(engine): State<Engine>,
    Query(filter): Query<Filter>,
) -> Answer<Json<FileLeases>> {
    Ok(Json(FileLeases { leases: engine.file_leases(&filter.session).await? }))
}
