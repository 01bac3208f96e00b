//! Sessions and their waves.

#[cfg(feature = "ssr")]
use domain::wave::SessionState;
use leptos::prelude::*;
use uuid::Uuid;

use super::json::Json;
#[cfg(feature = "ssr")]
use super::{engine, refuse};
use crate::{
    AppError,
    views::{EventFeed, SessionHead, SessionRows, SessionView, WaveRows},
};

/// Sessions on one page of the list.
#[cfg(feature = "ssr")]
const SESSIONS: i64 = 25;

/// A page of sessions, latest activity first.
#[server(name = ListSessionsCall, endpoint = "sessions", input = Json, output = Json)]
pub async fn list_sessions(
    search: Option<String>,
    state: Option<String>,
    cursor: Option<String>,
) -> Result<SessionRows, AppError> {
    let state = state.as_deref().and_then(SessionState::parse);
    let page = engine()?.sessions(search.as_deref(), state, cursor.as_deref(), SESSIONS).await;
    page.map(Into::into).map_err(refuse)
}

/// A session with its waves, batches and first subtasks, most of them of the wave that is looked at alone;
/// with who touched which files and with one subtask in full when they are asked for.
#[server(name = SessionViewCall, endpoint = "session", input = Json, output = Json)]
pub async fn session_view(
    id: String,
    heat: bool,
    subtask: Option<Uuid>,
    wave: Option<i32>,
) -> Result<SessionView, AppError> {
    use crate::views::{ROWS_PER_PAGE, ROWS_PER_WAVE, reading_order};
    // The detail comes first: the subtasks are then at least as new as its `seq`.
    let detail = engine()?.session(&id).await.map_err(refuse)?;
    let mut order = reading_order(&detail.waves);
    let alone = |of: &domain::wave::Wave| Some(of.wave_number) == wave;
    order.sort_by_key(|of| !alone(of));
    let mut left = ROWS_PER_PAGE;
    let share = |wave: &&domain::wave::Wave| {
        let most = if alone(wave) { ROWS_PER_PAGE } else { ROWS_PER_WAVE };
        let share = usize::try_from(wave.total_tasks).unwrap_or(0).min(most).min(left);
        left -= share;
        (wave.wave_number, i64::try_from(share).unwrap_or(0))
    };
    let shares: Vec<_> = order.iter().map(share).collect();
    let subtasks = engine()?.oldest_subtasks(&id, &shares).await.map_err(refuse)?;
    let mut rows = super::subtasks::rows(&subtasks).await?;
    let of_wave = |wave: &domain::wave::Wave| {
        let wave_number = wave.wave_number;
        let rows: Vec<_> = rows.extract_if(.., |row| row.wave_number == wave_number).collect();
        let complete = i32::try_from(rows.len()).is_ok_and(|known| known >= wave.total_tasks);
        let last = rows.last().filter(|_| !complete);
        WaveRows { wave_number, cursor: last.map(|row| row.id.to_string()), rows, complete }
    };
    let waves = order.into_iter().map(of_wave).collect();
    let files = engine()?.session_files(&id).await.map_err(refuse)?;
    let heat = if heat { text(&super::files::heat_of(&files)) } else { None };
    let needs = super::files::needs_of(&id, files).await?;
    let subtask = match subtask {
        Some(subtask) => super::subtasks::read_subtask(subtask).await?.and_then(|it| text(&it)),
        None => None,
    };
    Ok(SessionView { head: detail.into(), waves, needs, heat, subtask })
}

#[cfg(feature = "ssr")]
fn text(it: &impl serde::Serialize) -> Option<String> {
    serde_json::to_string(it).ok()
}

/// A session without its subtasks.
#[server(name = SessionDetailCall, endpoint = "session-detail", input = Json, output = Json)]
pub async fn session_detail(id: String) -> Result<SessionHead, AppError> {
    engine()?.session(&id).await.map(Into::into).map_err(refuse)
}

/// More subtasks of a wave.
#[server(name = WaveRowsCall, endpoint = "wave-rows", input = Json, output = Json)]
pub async fn wave_rows(
    session_id: String,
    wave_number: i32,
    cursor: Option<String>,
) -> Result<WaveRows, AppError> {
    read_wave(&session_id, wave_number, cursor.as_deref(), crate::views::ROWS_PER_READ).await
}

#[cfg(feature = "ssr")]
async fn read_wave(
    session: &str,
    wave: i32,
    cursor: Option<&str>,
    limit: usize,
) -> Result<WaveRows, AppError> {
    let filter = domain::dto::SubtaskFilter {
        session_id: Some(session.to_owned()),
        wave_number: Some(wave),
        ..Default::default()
    };
    let limit = i64::try_from(limit).unwrap_or(1);
    let page = engine()?.subtasks(&filter, cursor, limit).await.map_err(refuse)?;
    Ok(WaveRows {
        wave_number: wave,
        rows: super::subtasks::rows(&page.subtasks).await?,
        complete: page.next_cursor.is_none(),
        cursor: page.next_cursor,
    })
}

/// The latest events of every session.
#[server(name = RecentEventsCall, endpoint = "recent-events", input = Json, output = Json)]
pub async fn recent_events() -> Result<EventFeed, AppError> {
    const LATEST: i64 = 200;
    let engine = engine()?;
    // Nothing is after the end; the answer says where that is.
    let last_seq = engine.events(None, i64::MAX, 1).await.map_err(refuse)?.last_seq;
    let page = engine.events(None, (last_seq - LATEST).max(0), LATEST).await.map_err(refuse)?;
    let row = |event: &domain::event::Event| {
        let at = domain::Time::from_timestamp_millis(event.timestamp).unwrap_or_default();
        crate::views::EventRow::new(event.seq, &event.event, &event.data.parse().into(), at)
    };
    let last_seq = page.events.last().map_or(last_seq, |event| event.seq);
    Ok(EventFeed { rows: page.events.iter().rev().map(row).collect(), last_seq })
}
