//! The dependency graph: who waits for whom.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use crate::subtask::{Subtask, SubtaskStatus};

/// What the graph needs to know of a subtask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// The subtask.
    pub id: Uuid,
    /// Where it stands.
    pub status: SubtaskStatus,
    /// Who does it.
    pub agent_type: String,
    /// What must complete first.
    pub blocked_by: Vec<Uuid>,
}

impl From<&Subtask> for Node {
    fn from(subtask: &Subtask) -> Self {
        Self {
            id: subtask.id,
            status: subtask.status,
            agent_type: subtask.agent_type.clone(),
            blocked_by: subtask.blocked_by.clone(),
        }
    }
}

/// Subtasks and their dependencies, by id. Blockers that it does not hold are taken as absent.
#[derive(Debug, Default)]
pub struct Graph {
    nodes: HashMap<Uuid, Node>,
}

impl FromIterator<Node> for Graph {
    fn from_iter<I: IntoIterator<Item = Node>>(nodes: I) -> Self {
        Self { nodes: nodes.into_iter().map(|node| (node.id, node)).collect() }
    }
}

impl Graph {
    /// Walks everything that `from` waits for, directly or not, nearest first, until `stop` says so.
    fn upstream(&self, from: Uuid, mut stop: impl FnMut(&Node) -> bool) -> Option<Uuid> {
        let mut seen = HashSet::from([from]);
        let mut queue = std::collections::VecDeque::from([from]);
        while let Some(id) = queue.pop_front() {
            let Some(node) = self.nodes.get(&id) else { continue };
            for blocker in &node.blocked_by {
                if !seen.insert(*blocker) {
                    continue;
                }
                if self.nodes.get(blocker).is_some_and(&mut stop) {
                    return Some(*blocker);
                }
                queue.push_back(*blocker);
            }
        }
        None
    }

    /// Whether `dependent` waits for `blocker`, directly or not.
    #[must_use]
    pub fn depends_on(&self, dependent: Uuid, blocker: Uuid) -> bool {
        dependent != blocker && self.upstream(dependent, |node| node.id == blocker).is_some()
    }

    /// The nearest failed subtask that this one waits for, directly or not: it is stranded.
    #[must_use]
    pub fn failed_blocker(&self, id: Uuid) -> Option<&Node> {
        self.upstream(id, |node| node.status == SubtaskStatus::Failed)
            .and_then(|id| self.nodes.get(&id))
    }

    /// A subtask that waits for itself, directly or not, if there is one (the smallest such id).
    #[must_use]
    pub fn cycle(&self) -> Option<Uuid> {
        // Kahn's algorithm: what cannot be put in order is on a cycle or behind one.
        let mut waiting: HashMap<Uuid, usize> = HashMap::with_capacity(self.nodes.len());
        let mut dependents: HashMap<Uuid, Vec<Uuid>> = HashMap::new();
        for node in self.nodes.values() {
            let blockers: HashSet<&Uuid> =
                node.blocked_by.iter().filter(|id| self.nodes.contains_key(id)).collect();
            waiting.insert(node.id, blockers.len());
            for blocker in blockers {
                dependents.entry(*blocker).or_default().push(node.id);
            }
        }
        let mut ready: Vec<Uuid> =
            waiting.iter().filter(|(_, n)| **n == 0).map(|(id, _)| *id).collect();
        while let Some(id) = ready.pop() {
            waiting.remove(&id);
            for dependent in dependents.get(&id).into_iter().flatten() {
                if let Some(left) = waiting.get_mut(dependent) {
                    *left -= 1;
                    if *left == 0 {
                        ready.push(*dependent);
                    }
                }
            }
        }
        let mut left: Vec<Uuid> = waiting.into_keys().collect();
        left.sort_unstable();
        // What is behind a cycle is left too; a member of the cycle waits for itself.
        left.into_iter().find(|id| {
            let closes = |node: &Node| node.blocked_by.contains(id);
            self.nodes.get(id).is_some_and(closes) || self.upstream(*id, closes).is_some()
        })
    }

    /// Whether these subtasks are ordered by dependencies, each one waiting for the one before.
    #[must_use]
    pub fn is_chain(&self, ids: &[Uuid]) -> bool {
        // In a chain of n, the k-th waits for exactly k of the others: no count comes twice. Files
        // that many independent subtasks touch are settled by the first two.
        let members: HashSet<Uuid> = ids.iter().copied().collect();
        let mut counts = HashSet::new();
        ids.iter().all(|id| {
            let mut before = 0_usize;
            self.upstream(*id, |node| {
                before += usize::from(members.contains(&node.id));
                false
            });
            counts.insert(before)
        })
    }
}
