//! The one error of the engine, and its one mapping to a problem.

use domain::problem::{Problem, Refusal};

/// What a use-case answers when it does not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The rules say no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The database is away, restarting or overloaded: try again.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// Somebody else holds the session for too long: try again.
    #[error("the session is held by another transaction")]
    Busy,
    /// A defect. The text is for the log alone.
    #[error("internal error: {0}")]
    Internal(String),
}

/// The result of a use-case.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// A defect.
    #[must_use]
    pub fn internal(error: impl std::fmt::Display) -> Self {
        Self::Internal(error.to_string())
    }

    /// The problem that goes over the wire; says nothing of what went wrong inside.
    #[must_use]
    pub fn to_problem(&self) -> Problem {
        match self {
            Self::Refused(refusal) => {
                let detail = refusal.to_string();
                match refusal {
                    Refusal::NotFound { .. } | Refusal::Nothing(_) => {
                        Problem::new(404, "Not Found", "not_found", detail)
                    }
                    Refusal::Conflict { code, .. } => Problem::new(409, "Conflict", code, detail),
                    Refusal::Invalid(details) => Problem {
                        details: Some(details.clone()),
                        ..Problem::new(422, "Unprocessable Content", "invalid", detail)
                    },
                }
            }
            Self::Unavailable(_) => Problem::new(
                503,
                "Service Unavailable",
                "unavailable",
                "The database is not available right now; try again in a moment.",
            ),
            Self::Busy => Problem::new(
                503,
                "Service Unavailable",
                "busy",
                "Others are changing the session; try again in a moment.",
            ),
            Self::Internal(_) => Problem::new(
                500,
                "Internal Server Error",
                "internal",
                "Something went wrong inside Swell; its log says what.",
            ),
        }
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        let code = error.as_database_error().and_then(|database| database.code());
        if code.is_some_and(|code| code == "55P03") {
            return Self::Busy;
        }
        let away = match &error {
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::BeginFailed => true,
            // Classes: connection, insufficient resources, operator intervention; and serialization
            // failure, deadlock, read-only standby.
            sqlx::Error::Database(database) => database.code().is_some_and(|code| {
                ["08", "53", "57"].iter().any(|class| code.starts_with(class))
                    || ["40001", "40P01", "25006"].contains(&&*code)
            }),
            _ => false,
        };
        if away { Self::Unavailable(error.to_string()) } else { Self::Internal(error.to_string()) }
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::internal(error)
    }
}
