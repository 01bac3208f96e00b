//! Actions: what agents did, tool call by tool call. Recorded in groups, as agents that work in one
//! session do so all the time.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use domain::{
    Time,
    check::PAGE,
    conflict::normalise_path,
    dto::{Action, ActionPage, RecordAction},
    problem::Refusal,
    registry::AgentProfile,
};
use sqlx::PgPool;
use uuid::Uuid;

use crate::{
    Engine, Error, IdempotencyKey, Result,
    appender::Waker,
    clock,
    group::{Group, Reply},
    lock::{self, Held, Wait},
    registry::forbidden_to,
    store,
    subtasks::{parse_cursor, read, write},
};

/// An action to record, and the registry that says what is forbidden.
pub type Recorded = (RecordAction, Arc<Vec<AgentProfile>>);

/// The writer of actions.
pub type Actions = Group<Recorded, Action>;

/// Starts the writer.
pub fn start_group(pool: &PgPool, appender: &Waker) -> Actions {
    let (pool, appender) = (pool.clone(), appender.clone());
    Group::start(Box::new(move |group, wait| {
        let (pool, appender) = (pool.clone(), appender.clone());
        Box::pin(async move {
            let now = clock::now();
            let mut held = begin(&pool, &group, now, wait).await?;
            let replies = record(&mut held, group, now).await?;
            held.tx.commit().await?;
            appender.wake();
            Ok(replies)
        })
    }))
}

/// Begins a transaction that holds the sessions of these actions; one that only an action names is made.
async fn begin(pool: &PgPool, group: &[Recorded], now: Time, wait: Wait) -> Result<Held> {
    let subtasks: Vec<Uuid> = group.iter().filter_map(|(request, _)| request.subtask_id).collect();
    let alone = group.iter().filter(|(request, _)| request.subtask_id.is_none());
    let sessions: BTreeSet<&str> =
        alone.filter_map(|(request, _)| request.session_id.as_deref()).collect();
    lock::of_actions(pool, &subtasks, &sessions, now, wait).await
}

/// Records a group of actions under the locks of their sessions: a few statements, whatever its size.
async fn record(held: &mut Held, group: Vec<Recorded>, now: Time) -> Result<Vec<Reply<Action>>> {
    let ids: BTreeSet<Uuid> = group.iter().filter_map(|(request, _)| request.subtask_id).collect();
    let ids: Vec<Uuid> = ids.into_iter().collect();
    let mut progress = read(&mut held.tx, &ids, &[]).await?;
    // A session that is not here yet and that nothing is spent of needs no account.
    let spending: BTreeSet<&String> = group
        .iter()
        .filter(|(request, _)| request.subtask_id.is_none() && !request.usage.is_nothing())
        .filter_map(|(request, _)| request.session_id.as_ref())
        .collect();
    if !spending.is_empty() {
        let spending: Vec<String> = spending.into_iter().cloned().collect();
        progress =
            progress.with_accounts(store::sessions::accounts(&mut held.tx, &spending).await?);
    }
    let limited: Vec<Uuid> = group
        .iter()
        .filter(|(request, _)| request.writes_files())
        .filter_map(|(request, _)| progress.subtask(request.subtask_id?).ok())
        .filter(|subtask| subtask.scope.max_files.is_some())
        .map(|subtask| subtask.id)
        .collect();
    let mut known: BTreeMap<Uuid, BTreeSet<String>> = BTreeMap::new();
    if !limited.is_empty() {
        for (id, path) in store::actions::files_of(&mut *held.tx, &limited).await? {
            known.entry(id).or_default().insert(normalise_path(&path));
        }
    }
    let (mut actions, mut alive) = (Vec::new(), Vec::new());
    let mut replies = Vec::with_capacity(group.len());
    for (request, agents) in group {
        let token = request.token;
        let of = request.subtask_id.and_then(|id| progress.subtask(id).ok());
        let session = of.map(|subtask| &subtask.session_id).or(request.session_id.as_ref());
        if let Some(session) = session.filter(|session| !held.has(session)) {
            replies.push(Reply::Busy(session.clone()));
            continue;
        }
        let action = match action_of(request, &agents, &progress, now) {
            Ok(action) => action,
            Err(refusal) => {
                replies.push(Reply::Answer(Err(refusal.into())));
                continue;
            }
        };
        let of_subtask = action.subtask_id.and_then(|id| progress.subtask(id).ok());
        // A sign of life of the one who holds it, not of whom it was taken from.
        let leased = of_subtask.is_some_and(|subtask| {
            let by = action.agent_id.as_ref();
            subtask.lease_token.is_some()
                && (token.is_some() || by.is_none() || by == subtask.agent_id.as_ref())
        });
        let files = action.subtask_id.map(|id| known.entry(id).or_default());
        let nothing = BTreeSet::new();
        let before: &BTreeSet<String> = files.as_deref().unwrap_or(&nothing);
        if let Err(refusal) = progress.acted(&action, token, before) {
            replies.push(Reply::Answer(Err(refusal.into())));
            continue;
        }
        if let Some(files) = files
            && action.writes_files
        {
            files.extend(action.file_paths.iter().map(|path| normalise_path(path)));
        }
        alive.extend(action.subtask_id.filter(|_| leased));
        actions.push(action.clone());
        replies.push(Reply::Answer(Ok(action)));
    }
    store::actions::insert(&mut held.tx, &actions, &alive, now).await?;
    write(&mut held.tx, progress).await?;
    Ok(replies)
}

/// The action that a request records.
fn action_of(
    request: RecordAction,
    agents: &[AgentProfile],
    progress: &domain::progress::Progress,
    now: Time,
) -> std::result::Result<Action, Refusal> {
    let subtask = request.subtask_id.map(|id| progress.subtask(id)).transpose()?;
    let session_id = match (subtask, &request.session_id) {
        (Some(subtask), Some(named)) if *named != subtask.session_id => {
            let message = format!("the subtask belongs to session `{}`", subtask.session_id);
            return Err(Refusal::invalid("session_id", message));
        }
        (Some(subtask), _) => subtask.session_id.clone(),
        (None, named) => named.clone().unwrap_or_default(),
    };
    let mut action = Action {
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
        forbidden_action: None,
        exit_code: request.exit_code,
        duration_ms: request.duration_ms,
        usage: request.usage,
        metadata: request.metadata,
        created_at: now,
    };
    if let Some(subtask) = subtask {
        action.forbidden_action = forbidden_to(subtask, agents, &action.call());
    }
    Ok(action)
}

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
        let recorded = (request, self.agents().await?);
        let Some(key) = key else { return self.inner.actions.run(recorded).await };
        let (now, group) = (clock::now(), vec![recorded]);
        let mut held = begin(self.pool_ref(), &group, now, Wait::AsLong).await?;
        if let Some(answer) = key.replay(&mut held.tx, now).await? {
            return Ok(answer);
        }
        let Some(Reply::Answer(action)) = record(&mut held, group, now).await?.pop() else {
            return Err(Error::internal("no answer to an action"));
        };
        let action = action?;
        key.keep(&mut held.tx, &action, now).await?;
        self.commit(held.tx).await?;
        Ok(action)
    }

    /// The tool that was called last for each of these subtasks, where one was.
    ///
    /// # Errors
    /// The database is away.
    pub async fn latest_tools(&self, subtasks: &[Uuid]) -> Result<Vec<(Uuid, String)>> {
        if subtasks.is_empty() {
            return Ok(Vec::new());
        }
        store::actions::latest_tools(self.pool_ref(), subtasks).await
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
