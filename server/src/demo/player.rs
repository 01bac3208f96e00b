//! Plays the script: agents take what is ready, work on it, and report.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use fastrand::Rng;
use serde_json::{Value, json};

use super::{
    Demo,
    script::{Task, Twist, WAVES},
};
use crate::client::Client;

/// How often agents look around, in the play's time.
const STEP: Duration = Duration::from_millis(400);
/// How long a failed task is left before somebody tries it again, in the play's time.
const THINK: Duration = Duration::from_secs(9);

/// Work on its way.
struct Job {
    subtask: String,
    task: &'static Task,
    began: Instant,
    ends: Instant,
    next_action: Instant,
    fails: bool,
}

/// The play.
pub struct Player {
    client: Client,
    session: String,
    rng: Rng,
    speed: f64,
    agents: Vec<Option<Job>>,
    stop_in_wave: Option<i32>,
    /// The tasks by their subtask's id.
    tasks: HashMap<String, &'static Task>,
    /// The failed ones, and when they are tried again.
    failed: Vec<(String, Instant)>,
    /// Those that have failed once.
    tried: Vec<String>,
}

impl Player {
    pub fn new(client: Client, session: String, demo: &Demo) -> Self {
        Self {
            client,
            session,
            rng: Rng::with_seed(demo.seed),
            speed: demo.speed,
            agents: (0..demo.agents).map(|_| None).collect(),
            stop_in_wave: demo.stop_in_wave,
            tasks: HashMap::new(),
            failed: Vec::new(),
            tried: Vec::new(),
        }
    }

    /// All of it.
    pub fn play(mut self) -> Result<(), String> {
        let mut batches = Vec::new();
        for (number, wave) in (1..).zip(WAVES) {
            let path = format!("/api/waves/{}/create", app::paths::encoded(&self.session));
            let about = json!({ "wave_number": number, "name": wave.name, "description": wave.description });
            self.client.post(&path, &about)?;
            let tasks: Vec<Value> = wave.tasks.iter().map(|task| self.submission(task)).collect();
            let body = json!({ "session_id": self.session, "wave_number": number, "tasks": tasks });
            let batch = self.client.post("/api/orchestration/batch-submit", &body)?["batch"].take();
            let ids = batch["subtask_ids"].as_array().cloned().unwrap_or_default();
            for (id, task) in ids.iter().filter_map(Value::as_str).zip(wave.tasks) {
                self.tasks.insert(id.to_owned(), task);
            }
            batches.push(batch["id"].as_str().unwrap_or_default().to_owned());
        }
        for (number, batch) in (1..).zip(batches) {
            let wave = &WAVES[number as usize - 1];
            println!("Wave {number}, {}: {} subtasks", wave.name, wave.tasks.len());
            self.pause(Duration::from_secs(2));
            let path = format!("/api/waves/{}/start", app::paths::encoded(&self.session));
            self.client.post(&path, &json!({ "wave_number": number }))?;
            let stop = self.stop_in_wave == Some(number);
            self.work(number, stop)?;
            if stop {
                println!("Stopped in wave {number}, as asked.");
                return Ok(());
            }
            let done = self
                .client
                .post(&format!("/api/orchestration/batch/{batch}/complete"), &json!({}))?;
            println!("  {}", done["synthesis"]["summary"].as_str().unwrap_or_default());
        }
        Ok(())
    }

    fn submission(&mut self, task: &Task) -> Value {
        json!({
            "agent_type": task.agent_type,
            "description": task.description,
            "priority": self.rng.i32(3..=9),
            "depends_on": task.after,
        })
    }

    /// Works a wave off; with `stop` only half of it.
    fn work(&mut self, wave: i32, stop: bool) -> Result<(), String> {
        let all = WAVES[wave as usize - 1].tasks.len();
        let mut completed = 0;
        while completed < all {
            for agent in 0..self.agents.len() {
                completed += usize::from(self.step(agent)?);
            }
            if stop && completed * 2 >= all {
                return Ok(());
            }
            self.retry()?;
            self.hand_out(wave)?;
            self.pause(STEP);
        }
        Ok(())
    }

    /// Gives free agents what is ready, highest priority first.
    fn hand_out(&mut self, wave: i32) -> Result<(), String> {
        let free: Vec<usize> =
            (0..self.agents.len()).filter(|at| self.agents[*at].is_none()).collect();
        if free.is_empty() {
            return Ok(());
        }
        let session = app::paths::encoded(&self.session);
        let path = format!("/api/subtasks?session={session}&wave={wave}&status=pending&limit=100");
        let mut ready = self.client.get(&path)?["subtasks"].as_array().cloned().unwrap_or_default();
        ready.sort_by_key(|subtask| -subtask["priority"].as_i64().unwrap_or_default());
        for (agent, subtask) in free.into_iter().zip(ready) {
            let Some(id) = subtask["id"].as_str() else { continue };
            let Some(task) = self.tasks.get(id).copied() else { continue };
            self.client.patch(
                &format!("/api/subtasks/{id}"),
                &json!({ "status": "running", "agent_id": format!("{}-{}", task.agent_type, agent + 1) }),
            )?;
            let fails = task.twist == Twist::Fails && !self.tried.iter().any(|tried| tried == id);
            let usual = self.rng.f64() * 14.0 + 5.0;
            let seconds = if task.twist == Twist::Slow { usual * 4.0 } else { usual };
            let now = Instant::now();
            self.agents[agent] = Some(Job {
                subtask: id.to_owned(),
                task,
                began: now,
                ends: now + self.scaled(Duration::from_secs_f64(seconds)),
                next_action: now + self.scaled(Duration::from_secs(1)),
                fails,
            });
        }
        Ok(())
    }

    /// Lets an agent go on; true when it has completed its subtask.
    fn step(&mut self, agent: usize) -> Result<bool, String> {
        let now = Instant::now();
        let Some(mut job) = self.agents[agent].take() else { return Ok(false) };
        if now >= job.ends {
            return self.report(&job);
        }
        if now >= job.next_action {
            self.act(&job)?;
            let seconds = self.rng.f64() * 3.0 + 1.0;
            job.next_action = now + self.scaled(Duration::from_secs_f64(seconds));
        }
        self.agents[agent] = Some(job);
        Ok(false)
    }

    /// A tool call: reading first, changing later.
    fn act(&mut self, job: &Job) -> Result<(), String> {
        let file = job.task.files[self.rng.usize(0..job.task.files.len())];
        let early = job.began.elapsed() * 3 < job.ends - job.began;
        let (tool, kind) = match self.rng.u8(0..6) {
            _ if early && self.rng.bool() => ("Grep", "search"),
            _ if early => ("Read", "read"),
            0 => ("Bash", "command"),
            1 => ("Write", "write"),
            _ => ("Edit", "edit"),
        };
        let failed = tool == "Bash" && self.rng.u8(0..5) == 0;
        self.client.post(
            "/api/actions",
            &json!({
                "subtask_id": job.subtask,
                "tool_name": tool,
                "tool_type": kind,
                "file_paths": if tool == "Bash" { json!([]) } else { json!([file]) },
                "exit_code": i32::from(failed),
                "duration_ms": self.rng.i32(8..2_400),
            }),
        )?;
        Ok(())
    }

    fn report(&mut self, job: &Job) -> Result<bool, String> {
        let path = format!("/api/subtasks/{}", job.subtask);
        if job.fails {
            let error = "Two of the new tests fail: the rule does not hold for a team of one.";
            self.client.patch(
                &path,
                &json!({ "status": "failed", "result": { "error": error, "summary": error } }),
            )?;
            println!("  failed: {}", job.task.description);
            self.tried.push(job.subtask.clone());
            self.failed.push((job.subtask.clone(), Instant::now() + self.scaled(THINK)));
            return Ok(false);
        }
        let result = json!({
            "summary": format!("{}: done, with tests.", job.task.description),
            "files": job.task.files,
            "tokens_used": self.rng.i32(2_000..24_000),
            "tests": { "passed": self.rng.i32(3..40), "failed": 0 },
        });
        self.client.patch(&path, &json!({ "status": "completed", "result": result }))?;
        Ok(true)
    }

    /// Tries again what failed a while ago.
    fn retry(&mut self) -> Result<(), String> {
        let now = Instant::now();
        let (due, later) =
            std::mem::take(&mut self.failed).into_iter().partition(|(_, at)| *at <= now);
        self.failed = later;
        let due: Vec<(String, Instant)> = due;
        for (id, _) in due {
            self.client.post(&format!("/api/subtasks/{id}/retry"), &json!({}))?;
        }
        Ok(())
    }

    fn scaled(&self, time: Duration) -> Duration {
        time.div_f64(self.speed)
    }

    fn pause(&self, time: Duration) {
        std::thread::sleep(self.scaled(time));
    }
}
