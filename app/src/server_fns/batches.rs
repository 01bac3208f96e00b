//! Batches: their subtasks, synthesis and conflicts.

use leptos::prelude::*;
use uuid::Uuid;

use super::json::Json;
#[cfg(feature = "ssr")]
use super::{engine, refuse};
use crate::{AppError, views::BatchView, views::Row};

/// A batch with everything that its page shows: its first subtasks, or all of them.
#[server(name = BatchViewCall, endpoint = "batch", input = Json, output = Json)]
pub async fn batch_view(id: String, all: bool) -> Result<BatchView, AppError> {
    let engine = engine()?;
    let id = super::subtasks::parse_id("batch", &id)?;
    let read = engine.batch(id).await.map_err(refuse)?;
    let synthesis = engine.synthesis(id).await.map_err(refuse)?;
    let report = engine.conflicts(id).await.map_err(refuse)?;
    Ok(BatchView::new(read.batch, &read.subtasks, all, synthesis, report))
}

/// The first subtasks of a batch, for a session that just got it.
#[server(name = BatchRowsCall, endpoint = "batch-rows", input = Json, output = Json)]
pub async fn batch_rows(id: Uuid) -> Result<Vec<Row>, AppError> {
    let filter = domain::dto::SubtaskFilter { batch_id: Some(id), ..Default::default() };
    let limit = i64::try_from(crate::views::ROWS_PER_READ).unwrap_or(1);
    let page = engine()?.subtasks(&filter, None, limit).await.map_err(refuse)?;
    Ok(page.subtasks.iter().map(Row::from).collect())
}
