//! `/api/files…`

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    check::Check,
    problem::Refusal,
    scope::{TARGETS, check_targets},
};

/// How long files are held when the request does not say; seconds.
pub const FILE_SECONDS: i32 = 600;

/// Body of `POST /api/files/reserve`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReserveFiles {
    /// The session.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 200))]
    pub session_id: String,
    /// Who wants them.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 200))]
    pub agent_id: String,
    /// The subtask that they are for: when it no longer runs, they are free.
    #[serde(default)]
    pub subtask_id: Option<Uuid>,
    /// Paths or patterns of paths (`?`, `*`, `**`), 1–200.
    #[cfg_attr(feature = "openapi", schema(min_items = 1, max_items = 200))]
    pub paths: Vec<String>,
    /// For how long, 5–86,400 seconds; 600 when left out.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(minimum = 5, maximum = 86_400))]
    pub ttl_seconds: Option<i32>,
}

impl ReserveFiles {
    /// Holds the request to its limits.
    ///
    /// # Errors
    /// [`Refusal::Invalid`].
    pub fn check(&self) -> Result<(), Refusal> {
        let mut check = Check::default();
        check.name("session_id", &self.session_id);
        check.name("agent_id", &self.agent_id);
        if self.paths.is_empty() {
            check.fail("paths", format!("must have 1 to {TARGETS} entries"));
        }
        check_targets(&mut check, "paths", &self.paths);
        if let Some(seconds) = self.ttl_seconds {
            check.range("ttl_seconds", seconds.into(), 5, 86_400);
        }
        check.finish()
    }
}

/// Body of `POST /api/files/release`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReleaseFiles {
    /// The session.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 200))]
    pub session_id: String,
    /// Who holds them.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 200))]
    pub agent_id: String,
    /// The paths as they were reserved; everything that the agent holds when left out.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(max_items = 200))]
    pub paths: Option<Vec<String>>,
}

impl ReleaseFiles {
    /// Holds the request to its limits.
    ///
    /// # Errors
    /// [`Refusal::Invalid`].
    pub fn check(&self) -> Result<(), Refusal> {
        let mut check = Check::default();
        check.name("session_id", &self.session_id);
        check.name("agent_id", &self.agent_id);
        check_targets(&mut check, "paths", self.paths.as_deref().unwrap_or_default());
        check.finish()
    }
}

/// Files that an agent has for itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FileLease {
    /// The path, or the pattern of paths.
    pub path: String,
    /// Who holds it.
    pub agent_id: String,
    /// The subtask that it is for.
    pub subtask_id: Option<Uuid>,
    /// Since when.
    pub since: DateTime<Utc>,
    /// Until when.
    pub expires_at: DateTime<Utc>,
}

/// Files that are held, in order of their paths.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FileLeases {
    /// The leases.
    pub leases: Vec<FileLease>,
}

/// What was given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReleaseAnswer {
    /// Always true; refusals are problems.
    pub success: bool,
    /// How many paths.
    pub released: i32,
}
