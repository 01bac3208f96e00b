//! The session's lock when it is not had: the wait ends, and the connection is as good as new.

use std::time::Duration;

use domain::dto::OnOverlap;
use domain::{dto::StartWave, subtask::SubtaskStatus};
use engine::{Engine, Error};
use sqlx::{
    Postgres, Transaction,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use crate::support::{Db, batch, run, submit, task, to};

/// A server whose work all goes over one connection (another listens), and that waits for no lock
/// longer than this.
async fn server(db: &Db, lock_timeout: &'static str) -> Engine {
    let options: PgConnectOptions = db.url.parse().unwrap();
    let options = options.options([("lock_timeout", lock_timeout)]);
    let pool = PgPoolOptions::new().max_connections(2).connect_with(options).await.unwrap();
    Engine::over(pool).await.unwrap()
}

/// Holds the session's row, as another server's change does.
async fn hold(db: &Db, session: &str) -> Transaction<'static, Postgres> {
    let mut holder = db.sql.begin().await.unwrap();
    let hold = "SELECT 1 FROM sessions WHERE session_id = $1 FOR UPDATE";
    sqlx::query(hold).bind(session).execute(&mut *holder).await.unwrap();
    holder
}

const FIRST: StartWave = StartWave { wave_number: 0, force: false };

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_lock_that_is_not_had_in_time_leaves_the_connection_usable(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    run(options, async |db| {
        let server = server(&db, "100ms").await;
        let batch = submit(&server, "s", 0, vec![task("Snipper")]).await;
        let (id, subtask) = (batch.batch.id, batch.subtask_ids[0]);
        let holder = hold(&db, "s").await;
        for _ in 0..2 {
            let answers = [
                server.start_wave("s", FIRST).await.map(drop),
                server.complete_batch(id, false).await.map(drop),
                server.retry_subtask(subtask).await.map(drop),
                server.patch_subtask(subtask, to(SubtaskStatus::Failed)).await.map(drop),
            ];
            for answer in answers {
                assert!(matches!(answer, Err(Error::Unavailable(_))), "{answer:?}");
            }
            server.ping().await.unwrap();
            assert_eq!(server.batch(id).await.unwrap().subtasks.len(), 1);
        }
        holder.rollback().await.unwrap();
        server.start_wave("s", FIRST).await.unwrap();
        db.assert_counters().await;
    });
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_caller_that_goes_away_while_it_waits_for_the_lock_leaves_no_transaction_open(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    run(options, async |db| {
        let server = server(&db, "10s").await;
        submit(&server, "s", 0, vec![task("Snipper")]).await;
        db.log(&server).await;
        let holder = hold(&db, "s").await;
        // A client that hangs up ends its handler where it stands.
        let gone = tokio::time::timeout(Duration::from_millis(200), server.start_wave("s", FIRST));
        assert!(gone.await.is_err());
        holder.rollback().await.unwrap();
        // What is answered as done is committed, and not part of a transaction that nobody ends.
        let request = batch("t", 0, vec![task("Snipper")]);
        server.submit_batch(request, OnOverlap::Warn, None).await.unwrap();
        assert_eq!(
            db.count("SELECT count(*) FROM orchestration_batches WHERE session_id = 't'").await,
            1
        );
        let idle = "SELECT count(*) FROM pg_stat_activity
                    WHERE datname = current_database() AND state LIKE 'idle in transaction%'";
        db.until("no transaction is left open", idle, 0).await;
    });
}
