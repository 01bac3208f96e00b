//! Actions that many agents record at once, on a real database.

use std::collections::BTreeSet;

use domain::{dto::RecordAction, problem::Refusal, subtask::SubtaskStatus};
use engine::Error;
use serde_json::{Value, json};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use uuid::Uuid;

use crate::{
    support::{at_once, batch, run, running, task, times, to},
    wire::Wire,
};

fn act(about: Value) -> RecordAction {
    let mut body = json!({"tool_name": "Edit", "agent_id": "a"});
    body.as_object_mut().unwrap().extend(about.as_object().unwrap().clone());
    serde_json::from_value(body).unwrap()
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn actions_that_wait_together_share_their_round_trips(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    run(options, async |db| {
        let wire = Wire::new(&db.url).await;
        let ids = running(&wire.server, "s", 0, 10).await.subtask_ids;
        let record = |about: Value| {
            let server = wire.server.clone();
            async move { server.record_action(act(about), None).await.unwrap() }
        };
        let of_subtask = |n: usize| json!({"subtask_id": ids[n % 10], "file_paths": ["a.rs"]});
        for about in [of_subtask(0), json!({"session_id": "s"})] {
            record(about.clone()).await;
            let trips = wire.round_trips(record(about)).await;
            assert!(trips.len() <= 5, "{trips:#?}");
        }
        let all = (0..200).map(|n| record(of_subtask(n)));
        let trips = wire.round_trips(at_once(all)).await;
        assert!(trips.len() <= 60, "{} round trips for 200 actions", trips.len());
    });
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn actions_of_new_and_known_sessions_recorded_at_once_by_two_servers_are_all_kept(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    run(options, async |db| {
        let servers = [db.server().await, db.server().await];
        let ids = running(&servers[0], "known", 0, 4).await.subtask_ids;
        let recorded = at_once((0..240_usize).map(|n| {
            let (server, id) = (servers[n % 2].clone(), ids[n % 4]);
            // Backwards and forwards, so that no order of arrival is the order of the locks.
            let name = if n % 2 == 0 { n % 12 } else { 11 - n % 12 };
            let about = match n % 3 {
                0 => json!({"subtask_id": id, "usage": {"tokens_used": 1}}),
                1 => json!({"session_id": format!("new {name}"), "usage": {"tokens_used": 1}}),
                _ => json!({"session_id": "known", "input": {"n": n}, "file_paths": ["b.rs", "a\"{}.rs"]}),
            };
            async move { server.record_action(act(about), None).await.unwrap() }
        }))
        .await;
        assert_eq!(recorded.iter().map(|action| action.id).collect::<BTreeSet<_>>().len(), 240);
        let known = servers[0].actions(Some("known"), None, None, 500).await.unwrap().actions;
        assert_eq!(known.len(), 160);
        for action in &known {
            assert!(recorded.contains(action), "kept as answered: {action:?}");
        }
        let log = db.log(&servers[1]).await;
        assert_eq!(times(&log, "action.recorded"), 240);
        db.assert_counters().await;
    });
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn each_of_a_group_of_actions_is_judged_after_those_before_it(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    run(options, async |db| {
        let server = db.server().await;
        let mut few = task("Snipper");
        few.max_files = Some(3);
        let request = batch("s", 0, vec![few]);
        let on_overlap = domain::dto::OnOverlap::Warn;
        let id = server.submit_batch(request, on_overlap, None).await.unwrap().batch.subtask_ids[0];
        let start = domain::dto::StartWave { wave_number: 0, force: false };
        server.start_wave("s", start).await.unwrap();
        // Five files, each edited ten times: the fourth and the fifth are too many, once each at least.
        let results = at_once((0..50).map(|n| {
            let server = server.clone();
            let about = json!({"subtask_id": id, "file_paths": [format!("{}.rs", n % 5)]});
            async move { server.record_action(act(about), None).await }
        }))
        .await;
        assert!(results.iter().all(Result::is_ok));
        let violations = times(&db.log(&server).await, "scope.violated");
        assert_eq!(violations, 2, "of the fourth file and of the fifth, when each is new");
    });
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn an_action_that_is_refused_takes_no_other_of_its_group_with_it(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    run(options, async |db| {
        let server = db.server().await;
        let ids = running(&server, "s", 0, 1).await.subtask_ids;
        let results = at_once((0..40).map(|n| {
            let server = server.clone();
            let about = match n % 4 {
                0 => json!({"subtask_id": ids[0]}),
                1 => json!({"subtask_id": Uuid::nil()}),
                2 => json!({"subtask_id": ids[0], "session_id": "other"}),
                _ => json!({"subtask_id": ids[0], "token": 77}),
            };
            async move { server.record_action(act(about), None).await }
        }))
        .await;
        for (n, result) in results.iter().enumerate() {
            let fits = match n % 4 {
                0 => result.is_ok(),
                1 => matches!(result, Err(Error::Refused(Refusal::NotFound { .. }))),
                2 => matches!(result, Err(Error::Refused(Refusal::Invalid { .. }))),
                _ => matches!(result, Err(Error::Refused(Refusal::Conflict { .. }))),
            };
            assert!(fits, "{n}: {result:?}");
        }
        assert_eq!(server.actions(Some("s"), None, None, 500).await.unwrap().actions.len(), 10);
        assert!(server.session("other").await.is_err(), "no session is made by what is refused");
        server.patch_subtask(ids[0], to(SubtaskStatus::Completed)).await.unwrap();
        db.assert_counters().await;
    });
}
