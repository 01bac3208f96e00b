//! Calls Postgres' own `pgbench` with one of our scripts.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use serde::Serialize;
use tokio::{io::AsyncWriteExt, process::Command, time::timeout};

use crate::failure::Failure;

/// What `pgbench` measured.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rate {
    /// Transactions a second.
    pub tps: f64,
    /// Mean latency; milliseconds.
    pub latency_avg_ms: f64,
    /// Transactions that failed.
    pub failed: u64,
}

/// `pgbench` and the database that it is pointed at.
#[derive(Debug)]
pub struct Pgbench {
    binary: PathBuf,
    dsn: String,
}

impl Pgbench {
    /// Finds the binary and checks where the connection string leads.
    ///
    /// # Errors
    /// No `pgbench`, or a database on another machine without `allow_remote`.
    pub fn new(dsn: &str, allow_remote: bool) -> Result<Self, Failure> {
        if !allow_remote && !is_local(dsn) {
            return Err(Failure::new(
                "the pgbench DSN does not plainly lead to this machine (host=/socket/dir or a loopback address); \
                 --allow-remote if that database is yours to load",
            ));
        }
        let binary = find().ok_or_else(|| {
            Failure::new("no pgbench on the PATH or in /usr/lib/postgresql/*/bin (Debian: postgresql-contrib)")
        })?;
        Ok(Self { binary, dsn: dsn.to_owned() })
    }

    /// Runs a script with `variables` and the further `options`, at most for `limit`; what it printed.
    ///
    /// # Errors
    /// It could not be run, took too long or failed.
    pub async fn run(
        &self,
        script: &str,
        variables: &[(&str, String)],
        options: &[String],
        limit: Duration,
    ) -> Result<String, Failure> {
        let failed = |e: std::io::Error| Failure::because("pgbench", e);
        let mut command = Command::new(&self.binary);
        // What the connection string leaves out must not come from the environment and lead elsewhere.
        for name in ["PGHOST", "PGHOSTADDR", "PGSERVICE", "PGSERVICEFILE"] {
            command.env_remove(name);
        }
        command.arg("--no-vacuum").args(options);
        for (name, value) in variables {
            command.arg("--define").arg(format!("{name}={value}"));
        }
        command.args(["--file", "-"]).arg(&self.dsn);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let mut child = command.spawn().map_err(failed)?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(script.as_bytes()).await.map_err(failed)?;
        }
        let output = timeout(limit, child.wait_with_output())
            .await
            .map_err(|_| Failure::new(format!("pgbench took longer than {} s", limit.as_secs())))?
            .map_err(failed)?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let reason = String::from_utf8_lossy(&output.stderr);
        let error = reason.lines().find(|line| line.contains("ERROR") || line.contains("error"));
        Err(Failure::because(
            "pgbench",
            error.or(reason.lines().last()).unwrap_or("failed without a word"),
        ))
    }
}

/// Reads what `pgbench` prints at the end.
pub fn read_rate(output: &str) -> Option<Rate> {
    let number = |prefix: &str| {
        let rest = output.lines().find_map(|line| line.strip_prefix(prefix))?;
        rest.split_whitespace().next()?.parse::<f64>().ok()
    };
    let failed =
        output.lines().find_map(|line| line.strip_prefix("number of failed transactions: "));
    Some(Rate {
        tps: number("tps = ")?,
        latency_avg_ms: number("latency average = ")?,
        failed: failed
            .and_then(|rest| rest.split_whitespace().next()?.parse().ok())
            .unwrap_or_default(),
    })
}

/// The first `pgbench` on the PATH, else Debian's newest.
fn find() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path =
        std::env::split_paths(&path).map(|dir| dir.join("pgbench")).find(|file| file.is_file());
    on_path.or_else(|| {
        let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?.flatten();
        let found =
            versions.map(|version| version.path()).filter(|dir| dir.join("bin/pgbench").is_file());
        let newest = found.max_by_key(|dir| version(dir))?;
        Some(newest.join("bin/pgbench"))
    })
}

fn version(dir: &Path) -> u32 {
    dir.file_name().and_then(|name| name.to_str()?.parse().ok()).unwrap_or_default()
}

/// Whether a connection string plainly leads to this machine.
fn is_local(dsn: &str) -> bool {
    let local = |host: &str| {
        let address = host.trim_matches(|c| matches!(c, '[' | ']')).parse::<std::net::IpAddr>();
        host.is_empty()
            || host.starts_with('/')
            || host == "localhost"
            || address.is_ok_and(|ip| ip.is_loopback())
    };
    if let Some(rest) =
        dsn.strip_prefix("postgres://").or_else(|| dsn.strip_prefix("postgresql://"))
    {
        // Parameters could name another host; a `%2F…` host is a socket's directory.
        let authority = rest.split(['/', '?']).next().unwrap_or_default();
        let host = authority.rsplit('@').next().unwrap_or_default();
        let host = match host.strip_prefix('[') {
            Some(v6) => v6.split(']').next().unwrap_or_default(),
            None => host.split(':').next().unwrap_or_default(),
        };
        return !rest.contains('?')
            && (local(host) || host.starts_with("%2F") || host.starts_with("%2f"));
    }
    // Quotes, spaces around `=` and services would need libpq's own parser.
    !dsn.contains(['\'', '\\'])
        && dsn.split_whitespace().all(|part| match part.split_once('=') {
            Some(("host" | "hostaddr", host)) => local(host),
            Some((key, value)) => !key.is_empty() && !value.is_empty() && key != "service",
            None => false,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_local_databases_are_taken() {
        for dsn in [
            "host=/tmp/x dbname=swell user=swell",
            "host=127.0.0.1 port=5432",
            "dbname=swell",
            "postgres://u:p@localhost:5432/swell",
            "postgresql://[::1]/swell",
            "postgres://%2Ftmp%2Fx/swell",
        ] {
            assert!(is_local(dsn), "{dsn}");
        }
        for dsn in [
            "host=db.example.com",
            "host = db.example.com",
            "host='db.example.com'",
            "hostaddr=192.0.2.1",
            "host=/tmp,db.example.com dbname=x host=10.0.0.1",
            "service=prod",
            "postgres://db.example.com/x",
            "postgres:///x?host=db.example.com",
        ] {
            assert!(!is_local(dsn), "{dsn}");
        }
    }

    #[test]
    fn the_last_lines_of_pgbench_are_read() {
        let output = "number of failed transactions: 2 (0.001%)\nlatency average = 2.355 ms\n\
                      initial connection time = 20.1 ms\ntps = 6791.12 (without initial connection time)\n";
        assert_eq!(
            read_rate(output),
            Some(Rate { tps: 6791.12, latency_avg_ms: 2.355, failed: 2 })
        );
        assert_eq!(read_rate("nothing"), None);
    }
}
