//! Who touched which files.

use domain::{chart::Heat, dto::FileLease};
use leptos::prelude::*;

use super::json::Json;
#[cfg(feature = "ssr")]
use super::{engine, refuse};
use crate::{AppError, views::SessionNeeds};

/// Most conflicts, and most notices, that a session's page hears of.
#[cfg(feature = "ssr")]
const CONFLICTS: usize = 200;
/// Most files on the map.
#[cfg(feature = "ssr")]
const FILES: u32 = 200;

/// What needs a person in a session, beside what its subtasks themselves tell.
#[server(name = SessionNeedsCall, endpoint = "session-needs", input = Json, output = Json)]
pub async fn session_needs(id: String) -> Result<SessionNeeds, AppError> {
    let files = engine()?.session_files(&id).await.map_err(refuse)?;
    needs_of(&id, files).await
}

#[cfg(feature = "ssr")]
pub(super) async fn needs_of(
    id: &str,
    files: engine::SessionFiles,
) -> Result<SessionNeeds, AppError> {
    let mut notices = engine()?.notices(id, &files).await.map_err(refuse)?;
    notices.truncate(CONFLICTS);
    let mut conflicts = files.conflicts;
    conflicts.retain(|conflict| conflict.severity == domain::conflict::Severity::High);
    conflicts.truncate(CONFLICTS);
    Ok(SessionNeeds { conflicts, notices })
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
