//! Who may talk to the server at all: hosts, origins, the token.

use axum::{
    body::Body,
    http::{Method, Request, header},
};
use serde_json::json;
use sqlx::PgPool;

use crate::support::{Answer, App};

const TOKEN: &str = "0123456789abcdef";

/// Sends a request with these headers.
async fn send(app: &App, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    app.send(request.body(Body::empty()).unwrap()).await
}

/// Everything that a server does behind one address.
const EVERYWHERE: [(&str, &str); 9] = [
    ("GET", "/api/sessions"),
    ("POST", "/api/waves/s/transition"),
    ("GET", "/api/openapi.json"),
    ("GET", "/api/docs"),
    ("POST", "/_fn/sessions"),
    ("GET", "/ws"),
    ("GET", "/"),
    ("GET", "/health"),
    ("POST", "/login"),
];

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_request_by_a_name_that_is_not_the_servers_is_refused_everywhere(pool: PgPool) {
    let app = App::with(pool, &["--allow-host", "swell.internal"]).await;
    let names = [
        "evil.example",
        "evil.example:3847",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "localhost@evil.example",
        "",
        "swell.internal.evil",
    ];
    for (method, path) in EVERYWHERE {
        for host in names {
            send(&app, method, path, &[("host", host)]).await.problem(403, "host_not_allowed");
        }
        for host in
            ["localhost", "LOCALHOST:3847", "127.0.0.1:3847", "[::1]:3847", "swell.internal:80"]
        {
            assert_ne!(
                send(&app, method, path, &[("host", host)]).await.status,
                403,
                "{host}{path}"
            );
        }
    }
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_page_of_another_origin_cannot_send_anything(pool: PgPool) {
    let app = App::with(pool, &["--allow-origin", "https://tools.example"]).await;
    let origins = [
        "http://evil.example",
        "null",
        "http://localhost:9999",
        "http://localhost:3847.evil.example",
        "file://",
        "",
        "https://tools.example.evil",
    ];
    for (method, path) in EVERYWHERE {
        for origin in origins {
            let answer =
                send(&app, method, path, &[("host", "localhost:3847"), ("origin", origin)]).await;
            answer.problem(403, "origin_not_allowed");
        }
        for origin in ["http://localhost:3847", "https://tools.example"] {
            let answer =
                send(&app, method, path, &[("host", "localhost:3847"), ("origin", origin)]).await;
            assert_ne!(answer.status, 403, "{origin} {path}");
        }
    }
    for site in ["cross-site", "same-site"] {
        let answer =
            send(&app, "POST", "/api/waves/s/transition", &[("sec-fetch-site", site)]).await;
        answer.problem(403, "origin_not_allowed");
    }
    send(&app, "GET", "/api/sessions", &[("sec-fetch-site", "cross-site")]).await.json(200);
    send(&app, "POST", "/api/waves/s/transition", &[("sec-fetch-site", "same-origin")])
        .await
        .problem(404, "not_found");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn no_answer_invites_other_origins(pool: PgPool) {
    let app = App::new(pool).await;
    let headers = [("origin", "http://localhost:3847"), ("access-control-request-method", "POST")];
    for (method, path) in
        [("OPTIONS", "/api/sessions"), ("GET", "/api/sessions"), ("OPTIONS", "/_fn/sessions")]
    {
        let answer = send(&app, method, path, &headers).await;
        assert!(answer.headers.get("access-control-allow-origin").is_none(), "{method} {path}");
    }
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn with_a_token_everyone_must_show_it(pool: PgPool) {
    let app = App::with(pool, &["--api-token", TOKEN]).await;
    for (method, path) in [
        ("GET", "/api/sessions"),
        ("POST", "/api/waves/s/transition"),
        ("GET", "/api/openapi.json"),
        ("GET", "/api/docs"),
        ("POST", "/_fn/sessions"),
        ("GET", "/ws"),
        ("GET", "/api/unknown"),
        ("DELETE", "/api/registry/x"),
        ("POST", "/"),
    ] {
        let cookie = format!("swell_token={TOKEN}");
        let wrong: [&[(&str, &str)]; 6] = [
            &[],
            &[("authorization", "Bearer wrong-wrong-wrong")],
            &[("authorization", TOKEN)],
            &[("authorization", "Basic 0123456789abcdef")],
            &[("authorization", "Bearer ")],
            &[("cookie", &cookie)],
        ];
        for headers in wrong {
            let answer = send(&app, method, path, headers).await;
            answer.problem(401, "unauthorized");
            assert_eq!(answer.header("www-authenticate"), "Bearer");
        }
        for scheme in ["Bearer", "bearer"] {
            let bearer = format!("{scheme} {TOKEN}");
            assert_ne!(
                send(&app, method, path, &[("authorization", &bearer)]).await.status,
                401,
                "{path}"
            );
        }
    }
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn the_token_in_a_query_opens_the_socket_and_nothing_else(pool: PgPool) {
    let app = App::with(pool, &["--api-token", TOKEN]).await;
    for path in ["/api/sessions", "/ws/", "/ws/x", "/_fn/x"] {
        send(&app, "POST", &format!("{path}?token={TOKEN}"), &[])
            .await
            .problem(401, "unauthorized");
    }
    send(&app, "GET", &format!("/ws?token={TOKEN}x"), &[]).await.problem(401, "unauthorized");
    send(&app, "GET", "/ws?token=", &[]).await.problem(401, "unauthorized");
    // Let in, but it is no upgrade.
    assert_ne!(send(&app, "GET", &format!("/ws?x=1&token={TOKEN}"), &[]).await.status, 401);
    let page = send(&app, "GET", &format!("/?token={TOKEN}"), &[]).await;
    assert_eq!((page.status.as_u16(), page.header("location")), (303, "/login?next=/"));
}

async fn login(app: &App, body: &str) -> Answer {
    let request =
        Request::post("/login").header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    app.send(request.body(Body::from(body.to_owned())).unwrap()).await
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_person_logs_in_with_the_token_and_gets_a_cookie_that_is_not_the_token(pool: PgPool) {
    let app = App::with(pool, &["--api-token", TOKEN]).await;
    for path in ["/", "/sessions/s", "/plan"] {
        let page = send(&app, "GET", path, &[]).await;
        assert!(
            page.status.is_redirection() && page.header("location").starts_with("/login"),
            "{path}: {}",
            page.status
        );
    }
    let form = send(&app, "GET", "/login", &[]).await;
    assert_eq!(form.status, 200);
    assert!(form.text().contains("action=\"/login\""));

    let wrong = login(&app, "token=wrong").await;
    assert_eq!((wrong.status.as_u16(), wrong.header("location")), (303, "/login?error=1"));
    assert!(wrong.headers.get("set-cookie").is_none());
    let right = login(&app, &format!("token={TOKEN}&next=%2Fplan")).await;
    assert_eq!((right.status.as_u16(), right.header("location")), (303, "/plan"));
    let cookie = right.header("set-cookie").to_owned();
    for part in ["HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(cookie.split("; ").any(|there| there == part), "{cookie}");
    }
    assert!(!cookie.contains(TOKEN));
    let pair = cookie.split(';').next().unwrap();
    assert_eq!(send(&app, "GET", "/", &[("cookie", pair)]).await.status, 200);
    send(&app, "GET", "/api/sessions", &[("cookie", &format!("other=1; {pair}"))]).await.json(200);
    send(&app, "GET", "/api/sessions", &[("cookie", &format!("{pair}0"))])
        .await
        .problem(401, "unauthorized");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn the_login_leads_to_paths_of_this_server_only(pool: PgPool) {
    let app = App::with(pool, &["--api-token", TOKEN]).await;
    for next in [
        "https://evil.example",
        "//evil.example",
        "/%5Cevil.example",
        "%5C%5Cevil.example",
        "javascript:alert(1)",
        "",
        "evil",
        "/%0D%0ASet-Cookie:x=1",
        "/%09/evil.example",
        "%2F%2Fevil.example",
        "/x%0Ay",
    ] {
        let answer = login(&app, &format!("token={TOKEN}&next={next}")).await;
        assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/"), "{next}");
    }
    let answer = login(&app, &format!("token={TOKEN}&next=/sessions/a%2520b?x=1")).await;
    assert_eq!(answer.header("location"), "/sessions/a%20b?x=1");
    assert!(login(&app, "nothing=1").await.status.is_client_error());
    assert!(login(&app, &"x".repeat(5 * 1024 * 1024)).await.status.is_client_error());
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn health_needs_no_token(pool: PgPool) {
    let app = App::with(pool, &["--api-token", TOKEN]).await;
    app.get("/health").await.json(200);
    app.get("/health/ready").await.json(200);
    send(&app, "GET", "/healthy", &[]).await;
    app.body(Method::POST, "/health/x", json!({}).to_string()).await.problem(401, "unauthorized");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn pages_have_a_strict_policy_and_no_inline_handlers(pool: PgPool) {
    let app = App::new(pool).await;
    let name = "</title><script>alert(1)</script>";
    let task = json!({"agent_type": "\"><img src=x onerror=alert(1)>", "description": "</script><script>alert(2)</script>"});
    app.submit(name, 0, json!([task])).await;
    let session = "/sessions/%3C%2Ftitle%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E";
    let agent = "%22%3E%3Cimg%20src=x%20onerror=alert(1)%3E";
    let (wave, prompt, plan) =
        (format!("{session}/waves/0"), format!("/prompt?agent={agent}"), format!("/plans/{agent}"));
    let search = "/?search=%3Cscript%3Ealert(3)%3C%2Fscript%3E";
    for path in
        ["/", "/plan", "/prompt", "/login", session, &wave, &prompt, &plan, "/no-such-page", search]
    {
        let page = app.get(path).await;
        assert!(!page.status.is_server_error(), "{path}: {} {}", page.status, page.text());
        let policy = page.header("content-security-policy");
        assert!(
            policy.contains("'nonce-") && policy.contains("frame-ancestors 'none'"),
            "{path}: {policy}"
        );
        let scripts = policy.split(';').find(|part| part.trim().starts_with("script-src")).unwrap();
        assert!(
            !scripts.contains("unsafe-inline") && !scripts.contains("'unsafe-eval'"),
            "{path}: {policy}"
        );
        assert_eq!(
            (page.header("x-frame-options"), page.header("x-content-type-options")),
            ("DENY", "nosniff"),
            "{path}"
        );
        // Never to another origin.
        assert!(["no-referrer", "same-origin"].contains(&page.header("referrer-policy")), "{path}");
        let html = page.text();
        for forbidden in ["<script>alert", "<img src=x", " onclick=", " onload=", "javascript:"] {
            let at = html
                .find(forbidden)
                .map(|at| &html[at.saturating_sub(60)..(at + 60).min(html.len())]);
            assert_eq!(at, None, "{path}");
        }
        for script in html.split("<script").skip(1) {
            let tag = script.split('>').next().unwrap();
            assert!(tag.contains("nonce=") || tag.contains("src="), "{path}: <script{tag}>");
        }
    }
    let nonce = async || app.get("/").await.header("content-security-policy").to_owned();
    assert_ne!(nonce().await, nonce().await, "a nonce is used once");
}
