//! The OpenAPI document and its page.

use std::collections::BTreeSet;

use serde_json::Value;
use sqlx::PgPool;

use crate::support::{App, text};

const ROUTES: &str = "
    POST /api/orchestration/batch-submit
    GET /api/orchestration/batch/{id}
    POST /api/orchestration/batch/{id}/complete
    POST /api/orchestration/batch/{id}/cancel
    GET /api/orchestration/synthesis/{id}
    GET /api/orchestration/conflicts/{id}
    POST /api/orchestration/craft-prompt
    POST /api/orchestration/decompose
    POST /api/orchestration/plans
    GET /api/orchestration/plans/{id}
    POST /api/orchestration/plans/{id}/launch
    POST /api/waves/{session_id}/create
    POST /api/waves/{session_id}/start
    POST /api/waves/{session_id}/transition
    POST /api/waves/{session_id}/retry-failed
    POST /api/waves/{session_id}/cancel
    POST /api/waves/{session_id}/approve
    GET /api/waves/{session_id}/current
    GET /api/waves/{session_id}/history
    GET /api/subtasks
    GET /api/subtasks/{id}
    PATCH /api/subtasks/{id}
    POST /api/subtasks/{id}/retry
    POST /api/subtasks/claim
    POST /api/subtasks/{id}/heartbeat
    GET /api/subtasks/{id}/attempts
    POST /api/subtasks/{id}/cancel
    POST /api/actions
    GET /api/actions
    POST /api/files/reserve
    POST /api/files/release
    GET /api/files
    POST /api/hooks/claude-code
    GET /api/sessions
    GET /api/sessions/{session_id}
    POST /api/sessions/{session_id}/pause
    POST /api/sessions/{session_id}/resume
    PUT /api/sessions/{session_id}/budget
    GET /api/sessions/{session_id}/leases
    GET /api/registry
    GET /api/registry/{agent_type}
    PUT /api/registry/{agent_type}
    DELETE /api/registry/{agent_type}
    GET /api/events
    GET /health
    GET /health/ready";

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn the_openapi_document_has_every_route_and_no_other(pool: PgPool) {
    let document = App::new(pool).await.get("/api/openapi.json").await.json(200);
    assert!(text(&document["openapi"]).starts_with("3."));
    let mut there = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            there.insert(format!("{} {path}", method.to_uppercase()));
            let responses = operation["responses"].as_object().unwrap();
            assert!(responses.keys().any(|status| status.starts_with('2')), "{method} {path}");
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                assert!(
                    !text(&parameter["description"]).is_empty(),
                    "{method} {path}: {parameter}"
                );
            }
            let in_path = path.matches('{').count();
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            assert_eq!(
                parameters.filter(|one| one["in"] == "path").count(),
                in_path,
                "{method} {path}"
            );
        }
    }
    let wanted: BTreeSet<String> =
        ROUTES.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect();
    assert_eq!(there, wanted);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn every_reference_in_the_openapi_document_resolves(pool: PgPool) {
    let document = App::new(pool).await.get("/api/openapi.json").await.json(200);
    fn references(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(map) => {
                found.extend(map.get("$ref").and_then(Value::as_str).map(str::to_owned));
                map.values().for_each(|value| references(value, found));
            }
            Value::Array(items) => items.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() > 20);
    for reference in found {
        let pointer =
            reference.strip_prefix('#').unwrap_or_else(|| panic!("{reference} is elsewhere"));
        assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn the_api_page_is_plain_html_with_nothing_from_elsewhere(pool: PgPool) {
    let page = App::new(pool).await.get("/api/docs").await;
    assert_eq!(page.status, 200);
    assert!(page.header("content-type").starts_with("text/html"));
    assert_eq!(page.header("x-content-type-options"), "nosniff");
    let policy = page.header("content-security-policy");
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    let html = page.text();
    for elsewhere in [
        "http://",
        "https://",
        "src=\"//",
        "href=\"//",
        "<script",
        "javascript:",
        "@import",
        " onclick",
    ] {
        assert!(!html.contains(elsewhere), "the page has {elsewhere}");
    }
    for line in ROUTES.lines().filter(|line| !line.trim().is_empty()) {
        let path = line.split_whitespace().nth(1).unwrap();
        assert!(html.contains(path), "{path} is not on the page");
    }
}
