//! Puts the steps of a plan into waves and makes their turns fit. Knows nothing of keywords.

use super::decompose::{Draft, ExecutionPlan, PlannedSubtask, PlannedWave};
use super::wire;
use crate::registry::Model;

/// A step that has no place yet.
pub(super) struct Job {
    pub agent_type: String,
    pub description: String,
    pub max_turns: i32,
    pub model: Model,
}

/// The plan: `explorer` alone, then `implementers`, then `validators`, in waves of at most
/// `max_parallel`, with at most `max_turns` turns in all. There must be no more jobs than turns.
///
/// An implementation wave waits for the explorer and the implementation wave before it, so that
/// edits come in an order; validation waits for all implementers.
pub(super) fn draft(
    explorer: Job,
    implementers: Vec<Job>,
    validators: Vec<Job>,
    max_parallel: i32,
    max_turns: i32,
) -> Draft {
    let width = usize::try_from(max_parallel).unwrap_or(1).max(1);
    let mut plan = Plan::default();
    let explored = plan.wave(vec![explorer], &[]);
    let mut before = explored.clone();
    let mut implemented = Vec::new();
    for jobs in chunks(implementers, width) {
        let steps = plan.wave(jobs, &before);
        implemented.extend_from_slice(&steps);
        before = [explored.as_slice(), &steps].concat();
    }
    for jobs in chunks(validators, width) {
        plan.wave(jobs, &implemented);
    }
    fit(&mut plan.subtasks, max_turns);
    Draft {
        execution_plan: ExecutionPlan {
            waves: plan.waves,
            total_turns: plan.subtasks.iter().map(|s| s.max_turns).sum(),
            max_parallel,
        },
        subtasks: plan.subtasks,
    }
}

#[derive(Default)]
struct Plan {
    subtasks: Vec<PlannedSubtask>,
    waves: Vec<PlannedWave>,
}

impl Plan {
    /// Adds one wave and returns its steps.
    fn wave(&mut self, jobs: Vec<Job>, depends_on: &[i32]) -> Vec<i32> {
        let wave = wire(self.waves.len());
        let mut tasks = Vec::with_capacity(jobs.len());
        for job in jobs {
            let step = wire(self.subtasks.len());
            tasks.push(step);
            self.subtasks.push(PlannedSubtask {
                step,
                wave,
                agent_type: job.agent_type,
                description: job.description,
                max_turns: job.max_turns,
                model: job.model,
                depends_on: depends_on.to_vec(),
            });
        }
        self.waves.push(PlannedWave { wave, parallel: wire(tasks.len()), tasks: tasks.clone() });
        tasks
    }
}

fn chunks(mut jobs: Vec<Job>, width: usize) -> Vec<Vec<Job>> {
    let mut waves = Vec::new();
    while jobs.len() > width {
        let rest = jobs.split_off(width);
        waves.push(std::mem::replace(&mut jobs, rest));
    }
    if !jobs.is_empty() {
        waves.push(jobs);
    }
    waves
}

/// Scales the turns down in proportion until they sum to at most `max`, each at least 1.
fn fit(subtasks: &mut [PlannedSubtask], max: i32) {
    let total: i32 = subtasks.iter().map(|s| s.max_turns).sum();
    if total <= max {
        return;
    }
    for subtask in subtasks.iter_mut() {
        let scaled = i64::from(subtask.max_turns) * i64::from(max) / i64::from(total);
        subtask.max_turns = i32::try_from(scaled).unwrap_or(1).max(1);
    }
    // Rounding down leaves a few turns over, which go to the first steps; the floor of 1 takes a
    // few too many, which come from the longest.
    let mut spare = max - subtasks.iter().map(|s| s.max_turns).sum::<i32>();
    for subtask in subtasks.iter_mut().take(usize::try_from(spare).unwrap_or(0)) {
        subtask.max_turns += 1;
    }
    while spare < 0 {
        let longest = subtasks.iter_mut().max_by_key(|s| s.max_turns);
        match longest {
            Some(subtask) if subtask.max_turns > 1 => subtask.max_turns -= 1,
            _ => return,
        }
        spare += 1;
    }
}
