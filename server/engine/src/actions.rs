//! Actions: what agents did, tool call by tool call.

use domain::{
    check::PAGE,
    dto::{Action, ActionPage, RecordAction},
    event::NewEvent,
    problem::Refusal,
};
use uuid::Uuid;

use crate::{Engine, Error, IdempotencyKey, Result, clock, store, subtasks::parse_cursor};

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
        let now = clock::now();
        let mut tx = crate::tx::Tx::begin(self.pool_ref()).await?;
        if let Some(key) = &key
            && let Some(answer) = key.replay(&mut tx, now).await?
        {
            return Ok(answer);
        }
        let subtask = match request.subtask_id {
            Some(id) => Some(
                store::subtasks::get(&mut *tx, id)
                    .await?
                    .ok_or_else(|| Refusal::not_found("subtask", id))?,
            ),
            None => None,
        };
        let session_id = match (&subtask, &request.session_id) {
            (Some(subtask), Some(named)) if subtask.session_id != *named => {
                let message = format!("the subtask belongs to session `{}`", subtask.session_id);
                return Err(Refusal::invalid("session_id", message).into());
            }
            (Some(subtask), _) => subtask.session_id.clone(),
            (None, Some(named)) => named.clone(),
            (None, None) => {
                return Err(Error::internal("an action without a session passed its check"));
            }
        };
        let action = Action {
            writes_files: request.writes_files(),
            id: Uuid::now_v7(),
            session_id,
            subtask_id: request.subtask_id,
            agent_id: request.agent_id,
            tool_name: request.tool_name,
            tool_type: request.tool_type,
            input: request.input,
            output: request.output,
            file_paths: request.file_paths,
            exit_code: request.exit_code,
            duration_ms: request.duration_ms,
            metadata: request.metadata,
            created_at: now,
        };
        store::sessions::hold(&mut tx, &action.session_id, now).await?;
        store::actions::insert(&mut tx, &action).await?;
        if let Some(subtask) = &subtask
            && subtask.lease_token.is_some()
        {
            store::attempts::acted(&mut tx, subtask.id, now).await?;
        }
        let mut events = vec![NewEvent::action_recorded(&action, subtask.as_ref(), now)];
        if let (true, Some(subtask)) = (action.writes_files, &subtask) {
            let outside: Vec<String> = action
                .file_paths
                .iter()
                .filter(|path| !subtask.scope.allows(path))
                .cloned()
                .collect();
            if !outside.is_empty() {
                events.push(NewEvent::scope_violated(&action, subtask, &outside, now));
            }
        }
        store::events::write(&mut tx, &events).await?;
        if let Some(key) = &key {
            key.keep(&mut tx, &action, now).await?;
        }
        self.commit(tx).await?;
        Ok(action)
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
