//! The appender: moves committed events from the outbox to the log and gives them positions.
//!
//! Every server runs one; a lock lets one at a time move rows, whoever wrote them. It runs after
//! commits of its own server, and now and then for what a server that died left behind.
//!
//! **Invariant:** positions are dense and become visible in order, because the lock is held through
//! the commit that makes them visible.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use sqlx::PgPool;
use tokio::sync::Notify;

use crate::{Result, store};

/// How long an event of a server that died may stay unseen.
const IDLE: Duration = Duration::from_millis(1_000);
/// How long to let events gather after a pass that moved more than one: under load, many share a
/// commit; a lone event is not held up.
const GATHER: Duration = Duration::from_millis(8);
/// Most rows in one pass.
pub const LARGEST: i64 = 2_000;

/// Wakes the appender; coalesced, never blocks.
#[derive(Clone, Debug)]
pub struct Waker(Arc<Notify>);

impl Waker {
    /// Events were committed.
    pub fn wake(&self) {
        self.0.notify_one();
    }
}

/// Starts the appender; it ends when the last waker is dropped.
pub fn start(pool: PgPool, readers: Waker) -> Waker {
    let notify = Arc::new(Notify::new());
    tokio::spawn(run(pool, Arc::downgrade(&notify), readers));
    Waker(notify)
}

/// A waker of its own, for those who wait.
pub fn waker() -> (Waker, Arc<Notify>) {
    let notify = Arc::new(Notify::new());
    (Waker(Arc::clone(&notify)), notify)
}

async fn run(pool: PgPool, notify: Weak<Notify>, readers: Waker) {
    loop {
        let Some(woken) = notify.upgrade() else { return };
        let timed_out = tokio::time::timeout(IDLE, woken.notified()).await.is_err();
        // Holding it while waiting for the database would keep this task alive for nothing.
        drop(woken);
        if timed_out && !matches!(store::events::outbox_has_rows(&pool).await, Ok(true)) {
            if pool.is_closed() {
                return;
            }
            continue;
        }
        loop {
            match pass(&pool).await {
                Ok(moved) => {
                    if moved > 0 {
                        readers.wake();
                    }
                    if moved > 1 {
                        tokio::time::sleep(GATHER).await;
                    }
                    if moved < LARGEST {
                        break;
                    }
                }
                Err(error) => {
                    if !pool.is_closed() {
                        tracing::warn!(%error, "the appender could not move events; it tries again");
                    }
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    break;
                }
            }
        }
    }
}

/// Moves what is committed; says how many.
pub async fn pass(pool: &PgPool) -> Result<i64> {
    let mut tx = store::events::lock_log(pool).await?;
    let moved = store::events::append(&mut tx, LARGEST).await?;
    tx.commit().await?;
    Ok(moved)
}
