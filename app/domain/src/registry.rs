//! The agent registry's entry: what Swell knows about one type of agent.
//!
//! The ten types of the specification are seeded by a migration; teams add their own. Nothing here
//! knows where entries are kept.

use serde::{Deserialize, Serialize};

/// The model a subtask should run on, cheapest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Model {
    /// Small and fast.
    Haiku,
    /// The everyday model.
    Sonnet,
    /// The strongest.
    Opus,
}

impl Model {
    /// Every model, weakest first.
    pub const ALL: [Self; 3] = [Self::Haiku, Self::Sonnet, Self::Opus];

    /// The name as it is written on the wire and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Haiku => "haiku",
            Self::Sonnet => "sonnet",
            Self::Opus => "opus",
        }
    }

    /// The model of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "haiku" => Some(Self::Haiku),
            "sonnet" => Some(Self::Sonnet),
            "opus" => Some(Self::Opus),
            _ => None,
        }
    }
}

/// One agent type: how the planner recognises work for it and what it is held to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AgentProfile {
    /// The key, such as `backend-laravel`; 1–100 characters.
    pub agent_type: String,
    /// How people and prompts call it.
    pub display_name: String,
    /// A group for lists: `exploration`, `implementation`, `validation` or one of the team's own.
    pub category: String,
    /// Words and phrases that mark a task as work for this type.
    pub keywords: Vec<String>,
    /// How many files one subtask of this type may modify; 1–1000.
    pub max_files: i32,
    /// What it must never do, in plain words.
    pub forbidden_actions: Vec<String>,
    /// The tools it may use; empty for any.
    pub allowed_tools: Vec<String>,
    /// The recommended model: a floor for tasks whose words say nothing of their complexity.
    pub model: Model,
}

impl AgentProfile {
    /// The profile of a type that the registry does not hold: its own name, 5 files, nothing forbidden.
    #[must_use]
    pub fn unknown(agent_type: &str) -> Self {
        Self {
            agent_type: agent_type.to_owned(),
            display_name: agent_type.to_owned(),
            category: "implementation".to_owned(),
            keywords: Vec::new(),
            max_files: 5,
            forbidden_actions: Vec::new(),
            allowed_tools: Vec::new(),
            model: Model::Haiku,
        }
    }
}

/// The ten types of the specification ("Agent Keyword Matching") that a new registry starts with,
/// in its order.
#[must_use]
pub fn builtin() -> Vec<AgentProfile> {
    const READ: &[&str] = &["Read", "Grep", "Glob"];
    const RUN: &[&str] = &["Read", "Grep", "Glob", "Bash"];
    const WRITE: &[&str] = &["Read", "Grep", "Glob", "Edit", "Write"];
    const ALL: &[&str] = &["Read", "Grep", "Glob", "Edit", "Write", "Bash"];
    let owned = |list: &[&str]| list.iter().map(|&s| s.to_owned()).collect::<Vec<_>>();
    let profile = |(agent_type, display_name): (&str, &str),
                   category: &str,
                   model: Model,
                   keywords: &[&str],
                   max_files: i32,
                   forbidden: &[&str],
                   tools: &[&str]| AgentProfile {
        agent_type: agent_type.to_owned(),
        display_name: display_name.to_owned(),
        category: category.to_owned(),
        keywords: owned(keywords),
        max_files,
        forbidden_actions: owned(forbidden),
        allowed_tools: owned(tools),
        model,
    };
    vec![
        profile(
            ("Explore", "Codebase Explorer"),
            "exploration",
            Model::Sonnet,
            &["explore", "find", "search", "scan", "investigate", "understand", "codebase"],
            1,
            &["modify source files"],
            READ,
        ),
        profile(
            ("Snipper", "Code Editor"),
            "implementation",
            Model::Sonnet,
            &["edit", "modify", "change", "update", "fix", "create file", "write code"],
            3,
            &[],
            WRITE,
        ),
        profile(
            ("frontend-react", "React Frontend Developer"),
            "implementation",
            Model::Sonnet,
            &["react", "component", "ui", "frontend", "tsx", "jsx", "css", "style"],
            8,
            &["modify backend code"],
            ALL,
        ),
        profile(
            ("backend-laravel", "Laravel Backend Developer"),
            "implementation",
            Model::Sonnet,
            &["laravel", "php", "controller", "migration", "model", "artisan"],
            5,
            &["delete migrations", "drop tables"],
            ALL,
        ),
        profile(
            ("supabase-backend", "Supabase Backend Developer"),
            "implementation",
            Model::Sonnet,
            &["supabase", "rls", "policy", "database", "schema", "sql"],
            5,
            &["drop tables", "disable row level security"],
            ALL,
        ),
        profile(
            ("test-engineer", "Test Engineer"),
            "validation",
            Model::Sonnet,
            &["test", "testing", "spec", "coverage", "assert", "expect", "jest", "vitest"],
            10,
            &["delete existing tests", "modify production code"],
            ALL,
        ),
        profile(
            ("security-specialist", "Security Specialist"),
            "validation",
            // A task that asks for a security audit reaches opus by its own keyword.
            Model::Sonnet,
            &["security", "vulnerability", "auth", "permission", "owasp"],
            5,
            &["weaken access checks", "write secrets into files"],
            RUN,
        ),
        profile(
            ("docs-writer", "Documentation Writer"),
            "validation",
            Model::Haiku,
            &["document", "readme", "docs", "api doc", "changelog"],
            5,
            &["modify source code"],
            WRITE,
        ),
        profile(
            ("code-reviewer", "Code Reviewer"),
            "validation",
            Model::Haiku,
            &["review", "audit", "quality", "lint", "clean"],
            1,
            &["modify source files"],
            RUN,
        ),
        profile(
            ("performance-engineer", "Performance Engineer"),
            "validation",
            Model::Sonnet,
            &["performance", "optimize", "cache", "latency", "profil"],
            5,
            &["change behaviour"],
            ALL,
        ),
    ]
}
