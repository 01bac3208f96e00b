//! Addresses of the pages. Session ids are free text, so they are percent-encoded here and nowhere
//! else.

use std::fmt::Write as _;

use uuid::Uuid;

/// One segment of a path, or one value of a query.
#[must_use]
pub fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            out.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// A session's page. Browsers take `.` and `..` out of a path in any spelling, so these two ids
/// travel in the query.
#[must_use]
pub fn session(id: &str) -> String {
    if matches!(id, "." | "..") {
        return format!("/sessions/_?id={}", encoded(id));
    }
    format!("/sessions/{}", encoded(id))
}

/// A batch's page.
#[must_use]
pub fn batch(id: Uuid) -> String {
    format!("/batches/{id}")
}

/// A stored plan's page.
#[must_use]
pub fn plan(id: &str) -> String {
    format!("/plan/{}", encoded(id))
}

/// A page of the list of sessions.
#[must_use]
pub fn sessions(search: Option<&str>, cursor: Option<&str>) -> String {
    let mut path = String::from("/");
    for (name, value) in [("q", search), ("cursor", cursor)] {
        if let Some(value) = value {
            let _ = write!(
                path,
                "{}{name}={}",
                if path.len() == 1 { '?' } else { '&' },
                encoded(value)
            );
        }
    }
    path
}

/// `rel` for a link: the router would decode a `%` in an id once too often, so the browser itself
/// follows such a link.
#[must_use]
pub fn rel(id: &str) -> Option<&'static str> {
    id.contains('%').then_some("external")
}

/// The first group of an id: enough to tell the batches of one session apart at a glance.
#[must_use]
pub fn short(id: Uuid) -> String {
    let text = id.simple().to_string();
    // The tail of a v7 id is random; its head is the time that neighbours share.
    text.get(24..).unwrap_or(&text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_session_id_makes_one_path_segment() {
        assert_eq!(session("plain-1"), "/sessions/plain-1");
        assert_eq!(session("a/b c?#%\"é"), "/sessions/a%2Fb%20c%3F%23%25%22%C3%A9");
        assert_eq!(session(".."), "/sessions/_?id=..");
        assert_eq!(rel("100%"), Some("external"));
        assert_eq!(rel("a/b"), None);
    }

    #[test]
    fn the_list_keeps_its_search_while_paging() {
        assert_eq!(sessions(None, None), "/");
        assert_eq!(sessions(Some("a b"), Some("x=")), "/?q=a%20b&cursor=x%3D");
        assert_eq!(sessions(None, Some("x")), "/?cursor=x");
    }
}
