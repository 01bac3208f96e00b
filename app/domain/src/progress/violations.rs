//! What subtasks do beyond their scopes.

use std::collections::BTreeSet;

use super::Progress;
use crate::{
    conflict::{normalise_path, reported_files},
    dto::Action,
    event::{NewEvent, Violation},
    subtask::Subtask,
};

impl Progress {
    /// Tells what an action did beyond the scope of its subtask, whose actions had written `known`.
    pub(super) fn judge_action(
        &mut self,
        subtask: &Subtask,
        action: &Action,
        known: &BTreeSet<String>,
    ) {
        let written = action.file_paths.iter().filter(|_| action.writes_files);
        let files =
            written.map(|path| normalise_path(path)).filter(|path| !path.is_empty()).collect();
        let forbidden = action.forbidden_action.as_deref();
        self.judge(subtask, &files, known, Violation { forbidden, ..Violation::by(action) });
    }

    /// Tells what a report owns up to, beyond the report before it.
    pub(super) fn judge_report(&mut self, before: &Subtask, after: &Subtask) {
        if before.result != after.result && !after.scope.is_empty() {
            let files = reported_files(after).into_iter().collect();
            let known = reported_files(before).into_iter().collect();
            let by = Violation { agent_id: after.agent_id.as_deref(), ..Violation::default() };
            self.judge(after, &files, &known, by);
        }
    }

    fn judge<'a>(
        &mut self,
        subtask: &Subtask,
        files: &'a BTreeSet<String>,
        known: &'a BTreeSet<String>,
        mut violation: Violation<'a>,
    ) {
        let new: Vec<&String> = files.difference(known).collect();
        let count = new.len() + known.len();
        violation.max_files = subtask
            .scope
            .max_files
            .filter(|most| !new.is_empty() && usize::try_from(*most).is_ok_and(|it| count > it));
        violation.files = match violation.max_files {
            Some(_) => new,
            None => subtask.scope.outside(new),
        };
        if !violation.files.is_empty() || violation.forbidden.is_some() {
            self.changes.events.push(NewEvent::scope_violated(subtask, &violation, self.now));
        }
    }
}
