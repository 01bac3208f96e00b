//! What agents spend, and the budgets that bound it.

mod common;

use std::collections::BTreeSet;

use common::{World, at, id, object, subtask};
use domain::{
    progress::Patch,
    subtask::SubtaskStatus::{Completed, Failed, Pending, Running},
    usage::{Account, Budget, BudgetLevel, HeldBack, Limit, Usage, Usd},
    wave::WaveStatus,
};
use proptest::prelude::*;
use serde_json::{Value, json};

fn tokens(tokens_used: i64) -> Usage {
    Usage { tokens_used, ..Usage::default() }
}

fn world() -> World {
    World::new(&[(0, WaveStatus::Running)], vec![subtask(1), subtask(2)])
}

fn report(status: domain::subtask::SubtaskStatus, result: Value) -> Patch {
    Patch { status: Some(status), result: Some(object(result)), ..Patch::default() }
}

fn act(world: &mut World, n: u128, spent: i64) -> Vec<domain::event::NewEvent> {
    let action: domain::dto::Action = serde_json::from_value(json!({
        "id": id(77), "session_id": common::SESSION, "subtask_id": id(n), "tool_name": "Read", "file_paths": [],
        "writes_files": false, "usage": {"tokens_used": spent}, "created_at": at(0),
    }))
    .expect("an action");
    let mut progress = world.progress(at(50));
    progress.acted(&action, None, &BTreeSet::new()).expect("there");
    world.take(progress)
}

#[test]
fn a_report_counts_for_what_it_says_beyond_the_actions_of_its_attempt() {
    let mut world = world();
    world.patch(1, &report(Running, json!({}))).expect("ready");
    act(&mut world, 1, 300);
    act(&mut world, 1, 200);
    assert_eq!(world.subtasks[&id(1)].usage, tokens(500));
    // Less than its actions are known to have cost changes nothing; so does the same once more.
    world.patch(1, &report(Running, json!({"tokens_used": 400}))).expect("runs");
    assert_eq!(world.account.usage, tokens(500));
    for _ in 0..2 {
        world.patch(1, &report(Completed, json!({"tokens_used": 900}))).expect("runs");
        assert_eq!(world.account.usage, tokens(900));
    }
    // What is done after the report is on top.
    act(&mut world, 1, 50);
    assert_eq!((world.account.usage, world.waves[&0].usage), (tokens(950), tokens(950)));
}

#[test]
fn earlier_attempts_stay_counted() {
    let mut world = world();
    world.patch(1, &report(Failed, json!({"tokens_used": 100, "cost_usd": 0.5}))).expect("open");
    world.retry(1).expect("failed");
    world.patch(1, &report(Running, json!({"tokens_used": 70}))).expect("open");
    // Given back: the next agent starts from nothing.
    world.patch(1, &Patch { status: Some(Pending), ..Patch::default() }).expect("runs");
    world.patch(1, &report(Completed, json!({"tokens_used": 30}))).expect("open");
    let all = Usage { tokens_used: 200, cost_usd: Usd(500_000) };
    assert_eq!((world.subtasks[&id(1)].usage, world.account.usage), (all, all));
}

#[test]
fn what_is_given_back_with_a_report_counts_once() {
    let mut world = world();
    let held = |world: &mut World, token| {
        let mut progress = world.progress(at(40));
        progress.claim(id(1), "a", token).expect("ready");
        world.take(progress);
    };
    held(&mut world, 1);
    act(&mut world, 1, 100);
    let back = report(Pending, json!({"tokens_used": 120}));
    for _ in 0..2 {
        world.patch(1, &back).expect("runs, or was given back");
        assert_eq!((world.subtasks[&id(1)].usage, world.account.usage), (tokens(120), tokens(120)));
    }
    // What is done for it while nobody holds it counts, but not as the next agent's.
    act(&mut world, 1, 5);
    held(&mut world, 2);
    world.patch(1, &report(Completed, json!({"tokens_used": 90}))).expect("runs");
    assert_eq!((world.subtasks[&id(1)].usage, world.account.usage), (tokens(215), tokens(215)));
}

#[test]
fn what_is_no_sane_number_is_nothing() {
    let said = |value: Value| Usage::reported(&object(value));
    assert_eq!(
        said(json!({"tokens_used": 12, "cost_usd": 0.25})),
        Usage { tokens_used: 12, cost_usd: Usd(250_000) }
    );
    for strange in [
        json!({}),
        json!({"tokens_used": "12"}),
        json!({"tokens_used": -5, "cost_usd": -0.1}),
        json!({"tokens_used": null, "cost_usd": [1]}),
        json!({"tokens_used": 1.5}),
    ] {
        assert_eq!(said(strange.clone()), Usage::default(), "{strange}");
    }
    assert_eq!(said(json!({"tokens_used": i64::MAX})).tokens_used, domain::usage::TOKENS);
    assert_eq!(said(json!({"cost_usd": 1e300})).cost_usd, Usd(domain::usage::DOLLARS * 1_000_000));
}

#[test]
fn each_limit_is_told_once_and_the_hard_one_holds_work_back() {
    let limit = |tokens| Limit { tokens_used: Some(tokens), cost_usd: None };
    let mut world = world();
    world.account.budget = Budget { soft: limit(100), hard: limit(200) };
    let reached = |events: Vec<domain::event::NewEvent>| {
        let of_budget = events.into_iter().filter(|event| event.event == "budget.reached");
        of_budget.map(|event| event.data["level"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(reached(act(&mut world, 1, 99)), [json!(null); 0]);
    assert_eq!(reached(act(&mut world, 2, 1)), [json!("soft")]);
    assert_eq!(reached(act(&mut world, 2, 50)), [json!(null); 0]);
    assert_eq!(world.account.held_back(), None);
    assert_eq!(reached(act(&mut world, 1, 50)), [json!("hard")]);
    assert_eq!(reached(act(&mut world, 1, 50)), [json!(null); 0]);
    assert_eq!(world.account.held_back(), Some(HeldBack::Budget));
    let told = act(&mut world, 1, 1).remove(0);
    assert_eq!(told.data["usage"]["session"], json!({"tokens_used": 251, "cost_usd": 0.0}));
    assert_eq!(told.data["usage"]["subtask"], json!({"tokens_used": 200, "cost_usd": 0.0}));
}

#[test]
fn a_budget_is_written_as_it_is_read() {
    let wire = json!({"soft": {"tokens_used": 5}, "hard": {"cost_usd": 2.5}});
    let budget: Budget = serde_json::from_value(wire.clone()).expect("a budget");
    assert_eq!(budget.hard.cost_usd, Some(Usd(2_500_000)));
    assert_eq!(serde_json::to_value(budget).expect("JSON"), wire);
    let wrong: Budget = serde_json::from_value(
        json!({"soft": {"tokens_used": -1}, "hard": {"cost_usd": 1_000_001}}),
    )
    .expect("a budget");
    let domain::problem::Refusal::Invalid(details) = wrong.check().expect_err("out of range")
    else {
        panic!("not invalid")
    };
    assert_eq!(details.keys().collect::<Vec<_>>(), ["hard.cost_usd", "soft.tokens_used"]);
}

proptest! {
    #[test]
    fn spending_more_never_lowers_the_level(
        spent in prop::collection::vec(0..200_i64, 0..20),
        soft in prop::option::of(0..1_000_i64),
        hard in prop::option::of(0..1_000_i64),
    ) {
        let limit = |tokens_used| Limit { tokens_used, cost_usd: None };
        let budget = Budget { soft: limit(soft), hard: limit(hard) };
        let mut account = Account { budget, ..Account::default() };
        let mut told = Vec::new();
        for tokens_used in spent {
            let before = account.level();
            let reached = account.spend(tokens(tokens_used));
            prop_assert!(account.level() >= before);
            prop_assert_eq!(reached.is_some(), account.level() > before);
            told.extend(reached);
        }
        prop_assert!(told.is_sorted() && told.len() <= 2);
        let exhausted = hard.is_some_and(|hard| account.usage.tokens_used >= hard);
        prop_assert_eq!(account.level() == BudgetLevel::Hard, exhausted);
    }
}
