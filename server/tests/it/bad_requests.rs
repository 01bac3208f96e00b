//! Paths, queries, methods and headers that mean nothing: a 4xx problem in JSON, never a page.

use axum::{
    body::Body,
    http::{Method, Request, header},
};
use serde_json::json;
use sqlx::PgPool;
use uuid::Uuid;

use crate::support::{Answer, App, task, text};

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn malformed_and_unknown_ids_are_not_found(pool: PgPool) {
    let app = App::new(pool).await;
    let unknown = Uuid::now_v7().to_string();
    let long = "x".repeat(5_000);
    let ids = [
        unknown.as_str(),
        "x",
        "123",
        "00000000-0000-0000-0000-000000000000",
        "00000000-0000-0000-0000-00000000000g",
        "%00",
        "a%00b",
        "%3Cscript%3E",
        "'%20OR%201=1%20--",
        "%F0%9F%98%80",
        "..%2F..%2Fetc%2Fpasswd",
        "%2E%2E",
        "null",
        "undefined",
        "-1",
        "%25",
        "a%0Ab",
        &long,
    ];
    let mut found = Vec::new();
    let mut check = |answer: Answer| {
        if answer.status == 404 {
            answer.problem(404, "not_found");
        } else {
            found.push(format!("{} {:.60}", answer.status, answer.what));
        }
    };
    for id in ids {
        for path in [
            "orchestration/batch/{}",
            "orchestration/synthesis/{}",
            "orchestration/conflicts/{}",
            "orchestration/plans/{}",
            "subtasks/{}",
            "sessions/{}",
            "waves/{}/current",
            "waves/{}/history",
            "registry/{}",
            "subtasks/{}/attempts",
        ] {
            check(app.get(&format!("/api/{}", path.replace("{}", id))).await);
        }
        for path in [
            "orchestration/batch/{}/complete",
            "orchestration/batch/{}/cancel",
            "subtasks/{}/retry",
            "subtasks/{}/cancel",
            "waves/{}/transition",
        ] {
            check(app.poke(&format!("/api/{}", path.replace("{}", id))).await);
        }
        for step in ["start", "approve", "cancel", "retry-failed"] {
            check(app.post(&format!("/api/waves/{id}/{step}"), &json!({"wave_number": 1})).await);
        }
        check(app.post(&format!("/api/subtasks/{id}/heartbeat"), &json!({"token": 1})).await);
        check(app.move_to(id, "completed").await);
        check(
            app.post(&format!("/api/orchestration/plans/{id}/launch"), &json!({"session_id": "s"}))
                .await,
        );
        check(
            app.send(Request::delete(format!("/api/registry/{id}")).body(Body::empty()).unwrap())
                .await,
        );
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn names_in_paths_that_cannot_be_kept_are_refused(pool: PgPool) {
    let app = App::new(pool).await;
    for name in ["%00", "a%00b", "%0A", "%20", &"x".repeat(201)] {
        app.post(&format!("/api/waves/{name}/create"), &json!({"wave_number": 1}))
            .await
            .invalid("session_id");
        app.body(Method::PUT, &format!("/api/registry/{name}"), "{}").await.invalid("agent_type");
    }
    for path in [
        "/api/sessions/%FF",
        "/api/waves/%C3%28/current",
        "/api/registry/%ED%A0%80",
        "/api/subtasks/%80",
    ] {
        app.get(path).await.any_problem();
    }
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn encoded_slashes_belong_to_the_session(pool: PgPool) {
    let app = App::new(pool).await;
    app.submit("team/project#1?x=y%2F", 0, json!([task("Snipper")])).await;
    let encoded = "team%2Fproject%231%3Fx%3Dy%252F";
    assert_eq!(
        app.get(&format!("/api/sessions/{encoded}")).await.json(200)["session_id"],
        "team/project#1?x=y%2F"
    );
    app.post(&format!("/api/waves/{encoded}/start"), &json!({"wave_number": 0})).await.json(200);
    assert_eq!(app.get(&format!("/api/waves/{encoded}/history")).await.json(200)["count"], 1);
    let events = app.get(&format!("/api/events?channel=sessions/{encoded}")).await.json(200);
    assert_eq!(events["events"].as_array().unwrap().len(), 3);
    app.get("/api/sessions/team/project").await.problem(404, "no_such_route");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn queries_that_mean_nothing_are_refused(pool: PgPool) {
    let app = App::new(pool).await;
    let long = format!("session={}", "x".repeat(201));
    let cases = [
        (
            "subtasks",
            vec![
                "limit=0",
                "limit=501",
                "limit=-1",
                "limit=x",
                "limit=",
                "limit=99999999999999999999",
                "wave=-1",
                "wave=2147483648",
                "wave=x",
                "status=done",
                "status=",
                "batch=x",
                "cursor=x",
                "session=",
                "session=%00",
                "agent_type=%00",
                "limit=1&limit=2",
                &long,
            ],
        ),
        (
            "actions",
            vec![
                "limit=0",
                "limit=501",
                "subtask=x",
                "cursor=x",
                "cursor=%00",
                "session=",
                "session=%00",
                &long,
            ],
        ),
        (
            "sessions",
            vec![
                "limit=0",
                "limit=501",
                "cursor=x",
                "cursor=1",
                "cursor=~",
                "cursor=x~y",
                "cursor=1~%00",
                "cursor=9223372036854775807~x",
                "cursor=9999999999999999999~x",
                "search=%00",
                "search=a%0Ab",
            ],
        ),
        (
            "events",
            vec![
                "since=-1",
                "since=x",
                "since=1.5",
                "since=9223372036854775808",
                "limit=0",
                "limit=1001",
                "channel=",
                "channel=x",
                "channel=sessions/",
                "channel=batches/x",
                "channel=agents/%00",
                "channel=sessions/a%00b",
                "channel=GLOBAL",
            ],
        ),
    ];
    for (resource, queries) in cases {
        for query in queries {
            app.get(&format!("/api/{resource}?{query}")).await.problem(422, "invalid");
        }
    }
    let batch = app.submit("s", 0, json!([task("Snipper")])).await;
    let complete = format!("/api/orchestration/batch/{}/complete", text(&batch["id"]));
    for query in ["strict=maybe", "strict=", "strict=1"] {
        app.poke(&format!("{complete}?{query}")).await.problem(422, "invalid");
    }
    app.get("/api/subtasks?unknown=1&session=nobody").await.json(200);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_cursor_with_a_time_before_all_time_is_refused_or_ends_the_list(pool: PgPool) {
    let app = App::new(pool).await;
    for cursor in [
        "-62135596800000000~x",
        "-210866803200000001~x",
        "-300000000000000000~x",
        "-8000000000000000000~x",
        "8000000000000000000~x",
    ] {
        let answer = app.get(&format!("/api/sessions?cursor={cursor}")).await;
        assert!(
            answer.status == 200 || answer.any_problem()["code"] == "invalid",
            "{}",
            answer.text()
        );
    }
    for since in ["0", "9223372036854775807"] {
        app.get(&format!("/api/events?since={since}")).await.json(200);
    }
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_route_answers_405_and_what_it_allows_to_other_methods(pool: PgPool) {
    let app = App::new(pool).await;
    let document = serde_json::to_value(swell::openapi::document()).unwrap();
    for (template, item) in document["paths"].as_object().unwrap() {
        let path =
            template.replace("{id}", "x").replace("{session_id}", "x").replace("{agent_type}", "x");
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"] {
            if item.get(method.to_lowercase()).is_some() {
                continue;
            }
            let request = Request::builder()
                .method(method)
                .uri(&path)
                .header(header::CONTENT_TYPE, "application/json");
            let answer = app.send(request.body(Body::from("{}")).unwrap()).await;
            answer.problem(405, "method_not_allowed");
            for allowed in item.as_object().unwrap().keys() {
                let allows = answer
                    .header("allow")
                    .split(',')
                    .any(|one| one.trim().eq_ignore_ascii_case(allowed));
                assert!(allows, "{method} {path}: Allow: {}", answer.header("allow"));
            }
        }
    }
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn an_unknown_path_under_api_is_a_problem_and_no_page_for_every_method(pool: PgPool) {
    let app = App::new(pool).await;
    let paths = [
        "/api",
        "/api/",
        "/api/x",
        "/api/x/y/z",
        "/api/orchestration",
        "/api/orchestration/",
        "/api//",
        "/api//sessions",
        "/api/sessions/",
        "/api/waves//current",
        "/api/waves/s",
        "/api/waves/s/",
        "/api/subtasks/x/y",
        "/api/docs/",
        "/api/openapi.json/",
        "/api/%2e%2e/health",
        "/api/../health",
        "/api/%00",
        "/api/%FF",
        "/api/Sessions",
        "/api/index.html",
        "/api/x?y=z",
    ];
    let mut pages = Vec::new();
    for path in paths {
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
            let request = Request::builder().method(method).uri(path);
            let answer = app.send(request.body(Body::empty()).unwrap()).await;
            if answer.header("content-type").starts_with("text/html") {
                pages.push(answer.what);
            } else {
                answer.any_problem();
                assert!(
                    [404, 405].contains(&answer.status.as_u16()),
                    "{}: {}",
                    answer.what,
                    answer.status
                );
            }
        }
    }
    app.get("/api/unknown").await.problem(404, "no_such_route");
    assert!(pages.is_empty(), "these answer with a page: {pages:#?}");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn an_idempotency_key_repeats_the_answer_over_rest(pool: PgPool) {
    let app = App::new(pool).await;
    let send = async |path: &str, key: &[u8], body: String| {
        let request = Request::post(path)
            .header(header::CONTENT_TYPE, "application/json")
            .header("idempotency-key", key);
        app.send(request.body(Body::from(body)).unwrap()).await
    };
    let body = json!({"session_id": "s", "wave_number": 0, "tasks": [task("Snipper")]}).to_string();
    let submit = "/api/orchestration/batch-submit";
    let first = send(submit, b"k", body.clone()).await.json(201);
    assert_eq!(send(submit, b"k", body.clone()).await.json(201), first);
    assert_eq!(app.get("/api/subtasks").await.json(200)["subtasks"].as_array().unwrap().len(), 1);
    send(submit, b"k", body.replace("Do it", "Do that")).await.invalid("Idempotency-Key");
    // A key belongs to its route, and to the session in its path.
    let wave = json!({"wave_number": 1}).to_string();
    for session in ["s", "t"] {
        let path = format!("/api/waves/{session}/create");
        assert_eq!(
            send(&path, b"k", wave.clone()).await.json(201),
            send(&path, b"k", wave.clone()).await.json(201)
        );
    }
    send("/api/actions", b"k", json!({"session_id": "s", "tool_name": "x"}).to_string())
        .await
        .json(201);
    for wrong in [&b""[..], b" ", b"\xff", "\u{e9}".as_bytes(), b"a\tb", &[b'x'; 201]] {
        send(submit, wrong, body.clone()).await.invalid("Idempotency-Key");
    }
}
