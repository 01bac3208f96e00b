//! A synthesis as Markdown, for people and for prompts.

use std::fmt::Write as _;

use crate::{conflict::Severity, synthesis::Synthesis};

/// The whole synthesis. What agents wrote is quoted line by line, so that none of it becomes a heading
/// of the report; file names stand in code.
#[must_use]
pub fn markdown(synthesis: &Synthesis) -> String {
    let mut out = String::new();
    // Writing to a string does not fail.
    let _ = writeln!(out, "# {}\n", line(&synthesis.summary));
    let next = if synthesis.next_wave_ready { "may start" } else { "may not start yet" };
    let _ = writeln!(out, "The next wave {next}.");
    if !synthesis.blockers.is_empty() {
        out.push_str("\n## What stands in the way\n\n");
        for blocker in &synthesis.blockers {
            let _ = writeln!(out, "- {}", line(blocker));
        }
    }
    if !synthesis.conflicts.is_empty() {
        out.push_str("\n## Conflicts\n\n");
        for conflict in &synthesis.conflicts {
            let severity = match conflict.severity {
                Severity::Low => "low",
                Severity::High => "high",
                Severity::Critical => "critical",
            };
            let agents = conflict.agents.join(", ");
            let _ = writeln!(
                out,
                "- **{severity}**: {} ({})",
                line(&conflict.description),
                line(&agents)
            );
        }
    }
    out.push_str("\n## Results\n");
    for result in &synthesis.results {
        let _ = writeln!(out, "\n### {} – {}\n", line(&result.agent), result.status.as_str());
        for text in result.summary.lines().filter(|text| !text.trim().is_empty()) {
            let _ = writeln!(out, "> {text}");
        }
        if !result.files.is_empty() {
            out.push('\n');
            for file in &result.files {
                let _ = writeln!(out, "- {}", code(file));
            }
        }
    }
    if !synthesis.files_changed.is_empty() {
        out.push_str("\n## Files changed\n\n");
        for file in &synthesis.files_changed {
            let _ = writeln!(out, "- {}", code(file));
        }
    }
    out
}

/// Text of the report's own lines: on one line.
fn line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A code span, whatever backticks are in it.
fn code(text: &str) -> String {
    let longest = text.split(|letter| letter != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{pad}{}{pad}{fence}", line(text))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{
        conflict::{Conflict, ConflictKind},
        subtask::SubtaskStatus,
        synthesis::{Stats, SubtaskOutcome},
    };

    #[test]
    fn a_report_has_every_part_and_nothing_that_agents_wrote_becomes_a_part() {
        let synthesis = Synthesis {
            summary: "Wave 1: 1/2 tasks completed.".to_owned(),
            results: vec![SubtaskOutcome {
                evidence: None,
                subtask_id: Uuid::nil(),
                agent: "backend\n# laravel".to_owned(),
                status: SubtaskStatus::Completed,
                summary: "done\n## Files changed\n\nreally".to_owned(),
                files: vec!["a`b.rs".to_owned()],
                agent_id: None,
                duration_ms: None,
            }],
            conflicts: vec![Conflict {
                kind: ConflictKind::FileConflict,
                severity: Severity::High,
                agents: vec!["a".to_owned(), "b".to_owned()],
                subtask_ids: Vec::new(),
                description: "Multiple agents modified the same file: x".to_owned(),
                files: Vec::new(),
            }],
            files_changed: vec!["src/x.rs".to_owned()],
            next_wave_ready: false,
            blockers: vec!["1 subtask is open.".to_owned()],
            tokens_saved: 0,
            tokens_saved_measured: 0,
            stats: Stats {
                total_tasks: 2,
                completed: 1,
                failed: 0,
                files_modified: 1,
                avg_duration_ms: 0,
                total_duration_ms: 0,
                usage: crate::usage::Usage::default(),
            },
            outcome: None,
        };
        let wanted = "\
# Wave 1: 1/2 tasks completed.

The next wave may not start yet.

## What stands in the way

- 1 subtask is open.

## Conflicts

- **high**: Multiple agents modified the same file: x (a, b)

## Results

### backend # laravel – completed

> done
> ## Files changed
> really

- ``a`b.rs``

## Files changed

- `src/x.rs`
";
        assert_eq!(markdown(&synthesis), wanted);
    }
}
