//! Forbidden actions that can be judged.
//!
//! Most of them are sentences, which only the agent itself can keep. One that is written as Claude Code
//! writes its permission rules, `Tool` or `Tool(pattern)`, is also held against what its agent does:
//! `WebFetch`, `Edit(migrations/**)`, `Bash(git push *)`. It guards against what is done without thinking;
//! a command that is put together in another way gets past it.

use serde_json::Value;

use super::pattern::Pattern;

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
        let is_name = |c: char| c.is_alphanumeric() || "_-*".contains(c);
        (!tool.is_empty() && tool.chars().all(is_name)).then_some(Self { tool, pattern })
    }

    /// Whether it forbids this. A pattern is held against the files that the tool names; when it names none,
    /// against the `command`, `url` or `query` that it is given, in which `*` stands for anything. Commands
    /// that are joined are looked at one by one. A rule for `Edit` is one for every tool that writes files.
    #[must_use]
    pub fn forbids(&self, call: &Call<'_>) -> bool {
        if !(matches(self.tool, call.tool) || self.tool == "Edit" && call.writes) {
            return false;
        }
        let Some(pattern) = self.pattern else { return true };
        if !call.files.is_empty() {
            let pattern = Pattern::of_file(pattern);
            let meets = |file: &String| Pattern::exact(file).meets(&pattern, &mut { usize::MAX });
            return call.files.iter().any(meets);
        }
        ["command", "url", "query"].iter().filter_map(|name| call.input?.get(name)?.as_str()).any(
            |text| matches_line(pattern, text) || parts(text).any(|it| matches_line(pattern, it)),
        )
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
    let forbids = |text: &&String| Rule::parse(text).is_some_and(|rule| rule.forbids(call));
    actions.into_iter().find(forbids).map(String::as_str)
}

/// The commands of a line of a shell.
fn parts(line: &str) -> impl Iterator<Item = &str> {
    line.split(['&', '|', ';', '\n', '(', ')', '{', '}', '`']).map(str::trim)
}

/// As [`matches`]; `git push *` and `git push:*` mean `git push`, alone or with anything behind it.
fn matches_line(pattern: &str, text: &str) -> bool {
    let text = text.trim();
    match pattern.strip_suffix(" *").or_else(|| pattern.strip_suffix(":*")) {
        Some(start) => matches(start, text) || matches(&format!("{start} *"), text),
        None => matches(pattern, text),
    }
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
