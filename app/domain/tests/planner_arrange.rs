//! Plans that somebody made by hand.

use domain::{
    dto::{NewPlan, PlanStep},
    planner::{Constraints, Draft, PlannedSubtask, arrange, decompose, overlaps},
    problem::Refusal,
    registry::{AgentProfile, Model, builtin},
    scope::Scope,
};
use proptest::prelude::*;

fn step(number: i32, depends_on: &[i32]) -> PlannedSubtask {
    PlannedSubtask {
        step: number,
        wave: 0,
        agent_type: format!("agent-{number}"),
        description: "Do it".to_owned(),
        max_turns: 5,
        model: Model::Sonnet,
        depends_on: depends_on.to_vec(),
        scope: Scope::default(),
    }
}

/// (agent type, wave, what it depends on) of each step.
fn shape(draft: &Draft) -> Vec<(&str, i32, &[i32])> {
    draft
        .subtasks
        .iter()
        .map(|step| (step.agent_type.as_str(), step.wave, step.depends_on.as_slice()))
        .collect()
}

#[test]
fn steps_go_into_the_first_wave_with_room_after_what_they_depend_on() {
    let steps =
        vec![step(10, &[30]), step(20, &[]), step(30, &[]), step(40, &[]), step(50, &[10, 20])];
    let (draft, order) = arrange(steps, 2).expect("a plan");
    assert_eq!(order, [20, 30, 10, 40, 50]);
    assert_eq!(
        shape(&draft),
        [
            ("agent-20", 0, &[][..]),
            ("agent-30", 0, &[]),
            ("agent-10", 1, &[1]),
            ("agent-40", 1, &[]),
            ("agent-50", 2, &[0, 2]),
        ]
    );
    assert_eq!(draft.subtasks.iter().map(|step| step.step).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
    let plan = &draft.execution_plan;
    assert_eq!((plan.total_turns, plan.max_parallel, plan.waves.len()), (25, 2, 3));
    assert_eq!((plan.waves[1].parallel, plan.waves[1].tasks.as_slice()), (2, &[2, 3][..]));
}

#[test]
fn what_cannot_be_a_plan_is_refused_by_name() {
    let details = |steps| match arrange(steps, 3) {
        Err(Refusal::Invalid(details)) => details,
        other => panic!("{other:?}"),
    };
    let circle = details(vec![step(0, &[]), step(1, &[2]), step(2, &[1])]);
    assert_eq!(circle["subtasks"], ["these steps wait for each other in a circle: 1, 2"]);
    let wrong = details(vec![step(0, &[7]), step(0, &[])]);
    assert_eq!(wrong["subtasks[0].depends_on[0]"], ["there is no step 7"]);
    assert_eq!(wrong["subtasks[1].step"], ["there are two steps 0"]);
}

#[test]
fn steps_of_one_wave_meet_and_those_of_different_waves_do_not() {
    let in_file = |number, depends_on: &[i32]| PlannedSubtask {
        scope: Scope { target_files: vec!["src/a.rs".to_owned()], ..Scope::default() },
        ..step(number, depends_on)
    };
    let (draft, _) =
        arrange(vec![in_file(0, &[]), in_file(1, &[]), in_file(2, &[0])], 3).expect("a plan");
    let met = overlaps(&draft.subtasks);
    assert_eq!(met.len(), 1);
    assert_eq!((met[0].wave, met[0].steps.as_slice()), (0, &[0, 1][..]));
    assert_eq!(met[0].files, ["src/a.rs"]);
}

#[test]
fn what_a_step_leaves_out_follows_from_its_agent_and_its_words() {
    let body = r#"{"task_description": "All", "subtasks": [
        {"agent_type": "backend-laravel", "description": "Add a controller"},
        {"agent_type": "x", "description": "y", "max_turns": 3, "model": "opus", "depends_on": [0]}]}"#;
    let plan: NewPlan = serde_json::from_str(body).expect("a body");
    plan.check().expect("valid");
    let agents = builtin();
    let planned: Vec<PlannedSubtask> = plan
        .subtasks
        .into_iter()
        .enumerate()
        .map(|(index, it)| {
            let unknown = AgentProfile::unknown(&it.agent_type);
            let agent =
                agents.iter().find(|a| a.agent_type == it.agent_type).unwrap_or(&unknown).clone();
            PlanStep::planned(it, index, &agent)
        })
        .collect();
    assert_eq!((planned[0].step, planned[0].max_turns, planned[0].model), (0, 10, Model::Sonnet));
    assert_eq!((planned[1].step, planned[1].max_turns, planned[1].model), (1, 3, Model::Opus));
}

proptest! {
    #[test]
    fn a_plan_that_was_decomposed_is_arranged_as_it_is(
        words in proptest::collection::vec(prop::sample::select(vec!["react", "laravel", "sql", "tests", "docs", "security", "performance", "edit"]), 1..8),
        max_parallel in 1..=5_i32,
    ) {
        let draft = decompose(&words.join(" "), &builtin(), Constraints { max_parallel, ..Constraints::default() });
        let numbers = draft.subtasks.iter().map(|step| step.step).collect();
        prop_assert_eq!(arrange(draft.subtasks.clone(), max_parallel), Ok((draft, numbers)));
    }

    #[test]
    fn no_wave_is_wider_than_asked_and_no_dependency_points_forward(
        links in proptest::collection::vec(proptest::collection::vec(0..20_i32, 0..4), 1..20),
        max_parallel in 1..=5_i32,
    ) {
        let steps: Vec<_> = links.iter().enumerate().map(|(n, on)| {
            let n = i32::try_from(n).expect("small");
            let on: Vec<i32> = on.iter().copied().filter(|on| *on < n).collect();
            step(n, &on)
        }).collect();
        let count = steps.len();
        let (draft, _) = arrange(steps, max_parallel).expect("no circle");
        prop_assert_eq!(draft.subtasks.len(), count);
        for wave in &draft.execution_plan.waves {
            prop_assert!(wave.parallel <= max_parallel && wave.parallel >= 1);
        }
        for step in &draft.subtasks {
            for on in &step.depends_on {
                let on = usize::try_from(*on).expect("a step");
                prop_assert!(draft.subtasks[on].wave < step.wave);
            }
        }
    }
}
