//! Files that an agent has for itself for a while.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use domain::{
    Time,
    conflict::normalise_path,
    dto::{FILE_SECONDS, FileLease, ReleaseFiles, ReserveFiles},
    event::NewEvent,
    problem::Refusal,
    progress::lease_lost,
    scope::first_met,
    subtask::{Subtask, SubtaskStatus},
};

use crate::{Engine, Result, clock, names::check_session, store, store::Tx};

/// Most files and patterns that one agent holds in a session.
const MOST_HELD: usize = 1_000;

impl Engine {
    /// Reserves files for an agent, all of them or none; what it holds already it keeps longer. Gives back
    /// everything that it now holds of the session.
    ///
    /// # Errors
    /// An invalid request, no such subtask in the session, one that does not run or that another agent
    /// holds under a lease, files that another agent holds (and until when), too many of them, or the
    /// database is away.
    pub async fn reserve_files(&self, request: ReserveFiles) -> Result<Vec<FileLease>> {
        let (session_id, agent_id) = (request.session_id.clone(), request.agent_id.clone());
        self.reserve_beside(request, None).await?;
        let held =
            store::file_leases::of_session(self.pool_ref(), &session_id, clock::now()).await?;
        Ok(held.into_iter().filter(|lease| lease.agent_id == agent_id).collect())
    }

    /// The same without the answer, where what `parent` holds for no subtask is not in the way.
    pub(crate) async fn reserve_beside(
        &self,
        request: ReserveFiles,
        parent: Option<&str>,
    ) -> Result<()> {
        request.check()?;
        let now = clock::now();
        let mut tx = crate::tx::Tx::begin(self.pool_ref()).await?;
        store::sessions::hold(&mut tx, &request.session_id, now).await?;
        if let Some(id) = request.subtask_id {
            let there = store::subtasks::get(&mut *tx, id).await?;
            match there.filter(|subtask| subtask.session_id == request.session_id) {
                Some(subtask) => may_hold(&subtask, &request.agent_id)?,
                None => {
                    return Err(Refusal::invalid("subtask_id", "is not one of the session").into());
                }
            }
        }
        let mut held = store::file_leases::of_session(&mut *tx, &request.session_id, now).await?;
        held.retain(|lease| !is_parents(lease, parent));
        reserve(&mut tx, &request, &held, now).await?;
        self.commit(tx).await
    }

    /// Gives back files that an agent holds; says how many.
    ///
    /// # Errors
    /// An invalid request, or the database is away.
    pub async fn release_files(&self, request: ReleaseFiles) -> Result<i32> {
        request.check()?;
        let ReleaseFiles { session_id, agent_id, paths } = request;
        let now = clock::now();
        let paths: Option<Vec<String>> =
            paths.map(|paths| paths.iter().map(|path| normalise_path(path)).collect());
        let mut tx = crate::lock::of_session(self.pool_ref(), &session_id).await?;
        let released =
            store::file_leases::release(&mut tx, &session_id, &agent_id, paths.as_deref()).await?;
        if released.is_empty() {
            tx.rollback().await?;
            return Ok(0);
        }
        let event = NewEvent::files_held(&session_id, &agent_id, None, &released, None, now);
        store::events::write(&mut tx, &[event]).await?;
        self.commit(tx).await?;
        Ok(i32::try_from(released.len()).unwrap_or(i32::MAX))
    }

    /// What is held in a session, in order of paths.
    ///
    /// # Errors
    /// An invalid name, or the database is away.
    pub async fn file_leases(&self, session_id: &str) -> Result<Vec<FileLease>> {
        check_session(session_id)?;
        store::file_leases::of_session(self.pool_ref(), session_id, clock::now()).await
    }
}

/// Whether a lease is that of the agent that started this one and waits for it.
pub fn is_parents(lease: &FileLease, parent: Option<&str>) -> bool {
    lease.subtask_id.is_none() && parent == Some(lease.agent_id.as_str())
}

/// Whether an agent may hold files for a subtask: it runs, and nobody else has it under a lease. Otherwise
/// whoever reserves them would believe to hold what nobody sees.
fn may_hold(subtask: &Subtask, agent_id: &str) -> Result<()> {
    if !matches!(subtask.status, SubtaskStatus::Running | SubtaskStatus::Paused) {
        let status = subtask.status.as_str();
        return Err(Refusal::conflict(
            "subtask_not_running",
            format!("Subtask {} is {status}; files are held for one that runs.", subtask.id),
        )
        .into());
    }
    if subtask.lease_token.is_some() && subtask.agent_id.as_deref() != Some(agent_id) {
        return Err(lease_lost(subtask.id).into());
    }
    Ok(())
}

/// Reserves files in a session that is held, of which `held` is what is reserved.
///
/// # Errors
/// Another agent holds one of them.
pub async fn reserve(
    tx: &mut Tx,
    request: &ReserveFiles,
    held: &[FileLease],
    now: Time,
) -> Result<()> {
    let ReserveFiles { session_id, agent_id, subtask_id, paths, ttl_seconds } = request;
    // Each once, also when it was written in two ways.
    let paths: BTreeSet<String> = paths.iter().map(|path| normalise_path(path)).collect();
    let paths: Vec<String> = paths.into_iter().filter(|path| !path.is_empty()).collect();
    if let Some(lease) = holder(held, agent_id, &paths) {
        return Err(Refusal::conflict("files_held", sentence(lease)).into());
    }
    let mine = held.iter().filter(|it| it.agent_id == *agent_id);
    let others = mine.filter(|it| !paths.contains(&it.path)).count();
    if others + paths.len() > MOST_HELD {
        return Err(Refusal::conflict(
            "too_many_files",
            format!("Agent `{agent_id}` would hold more than {MOST_HELD} files and patterns; release some, or reserve a pattern such as `src/**`."),
        )
        .into());
    }
    let until = now + TimeDelta::seconds(ttl_seconds.unwrap_or(FILE_SECONDS).into());
    store::file_leases::reserve(tx, session_id, agent_id, *subtask_id, &paths, (now, until))
        .await?;
    // Kept longer is nothing new.
    let has = |path: &String| held.iter().any(|it| it.agent_id == *agent_id && it.path == *path);
    let fresh: Vec<String> = paths.into_iter().filter(|path| !has(path)).collect();
    if !fresh.is_empty() {
        let event =
            NewEvent::files_held(session_id, agent_id, *subtask_id, &fresh, Some(until), now);
        store::events::write(tx, &[event]).await?;
    }
    Ok(())
}

/// The first lease of another agent that these paths meet.
pub fn holder<'a>(
    held: &'a [FileLease],
    agent_id: &str,
    paths: &[String],
) -> Option<&'a FileLease> {
    let others: Vec<&FileLease> = held.iter().filter(|lease| lease.agent_id != agent_id).collect();
    let met = first_met(others.iter().map(|lease| lease.path.as_str()), paths)?;
    others.get(met).copied()
}

/// Who holds it, and until when.
pub fn sentence(lease: &FileLease) -> String {
    format!(
        "`{}` is held by agent `{}` until {} UTC.",
        lease.path,
        lease.agent_id,
        lease.expires_at.format("%F %T")
    )
}
