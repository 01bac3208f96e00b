//! What sessions may spend, as people type it.

#[cfg(feature = "ssr")]
use domain::{
    check::Check,
    problem::Refusal,
    usage::{Budget, Limit, Usd},
};
use leptos::prelude::*;

use super::json::Json;
#[cfg(feature = "ssr")]
use super::{engine, refuse};
use crate::{AppError, views::BudgetForm};

/// A session's budget.
#[server(name = BudgetCall, endpoint = "budget", input = Json, output = Json)]
pub async fn session_budget(session_id: String) -> Result<BudgetForm, AppError> {
    let Budget { soft, hard } = engine()?.session(&session_id).await.map_err(refuse)?.budget;
    let tokens = |limit: Limit| limit.tokens_used.map(|it| it.to_string()).unwrap_or_default();
    Ok(BudgetForm {
        warn_tokens: tokens(soft),
        warn_dollars: dollars(soft),
        stop_tokens: tokens(hard),
        stop_dollars: dollars(hard),
    })
}

/// Sets it, and says what that means.
#[server(name = SetBudgetCall, endpoint = "set-budget", input = Json, output = Json)]
pub async fn set_session_budget(session_id: String, form: BudgetForm) -> Result<String, AppError> {
    let budget = read(&form).map_err(|refusal| refuse(refusal.into()))?;
    engine()?.set_budget(&session_id, budget).await.map_err(refuse)?;
    let said =
        if budget.is_none() { "No budget limits the session." } else { "The budget is set." };
    Ok(said.to_owned())
}

#[cfg(feature = "ssr")]
fn read(form: &BudgetForm) -> Result<Budget, Refusal> {
    let mut check = Check::default();
    let mut number = |label: &str, text: &str| {
        let plain = text.trim().trim_start_matches('$').trim();
        let number = ungrouped(plain).and_then(|it| it.parse::<f64>().ok());
        let number = number.filter(|it| it.is_finite());
        if number.is_none() && !plain.is_empty() {
            check.fail(label, "must be a number like 1500000, 1,500,000 or 2.50, or empty");
        }
        number
    };
    #[expect(clippy::cast_possible_truncation, reason = "as casts saturate")]
    let mut limit = |word: &str, tokens: &str, dollars: &str| Limit {
        tokens_used: number(&format!("{word} at tokens"), tokens).map(|it| it.round() as i64),
        cost_usd: number(&format!("{word} at US dollars"), dollars).map(Usd::from_dollars),
    };
    let budget = Budget {
        soft: limit("Warn", &form.warn_tokens, &form.warn_dollars),
        hard: limit("Stop", &form.stop_tokens, &form.stop_dollars),
    };
    check.finish()?;
    Ok(budget)
}

/// Without what groups its thousands. A comma before anything but three digits is somebody's decimal point:
/// none then, since the number without it would be another.
#[cfg(feature = "ssr")]
fn ungrouped(text: &str) -> Option<String> {
    let whole = text.split('.').next().unwrap_or_default();
    let is_mark = |c: char| c.is_whitespace() || ",_'".contains(c);
    let mut groups = whole.split(is_mark);
    let begin = groups.next().unwrap_or_default();
    let mut any = false;
    let even = groups.all(|group| {
        any = true;
        group.len() == 3
    });
    let is_grouped = even && (!any || (1..=3).contains(&begin.trim_start_matches('-').len()));
    let is_plain = text[whole.len()..].chars().all(|c| !is_mark(c));
    (is_grouped && is_plain).then(|| text.replace(is_mark, ""))
}

/// As it would be typed.
#[cfg(feature = "ssr")]
fn dollars(limit: Limit) -> String {
    let Some(Usd(micros)) = limit.cost_usd else { return String::new() };
    let text = format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_read_as_it_is_typed_and_typed_as_it_is_read() {
        let form = BudgetForm {
            warn_tokens: " 1,500,000 ".to_owned(),
            stop_dollars: "$2.50".to_owned(),
            ..BudgetForm::default()
        };
        let budget = read(&form).unwrap_or_default();
        assert_eq!(budget.soft, Limit { tokens_used: Some(1_500_000), cost_usd: None });
        assert_eq!(budget.hard, Limit { tokens_used: None, cost_usd: Some(Usd(2_500_000)) });
        assert_eq!([dollars(budget.hard), dollars(budget.soft)], ["2.5", ""]);
        let typed = [0, 30_000_000, 1, 120_000]
            .map(|it| dollars(Limit { cost_usd: Some(Usd(it)), tokens_used: None }));
        assert_eq!(typed, ["0", "30", "0.000001", "0.12"]);
    }

    #[test]
    fn what_is_no_number_is_refused_by_the_name_of_its_field() {
        // "2,50" is two and a half where it is typed, and must not become two hundred and fifty.
        for nonsense in
            ["many", "1.2.3", "NaN", "inf", "-", "2,50", "1,2345", "1500,000", "1.5,000"]
        {
            let form = BudgetForm { stop_tokens: nonsense.to_owned(), ..BudgetForm::default() };
            let said = read(&form).map_err(|refusal| refusal.to_string());
            assert_eq!(
                said,
                Err("Stop at tokens: must be a number like 1500000, 1,500,000 or 2.50, or empty."
                    .to_owned())
            );
        }
    }
}
