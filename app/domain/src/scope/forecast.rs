//! Where subtasks would meet, and what they would have to wait for so that they do not.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap},
};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Scope, pattern::Pattern};
use crate::graph::{Graph, Node};

/// Most places that a forecast names.
pub const OVERLAPS: usize = 200;
/// Most steps that the forecasts of one request take together, so that none can keep the server busy:
/// enough for thousands of subtasks. What is not found with them is not told.
pub const EFFORT: usize = 5_000_000;

/// Most times that a forecast is repeated to find what has to wait for what.
const ROUNDS: usize = 100;

/// A place that several subtasks may touch at the same time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Overlap {
    /// The subtasks, by id.
    pub subtask_ids: Vec<Uuid>,
    /// The files, or patterns of files, that all of them may touch.
    pub files: Vec<String>,
}

/// The places where these subtasks would meet, at most [`OVERLAPS`] of them. Those that wait for one
/// another, each for the one before, do not meet; those that may work anywhere are taken to keep out
/// of each other's way, since nothing is known of them.
#[must_use]
pub fn forecast(scopes: &[(Uuid, &Scope)], graph: &Graph, effort: &mut usize) -> Vec<Overlap> {
    let mut holders: BTreeMap<Pattern, BTreeSet<Uuid>> = BTreeMap::new();
    for (id, scope) in scopes {
        for pattern in scope.patterns() {
            holders.entry(pattern).or_default().insert(*id);
        }
    }
    // In the order of their fixed beginnings: what can meet a pattern has a beginning that goes on
    // from its own, and stands right behind it.
    let places: Vec<(&Pattern, &BTreeSet<Uuid>)> = holders.iter().collect();
    let mut files: BTreeMap<Vec<Uuid>, BTreeSet<&str>> = BTreeMap::new();
    'places: for (at, (wide, theirs)) in places.iter().enumerate() {
        let behind = &places[at + 1..];
        let near = behind.iter().take_while(|(other, _)| other.fixed.starts_with(&wide.fixed));
        for (narrow, ours) in std::iter::once(&(*wide, *theirs)).chain(near) {
            if narrow != wide && !wide.meets(narrow, effort) {
                continue;
            }
            let ids: Vec<Uuid> = theirs.union(ours).copied().collect();
            if ids.len() < 2 || graph.is_chain(&ids) {
                continue;
            }
            files.entry(ids).or_default().insert(&narrow.text);
            if files.len() >= OVERLAPS || *effort == 0 {
                break 'places;
            }
        }
    }
    files
        .into_iter()
        .map(|(subtask_ids, files)| Overlap {
            subtask_ids,
            files: files.into_iter().map(str::to_owned).collect(),
        })
        .collect()
}

/// A subtask that is to be kept apart from others.
#[derive(Clone, Debug)]
pub struct Member<'a> {
    /// What the graph knows of it.
    pub node: Node,
    /// Where it may work.
    pub scope: &'a Scope,
    /// 1–10; the higher goes first.
    pub priority: i32,
    /// Whether it may be made to wait; one that is not goes before all that are.
    pub may_wait: bool,
}

/// What would have to wait for what (dependent, blocker) so that none of these subtasks meet; of two
/// that are free to go first, the one of higher priority does, then the one that is named first.
/// No link closes a circle. Those that may not wait are left as they are, also among themselves.
#[must_use]
pub fn serialise(members: &[Member<'_>], effort: &mut usize) -> Vec<(Uuid, Uuid)> {
    let order = order(members);
    let place: HashMap<Uuid, usize> = order.iter().enumerate().map(|(at, id)| (*id, at)).collect();
    let may_wait: HashMap<Uuid, bool> =
        members.iter().map(|member| (member.node.id, member.may_wait)).collect();
    let scopes: Vec<_> = members.iter().map(|member| (member.node.id, member.scope)).collect();
    let mut nodes: Vec<Node> = members.iter().map(|member| member.node.clone()).collect();
    let mut links = Vec::new();
    for _ in 0..ROUNDS {
        let graph: Graph = nodes.iter().cloned().collect();
        let mut fresh = BTreeSet::new();
        for overlap in forecast(&scopes, &graph, effort) {
            let mut ids = overlap.subtask_ids;
            ids.sort_unstable_by_key(|id| place.get(id));
            let waits = |id: &Uuid| may_wait.get(id) == Some(&true);
            // Each for the one before; and for all that do not wait, since they wait for no one.
            let pairs = ids.windows(2).map(|pair| (pair[1], pair[0]));
            let first = ids.iter().find(|id| waits(id));
            let firm = ids.iter().filter(|id| !waits(id));
            let pairs = pairs.chain(firm.filter_map(|firm| Some((*first?, *firm))));
            fresh.extend(
                pairs.filter(|(after, before)| waits(after) && !graph.depends_on(*after, *before)),
            );
        }
        if fresh.is_empty() {
            break;
        }
        for node in &mut nodes {
            node.blocked_by.extend(
                fresh.iter().filter(|(after, _)| *after == node.id).map(|(_, before)| *before),
            );
        }
        links.extend(fresh);
    }
    links
}

/// The order in which they would run one by one: after what they wait for, those that may not wait
/// first, then by priority, then as they are named.
fn order(members: &[Member<'_>]) -> Vec<Uuid> {
    let at: HashMap<Uuid, usize> =
        members.iter().enumerate().map(|(at, member)| (member.node.id, at)).collect();
    let mut waiting = vec![0_usize; members.len()];
    let mut dependents = vec![Vec::new(); members.len()];
    for (row, member) in members.iter().enumerate() {
        for blocker in member.node.blocked_by.iter().filter_map(|id| at.get(id)) {
            waiting[row] += 1;
            dependents[*blocker].push(row);
        }
    }
    let rank = |row: usize| (!members[row].may_wait, members[row].priority, Reverse(row));
    let mut ready: BinaryHeap<_> =
        (0..members.len()).filter(|row| waiting[*row] == 0).map(rank).collect();
    let mut order = Vec::with_capacity(members.len());
    while let Some((_, _, Reverse(row))) = ready.pop() {
        order.push(members[row].node.id);
        for dependent in &dependents[row] {
            waiting[*dependent] -= 1;
            if waiting[*dependent] == 0 {
                ready.push(rank(*dependent));
            }
        }
    }
    order
}
