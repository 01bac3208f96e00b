//! Who touched which files.

use domain::{chart::Heat, conflict::Conflict, dto::FileLease};
use leptos::prelude::*;

use super::json::Json;
#[cfg(feature = "ssr")]
use super::{engine, refuse};
use crate::AppError;

/// Most conflicts that a session's page hears of.
#[cfg(feature = "ssr")]
const CONFLICTS: usize = 200;
/// Most files on the map.
#[cfg(feature = "ssr")]
const FILES: u32 = 200;

/// The files that subtasks of a session changed at the same time.
#[server(name = SessionConflictsCall, endpoint = "session-conflicts", input = Json, output = Json)]
pub async fn session_conflicts(id: String) -> Result<Vec<Conflict>, AppError> {
    Ok(clashes_of(engine()?.session_files(&id).await.map_err(refuse)?))
}

#[cfg(feature = "ssr")]
pub(super) fn clashes_of(files: engine::SessionFiles) -> Vec<Conflict> {
    let mut conflicts = files.conflicts;
    conflicts.retain(|conflict| conflict.severity == domain::conflict::Severity::High);
    conflicts.truncate(CONFLICTS);
    conflicts
}

/// The files that agents of a session have for themselves.
#[server(name = HeldFilesCall, endpoint = "held-files", input = Json, output = Json)]
pub async fn held_files(id: String) -> Result<Vec<FileLease>, AppError> {
    engine()?.file_leases(&id).await.map_err(refuse)
}

/// The files of a session by agent type.
#[server(name = SessionHeatCall, endpoint = "session-heat", input = Json, output = Json)]
pub async fn session_heat(id: String) -> Result<Heat, AppError> {
    Ok(heat_of(&engine()?.session_files(&id).await.map_err(refuse)?))
}

#[cfg(feature = "ssr")]
pub(super) fn heat_of(files: &engine::SessionFiles) -> Heat {
    domain::chart::heat(&files.touches, &files.conflicts, FILES)
}
