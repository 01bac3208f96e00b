//! The session's lock when it is not had: the wait ends, and the connection is as good as new.

use std::time::Duration;

use domain::dto::OnOverlap;
use domain::{dto::StartWave, subtask::SubtaskStatus};
use engine::{Engine, Error};
use serde_json::json;
use sqlx::{
    Postgres, Transaction,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use uuid::Uuid;

use crate::support::{Db, batch, run, running, submit, task, to};

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

/// A change, actions and a claim, which are written in groups with those of other sessions; how many
/// subtasks were claimed.
async fn work_on(server: Engine, session: &'static str, id: Uuid) -> Result<usize, Error> {
    let action = json!({"subtask_id": id, "tool_name": "Read"});
    let of_session = json!({"session_id": session, "tool_name": "Read"});
    let claim = json!({"agent_id": "a", "session_id": session});
    let (.., claims) = tokio::try_join!(
        server.patch_subtask(id, to(SubtaskStatus::Running)),
        server.record_action(serde_json::from_value(action).unwrap(), None),
        server.record_action(serde_json::from_value(of_session).unwrap(), None),
        server.claim_subtasks(serde_json::from_value(claim).unwrap(), None),
    )?;
    Ok(claims.len())
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
                assert!(matches!(answer, Err(Error::Busy)), "{answer:?}");
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
async fn a_session_that_somebody_holds_does_not_hold_up_the_others(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    run(options, async |db| {
        let server = db.server().await;
        let held = running(&server, "held", 0, 30).await.subtask_ids;
        let free = running(&server, "free", 0, 30).await.subtask_ids;
        let holder = hold(&db, "held").await;
        let waiting: Vec<_> = held[..10]
            .iter()
            .map(|id| tokio::spawn(work_on(server.clone(), "held", *id)))
            .collect();
        for id in &free[..10] {
            let answered = work_on(server.clone(), "free", *id);
            let answered = tokio::time::timeout(Duration::from_secs(3), answered);
            assert_eq!(answered.await.expect("the others go on").unwrap(), 1);
        }
        // Work of any session is that of another one for now.
        let any = serde_json::from_value(json!({"agent_id": "b"})).unwrap();
        let claimed = server.claim_subtasks(any, None);
        let claimed = tokio::time::timeout(Duration::from_secs(3), claimed).await.unwrap();
        assert_eq!(claimed.unwrap()[0].subtask.session_id, "free");
        assert!(!waiting.iter().any(|task| task.is_finished()));
        holder.rollback().await.unwrap();
        for task in waiting {
            assert_eq!(task.await.unwrap().unwrap(), 1);
        }
        db.assert_counters().await;
    });
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_session_that_somebody_is_making_does_not_hold_up_the_others(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    run(options, async |db| {
        let server = db.server().await;
        let mut maker = db.sql.begin().await.unwrap();
        let make = "INSERT INTO sessions (session_id, created_at, last_active_at) VALUES ('new', now(), now())";
        sqlx::query(make).execute(&mut *maker).await.unwrap();
        let act = |session: &'static str| {
            let (server, action) =
                (server.clone(), json!({"session_id": session, "tool_name": "Read"}));
            tokio::spawn(async move {
                server.record_action(serde_json::from_value(action).unwrap(), None).await
            })
        };
        let waiting = act("new");
        for _ in 0..5 {
            let other = tokio::time::timeout(Duration::from_secs(3), act("free"));
            other.await.expect("the others go on").unwrap().unwrap();
        }
        assert!(!waiting.is_finished());
        maker.commit().await.unwrap();
        waiting.await.unwrap().unwrap();
    });
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn leases_that_are_over_are_taken_back_beside_a_session_that_somebody_holds(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    run(options, async |db| {
        let server = db.server().await;
        for session in ["held", "free"] {
            running(&server, session, 0, 1).await;
            let claim = json!({"agent_id": "a", "session_id": session});
            let claim = serde_json::from_value(claim).unwrap();
            assert_eq!(server.claim_subtasks(claim, None).await.unwrap().len(), 1);
        }
        let holder = hold(&db, "held").await;
        let past = "UPDATE attempts SET expires_at = now() - interval '1 minute'";
        sqlx::query(past).execute(&db.sql).await.unwrap();
        let over = "SELECT count(*) FROM attempts WHERE ended_at IS NOT NULL";
        db.until("the one that can be had is taken back", over, 1).await;
        holder.rollback().await.unwrap();
        db.until("so is the other", over, 2).await;
    });
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn what_was_claimed_for_a_caller_that_hung_up_is_given_back(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    run(options, async |db| {
        let server = db.server().await;
        running(&server, "s", 0, 1).await;
        let holder = hold(&db, "s").await;
        let claim = serde_json::from_value(json!({"agent_id": "a", "session_id": "s"})).unwrap();
        let gone = server.claim_subtasks(claim, None);
        assert!(tokio::time::timeout(Duration::from_millis(500), gone).await.is_err());
        holder.rollback().await.unwrap();
        let back = "SELECT count(*) FROM attempts a JOIN subtasks s ON s.id = a.subtask_id
                    WHERE a.outcome = 'given_back' AND s.status = 'pending' AND s.lease_token IS NULL";
        db.until("it is given back", back, 1).await;
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
