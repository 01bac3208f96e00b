//! What is done when the scopes of subtasks overlap.

use domain::{
    dto::{OnOverlap, Warning},
    graph::{Graph, Node},
    problem::Refusal,
    scope::{EFFORT, Member, Scope, forecast, serialise},
    subtask::{Subtask, SubtaskStatus},
};

use crate::Result;

/// A subtask of the wave that has not ended, and where it may work.
pub type Beside = (Node, Scope);

/// What one request wants done about overlaps, and how much may still be looked for them.
#[derive(Debug)]
pub struct Overlaps {
    on: OnOverlap,
    effort: usize,
}

impl From<OnOverlap> for Overlaps {
    fn from(on: OnOverlap) -> Self {
        Self { on, effort: EFFORT }
    }
}

/// Looks where new subtasks would meet each other or those that are `beside` them. They are made to
/// wait for each other when that was asked for; what is left is told, as far as its effort goes.
///
/// # Errors
/// [`Refusal::Conflict`] when that was asked for instead.
pub fn settle(
    new: &mut [Subtask],
    beside: &[Beside],
    overlaps: &mut Overlaps,
) -> Result<Vec<Warning>> {
    // Those beside them may meet among themselves, as they could before.
    let Overlaps { on, effort } = overlaps;
    if *on == OnOverlap::Serialize && keep_apart(new, beside, effort) {
        return Ok(Vec::new());
    }
    let graph: Graph =
        beside.iter().map(|(node, _)| node.clone()).chain(new.iter().map(Node::from)).collect();
    let scopes: Vec<_> = beside
        .iter()
        .map(|(node, scope)| (node.id, scope))
        .chain(new.iter().map(|subtask| (subtask.id, &subtask.scope)))
        .collect();
    let is_new = |id| new.iter().any(|subtask| subtask.id == id);
    let met = forecast(&scopes, &graph, effort)
        .into_iter()
        .filter(|overlap| overlap.subtask_ids.iter().any(|id| is_new(*id)));
    let warnings: Vec<Warning> = met.map(Warning::overlap).collect();
    match warnings.first() {
        Some(first) if *on == OnOverlap::Reject => {
            // The ids of what was refused mean nothing to anybody.
            let files = first.overlap.files.join(", ");
            Err(Refusal::conflict(
                "scope_overlap",
                format!(
                    "Subtasks that may run at the same time may touch {files}. Narrow their targets, let one \
                     depend on the other, or send ?on_overlap=serialize."
                ),
            )
            .into())
        }
        _ => Ok(warnings),
    }
}

/// Links what would meet; says whether nothing is left that would.
fn keep_apart(new: &mut [Subtask], beside: &[Beside], effort: &mut usize) -> bool {
    for (dependent, blocker) in serialise(&members(new, beside), effort) {
        let Some(subtask) = new.iter_mut().find(|subtask| subtask.id == dependent) else {
            continue;
        };
        // What they wait for has not ended: nothing that has is beside them.
        subtask.blocked_by.push(blocker);
        subtask.blocked_by.sort_unstable();
        subtask.open_blockers += 1;
        subtask.status = SubtaskStatus::Blocked;
    }
    serialise(&members(new, beside), effort).is_empty()
}

fn members<'a>(new: &'a [Subtask], beside: &'a [Beside]) -> Vec<Member<'a>> {
    let waiting = new.iter().map(|subtask| Member {
        node: Node::from(subtask),
        scope: &subtask.scope,
        priority: subtask.priority,
        may_wait: true,
    });
    beside
        .iter()
        .map(|(node, scope)| Member { node: node.clone(), scope, priority: 0, may_wait: false })
        .chain(waiting)
        .collect()
}
