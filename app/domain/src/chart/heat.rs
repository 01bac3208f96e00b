//! Files × agents: who touched what, and where they met.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use uuid::Uuid;

use super::count;
use crate::conflict::{Conflict, ConflictKind, Severity, normalise_path};

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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cell {
    /// How many subtasks touched it, 0 or more.
    pub subtasks: i32,
    /// How often they wrote, 0 or more.
    pub writes: i32,
    /// Whether one of them is part of a conflict over the file.
    pub conflicted: bool,
}

/// A file and who touched it.
#[derive(Clone, Debug, PartialEq, Eq)]
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
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heat {
    /// Conflicts first, the worst before the others; then what most subtasks touched, what was
    /// written most, and by name.
    pub files: Vec<FileRow>,
    /// The agent types of all touches, by name, also of files that are left out.
    pub agents: Vec<String>,
    /// How many files are left out, 0 or more.
    pub left_out: i32,
}

/// The map of the `most_files` files that matter most. `conflicts` are those of the same subtasks.
#[must_use]
pub fn heat(touches: &[Touch], conflicts: &[Conflict], most_files: u32) -> Heat {
    let mut agents: BTreeMap<&str, usize> =
        touches.iter().map(|touch| (touch.agent_type.as_str(), 0)).collect();
    for (number, at) in agents.values_mut().enumerate() {
        *at = number;
    }

    // A file may be in conflict in several batches.
    let mut met: BTreeMap<&str, (Severity, BTreeSet<Uuid>)> = BTreeMap::new();
    for conflict in conflicts.iter().filter(|c| c.kind == ConflictKind::FileConflict) {
        for file in &conflict.files {
            let (severity, ids) =
                met.entry(file).or_insert_with(|| (conflict.severity, BTreeSet::new()));
            *severity = conflict.severity.max(*severity);
            ids.extend(&conflict.subtask_ids);
        }
    }

    let mut by_file: BTreeMap<String, BTreeMap<(usize, Uuid), i32>> = BTreeMap::new();
    for touch in touches {
        let writes = by_file
            .entry(normalise_path(&touch.file))
            .or_default()
            .entry((agents[touch.agent_type.as_str()], touch.subtask_id))
            .or_default();
        *writes = writes.saturating_add(touch.writes.max(0));
    }
    by_file.remove("");

    let mut files = Vec::with_capacity(by_file.len());
    for (file, touched) in by_file {
        let met = met.get(file.as_str());
        let mut subtasks = BTreeSet::new();
        let mut total = 0_i32;
        let mut cells = vec![Cell::default(); agents.len()];
        for ((agent, id), writes) in touched {
            let cell = &mut cells[agent];
            cell.subtasks += 1;
            cell.writes = cell.writes.saturating_add(writes);
            cell.conflicted |= met.is_some_and(|(_, ids)| ids.contains(&id));
            total = total.saturating_add(writes);
            subtasks.insert(id);
        }
        files.push(FileRow {
            file,
            conflict: met.map(|(severity, _)| *severity),
            subtasks: count(subtasks.len()),
            writes: total,
            cells,
        });
    }
    // A stable sort: the rows come by name.
    files.sort_by_key(|row| (Reverse(row.conflict), Reverse(row.subtasks), Reverse(row.writes)));
    let left_out = count(files.len().saturating_sub(most_files as usize));
    files.truncate(most_files as usize);
    Heat { files, agents: agents.into_keys().map(str::to_owned).collect(), left_out }
}
