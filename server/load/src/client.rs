//! An HTTP/1.1 client for one agent: one keep-alive connection, one request at a time.
//!
//! Written for this tool because it shares its cores with the server: a request is one write of bytes that
//! were built beforehand, an answer costs its head and a count of bytes, and no task or channel lies between
//! the agent and its socket.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::{failure::Failure, target::Target};

const TIMEOUT: Duration = Duration::from_secs(30);
const BUFFER: usize = 64 * 1024;
const MAX_BODY: usize = 256 * 1024 * 1024;

/// One agent's connection.
#[derive(Debug)]
pub struct Client<'t> {
    target: &'t Target,
    wire: Option<Wire>,
}

impl<'t> Client<'t> {
    /// A client that connects when it is first used.
    pub fn new(target: &'t Target) -> Self {
        Self { target, wire: None }
    }

    /// Where it sends its requests.
    #[must_use]
    pub fn target(&self) -> &'t Target {
        self.target
    }

    /// Closes the connection, so that the next request opens a fresh one.
    pub fn hang_up(&mut self) {
        self.wire = None;
    }

    /// Sends a request and skips the body of the answer.
    ///
    /// # Errors
    /// No answer, or one that is not a 2xx.
    pub async fn call(&mut self, request: &[u8]) -> Result<(), Failure> {
        self.exchange(request, None).await
    }

    /// Sends a request and returns the body of the answer.
    ///
    /// # Errors
    /// No answer, or one that is not a 2xx.
    pub async fn fetch(&mut self, request: &[u8]) -> Result<Vec<u8>, Failure> {
        let mut body = Vec::new();
        self.exchange(request, Some(&mut body)).await?;
        Ok(body)
    }

    async fn exchange(
        &mut self,
        request: &[u8],
        body: Option<&mut Vec<u8>>,
    ) -> Result<(), Failure> {
        // Put back only after a whole answer: a connection that failed half-way is of no further use.
        let wire = self.wire.take();
        let exchange = async {
            let mut wire = match wire {
                Some(wire) => wire,
                None => Wire::open(self.target).await?,
            };
            let answer = wire.exchange(request, body).await?;
            Ok::<_, Failure>((wire, answer))
        };
        let (wire, answer) = timeout(TIMEOUT, exchange)
            .await
            .map_err(|_| Failure::new(format!("no answer in {} s", TIMEOUT.as_secs())))??;
        if answer.keep_alive {
            self.wire = Some(wire);
        }
        answer.refused.map_or(Ok(()), Err)
    }
}

/// What is kept of an answer.
struct Answer {
    keep_alive: bool,
    refused: Option<Failure>,
}

struct Head {
    status: u16,
    /// `None`: it comes in chunks.
    length: Option<usize>,
    keep_alive: bool,
}

#[derive(Debug)]
struct Wire {
    stream: TcpStream,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
}

impl Wire {
    async fn open(target: &Target) -> Result<Self, Failure> {
        let stream =
            TcpStream::connect(target.addr).await.map_err(|e| Failure::because("connect", e))?;
        stream.set_nodelay(true).map_err(|e| Failure::because("connect", e))?;
        Ok(Self { stream, buffer: vec![0; BUFFER].into_boxed_slice(), start: 0, end: 0 })
    }

    async fn exchange(
        &mut self,
        request: &[u8],
        body: Option<&mut Vec<u8>>,
    ) -> Result<Answer, Failure> {
        self.stream.write_all(request).await.map_err(|e| Failure::because("write", e))?;
        let head = self.head().await?;
        if (200..300).contains(&head.status) {
            self.body(head.length, body).await?;
            return Ok(Answer { keep_alive: head.keep_alive, refused: None });
        }
        let mut reason = Vec::new();
        self.body(head.length, Some(&mut reason)).await?;
        Ok(Answer {
            keep_alive: head.keep_alive,
            refused: Some(Failure::answered(head.status, &reason)),
        })
    }

    /// Reads more bytes behind those that are there.
    async fn more(&mut self) -> Result<(), Failure> {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        } else if self.end == self.buffer.len() {
            if self.start == 0 {
                return Err(Failure::new("a head or line of the answer is too long"));
            }
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        match self.stream.read(&mut self.buffer[self.end..]).await {
            Ok(0) => Err(Failure::new("the server closed the connection")),
            Ok(count) => {
                self.end += count;
                Ok(())
            }
            Err(e) => Err(Failure::because("read", e)),
        }
    }

    async fn head(&mut self) -> Result<Head, Failure> {
        loop {
            if self.start == self.end {
                self.more().await?;
            }
            let mut headers = [httparse::EMPTY_HEADER; 48];
            let mut response = httparse::Response::new(&mut headers);
            match response.parse(&self.buffer[self.start..self.end]) {
                Ok(httparse::Status::Complete(length)) => {
                    let head = read_head(&response)?;
                    self.start += length;
                    return Ok(head);
                }
                Ok(httparse::Status::Partial) => self.more().await?,
                Err(e) => return Err(Failure::because("not an HTTP answer", e)),
            }
        }
    }

    async fn body(
        &mut self,
        length: Option<usize>,
        mut keep: Option<&mut Vec<u8>>,
    ) -> Result<(), Failure> {
        match length {
            Some(count) => self.bytes(count, keep).await,
            None => {
                let mut total = 0_usize;
                loop {
                    let line = self.line().await?;
                    let size = line.split(';').next().unwrap_or_default().trim();
                    let size = usize::from_str_radix(size, 16)
                        .map_err(|e| Failure::because("bad chunk", e))?;
                    total = total.saturating_add(size);
                    if total > MAX_BODY {
                        return Err(Failure::new("the answer is too long"));
                    }
                    self.bytes(size, keep.as_deref_mut()).await?;
                    // The empty line behind a chunk; trailers are not asked for, so none come.
                    self.line().await?;
                    if size == 0 {
                        return Ok(());
                    }
                }
            }
        }
    }

    async fn bytes(
        &mut self,
        mut count: usize,
        mut keep: Option<&mut Vec<u8>>,
    ) -> Result<(), Failure> {
        while count > 0 {
            if self.start == self.end {
                self.more().await?;
            }
            let taken = count.min(self.end - self.start);
            if let Some(keep) = keep.as_deref_mut() {
                keep.extend_from_slice(&self.buffer[self.start..self.start + taken]);
            }
            self.start += taken;
            count -= taken;
        }
        Ok(())
    }

    async fn line(&mut self) -> Result<String, Failure> {
        loop {
            let there = &self.buffer[self.start..self.end];
            if let Some(length) = there.iter().position(|byte| *byte == b'\n') {
                let line = String::from_utf8_lossy(&there[..length]).trim_end().to_owned();
                self.start += length + 1;
                return Ok(line);
            }
            self.more().await?;
        }
    }
}

fn read_head(response: &httparse::Response<'_, '_>) -> Result<Head, Failure> {
    let status = response.code.unwrap_or_default();
    let (mut length, mut chunked, mut keep_alive) = (None, false, true);
    for header in response.headers.iter() {
        if header.name.eq_ignore_ascii_case("content-length") {
            length = std::str::from_utf8(header.value)
                .ok()
                .and_then(|value| value.trim().parse::<usize>().ok());
        } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
            chunked = header.value.eq_ignore_ascii_case(b"chunked");
        } else if header.name.eq_ignore_ascii_case("connection") {
            keep_alive = !header.value.eq_ignore_ascii_case(b"close");
        }
    }
    let length = match length {
        _ if chunked => None,
        Some(length) if length <= MAX_BODY => Some(length),
        None if matches!(status, 204 | 304) => Some(0),
        _ => return Err(Failure::new("the answer does not say how long it is")),
    };
    Ok(Head { status, length, keep_alive })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn answers_of_every_kind_are_read_to_their_end_over_one_connection() {
        const ANSWERS: [&str; 4] = [
            "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n",
            "HTTP/1.1 409 Conflict\r\ncontent-length: 2\r\n\r\nno",
            "HTTP/1.1 204 No Content\r\n\r\n",
        ];
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let server = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 1024];
            for answer in ANSWERS {
                assert!(stream.read(&mut request).await.unwrap() > 0);
                let (first, second) = answer.split_at(answer.len() / 2);
                stream.write_all(first.as_bytes()).await.unwrap();
                tokio::task::yield_now().await;
                stream.write_all(second.as_bytes()).await.unwrap();
            }
        };
        let target = Target { addr, authority: addr.to_string(), token: None };
        let mut client = Client::new(&target);
        let agent = async {
            let request = target.request("GET", "/", None);
            assert_eq!(client.fetch(&request).await.unwrap(), b"hello");
            assert_eq!(client.fetch(&request).await.unwrap(), b"hello");
            assert_eq!(client.call(&request).await.unwrap_err(), Failure::answered(409, b"no"));
            client.call(&request).await.unwrap();
        };
        tokio::join!(server, agent);
    }
}
