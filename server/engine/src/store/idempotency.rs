//! `idempotency_keys`

use domain::Time;

use super::Tx;
use crate::Result;

/// An answer that was given before.
#[derive(Debug)]
pub struct StoredAnswer {
    pub request_hash: Vec<u8>,
    pub response: String,
}

/// The answer of a key that is not a day old. Concurrent requests with one key go one after
/// another, until the transaction ends.
pub async fn find(tx: &mut Tx, scope: &str, key: &str, now: Time) -> Result<Option<StoredAnswer>> {
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtextextended($1 || ' ' || $2, 0))", scope, key)
        .execute(&mut **tx)
        .await?;
    Ok(sqlx::query_as!(
        StoredAnswer,
        r#"SELECT request_hash, response::text AS "response!" FROM idempotency_keys
           WHERE scope = $1 AND key = $2 AND created_at > $3::timestamptz - interval '24 hours'"#,
        scope,
        key,
        now
    )
    .fetch_optional(&mut **tx)
    .await?)
}

/// Keeps an answer, and lets go of a few that are older than a day.
pub async fn keep(
    tx: &mut Tx,
    scope: &str,
    key: &str,
    hash: &[u8],
    response: &str,
    now: Time,
) -> Result<()> {
    sqlx::query!(
        "WITH old AS (
             DELETE FROM idempotency_keys WHERE (scope, key) IN (
                 SELECT scope, key FROM idempotency_keys
                 WHERE created_at < $5::timestamptz - interval '24 hours' AND (scope, key) <> ($1, $2)
                 ORDER BY created_at LIMIT 20 FOR UPDATE SKIP LOCKED
             )
         )
         INSERT INTO idempotency_keys (scope, key, request_hash, response, created_at)
         VALUES ($1, $2, $3, $4::text::json, $5)
         ON CONFLICT (scope, key) DO UPDATE
         SET request_hash = excluded.request_hash, response = excluded.response,
             created_at = excluded.created_at",
        scope,
        key,
        hash,
        response,
        now
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}
