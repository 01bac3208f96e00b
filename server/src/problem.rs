//! Errors as answers: `application/problem+json` (RFC 9457).

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::problem::{Details, Problem, Refusal};

/// A request that was not done, on its way out.
#[derive(Debug)]
pub struct Failure(pub Box<Problem>);

/// The result of a handler.
pub type Answer<T> = Result<T, Failure>;

impl Failure {
    /// A problem of that status.
    pub fn new(status: StatusCode, code: &str, detail: impl Into<String>) -> Self {
        let title = status.canonical_reason().unwrap_or("Error");
        Self(Box::new(Problem::new(status.as_u16(), title, code, detail)))
    }

    /// 422 with its details.
    #[must_use]
    pub fn invalid(details: Details) -> Self {
        engine::Error::from(Refusal::Invalid(details)).into()
    }

    /// 404: there is no `what` of that id.
    pub fn not_found(what: &'static str, id: &str) -> Self {
        engine::Error::from(Refusal::not_found(what, id)).into()
    }
}

impl From<engine::Error> for Failure {
    fn from(error: engine::Error) -> Self {
        match &error {
            engine::Error::Internal(reason) => tracing::error!(%reason, "internal error"),
            engine::Error::Unavailable(reason) => {
                tracing::warn!(%reason, "the database is not available")
            }
            engine::Error::Busy => tracing::warn!("a session is held for too long"),
            engine::Error::Refused(_) => {}
        }
        Self(Box::new(error.to_problem()))
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        engine::Error::from(refusal).into()
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let status =
            StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(*self.0)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
