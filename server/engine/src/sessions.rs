//! Sessions: what there is and how far it is.

use chrono::{DateTime, Datelike};
use domain::{
    check::{Check, PAGE},
    dto::{SessionDetail, SessionPage, SessionSummary, WaveBrief},
    problem::Refusal,
    wave::{SessionState, Wave},
};

use crate::{Engine, Result, store};

impl Engine {
    /// A page of sessions, latest activity first; `search` is a part of the name.
    ///
    /// # Errors
    /// A malformed cursor, or the database is away.
    pub async fn sessions(
        &self,
        search: Option<&str>,
        state: Option<SessionState>,
        cursor: Option<&str>,
        limit: i64,
    ) -> Result<SessionPage> {
        let after = cursor.map(parse_cursor).transpose()?;
        let limit = limit.clamp(1, PAGE);
        let search = search.filter(|text| !text.is_empty());
        if let Some(search) = search {
            let mut check = Check::default();
            check.name("search", search);
            check.finish()?;
        }
        let pool = self.pool_ref();
        let rows = store::sessions::page(
            pool,
            search,
            state.map(SessionState::as_str),
            after.as_ref().map(|(t, id)| (*t, &**id)),
            limit,
        )
        .await?;
        let ids: Vec<String> = rows.iter().map(|row| row.session_id.clone()).collect();
        let mut waves = store::waves::of_sessions(pool, &ids).await?;
        let full = i64::try_from(rows.len()).unwrap_or(i64::MAX) == limit;
        let next_cursor = rows
            .last()
            .filter(|_| full)
            .map(|row| format!("{}~{}", row.last_active_at.timestamp_micros(), row.session_id));
        let sessions = rows
            .into_iter()
            .map(|row| {
                let of_session: Vec<Wave> =
                    waves.extract_if(.., |wave| wave.session_id == row.session_id).collect();
                let account = row.account()?;
                Ok(SessionSummary {
                    total_tasks: of_session.iter().map(|wave| wave.total_tasks).sum(),
                    completed_tasks: of_session.iter().map(|wave| wave.completed_tasks).sum(),
                    failed_tasks: of_session.iter().map(|wave| wave.failed_tasks).sum(),
                    waves: of_session.iter().map(brief).collect(),
                    session_id: row.session_id,
                    created_at: row.created_at,
                    last_active_at: row.last_active_at,
                    paused: row.paused,
                    usage: account.usage,
                    budget: account.budget,
                })
            })
            .collect::<Result<_>>()?;
        Ok(SessionPage { sessions, next_cursor })
    }

    /// One session with its waves and batches.
    ///
    /// # Errors
    /// No such session, or the database is away.
    pub async fn session(&self, session_id: &str) -> Result<SessionDetail> {
        crate::names::may_exist("session", session_id)?;
        // Taken first: the rows read after it are at least as new, and what is newer is replayed.
        let seq = self.feed().head();
        let pool = self.pool_ref();
        let row = store::sessions::get(pool, session_id)
            .await?
            .ok_or_else(|| Refusal::not_found("session", session_id))?;
        let account = row.account()?;
        Ok(SessionDetail {
            session_id: row.session_id,
            created_at: row.created_at,
            last_active_at: row.last_active_at,
            paused: row.paused,
            usage: account.usage,
            budget: account.budget,
            waves: store::waves::of_session(pool, session_id).await?,
            batches: store::batches::of_session(pool, session_id).await?,
            seq,
        })
    }
}

fn brief(wave: &Wave) -> WaveBrief {
    WaveBrief {
        wave_number: wave.wave_number,
        status: wave.status,
        total_tasks: wave.total_tasks,
        completed_tasks: wave.completed_tasks,
        failed_tasks: wave.failed_tasks,
    }
}

fn parse_cursor(cursor: &str) -> Result<(domain::Time, String)> {
    let parsed = cursor.split_once('~').and_then(|(micros, id)| {
        Some((DateTime::from_timestamp_micros(micros.parse().ok()?)?, id.to_owned()))
    });
    Ok(parsed
        // Postgres' times begin long before and end long after.
        .filter(|(time, id)| !id.contains('\0') && (1970..=9999).contains(&time.year()))
        .ok_or_else(|| Refusal::invalid("cursor", "is not one that this server gave out"))?)
}
