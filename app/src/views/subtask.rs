//! A subtask, in tables and in the drawer.

use domain::{
    Time, read_by_hand,
    scope::Scope,
    subtask::{Subtask, SubtaskStatus},
};
#[cfg(feature = "ssr")]
use domain::{dto::Action, usage::Budget};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::DESCRIPTION;
#[cfg(feature = "ssr")]
use super::{ENTRIES, SUMMARY};
use crate::format::clipped;

/// Most files that a tool call in a list names.
#[cfg(feature = "ssr")]
const FILES_PER_ACTION: usize = 3;
/// Longest that it says of what a tool was given; characters.
#[cfg(feature = "ssr")]
const GIVEN: usize = 160;
/// Most tries at a subtask that the drawer shows.
#[cfg(feature = "ssr")]
const ATTEMPTS: usize = 10;
/// Longest result that the drawer shows; characters.
#[cfg(feature = "ssr")]
const RESULT: usize = 20_000;

/// A subtask in a table.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// The subtask.
    pub id: Uuid,
    /// Its batch.
    pub batch_id: Uuid,
    /// Its wave.
    pub wave_number: i32,
    /// Who does it.
    pub agent_type: String,
    /// The agent that works or worked on it.
    pub agent_id: Option<String>,
    /// What is to be done, clipped.
    pub description: String,
    /// Where it stands.
    pub status: SubtaskStatus,
    /// 1–10, higher first.
    pub priority: i32,
    /// Whether its failure leaves the wave standing.
    pub optional: bool,
    /// What must complete first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub blocked_by: Vec<Uuid>,
    /// How many of them have not.
    pub open_blockers: i32,
    /// How often it was tried again.
    pub retry_count: i32,
    /// The tool that its agent called last, while it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_tool: Option<String>,
    /// When it was submitted.
    pub created_at: Time,
    /// When it started.
    pub started_at: Option<Time>,
    /// When it ended.
    pub completed_at: Option<Time>,
}

read_by_hand!(Row { id, batch_id, wave_number, agent_type, agent_id, description, status, priority, optional, open_blockers, retry_count; blocked_by, last_tool; created_at, started_at, completed_at });

impl From<&Subtask> for Row {
    fn from(subtask: &Subtask) -> Self {
        Self {
            id: subtask.id,
            batch_id: subtask.batch_id,
            wave_number: subtask.wave_number,
            agent_type: subtask.agent_type.clone(),
            agent_id: subtask.agent_id.clone(),
            description: clipped(&subtask.description, DESCRIPTION),
            status: subtask.status,
            priority: subtask.priority,
            optional: subtask.optional,
            blocked_by: subtask.blocked_by.clone(),
            open_blockers: subtask.open_blockers,
            retry_count: subtask.retry_count,
            last_tool: None,
            created_at: subtask.created_at,
            started_at: subtask.started_at,
            completed_at: subtask.completed_at,
        }
    }
}

/// A subtask in full, and what its agent did lately.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SubtaskView {
    /// As a list shows it.
    pub row: Row,
    /// What is to be done, whole.
    pub description: String,
    /// The orchestrator's name for it.
    pub task_id: Option<String>,
    /// What its agent says came of it.
    pub summary: Option<String>,
    /// Where it may work.
    #[serde(default, skip_serializing_if = "Scope::is_empty")]
    pub scope: Scope,
    /// The files that its result names, the first [`ENTRIES`].
    pub files: Vec<String>,
    /// Its whole result as indented JSON, clipped.
    pub result: Option<String>,
    /// Its latest tool calls, newest first.
    pub actions: Vec<ActionRow>,
    /// Whether there were more.
    pub more_actions: bool,
    /// What it cost, in words; none when nobody said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spent: Option<String>,
    /// The tries at it under a lease, newest first, the first few.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<AttemptRow>,
}

/// A try at a subtask in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptRow {
    /// The lease.
    pub token: i64,
    /// Who tries or tried.
    pub agent_id: String,
    /// How it is doing, or what became of it.
    pub state: String,
    /// Why.
    pub reason: Option<String>,
    /// When it began.
    pub at: Time,
    /// The last sign of life.
    pub alive_at: Time,
    /// Until when it has the subtask without another sign of life, while it goes on.
    pub until: Option<Time>,
    /// When the subtask's time is over, while it goes on.
    pub deadline: Option<Time>,
}

#[cfg(feature = "ssr")]
impl AttemptRow {
    fn new(attempt: &domain::lease::Attempt, now: Time) -> Self {
        use domain::lease::Health;
        let state = match (attempt.outcome, attempt.health_at(now)) {
            (Some(outcome), _) => outcome.as_str().replace('_', " "),
            (None, Health::Stalled) => "stalled".to_owned(),
            (None, Health::Dead) => "dead".to_owned(),
            (None, Health::Working | Health::Idle) => "working".to_owned(),
        };
        let goes_on = attempt.ended_at.is_none();
        Self {
            token: attempt.token,
            agent_id: attempt.agent_id.clone(),
            state,
            reason: attempt.reason.clone(),
            at: attempt.claimed_at,
            alive_at: attempt.heartbeat_at,
            until: goes_on.then_some(attempt.expires_at),
            deadline: attempt.deadline_at.filter(|_| goes_on),
        }
    }
}

/// A tool call in a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ActionRow {
    /// The action.
    pub id: Uuid,
    /// The tool.
    pub tool_name: String,
    /// The files it touched, the first few.
    pub files: Vec<String>,
    /// The exit code of a command.
    pub exit_code: Option<i32>,
    /// What the tool was given, in short: a command, an address, a question.
    pub given: Option<String>,
    /// The forbidden action that it was.
    pub forbidden: Option<String>,
    /// How long it took; milliseconds.
    pub duration_ms: Option<i64>,
    /// When it was recorded.
    pub at: Time,
}

#[cfg(feature = "ssr")]
impl SubtaskView {
    /// Cut to what the drawer shows.
    #[must_use]
    pub fn new(
        subtask: &Subtask,
        actions: &[Action],
        more_actions: bool,
        attempts: &[domain::lease::Attempt],
        now: Time,
    ) -> Self {
        let result = subtask.result.as_ref().map(domain::json::JsonObject::parse);
        let summary = result.as_ref().and_then(|result| result.get("summary")?.as_str());
        let mut files = domain::conflict::reported_files(subtask);
        files.truncate(ENTRIES);
        Self {
            row: Row::from(subtask),
            description: subtask.description.clone(),
            task_id: subtask.task_id.clone(),
            scope: subtask.scope.clone(),
            summary: summary.map(|summary| clipped(summary, SUMMARY)),
            files,
            result: result
                .and_then(|result| serde_json::to_string_pretty(&result).ok())
                .map(|text| clipped(&text, RESULT)),
            actions: actions.iter().map(ActionRow::from).collect(),
            more_actions,
            spent: crate::format::spent(subtask.usage, Budget::default()),
            attempts: attempts
                .iter()
                .rev()
                .take(ATTEMPTS)
                .map(|attempt| AttemptRow::new(attempt, now))
                .collect(),
        }
    }
}

#[cfg(feature = "ssr")]
impl From<&Action> for ActionRow {
    fn from(action: &Action) -> Self {
        Self {
            id: action.id,
            tool_name: action.tool_name.clone(),
            files: action.file_paths.iter().take(FILES_PER_ACTION).cloned().collect(),
            exit_code: action.exit_code,
            given: action.input.as_ref().and_then(given),
            forbidden: action.forbidden_action.clone(),
            duration_ms: action.duration_ms,
            at: action.created_at,
        }
    }
}

/// What of a tool's input says most, where files do not.
#[cfg(feature = "ssr")]
fn given(input: &serde_json::Value) -> Option<String> {
    const NAMES: [&str; 7] =
        ["command", "url", "query", "pattern", "prompt", "description", "subagent_type"];
    let said = NAMES.iter().find_map(|name| input.get(name)?.as_str())?;
    Some(clipped(said.lines().next().unwrap_or_default().trim(), GIVEN)).filter(|it| !it.is_empty())
}
