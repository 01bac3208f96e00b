//! Which words match which keywords, and what a match is worth.

use domain::planner::{Match, Words, matches, score};
use domain::registry::{AgentProfile, builtin};

fn builtin_profile(agent_type: &str) -> AgentProfile {
    let mut all = builtin().into_iter();
    all.find(|a| a.agent_type == agent_type).expect("a built-in type")
}

fn with_keywords(keywords: &[&str]) -> AgentProfile {
    AgentProfile {
        keywords: keywords.iter().map(|&k| k.to_owned()).collect(),
        ..AgentProfile::unknown("custom")
    }
}

#[track_caller]
fn check(cases: &[(&str, &str, bool)]) {
    for &(text, keyword, expected) in cases {
        assert_eq!(
            matches(text, keyword),
            expected,
            "{keyword:?} in {text:?} should be {expected}"
        );
    }
}

#[test]
fn a_short_keyword_matches_the_whole_word_and_its_plural_only() {
    check(&[
        ("build a page", "ui", false),
        ("polish the UI", "ui", true),
        ("two UIs", "ui", true),
        ("the latest news", "test", false),
        ("write tests", "test", true),
        ("test it", "test", true),
        ("a contest", "test", false),
        ("testing", "test", false),
        ("authentication", "auth", false),
        ("author", "auth", false),
        ("auth", "auth", true),
        ("specs", "spec", true),
        ("special", "spec", false),
        ("prefix", "fix", false),
        ("fixture", "fix", false),
        ("the docs", "docs", true),
        ("model.sql", "sql", true),
        ("mysql", "sql", false),
    ]);
}

#[test]
fn a_longer_keyword_matches_at_the_start_of_a_word_with_its_inflections() {
    check(&[
        ("documentation", "document", true),
        ("documented", "document", true),
        ("documentary", "document", false),
        ("migrations", "migration", true),
        ("immigration", "migration", false),
        ("controllers", "controller", true),
        ("usercontroller", "controller", false),
        ("implementing", "implement", true),
        ("implementation", "implement", true),
        ("implements", "implement", true),
        ("supabases", "supabase", true),
        ("modeling", "model", true),
        ("expectations", "expect", true),
        ("assertions", "assert", true),
        ("database", "databases", false),
    ]);
}

#[test]
fn a_final_e_falls_away_before_an_ending() {
    check(&[
        ("caching", "cache", true),
        ("cached", "cache", true),
        ("caches", "cache", true),
        ("cachet", "cache", false),
        ("optimization", "optimize", true),
        ("optimizing", "optimize", true),
        ("exploration", "explore", true),
        ("investigation", "investigate", true),
        ("analyzing", "analyze", true),
        ("renamed", "rename", true),
        ("creation", "create", true),
    ]);
}

#[test]
fn spelling_changes_of_the_last_letter_are_known() {
    check(&[
        ("policies", "policy", true),
        ("vulnerabilities", "vulnerability", true),
        ("latencies", "latency", true),
        ("modified", "modify", true),
        ("modifying", "modify", true),
        ("deployed", "deploy", true),
        ("debugging", "debug", true),
        ("modelling", "model", true),
        ("searches", "search", true),
        ("processes", "process", true),
    ]);
}

#[test]
fn profiling_is_performance_work_and_a_user_profile_is_not() {
    check(&[
        ("profiling", "profil", true),
        ("a profiler", "profil", true),
        ("profiled", "profil", true),
        ("profile", "profil", false),
        ("profiles", "profil", false),
        ("profiles", "profile", true),
        ("profiling", "profile", true),
    ]);
}

#[test]
fn a_phrase_matches_consecutive_words_in_its_order_whatever_the_article() {
    check(&[
        ("please create file a.txt", "create file", true),
        ("create files", "create file", true),
        ("creating files", "create file", true),
        ("create a file", "create file", true),
        ("fix the typo", "fix typo", true),
        ("fix a the typo", "fix typo", false),
        ("fix that typo", "fix typo", false),
        ("grade a paper", "grade a", true),
        ("grade an a paper", "grade a", true),
        ("file create", "create file", false),
        ("create", "create file", false),
        ("write the API docs", "api doc", true),
        ("api documentation", "api doc", false),
        ("a security audit", "security audit", true),
        ("security, audit", "security audit", true),
        ("audit security", "security audit", false),
        ("security and security audit", "security audit", true),
        ("a multi-file edit", "multi-file", true),
        ("multi file", "multi-file", true),
        ("multifile", "multi-file", false),
    ]);
}

#[test]
fn case_and_punctuation_do_not_matter() {
    check(&[
        ("REACT", "react", true),
        ("react", "React", true),
        ("(React)", "react", true),
        ("react/css", "css", true),
        ("user_test", "test", true),
        ("don't", "don", true),
        ("ÜBERSICHT", "übersicht", true),
        ("Übersichten", "Übersicht", false),
    ]);
}

#[test]
fn a_keyword_without_a_letter_never_matches() {
    check(&[
        ("", "", false),
        ("anything", "", false),
        ("++", "++", false),
        ("a - b", "-", false),
        ("", "test", false),
    ]);
}

#[test]
fn each_builtin_keyword_finds_itself() {
    for agent in builtin() {
        for keyword in &agent.keywords {
            assert!(matches(keyword, keyword), "{keyword}");
        }
    }
}

#[test]
fn a_score_names_the_keywords_that_hit_and_counts_their_words() {
    assert_eq!(
        score("Style the React components; build the latest", &builtin_profile("frontend-react")),
        Match { score: 3, keywords: ["react", "component", "style"].map(str::to_owned).to_vec() }
    );
    assert_eq!(
        score("Write code and fix it", &builtin_profile("Snipper")),
        Match { score: 3, keywords: ["fix", "write code"].map(str::to_owned).to_vec() }
    );
    assert_eq!(score("Nothing here", &builtin_profile("Snipper")), Match::default());
}

#[test]
fn a_keyword_counts_once_and_is_reported_as_the_registry_writes_it() {
    let words = Words::new("terraform Terraform TERRAFORM");
    let found = words.score(&with_keywords(&["TerraForm"]));
    assert_eq!(found.score, 1);
    assert_eq!(found.keywords, ["TerraForm"]);
}

#[test]
fn the_builtin_registry_is_the_documents_table() {
    let table = [
        ("Explore", "explore, find, search, scan, investigate, understand, codebase"),
        ("Snipper", "edit, modify, change, update, fix, create file, write code"),
        ("frontend-react", "react, component, ui, frontend, tsx, jsx, css, style"),
        ("backend-laravel", "laravel, php, controller, migration, model, artisan"),
        ("supabase-backend", "supabase, rls, policy, database, schema, sql"),
        ("test-engineer", "test, testing, spec, coverage, assert, expect, jest, vitest"),
        ("security-specialist", "security, vulnerability, auth, permission, owasp"),
        ("docs-writer", "document, readme, docs, api doc, changelog"),
        ("code-reviewer", "review, audit, quality, lint, clean"),
        ("performance-engineer", "performance, optimize, cache, latency, profil"),
    ];
    let agents = builtin();
    assert_eq!(agents.len(), table.len());
    for (agent, (agent_type, keywords)) in agents.iter().zip(table) {
        assert_eq!(agent.agent_type, agent_type);
        assert_eq!(agent.keywords.join(", "), keywords);
        assert!((1..=1000).contains(&agent.max_files));
    }
    let laravel = builtin_profile("backend-laravel");
    assert_eq!(laravel.display_name, "Laravel Backend Developer");
    assert_eq!(laravel.max_files, 5);
    assert_eq!(laravel.forbidden_actions, ["delete migrations", "drop tables"]);
}
