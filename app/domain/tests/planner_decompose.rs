//! Plans: who takes part, in which wave, with how many turns.

use domain::planner::{Constraints, Draft, PlannedSubtask, decompose};
use domain::registry::{AgentProfile, Model, builtin};

const TASK: &str = "Build a complete user management system with authentication and profiles";

/// The document's response, verbatim.
const SAMPLE: &str = r#"{
  "plan_id": "plan_1707400000_abc123",
  "subtasks": [
    {
      "step": 0,
      "wave": 0,
      "agent_type": "Explore",
      "description": "Explore and understand the codebase relevant to: Build a complete user management system",
      "max_turns": 8,
      "model": "sonnet",
      "depends_on": []
    },
    {
      "step": 1,
      "wave": 1,
      "agent_type": "backend-laravel",
      "description": "Implement: Build a complete user management system",
      "max_turns": 10,
      "model": "sonnet",
      "depends_on": [0]
    },
    {
      "step": 2,
      "wave": 1,
      "agent_type": "frontend-react",
      "description": "Implement: Build a complete user management system",
      "max_turns": 10,
      "model": "sonnet",
      "depends_on": [0]
    },
    {
      "step": 3,
      "wave": 2,
      "agent_type": "code-reviewer",
      "description": "Review and validate changes from: Build a complete user management system",
      "max_turns": 5,
      "model": "haiku",
      "depends_on": [1, 2]
    }
  ],
  "execution_plan": {
    "waves": [
      {"wave": 0, "parallel": 1, "tasks": [0]},
      {"wave": 1, "parallel": 2, "tasks": [1, 2]},
      {"wave": 2, "parallel": 1, "tasks": [3]}
    ],
    "total_turns": 33,
    "max_parallel": 3
  }
}"#;

fn limits(max_parallel: i32, max_total_turns: i32) -> Constraints {
    Constraints { max_parallel, max_total_turns }
}

fn plan(task: &str) -> Draft {
    decompose(task, &builtin(), Constraints::default())
}

/// The agent types by wave.
fn by_wave(draft: &Draft) -> Vec<Vec<&str>> {
    let agent = |&step: &i32| {
        let mut all = draft.subtasks.iter();
        let subtask = all.find(|s| s.step == step).expect("a planned step");
        subtask.agent_type.as_str()
    };
    let waves = draft.execution_plan.waves.iter();
    waves.map(|w| w.tasks.iter().map(agent).collect()).collect()
}

fn step<'a>(draft: &'a Draft, agent_type: &str) -> &'a PlannedSubtask {
    let mut all = draft.subtasks.iter();
    all.find(|s| s.agent_type == agent_type).expect("a planned agent")
}

fn custom(agent_type: &str, category: &str, keywords: &[&str]) -> AgentProfile {
    AgentProfile {
        category: category.to_owned(),
        keywords: keywords.iter().map(|&k| k.to_owned()).collect(),
        model: Model::Sonnet,
        ..AgentProfile::unknown(agent_type)
    }
}

#[test]
fn the_documents_sample_comes_out_with_the_full_task_text() {
    let full = SAMPLE.replace("Build a complete user management system", TASK);
    let mut expected: serde_json::Value = serde_json::from_str(&full).expect("valid JSON");
    expected.as_object_mut().expect("an object").remove("plan_id");
    let draft = decompose(TASK, &builtin(), limits(3, 50));
    let actual = serde_json::to_value(&draft).expect("a draft serializes");
    assert_eq!(actual, expected);
}

#[test]
fn the_sample_does_not_depend_on_the_order_of_the_registry() {
    let mut agents = builtin();
    agents.reverse();
    assert_eq!(decompose(TASK, &agents, Constraints::default()), plan(TASK));
}

#[test]
fn the_agents_named_implement_best_score_first() {
    let draft = plan("Add a database schema and a React page");
    assert_eq!(
        by_wave(&draft),
        [vec!["Explore"], vec!["supabase-backend", "frontend-react"], vec!["code-reviewer"]]
    );
}

#[test]
fn more_implementers_than_max_parallel_make_further_waves() {
    let task = "Update the React component, its style, the Laravel controller and the SQL";
    let draft = decompose(task, &builtin(), limits(2, 200));
    assert_eq!(
        by_wave(&draft),
        [
            vec!["Explore"],
            vec!["frontend-react", "backend-laravel"],
            vec!["Snipper", "supabase-backend"],
            vec!["code-reviewer"]
        ]
    );
    assert_eq!(step(&draft, "backend-laravel").depends_on, [0]);
    assert_eq!(step(&draft, "Snipper").depends_on, [0, 1, 2]);
    assert_eq!(step(&draft, "code-reviewer").depends_on, [1, 2, 3, 4]);
}

#[test]
fn with_one_at_a_time_each_wave_holds_one() {
    let draft = decompose(TASK, &builtin(), limits(1, 50));
    assert_eq!(
        by_wave(&draft),
        [["Explore"], ["backend-laravel"], ["frontend-react"], ["code-reviewer"]]
    );
    assert_eq!(step(&draft, "frontend-react").depends_on, [0, 1]);
}

#[test]
fn what_names_nobody_goes_to_snipper_unless_it_is_a_whole_product() {
    let snipper = [vec!["Explore"], vec!["Snipper"], vec!["code-reviewer"]];
    let both = [vec!["Explore"], vec!["backend-laravel", "frontend-react"], vec!["code-reviewer"]];
    for task in ["", "Make it nicer", "Build a bridge", "The system to build", "Rebuild the app"] {
        assert_eq!(by_wave(&plan(task)), snipper, "{task}");
    }
    for task in ["Create an app", "creating two platforms", "BUILD: the web application"] {
        assert_eq!(by_wave(&plan(task)), both, "{task}");
    }
}

#[test]
fn explore_and_code_reviewer_never_implement() {
    let draft = plan("Explore, search, scan, review, lint and audit the codebase");
    assert_eq!(by_wave(&draft), [["Explore"], ["Snipper"], ["code-reviewer"]]);
    // Not even when a team files them under implementation.
    let agents = ["Explore", "code-reviewer"].map(|name| custom(name, "implementation", &["go"]));
    let draft = decompose("go", &agents, Constraints::default());
    assert_eq!(by_wave(&draft), [["Explore"], ["Snipper"], ["code-reviewer"]]);
}

#[test]
fn validators_the_task_names_join_the_reviewer_who_stays_last() {
    let draft = plan("Build a React page with tests and docs");
    assert_eq!(
        by_wave(&draft),
        [
            vec!["Explore"],
            vec!["frontend-react"],
            vec!["docs-writer", "test-engineer", "code-reviewer"]
        ]
    );
    assert_eq!(step(&draft, "test-engineer").depends_on, [1]);
    let draft = plan("A React page: auth, tests, docs, latency");
    let waves = by_wave(&draft);
    assert_eq!(
        waves[2..],
        [
            vec!["docs-writer", "performance-engineer", "security-specialist"],
            vec!["test-engineer", "code-reviewer"]
        ]
    );
    assert_eq!(step(&draft, "test-engineer").depends_on, [1]);
    assert_eq!(step(&draft, "code-reviewer").depends_on, [1]);
}

#[test]
fn a_teams_own_types_take_part_by_their_category() {
    let mut agents = builtin();
    agents.push(custom("infra", "platform team", &["terraform"]));
    agents.push(custom("a11y", "Validation", &["accessibility"]));
    agents.push(custom("scout", "exploration", &["terraform"]));
    let task = "Terraform with accessibility";
    assert_eq!(
        by_wave(&decompose(task, &agents, Constraints::default())),
        [vec!["Explore"], vec!["infra"], vec!["a11y", "code-reviewer"]]
    );
}

#[test]
fn a_registry_without_the_usual_types_still_gives_a_plan() {
    assert_eq!(
        by_wave(&decompose(TASK, &[], Constraints::default())),
        [["Explore"], ["Snipper"], ["code-reviewer"]]
    );
    let mut agents = builtin();
    agents.retain(|a| a.agent_type != "backend-laravel");
    assert_eq!(
        by_wave(&decompose(TASK, &agents, Constraints::default())),
        [["Explore"], ["frontend-react"], ["code-reviewer"]]
    );
}

#[test]
fn turns_scale_down_in_proportion_to_the_budget() {
    let turns = |max| -> Vec<i32> {
        let draft = decompose(TASK, &builtin(), limits(3, max));
        let turns: Vec<i32> = draft.subtasks.iter().map(|s| s.max_turns).collect();
        assert_eq!(turns.iter().sum::<i32>(), draft.execution_plan.total_turns);
        turns
    };
    assert_eq!(turns(33), [8, 10, 10, 5]);
    assert_eq!(turns(32), [8, 10, 10, 4]);
    assert_eq!(turns(20), [5, 6, 6, 3]);
    assert_eq!(turns(5), [2, 1, 1, 1]);
}

#[test]
fn when_one_turn_each_is_too_much_the_lowest_scored_implementers_go() {
    let task = "Update the React component, its style, the Laravel controller and the SQL";
    let draft = decompose(task, &builtin(), limits(3, 5));
    assert_eq!(
        by_wave(&draft),
        [
            vec!["Explore"],
            vec!["frontend-react", "backend-laravel", "Snipper"],
            vec!["code-reviewer"]
        ]
    );
    assert!(draft.subtasks.iter().all(|s| s.max_turns == 1));
    let draft = decompose("React, SQL, tests, docs, auth, latency", &builtin(), limits(3, 5));
    assert_eq!(
        by_wave(&draft),
        [
            vec!["Explore"],
            vec!["frontend-react"],
            vec!["docs-writer", "performance-engineer", "code-reviewer"]
        ]
    );
}

#[test]
fn the_words_of_the_task_set_turns_and_model_of_its_implementers() {
    let draft = plan("Redesign the React page");
    let react = step(&draft, "frontend-react");
    assert_eq!((react.max_turns, react.model), (30, Model::Opus));
    let explore = step(&draft, "Explore");
    assert_eq!((explore.max_turns, explore.model), (8, Model::Sonnet));
    let review = step(&draft, "code-reviewer");
    assert_eq!((review.max_turns, review.model), (5, Model::Haiku));
    let draft = plan("A React page with docs");
    let docs = step(&draft, "docs-writer");
    assert_eq!((docs.max_turns, docs.model), (5, Model::Haiku));
}

#[test]
fn every_description_carries_the_full_task() {
    let task = "React, tests, docs, auth, latency:\n  \"quoted\"\n";
    for subtask in decompose(task, &builtin(), limits(5, 200)).subtasks {
        assert!(subtask.description.ends_with(task));
    }
}

#[test]
fn missing_constraints_take_their_default_and_odd_ones_the_nearest_end() {
    let read = |json| serde_json::from_str::<Constraints>(json).expect("constraints");
    assert_eq!(read("{}"), limits(3, 50));
    assert_eq!(read(r#"{"max_parallel": 2}"#), limits(2, 50));
    assert_eq!(read(r#"{"max_total_turns": 9}"#), limits(3, 9));
    let agents = builtin();
    assert_eq!(
        decompose(TASK, &agents, limits(i32::MIN, i32::MAX)),
        decompose(TASK, &agents, limits(1, 200))
    );
    assert_eq!(decompose(TASK, &agents, limits(99, -1)), decompose(TASK, &agents, limits(5, 5)));
}
