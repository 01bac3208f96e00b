//! The one error of server functions: the server's problem, as REST would have told it.

use std::fmt;

use domain::problem::Problem;
use leptos::server_fn::error::{FromServerFnError, ServerFnErrorErr};
use serde::{Deserialize, Serialize};

use crate::server_fns::Text;

/// Why a server function said no. On the wire it is the problem document itself, so that a refusal
/// by the server's edge (not logged in, foreign origin) reads the same as one by the rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AppError(Box<Problem>);

impl AppError {
    /// Something filled in that is not valid, said before the server is asked.
    #[must_use]
    pub fn invalid(sentence: String) -> Self {
        Problem::new(422, "Not valid", "invalid", sentence).into()
    }

    /// The problem.
    #[must_use]
    pub fn problem(&self) -> &Problem {
        &self.0
    }

    /// Whether the visitor has to log in first.
    #[must_use]
    pub fn is_login(&self) -> bool {
        self.0.status == 401
    }
}

impl fmt::Display for AppError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.detail)
    }
}

impl std::error::Error for AppError {}

impl From<Problem> for AppError {
    fn from(problem: Problem) -> Self {
        Self(Box::new(problem))
    }
}

impl FromServerFnError for AppError {
    type Encoder = Text;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        use ServerFnErrorErr as E;
        let problem = match error {
            E::Request(_) => Problem::new(
                503,
                "Server away",
                "unreachable",
                "The server cannot be reached. Check that Swell is running, then try again.",
            ),
            E::Args(reason) | E::MissingArg(reason) => Problem::new(
                400,
                "Bad Request",
                "malformed",
                format!("The request was not understood: {reason}."),
            ),
            E::Deserialization(_) => Problem::new(
                502,
                "Unreadable answer",
                "unreadable",
                "The server's answer was not understood. Reload the page: Swell may have been updated.",
            ),
            _ => Problem::new(
                500,
                "Internal Server Error",
                "internal",
                "Something went wrong on the server.",
            ),
        };
        problem.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_document_from_the_edge_reads_as_the_same_error() {
        let body = r#"{"type":"about:blank","title":"Unauthorized","status":401,"detail":"Log in.","error":"Log in.","code":"unauthorized"}"#;
        let error = AppError::de(body.to_owned().into());
        assert!(error.is_login());
        assert_eq!(error.to_string(), "Log in.");
    }
}
