//! Numbers, durations and times as people read them. Pure: the present is an argument.

use chrono::SecondsFormat;
use domain::Time;

/// For `<time datetime>`.
#[must_use]
pub fn rfc3339(at: Time) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// `2026-02-09 10:15 UTC`.
#[must_use]
pub fn absolute(at: Time) -> String {
    let text = rfc3339(at);
    match (text.get(..10), text.get(11..16)) {
        (Some(day), Some(minute)) => format!("{day} {minute} UTC"),
        _ => text,
    }
}

/// How long ago, in one unit.
#[must_use]
pub fn ago(at: Time, now_ms: i64) -> String {
    let seconds = (now_ms - at.timestamp_millis()).max(0) / 1_000;
    match seconds {
        0..=4 => "just now".to_owned(),
        5..=59 => format!("{seconds} s ago"),
        60..=3_599 => format!("{} min ago", seconds / 60),
        3_600..=86_399 => format!("{} h ago", seconds / 3_600),
        _ => format!("{} d ago", seconds / 86_400),
    }
}

/// A length of time in its two leading units.
#[must_use]
pub fn duration(ms: i64) -> String {
    let seconds = ms / 1_000;
    match ms {
        ..1_000 => format!("{} ms", ms.max(0)),
        1_000..10_000 => format!("{seconds}.{} s", ms % 1_000 / 100),
        10_000..60_000 => format!("{seconds} s"),
        60_000..3_600_000 => format!("{} m {:02} s", seconds / 60, seconds % 60),
        3_600_000..86_400_000 => format!("{} h {:02} m", seconds / 3_600, seconds / 60 % 60),
        _ => format!("{} d {:02} h", seconds / 86_400, seconds / 3_600 % 24),
    }
}

/// A length of time that still grows: whole seconds, so that it does not flicker.
#[must_use]
pub fn running(ms: i64) -> String {
    let whole = ms.max(0) / 1_000 * 1_000;
    if whole < 60_000 { format!("{} s", whole / 1_000) } else { duration(whole) }
}

/// `1 subtask`, `2 subtasks`.
#[must_use]
pub fn count(n: i32, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

/// A number with thin groups of three: `12 345`.
#[must_use]
pub fn grouped(n: i64) -> String {
    let digits = n.unsigned_abs().to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    if n < 0 {
        text.push('−');
    }
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// A share of a whole as an SVG length.
#[must_use]
pub fn percent(part: i32, whole: i32) -> String {
    if whole <= 0 {
        return "0%".to_owned();
    }
    let hundredths = i64::from(part.clamp(0, whole)) * 10_000 / i64::from(whole);
    format!("{}.{:02}%", hundredths / 100, hundredths % 100)
}

/// What was spent, and of how much; none when neither is known.
#[cfg(feature = "ssr")]
#[must_use]
pub fn spent(usage: domain::usage::Usage, budget: domain::usage::Budget) -> Option<String> {
    use domain::usage::Usd;
    let dollars =
        |Usd(micros): Usd| format!("${}.{:02}", micros / 1_000_000, micros / 10_000 % 100);
    let of = |spent: String, limit: Option<String>| match limit {
        Some(limit) => format!("{spent} of {limit}"),
        None => spent,
    };
    let tokens = budget.hard.tokens_used.or(budget.soft.tokens_used);
    let cost = budget.hard.cost_usd.or(budget.soft.cost_usd);
    let mut parts = Vec::new();
    if usage.tokens_used > 0 || tokens.is_some() {
        parts.push(format!("{} tokens", of(grouped(usage.tokens_used), tokens.map(grouped))));
    }
    if usage.cost_usd > Usd(0) || cost.is_some() {
        parts.push(of(dollars(usage.cost_usd), cost.map(dollars)));
    }
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// The first `limit` characters, with an ellipsis when there were more.
#[must_use]
pub fn clipped(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_show_two_units() {
        let shown = [-5, 850, 1_250, 12_400, 125_000, 3_780_000, 90_000_000].map(duration);
        assert_eq!(shown, ["0 ms", "850 ms", "1.2 s", "12 s", "2 m 05 s", "1 h 03 m", "1 d 01 h"]);
        assert_eq!(running(12_900), "12 s");
        assert_eq!(running(61_900), "1 m 01 s");
    }

    #[test]
    fn times_are_absolute_in_utc_and_relative_to_a_given_now() {
        let at = Time::from_timestamp_millis(1_770_632_100_000).unwrap_or_default();
        assert_eq!(absolute(at), "2026-02-09 10:15 UTC");
        assert_eq!(rfc3339(at), "2026-02-09T10:15:00.000Z");
        let later = |seconds: i64| ago(at, at.timestamp_millis() + seconds * 1_000);
        assert_eq!(
            [later(-9), later(30), later(120), later(7_300)],
            ["just now", "30 s ago", "2 min ago", "2 h ago"]
        );
    }

    #[test]
    fn numbers_are_grouped_and_shares_never_leave_the_bar() {
        assert_eq!(grouped(1_234_567), "1\u{202f}234\u{202f}567");
        assert_eq!(grouped(12), "12");
        assert_eq!([percent(1, 3), percent(9, 3), percent(1, 0)], ["33.33%", "100.00%", "0%"]);
    }

    #[cfg(feature = "ssr")]
    #[test]
    fn what_was_spent_is_told_beside_what_may_be() {
        use domain::usage::{Budget, Limit, Usage, Usd};
        let usage = Usage { tokens_used: 12_345, cost_usd: Usd(1_239_999) };
        let limit =
            |tokens, usd: Option<i64>| Limit { tokens_used: tokens, cost_usd: usd.map(Usd) };
        let all = Budget { soft: limit(Some(5), None), hard: limit(Some(20_000), Some(5_000_000)) };
        assert_eq!(spent(Usage::default(), Budget::default()), None);
        assert_eq!(spent(usage, Budget::default()).as_deref(), Some("12\u{202f}345 tokens, $1.23"));
        assert_eq!(
            spent(usage, all).as_deref(),
            Some("12\u{202f}345 of 20\u{202f}000 tokens, $1.23 of $5.00")
        );
        let soft = Budget { hard: limit(None, None), ..all };
        assert_eq!(spent(Usage::default(), soft).as_deref(), Some("0 of 5 tokens"));
    }

    #[test]
    fn clipping_counts_characters_not_bytes() {
        assert_eq!(clipped("añb", 3), "añb");
        assert_eq!(clipped("añbc", 2), "añ…");
    }
}
