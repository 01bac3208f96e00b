//! Sockets on `/ws` that follow one channel.

use std::time::{Duration, Instant};

use futures::{
    SinkExt, StreamExt,
    stream::{BoxStream, SelectAll, SplitSink},
};
use serde_json::{Value, json};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{self, Message, client::IntoClientRequest, http::HeaderValue},
};

use crate::{failure::Failure, target::Target};

const PATIENCE: Duration = Duration::from_secs(10);
/// What marks the one event that a PATCH of a status causes.
const EVENT: &str = "subtask.updated";

type Socket = WebSocketStream<TcpStream>;

/// One socket's incoming half; every message comes with the socket's number.
type Reader = BoxStream<'static, (usize, Result<Message, tungstenite::Error>)>;

/// Sockets that follow one channel, polled together.
pub struct Sockets {
    readers: SelectAll<Reader>,
    writers: Vec<SplitSink<Socket, Message>>,
    /// How many events each has had.
    events: Vec<u64>,
    round: u64,
}

impl Sockets {
    /// Opens `count` sockets and waits until each follows `channel`.
    ///
    /// # Errors
    /// One could not be opened or was refused the channel.
    pub async fn open(target: &Target, count: usize, channel: &str) -> Result<Self, Failure> {
        let mut readers = SelectAll::new();
        let mut writers = Vec::with_capacity(count);
        for number in 0..count {
            let socket = timeout(PATIENCE, open(target, channel))
                .await
                .map_err(|_| Failure::new(format!("socket {number} was not opened in time")))?
                .map_err(|failure| Failure::because(&format!("socket {number}"), failure))?;
            let (writer, stream) = socket.split();
            writers.push(writer);
            readers.push(stream.map(move |message| (number, message)).boxed());
        }
        Ok(Self { readers, writers, events: vec![0; count], round: 0 })
    }

    /// Waits until every socket had one more event; the time from `sent` to each receipt.
    ///
    /// # Errors
    /// A socket missed it, had it twice, or closed.
    pub async fn receive(&mut self, sent: Instant) -> Result<Vec<Duration>, Failure> {
        self.round += 1;
        let count = self.events.len();
        let mut latencies = Vec::with_capacity(count);
        let all = async {
            while latencies.len() < count {
                let Some((number, message)) = self.readers.next().await else {
                    return Err(Failure::new("every socket was closed"));
                };
                let message =
                    message.map_err(|e| Failure::because(&format!("socket {number}"), e))?;
                match message.to_text() {
                    Ok(text) if text.contains(EVENT) => {}
                    Ok(text) if text.contains("resync") => {
                        return Err(Failure::new(format!("socket {number} was told to resync")));
                    }
                    _ => continue,
                }
                latencies.push(sent.elapsed());
                self.events[number] += 1;
                if self.events[number] != self.round {
                    return Err(Failure::new(format!("socket {number} had one event twice")));
                }
            }
            Ok(())
        };
        let result = timeout(PATIENCE, all).await;
        match result {
            Ok(Ok(())) => Ok(latencies),
            Ok(Err(failure)) => Err(failure),
            Err(_) => Err(Failure::new(format!(
                "only {} of {count} sockets had the event in {} s",
                latencies.len(),
                PATIENCE.as_secs()
            ))),
        }
    }

    /// Says goodbye on every socket.
    pub async fn close(mut self) {
        for writer in &mut self.writers {
            // One that is already gone needs no goodbye.
            let _ = timeout(Duration::from_millis(100), writer.send(Message::Close(None))).await;
        }
    }
}

async fn open(target: &Target, channel: &str) -> Result<Socket, Failure> {
    const FRAMES: usize = 32;
    let mut request = format!("ws://{}/ws", target.authority)
        .into_client_request()
        .map_err(|e| Failure::because("the socket's address", e))?;
    if let Some(token) = &target.token {
        let bearer = HeaderValue::from_str(&format!("Bearer {token}"))
            .map_err(|e| Failure::because("the token", e))?;
        request.headers_mut().insert("authorization", bearer);
    }
    let stream =
        TcpStream::connect(target.addr).await.map_err(|e| Failure::because("connect", e))?;
    stream.set_nodelay(true).map_err(|e| Failure::because("connect", e))?;
    let (mut socket, _) =
        client_async(request, stream).await.map_err(|e| Failure::because("handshake", e))?;
    let subscribe = json!({ "type": "subscribe", "channel": channel, "id": 1 });
    socket
        .send(Message::text(subscribe.to_string()))
        .await
        .map_err(|e| Failure::because("subscribe", e))?;
    for _ in 0..FRAMES {
        let Some(message) = socket.next().await else { break };
        let message = message.map_err(|e| Failure::because("subscribe", e))?;
        let frame: Value = message
            .to_text()
            .ok()
            .and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or_default();
        match frame["type"].as_str() {
            Some("ack") => return Ok(socket),
            Some("error") => return Err(Failure::new(frame.to_string())),
            _ => {}
        }
    }
    Err(Failure::new("the server did not acknowledge the subscription"))
}
