//! Puts the steps of a plan into waves and makes their turns fit. Knows nothing of keywords.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::decompose::{Draft, ExecutionPlan, PlannedSubtask, PlannedWave};
use super::wire;
use crate::{
    check::Check,
    graph::Graph,
    problem::Refusal,
    registry::Model,
    scope::{EFFORT, Overlap, Scope, forecast},
};

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
                scope: Scope::default(),
            });
        }
        self.waves.push(PlannedWave { wave, parallel: wire(tasks.len()), tasks: tasks.clone() });
        tasks
    }
}

/// Puts steps that somebody else made into waves: each step into the first one after all that it
/// depends on that has room, in waves of at most `max_parallel`. Of those that could go into one wave,
/// the first in the list do. The steps are numbered anew, by wave; `step` and `depends_on` are their
/// old numbers, `wave` does not count. Beside the plan come the old numbers in the new order.
///
/// # Errors
/// [`Refusal::Invalid`]: two steps of one number, a step that is not there, or steps that wait for
/// each other in a circle.
pub fn arrange(
    steps: Vec<PlannedSubtask>,
    max_parallel: i32,
) -> Result<(Draft, Vec<i32>), Refusal> {
    let mut check = Check::default();
    let mut numbers = BTreeSet::new();
    for (at, step) in steps.iter().enumerate() {
        if !numbers.insert(step.step) {
            check
                .fail(format!("subtasks[{at}].step"), format!("there are two steps {}", step.step));
        }
    }
    for (at, step) in steps.iter().enumerate() {
        for (position, on) in step.depends_on.iter().enumerate() {
            if !numbers.contains(on) {
                let field = format!("subtasks[{at}].depends_on[{position}]");
                check.fail(field, format!("there is no step {on}"));
            }
        }
    }
    check.finish()?;

    let width = usize::try_from(max_parallel).unwrap_or(1).max(1);
    let (mut waves, mut arranged) = (Vec::new(), Vec::with_capacity(steps.len()));
    // Old numbers of the steps that have a place, in their new order.
    let mut placed: Vec<i32> = Vec::new();
    let mut left = steps;
    while !left.is_empty() {
        let mut now = Vec::new();
        let mut later = Vec::with_capacity(left.len());
        for step in left {
            let ready = step.depends_on.iter().all(|on| placed.contains(on));
            if ready && now.len() < width { now.push(step) } else { later.push(step) }
        }
        if now.is_empty() {
            let circle: Vec<String> = later.iter().map(|step| step.step.to_string()).collect();
            return Err(Refusal::invalid(
                "subtasks",
                format!("these steps wait for each other in a circle: {}", circle.join(", ")),
            ));
        }
        let wave = wire(waves.len());
        let first = placed.len();
        let tasks: Vec<i32> = (first..first + now.len()).map(wire).collect();
        for mut step in now.iter().cloned() {
            let new_number = |on: &i32| placed.iter().position(|old| old == on).map(wire);
            let depends_on: BTreeSet<i32> = step.depends_on.iter().filter_map(new_number).collect();
            (step.step, step.wave) = (wire(arranged.len()), wave);
            step.depends_on = depends_on.into_iter().collect();
            arranged.push(step);
        }
        placed.extend(now.iter().map(|step| step.step));
        waves.push(PlannedWave { wave, parallel: wire(tasks.len()), tasks });
        left = later;
    }
    let draft = Draft {
        execution_plan: ExecutionPlan {
            waves,
            total_turns: arranged.iter().map(|step| step.max_turns).sum(),
            max_parallel,
        },
        subtasks: arranged,
    };
    Ok((draft, placed))
}

/// Steps of one wave that may touch the same files (extension).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StepOverlap {
    /// The wave that they run in.
    pub wave: i32,
    /// The steps, ascending.
    pub steps: Vec<i32>,
    /// The files, or patterns of files, that all of them may touch.
    pub files: Vec<String>,
}

/// Where the steps of a plan would meet, wave by wave.
#[must_use]
pub fn overlaps(steps: &[PlannedSubtask]) -> Vec<StepOverlap> {
    let waves: BTreeSet<i32> = steps.iter().map(|step| step.wave).collect();
    let id = |step: &PlannedSubtask| Uuid::from_u128(u128::from(step.step.unsigned_abs()));
    let mut met = Vec::new();
    for wave in waves {
        let scopes: Vec<_> = steps
            .iter()
            .filter(|step| step.wave == wave)
            .map(|step| (id(step), &step.scope))
            .collect();
        // Steps of one wave never wait for each other.
        for Overlap { subtask_ids, files } in forecast(&scopes, &Graph::default(), &mut { EFFORT })
        {
            let number = |id: &Uuid| i32::try_from(id.as_u128()).unwrap_or(i32::MAX);
            met.push(StepOverlap { wave, steps: subtask_ids.iter().map(number).collect(), files });
        }
    }
    met
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
