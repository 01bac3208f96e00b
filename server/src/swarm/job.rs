//! What there is to do, and what the swarm knows of how it goes.

use std::{
    collections::HashMap,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
};

use fastrand::Rng;
use serde_json::{Value, json};

use super::{insist, poisoned};
use crate::client::Client;

/// The session.
pub const SESSION: &str = "swarm";
/// Subtasks of a wave, about.
const PER_WAVE: u32 = 200;
/// Subtasks of a batch, about.
const PER_BATCH: u32 = 40;
/// Files that there are: few, so that agents meet.
const FILES: usize = 24;

/// The job.
pub struct Job {
    pub client: Client,
    pub waves: i32,
    tasks: Vec<Vec<Value>>,
    /// The reports that were accepted: subtask → (token, what it said).
    pub accepted: Mutex<HashMap<String, Vec<(i64, String)>>>,
    /// Who writes which file at this moment.
    pub writing: Mutex<HashMap<String, String>>,
    /// What was seen that must never be.
    pub wrong: Mutex<Vec<String>>,
    /// Nothing is left to do.
    pub over: AtomicBool,
    pub crashes: AtomicU32,
    pub stalls: AtomicU32,
    pub dawdles: AtomicU32,
    pub kills: AtomicU32,
    pub late: AtomicU32,
    pub twice: AtomicU32,
    pub held_up: AtomicU32,
    pub failures: AtomicU32,
    pub given_back: AtomicU32,
}

impl Job {
    pub fn new(client: Client, seed: u64, subtasks: u32) -> Self {
        let mut rng = Rng::with_seed(seed);
        let waves = subtasks.div_ceil(PER_WAVE);
        let mut tasks = Vec::new();
        let mut left = subtasks;
        for wave in 0..waves {
            let mut of_wave = left / (waves - wave);
            left -= of_wave;
            while of_wave > 0 {
                let size = of_wave.min(PER_BATCH);
                of_wave -= size;
                tasks.push((wave, (0..size).map(|n| task(&mut rng, n)).collect::<Vec<_>>()));
            }
        }
        let zero = || AtomicU32::new(0);
        Self {
            client,
            waves: i32::try_from(waves).unwrap_or(1),
            tasks: tasks
                .into_iter()
                .map(|(wave, mut tasks)| {
                    tasks.insert(0, json!(wave));
                    tasks
                })
                .collect(),
            accepted: Mutex::default(),
            writing: Mutex::default(),
            wrong: Mutex::default(),
            over: AtomicBool::new(false),
            crashes: zero(),
            stalls: zero(),
            dawdles: zero(),
            kills: zero(),
            late: zero(),
            twice: zero(),
            held_up: zero(),
            failures: zero(),
            given_back: zero(),
        }
    }

    /// How many subtasks there are.
    pub fn subtasks(&self) -> usize {
        self.tasks.iter().map(|batch| batch.len() - 1).sum()
    }

    /// Submits everything and starts the first wave.
    pub fn submit(&self) -> Result<(), String> {
        for (n, batch) in self.tasks.iter().enumerate() {
            let body =
                json!({ "session_id": SESSION, "wave_number": batch[0], "tasks": batch[1..] });
            let (status, answer) =
                insist(&self.client, "POST", "/api/orchestration/batch-submit", &body)?;
            if status != 201 {
                return Err(format!("batch {n} was refused: {answer}"));
            }
        }
        self.client.post(&format!("/api/waves/{SESSION}/start"), &json!({ "wave_number": 0 }))?;
        Ok(())
    }

    /// What an orchestrator does: goes on when a wave has completed, tries again what failed. Says whether
    /// everything is done.
    pub fn orchestrate(&self) -> Result<bool, String> {
        let history = self.client.get(&format!("/api/waves/{SESSION}/history"))?;
        let waves = history["waves"].as_array().cloned().unwrap_or_default();
        let in_state = |state: &str| waves.iter().filter(|wave| wave["status"] == state).count();
        // Also while the wave runs: what waits for a failed subtask is stranded, and the wave with it.
        let has_failed = |wave: &&Value| wave["failed_tasks"].as_i64().unwrap_or_default() > 0;
        if let Some(failed) = waves.iter().find(has_failed) {
            let body = json!({ "wave_number": failed["wave_number"] });
            self.client.post(&format!("/api/waves/{SESSION}/retry-failed"), &body)?;
        } else if in_state("running") == 0 && in_state("pending") > 0 {
            self.client.post(&format!("/api/waves/{SESSION}/transition"), &json!({}))?;
        }
        Ok(in_state("completed") == waves.len() && !waves.is_empty())
    }

    /// Notes what must never be.
    pub fn note_wrong(&self, what: String) -> Result<(), String> {
        self.wrong.lock().map_err(poisoned)?.push(what);
        Ok(())
    }

    /// What should have happened and did not, of what `agents` and a server that is killed or not do for sure.
    pub fn missed(&self, agents: u16, kill: bool) -> Vec<&'static str> {
        // The first seven agents begin with one each.
        let all = [
            (1, "crash", &self.crashes),
            (2, "stall", &self.stalls),
            (2, "late report that was refused", &self.late),
            (3, "slow agent", &self.dawdles),
            (4, "subtask given back", &self.given_back),
            (5, "failure", &self.failures),
            (6, "report sent twice", &self.twice),
            (7, "file held by another", &self.held_up),
        ];
        let sure = all.into_iter().filter(|(least, ..)| *least <= agents);
        let sure = sure.chain(kill.then_some((1, "kill", &self.kills)));
        sure.filter(|(.., count)| count.load(Ordering::Relaxed) == 0)
            .map(|(_, name, _)| name)
            .collect()
    }

    /// What happened, in numbers.
    pub fn counts(&self) -> String {
        let of = |count: &AtomicU32| count.load(Ordering::Relaxed);
        format!(
            "{} kills of the server, {} crashes, {} stalls, {} slow but alive, {} late reports refused, {} reports sent twice, {} files held by another, {} failures, {} given back",
            of(&self.kills),
            of(&self.crashes),
            of(&self.stalls),
            of(&self.dawdles),
            of(&self.late),
            of(&self.twice),
            of(&self.held_up),
            of(&self.failures),
            of(&self.given_back)
        )
    }
}

/// A task that may wait for earlier ones of its batch, and writes one or two files.
fn task(rng: &mut Rng, n: u32) -> Value {
    let mut waits: Vec<u32> = Vec::new();
    if n > 0 && rng.u8(..10) < 3 {
        waits.push(rng.u32(..n));
    }
    let files: Vec<String> =
        (0..rng.usize(1..=2)).map(|_| format!("src/file{}.rs", rng.usize(..FILES))).collect();
    let agents = ["Snipper", "test-engineer", "docs-writer"];
    json!({
        "agent_type": agents[rng.usize(..agents.len())],
        "description": format!("Task {n}"),
        "priority": rng.u8(1..=10),
        "depends_on": waits,
        "target_files": files,
        // Crashes are many here; only what is failed by hand fails.
        "max_attempts": 100,
    })
}
