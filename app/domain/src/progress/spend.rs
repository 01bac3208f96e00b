//! What agents spend, and what they did for it.

use std::collections::BTreeSet;

use super::{Progress, lease_lost};
use crate::{
    dto::Action,
    event::{BudgetEvent, NewEvent, Totals},
    problem::Refusal,
    subtask::Subtask,
    usage::{HeldBack, Usage},
};

impl Subtask {
    /// Spends in its latest attempt.
    pub(super) fn spend(&mut self, usage: Usage) {
        self.usage += usage;
        self.attempt_usage += usage;
    }
}

impl Progress {
    /// Takes note of an action: of its subtask, whatever its state, or of its session alone; of what it cost,
    /// and of what it did beyond the subtask's scope. `known` are the files that the subtask's actions had
    /// written; they matter where it may write only so many.
    ///
    /// # Errors
    /// No such subtask; the lease that it was made under, if it names one, is over.
    pub fn acted(
        &mut self,
        action: &Action,
        token: Option<i64>,
        known: &BTreeSet<String>,
    ) -> Result<(), Refusal> {
        let Some(id) = action.subtask_id else {
            self.acted_alone(action);
            return Ok(());
        };
        let before = self.subtask(id)?.clone();
        if token.is_some() && token != before.lease_token {
            return Err(lease_lost(id));
        }
        let event = NewEvent::action_recorded(action, Some(&before), self.now);
        if action.usage.is_nothing() {
            self.changes.events.push(event);
        } else {
            let mut after = before.clone();
            after.spend(action.usage);
            self.tell(&before, after, event);
        }
        self.judge_action(&before, action, known);
        Ok(())
    }

    fn acted_alone(&mut self, action: &Action) {
        let event = NewEvent::action_recorded(action, None, self.now);
        if action.usage.is_nothing() {
            self.changes.events.push(event);
            return;
        }
        let (totals, reached) = self.spend_of(&action.session_id, action.usage, Totals::default());
        self.changes.events.push(event.with_usage(totals));
        self.changes.events.extend(reached);
    }

    /// Why a session hands out no work; none when it does.
    #[must_use]
    pub fn held_back(&self, session_id: &str) -> Option<HeldBack> {
        self.accounts.get(session_id)?.held_back()
    }

    /// Adds what a subtask spent to its wave and session; `event` tells of it, and another one when
    /// that reaches a limit.
    pub(super) fn spend(&mut self, subtask: &Subtask, spent: Usage, event: NewEvent) {
        let mut totals = Totals { subtask: Some(subtask.usage), ..Totals::default() };
        let key = (subtask.session_id.clone(), subtask.wave_number);
        if let Some(wave) = self.waves.get_mut(&key) {
            wave.usage += spent;
            totals.wave = Some(wave.usage);
            self.changes.waves.insert(key);
        }
        let (totals, reached) = self.spend_of(&subtask.session_id, spent, totals);
        self.changes.events.push(event.with_usage(totals));
        self.changes.events.extend(reached);
    }

    /// Adds to what a session spent; tells when that reaches a limit.
    fn spend_of(
        &mut self,
        session_id: &str,
        spent: Usage,
        mut totals: Totals,
    ) -> (Totals, Option<NewEvent>) {
        let Some(account) = self.accounts.get_mut(session_id) else { return (totals, None) };
        let reached =
            account.spend(spent).map(|_| NewEvent::budget(BudgetEvent::Reached, account, self.now));
        totals.session = account.usage;
        self.changes.accounts.insert(session_id.to_owned());
        (totals, reached)
    }
}
