//! Who touched which files, and what needs a person.

use domain::{chart::Heat, dto::FileLease};
use leptos::prelude::*;

use super::json::Json;
#[cfg(feature = "ssr")]
use super::{engine, refuse};
use crate::{AppError, views::SessionNeeds};
#[cfg(feature = "ssr")]
use crate::{format, views};

/// Most things that need a person on a session's page.
#[cfg(feature = "ssr")]
const NEEDS: usize = 30;
/// Most files on the map.
#[cfg(feature = "ssr")]
const FILES: u32 = 200;

/// What needs a person in a session.
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
    use domain::{chart, conflict::Severity};
    let now = chrono::Utc::now().timestamp_millis();
    let watched: Vec<_> = files.subtasks.iter().map(engine::Seen::watched).collect();
    let mut notices = engine()?.notices(id, &files).await.map_err(refuse)?;
    let mut conflicts = files.conflicts;
    conflicts.retain(|conflict| conflict.severity == Severity::High);
    let needs = chart::attention(&watched, &conflicts, now);
    notices.extend(needs.iter().map(|need| views::notice(need, &watched, now)));
    // Those of one kind stay in their order.
    notices.sort_by_key(|notice| notice.kind);
    let count = i32::try_from(notices.len()).unwrap_or(i32::MAX);
    notices.truncate(NEEDS);
    let hint = files
        .partial
        .then(|| format!("Of the oldest {} subtasks.", format::grouped(watched.len() as i64)));
    Ok(SessionNeeds { notices, count, hint })
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
