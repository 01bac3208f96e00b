//! `/api/events`

use axum::{Json, extract::State};
use domain::{check::Check, dto::EventPage, event::Channel, problem::Problem};
use engine::Engine;
use serde::Deserialize;
use utoipa::IntoParams;

use super::extract::Query;
use crate::problem::Answer;

/// Which events to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// After this position.
    #[serde(default)]
    #[param(minimum = 0, default = 0)]
    since: i64,
    /// `global`, `all`, `sessions/{id}`, `batches/{id}` or `agents/{agent_type}`; every event when left out.
    channel: Option<String>,
    /// Page size, 1–1,000.
    #[serde(default = "default_limit")]
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: i64,
}

const fn default_limit() -> i64 {
    100
}

/// Read the event log
///
/// The same log that the socket replays; oldest first.
#[utoipa::path(get, path = "/api/events", tag = "events", params(Filter),
    responses((status = 200, body = EventPage, description = "A page."),
              (status = "4XX", body = Problem, description = "Refused.", content_type = "application/problem+json")))]
pub async fn list(
    State(engine): State<Engine>,
    Query(filter): Query<Filter>,
) -> Answer<Json<EventPage>> {
    let mut check = Check::default();
    check.range("limit", filter.limit, 1, 1_000);
    check.range("since", filter.since, 0, i64::MAX);
    let channel = filter.channel.as_deref().map(Channel::parse);
    if channel == Some(None) {
        check.fail(
            "channel",
            "must be global, all, sessions/{id}, batches/{id} or agents/{agent_type}",
        );
    }
    check.finish()?;
    Ok(Json(engine.events(channel.flatten().as_ref(), filter.since, filter.limit).await?))
}
