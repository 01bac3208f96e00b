//! The prompt crafter, plans, and the registry of agents.

use domain::{
    dto::{
        CraftPrompt, Decompose, LaunchAnswer, LaunchPlan, NewPlan, OnOverlap, Plan, PutAgent,
        Registry,
    },
    planner::CraftedPrompt,
    registry::AgentProfile,
};
use leptos::prelude::*;

use super::json::Json;
#[cfg(feature = "ssr")]
use super::{engine, refuse};
use crate::AppError;

/// Writes the prompt for a task.
#[server(name = CraftPromptCall, endpoint = "craft-prompt", input = Json, output = Json)]
pub async fn craft_prompt(body: CraftPrompt) -> Result<CraftedPrompt, AppError> {
    engine()?.craft_prompt(body).await.map_err(refuse)
}

/// Breaks a job down into waves of subtasks and stores the plan.
#[server(name = DecomposeCall, endpoint = "decompose", input = Json, output = Json)]
pub async fn decompose(body: Decompose) -> Result<Plan, AppError> {
    engine()?.decompose(body, None).await.map_err(refuse)
}

/// A stored plan.
#[server(name = StoredPlanCall, endpoint = "plan", input = Json, output = Json)]
pub async fn stored_plan(id: String) -> Result<Plan, AppError> {
    engine()?.plan(&id).await.map_err(refuse)
}

/// What steps that somebody changes would become, and their own numbers in its order; nothing is
/// stored.
#[server(name = PreviewPlanCall, endpoint = "preview-plan", input = Json, output = Json)]
pub async fn preview_plan(body: NewPlan) -> Result<(Plan, Vec<i32>), AppError> {
    engine()?.preview_plan(body).await.map_err(refuse)
}

/// Stores a plan that somebody made or changed.
#[server(name = CreatePlanCall, endpoint = "create-plan", input = Json, output = Json)]
pub async fn create_plan(body: NewPlan) -> Result<Plan, AppError> {
    engine()?.create_plan(body, None).await.map_err(refuse)
}

/// Makes a plan the waves, batches and subtasks of a session.
#[server(name = LaunchPlanCall, endpoint = "launch-plan", input = Json, output = Json)]
pub async fn launch_plan(
    id: String,
    body: LaunchPlan,
    on_overlap: OnOverlap,
) -> Result<LaunchAnswer, AppError> {
    engine()?.launch_plan(&id, body, on_overlap, None).await.map_err(refuse)
}

/// The agent types that the planner knows.
#[server(name = RegistryCall, endpoint = "registry", input = Json, output = Json)]
pub async fn registry() -> Result<Registry, AppError> {
    engine()?.registry().await.map_err(refuse)
}

/// Adds or replaces an agent type.
#[server(name = PutAgentCall, endpoint = "put-agent", input = Json, output = Json)]
pub async fn put_agent(agent_type: String, body: PutAgent) -> Result<AgentProfile, AppError> {
    engine()?.put_agent(&agent_type, body).await.map(|(kept, _)| kept).map_err(refuse)
}

/// Removes an agent type.
#[server(name = DeleteAgentCall, endpoint = "delete-agent", input = Json, output = Json)]
pub async fn delete_agent(agent_type: String) -> Result<(), AppError> {
    engine()?.delete_agent(&agent_type).await.map_err(refuse)
}
