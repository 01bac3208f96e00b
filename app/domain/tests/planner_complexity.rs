//! The tier of a task: by its words, else by its targets and its agent.

use Complexity::{Complex, Expert, Moderate, Simple, Trivial};
use domain::planner::{Complexity, estimate};
use domain::registry::{AgentProfile, Model};

fn agent(model: Model) -> AgentProfile {
    AgentProfile { model, ..AgentProfile::unknown("custom") }
}

#[test]
fn each_tier_has_the_documents_turns_and_model() {
    let table = [
        (Trivial, "trivial", 3, Model::Haiku),
        (Simple, "simple", 5, Model::Haiku),
        (Moderate, "moderate", 10, Model::Sonnet),
        (Complex, "complex", 20, Model::Sonnet),
        (Expert, "expert", 30, Model::Opus),
    ];
    for (tier, name, turns, model) in table {
        assert_eq!(tier.as_str(), name);
        assert_eq!(tier.max_turns(), turns);
        assert_eq!(tier.model(), model);
        let json = serde_json::to_string(&tier).expect("a tier serializes");
        assert_eq!(json, format!("\"{name}\""));
    }
    assert!(table.is_sorted_by_key(|(tier, ..)| *tier));
}

#[test]
fn each_keyword_of_the_document_gives_its_tier() {
    let table = [
        (Trivial, "fix typo, rename, update comment, single line"),
        (Simple, "add field, update config, small change, one file"),
        (Moderate, "refactor, implement, create component, multi-file"),
        (Complex, "explore, audit, analyze, investigate, debug"),
        (Expert, "architecture, redesign, migration, security audit"),
    ];
    for (tier, keywords) in table {
        for keyword in keywords.split(", ") {
            let text = format!("Please {keyword} here");
            assert_eq!(estimate(&text, 0, &agent(Model::Haiku)), tier, "{keyword}");
        }
    }
}

#[test]
fn the_highest_tier_with_a_keyword_wins() {
    let haiku = agent(Model::Haiku);
    let cases = [
        ("Fix typo, then rename and add fields", Simple),
        ("Rename while refactoring", Moderate),
        ("Implement and debug", Complex),
        ("Audit the code", Complex),
        ("Run a security audit", Expert),
        ("Fix typos in the migrations", Expert),
    ];
    for (text, tier) in cases {
        assert_eq!(estimate(text, 0, &haiku), tier, "{text}");
    }
}

#[test]
fn a_keyword_decides_whatever_the_targets_and_the_agent() {
    assert_eq!(estimate("Fix typo", 40, &agent(Model::Opus)), Trivial);
    assert_eq!(estimate("Redesign it", 1, &agent(Model::Haiku)), Expert);
}

#[test]
fn without_a_keyword_the_number_of_targets_decides() {
    let haiku = agent(Model::Haiku);
    let table = [
        (0, Trivial),
        (1, Trivial),
        (2, Simple),
        (3, Simple),
        (4, Moderate),
        (8, Moderate),
        (9, Complex),
        (15, Complex),
        (16, Expert),
        (usize::MAX, Expert),
    ];
    for (targets, tier) in table {
        assert_eq!(estimate("Polish", targets, &haiku), tier, "{targets}");
    }
}

#[test]
fn without_a_keyword_the_agents_model_is_a_floor() {
    assert_eq!(estimate("Polish", 1, &agent(Model::Sonnet)), Moderate);
    assert_eq!(estimate("Polish", 9, &agent(Model::Sonnet)), Complex);
    assert_eq!(estimate("Polish", 1, &agent(Model::Opus)), Expert);
}
