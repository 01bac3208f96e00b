//! SQL, one file a table, and nothing else. Rows stay in here; what comes out are `domain` types.
//!
//! Every statement names its columns and is checked against the schema when Swell is compiled.

pub mod actions;
pub mod attempts;
pub mod batches;
pub mod events;
pub mod file_leases;
pub mod find;
pub mod idempotency;
pub mod plans;
pub mod registry;
pub mod sessions;
pub mod subtasks;
pub mod waves;

use sqlx::PgPool;

use crate::{Error, Result};

pub use crate::tx::Tx;

/// Whether the database answers.
pub async fn ping(pool: &PgPool) -> Result<()> {
    sqlx::query!(r#"SELECT 1 AS "one!""#).fetch_one(pool).await?;
    Ok(())
}

/// The major version of the database server.
pub async fn server_version(pool: &PgPool) -> Result<u32> {
    let number = sqlx::query_scalar!(
        r#"SELECT current_setting('server_version_num')::int / 10000 AS "major!""#
    )
    .fetch_one(pool)
    .await?;
    u32::try_from(number).map_err(Error::internal)
}

/// A name from a column whose CHECK allows only names that `parse` knows.
fn known<T>(parse: impl Fn(&str) -> Option<T>, name: &str) -> Result<T> {
    parse(name).ok_or_else(|| Error::internal(format!("unknown name `{name}` in the database")))
}

/// The text of a JSON column, handed on unparsed.
fn object(text: Option<String>) -> Result<Option<domain::json::JsonObject>> {
    Ok(text.map(domain::json::JsonObject::from_text).transpose()?)
}

/// The scope in a JSON column; null is one that says nothing.
fn scope(text: Option<String>) -> Result<domain::scope::Scope> {
    Ok(text.map(|text| serde_json::from_str(&text)).transpose()?.unwrap_or_default())
}

/// What was spent, as columns have it.
const fn usage(tokens_used: i64, cost_micros: i64) -> domain::usage::Usage {
    domain::usage::Usage { tokens_used, cost_usd: domain::usage::Usd(cost_micros) }
}

/// The budget in a JSON column; null limits nothing.
fn budget(text: Option<String>) -> Result<domain::usage::Budget> {
    Ok(text.map(|text| serde_json::from_str(&text)).transpose()?.unwrap_or_default())
}

/// The versions of the migrations that were applied; none in an empty database.
pub async fn applied_migrations(pool: &PgPool) -> Result<Vec<i64>> {
    // Not checked at compile time: the table is sqlx's own and comes with the first migration.
    let exists: Option<String> =
        sqlx::query_scalar("SELECT to_regclass('_sqlx_migrations')::text").fetch_one(pool).await?;
    if exists.is_none() {
        return Ok(Vec::new());
    }
    Ok(sqlx::query_scalar("SELECT version FROM _sqlx_migrations WHERE success")
        .fetch_all(pool)
        .await?)
}
