//! Names from outside: what is within limits, and what can be in the database at all.

use domain::{check::Check, problem::Refusal};

use crate::Result;

/// Holds a session id from a path or a body to its limits.
pub fn check_session(session_id: &str) -> Result<()> {
    let mut check = Check::default();
    check.name("session_id", session_id);
    Ok(check.finish()?)
}

/// A name with a NUL, which Postgres does not take, names nothing.
pub fn may_exist(what: &'static str, name: &str) -> Result<()> {
    if name.contains('\0') {
        Err(Refusal::not_found(what, name.replace('\0', "\\0")).into())
    } else {
        Ok(())
    }
}
