//! How hard a task is, and therefore how many turns and which model it gets (specification:
//! "Complexity Estimation").

use serde::{Deserialize, Serialize};

use super::keywords::Words;
use crate::registry::{AgentProfile, Model};

/// The five tiers, easiest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Complexity {
    /// A typo, a rename: 3 turns, haiku.
    Trivial,
    /// A field, a setting, one file: 5 turns, haiku.
    Simple,
    /// A component, a refactoring: 10 turns, sonnet.
    Moderate,
    /// Finding something out: 20 turns, sonnet.
    Complex,
    /// Changing what everything rests on: 30 turns, opus.
    Expert,
}

/// The tiers' keywords, hardest tier first: the first that hits decides.
const TIERS: [(Complexity, &[&str]); 5] = [
    (Complexity::Expert, &["architecture", "redesign", "migration", "security audit"]),
    (Complexity::Complex, &["explore", "audit", "analyze", "investigate", "debug"]),
    (Complexity::Moderate, &["refactor", "implement", "create component", "multi-file"]),
    (Complexity::Simple, &["add field", "update config", "small change", "one file"]),
    (Complexity::Trivial, &["fix typo", "rename", "update comment", "single line"]),
];

impl Complexity {
    /// The name as it is written on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Trivial => "trivial",
            Self::Simple => "simple",
            Self::Moderate => "moderate",
            Self::Complex => "complex",
            Self::Expert => "expert",
        }
    }

    /// How many turns an agent gets for such a task; 3–30.
    #[must_use]
    pub const fn max_turns(self) -> i32 {
        match self {
            Self::Trivial => 3,
            Self::Simple => 5,
            Self::Moderate => 10,
            Self::Complex => 20,
            Self::Expert => 30,
        }
    }

    /// The model for such a task.
    #[must_use]
    pub const fn model(self) -> Model {
        match self {
            Self::Trivial | Self::Simple => Model::Haiku,
            Self::Moderate | Self::Complex => Model::Sonnet,
            Self::Expert => Model::Opus,
        }
    }

    /// The tier of a task that touches so many files and directories.
    const fn of_targets(targets: usize) -> Self {
        match targets {
            0..=1 => Self::Trivial,
            2..=3 => Self::Simple,
            4..=8 => Self::Moderate,
            9..=15 => Self::Complex,
            _ => Self::Expert,
        }
    }

    /// The easiest tier that runs on `model`.
    const fn of_model(model: Model) -> Self {
        match model {
            Model::Haiku => Self::Trivial,
            Model::Sonnet => Self::Moderate,
            Model::Opus => Self::Expert,
        }
    }

    /// The hardest tier that the text has a keyword of.
    pub(super) fn of_words(words: &Words) -> Option<Self> {
        TIERS
            .iter()
            .find(|(_, keywords)| keywords.iter().any(|keyword| words.contains(keyword)))
            .map(|&(tier, _)| tier)
    }

    /// The tier when `worded` is what the text says of itself, if anything.
    pub(super) fn decide(worded: Option<Self>, targets: usize, agent: &AgentProfile) -> Self {
        // A keyword decides alone: "fix typo" stays trivial in the hands of a strong agent.
        worded.unwrap_or_else(|| Self::of_targets(targets).max(Self::of_model(agent.model)))
    }
}

/// The complexity of `description` when it touches `targets` files and directories and `agent`
/// does it: the hardest tier with a keyword; without any, the tier of the target count, but at
/// least that of the agent's recommended model.
#[must_use]
pub fn estimate(description: &str, targets: usize, agent: &AgentProfile) -> Complexity {
    Complexity::decide(Complexity::of_words(&Words::new(description)), targets, agent)
}
