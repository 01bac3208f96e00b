//! Group commit: one writer takes whatever is waiting and does it in one transaction.
//!
//! A transaction's cost is mostly waiting: round trips and the commit's fsync, both while the
//! session's lock is held. One request at a time, a busy wave is capped by that wait; a group of
//! waiting requests pays it once. Nothing is delayed to make a group: a lone request goes at once,
//! and what arrives while it is written forms the next group.

use std::{fmt, future::Future, pin::Pin, sync::Arc, time::Duration};

use tokio::sync::{Semaphore, mpsc, oneshot};

use crate::{Error, Result};

/// Most requests in one transaction.
const LARGEST: usize = 64;
/// How long the next group waits for the one before it. Longer than a healthy transaction takes: a
/// group that waits for a busy session must not hold up the others.
const PATIENCE: Duration = Duration::from_millis(25);
/// Most groups at once.
const AT_ONCE: usize = 4;

/// A request with the place for its answer.
type Request<T, R> = (T, oneshot::Sender<Result<R>>);

/// Requests of one kind, with their writer.
pub struct Group<T, R> {
    queue: mpsc::Sender<Request<T, R>>,
}

impl<T, R> fmt::Debug for Group<T, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Group")
    }
}

/// Writes a group: one result for each request, in order, or one error for the whole transaction.
pub type Write<T, R> = Box<
    dyn Fn(Vec<T>) -> Pin<Box<dyn Future<Output = Result<Vec<Result<R>>>> + Send>> + Send + Sync,
>;

impl<T: Clone + Send + 'static, R: Send + 'static> Group<T, R> {
    /// Starts the writer; it ends when the group is dropped.
    pub fn start(write: Write<T, R>) -> Self {
        let (queue, waiting) = mpsc::channel(1_024);
        tokio::spawn(serve(waiting, write));
        Self { queue }
    }

    /// Hands one request to the writer and waits for its commit. A caller that stops waiting does
    /// not undo its request.
    pub async fn run(&self, request: T) -> Result<R> {
        let (answer, answered) = oneshot::channel();
        let stopped = || Error::Unavailable("the writer has stopped".to_owned());
        self.queue.send((request, answer)).await.map_err(|_| stopped())?;
        answered.await.map_err(|_| stopped())?
    }
}

async fn serve<T: Clone + Send + 'static, R: Send + 'static>(
    mut waiting: mpsc::Receiver<Request<T, R>>,
    write: Write<T, R>,
) {
    let (write, places) = (Arc::new(write), Arc::new(Semaphore::new(AT_ONCE)));
    let mut taken = Vec::with_capacity(LARGEST);
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        if waiting.recv_many(&mut taken, LARGEST).await == 0 {
            return;
        }
        let (group, write) = (std::mem::take(&mut taken), Arc::clone(&write));
        let mut writing = tokio::spawn(async move {
            serve_group(group, &write).await;
            drop(place);
        });
        let _ = tokio::time::timeout(PATIENCE, &mut writing).await;
    }
}

async fn serve_group<T: Clone, R>(group: Vec<Request<T, R>>, write: &Write<T, R>) {
    let (requests, answers): (Vec<T>, Vec<_>) = group.into_iter().unzip();
    match write(requests.clone()).await {
        Ok(results) => {
            for (answer, result) in answers.into_iter().zip(results) {
                let _ = answer.send(result);
            }
        }
        Err(Error::Internal(_)) if requests.len() > 1 => {
            // One request that the database refuses must not take the others with it.
            for (request, answer) in requests.into_iter().zip(answers) {
                let result = write(vec![request]).await.and_then(|mut results| {
                    results.pop().unwrap_or_else(|| Err(Error::internal("no result")))
                });
                let _ = answer.send(result);
            }
        }
        Err(error) => {
            for answer in answers {
                let _ = answer.send(Err(match &error {
                    Error::Unavailable(reason) => Error::Unavailable(reason.clone()),
                    other => Error::internal(other),
                }));
            }
        }
    }
}
