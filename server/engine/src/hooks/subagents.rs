//! Subagents: what one is given when it starts, and what becomes of it.

use std::time::{Duration, Instant};

use domain::{
    dto::{ClaimSubtasks, CraftPrompt, PatchSubtask},
    hook::{HookEvent, nothing, tell},
    planner::CraftedPrompt,
    problem::Refusal,
    subtask::{Subtask, SubtaskStatus},
};
use serde_json::{Map, Value, json};

use crate::{
    Engine, Error, Result,
    claims::{Taken, give_back},
    store,
};

/// How long a subagent's lease lasts after each tool call: it cannot send heartbeats while it thinks.
const LEASE_SECONDS: i32 = 1_800;
/// How long its agent waits to be told of a subtask; less than the relay's patience.
const TELLING: Duration = Duration::from_secs(4);
/// Longest summary that a subagent's last words become; characters.
const SUMMARY: usize = 4_000;

/// How the last words of a subagent begin that could not do its subtask.
const FAILED: &str = "FAILED:";

/// What a subagent that starts is answered, and what it took.
#[derive(Debug)]
pub(super) struct Given {
    pub answer: Value,
    pub taken: Option<Taken>,
}

impl Default for Given {
    fn default() -> Self {
        Self { answer: nothing(), taken: None }
    }
}

impl Engine {
    /// A subagent takes the most urgent ready subtask for its type, if there is one, and is told about it.
    pub(super) async fn subagent_started(&self, session: &str, event: &HookEvent) -> Result<Given> {
        let began = Instant::now();
        let agent_type = event.agent_type.as_deref().unwrap_or_default();
        if agent_type.is_empty()
            || store::subtasks::held_by(self.pool_ref(), event.agent()).await?.is_some()
        {
            return Ok(Given::default());
        }
        let claims = self
            .claim_subtasks(
                ClaimSubtasks {
                    agent_id: event.agent().to_owned(),
                    session_id: Some(session.to_owned()),
                    agent_types: vec![agent_type.to_owned()],
                    max: Some(1),
                    lease_seconds: Some(LEASE_SECONDS),
                    wait_seconds: None,
                },
                None,
            )
            .await?;
        let Some(claim) = claims.into_iter().next() else { return Ok(Given::default()) };
        let Subtask { id, description, scope, wave_number, lease_token, .. } = claim.subtask;
        let taken = (id, lease_token);
        let crafted = self
            .crafted_for(
                &event.session_id,
                claim.lease.token,
                CraftPrompt {
                    task_description: description,
                    agent_type: agent_type.to_owned(),
                    session_id: Some(session.to_owned()),
                    target_files: scope.target_files,
                    target_directories: scope.target_directories,
                    max_files: scope.max_files,
                    forbidden_actions: scope.forbidden_actions,
                    context_budget_tokens: None,
                    wave_number: Some(wave_number),
                },
            )
            .await;
        let prompt = match crafted {
            Ok(crafted) if began.elapsed() < TELLING => crafted.crafted_prompt,
            // It would work on something else, and complete this when it stops.
            untold => {
                self.give_back(vec![taken]).await?;
                return untold.map(|_| Given::default());
            }
        };
        let text = format!(
            "Swell has given you subtask {id} of session `{session}`. Your last message is its report. It is \
             completed when you stop; if you could not do it, begin that message with `{FAILED}` and say why.\n\n{prompt}"
        );
        Ok(Given { answer: tell("SubagentStart", &text), taken: Some(taken) })
    }

    /// The prompt of a subtask that a subagent within a session of Claude Code has taken.
    async fn crafted_for(
        &self,
        within: &str,
        token: i64,
        request: CraftPrompt,
    ) -> Result<CraftedPrompt> {
        store::attempts::is_within(self.pool_ref(), token, within).await?;
        // Not held to the limits of a request: the planner puts words before the job's own.
        self.crafted(request).await
    }

    /// Gives subtasks back that are held under these leases.
    pub(super) async fn give_back(&self, taken: Vec<Taken>) -> Result<()> {
        give_back(self.pool_ref(), &self.inner.appender, taken).await
    }

    /// What a subagent held is completed with its last words, or has failed if they say so.
    pub(super) async fn subagent_stopped(&self, session: &str, event: &HookEvent) -> Result<Value> {
        let agent = event.agent();
        if let Some(subtask) = store::subtasks::held_by(self.pool_ref(), agent).await? {
            let files = store::actions::files_of_subtask(self.pool_ref(), subtask.id).await?;
            let said = event.last_assistant_message.as_deref().unwrap_or_default();
            let summary: String = said.replace('\0', "").chars().take(SUMMARY).collect();
            let mut result = Map::new();
            let why = summary.trim_start().strip_prefix(FAILED).map(|why| why.trim().to_owned());
            let status = match why {
                Some(why) => {
                    result.insert("error".to_owned(), json!(why));
                    SubtaskStatus::Failed
                }
                None => SubtaskStatus::Completed,
            };
            result.insert("summary".to_owned(), json!(summary));
            result.insert("files".to_owned(), json!(files));
            let report = PatchSubtask {
                status: Some(status),
                result: Some(result.into()),
                token: subtask.lease_token,
                ..PatchSubtask::default()
            };
            match self.patch_subtask(subtask.id, report).await {
                // It was reported, cancelled or taken back in between: nothing is left to do.
                Ok(_) | Err(Error::Refused(Refusal::Conflict { .. })) => {}
                Err(error) => return Err(error),
            }
        }
        self.let_go(session, agent).await?;
        Ok(nothing())
    }
}
