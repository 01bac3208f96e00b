//! Waves: created, started one after another, finished by their subtasks.

use domain::{
    dto::{
        ApproveWave, CreateWave, CurrentWave, StartWave, TransitionAnswer, TransitionWave,
        WaveHistory,
    },
    event::NewEvent,
    problem::Refusal,
    progress::finish_if_done,
    wave::{
        Approval, Next, NoNext, Wave, WaveEvent, WaveStatus, may_start, next, transitioned_from,
    },
};
use uuid::Uuid;

use crate::{
    Engine, Error, IdempotencyKey, Result, clock, lock,
    names::{check_session, may_exist},
    store,
    store::Tx,
};

impl Engine {
    /// Creates a wave; gives back the existing one, with an empty name or description filled in,
    /// when there is one. Says whether it was created.
    ///
    /// # Errors
    /// An invalid request, or the database is away.
    pub async fn create_wave(
        &self,
        session_id: &str,
        request: CreateWave,
        key: Option<IdempotencyKey>,
    ) -> Result<(Wave, bool)> {
        check_session(session_id)?;
        request.check()?;
        let now = clock::now();
        let filled = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
        let mut tx = crate::tx::Tx::begin(self.pool_ref()).await?;
        if let Some(key) = &key
            && let Some(answer) = key.replay(&mut tx, now).await?
        {
            return Ok(answer);
        }
        store::sessions::hold(&mut tx, session_id, now).await?;
        let existing = store::waves::of_session(&mut *tx, session_id)
            .await?
            .into_iter()
            .find(|wave| wave.wave_number == request.wave_number);
        let answer = match existing {
            Some(mut wave) => {
                let (name, description) = (wave.name.clone(), wave.description.clone());
                wave.name = filled(wave.name).or(filled(request.name));
                wave.description = filled(wave.description).or(filled(request.description));
                let gated = request.requires_approval
                    && wave.approval.is_none()
                    && wave.status == WaveStatus::Pending;
                if gated {
                    wave.approval = Some(Approval::Required);
                }
                if gated || (&wave.name, &wave.description) != (&name, &description) {
                    store::waves::update(&mut tx, &wave).await?;
                    store::events::write(&mut tx, &[NewEvent::wave_updated(&wave, now)]).await?;
                }
                (wave, false)
            }
            None => {
                let mut wave =
                    Wave::new(Uuid::now_v7(), session_id.to_owned(), request.wave_number, now);
                wave.name = filled(request.name);
                wave.description = filled(request.description);
                wave.approval = request.requires_approval.then_some(Approval::Required);
                store::waves::insert(&mut tx, &wave).await?;
                store::events::write(&mut tx, &[NewEvent::wave_created(&wave, now)]).await?;
                (wave, true)
            }
        };
        if let Some(key) = &key {
            key.keep(&mut tx, &answer, now).await?;
        }
        self.commit(tx).await?;
        Ok(answer)
    }

    /// Starts a pending wave.
    ///
    /// # Errors
    /// No such wave; one that runs, or a lower one that has not completed; the database is away.
    pub async fn start_wave(&self, session_id: &str, request: StartWave) -> Result<Wave> {
        let number = request.wave_number;
        may_exist("session", session_id)?;
        let mut tx = lock::of_session(self.pool_ref(), session_id).await?;
        let waves = store::waves::of_session(&mut *tx, session_id).await?;
        let wave = waves.iter().find(|wave| wave.wave_number == number).cloned().ok_or_else(|| {
            Refusal::Nothing(format!(
                "There is no wave {number} in session `{session_id}`; create it with POST /api/waves/{session_id}/create."
            ))
        })?;
        may_start(&waves, number, request.force)
            .map_err(|reason| Refusal::conflict("wave_cannot_start", reason))?;
        let wave = start(&mut tx, wave, transitioned_from(&waves, number)).await?;
        self.commit(tx).await?;
        Ok(wave)
    }

    /// Approves or rejects that a pending wave starts; also one that does not ask for it.
    ///
    /// # Errors
    /// An invalid request, no such wave, one that has started, or the database is away.
    pub async fn approve_wave(&self, session_id: &str, request: ApproveWave) -> Result<Wave> {
        request.check()?;
        may_exist("session", session_id)?;
        let number = request.wave_number;
        let mut tx = lock::of_session(self.pool_ref(), session_id).await?;
        let waves = store::waves::of_session(&mut *tx, session_id).await?;
        let wave = waves.into_iter().find(|wave| wave.wave_number == number);
        let mut wave = wave.ok_or_else(|| Refusal::not_found("wave", number))?;
        if wave.status != WaveStatus::Pending {
            return Err(Refusal::conflict(
                "wave_started",
                format!(
                    "Wave {number} is {}; only a pending wave is approved or rejected.",
                    wave.status.as_str()
                ),
            )
            .into());
        }
        let approval = if request.approved { Approval::Approved } else { Approval::Rejected };
        wave.approval = Some(approval);
        wave.approval_comment = request.comment.filter(|comment| !comment.trim().is_empty());
        wave.approved_by = request.by;
        store::waves::update(&mut tx, &wave).await?;
        store::events::write(&mut tx, &[NewEvent::wave_approved(&wave, clock::now())]).await?;
        self.commit(tx).await?;
        Ok(wave)
    }

    /// Goes on from the last finished wave to the lowest pending one; completes a running wave that
    /// has no subtasks.
    ///
    /// # Errors
    /// Nothing to go on to, or something in the way; the database is away.
    pub async fn transition_wave(
        &self,
        session_id: &str,
        request: TransitionWave,
    ) -> Result<TransitionAnswer> {
        may_exist("session", session_id)?;
        let mut tx = lock::of_session(self.pool_ref(), session_id).await?;
        let mut waves = store::waves::of_session(&mut *tx, session_id).await?;
        if waves.is_empty() {
            return Err(
                Refusal::Nothing(format!("There are no waves in session `{session_id}`.")).into()
            );
        }
        let mut completed = None;
        let then = match next(&waves, request.force) {
            Err(NoNext::Nothing(reason)) => return Err(Refusal::Nothing(reason).into()),
            Err(NoNext::Refused(reason)) => {
                return Err(Refusal::conflict("wave_cannot_transition", reason).into());
            }
            Ok(Next::Start(number)) => Some(number),
            Ok(Next::CompleteEmpty { running, then }) => {
                if let Some(wave) = waves.iter_mut().find(|wave| wave.wave_number == running) {
                    complete_empty(&mut tx, wave).await?;
                    completed = Some(wave.clone());
                }
                then
            }
        };
        let answer = match then {
            Some(number) => {
                may_start(&waves, number, request.force)
                    .map_err(|reason| Refusal::conflict("wave_cannot_transition", reason))?;
                let from = transitioned_from(&waves, number);
                let wave = waves.into_iter().find(|wave| wave.wave_number == number);
                let wave = wave.ok_or_else(|| Error::internal("the next wave is gone"))?;
                TransitionAnswer {
                    success: true,
                    wave: start(&mut tx, wave, from).await?,
                    from,
                    to: Some(number),
                }
            }
            None => {
                let wave =
                    completed.ok_or_else(|| Error::internal("the completed wave is gone"))?;
                TransitionAnswer { success: true, from: Some(wave.wave_number), to: None, wave }
            }
        };
        self.commit(tx).await?;
        Ok(answer)
    }

    /// The running wave, else the highest pending one; and the lowest pending one.
    ///
    /// # Errors
    /// No such session, or nothing runs or waits in it; the database is away.
    pub async fn current_wave(&self, session_id: &str) -> Result<CurrentWave> {
        may_exist("session", session_id)?;
        let waves = store::waves::of_session(self.pool_ref(), session_id).await?;
        let pending = || waves.iter().filter(|wave| wave.status == WaveStatus::Pending);
        let running = waves.iter().find(|wave| wave.status == WaveStatus::Running);
        let wave = running
            .or_else(|| pending().max_by_key(|wave| wave.wave_number))
            .cloned()
            .ok_or_else(|| {
                Refusal::Nothing(format!(
                    "No wave of session `{session_id}` is running or pending."
                ))
            })?;
        Ok(CurrentWave { wave, next: pending().min_by_key(|wave| wave.wave_number).cloned() })
    }

    /// Every wave of a session, by number.
    ///
    /// # Errors
    /// No such session, or the database is away.
    pub async fn wave_history(&self, session_id: &str) -> Result<WaveHistory> {
        may_exist("session", session_id)?;
        let waves = store::waves::of_session(self.pool_ref(), session_id).await?;
        if waves.is_empty() && store::sessions::get(self.pool_ref(), session_id).await?.is_none() {
            return Err(Refusal::not_found("session", session_id).into());
        }
        Ok(WaveHistory {
            session_id: session_id.to_owned(),
            count: i32::try_from(waves.len()).unwrap_or(i32::MAX),
            waves,
        })
    }

    /// Commits, and tells the appender that there are events.
    pub(crate) async fn commit(&self, tx: Tx) -> Result<()> {
        tx.commit().await?;
        self.committed();
        Ok(())
    }
}

/// Starts a wave; one whose subtasks have all ended already finishes at once.
async fn start(tx: &mut Tx, mut wave: Wave, from: Option<i32>) -> Result<Wave> {
    let now = clock::now();
    wave.status = wave.status.transition(WaveEvent::Start).map_err(Error::internal)?;
    wave.started_at = Some(now);
    let mut events = vec![NewEvent::wave_transitioned(&wave, from, now)];
    events.extend(finish_if_done(&mut wave, now));
    store::waves::update(tx, &wave).await?;
    store::events::write(tx, &events).await?;
    Ok(wave)
}

async fn complete_empty(tx: &mut Tx, wave: &mut Wave) -> Result<()> {
    let now = clock::now();
    wave.status =
        wave.status.transition(WaveEvent::Finish { failed: false }).map_err(Error::internal)?;
    wave.completed_at = Some(now);
    store::waves::update(tx, wave).await?;
    store::events::write(tx, &[NewEvent::wave_finished(wave, now)]).await
}
