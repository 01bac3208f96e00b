//! The whole router over a test's own database, and what tests say often.

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Method, Request, StatusCode, header},
};
use clap::Parser;
use engine::Engine;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use sqlx::PgPool;
use swell::config::{Cli, Serve};
use tokio::sync::watch;
use tower::ServiceExt;

/// A server without a port.
pub struct App {
    pub router: Router,
    pub engine: Engine,
    pool: PgPool,
    /// Kept, because a server whose owner is gone stops.
    _stop: watch::Sender<bool>,
}

/// The configuration that these flags give.
pub fn serve(flags: &[&str]) -> Serve {
    Cli::parse_from(["swell"].iter().chain(flags)).serve
}

impl App {
    pub async fn new(pool: PgPool) -> Self {
        Self::with(pool, &[]).await
    }

    /// Started with these flags.
    pub async fn with(pool: PgPool, flags: &[&str]) -> Self {
        let engine = Engine::over(pool.clone()).await.unwrap();
        let (stop, stopping) = watch::channel(false);
        Self {
            router: swell::router::build(engine.clone(), &serve(flags), stopping),
            engine,
            pool,
            _stop: stop,
        }
    }

    /// The database, for another server over it.
    pub fn engine_pool(&self) -> PgPool {
        self.pool.clone()
    }

    pub async fn send(&self, mut request: Request<Body>) -> Answer {
        request.headers_mut().entry(header::HOST).or_insert("localhost:3847".parse().unwrap());
        let what = format!("{} {}", request.method(), request.uri());
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes().to_vec();
        Answer { what, status: parts.status, headers: parts.headers, body }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }

    /// A POST without a body.
    pub async fn poke(&self, path: &str) -> Answer {
        self.send(Request::post(path).body(Body::empty()).unwrap()).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.body(Method::POST, path, body.to_string()).await
    }

    pub async fn patch(&self, path: &str, body: &Value) -> Answer {
        self.body(Method::PATCH, path, body.to_string()).await
    }

    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        self.body(Method::PUT, path, body.to_string()).await
    }

    /// JSON, or what passes for it.
    pub async fn body(&self, method: Method, path: &str, body: impl Into<Body>) -> Answer {
        let request = Request::builder().method(method).uri(path);
        let request = request.header(header::CONTENT_TYPE, "application/json");
        self.send(request.body(body.into()).unwrap()).await
    }

    /// Submits these tasks and gives back the batch.
    pub async fn submit(&self, session: &str, wave: i32, tasks: Value) -> Value {
        let body = json!({"session_id": session, "wave_number": wave, "tasks": tasks});
        self.post("/api/orchestration/batch-submit", &body).await.json(201)["batch"].clone()
    }

    pub async fn start(&self, session: &str, wave: i32) -> Value {
        let path = format!("/api/waves/{session}/start");
        self.post(&path, &json!({"wave_number": wave})).await.json(200)
    }

    /// A running wave 0 with a batch of so many subtasks: its id and theirs.
    pub async fn running(&self, session: &str, tasks: usize) -> (String, Vec<String>) {
        let task = json!({"agent_type": "Snipper", "description": "Do it"});
        let batch = self.submit(session, 0, json!(vec![task; tasks])).await;
        self.start(session, 0).await;
        (text(&batch["id"]), texts(&batch["subtask_ids"]))
    }

    pub async fn move_to(&self, subtask: &str, status: &str) -> Answer {
        self.patch(&format!("/api/subtasks/{subtask}"), &json!({"status": status})).await
    }
}

pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

pub fn texts(value: &Value) -> Vec<String> {
    value.as_array().unwrap().iter().map(text).collect()
}

/// A bare task.
pub fn task(agent_type: &str) -> Value {
    json!({"agent_type": agent_type, "description": "Do it"})
}

/// What a request was answered.
#[derive(Debug)]
pub struct Answer {
    /// Method and path.
    pub what: String,
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The JSON of an answer of that status.
    #[track_caller]
    pub fn json(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}: {}", self.what, self.text());
        assert_eq!(self.header("content-type"), "application/json", "{}", self.what);
        self.hardened();
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The problem of that status and code, which has everything that every problem has.
    #[track_caller]
    pub fn problem(&self, status: u16, code: &str) -> Value {
        let problem = self.any_problem();
        assert_eq!(
            (self.status.as_u16(), &problem["code"]),
            (status, &json!(code)),
            "{}: {problem}",
            self.what
        );
        problem
    }

    /// Any 4xx or 503, whole.
    #[track_caller]
    pub fn any_problem(&self) -> Value {
        let (what, text) = (&self.what, self.text());
        let status = self.status.as_u16();
        assert!((400..500).contains(&status) || status == 503, "{what}: {status} {text}");
        assert_eq!(self.header("content-type"), "application/problem+json", "{what}: {text}");
        self.hardened();
        let problem: Value = serde_json::from_slice(&self.body).unwrap();
        assert_eq!(problem["type"], "about:blank", "{what}");
        assert_eq!(problem["status"], status, "{what}");
        for member in ["title", "detail", "error", "code"] {
            assert!(
                problem[member].as_str().is_some_and(|text| !text.is_empty()),
                "{what}: {problem}"
            );
        }
        assert_eq!(problem["detail"], problem["error"], "{what}");
        assert_eq!(problem.get("details").is_some(), status == 422, "{what}: {problem}");
        for (_, messages) in problem["details"].as_object().into_iter().flatten() {
            assert!(!texts(messages).is_empty(), "{what}: {problem}");
        }
        for inside in ["SELECT ", "INSERT ", "sqlx", "postgres", "/src/", ".rs:"] {
            assert!(!text.contains(inside), "{what} shows {inside}: {text}");
        }
        problem
    }

    /// The problem of a request that is not valid, which names the field.
    #[track_caller]
    pub fn invalid(&self, field: &str) -> Value {
        let problem = self.problem(422, "invalid");
        let named = problem["details"].as_object().unwrap().keys().any(|key| key.contains(field));
        assert!(named, "{}: {problem} does not name {field}", self.what);
        problem
    }

    #[track_caller]
    fn hardened(&self) {
        assert_eq!(self.header("x-content-type-options"), "nosniff", "{}", self.what);
        assert_eq!(self.header("x-frame-options"), "DENY", "{}", self.what);
        assert!(!self.header("content-security-policy").is_empty(), "{}", self.what);
        assert!(!self.header("x-request-id").is_empty(), "{}", self.what);
    }
}

/// Holds JSON against a pattern, whole: `<uuid>`, `<time>`, `<int>` and `<text>` stand for any such
/// value; everything else, also which members there are, must be the same.
#[track_caller]
pub fn assert_like(actual: &Value, pattern: &Value) {
    if let Err(difference) = like(actual, pattern, "$") {
        panic!("{difference}\nin {actual:#}");
    }
}

fn like(actual: &Value, pattern: &Value, at: &str) -> Result<(), String> {
    let fits = match (pattern, actual) {
        (Value::Object(wanted), Value::Object(there)) => {
            let (wanted_keys, keys): (Vec<_>, Vec<_>) =
                (wanted.keys().collect(), there.keys().collect());
            let missing: Vec<_> = wanted_keys.iter().filter(|key| !keys.contains(key)).collect();
            let extra: Vec<_> = keys.iter().filter(|key| !wanted_keys.contains(key)).collect();
            if !missing.is_empty() || !extra.is_empty() {
                return Err(format!("{at}: missing {missing:?}, unexpected {extra:?}"));
            }
            return wanted
                .iter()
                .try_for_each(|(key, value)| like(&there[key], value, &format!("{at}.{key}")));
        }
        (Value::Array(wanted), Value::Array(there)) if wanted.len() == there.len() => {
            return wanted
                .iter()
                .zip(there)
                .enumerate()
                .try_for_each(|(n, (wanted, there))| like(there, wanted, &format!("{at}[{n}]")));
        }
        (Value::String(pattern), actual) if pattern == "<int>" => actual.is_i64(),
        (Value::String(pattern), Value::String(text)) => match pattern.as_str() {
            "<text>" => !text.is_empty(),
            "<uuid>" => text.len() == 36 && text.parse::<uuid::Uuid>().is_ok(),
            "<time>" => {
                text.ends_with('Z') && text.parse::<chrono::DateTime<chrono::Utc>>().is_ok()
            }
            wanted => wanted == text,
        },
        (wanted, there) => wanted == there,
    };
    if fits { Ok(()) } else { Err(format!("{at}: {actual} is not {pattern}")) }
}
