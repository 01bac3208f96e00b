//! `swell status|waves|submit|claim|heartbeat|report|watch`: the API for people and scripts.
//!
//! Each prints a table, or with `--json` what the server answered. Exit codes: 0 done, 1 refused or not
//! reached, 2 called wrongly, 3 nothing to claim.

use std::{
    io::{Read, Write},
    path::PathBuf,
    process::ExitCode,
    thread,
    time::Duration,
};

use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};

use crate::client::Client;

/// How a command answers.
type Done = Result<ExitCode, String>;

/// Exit code of a claim that got nothing.
const NOTHING: u8 = 3;
/// How often `watch` asks for more.
const WATCH: Duration = Duration::from_millis(400);

/// Which server, and how to print.
#[derive(Clone, Debug, Args)]
pub struct To {
    /// The server.
    #[arg(long, env = "SWELL_URL", default_value = "http://127.0.0.1:3847")]
    pub url: String,
    /// Print what the server answered, as JSON.
    #[arg(long)]
    pub json: bool,
}

/// Sessions and how far they are.
#[derive(Clone, Debug, Args)]
pub struct Status {
    /// A part of the name.
    pub search: Option<String>,
    /// The server.
    #[command(flatten)]
    pub to: To,
}

/// The waves of a session.
#[derive(Clone, Debug, Args)]
pub struct Waves {
    /// The session.
    pub session: String,
    /// The server.
    #[command(flatten)]
    pub to: To,
}

/// A batch to submit.
#[derive(Clone, Debug, Args)]
pub struct Submit {
    /// A file with the body of a batch-submit, or just its list of tasks; `-` is standard input.
    pub file: PathBuf,
    /// The session, where the file does not say.
    #[arg(long)]
    pub session: Option<String>,
    /// The wave, where the file does not say.
    #[arg(long)]
    pub wave: Option<i32>,
    /// What to do when subtasks may touch the same files.
    #[arg(long, default_value = "warn")]
    pub on_overlap: Overlap,
    /// The server.
    #[command(flatten)]
    pub to: To,
}

/// What to do when subtasks may touch the same files.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Overlap {
    /// Say so.
    Warn,
    /// Refuse the batch.
    Reject,
    /// Let them wait for each other.
    Serialize,
}

/// Work to claim.
#[derive(Clone, Debug, Args)]
pub struct Claim {
    /// Who takes it.
    #[arg(long, env = "SWELL_AGENT")]
    pub agent: String,
    /// Only of this session.
    #[arg(long)]
    pub session: Option<String>,
    /// Only for this agent type; may be repeated.
    #[arg(long = "type")]
    pub types: Vec<String>,
    /// How many subtasks at most.
    #[arg(long, default_value_t = 1)]
    pub max: i32,
    /// How long the lease lasts after each sign of life; seconds.
    #[arg(long)]
    pub lease: Option<i32>,
    /// How long to wait when there is nothing; seconds, 0 to 25.
    #[arg(long, default_value_t = 0)]
    pub wait: i32,
    /// The server.
    #[command(flatten)]
    pub to: To,
}

/// A sign of life.
#[derive(Clone, Debug, Args)]
pub struct Beat {
    /// The subtask.
    pub subtask: String,
    /// The token of its lease.
    #[arg(long)]
    pub token: i64,
    /// How long the lease lasts after each sign of life from now on; seconds.
    #[arg(long)]
    pub lease: Option<i32>,
    /// The server.
    #[command(flatten)]
    pub to: To,
}

/// A report.
#[derive(Clone, Debug, Args)]
pub struct Report {
    /// The subtask.
    pub subtask: String,
    /// Where it stands now.
    pub status: ReportStatus,
    /// The token of its lease.
    #[arg(long)]
    pub token: Option<i64>,
    /// What came of it, in a few words.
    #[arg(long)]
    pub summary: Option<String>,
    /// Why it failed.
    #[arg(long)]
    pub error: Option<String>,
    /// A file that was changed; may be repeated.
    #[arg(long = "file")]
    pub files: Vec<String>,
    /// How many tokens the attempt took so far.
    #[arg(long)]
    pub tokens: Option<i64>,
    /// How many US dollars it cost so far.
    #[arg(long)]
    pub cost: Option<f64>,
    /// The server.
    #[command(flatten)]
    pub to: To,
}

/// Where a subtask stands.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum ReportStatus {
    /// An agent works on it.
    Running,
    /// Given back.
    Pending,
    /// Set aside.
    Paused,
    /// Done.
    Completed,
    /// Given up.
    Failed,
}

/// What to follow.
#[derive(Clone, Debug, Args)]
pub struct Watch {
    /// The session; everything when left out.
    pub session: Option<String>,
    /// Begin after this position of the log; with what happens from now on when left out.
    #[arg(long)]
    pub since: Option<i64>,
    /// Stop when the session has no open wave any more: 0 when all completed, 1 when one failed.
    #[arg(long, requires = "session")]
    pub until_done: bool,
    /// The server.
    #[command(flatten)]
    pub to: To,
}

/// `swell status`
///
/// # Errors
/// One sentence.
pub fn status(status: &Status, token: Option<String>) -> Done {
    let client = Client::new(&status.to.url, token);
    let search = status.search.as_deref().map(app::paths::encoded).unwrap_or_default();
    let answer = client.get(&format!("/api/sessions?limit=50&search={search}"))?;
    if !status.to.json {
        let rows = list(&answer["sessions"]).map(|session| {
            let waves = list(&session["waves"]);
            let state = |name: &str| waves.clone().filter(|wave| wave["status"] == name).count();
            let paused = if session["paused"] == true { " (paused)" } else { "" };
            vec![
                format!("{}{paused}", text(&session["session_id"])),
                format!(
                    "{} done, {} running, {} pending, {} failed",
                    state("completed"),
                    state("running"),
                    state("pending"),
                    state("failed")
                ),
                format!("{}/{}", session["completed_tasks"], session["total_tasks"]),
                session["failed_tasks"].to_string(),
                session["usage"]["tokens_used"].to_string(),
                text(&session["last_active_at"]).chars().take(19).collect(),
            ]
        });
        table(&["SESSION", "WAVES", "DONE", "FAILED", "TOKENS", "ACTIVE (UTC)"], rows.collect())?;
        return Ok(ExitCode::SUCCESS);
    }
    print(&answer)
}

/// `swell waves`
///
/// # Errors
/// One sentence.
pub fn waves(waves: &Waves, token: Option<String>) -> Done {
    let client = Client::new(&waves.to.url, token);
    let session = app::paths::encoded(&waves.session);
    let answer = client.get(&format!("/api/waves/{session}/history"))?;
    if waves.to.json {
        return print(&answer);
    }
    let rows = list(&answer["waves"]).map(|wave| {
        vec![
            wave["wave_number"].to_string(),
            text(&wave["name"]).to_owned(),
            text(&wave["status"]).to_owned(),
            format!("{}/{}", wave["completed_tasks"], wave["total_tasks"]),
            wave["failed_tasks"].to_string(),
        ]
    });
    table(&["WAVE", "NAME", "STATUS", "DONE", "FAILED"], rows.collect())?;
    Ok(ExitCode::SUCCESS)
}

/// `swell submit`
///
/// # Errors
/// One sentence.
pub fn submit(submit: &Submit, token: Option<String>) -> Done {
    let name = submit.file.display();
    let content = if submit.file.as_os_str() == "-" {
        let mut content = String::new();
        std::io::stdin().read_to_string(&mut content).map(|_| content)
    } else {
        std::fs::read_to_string(&submit.file)
    };
    let content = content.map_err(|error| format!("{name}: {error}"))?;
    let body: Value =
        serde_json::from_str(&content).map_err(|error| format!("{name} is not JSON: {error}"))?;
    let mut body = match body {
        Value::Object(body) => body,
        tasks @ Value::Array(_) => Map::from_iter([("tasks".to_owned(), tasks)]),
        _ => return Err(format!("{name} is neither a batch nor a list of tasks")),
    };
    for (field, value) in [
        ("session_id", submit.session.clone().map(Value::from)),
        ("wave_number", submit.wave.map(Value::from)),
    ] {
        if let Some(value) = value {
            body.insert(field.to_owned(), value);
        }
    }
    let on_overlap = match submit.on_overlap {
        Overlap::Warn => "warn",
        Overlap::Reject => "reject",
        Overlap::Serialize => "serialize",
    };
    let client = Client::new(&submit.to.url, token);
    let path = format!("/api/orchestration/batch-submit?on_overlap={on_overlap}");
    let answer = client.post(&path, &Value::Object(body))?;
    if submit.to.json {
        return print(&answer);
    }
    let batch = &answer["batch"];
    let mut out = std::io::stdout().lock();
    let mut line = |text: String| writeln!(out, "{text}").map_err(|error| error.to_string());
    line(format!(
        "Batch {} with {} subtasks in wave {}.",
        text(&batch["id"]),
        batch["total_tasks"],
        batch["wave_number"]
    ))?;
    for warning in list(&answer["warnings"]) {
        line(format!("Warning: {}", text(&warning["message"])))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// `swell claim`
///
/// # Errors
/// One sentence.
pub fn claim(claim: &Claim, token: Option<String>) -> Done {
    let client = Client::new(&claim.to.url, token);
    let body = json!({
        "agent_id": claim.agent, "session_id": claim.session, "agent_types": claim.types, "max": claim.max,
        "lease_seconds": claim.lease, "wait_seconds": claim.wait,
    });
    let answer = client.post("/api/subtasks/claim", &body)?;
    let nothing = list(&answer["claims"]).next().is_none();
    if claim.to.json {
        print(&answer)?;
    } else if nothing {
        match text(&answer["held_back"]) {
            "paused" => eprintln!("swell: the session is paused"),
            "budget" => eprintln!("swell: the session has spent its budget"),
            _ => eprintln!("swell: nothing is ready"),
        }
    } else {
        let rows = list(&answer["claims"]).map(|claim| {
            vec![
                text(&claim["subtask"]["id"]).to_owned(),
                claim["lease"]["token"].to_string(),
                text(&claim["subtask"]["agent_type"]).to_owned(),
                text(&claim["subtask"]["description"]).to_owned(),
            ]
        });
        table(&["SUBTASK", "TOKEN", "TYPE", "DESCRIPTION"], rows.collect())?;
    }
    Ok(if nothing { ExitCode::from(NOTHING) } else { ExitCode::SUCCESS })
}

/// `swell report`
///
/// # Errors
/// One sentence.
pub fn report(report: &Report, token: Option<String>) -> Done {
    let status = match report.status {
        ReportStatus::Running => "running",
        ReportStatus::Pending => "pending",
        ReportStatus::Paused => "paused",
        ReportStatus::Completed => "completed",
        ReportStatus::Failed => "failed",
    };
    let mut body = json!({ "status": status });
    if let Some(token) = report.token {
        body["token"] = json!(token);
    }
    let mut result = Map::new();
    for (field, value) in [
        ("files", (!report.files.is_empty()).then(|| json!(report.files))),
        ("summary", report.summary.as_ref().map(|summary| json!(summary))),
        ("error", report.error.as_ref().map(|error| json!(error))),
        ("tokens_used", report.tokens.map(|tokens| json!(tokens))),
        ("cost_usd", report.cost.map(|cost| json!(cost))),
    ] {
        result.extend(value.map(|value| (field.to_owned(), value)));
    }
    if !result.is_empty() {
        body["result"] = Value::Object(result);
    }
    let client = Client::new(&report.to.url, token);
    let id = app::paths::encoded(&report.subtask);
    let answer = client.patch(&format!("/api/subtasks/{id}"), &body)?;
    if report.to.json {
        return print(&answer);
    }
    println!("{} is {}.", text(&answer["subtask"]["id"]), text(&answer["subtask"]["status"]));
    Ok(ExitCode::SUCCESS)
}

/// `swell heartbeat`
///
/// # Errors
/// One sentence.
pub fn beat(beat: &Beat, token: Option<String>) -> Done {
    let mut body = json!({ "token": beat.token });
    if let Some(lease) = beat.lease {
        body["lease_seconds"] = json!(lease);
    }
    let client = Client::new(&beat.to.url, token);
    let id = app::paths::encoded(&beat.subtask);
    let answer = client.post(&format!("/api/subtasks/{id}/heartbeat"), &body)?;
    if beat.to.json {
        return print(&answer);
    }
    println!("Held until {}.", text(&answer["lease"]["expires_at"]));
    Ok(ExitCode::SUCCESS)
}

/// `swell watch`
///
/// # Errors
/// One sentence.
pub fn watch(watch: &Watch, token: Option<String>) -> Done {
    let client = Client::new(&watch.to.url, token);
    let session = watch.session.as_deref().map(app::paths::encoded);
    let channel = session.as_ref().map_or_else(|| "all".to_owned(), |id| format!("sessions/{id}"));
    let mut since = match watch.since {
        Some(since) => since,
        None => client.get("/api/events?limit=1&since=9007199254740991")?["last_seq"]
            .as_i64()
            .unwrap_or(0),
    };
    loop {
        let page = client.get(&format!("/api/events?channel={channel}&since={since}&limit=500"))?;
        for event in list(&page["events"]) {
            if watch.to.json {
                print(event)?;
            } else {
                let data = event["data"].clone();
                let at =
                    domain::Time::from_timestamp_millis(event["timestamp"].as_i64().unwrap_or(0))
                        .unwrap_or_default();
                let seq = event["seq"].as_i64().unwrap_or(0);
                let row = app::views::EventRow::new(seq, text(&event["event"]), &data, at);
                let mut out = std::io::stdout().lock();
                let line = format!(
                    "{} {:<20} {} {}",
                    at.format("%H:%M:%S"),
                    row.event,
                    plain(&row.session_id),
                    plain(&row.what)
                );
                writeln!(out, "{line}").map_err(|error| error.to_string())?;
            }
        }
        since = page["next_since"].as_i64().unwrap_or(since);
        if let (true, Some(session)) = (watch.until_done, &session) {
            let history = client.get(&format!("/api/waves/{session}/history"))?;
            let state =
                |name: &str| list(&history["waves"]).filter(|wave| wave["status"] == name).count();
            if state("failed") > 0 && state("running") == 0 {
                return Ok(ExitCode::FAILURE);
            }
            if state("running") + state("pending") == 0 {
                return Ok(ExitCode::SUCCESS);
            }
        }
        thread::sleep(WATCH);
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> + Clone {
    value.as_array().map(Vec::as_slice).unwrap_or_default().iter()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Text from others, without what could steer a terminal, on one line.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn print(answer: &Value) -> Done {
    writeln!(std::io::stdout(), "{answer}").map_err(|error| error.to_string())?;
    Ok(ExitCode::SUCCESS)
}

/// Rows under headings, each column as wide as its widest entry; the last is cut at the line's end by nobody.
fn table(heads: &[&str], rows: Vec<Vec<String>>) -> Result<(), String> {
    let rows: Vec<Vec<String>> =
        rows.into_iter().map(|row| row.iter().map(|cell| plain(cell)).collect()).collect();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain([heads.get(column).map_or(0, |head| head.len())]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..heads.len()).map(width).collect();
    let mut out = std::io::stdout().lock();
    let heads = heads.iter().map(|head| (*head).to_owned()).collect();
    for row in std::iter::once(&heads).chain(&rows) {
        let cells: Vec<String> =
            row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        writeln!(out, "{}", cells.join("  ").trim_end()).map_err(|error| error.to_string())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_others_wrote_cannot_steer_the_terminal() {
        assert_eq!(super::plain("a\u{1b}[31mb\nc\u{9b}d"), "a [31mb c d");
    }
}
