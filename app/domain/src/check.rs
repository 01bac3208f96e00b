//! Limits on everything that comes from outside, and the collector that reports every violation at
//! once.

use serde_json::{Map, Value};

use crate::problem::{Details, Refusal};

/// Longest session id, task id, agent type, agent id or name; characters.
pub const NAME: usize = 200;
/// Longest free text, such as a description; characters.
pub const TEXT: usize = 100_000;
/// Longest file path; characters.
pub const PATH: usize = 1_024;
/// Longest list of files, directories, keywords or blockers.
pub const LIST: usize = 1_000;
/// Most subtasks in one batch.
pub const TASKS: usize = 5_000;
/// Largest JSON object stored with a subtask or an action; bytes.
pub const OBJECT: usize = 1_048_576;
/// Highest page size of a list.
pub const PAGE: i64 = 500;

/// Collects what is wrong with a request, field by field.
#[derive(Debug, Default)]
pub struct Check {
    details: Details,
    more: usize,
}

/// Most fields that an answer says something of.
const MOST_SAID: usize = 100;

impl Check {
    /// Notes one violation.
    pub fn fail(&mut self, field: impl Into<String>, message: impl Into<String>) {
        let field = field.into();
        if self.details.len() >= MOST_SAID && !self.details.contains_key(&field) {
            self.more += 1;
        } else {
            self.details.entry(field).or_default().push(message.into());
        }
    }

    /// The verdict.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] with everything that was noted.
    pub fn finish(mut self) -> Result<(), Refusal> {
        if self.more > 0 {
            let more = format!("{} more fields are not valid", self.more);
            self.details.entry("…".to_owned()).or_default().push(more);
        }
        if self.details.is_empty() { Ok(()) } else { Err(Refusal::Invalid(self.details)) }
    }

    /// A name: 1 to [`NAME`] characters, none of them a control character.
    pub fn name(&mut self, field: &str, value: &str) {
        if value.trim().is_empty() {
            self.fail(field, "must not be empty");
        } else if value.chars().count() > NAME {
            self.fail(field, format!("must be at most {NAME} characters long"));
        } else if value.chars().any(char::is_control) {
            self.fail(field, "must not contain control characters");
        }
    }

    /// Free text: at most [`TEXT`] characters, no NUL; not blank when required.
    pub fn text(&mut self, field: &str, value: &str, required: bool) {
        if required && value.trim().is_empty() {
            self.fail(field, "must not be empty");
        }
        // Bytes bound characters from above: most texts need no count.
        if value.len() > TEXT && value.chars().count() > TEXT {
            self.fail(field, format!("must be at most {TEXT} characters long"));
        }
        if value.contains('\0') {
            self.fail(field, "must not contain NUL characters");
        }
    }

    /// A list of paths.
    pub fn paths(&mut self, field: &str, values: &[String]) {
        self.list(field, values.len());
        for (index, value) in values.iter().enumerate().take(LIST) {
            self.path(&format!("{field}[{index}]"), value);
        }
    }

    /// A file or directory path: 1 to [`PATH`] characters, no control characters.
    pub fn path(&mut self, field: &str, value: &str) {
        if value.trim().is_empty() {
            self.fail(field, "must not be empty");
        } else if value.chars().count() > PATH {
            self.fail(field, format!("must be at most {PATH} characters long"));
        } else if value.chars().any(char::is_control) {
            self.fail(field, "must not contain control characters");
        }
    }

    /// A list of at most [`LIST`] entries.
    pub fn list(&mut self, field: &str, len: usize) {
        if len > LIST {
            self.fail(field, format!("must have at most {LIST} entries"));
        }
    }

    /// A number within a range, both ends included.
    pub fn range(&mut self, field: &str, value: i64, from: i64, to: i64) {
        if value < from || value > to {
            self.fail(field, format!("must be from {from} to {to}"));
        }
    }

    /// A JSON object to store: bounded, and without NUL in any key or string.
    pub fn object(&mut self, field: &str, value: &Map<String, Value>) {
        if serde_json::to_string(value).is_ok_and(|text| text.len() > OBJECT) {
            self.fail(field, format!("must be at most {OBJECT} bytes of JSON"));
        }
        if value.iter().any(|(key, value)| key.contains('\0') || has_nul(value)) {
            self.fail(field, "must not contain NUL characters");
        }
    }
}

/// Whether a key or string anywhere in the value holds a NUL. Parsed JSON is at most 128 levels deep.
#[must_use]
pub fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(has_nul),
        Value::Object(map) => map.iter().any(|(key, value)| key.contains('\0') || has_nul(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}
