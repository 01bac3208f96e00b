//! The use-cases of Swell and their SQL.
//!
//! A use-case locks what it decides on, asks `domain`, writes, appends its events and commits: one
//! transaction, a fixed number of statements however much it touches.
//!
//! **Invariant:** every change to a session's rows is made while its row in `sessions` is held
//! ([`lock`]), so that a session's changes happen one after another and no two transactions can
//! wait for each other in a circle.
//!
//! **Invariant:** nothing here knows about HTTP, sockets or Leptos.

mod actions;
mod appender;
mod batches;
mod budgets;
mod cancel;
mod claims;
mod clock;
mod error;
mod events;
mod feed;
mod file_leases;
mod files;
mod find;
mod group;
mod hooks;
mod idempotency;
mod leases;
mod lock;
mod material;
mod names;
mod planning;
mod registry;
mod scopes;
mod sessions;
mod store;
mod subtasks;
mod tx;
mod waves;

use std::{sync::Arc, time::Duration};

use sqlx::{
    ConnectOptions, Connection,
    postgres::{PgConnectOptions, PgPool, PgPoolOptions},
};
use tokio::sync::watch;

pub use error::{Error, Result};
pub use feed::{Feed, FeedEvent, envelope};
pub use files::{Seen, SessionFiles};
pub use find::{Found, FoundAction, FoundBatch, FoundSubtask};
pub use idempotency::IdempotencyKey;
pub use store::subtasks::BatchRead;

/// The schema, as files in `migrations/`.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("../../migrations");

/// The use-cases over one database. Cheap to clone; every clone shares the same parts.
#[derive(Clone, Debug)]
pub struct Engine {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    pool: PgPool,
    patches: subtasks::Patches,
    actions: actions::Actions,
    claims: claims::Claims,
    plans: group::Group<domain::dto::Plan, bool>,
    feed: Feed,
    appender: appender::Waker,
    registry: registry::Cache,
    hurry: watch::Sender<bool>,
}

impl Engine {
    /// Opens a pool of at most `connections` connections and brings the schema up to date. Several
    /// servers may do so at once: migrations run under a lock.
    ///
    /// # Errors
    /// When the database cannot be reached or a migration fails.
    pub async fn connect(url: &str, connections: u32) -> Result<Self> {
        Self::migrate(url).await?;
        Self::over(Self::pool(url, connections).await?).await
    }

    /// Brings the schema up to date, however long that and waiting for another server that does so take.
    ///
    /// # Errors
    /// When the database cannot be reached or a migration fails.
    pub async fn migrate(url: &str) -> Result<()> {
        let options: PgConnectOptions = url.parse()?;
        let mut db = options.application_name("swell migrate").connect().await?;
        MIGRATOR.run(&mut db).await.map_err(Error::internal)?;
        Ok(db.close().await?)
    }

    /// A pool with the settings that every connection of Swell has.
    ///
    /// # Errors
    /// When the URL is malformed or the database cannot be reached.
    pub async fn pool(url: &str, connections: u32) -> Result<PgPool> {
        let options: PgConnectOptions = url.parse()?;
        let options = options.application_name("swell").options([
            // Every query has an index; with fresh tables the planner does not know that yet, and
            // prepared statements would keep its first choice.
            ("enable_seqscan", "off"),
            // Planning the larger statements takes longer than running them.
            ("plan_cache_mode", "force_generic_plan"),
            ("jit", "off"),
            ("statement_timeout", "30s"),
            ("lock_timeout", "10s"),
            ("idle_in_transaction_session_timeout", "60s"),
        ]);
        Ok(PgPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(Duration::from_secs(5))
            // A ping before every use would double the round trips of a read.
            .test_before_acquire(false)
            .connect_with(options)
            .await?)
    }

    /// Over an open pool whose schema is up to date; starts the engine's background tasks, which
    /// end when the last clone is dropped.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn over(pool: PgPool) -> Result<Self> {
        let feed = Feed::start(pool.clone()).await?;
        let appender = appender::start(pool.clone(), feed.waker());
        let inner = Arc::new(Inner {
            patches: subtasks::start_group(&pool, &appender),
            actions: actions::start_group(&pool, &appender),
            claims: claims::start_group(&pool, &appender),
            plans: planning::start_group(&pool),
            registry: registry::Cache::default(),
            hurry: watch::Sender::new(false),
            feed,
            appender,
            pool,
        });
        tokio::spawn(leases::keep(Arc::downgrade(&inner)));
        Ok(Self { inner })
    }

    /// The live events.
    #[must_use]
    pub fn feed(&self) -> &Feed {
        &self.inner.feed
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&self) -> Result<()> {
        store::ping(&self.inner.pool).await
    }

    /// Answers those who wait for work with what there is, now and from now on: the server is about to stop.
    pub fn hurry(&self) {
        self.inner.hurry.send_replace(true);
    }

    /// Closes the pool once the running statements have ended.
    pub async fn close(&self) {
        self.inner.pool.close().await;
    }

    fn pool_ref(&self) -> &PgPool {
        &self.inner.pool
    }

    /// Tells the appender that events were committed.
    fn committed(&self) {
        self.inner.appender.wake();
    }
}

/// How many migrations the database has not seen yet.
///
/// # Errors
/// When the database cannot be asked.
pub async fn pending_migrations(pool: &PgPool) -> Result<usize> {
    let applied = store::applied_migrations(pool).await?;
    Ok(MIGRATOR.iter().filter(|migration| !applied.contains(&migration.version)).count())
}

/// The major version of the database server.
///
/// # Errors
/// When the database cannot be asked.
pub async fn server_version(pool: &PgPool) -> Result<u32> {
    store::server_version(pool).await
}
