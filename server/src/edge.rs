//! The edge: who may talk to this server at all.
//!
//! Two things are told apart. *Where a request comes from*: a web page that a developer happens to
//! visit must not be able to drive a Swell on their machine, neither across origins (Origin) nor by
//! a name that suddenly points here (Host). *Who sends it*: with an API token, everyone must show
//! it; without one, the server listens on loopback only ([`Edge::may_listen`]).

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::{config::Serve, problem::Failure};

/// The cookie that a person gets for the token.
pub const COOKIE: &str = "swell_token";
/// Shortest API token; characters.
pub const TOKEN_LENGTH: usize = 16;

/// The rules of one server.
#[derive(Debug)]
pub struct Edge {
    token: Option<String>,
    hosts: Vec<String>,
    origins: Vec<String>,
}

impl Edge {
    /// The rules that the configuration asks for.
    #[must_use]
    pub fn new(config: &Serve) -> Self {
        let mut hosts = vec!["localhost".to_owned()];
        hosts.extend(config.allow_hosts.iter().map(|host| host.trim().to_ascii_lowercase()));
        Self {
            token: config.api_token.clone(),
            hosts,
            origins: config
                .allow_origins
                .iter()
                .map(|origin| origin.trim().trim_end_matches('/').to_ascii_lowercase())
                .collect(),
        }
    }

    /// Whether a server may listen there with that token.
    ///
    /// # Errors
    /// A sentence that says what to change.
    pub fn may_listen(address: SocketAddr, token: Option<&str>) -> Result<(), String> {
        match token {
            Some(token) if token.chars().count() < TOKEN_LENGTH => {
                Err(format!("the API token must have at least {TOKEN_LENGTH} characters"))
            }
            None if !address.ip().is_loopback() => Err(format!(
                "{address} can be reached from other machines: set an API token (SWELL_API_TOKEN, at least \
                 {TOKEN_LENGTH} characters), or listen on 127.0.0.1"
            )),
            _ => Ok(()),
        }
    }

    /// Whether people must log in.
    #[must_use]
    pub const fn has_token(&self) -> bool {
        self.token.is_some()
    }

    /// Whether this is the token.
    #[must_use]
    pub fn is_token(&self, shown: &str) -> bool {
        // Hashed first: then the time says nothing about the length either.
        self.token
            .as_ref()
            .is_none_or(|token| Sha256::digest(token).ct_eq(&Sha256::digest(shown)).into())
    }

    /// What the cookie of a person who showed the token holds: not the token itself.
    #[must_use]
    pub fn cookie_value(&self) -> String {
        let digest = Sha256::new()
            .chain_update("swell cookie ")
            .chain_update(self.token.as_deref().unwrap_or_default())
            .finalize();
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The middleware: lets a request through, or answers it.
    pub async fn guard(State(edge): State<Arc<Self>>, request: Request, next: Next) -> Response {
        let (headers, uri) = (request.headers(), request.uri());
        if let Err(refusal) = edge.check_source(headers, uri, request.method()) {
            return refusal.into_response();
        }
        if edge.shows_token(headers, uri) || is_open(uri.path()) {
            return next.run(request).await;
        }
        let is_page = request.method() == Method::GET
            && !["/api", "/ws", "/_fn", "/health", "/mcp"].iter().any(|prefix| {
                uri.path()
                    .strip_prefix(prefix)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            });
        if is_page {
            let next = uri.path().replace('%', "%25").replace('&', "%26").replace('+', "%2B");
            return Redirect::to(&format!("/login?next={next}")).into_response();
        }
        Failure::new(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            "This server needs its API token: send Authorization: Bearer <token>.",
        )
        .into_response()
    }

    fn check_source(&self, headers: &HeaderMap, uri: &Uri, method: &Method) -> Result<(), Failure> {
        let forbidden =
            |code: &str, detail: &str| Failure::new(StatusCode::FORBIDDEN, code, detail);
        let host = headers
            .get(header::HOST)
            .and_then(|host| host.to_str().ok())
            .or_else(|| uri.authority().map(|authority| authority.as_str()))
            .map(str::to_ascii_lowercase)
            .ok_or_else(|| forbidden("host_not_allowed", "The request has no Host header."))?;
        if !self.knows_host(&host) {
            return Err(forbidden(
                "host_not_allowed",
                "This server does not go by that name; start it with --allow-host to allow it.",
            ));
        }
        let not_same = "This server takes no requests from pages of other origins; start it with --allow-origin to allow one.";
        if let Some(origin) = headers.get(header::ORIGIN) {
            let origin = origin.to_str().unwrap_or_default().to_ascii_lowercase();
            let same = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"))
                == Some(&*host);
            if !same && !self.origins.contains(&origin) {
                return Err(forbidden("origin_not_allowed", not_same));
            }
        } else if !matches!(*method, Method::GET | Method::HEAD) {
            // A browser that leaves Origin out still says where the page is from.
            let site = headers.get("sec-fetch-site").and_then(|site| site.to_str().ok());
            if matches!(site, Some("cross-site" | "same-site")) {
                return Err(forbidden("origin_not_allowed", not_same));
            }
        }
        Ok(())
    }

    /// A name is known or it is an address: only names can be made to point elsewhere.
    fn knows_host(&self, host: &str) -> bool {
        let name = match host.strip_prefix('[') {
            Some(rest) => rest.split(']').next().unwrap_or_default(),
            None => host.rsplit_once(':').map_or(host, |(name, _)| name),
        };
        name.parse::<IpAddr>().is_ok() || self.hosts.iter().any(|known| known == name)
    }

    fn shows_token(&self, headers: &HeaderMap, uri: &Uri) -> bool {
        if self.token.is_none() {
            return true;
        }
        let bearer = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim());
        if bearer.is_some_and(|token| self.is_token(token)) {
            return true;
        }
        // Browsers cannot set headers on a socket; scripts may use the query there, and only there.
        let query = uri.path() == "/ws";
        if query && query_value(uri, "token").is_some_and(|token| self.is_token(&token)) {
            return true;
        }
        let wanted = self.cookie_value();
        cookies(headers)
            .any(|(name, value)| name == COOKIE && wanted.as_bytes().ct_eq(value.as_bytes()).into())
    }
}

/// What needs no token: to log in, to be watched over, and what a page is made of.
fn is_open(path: &str) -> bool {
    matches!(path, "/login" | "/health" | "/health/ready" | "/favicon.svg")
        || path.starts_with("/pkg/")
}

fn cookies(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    headers
        .get_all(header::COOKIE)
        .into_iter()
        .filter_map(|value: &HeaderValue| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
}

fn query_value(uri: &Uri, wanted: &str) -> Option<String> {
    let query = axum::extract::Query::<Vec<(String, String)>>::try_from_uri(uri).ok()?;
    query.0.into_iter().find(|(name, _)| name == wanted).map(|(_, value)| value)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn edge(hosts: &[&str]) -> Edge {
        Edge {
            token: None,
            hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
            origins: vec!["https://tools.example".to_owned()],
        }
    }

    fn source(host: &str, origin: Option<&str>) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().unwrap());
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, origin.parse().unwrap());
        }
        edge(&["localhost", "swell.internal"])
            .check_source(&headers, &Uri::from_static("/api/x"), &Method::POST)
            .is_ok()
    }

    #[test]
    fn known_names_and_addresses_are_hosts_and_others_are_not() {
        for host in [
            "localhost",
            "localhost:3847",
            "127.0.0.1:3847",
            "[::1]:3847",
            "swell.internal",
            "192.168.1.5:80",
        ] {
            assert!(source(host, None), "{host}");
        }
        for host in ["evil.example", "localhost.evil.example:3847", "127.0.0.1.evil.example", ""] {
            assert!(!source(host, None), "{host}");
        }
    }

    #[test]
    fn only_the_same_origin_or_an_allowed_one_may_send() {
        assert!(source("localhost:3847", Some("http://localhost:3847")));
        assert!(source("localhost:3847", Some("https://tools.example")));
        for origin in [
            "http://localhost:9999",
            "http://evil.example",
            "null",
            "http://127.0.0.1:3847",
            "file://",
        ] {
            assert!(!source("localhost:3847", Some(origin)), "{origin}");
        }
    }

    #[test]
    fn listening_beyond_loopback_needs_a_token_of_some_length() {
        let (near, far) = ("127.0.0.1:1".parse().unwrap(), "0.0.0.0:1".parse().unwrap());
        assert!(Edge::may_listen(near, None).is_ok());
        assert!(Edge::may_listen(far, None).is_err());
        assert!(Edge::may_listen(far, Some("short")).is_err());
        assert!(Edge::may_listen(far, Some("0123456789abcdef")).is_ok());
    }
}
