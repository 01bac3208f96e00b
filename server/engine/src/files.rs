//! Who touched which files of a session, and what else a person should know of it.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    Time,
    chart::{Notice, Touch, Watched, notices},
    conflict::{Conflict, Touched, file_conflicts, normalise_path, paths, violations},
    graph::{Graph, Node},
};
use uuid::Uuid;

use crate::{
    Engine, Result, clock,
    store::{self, subtasks::NamedFiles},
};

/// Most subtasks of a session that are looked at, the oldest.
const SUBTASKS: i64 = 20_000;

/// A subtask as the rules about what needs a person look at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    node: Node,
    wave_number: i32,
    description: String,
    started_at: Option<Time>,
    completed_at: Option<Time>,
}

impl Seen {
    /// As the rules take it.
    #[must_use]
    pub fn watched(&self) -> Watched<'_> {
        let millis = |at: Option<Time>| at.map(|at| at.timestamp_millis());
        Watched {
            id: self.node.id,
            wave: self.wave_number,
            status: self.node.status,
            description: &self.description,
            agent_type: &self.node.agent_type,
            blocked_by: &self.node.blocked_by,
            started_at: millis(self.started_at),
            ended_at: millis(self.completed_at),
        }
    }
}

/// The files of a session, and the subtasks that touched them or did not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionFiles {
    /// Who touched what: reported in a result, named in a snapshot, or written by an action.
    pub touches: Vec<Touch>,
    /// Files that several subtasks of one wave touched, by wave, then path. Waves run one after
    /// another, so that subtasks of different waves never clash; batches of one wave do.
    pub conflicts: Vec<Conflict>,
    /// What subtasks did beyond their scopes, with their waves.
    pub violations: Vec<(i32, Conflict)>,
    /// The subtasks, in order of ids, each with the beginning of its description.
    pub subtasks: Vec<Seen>,
    /// Whether there are more subtasks than were looked at.
    pub partial: bool,
}

impl Engine {
    /// Who touched which files of a session; nothing for a session that there is not. Three statements,
    /// however many subtasks.
    ///
    /// # Errors
    /// The database is away.
    pub async fn session_files(&self, session_id: &str) -> Result<SessionFiles> {
        let subtasks = store::subtasks::of_session(self.pool_ref(), session_id, SUBTASKS).await?;
        let written = store::actions::writes_of_session(self.pool_ref(), session_id).await?;
        let mut writes: BTreeMap<Uuid, BTreeMap<String, i32>> = BTreeMap::new();
        for (subtask, path, count) in written {
            let path = normalise_path(&path);
            if !path.is_empty() {
                *writes.entry(subtask).or_default().entry(path).or_default() += count;
            }
        }
        let mut forbidden: BTreeMap<Uuid, Vec<String>> = BTreeMap::new();
        for (subtask, action) in
            store::actions::forbidden_of_session(self.pool_ref(), session_id).await?
        {
            forbidden.entry(subtask).or_default().push(action);
        }
        let named = |json: Option<&String>| -> Result<Vec<String>> {
            Ok(json
                .map(|json| serde_json::from_str(json).map(|array| paths(&array)))
                .transpose()?
                .unwrap_or_default())
        };

        let mut files = SessionFiles::default();
        let mut by_wave: BTreeMap<i32, Vec<Touched>> = BTreeMap::new();
        for subtask in &subtasks {
            let (id, agent_type) = (subtask.node.id, &subtask.node.agent_type);
            let mut touched: BTreeSet<String> =
                named(subtask.reported.as_ref())?.into_iter().collect();
            touched.extend(named(subtask.snapshot.as_ref())?);
            let written = writes.remove(&id).unwrap_or_default();
            touched.extend(written.keys().cloned());
            files.touches.extend(touched.iter().map(|file| Touch {
                file: file.clone(),
                agent_type: agent_type.clone(),
                subtask_id: id,
                writes: written.get(file).copied().unwrap_or_default(),
            }));
            let forbidden = forbidden.remove(&id).unwrap_or_default();
            if !touched.is_empty() || !forbidden.is_empty() {
                let agent_type = agent_type.clone();
                let subtask_files = Touched { id, agent_type, files: touched, forbidden };
                let beyond = violations(&subtask_files, &subtask.scope);
                files.violations.extend(beyond.into_iter().map(|it| (subtask.wave_number, it)));
                by_wave.entry(subtask.wave_number).or_default().push(subtask_files);
            }
        }
        files.partial = i64::try_from(subtasks.len()).unwrap_or(i64::MAX) == SUBTASKS;
        let graph: Graph = subtasks.iter().map(|subtask| subtask.node.clone()).collect();
        let seen = |it: NamedFiles| Seen {
            node: it.node,
            wave_number: it.wave_number,
            description: it.description,
            started_at: it.started_at,
            completed_at: it.completed_at,
        };
        files.subtasks = subtasks.into_iter().map(seen).collect();
        files.conflicts =
            by_wave.values().flat_map(|touched| file_conflicts(touched, &graph)).collect();
        Ok(files)
    }

    /// What a person should know of a session beside its subtasks; `files` are the session's own.
    ///
    /// # Errors
    /// The database is away.
    pub async fn notices(&self, session_id: &str, files: &SessionFiles) -> Result<Vec<Notice>> {
        let pool = self.pool_ref();
        let Some(row) = store::sessions::get(pool, session_id).await? else {
            return Ok(Vec::new());
        };
        let waves = store::waves::of_session(pool, session_id).await?;
        let leases = store::attempts::leases(pool, session_id).await?;
        Ok(notices(&waves, &leases, &files.violations, &row.account()?, clock::now()))
    }
}
