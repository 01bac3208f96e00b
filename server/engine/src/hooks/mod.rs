//! Claude Code's hooks as use-cases: sessions are tracked, subagents take subtasks and report them, and an
//! edit is refused before it is made.

mod subagents;

use domain::{
    check::Check,
    conflict::normalise_path,
    dto::{RecordAction, ReleaseFiles, ReserveFiles},
    hook::{HookEvent, deny, go_on, nothing, outside, tell},
    lease::Outcome,
    problem::Refusal,
    registry::AgentProfile,
    subtask::{Subtask, SubtaskStatus},
    usage::Usage,
    wave::WaveStatus,
};
use serde_json::{Value, json};
use tokio::sync::oneshot;

use self::subagents::Given;
use crate::{
    Engine, Error, Result, clock, file_leases, leases, names::check_session,
    registry::forbidden_to, store,
};

/// How long a file stays its editor's without a subtask; seconds.
const FILE_SECONDS: i32 = 600;
/// How long at most with one: it is free once the subtask no longer runs.
const TASK_FILE_SECONDS: i32 = 86_400;
/// Largest input or output of a tool that is kept; bytes of JSON.
const KEPT: usize = 20_000;

impl Engine {
    /// Takes one event, and says what Claude Code is to be answered. `session` is the Swell session that
    /// it belongs to; Claude Code's own when there is none.
    ///
    /// # Errors
    /// An invalid event, or the database is away.
    pub async fn claude_code(&self, session: Option<&str>, event: HookEvent) -> Result<Value> {
        let session = session.unwrap_or(&event.session_id);
        check_session(session)?;
        let mut check = Check::default();
        check.name("session_id", &event.session_id);
        if let Some(agent_id) = &event.agent_id {
            check.name("agent_id", agent_id);
        }
        check.finish()?;
        match event.hook_event_name.as_str() {
            "SessionStart" => self.session_started(session, &event).await,
            "UserPromptSubmit" => self.noted(session, &event, "prompt").await,
            "PreToolUse" => self.may_use(session, &event).await,
            "PostToolUse" | "PostToolUseFailure" => self.noted(session, &event, "").await,
            // To its end, also when the one who asks hangs up: what is taken must be told or given back.
            "SubagentStart" => {
                let (engine, session) = (self.clone(), session.to_owned());
                let (tell, told) = oneshot::channel();
                tokio::spawn(async move {
                    let given = engine.subagent_started(&session, &event).await;
                    if let Err(Ok(Given { taken: Some(taken), .. })) = tell.send(given)
                        && let Err(error) = engine.give_back(vec![taken]).await
                    {
                        tracing::warn!(%error, "a subtask whose agent hung up was not given back");
                    }
                });
                Ok(told.await.map_err(Error::internal)??.answer)
            }
            "SubagentStop" => self.subagent_stopped(session, &event).await,
            "Stop" => self.may_stop(&event).await,
            "SessionEnd" => self.session_ended(session, &event).await,
            _ => Ok(nothing()),
        }
    }

    async fn session_started(&self, session: &str, event: &HookEvent) -> Result<Value> {
        let mut tx = crate::tx::Tx::begin(self.pool_ref()).await?;
        store::sessions::hold(&mut tx, session, clock::now()).await?;
        tx.commit().await?;
        let waves = store::waves::of_session(self.pool_ref(), session).await?;
        let running = waves.iter().find(|wave| wave.status == WaveStatus::Running);
        let state = match running {
            Some(wave) => format!(
                "Wave {} runs: {} of {} subtasks have ended.",
                wave.wave_number,
                wave.total_tasks - wave.open_tasks(),
                wave.total_tasks
            ),
            None if waves.is_empty() => "It has no waves yet.".to_owned(),
            None => "No wave runs.".to_owned(),
        };
        let text = format!(
            "Swell tracks this as session `{session}`; your agent id there is `{}`. {state} Edits outside a \
             subtask's scope, or of files that another agent holds, are refused with the reason.",
            event.agent()
        );
        Ok(tell("SessionStart", &text))
    }

    /// Whether a tool may be used. What it would edit is then its editor's for a while.
    async fn may_use(&self, session: &str, event: &HookEvent) -> Result<Value> {
        // A session goes on when a subtask that it took itself is taken away, so it is told once.
        if event.agent() == event.session_id
            && let Some(lost) = store::attempts::tell_lost(self.pool_ref(), event.agent()).await?
        {
            return Ok(deny(&leases::lost(lost.subtask_id, Some(&lost)).to_string()));
        }
        let held = store::subtasks::held_by(self.pool_ref(), event.agent()).await?;
        let Some(subtask) = held else {
            if let Some(reason) = self.taken_away(event).await? {
                return Ok(deny(&reason));
            }
            return self.may_edit(session, event, None).await;
        };
        let agents = self.agents().await?;
        if let Some(rule) = forbidden_to(&subtask, &agents, &event.call(&event.files())) {
            return Ok(deny(&not_that(&rule)));
        }
        let profile = agents.iter().find(|profile| profile.agent_type == subtask.agent_type);
        let usual = profile.map_or_else(
            || AgentProfile::unknown(&subtask.agent_type).max_files,
            |it| it.max_files,
        );
        let most = subtask.scope.max_files.unwrap_or(usual);
        let session = subtask.session_id.clone();
        self.may_edit(&session, event, Some((subtask, most))).await
    }

    /// Why a subagent whose subtask is no longer its own has to stop; it exists for that subtask alone.
    async fn taken_away(&self, event: &HookEvent) -> Result<Option<String>> {
        if event.agent() == event.session_id {
            return Ok(None);
        }
        let last = store::attempts::last_of(self.pool_ref(), event.agent()).await?;
        let lost = last.filter(|it| match it.outcome {
            Some(Outcome::Completed | Outcome::Failed) => false,
            // Before it did anything: it was never told of it.
            Some(Outcome::GivenBack) => it.last_action_at.is_some(),
            _ => true,
        });
        Ok(lost.map(|it| leases::lost(it.subtask_id, Some(&it)).to_string()))
    }

    /// Whether an edit may be made, for a subtask that may change so many files.
    async fn may_edit(
        &self,
        session: &str,
        event: &HookEvent,
        subtask: Option<(Subtask, i32)>,
    ) -> Result<Value> {
        let (agent, now) = (event.agent(), clock::now());
        let paths = event.files();
        if paths.is_empty() || !event.writes() {
            return Ok(nothing());
        }
        let mut held = store::file_leases::of_session(self.pool_ref(), session, now).await?;
        // What a session changed itself it may have its subagents go on with.
        let parent = Some(event.session_id.as_str()).filter(|it| *it != agent);
        held.retain(|lease| !file_leases::is_parents(lease, parent));
        if let Some((subtask, most)) = &subtask {
            // What it was let change just now, and what it has changed. A pattern that it reserved is no file.
            let mine = held.iter().filter(|lease| lease.subtask_id == Some(subtask.id));
            let mine = mine.map(|lease| &lease.path).filter(|path| !path.contains(['*', '?']));
            let mut touched: Vec<String> = mine.map(|path| normalise_path(path)).collect();
            // One that it may change already does not count again, whatever else it has changed.
            if !paths.iter().all(|path| touched.contains(path)) {
                let changed = store::actions::files_of_subtask(self.pool_ref(), subtask.id).await?;
                touched.extend(changed.iter().map(|path| normalise_path(path)));
            }
            touched.retain(|path| !path.is_empty());
            touched.sort_unstable();
            touched.dedup();
            let reason =
                paths.iter().find_map(|path| outside(path, &subtask.scope, &touched, *most));
            if let Some(reason) = reason {
                return Ok(deny(&reason));
            }
        }
        if let Some(lease) = file_leases::holder(&held, agent, &paths) {
            return Ok(deny(&held_up(&file_leases::sentence(lease))));
        }
        let soon = now + chrono::TimeDelta::seconds(i64::from(FILE_SECONDS) / 2);
        let has = |path: &String| {
            let mine = |it: &&domain::dto::FileLease| it.agent_id == agent && it.path == *path;
            held.iter().any(|it| mine(&it) && it.expires_at > soon)
        };
        if paths.iter().all(has) {
            return Ok(nothing());
        }
        let request = ReserveFiles {
            session_id: session.to_owned(),
            agent_id: agent.to_owned(),
            subtask_id: subtask.as_ref().map(|(subtask, _)| subtask.id),
            paths,
            ttl_seconds: Some(if subtask.is_some() { TASK_FILE_SECONDS } else { FILE_SECONDS }),
        };
        match self.reserve_beside(request, parent).await {
            Ok(_) => Ok(nothing()),
            // Somebody was faster.
            Err(Error::Refused(refusal @ Refusal::Conflict { .. })) => {
                Ok(deny(&held_up(&refusal.to_string())))
            }
            Err(error) => Err(error),
        }
    }

    /// Records what happened as an action.
    async fn noted(&self, session: &str, event: &HookEvent, kind: &str) -> Result<Value> {
        let agent = event.agent();
        let subtask = store::subtasks::held_by(self.pool_ref(), agent).await?;
        let is_prompt = kind == "prompt";
        let input =
            if is_prompt { json!({ "prompt": event.prompt }) } else { event.tool_input.clone() };
        let output = match &event.error {
            Some(error) => json!({ "error": error }),
            None => event.tool_response.clone(),
        };
        let name = event.tool_name.clone().filter(|name| !name.is_empty());
        let action = RecordAction {
            session_id: subtask.is_none().then(|| session.to_owned()),
            subtask_id: subtask.map(|subtask| subtask.id),
            agent_id: Some(agent.to_owned()),
            tool_name: name.unwrap_or_else(|| event.hook_event_name.clone()),
            token: None,
            tool_type: Some(if is_prompt { kind } else { event.tool_type() }.to_owned()),
            input: kept(input),
            output: kept(output),
            // A tool that failed changed nothing.
            file_paths: if event.error.is_some() { Vec::new() } else { event.files() },
            exit_code: None,
            duration_ms: None,
            usage: Usage::default(),
            metadata: None,
        };
        self.record_action(action, None).await?;
        Ok(nothing())
    }

    /// A session that stops while it still holds a subtask is asked for its report first, once.
    async fn may_stop(&self, event: &HookEvent) -> Result<Value> {
        if event.stop_hook_active {
            return Ok(nothing());
        }
        let held = store::subtasks::held_by(self.pool_ref(), event.agent()).await?;
        Ok(match held {
            Some(subtask) if subtask.status == SubtaskStatus::Running => {
                go_on(&unreported(&subtask))
            }
            _ => nothing(),
        })
    }

    /// What a session and its subagents held is free for others.
    async fn session_ended(&self, session: &str, event: &HookEvent) -> Result<Value> {
        let held = store::attempts::held_within(self.pool_ref(), &event.session_id).await?;
        self.give_back(held).await?;
        self.let_go(session, event.agent()).await?;
        Ok(nothing())
    }

    async fn let_go(&self, session: &str, agent: &str) -> Result<()> {
        let request = ReleaseFiles {
            session_id: session.to_owned(),
            agent_id: agent.to_owned(),
            paths: None,
        };
        self.release_files(request).await.map(drop)
    }
}

/// What to do about a subtask that is still held.
fn unreported(subtask: &Subtask) -> String {
    let Subtask { id, session_id, .. } = subtask;
    let token = subtask.lease_token.unwrap_or_default();
    format!(
        "You still hold subtask {id} of session `{session_id}`. Report it with PATCH /api/subtasks/{id} \
         {{\"status\": \"completed\", \"result\": {{\"summary\": \"…\", \"files\": []}}, \"token\": {token}}}, say \
         \"failed\" with an \"error\" when it cannot be done, or give it back with \"pending\". If you wait for \
         somebody's answer first, stop again."
    )
}

/// What to do about an action that is forbidden.
fn not_that(rule: &str) -> String {
    format!(
        "`{rule}` is forbidden to your subtask. Do not do it in another way either: say in your report what is left to do."
    )
}

/// What to do about a file that another agent holds.
fn held_up(sentence: &str) -> String {
    format!(
        "{sentence} Work on something else first, or say in your report what would have to change there."
    )
}

/// JSON to keep: none when there is nothing, and only that it was large when it is.
fn kept(value: Value) -> Option<Value> {
    if value.is_null() {
        return None;
    }
    let bytes = value.to_string().len();
    let value = if bytes > KEPT { json!({ "omitted_bytes": bytes }) } else { value };
    Some(without_nul(value))
}

/// Postgres takes no NUL in text.
fn without_nul(value: Value) -> Value {
    let text = |text: String| text.replace('\0', "");
    match value {
        Value::String(it) => Value::String(text(it)),
        Value::Array(items) => items.into_iter().map(without_nul).collect(),
        Value::Object(fields) => {
            fields.into_iter().map(|(name, it)| (text(name), without_nul(it))).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value,
    }
}
