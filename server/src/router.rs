//! The whole router: REST, server functions, socket and pages on one origin.

use std::{sync::Arc, time::Duration};

use axum::{
    Extension, Json, Router,
    extract::{DefaultBodyLimit, Request, State},
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::Response,
    routing,
};
use engine::Engine;
use tower::ServiceBuilder;
use tower_http::{
    compression::CompressionLayer,
    request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer},
    trace::TraceLayer,
};

use crate::{
    bodies::Bodies, config::Serve, docs, edge::Edge, mcp, pages, problem::Failure, rest, ws,
};

/// Builds the router. `stop` turns true when the server is asked to stop: sockets close then.
pub fn build(engine: Engine, config: &Serve, stop: tokio::sync::watch::Receiver<bool>) -> Router {
    let edge = Arc::new(Edge::new(config));
    let request_id = HeaderName::from_static("x-request-id");

    let (documented, api) = rest::routes().split_for_parts();
    let docs_page = docs::page(&api);
    let api = Arc::new(api);
    let rest = documented
        .route("/api/openapi.json", routing::get(move || async move { Json((*api).clone()) }))
        .route("/api/docs", routing::get(move || async move { docs_page.clone() }))
        .route("/api", routing::any(rest::no_route))
        .route("/api/", routing::any(rest::no_route))
        .route("/api/{*path}", routing::any(rest::no_route))
        .method_not_allowed_fallback(rest::no_method)
        .with_state(engine.clone())
        .layer(Extension(Arc::new(Bodies::new(config.read_cache))))
        .layer(Extension(rest::subtasks::LongestWait::within(config.request_timeout)));

    let limit = DefaultBodyLimit::max(config.body_limit);
    let mcp = mcp::router(rest.clone().layer(limit), config);
    let answers = rest
        .merge(mcp)
        .merge(pages::router(engine.clone(), config, Arc::clone(&edge)))
        .layer(middleware::from_fn_with_state(
            Duration::from_secs(config.request_timeout),
            limit_time,
        ))
        .layer(DefaultBodyLimit::max(config.body_limit))
        .layer(CompressionLayer::new());

    answers
        // Files are compressed when they are built, and a socket is no body.
        .merge(pages::files(config))
        .merge(ws::router(engine, stop))
        .layer(
            ServiceBuilder::new()
                .layer(SetRequestIdLayer::new(request_id.clone(), MakeRequestUuid))
                .layer(TraceLayer::new_for_http().make_span_with(span))
                .layer(PropagateRequestIdLayer::new(request_id))
                .layer(middleware::from_fn(harden))
                .layer(middleware::from_fn_with_state(edge, Edge::guard)),
        )
}

/// What is logged of a request: never its query, which may hold a token.
fn span(request: &Request) -> tracing::Span {
    let id = request
        .headers()
        .get("x-request-id")
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    tracing::info_span!("request", method = %request.method(), path = request.uri().path(), id)
}

/// Headers that every answer has; a page sets its own policy for scripts.
async fn harden(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // Not `no-referrer`: with it, a browser sends `Origin: null` with our own forms.
    headers.entry(header::REFERRER_POLICY).or_insert(HeaderValue::from_static("same-origin"));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(
        "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
    ));
    response
}

/// A request that takes too long is let go with a problem.
async fn limit_time(
    State(limit): State<Duration>,
    request: Request,
    next: Next,
) -> Result<Response, Failure> {
    tokio::time::timeout(limit, next.run(request)).await.map_err(|_| {
        Failure::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "timeout",
            "The request took too long; try again.",
        )
    })
}
