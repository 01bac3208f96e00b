//! `/api/orchestration/batch…`, synthesis and conflicts

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::{
    dto::{
        BatchAnswer, Cancel, CancelAnswer, CompleteAnswer, ConflictReport, OnOverlap, SubmitAnswer,
        SubmitBatch,
    },
    problem::Problem,
    synthesis::Synthesis,
};
use engine::Engine;
use serde::Deserialize;
use utoipa::IntoParams;

use super::extract::{Create, OptionalBody, Query, Segment};
use crate::{bodies::Bodies, problem::Answer};

/// What a submission may ask for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SubmitQuery {
    /// What to do when tasks that may run at the same time may touch the same files: `warn` (the
    /// default) says so in `warnings`, `reject` answers 409, `serialize` lets them wait for each other.
    #[serde(default)]
    #[param(inline)]
    pub on_overlap: OnOverlap,
}

/// Submit a batch of tasks
///
/// The session and the wave appear on first use. A task waits for what its `blocked_by` names.
#[utoipa::path(post, path = "/api/orchestration/batch-submit", tag = "batches",
    params(SubmitQuery,
           ("Idempotency-Key" = Option<String>, Header, description = "Makes a repeat answer what the first request was answered.", min_length = 1, max_length = 200)),
    request_body = SubmitBatch,
    responses((status = 201, body = SubmitAnswer, description = "Submitted."),
              (status = "4XX", body = Problem, description = "Refused.", content_type = "application/problem+json")))]
pub async fn submit(
    State(engine): State<Engine>,
    Query(query): Query<SubmitQuery>,
    Create { request, key }: Create<SubmitBatch>,
) -> Answer<(StatusCode, Json<SubmitAnswer>)> {
    let answer = engine.submit_batch(request, query.on_overlap, key).await?;
    Ok((StatusCode::CREATED, Json(answer)))
}

/// Get a batch with its subtasks
///
/// By priority, highest first, then in the order of submission. `ETag` names this state; sent back as
/// `If-None-Match`, it is answered 304 while nothing has changed.
#[utoipa::path(get, path = "/api/orchestration/batch/{id}", tag = "batches",
    params(("id" = String, Path, description = "The batch."),
           ("If-None-Match" = Option<String>, Header, description = "The `ETag` of the state that the client has.")),
    responses((status = 200, body = BatchAnswer, description = "The batch.",
               headers(("ETag" = String, description = "Names this state."))),
              (status = 304, description = "It is as the client has it."),
              (status = "4XX", body = Problem, description = "No such batch.", content_type = "application/problem+json")))]
pub async fn get(
    State(engine): State<Engine>,
    Extension(bodies): Extension<Arc<Bodies>>,
    id: Segment,
    headers: HeaderMap,
) -> Answer<Response> {
    let body = bodies.batch(&engine, id.id("batch")?).await?;
    let tag = body.tag();
    let has = headers.get_all(header::IF_NONE_MATCH);
    if has.iter().filter_map(|has| has.to_str().ok()).any(|has| names(has, &tag)) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response());
    }
    let kind = "application/json".to_owned();
    Ok(([(header::CONTENT_TYPE, kind), (header::ETAG, tag)], body.json).into_response())
}

/// Whether `If-None-Match` names that state.
fn names(header: &str, tag: &str) -> bool {
    header.split(',').map(str::trim).any(|has| has == "*" || has == tag)
}

/// How to complete a batch.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Completion {
    /// Refuse while subtasks are open, instead of answering with how things stand.
    #[serde(default)]
    strict: bool,
}

/// Complete a batch
///
/// Stores the synthesis once every subtask has ended; before that, answers with how things stand.
/// Safe to repeat.
#[utoipa::path(post, path = "/api/orchestration/batch/{id}/complete", tag = "batches",
    params(("id" = String, Path, description = "The batch."), Completion),
    responses((status = 200, body = CompleteAnswer, description = "The synthesis."),
              (status = "4XX", body = Problem, description = "Refused.", content_type = "application/problem+json")))]
pub async fn complete(
    State(engine): State<Engine>,
    id: Segment,
    Query(completion): Query<Completion>,
) -> Answer<Json<CompleteAnswer>> {
    Ok(Json(engine.complete_batch(id.id("batch")?, completion.strict).await?))
}

/// How a synthesis is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// The object.
    #[default]
    Json,
    /// A report to read.
    Markdown,
}

/// How a synthesis is asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Writing {
    /// `json`, or `markdown` for a report to read.
    #[serde(default)]
    #[param(inline, default = "json")]
    format: Format,
}

/// Get a batch's synthesis
///
/// The bare object, small enough for a prompt; or the same as Markdown.
#[utoipa::path(get, path = "/api/orchestration/synthesis/{id}", tag = "batches",
    params(("id" = String, Path, description = "The batch."), Writing),
    responses((status = 200, description = "The synthesis; while the batch is open, of how things stand.",
               content((Synthesis = "application/json"), (String = "text/markdown"))),
              (status = "4XX", body = Problem, description = "No such batch.", content_type = "application/problem+json")))]
pub async fn synthesis(
    State(engine): State<Engine>,
    id: Segment,
    Query(writing): Query<Writing>,
) -> Answer<Response> {
    let synthesis = engine.synthesis(id.id("batch")?).await?;
    Ok(match writing.format {
        Format::Json => Json(synthesis).into_response(),
        Format::Markdown => {
            let kind = [(header::CONTENT_TYPE, "text/markdown; charset=utf-8")];
            (kind, domain::report::markdown(&synthesis)).into_response()
        }
    })
}

/// Analyse a batch's conflicts
///
/// Files that several subtasks touched, and subtasks that wait for a failed one.
#[utoipa::path(get, path = "/api/orchestration/conflicts/{id}", tag = "batches",
    params(("id" = String, Path, description = "The batch.")),
    responses((status = 200, body = ConflictReport, description = "The conflicts."),
              (status = "4XX", body = Problem, description = "No such batch.", content_type = "application/problem+json")))]
pub async fn conflicts(State(engine): State<Engine>, id: Segment) -> Answer<Json<ConflictReport>> {
    Ok(Json(engine.conflicts(id.id("batch")?).await?))
}

/// Cancel a batch
///
/// Its open subtasks fail; their agents learn of it at their next sign of life or report. The body may
/// be left out.
#[utoipa::path(post, path = "/api/orchestration/batch/{id}/cancel", tag = "agents at work",
    params(("id" = String, Path, description = "The batch.")),
    request_body = Option<Cancel>,
    responses((status = 200, body = CancelAnswer, description = "What was cancelled."),
              (status = "4XX", body = Problem, description = "Refused.", content_type = "application/problem+json")))]
pub async fn cancel(
    State(engine): State<Engine>,
    id: Segment,
    OptionalBody(request): OptionalBody<Cancel>,
) -> Answer<Json<CancelAnswer>> {
    let subtasks = engine.cancel_batch(id.id("batch")?, request).await?;
    Ok(Json(CancelAnswer { success: true, subtasks }))
}
