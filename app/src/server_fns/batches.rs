//! Batches: their subtasks, synthesis and conflicts.

use leptos::prelude::*;
use uuid::Uuid;

use super::json::Json;
#[cfg(feature = "ssr")]
use super::{engine, refuse};
use crate::{AppError, views::BatchView, views::Row};
#[cfg(feature = "ssr")]
use domain::dto::ConflictReport;

/// A batch with everything that its page shows: its first subtasks, or all of them.
#[server(name = BatchViewCall, endpoint = "batch", input = Json, output = Json)]
pub async fn batch_view(id: String, all: bool) -> Result<BatchView, AppError> {
    let engine = engine()?;
    let id = super::subtasks::parse_id("batch", &id)?;
    let read = engine.batch(id).await.map_err(refuse)?;
    let synthesis = engine.synthesis(id).await.map_err(refuse)?;
    let report = ConflictReport::of(id, synthesis.conflicts.clone());
    Ok(BatchView::new(read.batch, &read.subtasks, all, synthesis, report))
}

/// The synthesis of a batch as agents get it, as JSON.
#[server(name = BatchSynthesisCall, endpoint = "batch-synthesis", input = Json, output = Json)]
pub async fn batch_synthesis(id: Uuid) -> Result<String, AppError> {
    let synthesis = engine()?.synthesis(id).await.map_err(refuse)?;
    serde_json::to_string(&synthesis).map_err(|error| refuse(error.into()))
}

/// The first subtasks of a batch, for a session that just got it.
#[server(name = BatchRowsCall, endpoint = "batch-rows", input = Json, output = Json)]
pub async fn batch_rows(id: Uuid) -> Result<Vec<Row>, AppError> {
    let filter = domain::dto::SubtaskFilter { batch_id: Some(id), ..Default::default() };
    let limit = i64::try_from(crate::views::ROWS_PER_READ).unwrap_or(1);
    let page = engine()?.subtasks(&filter, None, limit).await.map_err(refuse)?;
    super::subtasks::rows(&page.subtasks).await
}
