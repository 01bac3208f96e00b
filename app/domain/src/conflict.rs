//! Conflicts between the subtasks of a batch (specification, "Analyze Conflicts").

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{check::PATH, graph::Graph, read_by_hand, scope::Scope, subtask::Subtask};

/// What kind of conflict it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ConflictKind {
    /// Several subtasks modified the same file.
    FileConflict,
    /// A subtask waits for one that failed.
    DependencyConflict,
    /// A subtask changed files outside its scope, or more than it may, or did what is forbidden to it
    /// (extension).
    ScopeViolation,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Ordered edits: each subtask waited for the one before.
    Low,
    /// Edits at the same time.
    High,
    /// Work that can never start as things stand.
    Critical,
}

/// One conflict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Conflict {
    /// What kind it is.
    #[serde(rename = "type")]
    pub kind: ConflictKind,
    /// How bad it is.
    pub severity: Severity,
    /// The agent types involved, each once.
    pub agents: Vec<String>,
    /// The subtasks involved, oldest first.
    pub subtask_ids: Vec<Uuid>,
    /// One sentence.
    pub description: String,
    /// The files involved.
    pub files: Vec<String>,
}

read_by_hand!(Conflict { kind = "type", severity, agents, subtask_ids, description, files });

/// Most files that a sentence names.
const NAMED: usize = 5;

/// What recorded actions did, by subtask.
pub type Actions = BTreeMap<Uuid, Recorded>;

/// What the recorded actions of a subtask did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// Paths that they wrote, as they were named.
    pub files: Vec<String>,
    /// Forbidden actions that they were, each once.
    pub forbidden: Vec<String>,
}

/// `./a//b` and `a/b` are one file; `..` is resolved where there is something to go back from.
#[must_use]
pub fn normalise_path(path: &str) -> String {
    let absolute = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if absolute => {}
            other => parts.push(other),
        }
    }
    let joined = parts.join("/");
    if absolute { format!("/{joined}") } else { joined }
}

/// The strings of an array inside a JSON object, as normalised paths.
fn paths_in(object: Option<&crate::json::JsonObject>, key: &str) -> Vec<String> {
    object.and_then(|object| object.parse().get(key).map(paths)).unwrap_or_default()
}

/// The strings of a JSON array as normalised paths; none when it is no array. What is longer than any path may
/// be is none.
#[must_use]
pub fn paths(array: &serde_json::Value) -> Vec<String> {
    let strings = array.as_array().into_iter().flatten().filter_map(serde_json::Value::as_str);
    strings
        .filter(|path| path.len() <= PATH || path.chars().count() <= PATH)
        .map(normalise_path)
        .filter(|path| !path.is_empty())
        .collect()
}

/// A subtask, every file that it touched, and what it did that is forbidden to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Touched {
    /// The subtask.
    pub id: Uuid,
    /// The role of the subtask.
    pub agent_type: String,
    /// The files, normalised.
    pub files: BTreeSet<String>,
    /// The forbidden actions that its own were.
    pub forbidden: Vec<String>,
}

/// The files that several subtasks touched, by path. `touched` are subtasks that may run at the same
/// time, oldest first; `graph` holds them and everything that they wait for.
#[must_use]
pub fn file_conflicts(touched: &[Touched], graph: &Graph) -> Vec<Conflict> {
    let mut by_file: BTreeMap<&str, Vec<&Touched>> = BTreeMap::new();
    for subtask in touched {
        for file in &subtask.files {
            by_file.entry(file).or_default().push(subtask);
        }
    }
    by_file
        .into_iter()
        .filter(|(_, touching)| touching.len() > 1)
        .map(|(file, touching)| {
            let ids: Vec<Uuid> = touching.iter().map(|subtask| subtask.id).collect();
            Conflict {
                kind: ConflictKind::FileConflict,
                severity: if graph.is_chain(&ids) { Severity::Low } else { Severity::High },
                agents: agents(touching.iter().map(|subtask| subtask.agent_type.as_str())),
                subtask_ids: ids,
                description: format!("Multiple agents modified the same file: {file}"),
                files: vec![file.to_owned()],
            }
        })
        .collect()
}

/// The files that a subtask reports in its result, in its own order, each once.
#[must_use]
pub fn reported_files(subtask: &Subtask) -> Vec<String> {
    let mut seen = BTreeSet::new();
    paths_in(subtask.result.as_ref(), "files")
        .into_iter()
        .filter(|path| seen.insert(path.clone()))
        .collect()
}

/// Every file that a subtask touched: reported, in its snapshot, or written by a recorded action.
#[must_use]
pub fn touched_files(subtask: &Subtask, actions: &Actions) -> BTreeSet<String> {
    let mut files: BTreeSet<String> = reported_files(subtask).into_iter().collect();
    files.extend(paths_in(subtask.context_snapshot.as_ref(), "modified_files"));
    files.extend(
        actions
            .get(&subtask.id)
            .into_iter()
            .flat_map(|recorded| &recorded.files)
            .map(|path| normalise_path(path))
            .filter(|p| !p.is_empty()),
    );
    files
}

/// Finds the conflicts of a batch: file conflicts by path, then dependency conflicts by age. The
/// order of `subtasks` does not matter.
///
/// `graph` holds the batch's subtasks and everything that they wait for.
#[must_use]
pub fn conflicts(subtasks: &[Subtask], actions: &Actions, graph: &Graph) -> Vec<Conflict> {
    let mut ordered: Vec<&Subtask> = subtasks.iter().collect();
    ordered.sort_unstable_by_key(|subtask| subtask.id);

    let touched: Vec<Touched> = ordered
        .iter()
        .map(|subtask| Touched {
            id: subtask.id,
            agent_type: subtask.agent_type.clone(),
            files: touched_files(subtask, actions),
            forbidden: actions
                .get(&subtask.id)
                .map(|recorded| recorded.forbidden.clone())
                .unwrap_or_default(),
        })
        .collect();
    let stranded =
        ordered.iter().filter(|subtask| !subtask.status.is_terminal()).filter_map(|subtask| {
            let failed = graph.failed_blocker(subtask.id)?;
            Some(Conflict {
                kind: ConflictKind::DependencyConflict,
                severity: Severity::Critical,
                agents: agents(
                    [subtask.agent_type.as_str(), failed.agent_type.as_str()].into_iter(),
                ),
                subtask_ids: vec![subtask.id, failed.id],
                description: format!(
                    "Blocked task depends on failed task: {} ({}) waits for {} ({})",
                    subtask.id, subtask.agent_type, failed.id, failed.agent_type
                ),
                files: Vec::new(),
            })
        });
    let violations = ordered
        .iter()
        .zip(&touched)
        .flat_map(|(subtask, touched)| violations(touched, &subtask.scope));
    file_conflicts(&touched, graph).into_iter().chain(stranded).chain(violations).collect()
}

/// What a subtask did beyond its scope.
#[must_use]
pub fn violations(subtask: &Touched, scope: &Scope) -> Vec<Conflict> {
    let files = &subtask.files;
    let conflict = |description: String, files: Vec<String>| Conflict {
        kind: ConflictKind::ScopeViolation,
        severity: Severity::High,
        agents: vec![subtask.agent_type.clone()],
        subtask_ids: vec![subtask.id],
        description,
        files,
    };
    let outside: Vec<String> = scope.outside(files).into_iter().cloned().collect();
    let mut found = Vec::new();
    if !outside.is_empty() {
        found.push(conflict(
            format!("Files outside the subtask's scope were changed: {}", some_of(&outside)),
            outside,
        ));
    }
    if let Some(most) = scope.max_files
        && usize::try_from(most).is_ok_and(|most| files.len() > most)
    {
        let all: Vec<String> = files.iter().cloned().collect();
        let count = all.len();
        found.push(conflict(format!("{count} files were changed; {most} were allowed"), all));
    }
    let forbidden = subtask.forbidden.iter();
    found.extend(
        forbidden
            .map(|action| conflict(format!("A forbidden action was taken: {action}"), Vec::new())),
    );
    found
}

/// A list that fits into a sentence.
fn some_of(files: &[String]) -> String {
    let named = files.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    match files.len().saturating_sub(NAMED) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

fn agents<'a>(types: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut seen = Vec::new();
    for kind in types {
        if !seen.iter().any(|known| known == kind) {
            seen.push(kind.to_owned());
        }
    }
    seen
}
