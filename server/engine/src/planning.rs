//! Planning: prompts, plans, and plans launched as waves.

use domain::{
    Time,
    dto::{
        BlockerRef, CraftPrompt, Decompose, LaunchAnswer, LaunchPlan, LaunchedWave, NewPlan,
        OnOverlap, Plan, PlanStep, SubmitBatch, Task, Warning,
    },
    planner::{Constraints, CraftedPrompt, Draft, Prior, arrange, craft, decompose, overlaps},
    problem::Refusal,
    registry::AgentProfile,
    scope::Scope,
    wave::WaveStatus,
};
use sqlx::PgPool;
use uuid::Uuid;

use crate::{
    Engine, Error, IdempotencyKey, Result, batches, clock,
    group::{Group, Reply},
    names::check_session,
    store,
};

/// Most completed subtasks of lower waves that a prompt considers.
const PRIOR_WORK: i64 = 500;

/// Starts the writer of plans: they are small and many, and share a commit.
/// Says whether the plan was stored; not when its id is taken.
pub fn start_group(pool: &PgPool) -> Group<Plan, bool> {
    let pool = pool.clone();
    Group::start(Box::new(move |plans: Vec<Plan>, _| {
        let pool = pool.clone();
        Box::pin(async move {
            let stored = store::plans::insert(&pool, &plans).await?;
            Ok(stored.into_iter().map(|stored| Reply::Answer(Ok(stored))).collect())
        })
    }))
}

impl Engine {
    /// A prompt for one subtask, scoped and within its budget.
    ///
    /// # Errors
    /// An invalid request, or the database is away.
    pub async fn craft_prompt(&self, request: CraftPrompt) -> Result<CraftedPrompt> {
        request.check()?;
        self.crafted(request).await
    }

    pub(crate) async fn crafted(&self, request: CraftPrompt) -> Result<CraftedPrompt> {
        let agents = self.agents().await?;
        let unknown;
        let agent = match agents.iter().find(|agent| agent.agent_type == request.agent_type) {
            Some(agent) => agent,
            None => {
                unknown = AgentProfile::unknown(&request.agent_type);
                &unknown
            }
        };
        let (mut prior, mut total, mut task) = (Vec::new(), 0, request.task_description);
        if let (Some(session_id), Some(wave)) = (&request.session_id, request.wave_number) {
            crate::names::may_exist("session", session_id)?;
            let comment;
            (prior, total, comment) =
                store::subtasks::prior_work(self.pool_ref(), session_id, wave, PRIOR_WORK).await?;
            if let Some(comment) = comment {
                task = format!("{task}\n\nWho approved this wave says: {comment}");
            }
        }
        let scope = Scope {
            target_files: request.target_files,
            target_directories: request.target_directories,
            max_files: request.max_files,
            forbidden_actions: request.forbidden_actions,
        };
        Ok(craft(
            &task,
            agent,
            &scope,
            Prior { latest: &prior, total },
            request.context_budget_tokens,
        ))
    }

    /// Breaks a job down into a plan and stores it.
    ///
    /// # Errors
    /// An invalid request, or the database is away.
    pub async fn decompose(&self, request: Decompose, key: Option<IdempotencyKey>) -> Result<Plan> {
        request.check()?;
        let now = clock::now();
        let agents = self.agents().await?;
        let draft = decompose(&request.task_description, &agents, request.constraints);
        let plan = stored_as(draft, request.task_description, request.session_id, now);
        self.store_plan(plan, key).await
    }

    /// Puts the steps that somebody made or changed into waves; nothing is stored. Beside the plan
    /// come the request's own numbers of its steps.
    ///
    /// # Errors
    /// An invalid request, or the database is away.
    pub async fn preview_plan(&self, request: NewPlan) -> Result<(Plan, Vec<i32>)> {
        request.check()?;
        let now = clock::now();
        let agents = self.agents().await?;
        let planned = |(index, step): (usize, PlanStep)| match agents
            .iter()
            .find(|agent| agent.agent_type == step.agent_type)
        {
            Some(agent) => step.planned(index, agent),
            None => {
                let unknown = AgentProfile::unknown(&step.agent_type);
                step.planned(index, &unknown)
            }
        };
        let steps = request.subtasks.into_iter().enumerate().map(planned).collect();
        let max_parallel = request.max_parallel.unwrap_or(Constraints::default().max_parallel);
        let (draft, numbers) = arrange(steps, max_parallel)?;
        Ok((stored_as(draft, request.task_description, request.session_id, now), numbers))
    }

    /// The same, and stores the plan: a new one, also when it is made from another.
    ///
    /// # Errors
    /// An invalid request, or the database is away.
    pub async fn create_plan(&self, request: NewPlan, key: Option<IdempotencyKey>) -> Result<Plan> {
        let (plan, _) = self.preview_plan(request).await?;
        self.store_plan(plan, key).await
    }

    async fn store_plan(&self, mut plan: Plan, key: Option<IdempotencyKey>) -> Result<Plan> {
        let now = plan.created_at;
        let Some(key) = key else {
            // The ids of one second are 36⁶: thousands of plans a second meet now and then.
            while !self.inner.plans.run(plan.clone()).await? {
                plan.plan_id = plan_id(now);
            }
            return Ok(plan);
        };
        let mut tx = crate::tx::Tx::begin(self.pool_ref()).await?;
        if let Some(answer) = key.replay(&mut tx, now).await? {
            return Ok(answer);
        }
        while store::plans::insert(&mut *tx, std::slice::from_ref(&plan)).await? != [true] {
            plan.plan_id = plan_id(now);
        }
        key.keep(&mut tx, &plan, now).await?;
        tx.commit().await?;
        Ok(plan)
    }

    /// A stored plan.
    ///
    /// # Errors
    /// No such plan, or the database is away.
    pub async fn plan(&self, plan_id: &str) -> Result<Plan> {
        crate::names::may_exist("plan", plan_id)?;
        let plan = store::plans::get(self.pool_ref(), plan_id).await?;
        Ok(plan.ok_or_else(|| Refusal::not_found("plan", plan_id))?)
    }

    /// Launches a plan into a session: its waves, one batch each, and the dependencies between
    /// their subtasks, all or nothing.
    ///
    /// # Errors
    /// No such plan, an invalid request, a wave that has ended, or the database is away.
    pub async fn launch_plan(
        &self,
        plan_id: &str,
        request: LaunchPlan,
        on_overlap: OnOverlap,
        key: Option<IdempotencyKey>,
    ) -> Result<LaunchAnswer> {
        request.check()?;
        check_session(&request.session_id)?;
        let plan = self.plan(plan_id).await?;
        let now = clock::now();
        let session_id = request.session_id;
        let mut tx = crate::tx::Tx::begin(self.pool_ref()).await?;
        if let Some(key) = &key
            && let Some(answer) = key.replay(&mut tx, now).await?
        {
            return Ok(answer);
        }
        store::sessions::hold(&mut tx, &session_id, now).await?;
        let existing = store::waves::of_session(&mut *tx, &session_id).await?;
        let free =
            existing.iter().map(|wave| wave.wave_number.saturating_add(1)).max().unwrap_or(0);
        let first = request.first_wave.unwrap_or(free);
        if let Some(wave) =
            existing.iter().find(|w| w.wave_number >= first && w.status.is_terminal())
        {
            let state = if wave.status == WaveStatus::Failed { "failed" } else { "completed" };
            return Err(Refusal::conflict(
                "wave_finished",
                format!(
                    "Wave {} of session `{session_id}` has {state}; launch from wave {free} on.",
                    wave.wave_number
                ),
            )
            .into());
        }
        let (waves, warnings) =
            launch(&mut tx, &plan, &session_id, (first, on_overlap), now).await?;
        let plan_id = plan.plan_id;
        let answer = LaunchAnswer { success: true, plan_id, session_id, waves, warnings };
        if let Some(key) = &key {
            key.keep(&mut tx, &answer, now).await?;
        }
        self.commit(tx).await?;
        Ok(answer)
    }
}

fn stored_as(draft: Draft, task: String, session_id: Option<String>, now: Time) -> Plan {
    Plan {
        plan_id: plan_id(now),
        overlaps: overlaps(&draft.subtasks),
        subtasks: draft.subtasks,
        execution_plan: draft.execution_plan,
        task_description: task,
        session_id,
        created_at: now,
    }
}

/// Submits one batch a wave; a step's dependencies become blockers.
async fn launch(
    tx: &mut store::Tx,
    plan: &Plan,
    session_id: &str,
    (first, on_overlap): (i32, OnOverlap),
    now: Time,
) -> Result<(Vec<LaunchedWave>, Vec<Warning>)> {
    let (mut warnings, mut overlaps) = (Vec::new(), on_overlap.into());
    let mut made: Vec<(i32, Uuid)> = Vec::with_capacity(plan.subtasks.len());
    let mut launched = Vec::with_capacity(plan.execution_plan.waves.len());
    for wave in &plan.execution_plan.waves {
        let too_far = || Refusal::invalid("first_wave", "leaves no room for the plan's waves");
        let wave_number = first.checked_add(wave.wave).ok_or_else(too_far)?;
        let steps: Vec<_> = plan.subtasks.iter().filter(|step| step.wave == wave.wave).collect();
        let tasks = steps
            .iter()
            .map(|step| Task {
                task_id: Some(format!("{}#{}", plan.plan_id, step.step)),
                agent_type: step.agent_type.clone(),
                description: step.description.clone(),
                priority: 5,
                blocked_by: made
                    .iter()
                    .filter(|(number, _)| step.depends_on.contains(number))
                    .map(|(_, id)| BlockerRef::Name(id.to_string()))
                    .collect(),
                depends_on: Vec::new(),
                optional: false,
                context_snapshot: None,
                target_files: step.scope.target_files.clone(),
                target_directories: step.scope.target_directories.clone(),
                max_files: step.scope.max_files,
                forbidden_actions: step.scope.forbidden_actions.clone(),
                max_attempts: None,
                time_limit_seconds: None,
            })
            .collect();
        let request = SubmitBatch { session_id: session_id.to_owned(), wave_number, tasks };
        // Not held to the limits of a request: the planner puts words before the job's own.
        let draft = batches::Draft::new(&request.tasks)?;
        let answer = batches::submit_in(tx, request, draft, &mut overlaps, now).await?;
        warnings.extend(answer.warnings);
        let batch = answer.batch;
        made.extend(steps.iter().map(|step| step.step).zip(batch.subtask_ids.iter().copied()));
        launched.push(LaunchedWave {
            wave_number,
            batch_id: batch.batch.id,
            subtask_ids: batch.subtask_ids,
        });
    }
    if made.len() == plan.subtasks.len() {
        Ok((launched, warnings))
    } else {
        Err(Error::internal("a plan with steps outside its waves"))
    }
}

/// `plan_{unix seconds}_{6 of a–z and 0–9}`.
fn plan_id(now: Time) -> String {
    const LETTERS: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    let mut random = Uuid::new_v4().as_u128();
    let suffix: String = (0..6)
        .map(|_| {
            let letter = LETTERS[usize::try_from(random % 36).unwrap_or(0)];
            random /= 36;
            char::from(letter)
        })
        .collect();
    format!("plan_{}_{suffix}", now.timestamp())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[sqlx::test(migrations = "../../migrations")]
    async fn a_plan_whose_id_is_taken_is_not_stored_and_takes_no_other_with_it(pool: PgPool) {
        let now = clock::now();
        let plan = |id: &str, task: &str| Plan {
            plan_id: id.to_owned(),
            subtasks: Vec::new(),
            execution_plan: domain::planner::ExecutionPlan {
                waves: Vec::new(),
                total_turns: 0,
                max_parallel: 1,
            },
            task_description: task.to_owned(),
            session_id: None,
            created_at: now,
            overlaps: Vec::new(),
        };
        let plans =
            [plan("plan_1_a", "first"), plan("plan_1_b", "other"), plan("plan_1_a", "second")];
        assert_eq!(store::plans::insert(&pool, &plans).await.unwrap(), [true, true, false]);
        let again = [plan("plan_1_c", "late"), plan("plan_1_b", "again")];
        assert_eq!(store::plans::insert(&pool, &again).await.unwrap(), [true, false]);
        let kept = store::plans::get(&pool, "plan_1_a").await.unwrap().unwrap();
        assert_eq!(kept.task_description, "first");
    }
}
