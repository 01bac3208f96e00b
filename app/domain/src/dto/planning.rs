//! `/api/orchestration/craft-prompt`, `decompose`, plans, and `/api/registry`.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    check::Check,
    dto::Warning,
    planner::{Complexity, Constraints, ExecutionPlan, PlannedSubtask, StepOverlap, estimate},
    problem::Refusal,
    registry::{AgentProfile, Model},
    scope::{FORBIDDEN, Scope, check_forbidden},
};

/// Body of `POST /api/orchestration/craft-prompt`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CraftPrompt {
    /// What is to be done; 1–100,000 characters.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 100_000))]
    pub task_description: String,
    /// The role that does it.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 200))]
    pub agent_type: String,
    /// The session whose lower waves give context.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 200))]
    pub session_id: Option<String>,
    /// The only files it may touch.
    #[serde(default)]
    pub target_files: Vec<String>,
    /// The directories it must stay in.
    #[serde(default)]
    pub target_directories: Vec<String>,
    /// How many files it may change (extension); the registry's number when left out.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 1000))]
    pub max_files: Option<i32>,
    /// What it must never do (extension), beside what its agent type must never do.
    #[serde(default)]
    pub forbidden_actions: Vec<String>,
    /// How many tokens the prompt may have; 100 or more.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(minimum = 100))]
    pub context_budget_tokens: Option<i32>,
    /// The wave it will run in: completed subtasks of lower ones are context.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(minimum = 0))]
    pub wave_number: Option<i32>,
}

impl CraftPrompt {
    /// Holds the request to its limits.
    ///
    /// # Errors
    /// [`Refusal::Invalid`].
    pub fn check(&self) -> Result<(), Refusal> {
        let mut check = Check::default();
        check.text("task_description", &self.task_description, true);
        check.name("agent_type", &self.agent_type);
        if let Some(session_id) = &self.session_id {
            check.name("session_id", session_id);
        }
        check.paths("target_files", &self.target_files);
        check.paths("target_directories", &self.target_directories);
        if let Some(max_files) = self.max_files {
            check.range("max_files", max_files.into(), 1, 1_000);
        }
        check_forbidden(&mut check, "forbidden_actions", &self.forbidden_actions, FORBIDDEN);
        if let Some(budget) = self.context_budget_tokens {
            check.range("context_budget_tokens", budget.into(), 100, i32::MAX.into());
        }
        if let Some(wave) = self.wave_number {
            check.range("wave_number", wave.into(), 0, i32::MAX.into());
        }
        check.finish()
    }
}

/// Body of `POST /api/orchestration/decompose`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Decompose {
    /// The whole job; 1–100,000 characters.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 100_000))]
    pub task_description: String,
    /// The session it is meant for.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 200))]
    pub session_id: Option<String>,
    /// How wide and how long it may get.
    #[serde(default, deserialize_with = "crate::json::object")]
    pub constraints: Constraints,
}

impl Decompose {
    /// Holds the request to its limits.
    ///
    /// # Errors
    /// [`Refusal::Invalid`].
    pub fn check(&self) -> Result<(), Refusal> {
        let mut check = Check::default();
        check.text("task_description", &self.task_description, true);
        if let Some(session_id) = &self.session_id {
            check.name("session_id", session_id);
        }
        check.range("constraints.max_parallel", self.constraints.max_parallel.into(), 1, 5);
        check.range("constraints.max_total_turns", self.constraints.max_total_turns.into(), 5, 200);
        check.finish()
    }
}

/// A stored plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Plan {
    /// `plan_{unix seconds}_{6 of a–z and 0–9}`.
    pub plan_id: String,
    /// The steps.
    pub subtasks: Vec<PlannedSubtask>,
    /// The waves that the steps form.
    pub execution_plan: ExecutionPlan,
    /// The job it was made from (extension).
    pub task_description: String,
    /// The session it is meant for (extension).
    pub session_id: Option<String>,
    /// When it was made (extension).
    pub created_at: DateTime<Utc>,
    /// Steps of one wave that may touch the same files (extension).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overlaps: Vec<StepOverlap>,
}

/// Most steps of a plan that is made by hand.
pub const STEPS: usize = 100;

/// Body of `POST /api/orchestration/plans`: a plan that somebody made or changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewPlan {
    /// The whole job; 1–100,000 characters.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 100_000))]
    pub task_description: String,
    /// The session it is meant for.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 200))]
    pub session_id: Option<String>,
    /// How many steps a wave may hold; 1–5, 3 when left out.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 5))]
    pub max_parallel: Option<i32>,
    /// The steps, 1–100. Their waves follow from what they depend on.
    #[cfg_attr(feature = "openapi", schema(min_items = 1, max_items = 100))]
    #[serde(deserialize_with = "crate::json::objects")]
    pub subtasks: Vec<PlanStep>,
}

/// One step of a plan that is made by hand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PlanStep {
    /// How other steps name it; its place in the list, from 0, when left out.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(minimum = 0))]
    pub step: Option<i32>,
    /// Who does it.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 200))]
    pub agent_type: String,
    /// What to do; 1–100,000 characters.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 100_000))]
    pub description: String,
    /// How many turns it may take, 1–30; from its complexity when left out.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 30))]
    pub max_turns: Option<i32>,
    /// The model it should run on; from its complexity when left out.
    #[serde(default)]
    pub model: Option<Model>,
    /// The steps that must be done first.
    #[serde(default)]
    pub depends_on: Vec<i32>,
    /// The files it may touch.
    #[serde(default)]
    pub target_files: Vec<String>,
    /// The directories it may touch everything in.
    #[serde(default)]
    pub target_directories: Vec<String>,
    /// How many files it may change; what the registry says of its agent type when left out.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 1000))]
    pub max_files: Option<i32>,
    /// What it must never do, beside what its agent type must never do.
    #[serde(default)]
    pub forbidden_actions: Vec<String>,
}

impl NewPlan {
    /// Holds the request to its limits.
    ///
    /// # Errors
    /// [`Refusal::Invalid`].
    pub fn check(&self) -> Result<(), Refusal> {
        let mut check = Check::default();
        check.text("task_description", &self.task_description, true);
        if let Some(session_id) = &self.session_id {
            check.name("session_id", session_id);
        }
        if let Some(max_parallel) = self.max_parallel {
            check.range("max_parallel", max_parallel.into(), 1, 5);
        }
        if self.subtasks.is_empty() {
            check.fail("subtasks", "must have at least one step");
        } else if self.subtasks.len() > STEPS {
            check.fail("subtasks", format!("must have at most {STEPS} steps"));
        } else {
            for (index, step) in self.subtasks.iter().enumerate() {
                step.check(index, &mut check);
            }
        }
        check.finish()
    }
}

impl PlanStep {
    fn check(&self, index: usize, check: &mut Check) {
        let field = |name: &str| format!("subtasks[{index}].{name}");
        if let Some(step) = self.step {
            check.range(&field("step"), step.into(), 0, i32::MAX.into());
        }
        check.name(&field("agent_type"), &self.agent_type);
        check.text(&field("description"), &self.description, true);
        if let Some(max_turns) = self.max_turns {
            check.range(&field("max_turns"), max_turns.into(), 1, 30);
        }
        if self.depends_on.len() > STEPS {
            check.fail(field("depends_on"), format!("must have at most {STEPS} entries"));
        }
        self.scope().check(check, &format!("subtasks[{index}]."));
    }

    fn scope(&self) -> Scope {
        Scope {
            target_files: self.target_files.clone(),
            target_directories: self.target_directories.clone(),
            max_files: self.max_files,
            forbidden_actions: self.forbidden_actions.clone(),
        }
    }

    /// The step at that place of a plan, with what it leaves out filled in for the agent that does
    /// it. Its wave is not known yet.
    #[must_use]
    pub fn planned(self, index: usize, agent: &AgentProfile) -> PlannedSubtask {
        let scope = self.scope();
        let targets = scope.target_files.len() + scope.target_directories.len();
        let complexity: Complexity = estimate(&self.description, targets, agent);
        PlannedSubtask {
            step: self.step.unwrap_or_else(|| i32::try_from(index).unwrap_or(i32::MAX)),
            wave: 0,
            agent_type: self.agent_type,
            description: self.description,
            max_turns: self.max_turns.unwrap_or_else(|| complexity.max_turns()),
            model: self.model.unwrap_or_else(|| complexity.model()),
            depends_on: self.depends_on,
            scope,
        }
    }
}

/// Body of `POST /api/orchestration/plans/{id}/launch`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LaunchPlan {
    /// The session to launch it in.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 200))]
    pub session_id: String,
    /// The wave that the plan's wave 0 becomes; the first free one when left out.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(minimum = 0))]
    pub first_wave: Option<i32>,
}

impl LaunchPlan {
    /// Holds the request to its limits.
    ///
    /// # Errors
    /// [`Refusal::Invalid`].
    pub fn check(&self) -> Result<(), Refusal> {
        let mut check = Check::default();
        check.name("session_id", &self.session_id);
        if let Some(first_wave) = self.first_wave {
            check.range("first_wave", first_wave.into(), 0, i64::from(i32::MAX) - 1_000);
        }
        check.finish()
    }
}

/// A launched plan: one batch a wave.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LaunchAnswer {
    /// Always true; refusals are problems.
    pub success: bool,
    /// The plan.
    pub plan_id: String,
    /// The session.
    pub session_id: String,
    /// Its waves, in order.
    pub waves: Vec<LaunchedWave>,
    /// Where subtasks that may run at the same time may meet (extension).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Warning>,
}

/// One wave of a launched plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LaunchedWave {
    /// The wave.
    pub wave_number: i32,
    /// Its batch.
    pub batch_id: Uuid,
    /// The subtasks, in the order of the plan's steps.
    pub subtask_ids: Vec<Uuid>,
}

/// Body of `PUT /api/registry/{agent_type}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PutAgent {
    /// How people and prompts call it; the type itself when left out.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 200))]
    pub display_name: Option<String>,
    /// `exploration`, `implementation` (the default), `validation`, or one of your own.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 200))]
    pub category: Option<String>,
    /// Words and phrases that mark a task as work for this type.
    #[serde(default)]
    pub keywords: Vec<String>,
    /// How many files one subtask may modify; 1–1000, 5 when left out.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 1000))]
    pub max_files: Option<i32>,
    /// What it must never do.
    #[serde(default)]
    pub forbidden_actions: Vec<String>,
    /// The tools it may use; empty for any.
    #[serde(default)]
    pub allowed_tools: Vec<String>,
    /// The recommended model; `sonnet` when left out.
    #[serde(default)]
    pub model: Option<Model>,
}

impl PutAgent {
    /// The entry it describes, held to its limits.
    ///
    /// # Errors
    /// [`Refusal::Invalid`].
    pub fn into_profile(self, agent_type: &str) -> Result<AgentProfile, Refusal> {
        let profile = AgentProfile {
            display_name: self.display_name.unwrap_or_else(|| agent_type.to_owned()),
            agent_type: agent_type.to_owned(),
            category: self.category.unwrap_or_else(|| "implementation".to_owned()),
            keywords: self.keywords,
            max_files: self.max_files.unwrap_or(5),
            forbidden_actions: self.forbidden_actions,
            allowed_tools: self.allowed_tools,
            model: self.model.unwrap_or(Model::Sonnet),
        };
        let mut check = Check::default();
        check.name("agent_type", &profile.agent_type);
        check.name("display_name", &profile.display_name);
        check.name("category", &profile.category);
        check.range("max_files", profile.max_files.into(), 1, 1_000);
        check_forbidden(&mut check, "forbidden_actions", &profile.forbidden_actions, 200);
        for (field, values) in
            [("keywords", &profile.keywords), ("allowed_tools", &profile.allowed_tools)]
        {
            if values.len() > 200 {
                check.fail(field, "must have at most 200 entries");
            }
            for (index, value) in values.iter().enumerate().take(200) {
                check.name(&format!("{field}[{index}]"), value);
            }
        }
        check.finish()?;
        Ok(profile)
    }
}

/// The whole registry, by agent type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Registry {
    /// The entries.
    pub agents: Vec<AgentProfile>,
}
