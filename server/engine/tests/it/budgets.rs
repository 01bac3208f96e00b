//! What sessions spend and may spend, on a real database.

use domain::{
    dto::{ClaimSubtasks, PatchSubtask, RecordAction},
    subtask::SubtaskStatus,
    usage::{Budget, HeldBack, Usage, Usd},
};
use engine::IdempotencyKey;
use serde_json::json;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::support::{at_once, invalid, run, running, times, to};

fn budget(soft: i64, hard: i64) -> Budget {
    serde_json::from_value(json!({"soft": {"tokens_used": soft}, "hard": {"tokens_used": hard}}))
        .unwrap()
}

fn claim(wait: i32) -> ClaimSubtasks {
    serde_json::from_value(json!({"agent_id": "a", "session_id": "s", "wait_seconds": wait}))
        .unwrap()
}

fn act(about: serde_json::Value, tokens: i64) -> RecordAction {
    let mut body =
        json!({"tool_name": "Read", "usage": {"tokens_used": tokens, "cost_usd": 0.001}});
    body.as_object_mut().unwrap().extend(about.as_object().unwrap().clone());
    serde_json::from_value(body).unwrap()
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn what_is_spent_at_once_adds_up_and_each_limit_is_told_once(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    run(options, async |db| {
        let servers = [db.server().await, db.server().await];
        let batch = running(&servers[0], "s", 0, 4).await;
        servers[0].set_budget("s", budget(1_000, 3_000)).await.unwrap();
        at_once((0..60_usize).map(|n| {
            let (server, id) = (servers[n % 2].clone(), batch.subtask_ids[n % 4]);
            async move {
                let about =
                    if n % 3 == 0 { json!({"session_id": "s"}) } else { json!({"subtask_id": id}) };
                server.record_action(act(about, 100), None).await.unwrap();
            }
        }))
        .await;
        // What the actions cost is part of what the report says.
        let report: PatchSubtask = serde_json::from_value(
            json!({"status": "completed", "result": {"tokens_used": 10_000, "cost_usd": 1}}),
        )
        .unwrap();
        let done = servers[0].patch_subtask(batch.subtask_ids[0], report).await.unwrap();
        assert_eq!(done.usage, Usage { tokens_used: 10_000, cost_usd: Usd(1_000_000) });
        db.assert_counters().await;
        let detail = servers[1].session("s").await.unwrap();
        let of_actions = 60 - 10;
        assert_eq!(detail.usage.tokens_used, of_actions * 100 + 10_000);
        assert_eq!(detail.budget, budget(1_000, 3_000));
        let log = db.log(&servers[0]).await;
        assert_eq!((times(&log, "budget.set"), times(&log, "budget.reached")), (1, 2));
        let reached: Vec<_> = log
            .iter()
            .filter(|event| event.event == "budget.reached")
            .map(|event| event.data.parse()["level"].clone())
            .collect();
        assert_eq!(reached, ["soft", "hard"]);
    });
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn no_work_is_handed_out_beyond_the_hard_budget_until_it_is_raised(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    run(options, async |db| {
        let server = db.server().await;
        running(&server, "s", 0, 3).await;
        server.set_budget("s", budget(10, 500)).await.unwrap();
        let first = server.claim(claim(0), None).await.unwrap();
        let id = first.claims[0].subtask.id;
        server.record_action(act(json!({"subtask_id": id}), 499), None).await.unwrap();
        assert_eq!(server.claim(claim(0), None).await.unwrap().claims.len(), 1);
        server.record_action(act(json!({"session_id": "s"}), 1), None).await.unwrap();
        let none = server.claim(claim(0), None).await.unwrap();
        assert_eq!((none.claims.len(), none.held_back), (0, Some(HeldBack::Budget)));
        // Agents keep what they hold, and may report it.
        server.patch_subtask(id, to(SubtaskStatus::Completed)).await.unwrap();
        let waiter = server.clone();
        let waits = tokio::spawn(async move { waiter.claim(claim(20), None).await.unwrap() });
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        assert!(server.set_budget("s", budget(10, 501)).await.unwrap());
        let woken = tokio::time::timeout(std::time::Duration::from_secs(10), waits).await;
        assert_eq!(woken.expect("woken").unwrap().claims.len(), 1);
        // The same once more is no change; none at all limits nothing.
        assert!(!server.set_budget("s", budget(10, 501)).await.unwrap());
        assert!(server.set_budget("s", Budget::default()).await.unwrap());
        let log = db.log(&server).await;
        assert_eq!(times(&log, "budget.set"), 3);
        db.assert_counters().await;
        assert_eq!(
            invalid(server.set_budget("s", budget(-1, 0)).await),
            r#"{"soft.tokens_used": ["must be from 0 to 1000000000000"]}"#
        );
    });
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn an_action_that_is_sent_twice_under_one_key_is_paid_once(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    run(options, async |db| {
        let server = db.server().await;
        let batch = running(&server, "s", 0, 1).await;
        let id = batch.subtask_ids[0];
        let key = || IdempotencyKey::new("POST /api/actions", "k", b"body").unwrap();
        let action = || act(json!({"subtask_id": id}), 100);
        let one = server.record_action(action(), Some(key())).await.unwrap();
        let two = server.record_action(action(), Some(key())).await.unwrap();
        assert_eq!(one, two);
        assert_eq!(server.subtask(id).await.unwrap().usage.tokens_used, 100);
        db.assert_counters().await;
    });
}
