//! Group commit: one writer takes whatever is waiting and does it in one transaction.
//!
//! A transaction's cost is mostly waiting: round trips and the commit's fsync, both while the
//! session's lock is held. One request at a time, a busy wave is capped by that wait; a group of
//! waiting requests pays it once. Nothing is delayed to make a group: a lone request goes at once,
//! and what arrives while it is written forms the next group.
//!
//! A group may be about many sessions. When somebody holds one of them for longer than usual, what is
//! about that session waits in a lane of its own, and the rest goes on.

use std::{
    collections::HashMap,
    fmt,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::{Semaphore, mpsc, oneshot};

use crate::{Error, Result, lock::Wait};

/// Most requests in one transaction.
const LARGEST: usize = 64;
/// How long the next group waits for the one before it. Longer than a healthy transaction takes: a
/// group that waits for a busy session must not hold up the others.
const PATIENCE: Duration = Duration::from_millis(25);
/// Most groups at once.
const AT_ONCE: usize = 4;

/// Most lanes that wait for their session at once.
const WAITING: usize = 2;

/// A request with the place for its answer.
type Request<T, R> = (T, oneshot::Sender<Result<R>>);

/// What became of a request.
pub enum Reply<R> {
    /// It is done, or refused.
    Answer(Result<R>),
    /// It was left out, because somebody else holds this session; without a name, one that is being made.
    Busy(String),
}

/// Writes a group: one reply for each request, in order, or one error for the whole transaction.
pub type Write<T, R> = Box<
    dyn Fn(Vec<T>, Wait) -> Pin<Box<dyn Future<Output = Result<Vec<Reply<R>>>> + Send>>
        + Send
        + Sync,
>;

/// What happens to an answer that nobody waits for any more.
pub type Undelivered<R> = Box<dyn Fn(R) + Send + Sync>;

/// Requests of one kind, with their writer.
pub struct Group<T, R> {
    queue: mpsc::Sender<Request<T, R>>,
}

impl<T, R> fmt::Debug for Group<T, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Group")
    }
}

impl<T: Clone + Send + 'static, R: Send + 'static> Group<T, R> {
    /// Starts the writer; it ends when the group is dropped.
    pub fn start(write: Write<T, R>) -> Self {
        Self::start_with(write, Box::new(drop))
    }

    /// Starts the writer; `undelivered` is handed what was done for a caller that no longer waited.
    pub fn start_with(write: Write<T, R>, undelivered: Undelivered<R>) -> Self {
        let (queue, waiting) = mpsc::channel(1_024);
        let places = Semaphore::new(WAITING);
        let writer = Writer { write, undelivered, places, lanes: Mutex::default() };
        tokio::spawn(serve(waiting, Arc::new(writer)));
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
    writer: Arc<Writer<T, R>>,
) {
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let mut taken = Vec::with_capacity(LARGEST);
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        if waiting.recv_many(&mut taken, LARGEST).await == 0 {
            return;
        }
        let (group, writer) = (std::mem::take(&mut taken), Arc::clone(&writer));
        let mut writing = tokio::spawn(async move {
            // While a session is known to be held, waiting for it would be in vain.
            let wait = if writer.lanes().is_empty() { Wait::Briefly } else { Wait::Never };
            writer.write(group, wait).await;
            drop(place);
        });
        let _ = tokio::time::timeout(PATIENCE, &mut writing).await;
    }
}

/// Writes groups, and keeps what waits for a session that is held apart from what does not.
struct Writer<T, R> {
    write: Write<T, R>,
    undelivered: Undelivered<R>,
    /// Places for lanes: each holds a connection while it waits.
    places: Semaphore,
    /// What waits for each session that somebody else holds. Each lane has a task.
    lanes: Mutex<Lanes<T, R>>,
}

type Lanes<T, R> = HashMap<String, Vec<Request<T, R>>>;

impl<T: Clone + Send + 'static, R: Send + 'static> Writer<T, R> {
    async fn write(self: &Arc<Self>, group: Vec<Request<T, R>>, mut wait: Wait) {
        let (requests, answers): (Vec<T>, Vec<_>) = group.into_iter().unzip();
        let mut written = (self.write)(requests.clone(), wait).await;
        if wait == Wait::Briefly {
            wait = Wait::Never;
            if matches!(written, Err(Error::Busy)) {
                written = (self.write)(requests.clone(), wait).await;
            }
        }
        let alone_may_do = match &written {
            Err(Error::Internal(_)) => requests.len() > 1,
            Err(Error::Busy) => wait == Wait::Never,
            _ => false,
        };
        match written {
            Ok(replies) => {
                for ((request, answer), reply) in requests.into_iter().zip(answers).zip(replies) {
                    self.answer(request, answer, reply);
                }
            }
            Err(Error::Internal(_) | Error::Busy) if alone_may_do => {
                // One request that the database refuses, or that waits for a session which is just being
                // made, must not take the others with it.
                for (request, answer) in requests.into_iter().zip(answers) {
                    let reply = match (self.write)(vec![request.clone()], wait).await {
                        Ok(mut replies) => replies
                            .pop()
                            .unwrap_or_else(|| Reply::Answer(Err(Error::internal("no result")))),
                        Err(Error::Busy) if wait == Wait::Never => Reply::Busy(String::new()),
                        Err(error) => Reply::Answer(Err(error)),
                    };
                    self.answer(request, answer, reply);
                }
            }
            Err(error) => {
                for answer in answers {
                    let _ = answer.send(Err(match &error {
                        Error::Unavailable(reason) => Error::Unavailable(reason.clone()),
                        Error::Busy => Error::Busy,
                        other => Error::internal(other),
                    }));
                }
            }
        }
    }

    fn answer(self: &Arc<Self>, request: T, answer: oneshot::Sender<Result<R>>, reply: Reply<R>) {
        let session = match reply {
            Reply::Answer(result) => {
                if let Err(Ok(done)) = answer.send(result) {
                    (self.undelivered)(done);
                }
                return;
            }
            Reply::Busy(session) => session,
        };
        let mut lanes = self.lanes();
        if let Some(lane) = lanes.get_mut(&session) {
            lane.push((request, answer));
            return;
        }
        lanes.insert(session.clone(), vec![(request, answer)]);
        let writer = Arc::clone(self);
        tokio::spawn(async move {
            while let Some(group) = writer.next_of(&session) {
                let Ok(_place) = writer.places.acquire().await else { return };
                writer.write(group, Wait::AsLong).await;
            }
        });
    }

    /// The next group that waits for a session; its lane is closed when there is none.
    fn next_of(&self, session: &str) -> Option<Vec<Request<T, R>>> {
        let mut lanes = self.lanes();
        let lane = lanes.get_mut(session)?;
        if lane.is_empty() {
            lanes.remove(session);
            return None;
        }
        let most = lane.len().min(LARGEST);
        Some(lane.drain(..most).collect())
    }

    fn lanes(&self) -> MutexGuard<'_, Lanes<T, R>> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
