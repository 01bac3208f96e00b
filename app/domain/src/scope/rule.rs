//! Forbidden actions that can be judged.
//!
//! Most of them are sentences, which only the agent itself can keep. One that is written as Claude Code
//! writes its permission rules, `Tool` or `Tool(pattern)`, is also held against what its agent does:
//! `WebFetch`, `Edit(migrations/**)`, `Bash(git push *)`. It guards against what is done without thinking;
//! a command that is put together in another way gets past it.

use serde_json::Value;

use super::{JUDGED, pattern::Pattern};
use crate::conflict::normalise_path;

/// What of a tool's input is held against patterns.
const TEXTS: [&str; 5] = ["command", "url", "query", "subagent_type", "skill"];

/// A use of a tool.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The tool, such as `Bash`.
    pub tool: &'a str,
    /// Whether it writes the files that it names.
    pub writes: bool,
    /// What it is given.
    pub input: Option<&'a Value>,
    /// The files that it names.
    pub files: &'a [String],
}

/// A forbidden action that is no sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule<'a> {
    tool: &'a str,
    pattern: Option<&'a str>,
}

impl<'a> Rule<'a> {
    /// Reads one; none when it is a sentence.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let text = text.trim();
        let (tool, pattern) = match text.split_once('(') {
            Some((tool, rest)) => (tool, Some(rest.strip_suffix(')')?.trim())),
            None => (text, None),
        };
        // Of whatever.
        let pattern = pattern.filter(|pattern| pattern.chars().any(|c| c != '*'));
        let is_name = |c: char| c.is_alphanumeric() || "_-*".contains(c);
        (!tool.is_empty() && tool.chars().all(is_name)).then_some(Self { tool, pattern })
    }

    /// Whether it forbids this. A pattern is held against the files that the tool names, and against what it is
    /// given to run, to open or to ask ([`TEXTS`]), in which `*` stands for anything; `domain:` before a name
    /// stands for its pages, and those of names under it. Commands that are joined are looked at one by one.
    /// A rule for `Edit` is one for every tool that writes files.
    #[must_use]
    pub fn forbids(&self, call: &Call<'_>) -> bool {
        self.judges(call, &normalised(call), &mut { JUDGED })
    }

    fn judges(&self, call: &Call<'_>, files: &[String], effort: &mut usize) -> bool {
        let is_it = matches(self.tool, call.tool) || self.tool == "Edit" && call.writes;
        if !is_it || *effort == 0 {
            return false;
        }
        let Some(pattern) = self.pattern else { return true };
        // As Claude Code writes them, a path with one slash before it is one of the project.
        let paths = Pattern::of_file(match pattern.strip_prefix('/') {
            Some(absolute) if absolute.starts_with('/') => absolute,
            Some(of_project) => of_project,
            None => pattern,
        });
        // Out of effort, a pattern covers anything: here that is nobody's fault.
        let covered = files.iter().any(|file| {
            *effort = effort.saturating_sub(paths.fixed.len() + 1);
            paths.covers(file, effort) && *effort > 0
        });
        let line = Line::of(pattern);
        covered
            || TEXTS
                .iter()
                .filter_map(|name| call.input?.get(name)?.as_str())
                .any(|text| line.is_in(text, effort))
    }

    /// How many wildcards its pattern has.
    #[must_use]
    pub fn wildcards(&self) -> usize {
        self.pattern.unwrap_or_default().chars().filter(|c| matches!(c, '*' | '?')).count()
    }
}

/// The first of these forbidden actions that this is.
#[must_use]
pub fn forbidden<'a>(
    actions: impl IntoIterator<Item = &'a String>,
    call: &Call<'_>,
) -> Option<&'a str> {
    let (files, mut effort) = (normalised(call), JUDGED);
    let mut forbids = |text: &&String| {
        Rule::parse(text).is_some_and(|rule| rule.judges(call, &files, &mut effort))
    };
    actions.into_iter().find(&mut forbids).map(String::as_str)
}

fn normalised(call: &Call<'_>) -> Vec<String> {
    call.files.iter().map(|file| normalise_path(file)).collect()
}

/// The commands of a line of a shell.
fn parts(line: &str) -> impl Iterator<Item = &str> {
    line.split(['&', '|', ';', '\n', '(', ')', '{', '}', '`']).map(str::trim)
}

/// A pattern of commands and addresses.
enum Line<'a> {
    /// `git push *` and `git push:*`: this alone, or that with anything behind it.
    Begin(&'a str, String),
    /// `domain:example.com`.
    Domain(&'a str),
    /// As [`matches`] has it.
    Whole(&'a str),
}

impl<'a> Line<'a> {
    fn of(pattern: &'a str) -> Self {
        if let Some(domain) = pattern.strip_prefix("domain:") {
            return Self::Domain(domain);
        }
        match pattern.strip_suffix(" *").or_else(|| pattern.strip_suffix(":*")) {
            Some(begin) => Self::Begin(begin, format!("{begin} *")),
            None => Self::Whole(pattern),
        }
    }

    /// Whether a text is like it, or a command in the text; not when finding out takes too long.
    fn is_in(&self, text: &str, effort: &mut usize) -> bool {
        let mut fits = |text: &str| {
            *effort = effort.saturating_sub(text.len() + 1);
            *effort > 0 && self.fits(text.trim())
        };
        // An address is one, whatever stands in it.
        fits(text) || !matches!(self, Self::Domain(_)) && parts(text).any(fits)
    }

    fn fits(&self, text: &str) -> bool {
        match self {
            Self::Whole(pattern) => matches(pattern, text),
            Self::Begin(alone, more) => matches(alone, text) || matches(more, text),
            Self::Domain(domain) => host(text).is_some_and(|host| {
                let (host, domain) = (host.to_lowercase(), domain.to_lowercase());
                host.strip_suffix(&domain).is_some_and(|it| it.is_empty() || it.ends_with('.'))
            }),
        }
    }
}

/// The name of the server in an address.
fn host(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let rest = rest.split(['/', '?', '#']).next()?;
    rest.rsplit('@').next()?.split(':').next()
}

/// Whether a text is as a pattern says, in which `*` stands for anything.
fn matches(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(first) else { return false };
    let (middle, last) = rest.rsplit_once('*').unwrap_or(("", rest));
    for piece in middle.split('*').filter(|piece| !piece.is_empty()) {
        // The first place is as good as any: what is left of it can only be longer.
        let Some(at) = text.find(piece) else { return false };
        text = &text[at + piece.len()..];
    }
    text.ends_with(last)
}
