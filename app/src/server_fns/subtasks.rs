//! Subtasks.

use leptos::prelude::*;
use uuid::Uuid;

use super::json::Json;
#[cfg(feature = "ssr")]
use super::{engine, refuse};
use crate::{AppError, views::Row};

/// Tries a failed subtask again.
#[server(name = RetrySubtaskCall, endpoint = "retry-subtask", input = Json, output = Json)]
pub async fn retry_subtask(id: Uuid) -> Result<Row, AppError> {
    let subtask = engine()?.retry_subtask(id).await.map_err(refuse)?;
    Ok(Row::from(&subtask))
}

/// An id out of an address: a malformed one names nothing, so it is not found.
#[cfg(feature = "ssr")]
pub(super) fn parse_id(what: &str, id: &str) -> Result<Uuid, AppError> {
    use domain::problem::Problem;
    id.parse().map_err(|_| {
        if let Some(response) = use_context::<leptos_axum::ResponseOptions>() {
            response.set_status(axum::http::StatusCode::NOT_FOUND);
        }
        AppError::from(Problem::new(
            404,
            "Not Found",
            "not_found",
            format!("There is no {what} `{id}`."),
        ))
    })
}
