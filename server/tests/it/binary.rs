//! The `swell` program itself, over a cluster of its own.

use std::{
    fs::Permissions,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

pub const BATCH: &str =
    r#"{"session_id":"s","wave_number":0,"tasks":[{"agent_type":"Explore","description":"look"}]}"#;

/// A data directory; its cluster is stopped and its files removed at the end of the test.
pub struct Data(pub PathBuf);

impl Data {
    pub fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("swell-test-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        // Postgres is another user when the tests are root's.
        std::fs::set_permissions(&dir, Permissions::from_mode(0o755)).unwrap();
        Self(dir)
    }

    /// The process id of its Postgres, if one is there.
    pub fn postgres(&self) -> Option<u32> {
        let file = std::fs::read_to_string(self.0.join("postgres/postmaster.pid")).ok()?;
        let pid = file.lines().next()?.parse().ok()?;
        Path::new(&format!("/proc/{pid}")).exists().then_some(pid)
    }
}

impl Drop for Data {
    fn drop(&mut self) {
        if let Some(pid) = self.postgres() {
            kill("QUIT", pid);
            eventually("Postgres ends", || self.postgres().is_none());
        }
        std::fs::remove_dir_all(&self.0).unwrap();
    }
}

pub fn command(data: &Data, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_swell"));
    command
        .args(["--listen", "127.0.0.1:0", "--data-dir"])
        .arg(&data.0)
        .args(arguments)
        .env_remove("SWELL_DATABASE_URL")
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    command
}

/// A running `swell serve`.
pub struct Swell {
    pub process: Child,
    pub address: String,
}

impl Swell {
    pub fn start(data: &Data) -> Self {
        Self::start_with(data, &[])
    }

    pub fn start_with(data: &Data, arguments: &[&str]) -> Self {
        let mut process = command(data, &["serve"]).args(arguments).spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let address = lines
            .find_map(|line| {
                let line = line.unwrap();
                let rest = line.strip_prefix("Swell is at http://")?;
                Some(rest.split(' ').next()?.to_owned())
            })
            .expect("it says where it is");
        Self { process, address }
    }

    /// Status and body.
    pub fn send(&self, method: &str, path: &str, body: &str) -> (u16, String) {
        send(&self.address, method, path, body)
    }

    pub fn subtasks(&self) -> (u16, usize) {
        let (status, body) = self.send("GET", "/api/subtasks?session_id=s", "");
        (status, body.matches("\"batch_id\"").count())
    }
}

/// Status and body.
pub fn send(address: &str, method: &str, path: &str, body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

impl Drop for Swell {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

pub fn kill(signal: &str, pid: u32) {
    let done = Command::new("kill").args(["-s", signal, &pid.to_string()]).status().unwrap();
    assert!(done.success());
}

pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < until, "not within 30 s: {what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

pub fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}
