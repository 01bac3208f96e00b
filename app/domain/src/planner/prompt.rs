//! The prompt an agent is given (specification: "Craft Scoped Prompt"): its task, the bounds it
//! must keep, what earlier waves found, and what to report.
//!
//! All but the task's own text is kept to one line each: a file name or an earlier agent's report
//! must not be able to write a heading of its own into the prompt.

use serde::{Deserialize, Serialize};

use super::complexity::{Complexity, estimate};
use super::wire;
use crate::{
    registry::{AgentProfile, Model},
    scope::Scope,
};

/// The most expendable comes last: a small budget drops from the end.
const RULES: [&str; 4] = [
    "Do NOT scan the entire codebase",
    "Do NOT explore files outside the target scope",
    "Do NOT create files unless absolutely necessary",
    "Complete your task and report results concisely",
];

const COMPLETION: &str = "## Completion\n\nWhen done, provide a concise summary of:\n\
    1. What was changed/found\n2. Files modified (if any)\n3. Any issues or blockers encountered";

/// Characters per token: what estimators commonly take for English and code.
const CHARS_PER_TOKEN: usize = 4;

/// A completed subtask of an earlier wave (specification: "Craft Scoped Prompt").
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PriorWork {
    /// Who did it.
    pub agent_type: String,
    /// What it was asked to do.
    pub description: String,
    /// What came of it, in its own words.
    pub summary: Option<String>,
}

/// The completed work of earlier waves that a prompt tells of.
#[derive(Clone, Copy, Debug)]
pub struct Prior<'a> {
    /// The latest of it, newest wave first.
    pub latest: &'a [PriorWork],
    /// How many completed subtasks there are in all.
    pub total: usize,
}

impl<'a> Prior<'a> {
    /// Work of which nothing was left out.
    #[must_use]
    pub fn whole(work: &'a [PriorWork]) -> Self {
        Self { latest: work, total: work.len() }
    }
}

/// The bounds of a task as data, for tools that enforce them (specification: "Craft Scoped
/// Prompt").
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ScopeDirectives {
    /// The files it may touch, as they were given.
    pub target_files: Vec<String>,
    /// The directories it must stay in, as they were given.
    pub target_directories: Vec<String>,
    /// How many files it may modify; 1–1000.
    pub max_files: i32,
    /// What it must never do.
    pub forbidden_actions: Vec<String>,
}

/// One part of a prompt and what it costs (extension).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PromptSection {
    /// `Task`, `Scope`, `Rules`, `Previous Wave Context` or `Completion`.
    pub name: String,
    /// Its estimated tokens, rounded up by itself: together they may exceed the prompt's by a few.
    pub tokens: i32,
}

/// A prompt and how to run it (specification: "Craft Scoped Prompt").
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CraftedPrompt {
    /// The prompt, in Markdown.
    pub crafted_prompt: String,
    /// How many turns the agent gets; 3–30.
    pub max_turns: i32,
    /// The model it should run on.
    pub model: Model,
    /// How hard the task is taken to be.
    pub complexity: Complexity,
    /// The bounds as data.
    pub scope_directives: ScopeDirectives,
    /// What the prompt costs (extension): characters / 4, rounded up; an estimate, not a count.
    pub estimated_tokens: i32,
    /// Whether the prompt is above the budget even without all that may be left out (extension).
    pub budget_exceeded: bool,
    /// The parts that are in the prompt, in order (extension).
    pub sections: Vec<PromptSection>,
}

/// About how many tokens `text` costs: its characters / 4, rounded up.
#[must_use]
pub fn estimate_tokens(text: &str) -> i32 {
    wire(text.chars().count().div_ceil(CHARS_PER_TOKEN))
}

/// Writes the prompt that gives `task` to `agent`, bounded by `scope`, after the work in `prior`.
///
/// With a `budget` in tokens, prior work is left out as far as needed, last entry first; then
/// rules, last first. The task, the scope and the completion always stay: when they alone are too
/// much, `budget_exceeded` says so. Nothing is cut within a line.
#[must_use]
pub fn craft(
    task: &str,
    agent: &AgentProfile,
    scope: &Scope,
    prior: Prior<'_>,
    budget: Option<i32>,
) -> CraftedPrompt {
    let entries: Vec<String> = prior.latest.iter().map(entry).collect();
    let compose = |rules: usize, shown: usize| {
        let mut sections =
            vec![("Task", task_section(task, agent)), ("Scope", bounds(agent, scope))];
        if let Some(kept) = RULES.get(..rules).filter(|kept| !kept.is_empty()) {
            sections.push(("Rules", format!("**Rules**:\n- {}", kept.join("\n- "))));
        }
        if let Some(kept) = entries.get(..shown).filter(|kept| !kept.is_empty()) {
            let heading = context_heading(shown, prior.total);
            sections.push(("Previous Wave Context", format!("{heading}\n{}", kept.concat())));
        }
        sections.push(("Completion", COMPLETION.to_owned()));
        sections
    };
    let budget_chars =
        budget.map(|tokens| usize::try_from(tokens).unwrap_or(0).saturating_mul(CHARS_PER_TOKEN));
    let fits = |sections: &[Section]| budget_chars.is_none_or(|most| length(sections) <= most);

    let bare = compose(RULES.len(), 0);
    let shown = match budget_chars {
        Some(most) => fitting(&entries, prior.total, most.saturating_sub(length(&bare))),
        None => entries.len(),
    };
    let sections = if fits(&bare) {
        compose(RULES.len(), shown)
    } else {
        let mut fewer = (0..RULES.len()).rev().map(|rules| compose(rules, 0));
        fewer.find(|sections| fits(sections)).unwrap_or_else(|| compose(0, 0))
    };

    let complexity =
        estimate(task, scope.target_files.len() + scope.target_directories.len(), agent);
    let budget_exceeded = !fits(&sections);
    let texts: Vec<&str> = sections.iter().map(|(_, text)| text.as_str()).collect();
    let crafted_prompt = texts.join("\n\n");
    CraftedPrompt {
        max_turns: complexity.max_turns(),
        model: complexity.model(),
        complexity,
        scope_directives: ScopeDirectives {
            target_files: scope.target_files.clone(),
            target_directories: scope.target_directories.clone(),
            max_files: scope.max_files.unwrap_or(agent.max_files),
            forbidden_actions: scope.forbidden(&agent.forbidden_actions).cloned().collect(),
        },
        estimated_tokens: estimate_tokens(&crafted_prompt),
        budget_exceeded,
        sections: sections
            .iter()
            .map(|(name, text)| PromptSection {
                name: (*name).to_owned(),
                tokens: estimate_tokens(text),
            })
            .collect(),
        crafted_prompt,
    }
}

/// A section's name and its text.
type Section = (&'static str, String);

/// The characters of the sections with the blank lines between them.
fn length(sections: &[Section]) -> usize {
    let texts: usize = sections.iter().map(|(_, text)| text.chars().count()).sum();
    texts + 2 * sections.len().saturating_sub(1)
}

/// How many of the first entries fit into so many further characters, heading included.
fn fitting(entries: &[String], total: usize, room: usize) -> usize {
    let mut used: usize = entries.iter().map(|e| e.chars().count()).sum();
    for (last, entry) in entries.iter().enumerate().rev() {
        let heading = context_heading(last + 1, total).chars().count();
        // The blank line before the section and the line break after its heading.
        if 2 + heading + 1 + used <= room {
            return last + 1;
        }
        used -= entry.chars().count();
    }
    0
}

fn task_section(task: &str, agent: &AgentProfile) -> String {
    let name = one_line(&agent.display_name);
    format!("# Task for {name}\n\n## Task\n\n{task}")
}

fn bounds(agent: &AgentProfile, scope: &Scope) -> String {
    let mut text = "## MANDATORY Scope Constraints".to_owned();
    let files = bullets(&scope.target_files);
    if !files.is_empty() {
        text += "\n\n**Target Files** (ONLY touch these files):";
        text += &files;
    }
    let directories = bullets(&scope.target_directories);
    if !directories.is_empty() {
        text += "\n\n**Target Directories** (stay within these boundaries):";
        text += &directories;
    }
    let max = scope.max_files.unwrap_or(agent.max_files);
    let noun = if max == 1 { "file" } else { "files" };
    text += &format!("\n\n**Max Files**: Do not modify more than {max} {noun}.");
    let forbidden: Vec<String> =
        scope.forbidden(&agent.forbidden_actions).map(|action| one_line(action)).collect();
    if !forbidden.is_empty() {
        text += &format!("\n\n**Forbidden Actions**: {}", forbidden.join(", "));
    }
    text
}

/// One bullet a path, each on a new line.
fn bullets(paths: &[String]) -> String {
    let paths = paths.iter().map(|path| one_line(path));
    paths.filter(|path| !path.is_empty()).map(|path| format!("\n- {}", code(&path))).collect()
}

fn context_heading(shown: usize, all: usize) -> String {
    let only = if shown < all { format!(", the latest {shown} shown") } else { String::new() };
    format!("## Previous Wave Context\n\n{all} task(s) completed in previous wave(s){only}:")
}

/// One completed subtask, on lines of its own.
fn entry(work: &PriorWork) -> String {
    let agent = one_line(&work.agent_type);
    let mut text = format!("\n- **{agent}** (done): {}", one_line(&work.description));
    let summary = work.summary.as_deref().map(one_line).unwrap_or_default();
    if !summary.is_empty() {
        text += &format!("\n  Result: {summary}");
    }
    text
}

/// Line breaks and other control characters become single spaces.
fn one_line(text: &str) -> String {
    let parts: Vec<&str> = text
        .split(|c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}'))
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .collect();
    parts.join(" ")
}

/// A Markdown code span: its fence is one backtick longer than any run within.
fn code(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}
