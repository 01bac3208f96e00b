//! Agents at work over REST: claim, signs of life, report, call off.

use serde_json::json;
use sqlx::PgPool;

use crate::support::{App, assert_like, text};

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn an_agent_claims_gives_signs_of_life_and_reports(pool: PgPool) {
    let app = App::new(pool).await;
    let (_, ids) = app.running("s", 2).await;
    let claimed = app.post("/api/subtasks/claim", &json!({"agent_id": "a1"})).await.json(200);
    assert_like(
        &claimed["claims"][0]["lease"],
        &json!({"subtask_id": "<uuid>", "token": "<int>", "agent_id": "a1", "lease_seconds": 300, "claimed_at": "<time>",
                "heartbeat_at": "<time>", "last_action_at": null, "expires_at": "<time>", "deadline_at": null,
                "ended_at": null, "outcome": null, "reason": null, "health": "working"}),
    );
    let subtask = &claimed["claims"][0]["subtask"];
    assert_eq!(
        (&subtask["id"], &subtask["status"], &subtask["agent_id"]),
        (&json!(ids[0]), &json!("running"), &json!("a1"))
    );
    let token = claimed["claims"][0]["lease"]["token"].as_i64().unwrap();

    let path = format!("/api/subtasks/{}", ids[0]);
    let beat = app
        .post(&format!("{path}/heartbeat"), &json!({"token": token, "lease_seconds": 60}))
        .await
        .json(200);
    assert_eq!(beat["lease"]["lease_seconds"], 60);
    app.post(&format!("{path}/heartbeat"), &json!({"token": token + 1}))
        .await
        .problem(409, "lease_lost");
    let held = app.get("/api/sessions/s/leases").await.json(200);
    assert_eq!(held["attempts"][0]["agent_id"], "a1");

    let act = |token: i64| json!({"subtask_id": ids[0], "tool_name": "Read", "token": token});
    app.post("/api/actions", &act(token)).await.json(201);
    app.post("/api/actions", &act(token + 1)).await.problem(409, "lease_lost");
    app.post("/api/actions", &json!({"session_id": "s", "tool_name": "Read", "token": token}))
        .await
        .invalid("subtask_id");

    let report = json!({"status": "completed", "token": token, "result": {"summary": "Done"}});
    app.patch(&path, &json!({"status": "completed", "token": token + 1}))
        .await
        .problem(409, "lease_lost");
    app.patch(&path, &report).await.json(200);
    app.patch(&path, &report).await.json(200);
    app.patch(&path, &json!({"token": token})).await.invalid("body");
    let tries = app.get(&format!("{path}/attempts")).await.json(200);
    assert_eq!(tries["attempts"][0]["outcome"], "completed");

    // Nothing is held without a claim.
    let none = app.get(&format!("/api/subtasks/{}/attempts", ids[1])).await.json(200);
    assert_eq!(none, json!({"attempts": []}));
    let cancelled = app
        .post(&format!("/api/subtasks/{}/cancel", ids[1]), &json!({"reason": "no"}))
        .await
        .json(200);
    assert_eq!(cancelled["subtasks"][0]["result"], json!({"error": "Cancelled: no"}));
    assert_eq!(
        app.poke(&format!("/api/subtasks/{}/cancel", ids[1])).await.json(200)["subtasks"],
        json!([])
    );
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn sessions_are_paused_and_resumed_and_work_is_called_off_whole(pool: PgPool) {
    let app = App::new(pool).await;
    let (batch, _) = app.running("s", 3).await;
    let claim = async || {
        let body = json!({"agent_id": "a", "session_id": "s"});
        app.post("/api/subtasks/claim", &body).await.json(200)["claims"].as_array().unwrap().len()
    };
    assert_eq!(app.poke("/api/sessions/s/pause").await.json(200)["paused"], true);
    assert_eq!(claim().await, 0);
    assert_eq!(app.poke("/api/sessions/s/resume").await.json(200)["paused"], false);
    assert_eq!(claim().await, 1);
    let path = format!("/api/orchestration/batch/{batch}/cancel");
    assert_eq!(app.poke(&path).await.json(200)["subtasks"].as_array().unwrap().len(), 3);
    app.submit("t", 4, json!([{"agent_type": "x", "description": "y"}])).await;
    let gone = app.post("/api/waves/t/cancel", &json!({"wave_number": 4})).await.json(200);
    assert_eq!(gone["subtasks"].as_array().unwrap().len(), 1);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn what_is_no_claim_is_refused_by_name(pool: PgPool) {
    let app = App::new(pool).await;
    for (field, body) in [
        ("agent_id", json!({"agent_id": ""})),
        ("max", json!({"agent_id": "a", "max": 0})),
        ("max", json!({"agent_id": "a", "max": 51})),
        ("lease_seconds", json!({"agent_id": "a", "lease_seconds": 4})),
        ("wait_seconds", json!({"agent_id": "a", "wait_seconds": 26})),
        ("agent_types[0]", json!({"agent_id": "a", "agent_types": ["\u{0}"]})),
        ("session_id", json!({"agent_id": "a", "session_id": ""})),
    ] {
        app.post("/api/subtasks/claim", &body).await.invalid(field);
    }
    let id = uuid::Uuid::now_v7();
    app.post(&format!("/api/subtasks/{id}/heartbeat"), &json!({"token": 1}))
        .await
        .problem(404, "not_found");
    app.get("/api/subtasks/nonsense/attempts").await.problem(404, "not_found");
    app.poke(&format!("/api/subtasks/{id}/cancel")).await.problem(404, "not_found");
    app.poke(&format!("/api/orchestration/batch/{id}/cancel")).await.problem(404, "not_found");
    app.post("/api/waves/none/cancel", &json!({"wave_number": 0})).await.problem(404, "not_found");
    let reason = "x".repeat(1_001);
    let answer = app.post(&format!("/api/subtasks/{id}/cancel"), &json!({"reason": reason})).await;
    assert!(text(&answer.invalid("reason")["detail"]).len() > 3);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn what_agents_spend_is_summed_and_bounded_by_the_sessions_budget(pool: PgPool) {
    let app = App::new(pool).await;
    let (batch, ids) = app.running("s", 3).await;
    let set = app
        .put(
            "/api/sessions/s/budget",
            &json!({"soft": {"tokens_used": 500}, "hard": {"cost_usd": 0.75}}),
        )
        .await
        .json(200);
    assert_eq!(set["budget"], json!({"soft": {"tokens_used": 500}, "hard": {"cost_usd": 0.75}}));
    let action = json!({"subtask_id": ids[0], "tool_name": "Read", "usage": {"tokens_used": 400, "cost_usd": 0.25}});
    let recorded = app.post("/api/actions", &action).await.json(201);
    assert_eq!(recorded["action"]["usage"], json!({"tokens_used": 400, "cost_usd": 0.25}));
    let report = json!({"status": "completed", "result": {"tokens_used": 1000, "cost_usd": 0.75}});
    let done = app.patch(&format!("/api/subtasks/{}", ids[0]), &report).await.json(200);
    let all = json!({"tokens_used": 1000, "cost_usd": 0.75});
    assert_eq!(done["subtask"]["usage"], all);
    let session = app.get("/api/sessions/s").await.json(200);
    assert_eq!((&session["usage"], &session["waves"][0]["usage"]), (&all, &all));
    let read = app.get(&format!("/api/orchestration/batch/{batch}")).await.json(200);
    let row =
        read["batch"]["subtasks"].as_array().unwrap().iter().find(|row| row["id"] == json!(ids[0]));
    assert_eq!(row.unwrap()["usage"], all);
    let folded = app.poke(&format!("/api/orchestration/batch/{batch}/complete")).await.json(200);
    assert_eq!(folded["synthesis"]["stats"]["usage"], all);

    let body = json!({"agent_id": "a", "session_id": "s"});
    let none = app.post("/api/subtasks/claim", &body).await.json(200);
    assert_eq!(none, json!({"success": true, "claims": [], "held_back": "budget"}));
    app.put("/api/sessions/s/budget", &json!({})).await.json(200);
    let claimed = app.post("/api/subtasks/claim", &body).await.json(200);
    assert_eq!(claimed["claims"].as_array().unwrap().len(), 1);

    for (body, field) in [
        (json!({"soft": {"tokens_used": -1}}), "soft.tokens_used"),
        (json!({"hard": {"cost_usd": 1_000_001}}), "hard.cost_usd"),
        (json!({"hard": {"cost_usd": -0.01}}), "hard.cost_usd"),
    ] {
        app.put("/api/sessions/s/budget", &body).await.invalid(field);
    }
    for body in [
        json!({"soft": 5}),
        json!({"soft": [5]}),
        json!({"soft": {"tokens_used": "5"}}),
        json!(null),
        json!([]),
    ] {
        let answer = app.put("/api/sessions/s/budget", &body).await;
        assert!(answer.status.is_client_error(), "{body}: {}", answer.any_problem());
    }
    for usage in [
        json!({"tokens_used": "5"}),
        json!({"tokens_used": 1.5}),
        json!({"cost_usd": []}),
        json!(7),
    ] {
        let body = json!({"session_id": "s", "tool_name": "x", "usage": usage});
        let answer = app.post("/api/actions", &body).await;
        assert!(answer.status.is_client_error(), "{body}: {}", answer.any_problem());
    }
    let costly = json!({"session_id": "s", "tool_name": "x", "usage": {"tokens_used": 1_000_000_000_001_i64}});
    app.post("/api/actions", &costly).await.invalid("usage.tokens_used");
}
