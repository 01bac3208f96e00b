//! What holds for every plan and every prompt.

use std::collections::BTreeSet;

use domain::planner::{
    Constraints, Prior, PriorWork, Words, craft, decompose, estimate_tokens, matches,
};
use domain::registry::{AgentProfile, Model, builtin};
use domain::scope::Scope;
use proptest::prelude::*;

const VOCABULARY: [&str; 24] = [
    "build",
    "system",
    "react",
    "components",
    "laravel",
    "migration",
    "sql",
    "tests",
    "docs",
    "auth",
    "latency",
    "update",
    "fix typo",
    "redesign",
    "audit",
    "profiles",
    "review",
    "explore",
    "alpha",
    "beta",
    "gamma",
    "the",
    "UI",
    "create",
];

fn task() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => prop::collection::vec(prop::sample::select(&VOCABULARY[..]), 0..16)
            .prop_map(|words| words.join(" ")),
        1 => ".{0,60}",
    ]
}

/// The built-in registry, some of it deleted, with up to 30 types of a team's own.
fn registry() -> impl Strategy<Value = Vec<AgentProfile>> {
    let category = prop::sample::select(vec!["implementation", "validation", "exploration", "ops"]);
    let keyword = prop::sample::select(&VOCABULARY[..]);
    let model = prop::sample::select(vec![Model::Haiku, Model::Sonnet, Model::Opus]);
    let own = prop::collection::vec((category, keyword, model), 0..30);
    (own, prop::collection::vec(any::<bool>(), 10)).prop_map(|(own, kept)| {
        let builtin = builtin().into_iter().zip(kept);
        let own = own.into_iter().enumerate();
        builtin
            .filter_map(|(agent, kept)| kept.then_some(agent))
            .chain(own.map(|(n, (category, keyword, model))| AgentProfile {
                category: category.to_owned(),
                keywords: vec![keyword.to_owned()],
                model,
                ..AgentProfile::unknown(&format!("own-{n}"))
            }))
            .collect()
    })
}

fn prior() -> impl Strategy<Value = Vec<PriorWork>> {
    let line = "[a-z#`\n]{0,50}";
    let one = ("[a-z]{1,8}", line, prop::option::of(line));
    let one = one.prop_map(|(agent_type, description, summary)| PriorWork {
        agent_type,
        description,
        summary,
    });
    prop::collection::vec(one, 0..12)
}

proptest! {
    #[test]
    fn a_plan_keeps_its_limits_and_its_order(
        task in task(),
        agents in registry(),
        max_parallel in 1..=5i32,
        max_total_turns in 5..=200i32,
    ) {
        let limits = Constraints { max_parallel, max_total_turns };
        let draft = decompose(&task, &agents, limits);
        let plan = &draft.execution_plan;

        let total: i32 = draft.subtasks.iter().map(|s| s.max_turns).sum();
        prop_assert_eq!(plan.total_turns, total);
        prop_assert!(total <= max_total_turns);
        prop_assert_eq!(plan.max_parallel, max_parallel);

        for (n, subtask) in (0..).zip(&draft.subtasks) {
            prop_assert_eq!(subtask.step, n);
            prop_assert!((1..=30).contains(&subtask.max_turns));
            prop_assert!(subtask.description.ends_with(&task));
            prop_assert!(subtask.depends_on.is_sorted());
            for &before in &subtask.depends_on {
                prop_assert!((0..n).contains(&before));
                let before = draft.subtasks.iter().find(|s| s.step == before);
                prop_assert!(before.is_some_and(|b| b.wave < subtask.wave));
            }
            prop_assert_eq!(subtask.depends_on.is_empty(), n == 0);
        }

        let mut steps = Vec::new();
        for (n, wave) in (0..).zip(&plan.waves) {
            prop_assert_eq!(wave.wave, n);
            prop_assert_eq!(wave.parallel as usize, wave.tasks.len());
            prop_assert!((1..=max_parallel).contains(&wave.parallel));
            for &task in &wave.tasks {
                prop_assert!(draft.subtasks.iter().any(|s| s.step == task && s.wave == n));
            }
            steps.extend_from_slice(&wave.tasks);
        }
        prop_assert_eq!(steps, draft.subtasks.iter().map(|s| s.step).collect::<Vec<_>>());

        let types: Vec<&str> = draft.subtasks.iter().map(|s| s.agent_type.as_str()).collect();
        prop_assert_eq!(types.iter().collect::<BTreeSet<_>>().len(), types.len());
        prop_assert_eq!(types.first(), Some(&"Explore"));
        prop_assert_eq!(types.last(), Some(&"code-reviewer"));
        prop_assert!(types.len() >= 3);
        prop_assert!(plan.waves[0].parallel == 1);
    }

    #[test]
    fn turns_are_scaled_only_when_they_must_be_and_then_used_up(
        task in task(),
        agents in registry(),
        max_total_turns in 5..=200i32,
    ) {
        let plan = |max_total_turns| {
            decompose(&task, &agents, Constraints { max_parallel: 3, max_total_turns })
        };
        let roomy = plan(200);
        let tight = plan(max_total_turns);
        let wanted = roomy.execution_plan.total_turns;
        if wanted <= max_total_turns {
            prop_assert_eq!(roomy, tight);
        } else {
            prop_assert_eq!(tight.execution_plan.total_turns, max_total_turns);
        }
    }

    #[test]
    fn a_prompt_keeps_its_budget_or_says_that_it_cannot(
        task in "[a-z#\n]{0,200}",
        files in prop::collection::vec(".{0,20}", 0..4),
        prior in prior(),
        budget in 0..400i32,
    ) {
        let agent = builtin().remove(3);
        let scope = Scope { target_files: files, ..Scope::default() };
        let full = craft(&task, &agent, &scope, Prior::whole(&prior), None);
        let crafted = craft(&task, &agent, &scope, Prior::whole(&prior), Some(budget));
        prop_assert!(!full.budget_exceeded);
        prop_assert_eq!(crafted.estimated_tokens, estimate_tokens(&crafted.crafted_prompt));
        prop_assert_eq!(crafted.budget_exceeded, crafted.estimated_tokens > budget);
        let title = "# Task for Laravel Backend Developer\n\n## Task\n\n";
        let task_part = format!("{title}{task}\n\n## MANDATORY");
        prop_assert!(crafted.crafted_prompt.starts_with(&task_part));
        prop_assert!(crafted.crafted_prompt.ends_with("blockers encountered"));
        if crafted.budget_exceeded {
            prop_assert_eq!(crafted.sections.len(), 3);
        }

        // Every line is a whole line of the untrimmed prompt, in its order; only the count of
        // earlier tasks is written anew.
        let mut lines = full.crafted_prompt.lines();
        for line in crafted.crafted_prompt.lines() {
            let rewritten = line.ends_with(" shown:");
            let found = lines.any(|l| l == line || (rewritten && l.ends_with("previous wave(s):")));
            prop_assert!(found, "{:?}", line);
        }

        // Entries go as wholes, the last first, and no more than needed.
        let bullets = |text: &str| text.lines().filter(|l| l.starts_with("- **")).count();
        let kept = bullets(&crafted.crafted_prompt);
        let results = |text: &str| text.lines().filter(|l| l.starts_with("  Result: ")).count();
        let fewer = craft(&task, &agent, &scope, Prior::whole(&prior[..kept]), None);
        prop_assert_eq!(results(&crafted.crafted_prompt), results(&fewer.crafted_prompt));
        if kept < prior.len() {
            let one_more = craft(&task, &agent, &scope, Prior::whole(&prior[..kept + 1]), None);
            let note = if kept + 1 < prior.len() { ", the latest 12 shown".len() as i32 } else { 0 };
            prop_assert!(one_more.estimated_tokens + note / 4 + 1 >= budget);
        }
    }

    #[test]
    fn any_text_can_be_matched(text in ".{0,80}", keyword in ".{0,20}") {
        prop_assert_eq!(matches(&text, &keyword), Words::new(&text).contains(&keyword));
        let agent = AgentProfile { keywords: vec![keyword.clone()], ..AgentProfile::unknown("x") };
        let found = Words::new(&text).score(&agent);
        prop_assert_eq!(found.keywords.is_empty(), found.score == 0);
    }

    #[test]
    fn a_word_matches_itself_anywhere_in_a_text(word in "[a-z]{1,12}", before in "[a-z ]{0,20}") {
        let text = format!("{before} {}, after", word.to_uppercase());
        prop_assert!(matches(&text, &word));
    }
}
