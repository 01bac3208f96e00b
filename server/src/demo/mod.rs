//! `swell demo`: plays a session against a running server as real agents would, with failures, a
//! conflict and retries, so that everything on the dashboard can be seen to move.

mod player;
mod script;

use std::time::{SystemTime, UNIX_EPOCH};

use clap::Args;

use crate::client::Client;

/// What to play.
#[derive(Clone, Debug, Args)]
pub struct Demo {
    /// The server to play against.
    #[arg(long, env = "SWELL_URL", default_value = "http://127.0.0.1:3847")]
    pub url: String,
    /// The session's name; a new one when left out.
    #[arg(long)]
    pub session: Option<String>,
    /// How much faster than life: 1 takes some four minutes.
    #[arg(long, default_value_t = 4.0, value_parser = speed)]
    pub speed: f64,
    /// Decides who fails and how long everything takes; the same number plays the same session.
    #[arg(long, default_value_t = 7)]
    pub seed: u64,
    /// How many agents work at once.
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u16).range(1..=50))]
    pub agents: u16,
    /// Stop while this wave runs, half of it done: for screenshots.
    #[arg(long)]
    pub stop_in_wave: Option<i32>,
}

fn speed(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(speed) if (0.1..=1_000.0).contains(&speed) => Ok(speed),
        _ => Err("must be 0.1 to 1000".to_owned()),
    }
}

/// Plays it, and says where to look.
///
/// # Errors
/// One sentence: the server cannot be reached, or refused something.
pub fn run(demo: &Demo, token: Option<String>) -> Result<(), String> {
    let client = Client::new(&demo.url, token);
    client.get("/api/sessions?limit=1")?;
    let session = demo.session.clone().unwrap_or_else(|| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        format!("demo-{}", now % 1_000_000)
    });
    println!("Watch it at {}/sessions/{session}", client.url());
    player::Player::new(client, session, demo).play()
}
