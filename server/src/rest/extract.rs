//! What a handler is given: parsed, or refused with a sentence that says what to send.

use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Request},
    http::{HeaderMap, StatusCode, header, request::Parts},
};
use domain::{json::Only, problem::Details};
use engine::IdempotencyKey;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::problem::Failure;

/// A JSON body.
#[derive(Debug)]
pub struct Body<T>(pub T);

/// A JSON body that may be left out.
#[derive(Debug)]
pub struct OptionalBody<T>(pub T);

/// The JSON body of a request that creates something, with its idempotency key if it has one.
#[derive(Debug)]
pub struct Create<T> {
    /// The body.
    pub request: T,
    /// The key.
    pub key: Option<IdempotencyKey>,
}

/// The query string.
#[derive(Debug)]
pub struct Query<T>(pub T);

/// One segment of the path, decoded.
#[derive(Debug)]
pub struct Segment(pub String);

impl Segment {
    /// The segment as an id; what is no id names nothing, which is a 404.
    ///
    /// # Errors
    /// 404.
    pub fn id(&self, what: &'static str) -> Result<Uuid, Failure> {
        self.0.parse().map_err(|_| Failure::not_found(what, &self.0))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Segment {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        axum::extract::Path::<String>::from_request_parts(parts, state)
            .await
            .map(|axum::extract::Path(segment)| Self(segment))
            .map_err(|_| {
                Failure::new(
                    StatusCode::BAD_REQUEST,
                    "malformed_path",
                    "The path is not valid UTF-8.",
                )
            })
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        axum::extract::Query::try_from_uri(&parts.uri)
            .map(|axum::extract::Query(query)| Self(query))
            .map_err(|error| {
                Failure::invalid(Details::from([("query".to_owned(), vec![error.body_text()])]))
            })
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        is_json(request.headers())?;
        parse(&bytes(request, state).await?).map(Self)
    }
}

impl<T: DeserializeOwned + Default, S: Send + Sync> FromRequest<S> for OptionalBody<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        let json = is_json(request.headers());
        let bytes = bytes(request, state).await?;
        if bytes.is_empty() {
            return Ok(Self(T::default()));
        }
        json?;
        parse(&bytes).map(Self)
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Create<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        is_json(request.headers())?;
        let header = request.headers().get("idempotency-key").cloned();
        let scope = format!("{} {}", request.method(), request.uri().path());
        let bytes = bytes(request, state).await?;
        let key = match header {
            Some(value) => {
                let value = value.to_str().map_err(|_| {
                    Failure::invalid(Details::from([(
                        "Idempotency-Key".to_owned(),
                        vec!["must be visible ASCII".to_owned()],
                    )]))
                })?;
                Some(IdempotencyKey::new(scope, value, &bytes)?)
            }
            None => None,
        };
        Ok(Self { request: parse(&bytes)?, key })
    }
}

fn is_json(headers: &HeaderMap) -> Result<(), Failure> {
    let kind =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if essence == "application/json"
        || (essence.starts_with("application/") && essence.ends_with("+json"))
    {
        return Ok(());
    }
    Err(Failure::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "unsupported_media_type",
        "Send JSON with the header Content-Type: application/json.",
    ))
}

async fn bytes<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Failure> {
    Bytes::from_request(request, state).await.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Failure::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too_large",
            "The body is larger than this server takes.",
        ),
        _ => {
            Failure::new(StatusCode::BAD_REQUEST, "unreadable_body", "The body could not be read.")
        }
    })
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Failure> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let parsed = serde_path_to_error::deserialize::<_, Only<T>>(&mut deserializer);
    let error = match parsed {
        Ok(Only(value)) => match deserializer.end() {
            Ok(()) => return Ok(value),
            Err(error) => return Err(malformed(&error)),
        },
        Err(error) => error,
    };
    // A wrong type is noticed before the rest is read, which may not be JSON at all.
    if let Err(malformation) = serde_json::from_slice::<serde::de::IgnoredAny>(bytes) {
        return Err(malformed(&malformation));
    }
    if !error.inner().is_data() {
        // serde_json calls a number or a list where a name is expected malformed.
        if error.inner().to_string().starts_with("expected value") {
            let messages =
                vec!["invalid type, expected one of the names that are allowed here".to_owned()];
            return Err(Failure::invalid(Details::from([(error.path().to_string(), messages)])));
        }
        return Err(malformed(error.inner()));
    }
    let path = error.path().to_string();
    let field = if path == "." { "body".to_owned() } else { path };
    // The position in the text says nothing that the field does not.
    let message = error.inner().to_string();
    let message = message.split(" at line ").next().unwrap_or_default().to_owned();
    Err(Failure::invalid(Details::from([(field, vec![message])])))
}

fn malformed(error: &serde_json::Error) -> Failure {
    Failure::new(
        StatusCode::BAD_REQUEST,
        "malformed_json",
        format!("The body is not valid JSON: {error}."),
    )
}
