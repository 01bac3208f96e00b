//! Where requests go, and their bytes.

use std::ops::Range;

use tokio::net::{TcpStream, lookup_host};

use crate::failure::Failure;

/// A server that accepted a connection.
#[derive(Debug)]
pub struct Target {
    /// Its address.
    pub addr: std::net::SocketAddr,
    /// `host:port` as the URL says it.
    pub authority: String,
    /// The API token.
    pub token: Option<String>,
}

impl Target {
    /// Finds the address of `url` that accepts connections.
    ///
    /// # Errors
    /// A URL that is not `http://host[:port]`, another machine without `allow_remote`, nobody there.
    pub async fn resolve(
        url: &str,
        token: Option<&str>,
        allow_remote: bool,
    ) -> Result<Self, Failure> {
        let authority = authority(url)?;
        if token.is_some_and(|token| !token.bytes().all(|byte| byte.is_ascii_graphic())) {
            return Err(Failure::new("the token must be visible ASCII"));
        }
        let addrs = lookup_host(&authority).await.map_err(|e| Failure::because(&authority, e))?;
        let mut last = Failure::new(format!("{authority} has no address"));
        for addr in addrs.take(8) {
            if !allow_remote && !addr.ip().is_loopback() {
                return Err(Failure::new(format!(
                    "{authority} is {}, not this machine; --allow-remote if that server is yours to load",
                    addr.ip()
                )));
            }
            match TcpStream::connect(addr).await {
                Ok(_) => {
                    return Ok(Self {
                        addr,
                        authority: authority.clone(),
                        token: token.map(str::to_owned),
                    });
                }
                Err(e) => last = Failure::because(&format!("no server at {authority} ({addr})"), e),
            }
        }
        Err(last)
    }

    /// The bytes of a request with a JSON body, or none.
    #[must_use]
    pub fn request(&self, method: &str, path: &str, body: Option<&str>) -> Vec<u8> {
        let mut head = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\naccept: application/json\r\n",
            self.authority
        );
        if let Some(token) = &self.token {
            head.push_str("authorization: Bearer ");
            head.push_str(token);
            head.push_str("\r\n");
        }
        match body {
            Some(body) => {
                head.push_str(&format!(
                    "content-type: application/json\r\ncontent-length: {}\r\n\r\n",
                    body.len()
                ));
                head.push_str(body);
            }
            None if method == "GET" => head.push_str("\r\n"),
            None => head.push_str("content-length: 0\r\n\r\n"),
        }
        head.into_bytes()
    }
}

fn authority(url: &str) -> Result<String, Failure> {
    let authority =
        url.strip_prefix("http://").map(|rest| rest.trim_end_matches('/')).unwrap_or_default();
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
    if authority.is_empty() || !authority.chars().all(plain) {
        return Err(Failure::new(format!("`{url}` is not of the form http://host:port")));
    }
    let has_port = authority.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    Ok(if has_port { authority.to_owned() } else { format!("{authority}:80") })
}

/// A request with one place that changes from one sending to the next.
#[derive(Clone, Debug)]
pub struct Template {
    bytes: Vec<u8>,
    slot: Range<usize>,
}

impl Template {
    /// Makes the first `mark` in the request that place.
    ///
    /// # Errors
    /// No `mark` in it.
    pub fn new(bytes: Vec<u8>, mark: &str) -> Result<Self, Failure> {
        let start = bytes.windows(mark.len().max(1)).position(|window| window == mark.as_bytes());
        let start = start.ok_or_else(|| Failure::new(format!("a template has no {mark}")))?;
        Ok(Self { bytes, slot: start..start + mark.len() })
    }

    /// The request with `value` in its place: right-aligned, padded with spaces, cut to its width.
    pub fn with(&mut self, value: &[u8]) -> &[u8] {
        let slot = &mut self.bytes[self.slot.clone()];
        slot.fill(b' ');
        for (to, from) in slot.iter_mut().rev().zip(value.iter().rev()) {
            *to = *from;
        }
        &self.bytes
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_a_host_and_a_port() {
        assert_eq!(authority("http://localhost:3847/").unwrap(), "localhost:3847");
        assert_eq!(authority("http://[::1]").unwrap(), "[::1]:80");
        for url in [
            "https://localhost",
            "localhost:1",
            "http://",
            "http://a@b",
            "http://a/b",
            "http://a\r\nb",
        ] {
            assert!(authority(url).is_err(), "{url}");
        }
    }

    #[tokio::test]
    async fn other_machines_are_refused() {
        let refused = Target::resolve("http://192.0.2.1:80", None, false).await.unwrap_err();
        assert!(refused.message.contains("--allow-remote"), "{refused}");
    }

    #[test]
    fn a_template_is_filled_from_the_right() {
        let mut template = Template::new(b"a ### b".to_vec(), "###").unwrap();
        assert_eq!(template.with(b"123"), b"a 123 b");
        assert_eq!(template.with(b"7"), b"a   7 b");
        assert!(Template::new(b"none".to_vec(), "###").is_err());
    }
}
