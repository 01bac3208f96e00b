//! The live feed: reads the log from its cursor and hands every event to this server's listeners.
//!
//! A wake-up carries nothing; the log is always read from the last position, so that a lost wake-up
//! or a lost listener connection costs time and never an event.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use domain::event::{Channel, Event};
use sqlx::{PgPool, postgres::PgListener};
use tokio::sync::broadcast;

use crate::{Result, appender, store};

/// How many events a listener may be behind before it is told to start over.
const BUFFER: usize = 8_192;
/// How often the log is looked at without a wake-up.
const POLL: Duration = Duration::from_millis(1_000);
/// The database's wake-up channel.
pub const WAKE: &str = "swell_events";

/// An event of the log with its envelopes, written once for all listeners.
#[derive(Clone, Debug)]
pub struct FeedEvent {
    /// The event.
    pub event: Arc<Event>,
    envelopes: Arc<HashMap<Channel, Arc<str>>>,
}

impl FeedEvent {
    fn new(event: Event) -> Self {
        let mut channels = vec![Channel::All, Channel::Session(event.session_id.clone())];
        channels.extend(event.batch_id.map(Channel::Batch));
        channels.extend(event.agent_type.clone().map(Channel::Agent));
        if event.is_on(&Channel::Global) {
            channels.push(Channel::Global);
        }
        let envelopes = channels
            .into_iter()
            .map(|channel| {
                let text = envelope(&event, &channel);
                (channel, text.into())
            })
            .collect();
        Self { event: Arc::new(event), envelopes: Arc::new(envelopes) }
    }

    /// The text of the event on that channel; none when the channel does not carry it.
    #[must_use]
    pub fn on(&self, channel: &Channel) -> Option<&str> {
        self.envelopes.get(channel).map(AsRef::as_ref)
    }
}

/// The JSON of an event as one channel carries it (specification, "Event Payload").
#[must_use]
pub fn envelope(event: &Event, channel: &Channel) -> String {
    #[derive(serde::Serialize)]
    struct Envelope<'a> {
        channel: String,
        event: &'a str,
        data: &'a domain::json::JsonObject,
        timestamp: i64,
        seq: i64,
    }
    serde_json::to_string(&Envelope {
        channel: channel.to_string(),
        event: &event.event,
        data: &event.data,
        timestamp: event.timestamp,
        seq: event.seq,
    })
    .unwrap_or_default()
}

/// This server's view of the log as it grows.
#[derive(Clone, Debug)]
pub struct Feed {
    sender: broadcast::Sender<FeedEvent>,
    head: Arc<AtomicI64>,
    waker: appender::Waker,
}

impl Feed {
    /// Starts reading at the end of the log.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub(crate) async fn start(pool: PgPool) -> Result<Self> {
        let (sender, _) = broadcast::channel(BUFFER);
        let head = Arc::new(AtomicI64::new(store::events::last_seq(&pool).await?));
        let (waker, woken) = appender::waker();
        tokio::spawn(listen(pool.clone(), waker.clone()));
        tokio::spawn(read(pool, sender.clone(), Arc::clone(&head), woken));
        Ok(Self { sender, head, waker })
    }

    /// Every event from now on, and the position that "now" is: what is at or before it is in the
    /// log, what is after it will come.
    #[must_use]
    pub fn subscribe(&self) -> (broadcast::Receiver<FeedEvent>, i64) {
        let receiver = self.sender.subscribe();
        // After subscribing: what is sent in between is in the receiver and above or at the head.
        (receiver, self.head())
    }

    /// The last position that was handed out.
    #[must_use]
    pub fn head(&self) -> i64 {
        self.head.load(Ordering::Acquire)
    }

    pub(crate) fn waker(&self) -> appender::Waker {
        self.waker.clone()
    }
}

/// Turns the database's wake-ups, also those of other servers, into this server's.
async fn listen(pool: PgPool, waker: appender::Waker) {
    while !pool.is_closed() {
        if let Ok(mut listener) = PgListener::connect_with(&pool).await
            && listener.listen(WAKE).await.is_ok()
        {
            // `None` is a lost connection that was made again: read on from the cursor.
            while listener.try_recv().await.is_ok() {
                waker.wake();
            }
        }
        tokio::time::sleep(POLL).await;
    }
}

async fn read(
    pool: PgPool,
    sender: broadcast::Sender<FeedEvent>,
    head: Arc<AtomicI64>,
    woken: Arc<tokio::sync::Notify>,
) {
    while !pool.is_closed() {
        let _ = tokio::time::timeout(POLL, woken.notified()).await;
        loop {
            let page = match store::events::after(&pool, head.load(Ordering::Acquire), 1_000).await
            {
                Ok(page) => page,
                Err(error) => {
                    if !pool.is_closed() {
                        tracing::warn!(%error, "the feed could not read the log; it tries again");
                    }
                    break;
                }
            };
            let full = page.len() == 1_000;
            for event in page {
                let seq = event.seq;
                // The head moves first: a listener that subscribes in between gets this event from
                // the log, and skips it here by its position.
                head.store(seq, Ordering::Release);
                // No listeners is no error.
                let _ = sender.send(FeedEvent::new(event));
            }
            if !full {
                break;
            }
        }
    }
}
