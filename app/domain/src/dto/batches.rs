//! `/api/orchestration/batch…`, synthesis and conflicts.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    batch::{Batch, BatchStatus, BatchWithSubtasks},
    check::{Check, TASKS},
    conflict::Conflict,
    json::JsonObject,
    problem::Refusal,
    scope::{Overlap, Scope},
    synthesis::Synthesis,
};

/// Body of `POST /api/orchestration/batch-submit`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SubmitBatch {
    /// The session; it appears on first use. 1–200 characters.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 200))]
    pub session_id: String,
    /// The wave; it is created when it does not exist. 0 or more.
    #[cfg_attr(feature = "openapi", schema(minimum = 0))]
    pub wave_number: i32,
    /// The work, 1–5,000 tasks.
    #[cfg_attr(feature = "openapi", schema(min_items = 1, max_items = 5000))]
    #[serde(deserialize_with = "crate::json::objects")]
    pub tasks: Vec<Task>,
}

/// One task of a batch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Task {
    /// The submitter's own name for it; need not be unique.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(max_length = 200))]
    pub task_id: Option<String>,
    /// The role that does it.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 200))]
    pub agent_type: String,
    /// What is to be done; 1–100,000 characters.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 100_000))]
    pub description: String,
    /// 1–10, higher first; 5 when left out.
    #[serde(default = "default_priority")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 10, default = 5))]
    pub priority: i32,
    /// What must complete first: ids of subtasks of the session, or `task_id`s or 0-based indices
    /// of tasks of this batch.
    #[serde(default)]
    pub blocked_by: Vec<BlockerRef>,
    /// The same, under the name that a plan uses.
    #[serde(default)]
    pub depends_on: Vec<BlockerRef>,
    /// Whether its failure leaves the wave standing (extension).
    #[serde(default)]
    pub optional: bool,
    /// State captured at its start.
    #[serde(default)]
    pub context_snapshot: Option<JsonObject>,
    /// The files it may touch; `?`, `*` and `**` stand for what they do in a shell (extension).
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(max_items = 200))]
    pub target_files: Vec<String>,
    /// The directories it may touch everything in (extension).
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(max_items = 200))]
    pub target_directories: Vec<String>,
    /// How many files it may change; what the registry says of its agent type when left out
    /// (extension).
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 1000))]
    pub max_files: Option<i32>,
    /// What it must never do, beside what its agent type must never do (extension).
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(max_items = 50))]
    pub forbidden_actions: Vec<String>,
    /// How often it may be tried when its agents vanish, 1–100; 3 when left out (extension).
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 100))]
    pub max_attempts: Option<i32>,
    /// How long one try under a lease may take, 5–604,800 seconds; any time when left out (extension).
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(minimum = 5, maximum = 604_800))]
    pub time_limit_seconds: Option<i32>,
}

const fn default_priority() -> i32 {
    5
}

/// A blocker as a submitter names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(untagged)]
pub enum BlockerRef {
    /// The 0-based index of a task of the same batch.
    Index(u32),
    /// A `task_id` of the same batch, or the id of a subtask of the session.
    Name(String),
}

impl SubmitBatch {
    /// Holds the request to its limits.
    ///
    /// # Errors
    /// [`Refusal::Invalid`].
    pub fn check(&self) -> Result<(), Refusal> {
        let mut check = Check::default();
        check.name("session_id", &self.session_id);
        check.range("wave_number", self.wave_number.into(), 0, i32::MAX.into());
        if self.tasks.is_empty() {
            check.fail("tasks", "must have at least one task");
        } else if self.tasks.len() > TASKS {
            check.fail(
                "tasks",
                format!("must have at most {TASKS} tasks; submit several batches to one wave"),
            );
        } else {
            for (index, task) in self.tasks.iter().enumerate() {
                task.check(index, &mut check);
            }
        }
        check.finish()
    }
}

impl Task {
    /// Where it may work.
    #[must_use]
    pub fn scope(&self) -> Scope {
        Scope {
            target_files: self.target_files.clone(),
            target_directories: self.target_directories.clone(),
            max_files: self.max_files,
            forbidden_actions: self.forbidden_actions.clone(),
        }
    }

    fn check(&self, index: usize, check: &mut Check) {
        let field = |name: &str| format!("tasks[{index}].{name}");
        if let Some(task_id) = self.task_id.as_deref().filter(|id| !id.is_empty()) {
            check.name(&field("task_id"), task_id);
        }
        check.name(&field("agent_type"), &self.agent_type);
        check.text(&field("description"), &self.description, true);
        check.range(&field("priority"), self.priority.into(), 1, 10);
        check.list(&field("blocked_by"), self.blocked_by.len() + self.depends_on.len());
        for (name, references) in
            [("blocked_by", &self.blocked_by), ("depends_on", &self.depends_on)]
        {
            for (position, reference) in references.iter().enumerate() {
                if let BlockerRef::Name(text) = reference {
                    check.name(&format!("{}[{position}]", field(name)), text);
                }
            }
        }
        if let Some(snapshot) = &self.context_snapshot {
            check.object(&field("context_snapshot"), &snapshot.parse());
        }
        self.scope().check(check, &format!("tasks[{index}]."));
        if let Some(attempts) = self.max_attempts {
            check.range(&field("max_attempts"), attempts.into(), 1, 100);
        }
        if let Some(seconds) = self.time_limit_seconds {
            check.range(&field("time_limit_seconds"), seconds.into(), 5, 604_800);
        }
    }
}

/// A batch that was submitted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SubmitAnswer {
    /// Always true; refusals are problems.
    pub success: bool,
    /// The batch.
    pub batch: SubmittedBatch,
    /// Where its subtasks would meet each other, or those of the wave that are still open
    /// (extension).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Warning>,
}

/// What to do when subtasks that may run at the same time may touch the same files (extension).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum OnOverlap {
    /// Say so in `warnings`.
    #[default]
    Warn,
    /// Refuse the batch.
    Reject,
    /// Let them wait for each other: the one of higher priority goes first.
    Serialize,
}

/// Something to look at before the work begins (extension).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Warning {
    /// `scope_overlap`.
    pub code: String,
    /// One sentence.
    pub message: String,
    /// The subtasks, and the files that they may touch.
    #[serde(flatten)]
    pub overlap: Overlap,
}

impl Warning {
    /// That subtasks may touch the same files at the same time.
    #[must_use]
    pub fn overlap(overlap: Overlap) -> Self {
        const NAMED: usize = 3;
        let count = overlap.subtask_ids.len();
        let named = overlap.files.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
        let more = match overlap.files.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        Self {
            code: "scope_overlap".to_owned(),
            message: format!("{count} subtasks may touch {named}{more} at the same time."),
            overlap,
        }
    }
}

/// A batch with the ids of its subtasks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SubmittedBatch {
    /// The batch itself.
    #[serde(flatten)]
    pub batch: Batch,
    /// In the order of `tasks`.
    pub subtask_ids: Vec<Uuid>,
}

/// Answer of `GET /api/orchestration/batch/{id}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BatchAnswer {
    /// The batch with its subtasks.
    pub batch: BatchWithSubtasks,
}

/// Answer of `POST /api/orchestration/batch/{id}/complete`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CompleteAnswer {
    /// Always true; refusals are problems.
    pub success: bool,
    /// The stored synthesis, or a snapshot of it while subtasks are open.
    pub synthesis: Synthesis,
    /// Where the batch stands; `completed` once nothing is open.
    pub status: BatchStatus,
    /// How many subtasks have not ended.
    pub open_tasks: i32,
}

/// Answer of `GET /api/orchestration/conflicts/{id}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ConflictReport {
    /// The batch.
    pub batch_id: Uuid,
    /// What clashes.
    pub conflicts: Vec<Conflict>,
    /// How many.
    pub conflict_count: i32,
}

impl ConflictReport {
    /// Of what a batch's synthesis says.
    #[must_use]
    pub fn of(batch_id: Uuid, conflicts: Vec<Conflict>) -> Self {
        let conflict_count = i32::try_from(conflicts.len()).unwrap_or(i32::MAX);
        Self { batch_id, conflict_count, conflicts }
    }
}
