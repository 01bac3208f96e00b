//! The event log: complete, dense, in order, whatever happens to servers and connections.

use std::time::Duration;

use domain::dto::OnOverlap;
use domain::{
    dto::StartWave,
    event::{Channel, Event},
    subtask::SubtaskStatus,
};
use engine::{Engine, Error, FeedEvent};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use tokio::sync::broadcast::Receiver;

use crate::support::{
    PATIENCE, at_once, complete, run, running, start, submit, task, times, to, wait_until,
};

/// The next so many live events.
async fn heard(live: &mut Receiver<FeedEvent>, count: usize) -> Vec<Event> {
    let mut events = Vec::with_capacity(count);
    while events.len() < count {
        let next = tokio::time::timeout(PATIENCE, live.recv()).await;
        let next = next.unwrap_or_else(|_| panic!("heard {} of {count} events", events.len()));
        events.push((*next.unwrap().event).clone());
    }
    events
}

fn assert_dense(log: &[Event]) {
    let positions: Vec<i64> = log.iter().map(|event| event.seq).collect();
    let wanted: Vec<i64> = (1..).take(log.len()).collect();
    assert_eq!(positions, wanted);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn an_event_of_a_transaction_that_commits_late_is_not_skipped(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    run(options, async |db| {
        let server = db.server().await;
        let (mut live, head) = server.feed().subscribe();
        assert_eq!(head, 0);
        let mut late = db.sql.begin().await.unwrap();
        let insert = "INSERT INTO event_outbox (session_id, event, data, at) VALUES ('late', 'wave.created', '{}', now())";
        sqlx::query(insert).execute(&mut *late).await.unwrap();
        for n in 0..5 {
            submit(&server, &format!("early-{n}"), 0, vec![task("Snipper")]).await;
        }
        let early = heard(&mut live, 10).await;
        assert!(early.iter().all(|event| event.session_id != "late"));
        late.commit().await.unwrap();
        assert_eq!(heard(&mut live, 1).await[0].session_id, "late");
        submit(&server, "after", 0, vec![task("Snipper")]).await;
        heard(&mut live, 2).await;
        let log = db.log(&server).await;
        assert_dense(&log);
        assert_eq!(log[10].session_id, "late");
        assert_eq!(log.len(), 13);
    });
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn two_appenders_give_dense_unique_positions_and_both_feeds_tell_the_same(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    run(options, async |db| {
        let servers = [db.server().await, db.server().await];
        let mut feeds = servers.each_ref().map(|server| server.feed().subscribe().0);
        let writers = (0..16).map(|n| {
            let server = servers[n % 2].clone();
            async move {
                let session = format!("session-{n}");
                for id in running(&server, &session, 0, 20).await.subtask_ids {
                    complete(&server, id).await;
                }
            }
        });
        at_once(writers).await;
        let log = db.log(&servers[0]).await;
        assert_dense(&log);
        assert_eq!(log.len(), 16 * (3 + 20 + 1));
        for feed in &mut feeds {
            assert_eq!(heard(feed, log.len()).await, log);
        }
        for n in 0..16 {
            assert_cause_before_effect(&log, &format!("session-{n}"), 20);
        }
    });
}

/// In a session: its wave, its batch, the start, every subtask, the end.
fn assert_cause_before_effect(log: &[Event], session: &str, tasks: usize) {
    let names: Vec<&str> = log
        .iter()
        .filter(|event| event.session_id == session)
        .map(|event| event.event.as_str())
        .collect();
    let mut wanted = vec!["wave.created", "batch.created", "wave.transitioned"];
    wanted.extend(vec!["subtask.updated"; tasks]);
    wanted.push("wave.completed");
    assert_eq!(names, wanted);
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn events_of_one_session_keep_the_order_of_their_causes_over_two_servers(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    run(options, async |db| {
        let servers = [db.server().await, db.server().await];
        let ids = running(&servers[0], "s", 0, 100).await.subtask_ids;
        let agents = ids.iter().enumerate().map(|(n, id)| {
            let (servers, id) = (servers.clone(), *id);
            async move {
                servers[n % 2].patch_subtask(id, to(SubtaskStatus::Running)).await.unwrap();
                complete(&servers[(n + 1) % 2], id).await;
            }
        });
        at_once(agents).await;
        let log = db.log(&servers[0]).await;
        assert_cause_before_effect(&log, "s", 200);
        for id in ids {
            let id = id.to_string();
            let steps: Vec<(String, String)> = log
                .iter()
                .map(|event| event.data.parse())
                .filter(|data| data.get("subtask_id").is_some_and(|subtask| *subtask == *id))
                .map(|data| (data["from"].to_string(), data["status"].to_string()))
                .collect();
            let wanted = [("\"pending\"", "\"running\""), ("\"running\"", "\"completed\"")];
            assert_eq!(steps, wanted.map(|(from, to)| (from.to_owned(), to.to_owned())));
        }
    });
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_change_that_is_rolled_back_leaves_no_event(_: PgPoolOptions, options: PgConnectOptions) {
    run(options, async |db| {
        let server = db.server().await;
        submit(&server, "s", 0, vec![task("Snipper")]).await;
        let fail = "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS
                    $$ BEGIN RAISE EXCEPTION 'not at commit either'; END $$";
        sqlx::query(fail).execute(&db.sql).await.unwrap();
        // Deferred: everything has been written when the commit fails.
        let trigger = "CREATE CONSTRAINT TRIGGER fail AFTER UPDATE ON wave_states
                       DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION fail()";
        sqlx::query(trigger).execute(&db.sql).await.unwrap();
        let request = StartWave { wave_number: 0, force: false };
        let answer = server.start_wave("s", request).await;
        assert!(matches!(answer, Err(Error::Internal(_))), "{answer:?}");
        sqlx::query("DROP TRIGGER fail ON wave_states").execute(&db.sql).await.unwrap();
        assert_eq!(times(&db.log(&server).await, "wave.transitioned"), 0);
        server.start_wave("s", request).await.unwrap();
        let log = db.log(&server).await;
        assert_eq!(times(&log, "wave.transitioned"), 1);
        assert_dense(&log);
    });
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_change_whose_event_cannot_be_written_is_not_made(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    run(options, async |db| {
        let server = db.server().await;
        let id = running(&server, "s", 0, 2).await.subtask_ids[0];
        let refuse = "ALTER TABLE event_outbox ADD CONSTRAINT refuse CHECK (event <> 'subtask.updated') NOT VALID";
        sqlx::query(refuse).execute(&db.sql).await.unwrap();
        let answer = server.patch_subtask(id, to(SubtaskStatus::Completed)).await;
        assert!(matches!(answer, Err(Error::Internal(_))), "{answer:?}");
        assert_eq!(server.subtask(id).await.unwrap().status, SubtaskStatus::Pending);
        db.assert_counters().await;
    });
}

async fn terminate(db: &crate::support::Db, which: &'static str) {
    let query = format!(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid() AND {which}"
    );
    let killed: i64 =
        sqlx::query_scalar(sqlx::AssertSqlSafe(query)).fetch_one(&db.sql).await.unwrap();
    assert!(killed > 0, "no connection where {which}");
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_lost_listener_connection_loses_nothing(_: PgPoolOptions, options: PgConnectOptions) {
    run(options, async |db| {
        let (here, there) = (db.server().await, db.server().await);
        let listening = "SELECT count(*) FROM pg_stat_activity
                         WHERE datname = current_database() AND query LIKE 'LISTEN%'";
        db.until("both servers listen", listening, 2).await;
        let (mut live, _) = here.feed().subscribe();
        for n in 0..5 {
            submit(&there, &format!("s-{n}"), 0, vec![task("Snipper")]).await;
            terminate(&db, "query LIKE 'LISTEN%'").await;
            submit(&there, &format!("s-{n}"), 0, vec![task("Snipper")]).await;
            // wave.created and two times batch.created
            let events = heard(&mut live, 3).await;
            assert!(events.iter().all(|event| event.session_id == format!("s-{n}")));
            db.until("both servers listen again", listening, 2).await;
        }
        assert_dense(&db.log(&here).await);
    });
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn losing_every_connection_loses_no_event_and_the_server_recovers(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    run(options, async |db| {
        let server = db.server().await;
        let (mut live, _) = server.feed().subscribe();
        let writers: Vec<_> = (0..8)
            .map(|n| {
                let server = server.clone();
                tokio::spawn(async move {
                    let (mut made, mut lost) = (0, 0);
                    while made < 40 {
                        let request =
                            crate::support::batch(&format!("s-{n}"), 0, vec![task("Snipper")]);
                        match server.submit_batch(request, OnOverlap::Warn, None).await {
                            Ok(_) => made += 1,
                            Err(Error::Unavailable(_)) => lost += 1,
                            Err(other) => panic!("{other:?}"),
                        }
                        assert!(lost < 1_000, "the server does not recover");
                    }
                })
            })
            .collect();
        for _ in 0..3 {
            tokio::time::sleep(Duration::from_millis(60)).await;
            terminate(&db, "application_name = 'swell' AND state IS NOT NULL").await;
        }
        for writer in writers {
            writer.await.unwrap();
        }
        let log = db.log(&server).await;
        assert_dense(&log);
        let batches = db.count("SELECT count(*) FROM orchestration_batches").await;
        assert_eq!(times(&log, "batch.created") as i64, batches);
        assert_eq!(heard(&mut live, log.len()).await, log);
    });
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn events_that_a_server_that_died_left_behind_are_told_by_another(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    run(options, async |db| {
        let insert = "INSERT INTO event_outbox (session_id, event, data, at)
                      SELECT 's', 'wave.created', '{}', now() FROM generate_series(1, 4500)";
        sqlx::query(insert).execute(&db.sql).await.unwrap();
        let server = db.server().await;
        let log = db.log(&server).await;
        assert_eq!(log.len(), 4_500);
        assert_dense(&log);
    });
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn the_log_is_read_by_channel_and_page(_: PgPoolOptions, options: PgConnectOptions) {
    run(options, async |db| {
        let server = db.server().await;
        let mut tasks = vec![task("Snipper"); 3];
        tasks.extend(vec![task("Explore"); 2]);
        let batch = submit(&server, "s", 0, tasks).await;
        running(&server, "other", 0, 1).await;
        start(&server, "s", 0).await;
        for id in &batch.subtask_ids {
            complete(&server, *id).await;
        }
        let log = db.log(&server).await;
        let channels = [
            (Channel::Global, 4 + 3),
            (Channel::Session("s".to_owned()), 4 + 5),
            (Channel::Batch(batch.batch.id), 1 + 5),
            (Channel::Agent("Explore".to_owned()), 2),
            (Channel::Agent("nobody".to_owned()), 0),
        ];
        for (channel, wanted) in channels {
            let mut read = Vec::new();
            let mut since = 0;
            loop {
                let page = server.events(Some(&channel), since, 2).await.unwrap();
                assert_eq!(page.last_seq, log.len() as i64);
                since = page.next_since;
                if page.events.is_empty() {
                    break;
                }
                read.extend(page.events);
            }
            assert_eq!(since, log.len() as i64, "an empty page points to the end");
            assert_eq!(read.len(), wanted, "{channel}");
            let carried: Vec<Event> =
                log.iter().filter(|event| event.is_on(&channel)).cloned().collect();
            assert_eq!(read, carried);
            assert_eq!(server.replay(&channel, 0, i64::MAX).await.unwrap(), carried);
        }
    });
}

#[sqlx::test(migrator = "engine::MIGRATOR")]
async fn a_dropped_server_leaves_no_connection_behind(_: PgPoolOptions, options: PgConnectOptions) {
    run(options, async |db| {
        let server: Engine = db.server().await;
        submit(&server, "s", 0, vec![task("Snipper")]).await;
        let open = "SELECT count(*) FROM pg_stat_activity
                    WHERE datname = current_database() AND application_name = 'swell'";
        db.sql.close().await;
        let other = Engine::pool(&db.url, 1).await.unwrap();
        server.close().await;
        wait_until("the connections are closed", async || {
            sqlx::query_scalar::<_, i64>(open).fetch_one(&other).await.unwrap() == 1
        })
        .await;
    });
}
