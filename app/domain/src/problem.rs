//! Refusals by the rules, and the one shape in which errors go over the wire (RFC 9457).

use std::collections::BTreeMap;

use serde::Serialize;

use crate::read_by_hand;

/// Field path → what is wrong with it.
pub type Details = BTreeMap<String, Vec<String>>;

/// Why the rules say no. Nothing here knows about HTTP; `engine` and `server` map it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no such thing.
    #[error("There is no {what} `{id}`.")]
    NotFound {
        /// The kind of thing, such as `batch`.
        what: &'static str,
        /// The name it was asked for by.
        id: String,
    },
    /// There is nothing to act on, as the sentence says.
    #[error("{0}")]
    Nothing(String),
    /// The state of things does not allow it; the sentence says what does.
    #[error("{message}")]
    Conflict {
        /// A stable name of the rule.
        code: &'static str,
        /// The reason and the way out.
        message: String,
    },
    /// What was sent is not valid.
    #[error("{}", summary(.0))]
    Invalid(Details),
}

impl Refusal {
    /// No `what` of that id.
    pub fn not_found(what: &'static str, id: impl ToString) -> Self {
        Self::NotFound { what, id: id.to_string() }
    }

    /// A state that does not allow the request.
    pub fn conflict(code: &'static str, message: impl Into<String>) -> Self {
        Self::Conflict { code, message: message.into() }
    }

    /// One field that is not valid.
    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Invalid(Details::from([(field.into(), vec![message.into()])]))
    }
}

fn summary(details: &Details) -> String {
    match details.iter().next() {
        Some((field, messages)) if details.len() == 1 => {
            format!("{field}: {}.", messages.first().map_or("is not valid", String::as_str))
        }
        Some((field, messages)) => format!(
            "{field}: {}; details names {} more.",
            messages.first().map_or("is not valid", String::as_str),
            details.len() - 1
        ),
        None => "The request is not valid.".to_owned(),
    }
}

/// An error as it goes over the wire: `application/problem+json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    /// Always `about:blank`: `code` tells kinds apart.
    #[serde(rename = "type")]
    pub kind: String,
    /// The HTTP status in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What went wrong and what to send instead.
    pub detail: String,
    /// The same sentence, under the name that the document's clients read.
    pub error: String,
    /// A stable name of the kind of error.
    pub code: String,
    /// Field path → messages, for 422.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub details: Option<Details>,
}

read_by_hand!(Problem { kind = "type", title, status, detail, error, code; details });

impl Problem {
    /// A problem without details.
    pub fn new(status: u16, title: &str, code: &str, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self {
            kind: "about:blank".to_owned(),
            title: title.to_owned(),
            status,
            error: detail.clone(),
            detail,
            code: code.to_owned(),
            details: None,
        }
    }
}
