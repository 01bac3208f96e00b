//! The synthesis of a batch: the document's samples, and the rules behind them.

mod common;

use common::{
    assert_documented, at, batch, graph, id, object, subtask, subtask_in, wave_of, wrote,
};
use domain::batch::{Batch, BatchOutcome, BatchStatus};
use domain::conflict::{Actions, conflicts, reported_files, touched_files};
use domain::dto::{CompleteAnswer, ConflictReport};
use domain::subtask::{
    Subtask,
    SubtaskStatus::{self, Completed, Failed},
};
use domain::synthesis::{Material, Synthesis, synthesize};
use domain::wave::{Wave, WaveStatus};
use proptest::prelude::*;
use serde_json::{Value, json, to_value};

/// The document's answer of "Complete Batch", verbatim.
const COMPLETE: &str = r#"{
  "success": true,
  "synthesis": {
    "summary": "Wave 1: 2/2 tasks completed. 5 files modified, 0 conflicts.",
    "results": [
      {
        "agent": "backend-laravel",
        "status": "completed",
        "files": ["app/Http/Controllers/UserController.php", "routes/api.php"],
        "summary": "Created User API endpoint",
        "duration_ms": 45000
      },
      {
        "agent": "frontend-react",
        "status": "completed",
        "files": ["src/components/UserProfile.tsx", "src/hooks/useUser.ts"],
        "summary": "Built user profile component",
        "duration_ms": 60000
      }
    ],
    "conflicts": [],
    "files_changed": [
      "app/Http/Controllers/UserController.php",
      "routes/api.php",
      "src/components/UserProfile.tsx",
      "src/hooks/useUser.ts",
      "src/types/user.ts"
    ],
    "next_wave_ready": true,
    "tokens_saved": 2900,
    "stats": {
      "total_tasks": 2,
      "completed": 2,
      "failed": 0,
      "files_modified": 5,
      "avg_duration_ms": 52500,
      "total_duration_ms": 105000
    }
  }
}"#;

/// The document's answer of "Analyze Conflicts", verbatim.
const CONFLICTS: &str = r#"{
  "batch_id": "batch-uuid",
  "conflicts": [
    {
      "type": "file_conflict",
      "severity": "high",
      "agents": ["backend-laravel", "frontend-react"],
      "description": "Multiple agents modified the same file: src/types/user.ts",
      "files": ["src/types/user.ts"]
    }
  ],
  "conflict_count": 1
}"#;

fn ended(n: u128, agent: &str, priority: i32, ms: i64, result: Value) -> Subtask {
    Subtask {
        agent_type: agent.to_owned(),
        wave_number: 1,
        priority,
        result: Some(object(result)),
        started_at: Some(at(0)),
        completed_at: Some(at(ms)),
        ..subtask_in(n, Completed)
    }
}

fn sample_subtasks() -> Vec<Subtask> {
    vec![
        ended(
            1,
            "backend-laravel",
            8,
            45_000,
            json!({
                "files": ["app/Http/Controllers/UserController.php", "routes/api.php"],
                "summary": "Created User API endpoint",
            }),
        ),
        Subtask {
            context_snapshot: Some(object(json!({"modified_files": ["src/types/user.ts"]}))),
            ..ended(
                2,
                "frontend-react",
                5,
                60_000,
                json!({
                    "files": ["src/components/UserProfile.tsx", "src/hooks/useUser.ts"],
                    "summary": "Built user profile component",
                }),
            )
        },
    ]
}

fn counted(subtasks: &[Subtask]) -> (Wave, Batch) {
    let count = |status: SubtaskStatus| {
        i32::try_from(subtasks.iter().filter(|s| s.status == status).count()).expect("few")
    };
    let total = i32::try_from(subtasks.len()).expect("few");
    let (completed, failed) = (count(Completed), count(Failed));
    let wave = wave_of(1, WaveStatus::Running, [total, completed, failed, 0]);
    let batch = Batch {
        total_tasks: total,
        completed_tasks: completed,
        failed_tasks: failed,
        ..batch(1_000, 1, BatchStatus::Running)
    };
    (wave, batch)
}

fn fold(subtasks: &[Subtask], actions: &Actions) -> Synthesis {
    let (wave, batch) = counted(subtasks);
    let graph = graph(subtasks);
    synthesize(&Material { wave: &wave, batch: &batch, subtasks, actions, graph: &graph })
}

#[test]
fn the_documents_complete_response_comes_out_of_its_subtasks() {
    let synthesis = fold(&sample_subtasks(), &Actions::new());
    assert_eq!(synthesis.outcome, Some(BatchOutcome::Succeeded));
    let status = BatchStatus::Completed;
    let answer = CompleteAnswer { success: true, synthesis, status, open_tasks: 0 };
    let documented: Value = serde_json::from_str(COMPLETE).expect("the sample");
    assert_documented(&to_value(answer).expect("JSON"), &documented);
}

#[test]
fn the_documents_conflicts_response_comes_out_of_its_subtasks() {
    let mut subtasks = sample_subtasks();
    subtasks[0].context_snapshot = Some(object(json!({"modified_files": ["src/types/user.ts"]})));
    let found = conflicts(&subtasks, &Actions::new(), &graph(&subtasks));
    assert_eq!(found[0].subtask_ids, [id(1), id(2)]);
    assert_eq!(fold(&subtasks, &Actions::new()).conflicts, found, "the same in the synthesis");
    let answer = ConflictReport { batch_id: id(77), conflicts: found, conflict_count: 1 };
    let documented = CONFLICTS.replace("batch-uuid", &id(77).to_string());
    let documented: Value = serde_json::from_str(&documented).expect("the sample");
    assert_documented(&to_value(answer).expect("JSON"), &documented);
}

#[test]
fn open_subtasks_give_an_honest_snapshot() {
    let rows = [sample_subtasks().remove(0), subtask(3), subtask_in(4, Failed)];
    let synthesis = fold(&rows, &Actions::new());
    assert_eq!(synthesis.summary, "Wave 1: 1/3 tasks completed. 2 files modified, 0 conflicts.");
    assert_eq!((synthesis.outcome, synthesis.next_wave_ready), (None, false));
    assert_eq!(synthesis.blockers, ["Not ended yet: 1 of 3 subtasks.", "Failed subtasks: 1."]);
    assert_eq!(synthesis.tokens_saved, 2 * 500 + 200);
    assert_eq!((synthesis.stats.completed, synthesis.stats.failed), (1, 1));
}

#[test]
fn readiness_is_the_wave_s_not_the_batch_s() {
    let rows = sample_subtasks();
    let (_, batch) = counted(&rows);
    let wave = wave_of(1, WaveStatus::Running, [5, 2, 0, 0]);
    let (actions, graph) = (Actions::new(), graph(&rows));
    let material =
        Material { wave: &wave, batch: &batch, subtasks: &rows, actions: &actions, graph: &graph };
    let synthesis = synthesize(&material);
    assert_eq!(synthesis.outcome, Some(BatchOutcome::Succeeded));
    assert!(!synthesis.next_wave_ready);
    assert_eq!(synthesis.blockers, ["Not ended yet: 3 of 5 subtasks."]);
}

#[test]
fn the_mean_duration_is_rounded_over_those_with_both_times() {
    // milliseconds of each subtask; none: never started → mean, sum
    let table: [(&[Option<i64>], i64, i64); 8] = [
        (&[], 0, 0),
        (&[None, None], 0, 0),
        (&[Some(7)], 7, 7),
        (&[Some(1), Some(2)], 2, 3),
        (&[Some(1), Some(1), Some(2)], 1, 4),
        (&[Some(1), Some(2), Some(2)], 2, 5),
        (&[Some(10), None, Some(20)], 15, 30),
        (&[Some(0), Some(0), Some(1)], 0, 1),
    ];
    for (durations, mean, sum) in table {
        let row = |(n, ms): (usize, &Option<i64>)| {
            let started_at = ms.map(|_| at(0));
            let row = ended(n as u128, "any", 5, ms.unwrap_or(99), json!({}));
            Subtask { started_at, ..row }
        };
        let rows: Vec<Subtask> = durations.iter().enumerate().map(row).collect();
        let synthesis = fold(&rows, &Actions::new());
        let stats = synthesis.stats;
        assert_eq!((stats.avg_duration_ms, stats.total_duration_ms), (mean, sum), "{durations:?}");
        let each: Vec<_> = synthesis.results.iter().map(|result| result.duration_ms).collect();
        assert_eq!(each, durations);
    }
}

#[test]
fn a_subtask_that_never_started_has_a_null_duration_in_json() {
    let rows = [Subtask { started_at: None, ..ended(1, "any", 5, 9, json!({})) }];
    let value = to_value(fold(&rows, &Actions::new())).expect("JSON");
    assert_eq!(value["results"][0].get("duration_ms"), Some(&Value::Null));
}

#[test]
fn the_summary_falls_back_to_the_description() {
    let table = [
        (Some(json!({"summary": "Did it"})), "Did it"),
        (Some(json!({"summary": ""})), "Task 1"),
        (Some(json!({"summary": "  \n"})), "Task 1"),
        (Some(json!({"summary": 5})), "Task 1"),
        (Some(json!({"summary": null})), "Task 1"),
        (Some(json!({"files": []})), "Task 1"),
        (None, "Task 1"),
    ];
    for (result, expected) in table {
        let row = Subtask { result: result.clone().map(object), ..subtask_in(1, Completed) };
        let synthesis = fold(&[row], &Actions::new());
        assert_eq!(synthesis.results[0].summary, expected, "{result:?}");
    }
}

#[test]
fn what_a_synthesis_saves_is_measured_against_the_full_results() {
    let table = [(0, 0..=0), (10_000, 2_000..=2_600), (40_000, 9_000..=10_100)];
    for (length, expected) in table {
        let row = ended(1, "any", 5, 9, json!({"files": ["a"], "log": "x".repeat(length)}));
        let measured = fold(&[row], &Actions::new()).tokens_saved_measured;
        assert!(expected.contains(&measured), "{length} characters: {measured}");
    }
}

#[test]
fn results_come_by_priority_then_by_age() {
    let of = |n, priority| Subtask { priority, ..subtask(n) };
    let rows = [of(4, 5), of(3, 9), of(2, 5), of(1, 1)];
    let results = fold(&rows, &Actions::new()).results;
    let order: Vec<u128> = results.iter().map(|result| result.subtask_id.as_u128()).collect();
    assert_eq!(order, [3, 2, 4, 1]);
}

#[test]
fn files_come_from_the_result_the_snapshot_and_the_actions() {
    let row = Subtask {
        result: Some(object(json!({"files": ["z.rs", "./a//b.rs", "a/b.rs", 7, null, "", "./"]}))),
        context_snapshot: Some(object(
            json!({"modified_files": ["a/b.rs", "c.rs"], "files": ["no"]}),
        )),
        ..subtask_in(1, Completed)
    };
    let actions = Actions::from([(id(1), wrote(&["./d.rs"])), (id(2), wrote(&["no"]))]);
    assert_eq!(reported_files(&row), ["z.rs", "a/b.rs"], "its own order, each once");
    let touched: Vec<String> = touched_files(&row, &actions).into_iter().collect();
    assert_eq!(touched, ["a/b.rs", "c.rs", "d.rs", "z.rs"]);
    let synthesis = fold(std::slice::from_ref(&row), &actions);
    assert_eq!(synthesis.files_changed, touched);
    assert_eq!(synthesis.results[0].files, ["z.rs", "a/b.rs"]);
    assert_eq!((synthesis.stats.files_modified, synthesis.tokens_saved), (4, 2_200));

    let odd = Subtask { result: Some(object(json!({"files": "a.rs"}))), ..subtask(2) };
    assert!(reported_files(&odd).is_empty(), "not an array");
}

proptest! {
    #[test]
    fn the_order_of_rows_does_not_matter(
        rows in prop::collection::vec(
            (0..6_usize, 1..=10, prop::collection::vec(0..5_u8, 0..4), any::<u8>(), 0..100_i64), 0..7,
        ).prop_flat_map(|specs| {
            let rows: Vec<Subtask> = specs.into_iter().enumerate().map(|(k, spec)| {
                let (status, priority, files, mask, ms) = spec;
                let files: Vec<String> = files.iter().map(|f| format!("./f{f}")).collect();
                let blocked_by = (0..k).filter(|b| mask & (1 << b) != 0).map(|b| id(b as u128));
                Subtask {
                    priority,
                    blocked_by: blocked_by.collect(),
                    status: SubtaskStatus::ALL[status],
                    result: Some(object(json!({"files": files}))),
                    ..ended(k as u128, "any", 5, ms, json!({}))
                }
            }).collect();
            (Just(rows.clone()), Just(rows).prop_shuffle())
        }),
    ) {
        let (rows, shuffled) = rows;
        let actions = Actions::from([(id(0), wrote(&["f1"]))]);
        let synthesis = fold(&rows, &actions);
        prop_assert_eq!(&fold(&shuffled, &actions), &synthesis);
        let sum: i64 = synthesis.results.iter().filter_map(|r| r.duration_ms).sum();
        prop_assert_eq!(synthesis.stats.total_duration_ms, sum);
        let files = i64::from(synthesis.stats.files_modified);
        let completed = rows.iter().filter(|row| row.status == Completed).count();
        prop_assert_eq!(synthesis.tokens_saved, 500 * files + 200 * completed as i64);
        prop_assert!(synthesis.files_changed.is_sorted());
        prop_assert!(synthesis.tokens_saved_measured >= 0);
    }
}

#[test]
fn what_is_reported_is_held_against_what_actions_wrote() {
    let reports = Subtask {
        result: Some(object(json!({"summary": "s", "files": ["a", "./b"]}))),
        ..subtask_in(1, SubtaskStatus::Completed)
    };
    let leased = Subtask { lease_token: Some(7), ..reports.clone() };
    let batch = batch(1_000, 0, BatchStatus::Running);
    let evidence = |subtask: &Subtask, actions: &Actions| {
        let rows = [subtask.clone()];
        let (wave, graph) =
            (common::wave_of(0, WaveStatus::Running, [1, 1, 0, 0]), common::graph(&rows));
        let material =
            Material { wave: &wave, batch: &batch, subtasks: &rows, actions, graph: &graph };
        synthesize(&material).results[0].evidence.clone()
    };
    // Who has no lease may well record nothing; who has one and recorded nothing cannot be believed.
    assert_eq!(evidence(&reports, &Actions::new()), None);
    let nothing = evidence(&leased, &Actions::new()).expect("a lease");
    assert_eq!((nothing.verified.len(), nothing.unverified.len()), (0, 2));
    let silent = Subtask { result: None, ..leased };
    assert_eq!(evidence(&silent, &Actions::new()), None);
    let written = Actions::from([(id(1), wrote(&["x//b", "b", "c"]))]);
    let evidence = evidence(&reports, &written).expect("actions");
    assert_eq!(evidence.verified, ["b"]);
    assert_eq!(evidence.unverified, ["a"]);
    assert_eq!(evidence.unreported, ["c", "x/b"]);
}
