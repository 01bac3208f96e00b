//! One client of the socket: its subscriptions, what it is sent, and when it is let go.

use std::{collections::HashMap, time::Duration};

use super::LARGEST_FRAME;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, close_code};
use domain::{
    event::{Channel, ClientFrame, Control},
    json::Only,
};
use engine::{Engine, FeedEvent};
use futures::{SinkExt, StreamExt, stream::SplitSink, stream::SplitStream};
use tokio::{
    sync::{broadcast, broadcast::error::RecvError, watch},
    time::Instant,
};
use uuid::Uuid;

/// How often a quiet client is asked whether it is there.
const PING: Duration = Duration::from_secs(30);
/// A client that says nothing for so long, not even to a ping, is gone.
const SILENCE: Duration = Duration::from_secs(90);
/// A client that takes nothing for so long is let go.
const STALLED: Duration = Duration::from_secs(30);
/// Most subscriptions of one client.
const SUBSCRIPTIONS: usize = 200;

/// Why a client's loop ended: the connection is gone.
struct Gone;

pub struct Client {
    engine: Engine,
    sink: SplitSink<WebSocket, Message>,
    stream: SplitStream<WebSocket>,
    live: broadcast::Receiver<FeedEvent>,
    /// Each channel with the position up to which it needs nothing more from the live feed.
    channels: HashMap<Channel, i64>,
    /// The position up to which every channel has been sent everything.
    sent: i64,
}

impl Client {
    pub fn new(engine: Engine, socket: WebSocket) -> Self {
        let (sink, stream) = socket.split();
        let (live, sent) = engine.feed().subscribe();
        Self { engine, sink, stream, live, channels: HashMap::new(), sent }
    }

    pub async fn run(mut self, mut stop: watch::Receiver<bool>) {
        let hello = Control::Connected {
            client_id: Uuid::new_v4(),
            timestamp: now(),
            seq: self.sent,
            build: crate::pages::BUILD.clone(),
        };
        if self.control(&hello).await.is_err() {
            return;
        }
        let mut ping = tokio::time::interval_at(Instant::now() + PING, PING);
        let mut heard = Instant::now();
        loop {
            let step = tokio::select! {
                frame = self.stream.next() => match frame {
                    Some(Ok(message)) => {
                        heard = Instant::now();
                        self.take(message).await
                    }
                    Some(Err(_)) | None => Err(Gone),
                },
                event = self.live.recv() => self.tell(event).await,
                _ = ping.tick() => {
                    if heard.elapsed() > SILENCE { Err(Gone) } else { self.send(Message::Ping(Vec::new().into())).await }
                }
                () = stopped(&mut stop) => {
                    let reason = Utf8Bytes::from_static("the server is stopping; connect again");
                    let _ = self.send(Message::Close(Some(CloseFrame { code: close_code::AWAY, reason }))).await;
                    Err(Gone)
                }
            };
            if step.is_err() {
                return;
            }
        }
    }

    /// Does what the client asks.
    async fn take(&mut self, message: Message) -> Result<(), Gone> {
        let text = match message {
            Message::Text(text) => text,
            Message::Binary(_) => {
                return self.error("not_text", "Send text frames with JSON.").await;
            }
            Message::Ping(_) | Message::Pong(_) => return Ok(()),
            Message::Close(_) => return Err(Gone),
        };
        if text.len() > LARGEST_FRAME {
            return self.error("too_large", "Frames have at most 64 KiB.").await;
        }
        let Ok(Only(frame)) = serde_json::from_str::<Only<ClientFrame>>(&text) else {
            return self
                .error(
                    "bad_frame",
                    "Send {\"type\": \"subscribe\" | \"unsubscribe\" | \"ping\", …} as JSON.",
                )
                .await;
        };
        match frame {
            ClientFrame::Ping => self.control(&Control::Pong { timestamp: now() }).await,
            ClientFrame::Unsubscribe { channel, id } => {
                let Some(parsed) = Channel::parse(&channel) else { return self.no_channel().await };
                self.channels.remove(&parsed);
                self.ack(id, channel).await
            }
            ClientFrame::Subscribe { channel, id, since } => {
                let Some(parsed) = Channel::parse(&channel) else { return self.no_channel().await };
                if self.channels.len() >= SUBSCRIPTIONS && !self.channels.contains_key(&parsed) {
                    return self
                        .error(
                            "too_many_channels",
                            "This socket follows as many channels as it may.",
                        )
                        .await;
                }
                // Before the acknowledgement: what happens after it is sent.
                let head = self.engine.feed().head();
                self.ack(id, channel).await?;
                self.subscribe(parsed, since, head).await
            }
        }
    }

    /// Replays what the client asks for, then goes live: what is at or before the head comes from
    /// the log, what is after it from the feed.
    async fn subscribe(
        &mut self,
        channel: Channel,
        since: Option<i64>,
        head: i64,
    ) -> Result<(), Gone> {
        // It goes on where it is: what the feed has for it already would be behind the head.
        if since.is_none() && self.channels.contains_key(&channel) {
            return Ok(());
        }
        let since = match since {
            // Another server's is ahead of this one's feed; one beyond the log is of a log that is gone.
            Some(since) if since > head => match self.engine.last_seq().await {
                Ok(last) => Some(since.min(last)),
                Err(_) => return self.unavailable().await,
            },
            since => since,
        };
        let mut from = since.unwrap_or(head).max(0);
        while from < head {
            let Ok(events) = self.engine.replay(&channel, from, head).await else {
                self.channels.remove(&channel);
                return self.unavailable().await;
            };
            let Some(last) = events.last() else { break };
            from = last.seq;
            for event in &events {
                self.feed(engine::envelope(event, &channel).into()).await?;
            }
            self.flush().await?;
        }
        self.channels.insert(channel, head.max(since.unwrap_or(0)));
        Ok(())
    }

    /// Hands live events on, as many as there are at once.
    async fn tell(&mut self, first: Result<FeedEvent, RecvError>) -> Result<(), Gone> {
        let mut next = first;
        loop {
            match next {
                Ok(event) => {
                    let seq = event.event.seq;
                    let due: Vec<Utf8Bytes> = self
                        .channels
                        .iter()
                        .filter(|(_, from)| seq > **from)
                        .filter_map(|(channel, _)| event.on(channel).map(Utf8Bytes::from))
                        .collect();
                    for text in due {
                        self.feed(text).await?;
                    }
                    self.sent = self.sent.max(seq);
                }
                Err(RecvError::Lagged(_)) => {
                    // Slower than the feed's buffer: it starts over from what it has.
                    self.channels.clear();
                    self.control(&Control::Resync { since: self.sent }).await?;
                }
                Err(RecvError::Closed) => return Err(Gone),
            }
            next = match self.live.try_recv() {
                Ok(event) => Ok(event),
                Err(broadcast::error::TryRecvError::Lagged(count)) => Err(RecvError::Lagged(count)),
                Err(broadcast::error::TryRecvError::Closed) => Err(RecvError::Closed),
                Err(broadcast::error::TryRecvError::Empty) => return self.flush().await,
            };
        }
    }

    async fn ack(&mut self, id: Option<serde_json::Value>, channel: String) -> Result<(), Gone> {
        self.control(&Control::Ack { id, success: true, channel, timestamp: now() }).await
    }

    async fn no_channel(&mut self) -> Result<(), Gone> {
        self.error(
            "no_such_channel",
            "Channels are global, all, sessions/{id}, batches/{id} and agents/{agent_type}.",
        )
        .await
    }

    async fn unavailable(&mut self) -> Result<(), Gone> {
        self.error("unavailable", "The log cannot be read right now; subscribe again.").await
    }

    async fn error(&mut self, code: &str, error: &str) -> Result<(), Gone> {
        self.control(&Control::Error {
            error: error.to_owned(),
            code: code.to_owned(),
            timestamp: now(),
        })
        .await
    }

    async fn control(&mut self, frame: &Control) -> Result<(), Gone> {
        let text = serde_json::to_string(frame).map_err(|_| Gone)?;
        self.send(Message::Text(text.into())).await
    }

    async fn send(&mut self, message: Message) -> Result<(), Gone> {
        in_time(self.sink.send(message)).await
    }

    async fn feed(&mut self, text: Utf8Bytes) -> Result<(), Gone> {
        in_time(self.sink.feed(Message::Text(text))).await
    }

    async fn flush(&mut self) -> Result<(), Gone> {
        in_time(self.sink.flush()).await
    }
}

/// Waits until the server stops.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

async fn in_time<E>(sending: impl Future<Output = Result<(), E>>) -> Result<(), Gone> {
    tokio::time::timeout(STALLED, sending).await.map_err(|_| Gone)?.map_err(|_| Gone)
}

fn now() -> i64 {
    chrono::Utc::now().timestamp_millis()
}
