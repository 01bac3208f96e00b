//! Configuration: flags, each with a `SWELL_*` variable of the same name.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum, builder::RangedU64ValueParser};

/// Coordinates many coding agents that work at once: waves, batches, subtasks, live.
#[derive(Debug, Parser)]
#[command(name = "swell", version, about)]
pub struct Cli {
    /// What to do; `serve` when left out.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The server.
    #[command(flatten)]
    pub serve: Serve,
    /// The database.
    #[command(flatten)]
    pub database: Database,
    /// The log.
    #[command(flatten)]
    pub log: Log,
}

/// The subcommands.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Serve the dashboard, the REST API and the socket.
    Serve,
    /// Bring the database's schema up to date and stop.
    Migrate,
    /// Check ports, Postgres, versions and migrations, and say how to mend what is wrong.
    Doctor,
    /// Print the OpenAPI document.
    Openapi,
    /// Sessions and how far they are.
    Status(crate::cli::Status),
    /// The waves of a session.
    Waves(crate::cli::Waves),
    /// Submit a batch from a file.
    Submit(crate::cli::Submit),
    /// Claim work; exit code 3 when there is none.
    Claim(crate::cli::Claim),
    /// Say that a claimed subtask is still worked on.
    Heartbeat(crate::cli::Beat),
    /// Report where a subtask stands.
    Report(crate::cli::Report),
    /// Follow what happens.
    Watch(crate::cli::Watch),
    /// Print a completion script for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Play a session against a running server, as agents would: with failures, a conflict, retries.
    Demo(crate::demo::Demo),
    /// Prove that nothing is lost or done twice: many agents, crashes and a killed server, on a server of
    /// its own.
    Swarm(crate::swarm::Swarm),
    /// Speak the Model Context Protocol on standard input and output, for a running server.
    Mcp(crate::cli::To),
    /// Claude Code's hooks: install them into a project, take them out, try them.
    #[command(subcommand)]
    Hooks(crate::hooks::Hooks),
}

/// How to serve.
#[derive(Clone, Debug, Args)]
pub struct Serve {
    /// Address and port to listen on. Anything but a loopback address needs an API token.
    #[arg(long, env = "SWELL_LISTEN", default_value = "127.0.0.1:3847", global = true)]
    pub listen: SocketAddr,
    /// The token that clients must send: `Authorization: Bearer …` or, for people, on the login
    /// page. At least 16 characters.
    #[arg(long, env = "SWELL_API_TOKEN", hide_env_values = true, global = true)]
    pub api_token: Option<String>,
    /// A further name that clients may call this server by (Host header, without a port).
    #[arg(long = "allow-host", env = "SWELL_ALLOW_HOSTS", value_delimiter = ',', global = true)]
    pub allow_hosts: Vec<String>,
    /// A further origin whose pages may call this server, such as `https://tools.example`: open a socket,
    /// and make requests that browsers make without asking first.
    #[arg(
        long = "allow-origin",
        env = "SWELL_ALLOW_ORIGINS",
        value_delimiter = ',',
        global = true
    )]
    pub allow_origins: Vec<String>,
    /// Largest request body; bytes.
    #[arg(long, env = "SWELL_BODY_LIMIT", default_value_t = 4 * 1024 * 1024, global = true,
          value_parser = RangedU64ValueParser::<usize>::new().range(1..))]
    pub body_limit: usize,
    /// Longest time that a request may take; seconds. A claim that waits for work waits a second less.
    #[arg(long, env = "SWELL_REQUEST_TIMEOUT", default_value_t = 30, global = true,
          value_parser = clap::value_parser!(u64).range(1..=3_600))]
    pub request_timeout: u64,
    /// Memory for batches that were read lately, so that reading one again that has not changed costs
    /// one look-up; MiB, 0 to keep none.
    #[arg(long, env = "SWELL_READ_CACHE", default_value_t = 32, global = true)]
    pub read_cache: u64,
    /// Folder of the built dashboard; `site` beside the program or above it when left out.
    #[arg(long, env = "SWELL_SITE_DIR", global = true)]
    pub site_dir: Option<PathBuf>,
}

/// Where the data is.
#[derive(Clone, Debug, Args)]
pub struct Database {
    /// A Postgres server to use instead of the embedded one: `postgres://user:password@host/name`.
    #[arg(long, env = "SWELL_DATABASE_URL", hide_env_values = true, global = true)]
    pub database_url: Option<String>,
    /// Folder of the embedded Postgres; by default `/var/lib/swell` for root, else
    /// `$XDG_DATA_HOME/swell` or `~/.local/share/swell`.
    #[arg(long, env = "SWELL_DATA_DIR", global = true)]
    pub data_dir: Option<PathBuf>,
    /// Folder with Postgres' programs (`initdb`, `pg_ctl`); looked for when left out.
    #[arg(long, env = "SWELL_POSTGRES_BIN", global = true)]
    pub postgres_bin: Option<PathBuf>,
    /// Most connections to the database.
    #[arg(long, env = "SWELL_CONNECTIONS", default_value_t = 16, value_parser = clap::value_parser!(u32).range(4..=500), global = true)]
    pub connections: u32,
}

/// What the log looks like.
#[derive(Clone, Debug, Args)]
pub struct Log {
    /// The form of a line.
    #[arg(long, env = "SWELL_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text, global = true)]
    pub log_format: LogFormat,
    /// What is logged: a level, or levels by module (`info,swell=debug`).
    #[arg(
        long = "log",
        env = "SWELL_LOG",
        default_value = "info,sqlx=warn,rmcp=warn",
        global = true
    )]
    pub filter: String,
}

/// The form of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl Database {
    /// The data directory that is used when none is given.
    #[must_use]
    pub fn data_dir(&self) -> PathBuf {
        if let Some(dir) = &self.data_dir {
            return dir.clone();
        }
        if crate::postgres::is_root() {
            // Postgres runs as another user there, who cannot look into root's home.
            return PathBuf::from("/var/lib/swell");
        }
        let home = || std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
        std::env::var_os("XDG_DATA_HOME")
            .map_or_else(|| home().join(".local/share"), PathBuf::from)
            .join("swell")
    }
}

impl Serve {
    /// Where the built dashboard is.
    #[must_use]
    pub fn site_dir(&self) -> PathBuf {
        self.site_dir.clone().unwrap_or_else(|| {
            let exe = std::env::current_exe().unwrap_or_default();
            // Installed beside it, or where cargo-leptos puts it: `target/site` for `target/release`.
            let near = exe
                .ancestors()
                .skip(1)
                .take(2)
                .map(|dir| dir.join("site"))
                .find(|dir| dir.is_dir());
            near.unwrap_or_else(|| PathBuf::from("target/site"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }
}
