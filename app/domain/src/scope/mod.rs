//! Where a subtask may work (extension): the files and directories it may touch, how many files, and
//! what it must never do; and which subtasks would meet in one place.
//!
//! A path is relative to the project, as its agents name it. In a target `?` stands for one character
//! of a name, `*` for any number of them, and `**` for any number of names; everything else, brackets
//! too, stands for itself.

mod forecast;
mod pattern;
mod rule;

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use self::pattern::Pattern;
pub use self::{
    forecast::{EFFORT, Member, OVERLAPS, Overlap, forecast, serialise},
    pattern::{first_met, meet},
    rule::{Call, Rule, forbidden},
};
use crate::{check::Check, conflict::normalise_path};

/// Most files or directories of one scope.
pub const TARGETS: usize = 200;
/// Most forbidden actions of one scope.
pub const FORBIDDEN: usize = 50;
/// Most wildcards of one target.
pub const WILDCARDS: usize = 10;
/// Most steps that are taken to judge one report, action or tool call, some tens of milliseconds: whoever
/// needs more is let pass, so that no request can keep the server busy.
const JUDGED: usize = 20_000_000;

/// Where a subtask may work. Without files and directories it may work anywhere.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Scope {
    /// The files it may touch; patterns are allowed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(max_items = 200))]
    pub target_files: Vec<String>,
    /// The directories it may touch everything in; patterns are allowed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(max_items = 200))]
    pub target_directories: Vec<String>,
    /// How many files it may change; 1–1000. The registry's number for its agent type when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 1000))]
    pub max_files: Option<i32>,
    /// What it must never do, beside what its agent type must never do: sentences for its prompt, or rules
    /// such as `WebFetch`, `Edit(migrations/**)` and `Bash(git push *)`, which are held against what it does.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(max_items = 50))]
    pub forbidden_actions: Vec<String>,
}

impl Scope {
    /// Whether it says nothing at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.is_open() && self.max_files.is_none() && self.forbidden_actions.is_empty()
    }

    /// Whether it allows every file.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.target_files.is_empty() && self.target_directories.is_empty()
    }

    /// Whether this file is in it.
    #[must_use]
    pub fn allows(&self, path: &str) -> bool {
        self.outside([&normalise_path(path)]).is_empty()
    }

    /// Which of these files, whose paths are normalised, are not in it. Those that would take too long to
    /// judge are taken to be.
    #[must_use]
    pub fn outside<'a>(&self, files: impl IntoIterator<Item = &'a String>) -> Vec<&'a String> {
        if self.is_open() {
            return Vec::new();
        }
        let (exact, wide): (Vec<Pattern>, Vec<Pattern>) =
            self.patterns().partition(Pattern::is_exact);
        let exact: HashSet<&str> = exact.iter().map(|pattern| pattern.text.as_str()).collect();
        let mut effort = JUDGED;
        let mut is_in = |file: &str| {
            exact.contains(file) || wide.iter().any(|pattern| pattern.covers(file, &mut effort))
        };
        files.into_iter().filter(|file| !is_in(file)).collect()
    }

    /// What is forbidden, `of_type` to every agent of its type and here besides; each once.
    pub fn forbidden<'a>(&'a self, of_type: &'a [String]) -> impl Iterator<Item = &'a String> {
        of_type.iter().chain(self.forbidden_actions.iter().filter(|it| !of_type.contains(it)))
    }

    /// Notes what is wrong with it; `prefix` is put before the names of its fields.
    pub fn check(&self, check: &mut Check, prefix: &str) {
        let field = |name: &str| format!("{prefix}{name}");
        for (name, paths) in
            [("target_files", &self.target_files), ("target_directories", &self.target_directories)]
        {
            check_targets(check, &field(name), paths);
        }
        if let Some(max_files) = self.max_files {
            check.range(&field("max_files"), max_files.into(), 1, 1_000);
        }
        check_forbidden(check, &field("forbidden_actions"), &self.forbidden_actions, FORBIDDEN);
    }

    fn patterns(&self) -> impl Iterator<Item = Pattern> {
        self.target_files
            .iter()
            .map(|file| Pattern::of_file(file))
            .chain(self.target_directories.iter().map(|directory| Pattern::of_directory(directory)))
    }
}

/// Notes what is wrong with a list of forbidden actions, of which there may be `most`.
pub fn check_forbidden(check: &mut Check, field: &str, actions: &[String], most: usize) {
    if actions.len() > most {
        check.fail(field, format!("must have at most {most} entries"));
        return;
    }
    for (index, action) in actions.iter().enumerate() {
        let field = format!("{field}[{index}]");
        check.name(&field, action);
        if Rule::parse(action).is_some_and(|rule| rule.wildcards() > WILDCARDS) {
            check.fail(field, format!("must have at most {WILDCARDS} wildcards"));
        }
    }
}

/// Notes what is wrong with a list of targets.
pub fn check_targets(check: &mut Check, field: &str, paths: &[String]) {
    if paths.len() > TARGETS {
        check.fail(field, format!("must have at most {TARGETS} entries"));
        return;
    }
    check.paths(field, paths);
    for (index, path) in paths.iter().enumerate() {
        if path.chars().filter(|c| matches!(c, '*' | '?')).count() > WILDCARDS {
            let field = format!("{field}[{index}]");
            check.fail(field, format!("must have at most {WILDCARDS} wildcards"));
        }
    }
}
