//! Subtasks.

use domain::dto::PatchSubtask;
use leptos::prelude::*;
use uuid::Uuid;

use super::json::Json;
#[cfg(feature = "ssr")]
use super::{engine, refuse};
use crate::{
    AppError,
    views::{Row, SubtaskView},
};
#[cfg(feature = "ssr")]
use domain::{
    problem::Refusal,
    subtask::{Subtask, SubtaskStatus},
};
#[cfg(feature = "ssr")]
use std::collections::HashMap;

/// Most tool calls that the drawer shows.
#[cfg(feature = "ssr")]
const ACTIONS: i64 = 50;

/// A subtask in full, with its latest tool calls.
#[server(name = SubtaskViewCall, endpoint = "subtask", input = Json, output = Json)]
pub async fn subtask_view(id: Uuid) -> Result<SubtaskView, AppError> {
    match read_subtask(id).await? {
        Some(view) => Ok(view),
        None => Err(refuse(Refusal::not_found("subtask", id).into())),
    }
}

/// None when there is no such subtask.
#[cfg(feature = "ssr")]
pub(super) async fn read_subtask(id: Uuid) -> Result<Option<SubtaskView>, AppError> {
    let engine = engine()?;
    let subtask = match engine.subtask(id).await {
        Ok(subtask) => subtask,
        Err(engine::Error::Refused(Refusal::NotFound { .. })) => return Ok(None),
        Err(error) => return Err(refuse(error)),
    };
    let page = engine.actions(None, Some(id), None, ACTIONS).await.map_err(refuse)?;
    let attempts = engine.attempts(id).await.map_err(refuse)?;
    let now = chrono::Utc::now();
    let more = page.next_cursor.is_some();
    Ok(Some(SubtaskView::new(&subtask, &page.actions, more, &attempts, now)))
}

/// Subtasks for a list, with the tools that those that run called last.
#[cfg(feature = "ssr")]
pub(super) async fn rows(subtasks: &[Subtask]) -> Result<Vec<Row>, AppError> {
    let mut rows: Vec<Row> = subtasks.iter().map(Row::from).collect();
    let runs = |row: &&Row| row.status == SubtaskStatus::Running;
    let at_work: Vec<Uuid> = rows.iter().filter(runs).map(|row| row.id).collect();
    let mut tools: HashMap<Uuid, String> =
        engine()?.latest_tools(&at_work).await.map_err(refuse)?.into_iter().collect();
    for row in &mut rows {
        row.last_tool = tools.remove(&row.id);
    }
    Ok(rows)
}

/// Changes a subtask.
#[server(name = PatchSubtaskCall, endpoint = "patch-subtask", input = Json, output = Json)]
pub async fn patch_subtask(id: Uuid, body: PatchSubtask) -> Result<Row, AppError> {
    body.check().map_err(|refusal| refuse(refusal.into()))?;
    let subtask = engine()?.patch_subtask(id, body).await.map_err(refuse)?;
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
