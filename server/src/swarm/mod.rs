//! `swell swarm`: many agents at once against a server of its own, with everything that goes wrong in
//! life, and then the proof that nothing did in Swell.
//!
//! Agents crash, stall, dawdle, report late and twice, give work back and want each other's files; the
//! server is killed half way and started again. At the end every invariant is held against the API.

mod agent;
mod check;
mod ground;
mod job;

use std::{
    sync::{Arc, atomic::Ordering},
    thread,
    time::{Duration, Instant},
};

use clap::Args;

use self::{ground::Ground, job::Job};
use crate::client::Client;

/// How large a swarm.
#[derive(Clone, Debug, Args)]
pub struct Swarm {
    /// How many agents work at once.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=200))]
    pub agents: u16,
    /// How many subtasks there are.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(10..=5_000))]
    pub subtasks: u32,
    /// Decides what there is to do and what goes wrong; a new one each time when left out.
    #[arg(long)]
    pub seed: Option<u64>,
    /// Leave the server alone, instead of killing it half way.
    #[arg(long)]
    pub no_kill: bool,
    /// How long it may take at most; seconds.
    #[arg(long, default_value_t = 600)]
    pub patience: u64,
}

/// How often the orchestrator looks.
const LOOK: Duration = Duration::from_millis(150);

/// Plays it, and says what was checked.
///
/// # Errors
/// One sentence: what does not hold, or what could not be done.
pub fn run(swarm: &Swarm) -> Result<(), String> {
    let seed = swarm.seed.unwrap_or_else(|| fastrand::u64(..1_000_000));
    println!("{} agents, {} subtasks, seed {seed}", swarm.agents, swarm.subtasks);
    let mut ground = Ground::prepare()?;
    let job = Arc::new(Job::new(ground.client(), seed, swarm.subtasks));
    let played = play(swarm, &mut ground, &job, seed);
    job.over.store(true, Ordering::Relaxed);
    let checked = played.and_then(|()| match job.missed(swarm.agents, !swarm.no_kill)[..] {
        [] => check::all(&job),
        [first, ..] => Err(format!("there was no {first}: the run proves too little")),
    });
    ground.leave()?;
    for line in checked? {
        println!("  {line}");
    }
    println!("Everything holds.");
    Ok(())
}

fn play(swarm: &Swarm, ground: &mut Ground, job: &Arc<Job>, seed: u64) -> Result<(), String> {
    job.submit()?;
    let began = Instant::now();
    let agents: Vec<_> = (0..swarm.agents)
        .map(|n| {
            let job = Arc::clone(job);
            thread::spawn(move || agent::Agent::new(&job, seed, n).work())
        })
        .collect();
    let mut kill_left = !swarm.no_kill;
    let done = loop {
        thread::sleep(LOOK);
        if began.elapsed() > Duration::from_secs(swarm.patience) {
            let left = check::left(job).unwrap_or_else(|error| error);
            break Err(format!("it is not done after {} seconds: {left}", swarm.patience));
        }
        if kill_left && job.accepted.lock().map_err(poisoned)?.len() * 5 >= job.subtasks() * 2 {
            kill_left = false;
            job.kills.fetch_add(1, Ordering::Relaxed);
            ground.kill_and_restart()?;
        }
        // The server may be away for a moment.
        if job.orchestrate() == Ok(true) {
            break Ok(());
        }
    };
    job.over.store(true, Ordering::Relaxed);
    for agent in agents {
        agent.join().map_err(|_| "an agent panicked".to_owned())??;
    }
    println!("Played in {:.1} s: {}", began.elapsed().as_secs_f64(), job.counts());
    done
}

fn poisoned<T>(_: T) -> String {
    "an agent panicked".to_owned()
}

/// A call that is tried again until the server answers: status and body.
fn insist(
    client: &Client,
    method: &str,
    path: &str,
    body: &serde_json::Value,
) -> Result<(u16, serde_json::Value), String> {
    let began = Instant::now();
    loop {
        match client.send(method, path, Some(body)) {
            Ok((503, _)) if began.elapsed() < Duration::from_secs(60) => {}
            Ok(answer) => return Ok(answer),
            Err(_) if began.elapsed() < Duration::from_secs(60) => {}
            Err(error) => return Err(error),
        }
        thread::sleep(Duration::from_millis(100));
    }
}
