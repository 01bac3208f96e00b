//! What the pages read: the engine's answers cut down to what a screen shows, because all of it
//! travels twice, as HTML and as the data that hydrates it.

use domain::{
    Time,
    batch::Batch,
    chart::Notice,
    conflict::Conflict,
    dto::{ConflictReport, WaveBrief},
    read_by_hand,
    scope::Scope,
    subtask::{Subtask, SubtaskStatus},
    synthesis::Synthesis,
    wave::Wave,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::format::clipped;
#[cfg(feature = "ssr")]
use domain::dto::Action;

/// Most subtasks of a wave that a session's first paint shows.
pub const ROWS_PER_WAVE: usize = 200;
/// Most subtasks that one request for a wave or a batch reads.
pub const ROWS_PER_READ: usize = 500;
/// Most subtasks that a session's first paint shows over all its waves.
pub const ROWS_PER_PAGE: usize = 1_000;
/// Most files that a tool call in a list names.
#[cfg(feature = "ssr")]
const FILES_PER_ACTION: usize = 3;
/// Most tries at a subtask that the drawer shows.
#[cfg(feature = "ssr")]
const ATTEMPTS: usize = 10;
/// Longest description in a row; characters.
const DESCRIPTION: usize = 280;
/// Longest result that the drawer shows; characters.
#[cfg(feature = "ssr")]
const RESULT: usize = 20_000;
/// Longest summary of a result; characters.
const SUMMARY: usize = 1_000;
/// Most results, files or conflicts of a synthesis that a page shows.
const ENTRIES: usize = 500;

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
    /// The tool that its agent called last, as far as the page has heard.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_tool: Option<String>,
    /// When it was submitted.
    pub created_at: Time,
    /// When it started.
    pub started_at: Option<Time>,
    /// When it ended.
    pub completed_at: Option<Time>,
}

read_by_hand!(Row { id, batch_id, wave_number, agent_type, agent_id, description, status, priority, optional, open_blockers, retry_count, created_at, started_at, completed_at; blocked_by, last_tool });

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

/// Some subtasks of a wave, oldest first.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WaveRows {
    /// The wave.
    pub wave_number: i32,
    /// The subtasks.
    pub rows: Vec<Row>,
    /// Where to read on.
    pub cursor: Option<String>,
    /// Whether these are all.
    pub complete: bool,
}

read_by_hand!(WaveRows { wave_number, rows, cursor, complete });

/// A session in the list.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SessionRow {
    /// Its name.
    pub session_id: String,
    /// When something last happened in it.
    pub last_active_at: Time,
    /// Its waves in order.
    pub waves: Vec<WaveBrief>,
    /// Subtasks over all waves.
    pub total_tasks: i32,
    /// Completed ones.
    pub completed_tasks: i32,
    /// Failed ones.
    pub failed_tasks: i32,
}

read_by_hand!(SessionRow {
    session_id,
    last_active_at,
    waves,
    total_tasks,
    completed_tasks,
    failed_tasks
});

/// A page of the list of sessions.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SessionRows {
    /// The sessions, latest activity first.
    pub sessions: Vec<SessionRow>,
    /// Where the next page begins.
    pub next_cursor: Option<String>,
}

read_by_hand!(SessionRows { sessions, next_cursor });

#[cfg(feature = "ssr")]
impl From<domain::dto::SessionPage> for SessionRows {
    fn from(page: domain::dto::SessionPage) -> Self {
        let row = |it: domain::dto::SessionSummary| SessionRow {
            session_id: it.session_id,
            last_active_at: it.last_active_at,
            waves: it.waves,
            total_tasks: it.total_tasks,
            completed_tasks: it.completed_tasks,
            failed_tasks: it.failed_tasks,
        };
        Self {
            sessions: page.sessions.into_iter().map(row).collect(),
            next_cursor: page.next_cursor,
        }
    }
}

/// A session without its subtasks.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SessionHead {
    /// Its name.
    pub session_id: String,
    /// When it first appeared.
    pub created_at: Time,
    /// Whether no work of it is handed out.
    pub paused: bool,
    /// What it cost, and of how much it may; none when nothing is known of either.
    pub spent: Option<String>,
    /// Its waves in order.
    pub waves: Vec<Wave>,
    /// Its batches, oldest first.
    pub batches: Vec<Batch>,
    /// The position of the log that this is at least as new as.
    pub seq: i64,
}

read_by_hand!(SessionHead { session_id, created_at, paused, spent, waves, batches, seq });

#[cfg(feature = "ssr")]
impl From<domain::dto::SessionDetail> for SessionHead {
    fn from(it: domain::dto::SessionDetail) -> Self {
        Self {
            spent: crate::format::spent(it.usage, it.budget),
            session_id: it.session_id,
            created_at: it.created_at,
            paused: it.paused,
            waves: it.waves,
            batches: it.batches,
            seq: it.seq,
        }
    }
}

/// What needs a person, beside what the subtasks themselves tell.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct SessionNeeds {
    /// The files that subtasks changed at the same time.
    pub conflicts: Vec<Conflict>,
    /// Everything else, most urgent first.
    pub notices: Vec<Notice>,
}

read_by_hand!(SessionNeeds { conflicts, notices });

/// A session's page.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SessionView {
    /// The session with its waves and batches.
    pub head: SessionHead,
    /// Subtasks of its waves.
    pub waves: Vec<WaveRows>,
    /// What needs a person.
    pub needs: SessionNeeds,
    /// Who touched what, when that was asked for: the JSON of a `Heat`, read by the view that shows
    /// it, so that what reads it is not downloaded before.
    pub heat: Option<String>,
    /// The subtask that was asked for, when there is one: the JSON of a [`SubtaskView`].
    pub subtask: Option<String>,
}

read_by_hand!(SessionView { head, waves, needs, heat, subtask });

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
    /// Whether it goes on.
    pub goes_on: bool,
}

#[cfg(feature = "ssr")]
impl AttemptRow {
    fn new(attempt: &domain::lease::Attempt, now: Time) -> Self {
        use domain::lease::Health;
        let state = match (attempt.outcome, attempt.health(now)) {
            (Some(outcome), _) => outcome.as_str().replace('_', " "),
            (None, Health::Stalled) => "stalled".to_owned(),
            (None, Health::Dead) => "dead".to_owned(),
            (None, Health::Working | Health::Idle) => "working".to_owned(),
        };
        Self {
            token: attempt.token,
            agent_id: attempt.agent_id.clone(),
            state,
            reason: attempt.reason.clone(),
            at: attempt.claimed_at,
            alive_at: attempt.heartbeat_at,
            goes_on: attempt.ended_at.is_none(),
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
            forbidden: action.forbidden_action.clone(),
            duration_ms: action.duration_ms,
            at: action.created_at,
        }
    }
}

/// Something that the finder found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hit {
    /// What kind of thing it is.
    pub kind: String,
    /// What it is called.
    pub name: String,
    /// What else tells it from its like.
    pub about: String,
    /// Where it is.
    pub href: String,
}

/// The latest of the log, and where it ends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EventFeed {
    /// Newest first.
    pub rows: Vec<EventRow>,
    /// The log's last position.
    pub last_seq: i64,
}

/// An event in the feed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EventRow {
    /// Its position in the log.
    pub seq: i64,
    /// Its name.
    pub event: String,
    /// Its session.
    pub session_id: String,
    /// The subtask that it is about.
    pub subtask_id: Option<Uuid>,
    /// The batch that it is about.
    pub batch_id: Option<Uuid>,
    /// What happened, in a few words.
    pub what: String,
    /// When.
    pub at: Time,
}

impl EventRow {
    /// An event in a few words, from what its data says.
    #[must_use]
    pub fn new(seq: i64, event: &str, data: &serde_json::Value, at: Time) -> Self {
        let text = |name: &str| data[name].as_str().unwrap_or_default();
        let id = |name: &str| data[name].as_str().and_then(|id| id.parse().ok());
        let wave = data["wave_number"].as_i64().or_else(|| data["to"].as_i64());
        let mut parts: Vec<String> = Vec::new();
        parts.extend(wave.map(|wave| format!("wave {wave}")));
        for name in ["agent_type", "agent_id", "tool_name", "status", "outcome"] {
            if !text(name).is_empty() {
                parts.push(text(name).to_owned());
            }
        }
        let files = data["file_paths"].as_array().into_iter().flatten();
        parts.extend(files.filter_map(|file| file.as_str()).take(3).map(str::to_owned));
        if let (Some(done), Some(total)) =
            (data["completed_tasks"].as_i64(), data["total_tasks"].as_i64())
        {
            parts.push(format!("{done}/{total}"));
        }
        Self {
            seq,
            event: event.to_owned(),
            session_id: text("session_id").to_owned(),
            subtask_id: id("subtask_id"),
            batch_id: id("batch_id"),
            what: clipped(&parts.join(" · "), DESCRIPTION),
            at,
        }
    }

    /// Whether a text is in it, in any case of ASCII letters.
    #[must_use]
    pub fn says(&self, text: &str) -> bool {
        let text = text.trim().to_ascii_lowercase();
        let has = |it: &str| it.to_ascii_lowercase().contains(&text);
        has(&self.session_id) || has(&self.what) || has(&self.event)
    }
}

/// A batch's page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BatchView {
    /// The batch.
    pub batch: Batch,
    /// Its first subtasks.
    pub rows: Vec<Row>,
    /// What came of it so far, clipped.
    pub synthesis: Synthesis,
    /// How many files it changed.
    pub files_changed: i32,
    /// What clashes, clipped.
    pub report: ConflictReport,
}

impl BatchView {
    /// Cut to what the page shows.
    #[must_use]
    pub fn new(
        batch: Batch,
        subtasks: &[Subtask],
        mut synthesis: Synthesis,
        mut report: ConflictReport,
    ) -> Self {
        let files_changed = i32::try_from(synthesis.files_changed.len()).unwrap_or(i32::MAX);
        // The report says the same.
        synthesis.conflicts = Vec::new();
        synthesis.files_changed.truncate(ENTRIES);
        synthesis.results.truncate(ENTRIES);
        for result in &mut synthesis.results {
            result.summary = clipped(&result.summary, SUMMARY);
            result.files.truncate(ENTRIES);
        }
        report.conflicts.truncate(ENTRIES);
        Self {
            batch,
            rows: subtasks.iter().take(ENTRIES).map(Row::from).collect(),
            synthesis,
            files_changed,
            report,
        }
    }
}

/// The order in which waves get their share of [`ROWS_PER_PAGE`]: what runs, what comes next, then
/// the past from its end.
#[cfg(feature = "ssr")]
#[must_use]
pub(crate) fn reading_order(waves: &[domain::wave::Wave]) -> Vec<&domain::wave::Wave> {
    use domain::wave::WaveStatus;
    let mut order: Vec<_> = waves.iter().collect();
    order.sort_by_key(|wave| match wave.status {
        WaveStatus::Running => (0, 0),
        WaveStatus::Pending => (1, wave.wave_number),
        WaveStatus::Completed | WaveStatus::Failed => (2, -wave.wave_number),
    });
    order
}
