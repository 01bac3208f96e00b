//! What went wrong, in words: the tool only ever counts or prints it.

use std::fmt;

/// One failed request or step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The HTTP status, when there was an answer.
    pub status: Option<u16>,
    /// The reason, or the body of the answer.
    pub message: String,
}

impl Failure {
    /// Something failed before there was an answer.
    pub fn new(message: impl Into<String>) -> Self {
        Self { status: None, message: message.into() }
    }

    /// Something failed because of `cause`.
    pub fn because(what: &str, cause: impl fmt::Display) -> Self {
        Self::new(format!("{what}: {cause}"))
    }

    /// An answer that is not a 2xx.
    #[must_use]
    pub fn answered(status: u16, body: &[u8]) -> Self {
        const SHOWN: usize = 600;
        let text = String::from_utf8_lossy(body);
        Self { status: Some(status), message: text.chars().take(SHOWN).collect() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.status {
            Some(status) => write!(f, "{status} {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for Failure {}
