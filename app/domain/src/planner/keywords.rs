//! Keyword matching (specification: "Agent Keyword Matching"): does a text speak of a keyword, and
//! how much work for an agent type does it name?
//!
//! # The rule
//!
//! Text and keyword are lower-cased and split into words (runs of letters and digits, so
//! `multi-file` is two words). A keyword of one word matches a word that is a *form* of it:
//!
//! - up to 4 letters: the word itself or its plural `s` (`test`, `tests`; not `testing`, `latest`);
//! - longer: also the word with one of [`ENDINGS`] (`document` → `documentation`), where
//!   - a final `e` falls away first (`cache` → `caching`, `explore` → `exploration`),
//!   - a final `y` becomes `ies` or `ied` (`policy` → `policies`),
//!   - a hiss takes its plural with `es` (`search` → `searches`),
//!   - the last letter may double (`debug` → `debugging`).
//!
//! A phrase matches when forms of its words stand next to each other in its order; an article
//! between them does not matter ("fix a typo" speaks of `fix typo`).
//!
//! So the stem `profil` finds "profiling" and "profiler" but not the noun "profiles": after an `l`
//! the plural is `s`, and "profile" is not a form of "profil" but another word. A team that means
//! profiles says `profile`.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::wire;
use crate::registry::AgentProfile;

/// Up to this many letters, a keyword matches only as a whole word: short ones have too many
/// neighbours ("auth", "author").
const SHORT: usize = 4;

/// What a keyword may end in besides its plural.
const ENDINGS: [&str; 9] = ["ed", "er", "ers", "ing", "ings", "ion", "ions", "ation", "ations"];

/// What may stand between the words of a phrase.
const ARTICLES: [&str; 3] = ["a", "an", "the"];

/// The endings before which the last letter may double.
const DOUBLING: [&str; 5] = ["ed", "er", "ers", "ing", "ings"];

/// How well a text fits one agent type, and why (specification: "Agent Keyword Matching").
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Match {
    /// The number of words in the keywords that hit, so a phrase counts for more; 0 or more.
    pub score: i32,
    /// The keywords that hit, as the registry writes them, in its order.
    pub keywords: Vec<String>,
}

/// A text made ready for many keywords: lower-cased and split once.
#[derive(Clone, Debug)]
pub struct Words {
    lower: String,
    /// Where each word starts and ends in `lower`, in bytes.
    spans: Vec<(usize, usize)>,
}

impl Words {
    /// The words of `text`.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let lower = text.to_lowercase();
        let mut spans = Vec::with_capacity(lower.len() / 5);
        let mut start = None;
        for (at, letter) in lower.char_indices() {
            match (letter.is_alphanumeric(), start) {
                (true, None) => start = Some(at),
                (false, Some(from)) => {
                    spans.push((from, at));
                    start = None;
                }
                _ => {}
            }
        }
        if let Some(from) = start {
            spans.push((from, lower.len()));
        }
        Self { lower, spans }
    }

    /// Whether the text speaks of `keyword`, which may be a phrase. One without a letter or digit
    /// never matches.
    #[must_use]
    pub fn contains(&self, keyword: &str) -> bool {
        self.find(keyword, 0).is_some()
    }

    /// How well the text fits `agent`, with the keywords that say so.
    #[must_use]
    pub fn score(&self, agent: &AgentProfile) -> Match {
        let mut found = Match::default();
        for keyword in &agent.keywords {
            if self.contains(keyword) {
                found.score = found.score.saturating_add(weight(keyword));
                found.keywords.push(keyword.clone());
            }
        }
        found
    }

    /// The score alone, for a planner that asks for every type and keeps few.
    pub(super) fn points(&self, agent: &AgentProfile) -> i32 {
        let hits = agent.keywords.iter().filter(|k| self.contains(k));
        hits.fold(0, |sum, keyword| sum.saturating_add(weight(keyword)))
    }

    /// The position, in words, of the first match of `keyword` at or after word `from`.
    pub(super) fn find(&self, keyword: &str, from: usize) -> Option<usize> {
        let keyword = lower(keyword);
        let mut parts = split(&keyword);
        let first = parts.next()?;
        (from..self.spans.len()).find(|&at| {
            let mut next = at;
            self.is_form_at(at, first)
                && parts.clone().all(|part| {
                    next += 1;
                    if self.word(next).is_some_and(|word| ARTICLES.contains(&word))
                        && !self.is_form_at(next, part)
                    {
                        next += 1;
                    }
                    self.is_form_at(next, part)
                })
        })
    }

    fn word(&self, at: usize) -> Option<&str> {
        self.spans.get(at).and_then(|&(from, to)| self.lower.get(from..to))
    }

    fn is_form_at(&self, at: usize, key: &str) -> bool {
        self.word(at).is_some_and(|word| is_form(word, key))
    }
}

/// Whether `text` speaks of `keyword`; for many keywords, make [`Words`] once.
#[must_use]
pub fn matches(text: &str, keyword: &str) -> bool {
    Words::new(text).contains(keyword)
}

/// How well `text` fits `agent`; for many agents, make [`Words`] once.
#[must_use]
pub fn score(text: &str, agent: &AgentProfile) -> Match {
    Words::new(text).score(agent)
}

/// Registries are nearly always written in lower case already: those are not copied.
fn lower(keyword: &str) -> Cow<'_, str> {
    if keyword.is_ascii() && !keyword.bytes().any(|b| b.is_ascii_uppercase()) {
        Cow::Borrowed(keyword)
    } else {
        Cow::Owned(keyword.to_lowercase())
    }
}

fn split(text: &str) -> impl Iterator<Item = &str> + Clone {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty())
}

fn weight(keyword: &str) -> i32 {
    wire(split(keyword).count())
}

/// Whether `word` is a form of the one-word keyword `key`; both in lower case.
fn is_form(word: &str, key: &str) -> bool {
    if let Some("" | "s") = word.strip_prefix(key) {
        return true;
    }
    // The cheap look at the first letter comes first: nearly every pair ends here.
    if word.as_bytes().first() != key.as_bytes().first() || key.chars().count() <= SHORT {
        return false;
    }
    if let Some(stem) = key.strip_suffix('e') {
        return word.strip_prefix(stem).is_some_and(|rest| ENDINGS.contains(&rest));
    }
    let flexed = key.strip_suffix('y').and_then(|stem| word.strip_prefix(stem));
    if let Some("ies" | "ied") = flexed {
        return true;
    }
    word.strip_prefix(key).is_some_and(|rest| {
        ENDINGS.contains(&rest)
            || (rest == "es" && hisses(key))
            || key
                .chars()
                .next_back()
                .and_then(|last| rest.strip_prefix(last))
                .is_some_and(|rest| DOUBLING.contains(&rest))
    })
}

fn hisses(key: &str) -> bool {
    ["s", "x", "z", "ch", "sh"].iter().any(|hiss| key.ends_with(hiss))
}
