//! Actions: what agents did, tool call by tool call.

use domain::{
    Time,
    check::PAGE,
    conflict::normalise_path,
    dto::{Action, ActionPage, RecordAction},
    event::{BudgetEvent, NewEvent, Totals},
    problem::Refusal,
};
use uuid::Uuid;

use crate::{
    Engine, Error, IdempotencyKey, Result, clock, lock,
    registry::forbidden_to,
    store::{self, Tx},
    subtasks::{parse_cursor, read, write},
};

impl Engine {
    /// Records an action of a subtask, or just of a session.
    ///
    /// # Errors
    /// An invalid request, no such subtask, or the database is away.
    pub async fn record_action(
        &self,
        request: RecordAction,
        key: Option<IdempotencyKey>,
    ) -> Result<Action> {
        request.check()?;
        let is_write = request.writes_files();
        let now = clock::now();
        // Read first: whoever holds one connection must not wait for another.
        let agents = self.agents().await?;
        let mut tx = match request.subtask_id {
            Some(id) => lock::of_subtasks(self.pool_ref(), &[id]).await?,
            None => Tx::begin(self.pool_ref()).await?,
        };
        if let Some(key) = &key
            && let Some(answer) = key.replay(&mut tx, now).await?
        {
            return Ok(answer);
        }
        let mut of_subtask = None;
        let mut session_id = request.session_id;
        if let Some(id) = request.subtask_id {
            let progress = read(&mut tx, &[id], &[]).await?;
            let subtask = progress.subtask(id)?;
            if session_id.as_ref().is_some_and(|named| *named != subtask.session_id) {
                let message = format!("the subtask belongs to session `{}`", subtask.session_id);
                return Err(Refusal::invalid("session_id", message).into());
            }
            session_id = Some(subtask.session_id.clone());
            of_subtask = Some((id, progress));
        }
        let session_id = session_id
            .ok_or_else(|| Error::internal("an action without a session passed its check"))?;
        let mut action = Action {
            writes_files: is_write,
            id: Uuid::now_v7(),
            session_id,
            subtask_id: request.subtask_id,
            agent_id: request.agent_id,
            tool_name: request.tool_name,
            tool_type: request.tool_type,
            input: request.input,
            output: request.output,
            file_paths: request.file_paths,
            forbidden_action: None,
            exit_code: request.exit_code,
            duration_ms: request.duration_ms,
            usage: request.usage,
            metadata: request.metadata,
            created_at: now,
        };
        match of_subtask {
            Some((id, mut progress)) => {
                let subtask = progress.subtask(id)?;
                action.forbidden_action = forbidden_to(subtask, &agents, &action.call());
                let known = match subtask.scope.max_files {
                    Some(_) if is_write => store::actions::files_of_subtask(&mut *tx, id).await?,
                    _ => Vec::new(),
                };
                let known = known.iter().map(|path| normalise_path(path)).collect();
                store::actions::insert(&mut tx, &action).await?;
                if subtask.lease_token.is_some() {
                    store::attempts::acted(&mut tx, id, now).await?;
                }
                progress.acted(id, &action, request.token, &known)?;
                write(&mut tx, progress).await?;
            }
            None => self.of_session_alone(&mut tx, &action, now).await?,
        }
        if let Some(key) = &key {
            key.keep(&mut tx, &action, now).await?;
        }
        self.commit(tx).await?;
        Ok(action)
    }

    /// An action that belongs to no subtask.
    async fn of_session_alone(&self, tx: &mut Tx, action: &Action, now: Time) -> Result<()> {
        store::sessions::hold(tx, &action.session_id, now).await?;
        store::actions::insert(tx, action).await?;
        let mut event = NewEvent::action_recorded(action, None, now);
        let mut reached = None;
        if !action.usage.is_nothing()
            && let Some(row) = store::sessions::get(&mut **tx, &action.session_id).await?
        {
            let mut account = row.account()?;
            reached = account
                .spend(action.usage)
                .map(|_| NewEvent::budget(BudgetEvent::Reached, &account, now));
            store::sessions::write_account(tx, &account).await?;
            event = event.with_usage(Totals { session: account.usage, ..Totals::default() });
        }
        let events: Vec<NewEvent> = [event].into_iter().chain(reached).collect();
        store::events::write(tx, &events).await
    }

    /// A page of actions of a session or a subtask, newest first.
    ///
    /// # Errors
    /// A malformed cursor, or the database is away.
    pub async fn actions(
        &self,
        session_id: Option<&str>,
        subtask_id: Option<Uuid>,
        cursor: Option<&str>,
        limit: i64,
    ) -> Result<ActionPage> {
        let before = parse_cursor(cursor)?;
        if let Some(session_id) = session_id {
            crate::names::check_session(session_id)?;
        }
        let limit = limit.clamp(1, PAGE);
        let actions =
            store::actions::page(self.pool_ref(), session_id, subtask_id, before, limit).await?;
        let full = i64::try_from(actions.len()).unwrap_or(i64::MAX) == limit;
        let next_cursor = actions.last().filter(|_| full).map(|action| action.id.to_string());
        Ok(ActionPage { actions, next_cursor })
    }
}
