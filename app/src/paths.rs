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

/// An address with more to its query; the names are plain words.
#[must_use]
pub fn with_query(mut path: String, query: &[(&str, String)]) -> String {
    for (name, value) in query {
        let mark = if path.contains('?') { '&' } else { '?' };
        let _ = write!(path, "{mark}{name}={}", encoded(value));
    }
    path
}

/// A session's page with the drawer open on a subtask.
#[must_use]
pub fn subtask(session_id: &str, id: Uuid) -> String {
    with_query(session(session_id), &[("subtask", id.to_string())])
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
pub fn sessions(search: Option<&str>, status: Option<&str>, cursor: Option<&str>) -> String {
    let query = [("q", search), ("status", status), ("cursor", cursor)];
    let given: Vec<_> =
        query.into_iter().filter_map(|(name, value)| Some((name, value?.to_owned()))).collect();
    with_query("/".to_owned(), &given)
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
        let id = Uuid::nil();
        assert_eq!(subtask("a", id), format!("/sessions/a?subtask={id}"));
        assert_eq!(subtask("..", id), format!("/sessions/_?id=..&subtask={id}"));
        assert_eq!(rel("100%"), Some("external"));
        assert_eq!(rel("a/b"), None);
    }

    #[test]
    fn the_list_keeps_its_search_while_paging() {
        assert_eq!(sessions(None, None, None), "/");
        assert_eq!(
            sessions(Some("a b"), Some("failed"), Some("x=")),
            "/?q=a%20b&status=failed&cursor=x%3D"
        );
        assert_eq!(sessions(None, None, Some("x")), "/?cursor=x");
    }
}
