//! The orchestration planner: which agents a task needs, in which waves, with how many turns on
//! which model, and the prompt each of them is given (specification: "Orchestration Planner",
//! "Agent Keyword Matching").
//!
//! Everything here is a pure function of the task's text and the agent profiles. The planner must
//! not know sessions, plan ids, stored waves or the clock.

mod complexity;
mod decompose;
mod keywords;
mod prompt;
mod schedule;

pub use complexity::{Complexity, estimate};
pub use decompose::{Constraints, Draft, ExecutionPlan, PlannedSubtask, PlannedWave, decompose};
pub use keywords::{Match, Words, matches, score};
pub use prompt::{
    CraftedPrompt, Prior, PriorWork, PromptSection, ScopeDirectives, craft, estimate_tokens,
};

pub use schedule::{StepOverlap, arrange, overlaps};

/// A count as it goes over the wire.
fn wire(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}
