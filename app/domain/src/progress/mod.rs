//! A group of changes to subtasks, decided in memory over rows that one transaction holds.
//!
//! The engine locks and loads the subtasks that a group of requests is about, with their batches,
//! their waves and the subtasks that wait for them; [`Progress`] decides every request in order;
//! the engine writes what changed. So the rules stay here, and a group of any size costs the same
//! few statements.

mod lease;
mod retry;
mod spend;
mod violations;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    Time,
    batch::{Batch, BatchEvent, BatchStatus},
    event::NewEvent,
    json::JsonObject,
    lease::Outcome,
    problem::Refusal,
    subtask::{Subtask, SubtaskEvent, SubtaskStatus},
    usage::{Account, Usage},
    wave::{Wave, WaveEvent, WaveStatus},
};

/// A change asked of one subtask; what is absent stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Patch {
    /// The status to move to.
    pub status: Option<SubtaskStatus>,
    /// The result to store.
    pub result: Option<JsonObject>,
    /// The agent that works on it.
    pub agent_id: Option<String>,
    /// Its priority, 1–10.
    pub priority: Option<i32>,
    /// State captured at its start.
    pub context_snapshot: Option<JsonObject>,
    /// New blockers, already checked to exist and to close no cycle.
    pub blocked_by: Option<Relink>,
    /// The lease that it is done under.
    pub token: Option<i64>,
}

/// The end of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Its lease.
    pub token: i64,
    /// What became of it.
    pub outcome: Outcome,
    /// Why.
    pub reason: Option<String>,
}

/// New blockers of a subtask.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Relink {
    /// All of them.
    pub blocked_by: Vec<Uuid>,
    /// How many of them have not completed.
    pub open: i32,
}

/// The rows of a transaction, in memory.
#[derive(Debug)]
pub struct Progress {
    now: Time,
    subtasks: BTreeMap<Uuid, Subtask>,
    dependents: BTreeMap<Uuid, Vec<Uuid>>,
    batches: BTreeMap<Uuid, Batch>,
    waves: BTreeMap<(String, i32), Wave>,
    accounts: BTreeMap<String, Account>,
    changes: Changes,
}

/// What a group changed.
#[derive(Debug, Default)]
pub struct Changes {
    /// Subtasks to write.
    pub subtasks: BTreeSet<Uuid>,
    /// Batches to write.
    pub batches: BTreeSet<Uuid>,
    /// Waves to write.
    pub waves: BTreeSet<(String, i32)>,
    /// Sessions whose spending to write.
    pub accounts: BTreeSet<String>,
    /// Events to append, in order of cause.
    pub events: Vec<NewEvent>,
    /// Attempts that ended.
    pub ended: Vec<Ended>,
}

/// What changed: rows to write, and what to tell.
#[derive(Debug, Default)]
pub struct Parts {
    /// Subtasks.
    pub subtasks: Vec<Subtask>,
    /// Their batches, also those that did not change otherwise.
    pub batches: Vec<Batch>,
    /// Waves.
    pub waves: Vec<Wave>,
    /// What their sessions spent.
    pub accounts: Vec<Account>,
    /// Events, in order of cause.
    pub events: Vec<NewEvent>,
    /// Attempts that ended.
    pub ended: Vec<Ended>,
}

/// Free for another agent, whose work counts from its own start.
fn give_back(subtask: &mut Subtask) {
    (subtask.started_at, subtask.agent_id, subtask.lease_token) = (None, None, None);
    subtask.attempt_usage = Usage::default();
}

/// Whether this repeats the report with which a subtask was given back: its attempt is over and counted.
fn is_given_back(subtask: &Subtask, patch: &Patch) -> bool {
    let waits = subtask.status == SubtaskStatus::Pending;
    waits && patch.status == Some(SubtaskStatus::Pending) && patch.result == subtask.result
}

/// That a lease is over.
#[must_use]
pub fn lease_lost(id: Uuid) -> Refusal {
    Refusal::conflict(
        "lease_lost",
        format!("The lease of subtask {id} is over; stop working on it, and claim anew."),
    )
}

impl Progress {
    /// Over these rows. `edges` are (blocker, dependent) pairs among `subtasks`; every subtask's
    /// batch and wave must be there.
    #[must_use]
    pub fn new(
        now: Time,
        subtasks: Vec<Subtask>,
        edges: Vec<(Uuid, Uuid)>,
        batches: Vec<Batch>,
        waves: Vec<Wave>,
    ) -> Self {
        let mut dependents: BTreeMap<Uuid, Vec<Uuid>> = BTreeMap::new();
        for (blocker, dependent) in edges {
            dependents.entry(blocker).or_default().push(dependent);
        }
        Self {
            now,
            subtasks: subtasks.into_iter().map(|subtask| (subtask.id, subtask)).collect(),
            dependents,
            batches: batches.into_iter().map(|batch| (batch.id, batch)).collect(),
            waves: waves
                .into_iter()
                .map(|wave| ((wave.session_id.clone(), wave.wave_number), wave))
                .collect(),
            accounts: BTreeMap::new(),
            changes: Changes::default(),
        }
    }

    /// With what the sessions spent and may spend; one that is not there may spend anything.
    #[must_use]
    pub fn with_accounts(mut self, accounts: Vec<Account>) -> Self {
        self.accounts
            .extend(accounts.into_iter().map(|account| (account.session_id.clone(), account)));
        self
    }

    /// Decides one PATCH.
    ///
    /// # Errors
    /// Not found, or a state that does not allow it; then nothing of this patch is applied.
    pub fn patch(&mut self, id: Uuid, patch: &Patch) -> Result<Subtask, Refusal> {
        let before = self.subtask(id)?.clone();
        let mut after = before.clone();
        if patch.token.is_some() && patch.token != before.lease_token {
            return Err(lease_lost(id));
        }
        if before.status.is_terminal() {
            return if is_repeat(&before, patch) { Ok(before) } else { Err(ended(&before, patch)) };
        }
        // Whoever names itself and no lease is not the one who has it; people name nobody.
        let foreign = patch.agent_id.is_some() && patch.agent_id != before.agent_id;
        if foreign && patch.token.is_none() && before.lease_token.is_some() {
            return Err(lease_lost(id));
        }
        // Before it moves: what is reported was spent in the attempt that a move may end.
        if let Some(result) = &patch.result {
            if !is_given_back(&before, patch) {
                after.spend(Usage::reported(result).beyond(after.attempt_usage));
            }
            after.result = Some(result.clone());
        }
        if let Some(relink) = &patch.blocked_by {
            relinked(&mut after, relink)?;
        }
        if let Some(target) = patch.status {
            self.moved(&mut after, target)?;
        }
        if let Some(agent_id) = &patch.agent_id {
            after.agent_id = Some(agent_id.clone());
        }
        if let Some(priority) = patch.priority {
            after.priority = priority;
        }
        if let Some(snapshot) = &patch.context_snapshot {
            after.context_snapshot = Some(snapshot.clone());
        }
        if after == before {
            return Ok(before);
        }
        after.updated_at = self.now;
        if after.blocked_by != before.blocked_by {
            self.relink(&after);
        }
        self.judge_report(&before, &after);
        self.settle(&before, after.clone());
        Ok(after)
    }

    /// The time of these changes.
    #[must_use]
    pub const fn now(&self) -> Time {
        self.now
    }

    /// The rows that changed, and the events in order of cause.
    #[must_use]
    pub fn into_parts(self) -> Parts {
        let Self { subtasks, batches, waves, accounts, changes, .. } = self;
        let subtasks: Vec<Subtask> = subtasks
            .into_values()
            .filter(|subtask| changes.subtasks.contains(&subtask.id))
            .collect();
        let mut touched = changes.batches;
        touched.extend(subtasks.iter().map(|subtask| subtask.batch_id));
        Parts {
            subtasks,
            batches: batches.into_values().filter(|batch| touched.contains(&batch.id)).collect(),
            waves: waves
                .into_iter()
                .filter(|(key, _)| changes.waves.contains(key))
                .map(|(_, wave)| wave)
                .collect(),
            accounts: accounts
                .into_values()
                .filter(|account| changes.accounts.contains(&account.session_id))
                .collect(),
            events: changes.events,
            ended: changes.ended,
        }
    }

    /// A subtask as it stands after what was decided so far.
    ///
    /// # Errors
    /// When it is not among the rows.
    pub fn subtask(&self, id: Uuid) -> Result<&Subtask, Refusal> {
        self.subtasks.get(&id).ok_or_else(|| Refusal::not_found("subtask", id))
    }

    /// Moves a subtask that has not ended to `target`, or refuses.
    fn moved(&self, subtask: &mut Subtask, target: SubtaskStatus) -> Result<(), Refusal> {
        if subtask.status == target {
            return Ok(());
        }
        let Some(event) = target.asked_by_hand() else {
            return Err(Refusal::conflict(
                "blocked_by_hand",
                "A subtask is blocked by its blockers alone; send \"blocked_by\" instead of a status.",
            ));
        };
        if matches!(target, SubtaskStatus::Running | SubtaskStatus::Completed) {
            self.wave_must_run(subtask)?;
        }
        let Ok(status) = subtask.status.transition(event) else {
            let message = if subtask.status == SubtaskStatus::Blocked {
                format!(
                    "Subtask {} is blocked: {} of its blockers have not completed. It turns pending by itself when they have.",
                    subtask.id, subtask.open_blockers
                )
            } else {
                format!(
                    "Subtask {} is {}; it cannot become {}.",
                    subtask.id,
                    subtask.status.as_str(),
                    target.as_str()
                )
            };
            return Err(Refusal::conflict("illegal_transition", message));
        };
        match status {
            SubtaskStatus::Running => subtask.started_at = subtask.started_at.or(Some(self.now)),
            SubtaskStatus::Completed | SubtaskStatus::Failed => {
                subtask.completed_at = Some(self.now)
            }
            // Given back: the next agent's work counts from its own start.
            SubtaskStatus::Pending => give_back(subtask),
            SubtaskStatus::Paused | SubtaskStatus::Blocked => {}
        }
        subtask.status = status;
        Ok(())
    }

    fn wave_must_run(&self, subtask: &Subtask) -> Result<(), Refusal> {
        let (session, number) = (&subtask.session_id, subtask.wave_number);
        let status = self.waves.get(&(session.clone(), number)).map(|wave| wave.status);
        match status {
            Some(WaveStatus::Running) => Ok(()),
            Some(WaveStatus::Completed | WaveStatus::Failed) => Err(Refusal::conflict(
                "wave_finished",
                format!("Wave {number} of session `{session}` has ended."),
            )),
            Some(WaveStatus::Pending) | None => Err(Refusal::conflict(
                "wave_not_running",
                format!(
                    "Wave {number} of session `{session}` is not running yet; start it with POST /api/waves/{session}/start {{\"wave_number\": {number}}}."
                ),
            )),
        }
    }

    /// Records a change and everything that follows from it.
    fn settle(&mut self, before: &Subtask, after: Subtask) {
        let (batch_id, key) = (after.batch_id, (after.session_id.clone(), after.wave_number));
        let (status, optional, id) = (after.status, after.optional, after.id);
        self.end_lease(before, &after);
        self.note(before, after);
        if before.status == status {
            return;
        }
        if let Some(batch) = self.batches.get_mut(&batch_id) {
            let started = matches!(status, SubtaskStatus::Running | SubtaskStatus::Completed);
            if started
                && batch.status == BatchStatus::Pending
                && let Ok(status) = batch.status.transition(BatchEvent::Start)
            {
                batch.status = status;
                self.changes.batches.insert(batch_id);
            }
            if status.is_terminal() {
                batch.completed_tasks += i32::from(status == SubtaskStatus::Completed);
                batch.failed_tasks += i32::from(status == SubtaskStatus::Failed);
                self.changes.batches.insert(batch_id);
            }
        }
        if status == SubtaskStatus::Completed {
            self.unblock_dependents(id);
        }
        if status.is_terminal() {
            let now = self.now;
            if let Some(wave) = self.waves.get_mut(&key) {
                wave.completed_tasks += i32::from(status == SubtaskStatus::Completed);
                wave.failed_tasks += i32::from(status == SubtaskStatus::Failed);
                wave.failed_optional_tasks +=
                    i32::from(status == SubtaskStatus::Failed && optional);
                if let Some(event) = finish_if_done(wave, now) {
                    self.changes.events.push(event);
                }
                self.changes.waves.insert(key);
            }
        }
    }

    /// Later requests of the same group see the new dependencies.
    fn relink(&mut self, subtask: &Subtask) {
        for dependents in self.dependents.values_mut() {
            dependents.retain(|dependent| *dependent != subtask.id);
        }
        for blocker in &subtask.blocked_by {
            self.dependents.entry(*blocker).or_default().push(subtask.id);
        }
    }

    fn unblock_dependents(&mut self, blocker: Uuid) {
        for id in self.dependents.get(&blocker).cloned().unwrap_or_default() {
            let Some(before) = self.subtasks.get(&id).cloned() else { continue };
            let mut after = before.clone();
            after.open_blockers -= 1;
            after.updated_at = self.now;
            if after.open_blockers == 0
                && let Ok(status) = after.status.transition(SubtaskEvent::Unblock)
            {
                after.status = status;
            }
            self.note(&before, after);
        }
    }

    /// Takes the new row; its event tells what a list shows.
    fn note(&mut self, before: &Subtask, after: Subtask) {
        let event = NewEvent::subtask_updated(&after, before.status, self.now);
        self.tell(before, after, event);
    }

    /// Takes the new row, and what it spent beyond the old one.
    fn tell(&mut self, before: &Subtask, after: Subtask, event: NewEvent) {
        let spent = after.usage.beyond(before.usage);
        if spent.is_nothing() {
            self.changes.events.push(event);
        } else {
            self.spend(&after, spent, event);
        }
        self.changes.subtasks.insert(after.id);
        self.subtasks.insert(after.id, after);
    }
}

/// Finishes a running wave whose subtasks have all ended; a wave without subtasks never finishes by
/// itself.
#[must_use]
pub fn finish_if_done(wave: &mut Wave, now: Time) -> Option<NewEvent> {
    if wave.total_tasks == 0 || wave.open_tasks() > 0 {
        return None;
    }
    let status =
        wave.status.transition(WaveEvent::Finish { failed: wave.critical_failures() > 0 }).ok()?;
    wave.status = status;
    wave.completed_at = Some(now);
    Some(NewEvent::wave_finished(wave, now))
}

/// Whether a patch of an ended subtask says what already is: the same status and no other result.
fn is_repeat(subtask: &Subtask, patch: &Patch) -> bool {
    patch.status.is_none_or(|status| status == subtask.status)
        && patch.result.as_ref().is_none_or(|result| subtask.result.as_ref() == Some(result))
        && patch.blocked_by.as_ref().is_none_or(|relink| relink.blocked_by == subtask.blocked_by)
        && (patch.status.is_some() || patch.result.is_some())
}

fn ended(subtask: &Subtask, patch: &Patch) -> Refusal {
    let (id, status) = (subtask.id, subtask.status.as_str());
    let message = match (subtask.status, patch.status) {
        (SubtaskStatus::Failed, Some(target)) if target != SubtaskStatus::Failed => {
            format!("Subtask {id} is failed; try it again with POST /api/subtasks/{id}/retry.")
        }
        (_, Some(target)) if target == subtask.status => {
            format!("Subtask {id} is already {status} with another result.")
        }
        (_, Some(target)) => {
            format!("Subtask {id} is {status}; it cannot become {}.", target.as_str())
        }
        (_, None) => format!("Subtask {id} is {status} and cannot be changed."),
    };
    Refusal::conflict("subtask_ended", message)
}

fn relinked(subtask: &mut Subtask, relink: &Relink) -> Result<(), Refusal> {
    if subtask.status == SubtaskStatus::Running {
        return Err(Refusal::conflict(
            "subtask_running",
            format!(
                "Subtask {} is running; pause it before you change what it waits for.",
                subtask.id
            ),
        ));
    }
    subtask.blocked_by.clone_from(&relink.blocked_by);
    subtask.open_blockers = relink.open;
    let event = match (subtask.status, relink.open > 0) {
        (SubtaskStatus::Blocked, false) => SubtaskEvent::Unblock,
        (SubtaskStatus::Pending | SubtaskStatus::Paused, true) => SubtaskEvent::Block,
        _ => return Ok(()),
    };
    if let Ok(status) = subtask.status.transition(event) {
        subtask.status = status;
        give_back(subtask);
    }
    Ok(())
}
