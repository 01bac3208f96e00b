//! What agents spend, and the budgets that bound it (extension).
//!
//! An action may say what it cost; a report may say what its attempt cost so far (`tokens_used` and
//! `cost_usd` in the result). A report counts for what it says beyond the attempt's actions, so that
//! neither is counted twice, and earlier attempts stay counted: they were paid for.

use std::ops::{Add, AddAssign};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::{check::Check, json::JsonObject, problem::Refusal};

/// Most tokens that one action, report or limit may name.
pub const TOKENS: i64 = 1_000_000_000_000;
/// Most US dollars that one action, report or limit may name.
pub const DOLLARS: i64 = 1_000_000;
const MICROS: i64 = 1_000_000;

/// An amount of money in millionths of a US dollar; a number of dollars on the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Usd(pub i64);

impl Usd {
    /// So many dollars, to the millionth; what is no number is nothing.
    #[must_use]
    pub const fn from_dollars(dollars: f64) -> Self {
        #[allow(clippy::cast_possible_truncation, reason = "as casts saturate")]
        Self((dollars * 1e6).round() as i64)
    }
}

impl Serialize for Usd {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[allow(clippy::cast_precision_loss, reason = "exact up to nine thousand million dollars")]
        serializer.serialize_f64(self.0 as f64 / 1e6)
    }
}

impl<'de> Deserialize<'de> for Usd {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        f64::deserialize(deserializer).map(Self::from_dollars)
    }
}

/// Tokens and money that were spent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Usage {
    /// Tokens, input and output together; 0 when left out.
    #[cfg_attr(
        feature = "openapi",
        schema(required = false, minimum = 0, maximum = 1_000_000_000_000_i64)
    )]
    pub tokens_used: i64,
    /// US dollars; 0 when left out.
    #[cfg_attr(feature = "openapi", schema(required = false, value_type = f64, minimum = 0, maximum = 1_000_000))]
    pub cost_usd: Usd,
}

impl<'de> Deserialize<'de> for Usage {
    /// By hand, because the browser downloads it; strict, because agents send it.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        let value = Value::deserialize(deserializer)?;
        if !value.is_object() {
            return Err(Error::custom("usage must be an object"));
        }
        let (tokens, cost) = (&value["tokens_used"], &value["cost_usd"]);
        let tokens_used = if tokens.is_null() { Some(0) } else { tokens.as_i64() };
        let dollars = if cost.is_null() { Some(0.0) } else { cost.as_f64() };
        match (tokens_used, dollars) {
            (Some(tokens_used), Some(dollars)) => {
                Ok(Self { tokens_used, cost_usd: Usd::from_dollars(dollars) })
            }
            (None, _) => Err(Error::custom("tokens_used must be an integer")),
            (_, None) => Err(Error::custom("cost_usd must be a number")),
        }
    }
}

impl Usage {
    /// Whether nothing was spent.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// What a result says that its attempt cost, by convention in `tokens_used` and `cost_usd`;
    /// what it does not say, or not as a sane number, is nothing.
    #[must_use]
    pub fn reported(result: &JsonObject) -> Self {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Said {
            tokens_used: Value,
            cost_usd: Value,
        }
        let said: Said = serde_json::from_str(result.as_str()).unwrap_or_default();
        let tokens = said.tokens_used.as_i64().unwrap_or_default();
        let cost = Usd::from_dollars(said.cost_usd.as_f64().unwrap_or_default());
        Self {
            tokens_used: tokens.clamp(0, TOKENS),
            cost_usd: Usd(cost.0.clamp(0, DOLLARS * MICROS)),
        }
    }

    /// What this is more than `other`, each by itself and never less than nothing.
    #[must_use]
    pub const fn beyond(self, other: Self) -> Self {
        const fn beyond(a: i64, b: i64) -> i64 {
            if a > b { a - b } else { 0 }
        }
        Self {
            tokens_used: beyond(self.tokens_used, other.tokens_used),
            cost_usd: Usd(beyond(self.cost_usd.0, other.cost_usd.0)),
        }
    }

    /// Holds it to its limits.
    pub fn check(&self, check: &mut Check, field: &str) {
        check.range(&format!("{field}.tokens_used"), self.tokens_used, 0, TOKENS);
        check_cost(check, &format!("{field}.cost_usd"), self.cost_usd);
    }
}

fn check_cost(check: &mut Check, field: &str, cost: Usd) {
    if !(0..=DOLLARS * MICROS).contains(&cost.0) {
        check.fail(field, format!("must be from 0 to {DOLLARS}"));
    }
}

impl Add for Usage {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            tokens_used: self.tokens_used.saturating_add(other.tokens_used),
            cost_usd: Usd(self.cost_usd.0.saturating_add(other.cost_usd.0)),
        }
    }
}

impl AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

/// How much may be spent; what is absent is not limited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Limit {
    /// Tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 1_000_000_000_000_i64))]
    pub tokens_used: Option<i64>,
    /// US dollars.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<f64>, minimum = 0, maximum = 1_000_000))]
    pub cost_usd: Option<Usd>,
}

impl Limit {
    /// Whether as much was spent as it allows.
    #[must_use]
    pub fn is_reached(&self, usage: Usage) -> bool {
        self.tokens_used.is_some_and(|limit| usage.tokens_used >= limit)
            || self.cost_usd.is_some_and(|limit| usage.cost_usd >= limit)
    }

    fn check(&self, check: &mut Check, field: &str) {
        if let Some(tokens) = self.tokens_used {
            check.range(&format!("{field}.tokens_used"), tokens, 0, TOKENS);
        }
        if let Some(cost) = self.cost_usd {
            check_cost(check, &format!("{field}.cost_usd"), cost);
        }
    }
}

/// What a session may spend. Body of `PUT /api/sessions/{id}/budget`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Budget {
    /// When it is reached, everyone is told.
    #[serde(default, deserialize_with = "crate::json::object")]
    pub soft: Limit,
    /// When it is reached, no more work of the session is handed out.
    #[serde(default, deserialize_with = "crate::json::object")]
    pub hard: Limit,
}

impl Budget {
    /// Holds it to its limits.
    ///
    /// # Errors
    /// [`Refusal::Invalid`].
    pub fn check(&self) -> Result<(), Refusal> {
        let mut check = Check::default();
        self.soft.check(&mut check, "soft");
        self.hard.check(&mut check, "hard");
        check.finish()
    }

    /// Whether it limits nothing.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// How far spending so much goes.
    #[must_use]
    pub fn level(&self, usage: Usage) -> BudgetLevel {
        if self.hard.is_reached(usage) {
            BudgetLevel::Hard
        } else if self.soft.is_reached(usage) {
            BudgetLevel::Soft
        } else {
            BudgetLevel::Within
        }
    }
}

/// How far a session's spending went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum BudgetLevel {
    /// No limit is reached.
    #[default]
    Within,
    /// The soft limit is reached.
    Soft,
    /// The hard limit is reached: no work is handed out.
    Hard,
}

/// Why a session hands out no work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum HeldBack {
    /// Somebody paused it.
    Paused,
    /// Its hard budget is used up.
    Budget,
}

/// What a session spent and may spend.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// The session.
    pub session_id: String,
    /// Whether somebody paused it.
    pub paused: bool,
    /// What it spent.
    pub usage: Usage,
    /// What it may spend.
    pub budget: Budget,
}

impl Account {
    /// Why no work of it is handed out; none when it is.
    #[must_use]
    pub fn held_back(&self) -> Option<HeldBack> {
        if self.paused {
            Some(HeldBack::Paused)
        } else {
            (self.level() == BudgetLevel::Hard).then_some(HeldBack::Budget)
        }
    }

    /// How far its spending went.
    #[must_use]
    pub fn level(&self) -> BudgetLevel {
        self.budget.level(self.usage)
    }

    /// Spends; the level, when that is a further one than before.
    pub fn spend(&mut self, usage: Usage) -> Option<BudgetLevel> {
        let before = self.level();
        self.usage += usage;
        Some(self.level()).filter(|level| *level > before)
    }
}
