//! What the tests of the rules share: rows with believable values, and a small store for them.
#![allow(dead_code)] // each test file uses a part of it

use std::collections::BTreeMap;

use chrono::DateTime;
use domain::batch::{Batch, BatchStatus};
use domain::conflict::Recorded;
use domain::event::NewEvent;
use domain::graph::{Graph, Node};
use domain::json::JsonObject;
use domain::problem::Refusal;
use domain::progress::{Parts, Patch, Progress};
use domain::subtask::{Subtask, SubtaskStatus};
use domain::usage::{Account, Usage};
use domain::wave::{Wave, WaveStatus};
use domain::{Time, wave};
use serde_json::Value;
use uuid::Uuid;

pub const SESSION: &str = "session-abc";

/// Milliseconds after 2026-02-09T10:00:00Z.
pub fn at(ms: i64) -> Time {
    DateTime::from_timestamp_millis(1_770_631_200_000 + ms).expect("a time")
}

pub fn id(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

pub fn object(value: Value) -> JsonObject {
    serde_json::from_value(value).expect("an object")
}

/// What actions did that wrote these files.
pub fn wrote(files: &[&str]) -> Recorded {
    let files = files.iter().map(|file| (*file).to_owned()).collect();
    Recorded { files, ..Recorded::default() }
}

/// A wave with counters: total, completed, failed, optional ones among the failed.
pub fn wave_of(number: i32, status: WaveStatus, counters: [i32; 4]) -> Wave {
    let [total_tasks, completed_tasks, failed_tasks, failed_optional_tasks] = counters;
    let waveid = id(9_000 + u128::from(number.unsigned_abs()));
    Wave {
        status,
        total_tasks,
        completed_tasks,
        failed_tasks,
        failed_optional_tasks,
        started_at: (status != WaveStatus::Pending).then(|| at(0)),
        completed_at: status.is_terminal().then(|| at(1)),
        ..Wave::new(waveid, SESSION.to_owned(), number, at(0))
    }
}

/// A pending subtask of wave 0, without blockers.
pub fn subtask(n: u128) -> Subtask {
    Subtask {
        id: id(n),
        task_id: None,
        batch_id: id(1_000),
        session_id: SESSION.to_owned(),
        wave_number: 0,
        agent_type: format!("agent-{n}"),
        agent_id: None,
        description: format!("Task {n}"),
        status: SubtaskStatus::Pending,
        priority: 5,
        optional: false,
        blocked_by: Vec::new(),
        open_blockers: 0,
        result: None,
        context_snapshot: None,
        scope: domain::scope::Scope::default(),
        max_attempts: None,
        time_limit_seconds: None,
        not_before: None,
        lease_token: None,
        retry_count: 0,
        usage: Usage::default(),
        attempt_usage: Usage::default(),
        created_at: at(0),
        started_at: None,
        completed_at: None,
        updated_at: at(0),
    }
}

/// The same in another status, with the times that go with it.
pub fn subtask_in(n: u128, status: SubtaskStatus) -> Subtask {
    use SubtaskStatus::{Blocked, Pending};
    Subtask {
        status,
        started_at: (!matches!(status, Pending | Blocked)).then(|| at(1)),
        completed_at: status.is_terminal().then(|| at(2)),
        ..subtask(n)
    }
}

pub fn batch(n: u128, wave_number: i32, status: BatchStatus) -> Batch {
    Batch {
        id: id(n),
        session_id: SESSION.to_owned(),
        wave_number,
        status,
        total_tasks: 0,
        completed_tasks: 0,
        failed_tasks: 0,
        outcome: None,
        created_at: at(0),
        completed_at: None,
    }
}

/// The subtasks with what they wait for.
pub fn graph(of: &[Subtask]) -> Graph {
    of.iter().map(Node::from).collect()
}

/// A patch of the status alone.
pub fn to(status: SubtaskStatus) -> Patch {
    Patch { status: Some(status), ..Patch::default() }
}

/// `code: message` of a conflict; panics on any other refusal.
pub fn conflict(refusal: Refusal) -> String {
    match refusal {
        Refusal::Conflict { code, message } => format!("{code}: {message}"),
        other => panic!("not a conflict: {other:?}"),
    }
}

/// Rows as a database would hold them between two groups of changes.
#[derive(Clone, Debug, PartialEq)]
pub struct World {
    pub subtasks: BTreeMap<Uuid, Subtask>,
    pub batches: BTreeMap<Uuid, Batch>,
    pub waves: BTreeMap<i32, Wave>,
    pub account: Account,
}

impl World {
    /// Over these subtasks; everything that is derived from them is counted here.
    pub fn new(waves: &[(i32, WaveStatus)], subtasks: Vec<Subtask>) -> Self {
        let done: Vec<Uuid> = subtasks
            .iter()
            .filter(|s| s.status == SubtaskStatus::Completed)
            .map(|s| s.id)
            .collect();
        let mut world = Self {
            subtasks: BTreeMap::new(),
            batches: BTreeMap::new(),
            waves: waves.iter().map(|(n, status)| (*n, wave_of(*n, *status, [0; 4]))).collect(),
            account: Account { session_id: SESSION.to_owned(), ..Account::default() },
        };
        for mut subtask in subtasks {
            let open = subtask.blocked_by.iter().filter(|id| !done.contains(id)).count();
            subtask.open_blockers = i32::try_from(open).expect("few");
            if open > 0 && subtask.status == SubtaskStatus::Pending {
                subtask.status = SubtaskStatus::Blocked;
            }
            let number = subtask.wave_number;
            let batch = world
                .batches
                .entry(subtask.batch_id)
                .or_insert_with(|| batch(subtask.batch_id.as_u128(), number, BatchStatus::Pending));
            if matches!(subtask.status, SubtaskStatus::Running | SubtaskStatus::Completed) {
                batch.status = BatchStatus::Running;
            }
            world.subtasks.insert(subtask.id, subtask);
        }
        let counted = world.clone();
        for batch in world.batches.values_mut() {
            let [total, completed, failed, _] = counted.count(|s| s.batch_id == batch.id);
            (batch.total_tasks, batch.completed_tasks, batch.failed_tasks) =
                (total, completed, failed);
        }
        for wave in world.waves.values_mut() {
            let counters = counted.count(|s| s.wave_number == wave.wave_number);
            *wave = wave_of(wave.wave_number, wave.status, counters);
        }
        world
    }

    /// Total, completed, failed and failed optional subtasks among the rows that match.
    pub fn count(&self, of: impl Fn(&Subtask) -> bool) -> [i32; 4] {
        let mut counters = [0; 4];
        for subtask in self.subtasks.values().filter(|s| of(s)) {
            let failed = subtask.status == SubtaskStatus::Failed;
            counters[0] += 1;
            counters[1] += i32::from(subtask.status == SubtaskStatus::Completed);
            counters[2] += i32::from(failed);
            counters[3] += i32::from(failed && subtask.optional);
        }
        counters
    }

    pub fn progress(&self, now: Time) -> Progress {
        let edges = self
            .subtasks
            .values()
            .flat_map(|s| s.blocked_by.iter().map(|blocker| (*blocker, s.id)))
            .collect();
        Progress::new(
            now,
            self.subtasks.values().cloned().collect(),
            edges,
            self.batches.values().cloned().collect(),
            self.waves.values().cloned().collect(),
        )
        .with_accounts(vec![self.account.clone()])
    }

    /// Writes what a group changed and hands back its events.
    pub fn take(&mut self, progress: Progress) -> Vec<NewEvent> {
        let Parts { subtasks, batches, waves, accounts, events, .. } = progress.into_parts();
        if let Some(account) = accounts.into_iter().next() {
            self.account = account;
        }
        self.subtasks.extend(subtasks.into_iter().map(|s| (s.id, s)));
        self.batches.extend(batches.into_iter().map(|b| (b.id, b)));
        self.waves.extend(waves.into_iter().map(|w| (w.wave_number, w)));
        events
    }

    /// One patch as a group of its own.
    pub fn patch(&mut self, n: u128, patch: &Patch) -> Result<Vec<NewEvent>, Refusal> {
        let mut progress = self.progress(at(100));
        progress.patch(id(n), patch)?;
        Ok(self.take(progress))
    }

    /// One retry as a group of its own.
    pub fn retry(&mut self, n: u128) -> Result<Vec<NewEvent>, Refusal> {
        let mut progress = self.progress(at(100));
        progress.retry(id(n), self.running())?;
        Ok(self.take(progress))
    }

    pub fn running(&self) -> Option<i32> {
        self.waves.values().find(|w| w.status == WaveStatus::Running).map(|w| w.wave_number)
    }

    pub fn status(&self, n: u128) -> SubtaskStatus {
        self.subtasks[&id(n)].status
    }

    /// Starts a wave as the engine does: a wave whose subtasks have all ended finishes at once.
    pub fn start(&mut self, number: i32, now: Time) -> Vec<NewEvent> {
        let wave = self.waves.get_mut(&number).expect("a wave");
        wave.status = wave.status.transition(wave::WaveEvent::Start).expect("a pending wave");
        wave.started_at = Some(now);
        domain::progress::finish_if_done(wave, now).into_iter().collect()
    }
}

/// `event subtask-or-wave status` of each event, in order.
pub fn told(events: &[NewEvent]) -> Vec<String> {
    let line = |event: &NewEvent| {
        let about = match event.data["subtask_id"].as_str() {
            Some(id) => id.parse::<Uuid>().expect("an id").as_u128().to_string(),
            None => event.data["wave_number"].to_string(),
        };
        format!("{} {about} {}", event.event, event.data["status"].as_str().expect("a status"))
    };
    events.iter().map(line).collect()
}

/// Asserts that `actual` has everything that `documented` has, with the same values; objects may
/// have more fields.
#[track_caller]
pub fn assert_documented(actual: &Value, documented: &Value) {
    fn missing(actual: &Value, documented: &Value, path: &str) -> Option<String> {
        match (actual, documented) {
            (Value::Object(actual), Value::Object(documented)) => {
                documented.iter().find_map(|(key, value)| match actual.get(key) {
                    Some(found) => missing(found, value, &format!("{path}.{key}")),
                    None => Some(format!("{path}.{key} is missing")),
                })
            }
            (Value::Array(a), Value::Array(d)) if a.len() == d.len() => {
                let mut pairs = a.iter().zip(d).enumerate();
                pairs.find_map(|(i, (a, d))| missing(a, d, &format!("{path}[{i}]")))
            }
            _ => (actual != documented)
                .then(|| format!("{path} is {actual}, the document has {documented}")),
        }
    }
    if let Some(difference) = missing(actual, documented, "$") {
        panic!("{difference}");
    }
}
