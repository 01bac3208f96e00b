//! A database for each test, servers over it, and what tests say often.

use std::{future::Future, time::Duration};

use domain::dto::OnOverlap;
use domain::{
    dto::{PatchSubtask, StartWave, SubmitBatch, SubmittedBatch, Task},
    event::Event,
    problem::Refusal,
    subtask::{Subtask, SubtaskStatus},
};
use engine::{Engine, Error};
use sqlx::{ConnectOptions, PgPool, postgres::PgConnectOptions};
use uuid::Uuid;

/// Longest wait for something that is sure to come.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A test's own database.
pub struct Db {
    /// Where it is.
    pub url: String,
    /// For looking at the tables.
    pub sql: PgPool,
}

/// Runs a test on several threads; whatever it leaves running ends with it, so that its database can
/// be dropped.
pub fn run(options: PgConnectOptions, test: impl AsyncFnOnce(Db) + Send) {
    let url = options.to_url_lossy().to_string();
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let sql = Engine::pool(&url, 4).await.unwrap();
                test(Db { url, sql }).await;
            });
        });
        if let Err(panic) = thread.join() {
            std::panic::resume_unwind(panic);
        }
    });
}

impl Db {
    /// A server over this database, as `swell serve` starts one.
    pub async fn server(&self) -> Engine {
        Engine::connect(&self.url, 16).await.unwrap()
    }

    /// One number.
    pub async fn count(&self, query: &'static str) -> i64 {
        sqlx::query_scalar(query).fetch_one(&self.sql).await.unwrap()
    }

    /// The whole log, once everything that was committed is in it.
    pub async fn log(&self, server: &Engine) -> Vec<Event> {
        self.until("the outbox is empty", "SELECT count(*) FROM event_outbox", 0).await;
        let mut events = Vec::new();
        loop {
            let since = events.last().map_or(0, |event: &Event| event.seq);
            let page = server.events(None, since, 1_000).await.unwrap();
            if page.events.is_empty() {
                return events;
            }
            events.extend(page.events);
        }
    }

    /// Waits until a query counts so many.
    pub async fn until(&self, what: &str, query: &'static str, wanted: i64) {
        wait_until(what, async || self.count(query).await == wanted).await;
    }

    /// Waits until so many statements of this database's servers wait for a lock.
    pub async fn until_waiting_for_locks(&self, wanted: i64) {
        let query = "SELECT count(*) FROM pg_stat_activity
                     WHERE datname = current_database() AND wait_event_type = 'Lock'";
        self.until("statements wait for locks", query, wanted).await;
    }

    /// Holds every counter against the rows it counts.
    pub async fn assert_counters(&self) {
        let drifted: Vec<String> = sqlx::query_scalar(
            "WITH counts AS (
                 SELECT session_id, wave_number, batch_id, count(*) AS total,
                        count(*) FILTER (WHERE status = 'completed') AS completed,
                        count(*) FILTER (WHERE status = 'failed') AS failed,
                        count(*) FILTER (WHERE status = 'failed' AND optional) AS failed_optional
                 FROM subtasks GROUP BY GROUPING SETS ((session_id, wave_number), (batch_id))
             ), blocking AS (
                 SELECT d.subtask_id, count(*) AS blockers, count(*) FILTER (WHERE b.status <> 'completed') AS open
                 FROM subtask_dependencies d JOIN subtasks b ON b.id = d.blocker_id GROUP BY d.subtask_id
             )
             SELECT 'wave ' || w.session_id || ' ' || w.wave_number || ' ' || w.status
             FROM wave_states w LEFT JOIN counts c USING (session_id, wave_number)
             WHERE (w.total_tasks, w.completed_tasks, w.failed_tasks, w.failed_optional_tasks) IS DISTINCT FROM
                   (coalesce(c.total, 0), coalesce(c.completed, 0), coalesce(c.failed, 0), coalesce(c.failed_optional, 0))
                OR (w.status = 'running' AND c.total > 0 AND c.completed + c.failed = c.total)
                OR (w.status IN ('completed', 'failed') AND c.completed + c.failed < c.total)
             UNION ALL
             SELECT 'spent in wave ' || w.session_id || ' ' || w.wave_number FROM wave_states w
             WHERE (w.tokens_used, w.cost_micros) <> (
                 SELECT coalesce(sum(s.tokens_used), 0), coalesce(sum(s.cost_micros), 0) FROM subtasks s
                 WHERE s.session_id = w.session_id AND s.wave_number = w.wave_number)
             UNION ALL
             SELECT 'spent in session ' || x.session_id FROM sessions x
             WHERE (x.tokens_used, x.cost_micros) <> (
                 SELECT coalesce(sum(u.tokens_used), 0), coalesce(sum(u.cost_micros), 0) FROM (
                     SELECT s.tokens_used, s.cost_micros FROM subtasks s WHERE s.session_id = x.session_id
                     UNION ALL
                     SELECT a.tokens_used, a.cost_micros FROM actions a
                     WHERE a.session_id = x.session_id AND a.subtask_id IS NULL) u)
             UNION ALL
             SELECT 'batch ' || b.id FROM orchestration_batches b JOIN counts c ON c.batch_id = b.id
             WHERE (b.total_tasks, b.completed_tasks, b.failed_tasks) IS DISTINCT FROM (c.total, c.completed, c.failed)
                OR (b.status = 'completed') <> (b.synthesis IS NOT NULL AND b.completed_at IS NOT NULL)
                   AND b.status = 'completed'
             UNION ALL
             SELECT 'subtask ' || s.id || ' ' || s.status FROM subtasks s LEFT JOIN blocking b ON b.subtask_id = s.id
             WHERE (s.blockers, s.open_blockers) IS DISTINCT FROM (coalesce(b.blockers, 0), coalesce(b.open, 0))
                OR (s.status = 'blocked' AND s.open_blockers = 0)
                OR (s.status IN ('pending', 'running', 'completed') AND s.open_blockers > 0)",
        )
        .fetch_all(&self.sql)
        .await
        .unwrap();
        assert!(drifted.is_empty(), "{drifted:#?}");
    }
}

/// Asks again and again until it is so.
pub async fn wait_until(what: &str, condition: impl AsyncFn() -> bool) {
    let waited = tokio::time::timeout(PATIENCE, async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    assert!(waited.await.is_ok(), "waited in vain until {what}");
}

/// Runs all at once, each as a task of its own, and gives back the answers in order.
pub async fn at_once<T: Send + 'static>(
    tasks: impl IntoIterator<Item = impl Future<Output = T> + Send + 'static>,
) -> Vec<T> {
    let running: Vec<_> = tasks.into_iter().map(tokio::spawn).collect();
    let all = async {
        let mut answers = Vec::with_capacity(running.len());
        for task in running {
            answers.push(task.await.unwrap());
        }
        answers
    };
    tokio::time::timeout(Duration::from_secs(60), all).await.expect("a task never ended")
}

pub fn task(agent_type: &str) -> Task {
    serde_json::from_value(serde_json::json!({"agent_type": agent_type, "description": "Do it"}))
        .unwrap()
}

/// A task that waits for these: ids, task ids or indices.
pub fn waiting(agent_type: &str, blocked_by: impl serde::Serialize) -> Task {
    let blocked_by = serde_json::to_value(blocked_by).unwrap();
    Task { blocked_by: serde_json::from_value(blocked_by).unwrap(), ..task(agent_type) }
}

pub fn batch(session: &str, wave_number: i32, tasks: Vec<Task>) -> SubmitBatch {
    SubmitBatch { session_id: session.to_owned(), wave_number, tasks }
}

pub async fn submit(server: &Engine, session: &str, wave: i32, tasks: Vec<Task>) -> SubmittedBatch {
    server.submit_batch(batch(session, wave, tasks), OnOverlap::Warn, None).await.unwrap().batch
}

pub async fn start(server: &Engine, session: &str, wave_number: i32) {
    server.start_wave(session, StartWave { wave_number, force: false }).await.unwrap();
}

/// A batch of so many equal tasks in a running wave.
pub async fn running(server: &Engine, session: &str, wave: i32, tasks: usize) -> SubmittedBatch {
    let batch = submit(server, session, wave, vec![task("Snipper"); tasks]).await;
    start(server, session, wave).await;
    batch
}

pub fn to(status: SubtaskStatus) -> PatchSubtask {
    PatchSubtask { status: Some(status), ..PatchSubtask::default() }
}

pub async fn complete(server: &Engine, id: Uuid) -> Subtask {
    server.patch_subtask(id, to(SubtaskStatus::Completed)).await.unwrap()
}

/// Why the rules said no; anything else fails the test.
pub fn refusal<T: std::fmt::Debug>(answer: Result<T, Error>) -> Refusal {
    match answer {
        Err(Error::Refused(refusal)) => refusal,
        other => panic!("expected a refusal, not {other:?}"),
    }
}

/// The stable name of a conflict.
pub fn conflict<T: std::fmt::Debug>(answer: Result<T, Error>) -> &'static str {
    match refusal(answer) {
        Refusal::Conflict { code, .. } => code,
        other => panic!("expected a conflict, not {other:?}"),
    }
}

/// What is wrong with the request, as one text.
pub fn invalid<T: std::fmt::Debug>(answer: Result<T, Error>) -> String {
    match refusal(answer) {
        Refusal::Invalid(details) => format!("{details:?}"),
        other => panic!("expected an invalid request, not {other:?}"),
    }
}

/// How often an event of that name is in the log.
pub fn times(log: &[Event], name: &str) -> usize {
    log.iter().filter(|event| event.event == name).count()
}
