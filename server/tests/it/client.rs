//! Servers on real ports, and a client of their sockets.

use std::{net::SocketAddr, time::Duration};

use engine::Engine;
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use sqlx::{ConnectOptions, postgres::PgConnectOptions};
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    sync::watch,
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream,
    tungstenite::{Message, client::IntoClientRequest, protocol::CloseFrame},
};

/// Longest wait for a frame that is sure to come.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server on a port of its own.
pub struct Server {
    pub engine: Engine,
    pub address: SocketAddr,
    stop: watch::Sender<bool>,
    running: tokio::task::JoinHandle<()>,
}

impl Server {
    pub async fn start(options: &PgConnectOptions) -> Self {
        Self::with(options, &[]).await
    }

    /// As `swell serve` runs with these flags.
    pub async fn with(options: &PgConnectOptions, flags: &[&str]) -> Self {
        let engine = Engine::connect(options.to_url_lossy().as_str(), 8).await.unwrap();
        let (stop, mut stopping) = watch::channel(false);
        let router =
            swell::router::build(engine.clone(), &crate::support::serve(flags), stopping.clone());
        let socket = TcpSocket::new_v4().unwrap();
        // Small: a client that does not read is noticed soon.
        socket.set_send_buffer_size(64 * 1024).unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener: TcpListener = socket.listen(64).unwrap();
        let address = listener.local_addr().unwrap();
        let serving = axum::serve(listener, router).with_graceful_shutdown(async move {
            let _ = stopping.wait_for(|stop| *stop).await;
        });
        let running = tokio::spawn(async move { serving.await.unwrap() });
        Self { engine, address, stop, running }
    }

    /// Asks the server to stop.
    pub fn ask_to_stop(&self) {
        let _ = self.stop.send(true);
    }

    /// Stops it and lets go of the database, so that the test's can be dropped.
    pub async fn stop(self) {
        self.ask_to_stop();
        tokio::time::timeout(PATIENCE, self.running)
            .await
            .expect("the server does not stop")
            .unwrap();
        self.engine.close().await;
    }

    pub async fn client(&self) -> Client {
        Client::connect(self.address, "/ws", &[]).await.expect("no socket")
    }
}

/// A client of a socket.
pub struct Client {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// The first frame.
    pub hello: Value,
}

impl Client {
    /// Connects and takes the hello; else the status of the refusal.
    pub async fn connect(
        address: SocketAddr,
        path: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<Self, u16> {
        let stream = TcpStream::connect(address).await.unwrap();
        Self::over(stream, path, headers).await
    }

    pub async fn over(
        stream: TcpStream,
        path: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<Self, u16> {
        let mut request = format!("ws://localhost:{}{path}", stream.peer_addr().unwrap().port())
            .into_client_request()
            .unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        let (socket, _) =
            match tokio_tungstenite::client_async(request, MaybeTlsStream::Plain(stream)).await {
                Ok(connected) => connected,
                Err(tokio_tungstenite::tungstenite::Error::Http(answer)) => {
                    return Err(answer.status().as_u16());
                }
                Err(error) => panic!("{error}"),
            };
        let mut client = Self { socket, hello: Value::Null };
        client.hello = client.next().await;
        Ok(client)
    }

    pub async fn send(&mut self, frame: &Value) {
        self.send_message(Message::text(frame.to_string())).await;
    }

    pub async fn send_message(&mut self, message: Message) {
        self.socket.send(message).await.unwrap();
    }

    /// The next message that is no ping.
    async fn message(&mut self) -> Message {
        loop {
            let next =
                tokio::time::timeout(PATIENCE, self.socket.next()).await.expect("no frame came");
            match next.expect("the socket ended").unwrap() {
                Message::Ping(_) | Message::Pong(_) => {}
                message => return message,
            }
        }
    }

    /// The next frame.
    pub async fn next(&mut self) -> Value {
        match self.message().await {
            Message::Text(text) => serde_json::from_str(&text).unwrap(),
            other => panic!("{other:?} is no frame"),
        }
    }

    /// Follows a channel; the ack comes before its events.
    pub async fn subscribe(&mut self, channel: &str, since: Option<i64>) {
        let mut frame = json!({"type": "subscribe", "channel": channel, "id": "mine"});
        if let Some(since) = since {
            frame["since"] = json!(since);
        }
        self.send(&frame).await;
        let ack = self.next().await;
        assert_eq!(
            (&ack["type"], &ack["channel"], &ack["id"]),
            (&json!("ack"), &json!(channel), &json!("mine")),
            "{ack}"
        );
    }

    /// The next so many events.
    pub async fn events(&mut self, count: usize) -> Vec<Value> {
        let mut events = Vec::with_capacity(count);
        while events.len() < count {
            let frame = self.next().await;
            assert!(frame.get("event").is_some(), "{frame} after {} events", events.len());
            events.push(frame);
        }
        events
    }

    /// Nothing but the answer to this ping is on its way.
    pub async fn assert_quiet(&mut self) {
        self.send(&json!({"type": "ping"})).await;
        assert_eq!(self.next().await["type"], "pong");
    }

    /// The frame with which the server closes.
    pub async fn closed(&mut self) -> Option<CloseFrame> {
        match self.message().await {
            Message::Close(frame) => frame,
            other => panic!("{other:?} instead of a close"),
        }
    }
}

/// The positions of events.
pub fn positions(events: &[Value]) -> Vec<i64> {
    events.iter().map(|event| event["seq"].as_i64().unwrap()).collect()
}
