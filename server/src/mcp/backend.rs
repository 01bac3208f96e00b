//! Where calls go: the REST API of this process, or of a server elsewhere.

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Method, Request, header},
};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::client::Client;

/// A REST API.
#[derive(Clone, Debug)]
pub enum Backend {
    /// Of this process.
    Here(Router),
    /// Of another one.
    There(Client),
}

impl Backend {
    /// One call.
    ///
    /// # Errors
    /// Why not, for an agent to read: the server's reason with what is wrong field by field, or that it
    /// cannot be reached.
    pub async fn call(
        &self,
        method: &'static str,
        path: &str,
        body: Option<Value>,
    ) -> Result<Value, String> {
        let (status, answer) = match self {
            Self::Here(router) => here(router, method, path, body).await?,
            Self::There(client) => {
                let (client, path) = (client.clone(), path.to_owned());
                tokio::task::spawn_blocking(move || client.send(method, &path, body.as_ref()))
                    .await
                    .map_err(|error| error.to_string())??
            }
        };
        match status {
            200..300 if answer.is_null() => Err("The server's answer is no JSON.".to_owned()),
            200..300 => Ok(answer),
            _ => Err(reason(status, &answer)),
        }
    }

    /// Gives back what a claim took that nobody waits for any more.
    pub async fn give_back(&self, claimed: &Value) {
        for claim in claimed["claims"].as_array().into_iter().flatten() {
            let path =
                format!("/api/subtasks/{}", claim["subtask"]["id"].as_str().unwrap_or_default());
            let back = json!({ "status": "pending", "token": claim["lease"]["token"] });
            if let Err(reason) = self.call("PATCH", &path, Some(back)).await {
                // Its lease ends by itself.
                tracing::warn!(reason, "a claim that was called off could not be given back");
            }
        }
    }
}

async fn here(
    router: &Router,
    method: &'static str,
    path: &str,
    body: Option<Value>,
) -> Result<(u16, Value), String> {
    let mut request = Request::builder()
        .method(Method::from_bytes(method.as_bytes()).unwrap_or_default())
        .uri(path);
    if body.is_some() {
        request = request.header(header::CONTENT_TYPE, "application/json");
    }
    let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
    let request = request.body(body).map_err(|error| error.to_string())?;
    let response = match router.clone().oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    let status = response.status().as_u16();
    let bytes =
        to_bytes(response.into_body(), usize::MAX).await.map_err(|error| error.to_string())?;
    Ok((status, serde_json::from_slice(&bytes).unwrap_or_default()))
}

/// A refusal in words.
fn reason(status: u16, problem: &Value) -> String {
    let text = |field: &str| problem[field].as_str().unwrap_or_default();
    let mut reason = text("detail").to_owned();
    if reason.is_empty() {
        reason = format!("The server answered {status} and says no more.");
    }
    for (field, messages) in problem["details"].as_object().into_iter().flatten() {
        for message in messages.as_array().into_iter().flatten().filter_map(Value::as_str) {
            reason.push_str(&format!("\n- {field} {message}"));
        }
    }
    match text("code") {
        "" => reason,
        code => format!("{reason}\n(code: {code})"),
    }
}
