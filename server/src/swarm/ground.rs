//! A server of the swarm's own: on a free port, over a database of its own, in a folder that is removed.

use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use crate::client::Client;

/// The server and its folder.
pub struct Ground {
    folder: PathBuf,
    server: Child,
    address: String,
}

/// How long a server may take to start.
const START: Duration = Duration::from_secs(60);

impl Ground {
    /// Makes the folder and starts the server.
    pub fn prepare() -> Result<Self, String> {
        let folder = std::env::temp_dir().join(format!("swell-swarm-{}", std::process::id()));
        let told = |error: std::io::Error| format!("{}: {error}", folder.display());
        fs::create_dir_all(&folder).map_err(told)?;
        // Postgres is another user when this is root's.
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).map_err(told)?;
        let (server, address) = start(&folder, "127.0.0.1:0")?;
        Ok(Self { folder, server, address })
    }

    /// The server's API.
    pub fn client(&self) -> Client {
        Client::new(&format!("http://{}", self.address), None)
    }

    /// Kills the server as a machine does that runs out of memory, and starts it again in the same place.
    pub fn kill_and_restart(&mut self) -> Result<(), String> {
        self.server.kill().map_err(|error| error.to_string())?;
        let _ = self.server.wait();
        println!("The server was killed; it starts again.");
        let (server, _) = start(&self.folder, &self.address)?;
        self.server = server;
        Ok(())
    }

    /// Stops the server as an operator would, and removes the folder.
    pub fn leave(mut self) -> Result<(), String> {
        let pid = self.server.id().to_string();
        let asked = Command::new("kill").args(["-TERM", &pid]).status();
        asked.map_err(|error| format!("kill: {error}"))?;
        self.server.wait().map_err(|error| error.to_string())?;
        fs::remove_dir_all(&self.folder).map_err(|error| error.to_string())
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        // Only where something went wrong before `leave`.
        if matches!(self.server.try_wait(), Ok(None)) {
            let pid = self.server.id().to_string();
            let _ = Command::new("kill").args(["-TERM", &pid]).status();
            let _ = self.server.wait();
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

fn start(folder: &PathBuf, listen: &str) -> Result<(Child, String), String> {
    let exe = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut server = Command::new(exe)
        .args(["serve", "--listen", listen, "--data-dir"])
        .arg(folder)
        .env_remove("SWELL_DATABASE_URL")
        .env_remove("SWELL_API_TOKEN")
        .env("SWELL_LOG", "error")
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| error.to_string())?;
    let out = server.stdout.take().ok_or("the server has no output")?;
    let began = Instant::now();
    for line in BufReader::new(out).lines().map_while(Result::ok) {
        if let Some(rest) = line.strip_prefix("Swell is at http://") {
            let address = rest.split(' ').next().unwrap_or_default().to_owned();
            return Ok((server, address));
        }
        if began.elapsed() > START {
            break;
        }
    }
    let _ = server.kill();
    Err("the server did not start; `swell doctor` says why".to_owned())
}
