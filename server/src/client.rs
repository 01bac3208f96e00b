//! The REST API from the outside: what the subcommands that talk to a running server use.

use std::time::Duration;

use serde_json::Value;

/// How long a call may take.
const PATIENCE: Duration = Duration::from_secs(40);

/// A server.
#[derive(Clone, Debug)]
pub struct Client {
    agent: ureq::Agent,
    url: String,
    token: Option<String>,
}

impl Client {
    /// The server at `url`, such as `http://127.0.0.1:3847`, with the token that it asks for.
    #[must_use]
    pub fn new(url: &str, token: Option<String>) -> Self {
        Self::patient(url, token, PATIENCE)
    }

    /// The same, waiting so long for each answer.
    #[must_use]
    pub fn patient(url: &str, token: Option<String>, patience: Duration) -> Self {
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(patience))
            .http_status_as_error(false)
            .build();
        Self { agent: config.into(), url: url.trim_end_matches('/').to_owned(), token }
    }

    /// Where the server is.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Reads.
    ///
    /// # Errors
    /// One sentence: the server's reason, or why it cannot be reached.
    pub fn get(&self, path: &str) -> Result<Value, String> {
        self.call("GET", path, None)
    }

    /// Calls with a body.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub fn post(&self, path: &str, body: &Value) -> Result<Value, String> {
        self.call("POST", path, Some(body))
    }

    /// Changes.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub fn patch(&self, path: &str, body: &Value) -> Result<Value, String> {
        self.call("PATCH", path, Some(body))
    }

    fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value, String> {
        let (status, value) = self.send(method, path, body)?;
        if (200..300).contains(&status) {
            return Ok(value);
        }
        let reason = value["detail"].as_str().unwrap_or("the server says no more");
        Err(format!("{method} {path}: {reason} ({status})"))
    }

    /// Any call: the status and the body of the answer, also of a refusal.
    ///
    /// # Errors
    /// Why the server cannot be reached.
    pub fn send(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(u16, Value), String> {
        let mut request =
            ureq::http::Request::builder().method(method).uri(format!("{}{path}", self.url));
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let body = body.map(Value::to_string).unwrap_or_default();
        if !body.is_empty() {
            request = request.header("content-type", "application/json");
        }
        let request = request.body(body).map_err(|error| error.to_string())?;
        let mut answer = self.agent.run(request).map_err(|error| {
            format!("no answer from {}: {error}. Is `swell serve` running there?", self.url)
        })?;
        let status = answer.status();
        let text = answer.body_mut().read_to_string().map_err(|error| error.to_string())?;
        Ok((status.as_u16(), serde_json::from_str(&text).unwrap_or_default()))
    }
}
