//! Subtasks: changed one by one by agents, in groups by the engine.

use std::collections::HashSet;

use domain::{
    check::{Check, PAGE},
    dto::{PatchSubtask, SubtaskFilter, SubtaskPage},
    graph::{Graph, Node},
    problem::Refusal,
    progress::{Patch, Progress, Relink},
    subtask::{Subtask, SubtaskStatus},
    wave::WaveStatus,
};
use sqlx::PgPool;
use uuid::Uuid;

use crate::{
    Engine, Result,
    appender::Waker,
    clock,
    group::{Group, Reply},
    lock::{self, Wait},
    store::{self, Tx},
};

/// The writer of changes to subtasks.
pub type Patches = Group<(Uuid, Patch), Subtask>;

/// Starts the writer.
pub fn start_group(pool: &PgPool, appender: &Waker) -> Patches {
    let (pool, appender) = (pool.clone(), appender.clone());
    Group::start(Box::new(move |group, wait| {
        let (pool, appender) = (pool.clone(), appender.clone());
        Box::pin(async move {
            let results = write_group(&pool, group, wait).await;
            appender.wake();
            results
        })
    }))
}

/// Decides and writes a group of changes: four round trips, whatever its size.
pub async fn write_group(
    pool: &PgPool,
    group: Vec<(Uuid, Patch)>,
    wait: Wait,
) -> Result<Vec<Reply<Subtask>>> {
    let ids: Vec<Uuid> =
        group.iter().map(|(id, _)| *id).collect::<HashSet<_>>().into_iter().collect();
    let completing: Vec<Uuid> = group
        .iter()
        .filter(|(_, patch)| patch.status == Some(SubtaskStatus::Completed))
        .map(|(id, _)| *id)
        .collect();
    let mut held = lock::of_many(pool, &ids, wait).await?;
    let mut progress = read(&mut held.tx, &ids, &completing).await?;
    let replies = group
        .iter()
        .map(|(id, patch)| match progress.subtask(*id) {
            Ok(subtask) if !held.has(&subtask.session_id) => {
                Reply::Busy(subtask.session_id.clone())
            }
            _ => Reply::Answer(progress.patch(*id, patch).map_err(Into::into)),
        })
        .collect();
    if write(&mut held.tx, progress).await? {
        held.tx.commit().await?;
    } else {
        held.tx.rollback().await?;
    }
    Ok(replies)
}

pub async fn read(tx: &mut Tx, ids: &[Uuid], completing: &[Uuid]) -> Result<Progress> {
    let rows = store::subtasks::for_changes(tx, ids, completing).await?;
    let edges = rows
        .subtasks
        .iter()
        .flat_map(|s| s.blocked_by.iter().map(|blocker| (*blocker, s.id)))
        .filter(|(blocker, _)| completing.contains(blocker))
        .collect();
    Ok(Progress::new(clock::now(), rows.subtasks, edges, rows.batches, rows.waves)
        .with_accounts(rows.accounts))
}

/// Writes what changed; says whether anything did.
pub async fn write(tx: &mut Tx, progress: Progress) -> Result<bool> {
    let now = progress.now();
    let parts = progress.into_parts();
    if parts.subtasks.is_empty() && parts.events.is_empty() {
        return Ok(false);
    }
    store::subtasks::write_changes(tx, &parts, now).await?;
    Ok(true)
}

impl Engine {
    /// One subtask.
    ///
    /// # Errors
    /// No such subtask, or the database is away.
    pub async fn subtask(&self, id: Uuid) -> Result<Subtask> {
        Ok(store::subtasks::get(self.pool_ref(), id)
            .await?
            .ok_or_else(|| Refusal::not_found("subtask", id))?)
    }

    /// Changes a subtask. Everything that follows from it (counters, unblocked subtasks, a finished
    /// wave) is part of the same commit.
    ///
    /// # Errors
    /// An invalid request, no such subtask, a state that does not allow it, or the database is away.
    pub async fn patch_subtask(&self, id: Uuid, request: PatchSubtask) -> Result<Subtask> {
        request.check()?;
        let patch = Patch {
            status: request.status,
            result: request.result,
            agent_id: request.agent_id,
            priority: request.priority,
            context_snapshot: request.context_snapshot,
            blocked_by: None,
            token: request.token,
        };
        match request.blocked_by {
            None => self.inner.patches.run((id, patch)).await,
            Some(blocked_by) => self.relink_subtask(id, patch, blocked_by).await,
        }
    }

    /// A change that also replaces what the subtask waits for.
    async fn relink_subtask(
        &self,
        id: Uuid,
        mut patch: Patch,
        mut blocked_by: Vec<Uuid>,
    ) -> Result<Subtask> {
        blocked_by.sort_unstable();
        blocked_by.dedup();
        let mut tx = lock::of_subtasks(self.pool_ref(), &[id]).await?;
        let completing =
            if patch.status == Some(SubtaskStatus::Completed) { vec![id] } else { Vec::new() };
        let mut progress = read(&mut tx, &[id], &completing).await?;
        let subtask = progress.subtask(id)?.clone();
        patch.blocked_by = Some(judge(&mut tx, &subtask, &blocked_by).await?);
        let after = progress.patch(id, &patch)?;
        if after.blocked_by != subtask.blocked_by {
            store::subtasks::relink(&mut tx, id, &blocked_by).await?;
        }
        write(&mut tx, progress).await?;
        self.commit(tx).await?;
        Ok(after)
    }

    /// Tries a failed subtask again; reopens its wave if that has failed.
    ///
    /// # Errors
    /// No such subtask, one that has not failed, a wave that cannot be reopened, or the database is
    /// away.
    pub async fn retry_subtask(&self, id: Uuid) -> Result<Subtask> {
        let mut tx = lock::of_subtasks(self.pool_ref(), &[id]).await?;
        let mut progress = read(&mut tx, &[id], &[]).await?;
        let session_id = progress.subtask(id)?.session_id.clone();
        let waves = store::waves::of_session(&mut *tx, &session_id).await?;
        let running = waves
            .iter()
            .find(|wave| wave.status == WaveStatus::Running)
            .map(|wave| wave.wave_number);
        let after = progress.retry(id, running)?;
        write(&mut tx, progress).await?;
        self.commit(tx).await?;
        Ok(after)
    }

    /// Tries every failed subtask of a wave again; all of them or none.
    ///
    /// # Errors
    /// No such wave, a wave that cannot be reopened, or the database is away.
    pub async fn retry_failed(&self, session_id: &str, wave_number: i32) -> Result<Vec<Subtask>> {
        crate::names::may_exist("session", session_id)?;
        let mut tx = lock::of_session(self.pool_ref(), session_id).await?;
        let waves = store::waves::of_session(&mut *tx, session_id).await?;
        if !waves.iter().any(|wave| wave.wave_number == wave_number) {
            return Err(Refusal::not_found("wave", wave_number).into());
        }
        let running = waves.iter().find(|wave| wave.status == WaveStatus::Running);
        let running =
            running.map(|wave| wave.wave_number).filter(|running| *running != wave_number);
        let ids = store::subtasks::failed(&mut tx, session_id, wave_number).await?;
        let mut progress = read(&mut tx, &ids, &[]).await?;
        let retried = ids
            .iter()
            .map(|id| progress.retry(*id, running))
            .collect::<std::result::Result<Vec<_>, _>>()?;
        if write(&mut tx, progress).await? {
            self.commit(tx).await?;
        }
        Ok(retried)
    }

    /// The oldest subtasks of these waves of a session, at most so many of each, in one statement; by wave
    /// as asked, then oldest first.
    ///
    /// # Errors
    /// The database is away.
    pub async fn oldest_subtasks(
        &self,
        session_id: &str,
        waves: &[(i32, i64)],
    ) -> Result<Vec<Subtask>> {
        let (waves, most): (Vec<i32>, Vec<i64>) = waves.iter().copied().unzip();
        store::subtasks::oldest(self.pool_ref(), session_id, &waves, &most).await
    }

    /// A page of subtasks, oldest first.
    ///
    /// # Errors
    /// A malformed cursor, or the database is away.
    pub async fn subtasks(
        &self,
        filter: &SubtaskFilter,
        cursor: Option<&str>,
        limit: i64,
    ) -> Result<SubtaskPage> {
        let after = parse_cursor(cursor)?;
        let mut check = Check::default();
        for (field, name) in [("session", &filter.session_id), ("agent_type", &filter.agent_type)] {
            if let Some(name) = name {
                check.name(field, name);
            }
        }
        check.finish()?;
        let limit = limit.clamp(1, PAGE);
        let subtasks = store::subtasks::page(self.pool_ref(), filter, after, limit).await?;
        let full = i64::try_from(subtasks.len()).unwrap_or(i64::MAX) == limit;
        let next_cursor = subtasks.last().filter(|_| full).map(|subtask| subtask.id.to_string());
        Ok(SubtaskPage { subtasks, next_cursor })
    }
}

/// A cursor that is the id of the last entry of the page before.
pub fn parse_cursor(cursor: Option<&str>) -> Result<Option<Uuid>> {
    Ok(cursor
        .map(|cursor| {
            cursor
                .parse()
                .map_err(|_| Refusal::invalid("cursor", "is not one that this server gave out"))
        })
        .transpose()?)
}

/// Judges new blockers: they exist in the session, in the same or a lower wave, and close no circle.
async fn judge(tx: &mut Tx, subtask: &Subtask, blocked_by: &[Uuid]) -> Result<Relink> {
    let rows = store::subtasks::blockers(tx, blocked_by).await?;
    let mut open = 0;
    for id in blocked_by {
        let invalid = |message: String| Refusal::invalid("blocked_by", message);
        let Some(row) =
            rows.iter().find(|row| row.id == *id && row.session_id == subtask.session_id)
        else {
            return Err(invalid(format!(
                "there is no subtask `{id}` in session `{}`",
                subtask.session_id
            ))
            .into());
        };
        if *id == subtask.id {
            return Err(invalid(format!("subtask `{id}` cannot wait for itself")).into());
        }
        if row.wave_number > subtask.wave_number {
            return Err(invalid(format!(
                "subtask `{id}` is in wave {}, a later one",
                row.wave_number
            ))
            .into());
        }
        open += i32::from(row.status != SubtaskStatus::Completed.as_str());
    }
    let upstream = store::subtasks::upstream(&mut **tx, blocked_by).await?;
    let graph: Graph = upstream
        .into_iter()
        .filter(|node| node.id != subtask.id)
        .chain([Node { blocked_by: blocked_by.to_vec(), ..Node::from(subtask) }])
        .collect();
    if graph.cycle().is_some() {
        return Err(Refusal::invalid(
            "blocked_by",
            format!("subtask `{}` would wait for itself", subtask.id),
        )
        .into());
    }
    Ok(Relink { blocked_by: blocked_by.to_vec(), open })
}
