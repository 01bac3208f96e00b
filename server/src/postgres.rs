//! The embedded Postgres: a private cluster in Swell's data directory, from whatever Postgres
//! programs the machine has.
//!
//! Crates that embed Postgres bring their own binaries (a download that many machines cannot make)
//! and none starts it for root, whom Postgres refuses; what remains is three of Postgres' own
//! commands: `initdb`, `pg_ctl start` and `pg_ctl stop`.
//!
//! The cluster listens on a Unix socket in a folder of its owner alone, so that it needs no
//! password. `pg_ctl` detaches it from Swell: a Swell that is killed leaves it running, and the next
//! one finds and uses it.

use std::{
    fs::{File, Permissions},
    os::unix::{
        fs::{MetadataExt, PermissionsExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::Arc,
};

/// The oldest Postgres that Swell works with.
pub const OLDEST: u32 = 14;

/// Connections beside those of Swell's pool: its listener, `swell doctor`, a person with `psql`.
const OTHERS: u32 = 20;
/// How Postgres is told how many connections it takes.
const CONNECTIONS: &str = "max_connections=";

/// A cluster that this Swell started or found running. Clones are the same one.
#[derive(Clone, Debug)]
pub struct Cluster(Arc<Place>);

/// Where a cluster is and how its programs are run.
#[derive(Debug)]
struct Place {
    dir: PathBuf,
    programs: PathBuf,
    data: PathBuf,
    socket: PathBuf,
    /// Most connections that it takes.
    connections: u32,
    owner: Option<Owner>,
    /// Held for as long as this Swell uses the cluster.
    _lock: File,
}

/// The user that Postgres runs as when Swell runs as root.
#[derive(Clone, Copy, Debug)]
struct Owner {
    user: u32,
    group: u32,
}

/// Whether this process is root's.
#[must_use]
pub fn is_root() -> bool {
    // The one file that says so without unsafe code or another crate.
    std::fs::metadata("/proc/self").map_or_else(
        |_| std::env::var("USER").is_ok_and(|user| user == "root"),
        |metadata| metadata.uid() == 0,
    )
}

impl Cluster {
    /// Starts the cluster of that data directory; makes it when there is none, and goes on with one
    /// that runs already. It takes `connections` from Swell, and some from others.
    ///
    /// # Errors
    /// A sentence that says what to do.
    pub async fn start(
        dir: &Path,
        programs: Option<&Path>,
        connections: u32,
    ) -> Result<Self, String> {
        let (dir, programs) = (dir.to_owned(), programs.map(Path::to_owned));
        let place = blocking(move || Place::start(&dir, programs.as_deref(), connections)).await?;
        Ok(Self(Arc::new(place)))
    }

    /// The URL of Swell's database in it.
    #[must_use]
    pub fn url(&self) -> String {
        url(&self.0.socket)
    }

    /// Starts the cluster again if it has died; true when it had.
    ///
    /// # Errors
    /// What `pg_ctl` said.
    pub async fn revive(&self) -> Result<bool, String> {
        let place = Arc::clone(&self.0);
        blocking(move || {
            if place.is_running()? {
                return Ok(false);
            }
            place.launch()?;
            Ok(true)
        })
        .await
    }

    /// Stops the cluster; connections end, what was committed stays.
    ///
    /// # Errors
    /// What `pg_ctl` said.
    pub async fn stop(self) -> Result<(), String> {
        blocking(move || {
            let data = self.0.data.to_string_lossy().into_owned();
            let stop = |how, seconds| {
                self.0.run("pg_ctl", &["-D", &data, "-m", how, "-w", "-t", seconds, "stop"])
            };
            // A checkpoint that takes too long is made up for when the cluster starts again.
            stop("fast", "3").or_else(|_| stop("immediate", "2")).map(|_| ())
        })
        .await
    }
}

impl Place {
    fn start(dir: &Path, programs: Option<&Path>, connections: u32) -> Result<Self, String> {
        std::fs::create_dir_all(dir).map_err(|error| at(dir, &error))?;
        let dir = dir.canonicalize().map_err(|error| at(dir, &error))?;
        let lock = lock(&dir)?;
        let data = dir.join("postgres");
        let programs = find_programs(programs, version_of(&data).as_deref())?;
        let owner = if is_root() { Some(owner()?) } else { None };
        let connections = connections + OTHERS;
        let socket = socket_dir(&dir);
        let place = Self { programs, socket, data, connections, owner, dir, _lock: lock };
        place.own(&place.dir)?;
        std::fs::create_dir_all(&place.socket).map_err(|error| at(&place.socket, &error))?;
        place.own(&place.socket)?;
        let private = std::fs::set_permissions(&place.socket, Permissions::from_mode(0o700));
        private.map_err(|error| at(&place.socket, &error))?;
        if version_of(&place.data).is_none() {
            place.initialise()?;
        }
        if place.is_running()? && !place.takes_enough() {
            println!("Starting the Postgres that is running already again, for more connections");
            let data = place.data.to_string_lossy();
            place.run("pg_ctl", &["-D", &data, "-m", "fast", "-w", "-t", "60", "stop"])?;
            place.launch()?;
        } else if place.is_running()? {
            tracing::info!(data = %place.data.display(), "using the embedded Postgres that is running already");
        } else {
            place.launch()?;
        }
        Ok(place)
    }

    /// Makes the cluster beside its place and moves it there whole: one that was cut short does not
    /// look like one that is there.
    fn initialise(&self) -> Result<(), String> {
        let half = self.dir.join("postgres.new");
        if half.exists() {
            std::fs::remove_dir_all(&half).map_err(|error| at(&half, &error))?;
        }
        println!("Making a Postgres cluster in {}", self.data.display());
        let path = half.to_string_lossy().into_owned();
        self.run(
            "initdb",
            &["-D", &path, "-U", "swell", "-A", "trust", "-E", "UTF8", "--locale=C"],
        )?;
        std::fs::rename(&half, &self.data).map_err(|error| at(&self.data, &error))
    }

    fn launch(&self) -> Result<(), String> {
        let log = self.dir.join("postgres.log");
        let options = format!(
            "-c listen_addresses='' -c unix_socket_directories='{}' -c unix_socket_permissions=0700 \
             -c {CONNECTIONS}{} -c max_wal_size=2GB -c wal_compression=on -c log_min_messages=warning",
            self.socket.to_string_lossy().replace('\'', "''"),
            self.connections,
        );
        let (data, log_path) =
            (self.data.to_string_lossy().into_owned(), log.to_string_lossy().into_owned());
        self.run(
            "pg_ctl",
            &["-D", &data, "-l", &log_path, "-o", &options, "-w", "-t", "60", "start"],
        )
        .map(|_| ())
        .map_err(|error| format!("{error}\n{}", tail(&log)))
    }

    /// Whether a server runs on the data; a file that a killed one left behind says nothing.
    fn is_running(&self) -> Result<bool, String> {
        let data = self.data.to_string_lossy().into_owned();
        Ok(self.output("pg_ctl", &["-D", &data, "status"])?.status.success())
    }

    /// Whether the cluster that runs takes as many connections as this Swell wants. One that was started
    /// by hand is taken as it is.
    fn takes_enough(&self) -> bool {
        let options = std::fs::read_to_string(self.data.join("postmaster.opts"));
        let options = options.unwrap_or_default();
        let has = options.split_once(CONNECTIONS).and_then(|(_, after)| {
            after.split(|letter: char| !letter.is_ascii_digit()).next()?.parse::<u32>().ok()
        });
        has.is_none_or(|has| has >= self.connections)
    }

    fn own(&self, path: &Path) -> Result<(), String> {
        match self.owner {
            Some(owner) => {
                chown(path, Some(owner.user), Some(owner.group)).map_err(|error| at(path, &error))
            }
            None => Ok(()),
        }
    }

    fn output(&self, program: &str, arguments: &[&str]) -> Result<Output, String> {
        let mut command = Command::new(self.programs.join(program));
        command
            .args(arguments)
            .current_dir("/")
            .env("LC_ALL", "C")
            .stdin(std::process::Stdio::null());
        // Signals of the terminal are for Swell, which then stops the cluster in its own time.
        command.process_group(0);
        if let Some(owner) = self.owner {
            command.uid(owner.user).gid(owner.group);
        }
        command.output().map_err(|error| format!("cannot run {program}: {error}"))
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Result<Output, String> {
        let output = self.output(program, arguments)?;
        if output.status.success() {
            return Ok(output);
        }
        let said = String::from_utf8_lossy(if output.stderr.is_empty() {
            &output.stdout
        } else {
            &output.stderr
        });
        Err(format!("{program} failed: {}", said.trim()))
    }
}

/// The folder with Postgres' programs: the given one, else of the version that the data has, else
/// the newest.
///
/// # Errors
/// A sentence that says what to install.
pub fn find_programs(given: Option<&Path>, version: Option<&str>) -> Result<PathBuf, String> {
    let is_one = |dir: &Path| dir.join("initdb").is_file() && dir.join("pg_ctl").is_file();
    if let Some(given) = given {
        return if is_one(given) {
            Ok(given.to_owned())
        } else {
            Err(format!("there are no Postgres programs in {}", given.display()))
        };
    }
    let mut found: Vec<(u32, PathBuf)> = Vec::new();
    for parent in ["/usr/lib/postgresql", "/opt/homebrew/opt", "/usr/local/opt"] {
        for entry in std::fs::read_dir(parent).into_iter().flatten().flatten() {
            let name = entry
                .file_name()
                .to_string_lossy()
                .replace("postgresql@", "")
                .replace("postgresql", "");
            let bin = entry.path().join("bin");
            if let (true, Ok(major)) = (is_one(&bin), name.parse()) {
                found.push((major, bin));
            }
        }
    }
    found.sort();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).find(|dir| is_one(dir));
    let chosen = match version {
        Some(version) => {
            found.iter().find(|(major, _)| major.to_string() == version).map(|(_, bin)| bin.clone())
        }
        None => found.pop().map(|(_, bin)| bin),
    };
    chosen.or(on_path).ok_or_else(|| match version {
        Some(version) => format!("the data directory is of Postgres {version}, whose programs are not installed"),
        None => "Postgres' programs (initdb, pg_ctl) were not found: install PostgreSQL 14 or newer, or name a server \
                 with --database-url"
            .to_owned(),
    })
}

/// The major version of those programs.
///
/// # Errors
/// A sentence that says what to do.
pub fn program_version(programs: &Path) -> Result<u32, String> {
    let mend = "install PostgreSQL 14 or newer, or name another folder with --postgres-bin";
    let output =
        Command::new(programs.join("postgres")).arg("--version").output().map_err(|error| {
            format!("cannot run postgres of {}: {error}; {mend}", programs.display())
        })?;
    // `postgres (PostgreSQL) 15.18 (Debian …)`
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let major = said.split_whitespace().nth(2).and_then(|version| {
        version.chars().take_while(char::is_ascii_digit).collect::<String>().parse().ok()
    });
    match major {
        Some(major) if major >= OLDEST => Ok(major),
        _ => Err(format!("`{}` is not version {OLDEST} or newer; {mend}", said.trim())),
    }
}

/// The URL of a cluster that another Swell uses; none when none does.
#[must_use]
pub fn in_use(dir: &Path) -> Option<String> {
    let dir = dir.canonicalize().ok()?;
    let free = lock(&dir).is_ok();
    (!free).then(|| url(&socket_dir(&dir)))
}

/// The URL of the database behind that socket.
fn url(socket: &Path) -> String {
    let socket: String = socket
        .to_string_lossy()
        .bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect();
    // The superuser's own database is there from the start.
    format!("postgres://swell@localhost/postgres?host={socket}")
}

/// The major version of the cluster in that folder; none when there is no cluster.
fn version_of(data: &Path) -> Option<String> {
    std::fs::read_to_string(data.join("PG_VERSION")).ok().map(|text| text.trim().to_owned())
}

/// One Swell at a time manages a data directory; the lock goes with the process, however it ends.
fn lock(dir: &Path) -> Result<File, String> {
    let path = dir.join("lock");
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(|error| at(&path, &error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(format!(
            "another Swell uses {}: stop it, choose another folder with --data-dir, or name a shared server with \
             --database-url",
            dir.display()
        )),
        Err(std::fs::TryLockError::Error(error)) => Err(at(&path, &error)),
    }
}

/// The folder of the socket: a socket's path has room for about 100 bytes.
fn socket_dir(dir: &Path) -> PathBuf {
    let near = dir.join("run");
    if near.as_os_str().len() <= 80 {
        return near;
    }
    let hash = dir.to_string_lossy().bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    std::env::temp_dir().join(format!("swell-{hash:016x}"))
}

fn owner() -> Result<Owner, String> {
    let users = std::fs::read_to_string("/etc/passwd")
        .map_err(|error| at(Path::new("/etc/passwd"), &error))?;
    let find = |wanted: &str| {
        users
            .lines()
            .map(|line| line.split(':').collect::<Vec<_>>())
            .find(|fields| fields[0] == wanted)
            .and_then(|fields| {
                Some(Owner {
                    user: fields.get(2)?.parse().ok()?,
                    group: fields.get(3)?.parse().ok()?,
                })
            })
    };
    find("postgres").or_else(|| find("nobody")).ok_or_else(|| {
        "Postgres does not run as root, and there is no user `postgres` or `nobody` to run it as".to_owned()
    })
}

fn at(path: &Path, error: &std::io::Error) -> String {
    format!("{}: {error}", path.display())
}

/// The end of a log, for an error message.
fn tail(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(10)..].join("\n")
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    tokio::task::spawn_blocking(work).await.map_err(|error| error.to_string())?
}
