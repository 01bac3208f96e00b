//! Who takes part in a task (specification: "Decompose Task"): exploration first, then the agents
//! whose keywords the task names, then validation. `schedule` puts them into waves.

use serde::{Deserialize, Serialize};

use super::complexity::Complexity;
use super::keywords::Words;
use super::schedule::{self, Job};
use crate::{
    registry::{AgentProfile, Model},
    scope::Scope,
};

const EXPLORER: &str = "Explore";
const EXPLORER_TURNS: i32 = 8;
const REVIEWER: &str = "code-reviewer";
const REVIEWER_TURNS: i32 = 5;

/// Takes what no other agent has a keyword for.
const GENERALIST: &str = "Snipper";

/// Take a task to build a whole product that names no technology: one of these verbs, and later in
/// the sentence one of these nouns.
const BUILDERS: [&str; 2] = ["backend-laravel", "frontend-react"];
const BUILD_VERBS: [&str; 2] = ["build", "create"];
const PRODUCTS: [&str; 8] =
    ["system", "app", "application", "platform", "website", "site", "portal", "dashboard"];

/// Nobody knows yet which files a step will touch: a few, so that a haiku agent gets more turns
/// than for a typo.
const UNKNOWN_TARGETS: usize = 2;

/// The limits of a plan (specification: "Decompose Task"). Missing fields take their default;
/// values outside their range count as its nearest end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Constraints {
    /// How many subtasks a wave may hold; 1–5, default 3.
    pub max_parallel: i32,
    /// How many turns all subtasks together may take; 5–200, default 50.
    pub max_total_turns: i32,
}

impl Default for Constraints {
    fn default() -> Self {
        Self { max_parallel: 3, max_total_turns: 50 }
    }
}

/// One step of a plan (specification: "Decompose Task").
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PlannedSubtask {
    /// Its place in the plan; from 0 without gaps.
    pub step: i32,
    /// The wave it runs in; from 0 without gaps.
    pub wave: i32,
    /// Who does it.
    pub agent_type: String,
    /// What to do, with the whole text of the task.
    pub description: String,
    /// How many turns it may take; 1–30.
    pub max_turns: i32,
    /// The model it should run on.
    pub model: Model,
    /// The steps that must be done first, ascending; all are of lower waves.
    pub depends_on: Vec<i32>,
    /// Where it may work (extension).
    #[serde(flatten)]
    pub scope: Scope,
}

/// One wave of a plan (specification: "Decompose Task").
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PlannedWave {
    /// Its number; from 0 without gaps.
    pub wave: i32,
    /// How many subtasks run side by side; 1–`max_parallel`.
    pub parallel: i32,
    /// Their steps, ascending.
    pub tasks: Vec<i32>,
}

/// The waves of a plan in a nutshell (specification: "Decompose Task").
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ExecutionPlan {
    /// The waves in the order they run.
    pub waves: Vec<PlannedWave>,
    /// The turns of all subtasks together; at most `max_total_turns`.
    pub total_turns: i32,
    /// The limit that was asked for, not the width that was reached; 1–5.
    pub max_parallel: i32,
}

/// A plan before it has an id (specification: "Decompose Task").
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Draft {
    /// Every step, in order.
    pub subtasks: Vec<PlannedSubtask>,
    /// The same by wave.
    pub execution_plan: ExecutionPlan,
}

/// Breaks `task` down into waves of subtasks for `agents`.
///
/// - Wave 0 is Explore.
/// - Then every type whose keywords the task names, best score first (ties by name), in as many
///   waves as `max_parallel` demands. No such type: the two builders for a whole product, else
///   Snipper.
/// - Last comes validation: the types of category `validation` that the task names, best score
///   first, and code-reviewer as the very last step.
///
/// Explore, code-reviewer and the categories `exploration` and `validation` never implement; other
/// types of category `exploration` are not planned at all. Explore and code-reviewer are planned
/// even when `agents` lacks them. When the turns do not suffice they are scaled down, to no less
/// than 1 each; when even that is too much, the implementers of lowest score are left out (one
/// stays), then the validators of lowest score (code-reviewer stays).
#[must_use]
pub fn decompose(task: &str, agents: &[AgentProfile], constraints: Constraints) -> Draft {
    let words = Words::new(task);
    let worded = Complexity::of_words(&words);
    let max_parallel = constraints.max_parallel.clamp(1, 5);
    let max_turns = constraints.max_total_turns.clamp(5, 200);

    let unknown = AgentProfile::unknown(GENERALIST);
    let (mut implementers, mut validators) = named(&words, agents);
    if implementers.is_empty() {
        implementers = fallback(&words, agents, &unknown);
    }
    // Each step needs a turn; Explore and code-reviewer have theirs.
    let room = usize::try_from(max_turns - 2).unwrap_or(1);
    implementers.truncate(room.saturating_sub(validators.len()).max(1));
    validators.truncate(room - implementers.len());

    let job = |agent: &AgentProfile, aim: &str| {
        let tier = Complexity::decide(worded, UNKNOWN_TARGETS, agent);
        Job {
            agent_type: agent.agent_type.clone(),
            description: format!("{aim}: {task}"),
            max_turns: tier.max_turns(),
            model: tier.model(),
        }
    };
    let explorer = Job {
        agent_type: EXPLORER.to_owned(),
        description: format!("Explore and understand the codebase relevant to: {task}"),
        max_turns: EXPLORER_TURNS,
        model: Model::Sonnet,
    };
    let reviewer = Job {
        agent_type: REVIEWER.to_owned(),
        description: format!("Review and validate changes from: {task}"),
        max_turns: REVIEWER_TURNS,
        model: Model::Haiku,
    };
    let implementers = implementers.iter().map(|a| job(a, "Implement")).collect();
    let mut validators: Vec<Job> =
        validators.iter().map(|a| job(a, validation_aim(&a.agent_type))).collect();
    validators.push(reviewer);
    schedule::draft(explorer, implementers, validators, max_parallel, max_turns)
}

/// The implementers and the validators that the task names, each best score first.
fn named<'a>(
    words: &Words,
    agents: &'a [AgentProfile],
) -> (Vec<&'a AgentProfile>, Vec<&'a AgentProfile>) {
    let mut scored: Vec<(i32, &AgentProfile)> = agents
        .iter()
        .filter(|agent| agent.agent_type != EXPLORER && agent.agent_type != REVIEWER)
        .filter(|agent| !agent.category.eq_ignore_ascii_case("exploration"))
        .map(|agent| (words.points(agent), agent))
        .filter(|&(points, _)| points > 0)
        .collect();
    // By name where scores are equal: the plan must not depend on the order of a table.
    scored.sort_by(|(a, x), (b, y)| b.cmp(a).then_with(|| x.agent_type.cmp(&y.agent_type)));
    scored
        .into_iter()
        .map(|(_, agent)| agent)
        .partition(|agent| !agent.category.eq_ignore_ascii_case("validation"))
}

/// Who implements what names nobody. A team that deleted the builders does not want them back.
fn fallback<'a>(
    words: &Words,
    agents: &'a [AgentProfile],
    unknown: &'a AgentProfile,
) -> Vec<&'a AgentProfile> {
    let of_type = |name: &str| agents.iter().find(|a| a.agent_type == name);
    if is_whole_product(words) {
        let builders: Vec<_> = BUILDERS.iter().filter_map(|name| of_type(name)).collect();
        if !builders.is_empty() {
            return builders;
        }
    }
    vec![of_type(GENERALIST).unwrap_or(unknown)]
}

fn is_whole_product(words: &Words) -> bool {
    let verb = BUILD_VERBS.iter().filter_map(|v| words.find(v, 0)).min();
    verb.is_some_and(|at| PRODUCTS.iter().any(|product| words.find(product, at + 1).is_some()))
}

fn validation_aim(agent_type: &str) -> &'static str {
    match agent_type {
        "test-engineer" => "Test changes from",
        "security-specialist" => "Check the security of changes from",
        "docs-writer" => "Document changes from",
        "performance-engineer" => "Check the performance of changes from",
        _ => "Validate changes from",
    }
}
