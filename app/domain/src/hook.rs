//! Claude Code's hooks: what it tells, and how it is answered (extension).
//!
//! The formats are those of <https://code.claude.com/docs/en/hooks>. Nothing here knows what is leased or
//! stored; it reads an event, judges an edit and writes an answer.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    conflict::normalise_path,
    scope::{Call, Scope},
};

/// An event as Claude Code sends it. What an event does not have is empty; what is not known is ignored.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct HookEvent {
    /// Claude Code's name for its session.
    pub session_id: String,
    /// `SessionStart`, `UserPromptSubmit`, `PreToolUse`, `PostToolUse`, `PostToolUseFailure`,
    /// `SubagentStart`, `SubagentStop`, `Stop`, `SessionEnd`; others are answered with nothing.
    pub hook_event_name: String,
    /// Where it happened.
    pub cwd: Option<String>,
    /// The project's directory (added by `swell hooks relay`).
    pub project_dir: Option<String>,
    /// The subagent, in its events.
    pub agent_id: Option<String>,
    /// The subagent's type.
    pub agent_type: Option<String>,
    /// The tool, of tool events.
    pub tool_name: Option<String>,
    /// What it is given.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub tool_input: Value,
    /// What it gave back.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub tool_response: Value,
    /// Why the tool failed.
    pub error: Option<String>,
    /// What the user asks for.
    pub prompt: Option<String>,
    /// The last that a subagent said.
    pub last_assistant_message: Option<String>,
    /// Whether it goes on because a hook kept it from stopping before.
    pub stop_hook_active: bool,
}

impl HookEvent {
    /// Who acts: the subagent, or the session itself.
    #[must_use]
    pub fn agent(&self) -> &str {
        self.agent_id.as_deref().filter(|id| !id.is_empty()).unwrap_or(&self.session_id)
    }

    /// Whether its tool writes files.
    #[must_use]
    pub fn writes(&self) -> bool {
        matches!(self.tool_name.as_deref(), Some("Edit" | "Write" | "MultiEdit" | "NotebookEdit"))
    }

    /// The kind of its tool, as actions have it.
    #[must_use]
    pub fn tool_type(&self) -> &'static str {
        match self.tool_name.as_deref().unwrap_or_default() {
            "Write" => "write",
            "Edit" | "MultiEdit" | "NotebookEdit" => "edit",
            "Read" | "NotebookRead" => "read",
            "Glob" | "Grep" | "LS" | "WebSearch" => "search",
            "Bash" | "BashOutput" | "KillShell" => "command",
            "Task" | "Agent" => "agent",
            _ => "other",
        }
    }

    /// The files that its tool names, relative to the project where they are in it.
    #[must_use]
    pub fn files(&self) -> Vec<String> {
        ["file_path", "notebook_path"]
            .iter()
            .filter_map(|name| self.tool_input[*name].as_str())
            .map(|path| self.relative(path))
            .filter(|path| !path.is_empty())
            .collect()
    }

    /// Its tool's use, as forbidden actions are held against it; `files` are its own.
    #[must_use]
    pub fn call<'a>(&'a self, files: &'a [String]) -> Call<'a> {
        Call {
            tool: self.tool_name.as_deref().unwrap_or_default(),
            writes: self.writes(),
            input: Some(&self.tool_input),
            files,
        }
    }

    fn relative(&self, path: &str) -> String {
        let path = normalise_path(path);
        for root in [&self.project_dir, &self.cwd].into_iter().flatten() {
            let root = normalise_path(root);
            if let Some(rest) = path.strip_prefix(&root).and_then(|rest| rest.strip_prefix('/')) {
                return rest.to_owned();
            }
        }
        path
    }
}

/// Why an agent may not edit a file of its own subtask's making; none when it may. `touched` are the files
/// that it has edited already, `most` how many it may.
#[must_use]
pub fn outside(path: &str, scope: &Scope, touched: &[String], most: i32) -> Option<String> {
    if !scope.allows(path) {
        let places: Vec<&str> = scope
            .target_files
            .iter()
            .chain(&scope.target_directories)
            .map(String::as_str)
            .collect();
        return Some(format!(
            "`{path}` is outside the scope of your subtask, which is {}. Do not edit it: say in your report what would have to change there.",
            places.join(", ")
        ));
    }
    let is_new = !touched.iter().any(|file| file == path);
    if is_new && touched.len() >= usize::try_from(most).unwrap_or(0) {
        return Some(format!(
            "Your subtask may change {most} files and has changed {}. Do not edit `{path}`: finish with those, and say in your report what is left.",
            touched.len()
        ));
    }
    None
}

/// The answer that keeps a tool from being called.
#[must_use]
pub fn deny(reason: &str) -> Value {
    json!({
        "hookSpecificOutput": {
            "hookEventName": "PreToolUse",
            "permissionDecision": "deny",
            "permissionDecisionReason": reason,
        }
    })
}

/// The answer that tells the agent something.
#[must_use]
pub fn tell(event: &str, text: &str) -> Value {
    json!({ "hookSpecificOutput": { "hookEventName": event, "additionalContext": text } })
}

/// The answer that keeps an agent from stopping.
#[must_use]
pub fn go_on(reason: &str) -> Value {
    json!({ "decision": "block", "reason": reason })
}

/// The answer that changes nothing.
#[must_use]
pub fn nothing() -> Value {
    json!({})
}
