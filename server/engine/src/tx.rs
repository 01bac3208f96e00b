//! A transaction that is whole even when the one who wanted it goes away.
//!
//! sqlx knows of a transaction only once the statement that began it has answered. Swell's waits
//! for a lock first ([`crate::lock`]), and a caller that is dropped meanwhile, or a lock that is not
//! had in time, would leave a connection in the pool inside a transaction that nobody ends.

use std::ops::{Deref, DerefMut};

use sqlx::{AssertSqlSafe, PgConnection, PgPool, Postgres, Row, pool::PoolConnection, raw_sql};

use crate::Result;

/// A transaction; rolled back when it is dropped before [`Tx::commit`] has answered.
pub struct Tx {
    /// Taken when the transaction ends.
    connection: Option<PoolConnection<Postgres>>,
}

impl Tx {
    /// Begins a transaction.
    pub async fn begin(pool: &PgPool) -> Result<Self> {
        Self::begin_with(pool, "BEGIN".to_owned()).await
    }

    /// Begins one with a statement that starts with `BEGIN` and may do more in the same round trip.
    /// The caller vouches for its text.
    pub async fn begin_with(pool: &PgPool, statement: String) -> Result<Self> {
        let mut tx = Self { connection: Some(pool.acquire().await?) };
        raw_sql(AssertSqlSafe(statement)).execute(&mut *tx).await?;
        Ok(tx)
    }

    /// Like [`Tx::begin_with`]; answers with the first column of the rows that the statement reads, texts.
    pub async fn begin_reading(pool: &PgPool, statement: String) -> Result<(Self, Vec<String>)> {
        let mut tx = Self { connection: Some(pool.acquire().await?) };
        let rows = raw_sql(AssertSqlSafe(statement)).fetch_all(&mut *tx).await?;
        let texts = rows.iter().map(|row| row.try_get(0)).collect::<sqlx::Result<_>>()?;
        Ok((tx, texts))
    }

    /// Makes the changes last.
    pub async fn commit(mut self) -> Result<()> {
        raw_sql("COMMIT").execute(&mut *self).await?;
        self.connection = None;
        Ok(())
    }

    /// Undoes the changes.
    pub async fn rollback(mut self) -> Result<()> {
        raw_sql("ROLLBACK").execute(&mut *self).await?;
        self.connection = None;
        Ok(())
    }
}

impl Drop for Tx {
    fn drop(&mut self) {
        let Some(mut connection) = self.connection.take() else { return };
        // Without a runtime the connection ends with the process.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(async move {
            // Waits for the answer to whatever was under way first.
            if raw_sql("ROLLBACK").execute(&mut *connection).await.is_err() {
                let _ = connection.close().await;
            }
        });
    }
}

impl Deref for Tx {
    type Target = PgConnection;

    #[allow(
        clippy::expect_used,
        reason = "taken only by what ends the transaction and consumes it"
    )]
    fn deref(&self) -> &PgConnection {
        self.connection.as_ref().expect("the transaction has not ended")
    }
}

impl DerefMut for Tx {
    #[allow(
        clippy::expect_used,
        reason = "taken only by what ends the transaction and consumes it"
    )]
    fn deref_mut(&mut self) -> &mut PgConnection {
        self.connection.as_mut().expect("the transaction has not ended")
    }
}
