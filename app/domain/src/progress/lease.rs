//! Subtasks taken under a lease, and what follows when the lease ends.

use serde_json::{Map, Value};
use uuid::Uuid;

use super::{Ended, Progress};
use crate::{
    event::NewEvent,
    json::JsonObject,
    lease::{MAX_ATTEMPTS, Outcome, backoff},
    problem::Refusal,
    subtask::{Subtask, SubtaskStatus},
    usage::Usage,
};

/// How much of its own words is kept with an attempt; characters.
const SAID: usize = 500;

impl Progress {
    /// Hands a ready subtask to an agent, under a lease.
    ///
    /// # Errors
    /// Not found, or not ready any more; then nothing of it is applied.
    pub fn claim(&mut self, id: Uuid, agent_id: &str, token: i64) -> Result<Subtask, Refusal> {
        let before = self.subtask(id)?.clone();
        if before.status != SubtaskStatus::Pending
            || before.not_before.is_some_and(|time| time > self.now)
        {
            return Err(Refusal::conflict(
                "not_ready",
                format!("Subtask {id} is not ready to be claimed."),
            ));
        }
        let mut after = before.clone();
        self.moved(&mut after, SubtaskStatus::Running)?;
        after.agent_id = Some(agent_id.to_owned());
        after.lease_token = Some(token);
        // What somebody did for it meanwhile is no part of this attempt.
        after.attempt_usage = Usage::default();
        after.not_before = None;
        after.updated_at = self.now;
        self.settle(&before, after.clone());
        Ok(after)
    }

    /// Takes a running subtask from the agent whose lease is over, because of `outcome`: it is tried
    /// again after a while, or has failed when it was tried often enough. Says whether it did; not when
    /// the subtask is no longer held under that lease.
    ///
    /// # Errors
    /// Not found.
    pub fn expire(
        &mut self,
        id: Uuid,
        token: i64,
        outcome: Outcome,
        reason: String,
    ) -> Result<bool, Refusal> {
        let before = self.subtask(id)?.clone();
        if before.status != SubtaskStatus::Running || before.lease_token != Some(token) {
            return Ok(false);
        }
        let tries = before.retry_count.saturating_add(1);
        let requeued = tries < before.max_attempts.unwrap_or(MAX_ATTEMPTS);
        let mut after = before.clone();
        after.updated_at = self.now;
        if requeued {
            self.moved(&mut after, SubtaskStatus::Pending)?;
            after.retry_count = tries;
            after.not_before = Some(self.now + backoff(tries));
        } else {
            self.moved(&mut after, SubtaskStatus::Failed)?;
            let times = if tries == 1 { "once".to_owned() } else { format!("{tries} times") };
            after.result = Some(failure(&format!("Tried {times}. {reason}"), &before));
            // No report under the old lease counts any more.
            after.lease_token = None;
        }
        let ended = Ended { token, outcome, reason: Some(reason) };
        let event = NewEvent::lease_expired(&before, &ended, requeued, self.now);
        self.changes.events.push(event);
        self.changes.ended.push(ended);
        self.settle(&Subtask { lease_token: None, ..before }, after);
        Ok(true)
    }

    /// Cancels a subtask that has not ended: it fails. Nothing for one that has.
    ///
    /// # Errors
    /// Not found.
    pub fn cancel(&mut self, id: Uuid, reason: Option<&str>) -> Result<Option<Subtask>, Refusal> {
        let before = self.subtask(id)?.clone();
        if before.status.is_terminal() {
            return Ok(None);
        }
        let said = reason.map(str::trim).filter(|reason| !reason.is_empty());
        let sentence =
            said.map_or_else(|| "Cancelled.".to_owned(), |why| format!("Cancelled: {why}"));
        let mut after = before.clone();
        self.moved(&mut after, SubtaskStatus::Failed)?;
        after.result = Some(failure(&sentence, &before));
        after.lease_token = None;
        after.updated_at = self.now;
        if let Some(token) = held(&before) {
            let reason = Some(sentence);
            self.changes.ended.push(Ended { token, outcome: Outcome::Cancelled, reason });
        }
        self.settle(&Subtask { lease_token: None, ..before }, after.clone());
        Ok(Some(after))
    }

    /// Ends the attempt of a subtask that is no longer worked on.
    pub(super) fn end_lease(&mut self, before: &Subtask, after: &Subtask) {
        let Some(token) = held(before) else { return };
        let outcome = match after.status {
            SubtaskStatus::Running | SubtaskStatus::Paused => return,
            SubtaskStatus::Completed => Outcome::Completed,
            SubtaskStatus::Failed => Outcome::Failed,
            SubtaskStatus::Pending | SubtaskStatus::Blocked => Outcome::GivenBack,
        };
        let reason = (outcome != Outcome::Completed).then(|| said(before, after)).flatten();
        self.changes.ended.push(Ended { token, outcome, reason });
    }
}

/// Why its agent gave a subtask up, in its own words.
fn said(before: &Subtask, after: &Subtask) -> Option<String> {
    let result = after.result.as_ref().filter(|result| before.result.as_ref() != Some(result))?;
    let result = result.parse();
    let words = ["error", "reason", "summary"].iter().find_map(|name| result.get(*name)?.as_str());
    let words = words.map(str::trim).filter(|words| !words.is_empty())?;
    Some(words.chars().take(SAID).collect())
}

/// The lease that a subtask is held under now.
fn held(subtask: &Subtask) -> Option<i64> {
    let holds = matches!(subtask.status, SubtaskStatus::Running | SubtaskStatus::Paused);
    subtask.lease_token.filter(|_| holds)
}

/// The result of a subtask that nobody reported: what was known of it, and why it failed.
fn failure(sentence: &str, before: &Subtask) -> JsonObject {
    let mut result = before.result.as_ref().map_or_else(Map::new, JsonObject::parse);
    result.insert("error".to_owned(), Value::from(sentence));
    result.into()
}
