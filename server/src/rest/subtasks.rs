//! `/api/subtasks…`

use axum::{Extension, Json, extract::State};
use domain::{
    check::{Check, PAGE},
    dto::{
        Attempts, CLAIM_WAIT, Cancel, CancelAnswer, ClaimAnswer, ClaimSubtasks, Heartbeat,
        HeartbeatAnswer, PatchSubtask, SubtaskAnswer, SubtaskFilter, SubtaskPage,
    },
    problem::Problem,
    subtask::SubtaskStatus,
};
use engine::Engine;
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::extract::{Body, Create, OptionalBody, Query, Segment};
use crate::problem::Answer;

/// Which subtasks to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Of this session.
    // The names that bodies have for them are understood, too.
    #[serde(alias = "session_id")]
    #[param(min_length = 1, max_length = 200)]
    session: Option<String>,
    /// Of this wave.
    #[serde(alias = "wave_number")]
    #[param(minimum = 0)]
    wave: Option<i32>,
    /// Of this batch.
    #[serde(alias = "batch_id")]
    batch: Option<Uuid>,
    /// In this status.
    status: Option<SubtaskStatus>,
    /// Of this agent type.
    #[param(min_length = 1, max_length = 200)]
    agent_type: Option<String>,
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

/// List subtasks
///
/// Oldest first, by pages.
#[utoipa::path(get, path = "/api/subtasks", tag = "subtasks", params(Filter),
    responses((status = 200, body = SubtaskPage, description = "A page."),
              (status = "4XX", body = Problem, description = "Refused.", content_type = "application/problem+json")))]
pub async fn list(
    State(engine): State<Engine>,
    Query(filter): Query<Filter>,
) -> Answer<Json<SubtaskPage>> {
    let mut check = Check::default();
    check.range("limit", filter.limit, 1, PAGE);
    if let Some(session) = &filter.session {
        check.name("session", session);
    }
    if let Some(agent_type) = &filter.agent_type {
        check.name("agent_type", agent_type);
    }
    if let Some(wave) = filter.wave {
        check.range("wave", wave.into(), 0, i32::MAX.into());
    }
    check.finish()?;
    let Filter { session, wave, batch, status, agent_type, cursor, limit } = filter;
    let filter = SubtaskFilter {
        session_id: session,
        wave_number: wave,
        batch_id: batch,
        status,
        agent_type,
    };
    Ok(Json(engine.subtasks(&filter, cursor.as_deref(), limit).await?))
}

/// Get a subtask
#[utoipa::path(get, path = "/api/subtasks/{id}", tag = "subtasks",
    params(("id" = String, Path, description = "The subtask.")),
    responses((status = 200, body = SubtaskAnswer, description = "The subtask."),
              (status = "4XX", body = Problem, description = "No such subtask.", content_type = "application/problem+json")))]
pub async fn get(State(engine): State<Engine>, id: Segment) -> Answer<Json<SubtaskAnswer>> {
    Ok(Json(SubtaskAnswer { success: true, subtask: engine.subtask(id.id("subtask")?).await? }))
}

/// Change a subtask
///
/// Status, result and the rest in one step; at least one field. Repeating the same end is a 200.
#[utoipa::path(patch, path = "/api/subtasks/{id}", tag = "subtasks",
    params(("id" = String, Path, description = "The subtask.")),
    request_body = PatchSubtask,
    responses((status = 200, body = SubtaskAnswer, description = "As it stands now."),
              (status = "4XX", body = Problem, description = "Refused.", content_type = "application/problem+json")))]
pub async fn patch(
    State(engine): State<Engine>,
    id: Segment,
    Body(request): Body<PatchSubtask>,
) -> Answer<Json<SubtaskAnswer>> {
    Ok(Json(SubtaskAnswer {
        success: true,
        subtask: engine.patch_subtask(id.id("subtask")?, request).await?,
    }))
}

/// Retry a failed subtask
///
/// It turns pending again; a wave that failed over it is reopened.
#[utoipa::path(post, path = "/api/subtasks/{id}/retry", tag = "subtasks",
    params(("id" = String, Path, description = "The subtask.")),
    responses((status = 200, body = SubtaskAnswer, description = "As it stands now."),
              (status = "4XX", body = Problem, description = "Refused.", content_type = "application/problem+json")))]
pub async fn retry(State(engine): State<Engine>, id: Segment) -> Answer<Json<SubtaskAnswer>> {
    Ok(Json(SubtaskAnswer {
        success: true,
        subtask: engine.retry_subtask(id.id("subtask")?).await?,
    }))
}

/// The longest wait of a claim that leaves time for its answer before the request is let go.
#[derive(Clone, Copy, Debug)]
pub struct LongestWait(i32);

impl LongestWait {
    /// For requests that may take so many seconds.
    #[must_use]
    pub fn within(request_timeout: u64) -> Self {
        Self(i32::try_from(request_timeout.saturating_sub(1)).unwrap_or(i32::MAX))
    }

    /// A wait that no claim may ask for stays what it is, to be refused.
    fn of(self, wait: i32) -> i32 {
        if wait > CLAIM_WAIT { wait } else { wait.min(self.0) }
    }
}

/// Claim work
///
/// The most urgent ready subtasks of running waves, each under a lease: they run from now on, and no
/// other claim gets them. Send a heartbeat or record an action before the lease is over, and the lease's
/// `token` with every report. Answers with nothing when nothing is ready, after `wait_seconds`;
/// `held_back` says so when the session that is named is paused or has spent its budget.
#[utoipa::path(post, path = "/api/subtasks/claim", tag = "agents at work",
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes a repeat answer what the first request was given.", min_length = 1, max_length = 200)),
    request_body = ClaimSubtasks,
    responses((status = 200, body = ClaimAnswer, description = "What was claimed; may be nothing."),
              (status = "4XX", body = Problem, description = "Refused.", content_type = "application/problem+json")))]
pub async fn claim(
    State(engine): State<Engine>,
    Extension(longest): Extension<LongestWait>,
    Create { mut request, key }: Create<ClaimSubtasks>,
) -> Answer<Json<ClaimAnswer>> {
    request.wait_seconds = request.wait_seconds.map(|wait| longest.of(wait));
    Ok(Json(engine.claim(request, key).await?))
}

/// Give a sign of life
///
/// The lease lasts from now on. 409 `lease_lost` when it is over: stop working on the subtask.
#[utoipa::path(post, path = "/api/subtasks/{id}/heartbeat", tag = "agents at work",
    params(("id" = String, Path, description = "The subtask.")),
    request_body = Heartbeat,
    responses((status = 200, body = HeartbeatAnswer, description = "The lease goes on."),
              (status = "4XX", body = Problem, description = "The lease is over, and why.", content_type = "application/problem+json")))]
pub async fn heartbeat(
    State(engine): State<Engine>,
    id: Segment,
    Body(request): Body<Heartbeat>,
) -> Answer<Json<HeartbeatAnswer>> {
    let lease = engine.heartbeat(id.id("subtask")?, request).await?;
    Ok(Json(HeartbeatAnswer { success: true, lease }))
}

/// List the tries at a subtask
///
/// Every lease that it was held under, oldest first: who, when, and what became of it.
#[utoipa::path(get, path = "/api/subtasks/{id}/attempts", tag = "agents at work",
    params(("id" = String, Path, description = "The subtask.")),
    responses((status = 200, body = Attempts, description = "The tries."),
              (status = "4XX", body = Problem, description = "No such subtask.", content_type = "application/problem+json")))]
pub async fn attempts(State(engine): State<Engine>, id: Segment) -> Answer<Json<Attempts>> {
    Ok(Json(Attempts { attempts: engine.attempts(id.id("subtask")?).await? }))
}

/// Cancel a subtask
///
/// It fails; its agent learns of it at its next sign of life or report. Nothing when it has ended. The
/// body may be left out.
#[utoipa::path(post, path = "/api/subtasks/{id}/cancel", tag = "agents at work",
    params(("id" = String, Path, description = "The subtask.")),
    request_body = Option<Cancel>,
    responses((status = 200, body = CancelAnswer, description = "What was cancelled."),
              (status = "4XX", body = Problem, description = "Refused.", content_type = "application/problem+json")))]
pub async fn cancel(
    State(engine): State<Engine>,
    id: Segment,
    OptionalBody(request): OptionalBody<Cancel>,
) -> Answer<Json<CancelAnswer>> {
    let subtasks = engine.cancel_subtask(id.id("subtask")?, request).await?;
    Ok(Json(CancelAnswer { success: true, subtasks }))
}
