//! Files × agents: who touched what, and where they met.

use std::cmp::Reverse;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{count, sorted};
use crate::conflict::{Conflict, ConflictKind, Severity, normalise_path};

/// Most subtasks that a cell names.
pub const IDS: usize = 20;

/// A subtask touched a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Touch {
    /// The path.
    pub file: String,
    /// The role of the subtask.
    pub agent_type: String,
    /// The subtask.
    pub subtask_id: Uuid,
    /// How often it wrote; 0 when the file is reported only.
    pub writes: i32,
}

/// What the subtasks of one agent type did to one file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cell {
    /// How many subtasks touched it, 0 or more.
    pub subtasks: i32,
    /// How often they wrote, 0 or more.
    pub writes: i32,
    /// Whether one of them is part of a conflict over the file.
    pub conflicted: bool,
    /// The subtasks, the first [`IDS`] of them.
    pub ids: Vec<Uuid>,
}

/// A file and who touched it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRow {
    /// The path, normalised.
    pub file: String,
    /// How bad the worst conflict over it is; none when there is no conflict.
    pub conflict: Option<Severity>,
    /// How many subtasks touched it, 1 or more.
    pub subtasks: i32,
    /// How often they wrote, 0 or more.
    pub writes: i32,
    /// One for each of [`Heat::agents`], in their order.
    pub cells: Vec<Cell>,
}

/// The map.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heat {
    /// Conflicts first, the worst before the others; then what most subtasks touched, what was
    /// written most, and by name.
    pub files: Vec<FileRow>,
    /// The agent types of all touches, by name, also of files that are left out.
    pub agents: Vec<String>,
    /// How many files are left out, 0 or more.
    pub left_out: i32,
}

/// A file before its cells are counted.
struct Summary<'a> {
    file: &'a str,
    conflict: Option<Severity>,
    subtasks: i32,
    writes: i32,
    /// Its touches.
    touched: &'a [u32],
}

/// The map of the `most_files` files that matter most. `conflicts` are those of the same subtasks.
#[must_use]
pub fn heat(touches: &[Touch], conflicts: &[Conflict], most_files: u32) -> Heat {
    let agent = |k: u32| touches[k as usize].agent_type.as_str();
    let mut agents =
        sorted(touches.len(), &|a, b| touches[a].agent_type.cmp(&touches[b].agent_type));
    agents.dedup_by_key(|k| agent(*k));

    // A file may be in conflict in several batches.
    let files: Vec<(&str, &Conflict)> = conflicts
        .iter()
        .filter(|conflict| conflict.kind == ConflictKind::FileConflict)
        .flat_map(|conflict| conflict.files.iter().map(move |file| (file.as_str(), conflict)))
        .collect();
    let by_file: Vec<(&str, &Conflict)> = sorted(files.len(), &|a, b| files[a].0.cmp(files[b].0))
        .into_iter()
        .map(|k| files[k as usize])
        .collect();
    let met = |file: &str| {
        let from = by_file.partition_point(|(name, _)| *name < file);
        let until = by_file.partition_point(|(name, _)| *name <= file);
        &by_file[from..until]
    };

    let paths: Vec<String> = touches.iter().map(|touch| normalise_path(&touch.file)).collect();
    let key = |k: usize| (paths[k].as_str(), agent(k as u32), touches[k].subtask_id);
    let order = sorted(touches.len(), &|a, b| key(a).cmp(&key(b)));
    let mut summaries = Vec::new();
    for touched in order.chunk_by(|a, b| paths[*a as usize] == paths[*b as usize]) {
        let file = paths[touched[0] as usize].as_str();
        if file.is_empty() {
            continue;
        }
        let conflict = met(file).iter().map(|(_, conflict)| conflict.severity).max();
        let mut summary = Summary { file, conflict, subtasks: 0, writes: 0, touched };
        for mine in touched.chunk_by(|a, b| key(*a as usize) == key(*b as usize)) {
            summary.subtasks += 1;
            summary.writes = summary.writes.saturating_add(writes(touches, mine));
        }
        summaries.push(summary);
    }
    // Equal ones stay in order of their names.
    let ranked = sorted(summaries.len(), &|a, b| {
        let key = |s: &Summary| (Reverse(s.conflict), Reverse(s.subtasks), Reverse(s.writes));
        key(&summaries[a]).cmp(&key(&summaries[b]))
    });

    let row = |summary: &Summary| {
        let mut cells = vec![Cell::default(); agents.len()];
        for mine in summary.touched.chunk_by(|a, b| key(*a as usize) == key(*b as usize)) {
            let Touch { agent_type, subtask_id, .. } = &touches[mine[0] as usize];
            let at = agents.partition_point(|k| agent(*k) < agent_type.as_str());
            let cell = &mut cells[at];
            cell.subtasks += 1;
            if cell.ids.len() < IDS {
                cell.ids.push(*subtask_id);
            }
            cell.writes = cell.writes.saturating_add(writes(touches, mine));
            let here = |(_, c): &(&str, &Conflict)| c.subtask_ids.contains(subtask_id);
            cell.conflicted |= met(summary.file).iter().any(here);
        }
        let Summary { file, conflict, subtasks, writes, .. } = *summary;
        FileRow { file: file.to_owned(), conflict, subtasks, writes, cells }
    };
    let shown = ranked.iter().take(most_files as usize);
    Heat {
        left_out: count(ranked.len() - shown.len()),
        files: shown.map(|k| row(&summaries[*k as usize])).collect(),
        agents: agents.iter().map(|k| agent(*k).to_owned()).collect(),
    }
}

/// How often these touches wrote.
fn writes(touches: &[Touch], of: &[u32]) -> i32 {
    of.iter().fold(0, |sum: i32, k| sum.saturating_add(touches[*k as usize].writes.max(0)))
}
