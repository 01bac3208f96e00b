//! A proxy in front of Postgres that notes every round trip: what is asked before an answer is waited
//! for. `BEGIN` and `COMMIT` cost one each, like any statement.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex},
};

use engine::Engine;
use sqlx::{ConnectOptions, postgres::PgConnectOptions};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream, UnixStream},
};

/// The round trips of each connection, in order.
type Log = Arc<Mutex<Vec<(usize, String)>>>;

/// What a server asks of its database.
pub struct Wire {
    /// The server: one connection for its work, so that use-cases and background tasks take turns
    /// (and no use-case can need two), and one that listens.
    pub server: Engine,
    log: Log,
}

impl Wire {
    pub async fn new(url: &str) -> Self {
        let options: PgConnectOptions = url.parse().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let log = Log::default();
        let mut through = options.to_url_lossy();
        through.set_host(Some("127.0.0.1")).unwrap();
        through.set_port(Some(listener.local_addr().unwrap().port())).unwrap();
        through.set_query(Some("sslmode=disable"));
        tokio::spawn(accept(listener, options, Arc::clone(&log)));
        let pool = Engine::pool(through.as_str(), 2).await.unwrap();
        let wire = Self { server: Engine::over(pool).await.unwrap(), log };
        // Before it listens, its connection is there for work as well, which would then be prepared twice.
        let listens =
            async || wire.log.lock().unwrap().iter().any(|(_, it)| it.starts_with("LISTEN"));
        crate::support::wait_until("it listens", listens).await;
        wire
    }

    /// The round trips of a use-case, which has run before: its statements are prepared.
    pub async fn round_trips<T>(&self, use_case: impl Future<Output = T>) -> Vec<String> {
        let before = self.log.lock().unwrap().len();
        use_case.await;
        let log = self.log.lock().unwrap();
        // The appender's transactions and the feed's reads are nobody's use-case.
        let (mut appending, mut trips) = (HashSet::new(), Vec::new());
        for (index, (connection, sql)) in log.iter().enumerate() {
            if sql.contains("pg_advisory_xact_lock(1937204588)") {
                appending.insert(*connection);
            }
            let background = appending.contains(connection)
                || sql.contains("FROM events")
                || sql.contains("EXISTS (SELECT 1 FROM event_outbox)")
                || sql.contains("FROM attempts a JOIN subtasks")
                || sql.starts_with("LISTEN");
            if sql == "COMMIT" {
                appending.remove(connection);
            }
            if !background && index >= before {
                trips.push(label(sql));
            }
        }
        trips
    }
}

/// The beginning of a statement on one line, without literals.
fn label(sql: &str) -> String {
    let words: Vec<&str> = sql.split_whitespace().collect();
    let text = words.join(" ");
    text.split('\'').step_by(2).collect::<Vec<_>>().join("?").chars().take(160).collect()
}

async fn accept(listener: TcpListener, options: PgConnectOptions, log: Log) {
    let mut connection = 0;
    while let Ok((client, _)) = listener.accept().await {
        connection += 1;
        let (options, log) = (options.clone(), Arc::clone(&log));
        tokio::spawn(async move {
            if let Some(folder) = options.get_socket() {
                let path = folder.join(format!(".s.PGSQL.{}", options.get_port()));
                forward(client, UnixStream::connect(path).await.unwrap(), connection, log).await;
            } else {
                let address = (options.get_host(), options.get_port());
                forward(client, TcpStream::connect(address).await.unwrap(), connection, log).await;
            }
        });
    }
}

async fn forward(
    client: TcpStream,
    database: impl AsyncRead + AsyncWrite,
    connection: usize,
    log: Log,
) {
    let (mut answers, mut questions) = tokio::io::split(database);
    let (mut from_client, mut to_client) = client.into_split();
    let there = async {
        let mut reader = Reader::default();
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(read @ 1..) = from_client.read(&mut buffer).await {
            for sql in reader.read(&buffer[..read]) {
                log.lock().unwrap().push((connection, sql));
            }
            if questions.write_all(&buffer[..read]).await.is_err() {
                return;
            }
        }
    };
    let back = tokio::io::copy(&mut answers, &mut to_client);
    tokio::select! { () = there => {}, _ = back => {} }
}

/// Reads the client's half of the protocol.
#[derive(Default)]
struct Reader {
    bytes: Vec<u8>,
    started: bool,
    prepared: HashMap<String, String>,
    current: String,
}

impl Reader {
    /// Takes what arrived; says what is waited for now.
    fn read(&mut self, arrived: &[u8]) -> Vec<String> {
        self.bytes.extend_from_slice(arrived);
        let mut trips = Vec::new();
        loop {
            // The first message has no type.
            let kind_size = usize::from(self.started);
            let Some(size) = self.bytes.get(kind_size..kind_size + 4) else { return trips };
            let size = kind_size + u32::from_be_bytes(size.try_into().unwrap()) as usize;
            if self.bytes.len() < size {
                return trips;
            }
            let message: Vec<u8> = self.bytes.drain(..size).collect();
            if !self.started {
                self.started = true;
                continue;
            }
            let mut words = message[5..].split(|byte| *byte == 0).map(String::from_utf8_lossy);
            let mut word = || words.next().unwrap_or_default().into_owned();
            match message[0] {
                b'Q' => trips.push(word()),
                b'P' => {
                    let (name, sql) = (word(), word());
                    self.current.clone_from(&sql);
                    self.prepared.insert(name, sql);
                }
                b'B' => {
                    let (_portal, name) = (word(), word());
                    self.current = self.prepared.get(&name).cloned().unwrap_or_default();
                }
                // A connection that goes back to its pool sends a lone Sync; nobody waits for it.
                b'S' if self.current.is_empty() => {}
                b'S' => trips.push(std::mem::take(&mut self.current)),
                _ => {}
            }
        }
    }
}
