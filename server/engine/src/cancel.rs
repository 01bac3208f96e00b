//! Work that is called off: it fails, and its agent hears of it at its next sign of life.

use domain::{
    dto::{Cancel, CancelWave},
    event::NewEvent,
    problem::Refusal,
    subtask::Subtask,
};
use uuid::Uuid;

use crate::{
    Engine, Result, clock, lock,
    names::{check_session, may_exist},
    store::{self, Tx},
    subtasks::{read, write},
};

impl Engine {
    /// Cancels a subtask that has not ended; nothing when it has.
    ///
    /// # Errors
    /// An invalid request, no such subtask, or the database is away.
    pub async fn cancel_subtask(&self, id: Uuid, request: Cancel) -> Result<Vec<Subtask>> {
        request.check()?;
        let tx = lock::of_subtasks(self.pool_ref(), &[id]).await?;
        self.cancel(tx, &[id], request.reason.as_deref()).await
    }

    /// Cancels every open subtask of a batch.
    ///
    /// # Errors
    /// An invalid request, no such batch, or the database is away.
    pub async fn cancel_batch(&self, id: Uuid, request: Cancel) -> Result<Vec<Subtask>> {
        request.check()?;
        let mut tx = lock::of_batch(self.pool_ref(), id).await?;
        let rows = store::subtasks::with_batch(&mut *tx, id).await?;
        if rows.subtasks.is_empty() {
            return Err(Refusal::not_found("batch", id).into());
        }
        let mut open: Vec<Uuid> =
            rows.subtasks.iter().filter(|s| !s.status.is_terminal()).map(|s| s.id).collect();
        open.sort_unstable();
        self.cancel(tx, &open, request.reason.as_deref()).await
    }

    /// Cancels every open subtask of a wave.
    ///
    /// # Errors
    /// An invalid request, no such wave, or the database is away.
    pub async fn cancel_wave(&self, session_id: &str, request: CancelWave) -> Result<Vec<Subtask>> {
        request.check()?;
        may_exist("session", session_id)?;
        let number = request.wave_number;
        let mut tx = lock::of_session(self.pool_ref(), session_id).await?;
        let waves = store::waves::of_session(&mut *tx, session_id).await?;
        if !waves.iter().any(|wave| wave.wave_number == number) {
            return Err(Refusal::not_found("wave", number).into());
        }
        let open = store::subtasks::open(&mut tx, session_id, number).await?;
        self.cancel(tx, &open, request.reason.as_deref()).await
    }

    async fn cancel(&self, mut tx: Tx, ids: &[Uuid], reason: Option<&str>) -> Result<Vec<Subtask>> {
        let mut progress = read(&mut tx, ids, &[]).await?;
        let mut cancelled = Vec::with_capacity(ids.len());
        for id in ids {
            cancelled.extend(progress.cancel(*id, reason)?);
        }
        write(&mut tx, progress).await?;
        self.commit(tx).await?;
        Ok(cancelled)
    }

    /// Stops handing out work of a session, or goes on with it. What agents hold they keep. The session
    /// appears when it is new. Says whether that changed anything.
    ///
    /// # Errors
    /// An invalid name, or the database is away.
    pub async fn pause_session(&self, session_id: &str, paused: bool) -> Result<bool> {
        check_session(session_id)?;
        let now = clock::now();
        let mut tx = crate::tx::Tx::begin(self.pool_ref()).await?;
        store::sessions::hold(&mut tx, session_id, now).await?;
        let changed = store::sessions::pause(&mut tx, session_id, paused).await?;
        if changed {
            let event = NewEvent::session_paused(session_id, paused, now);
            store::events::write(&mut tx, &[event]).await?;
        }
        self.commit(tx).await?;
        Ok(changed)
    }
}
