//! One agent: claims, works, reports; and now and then crashes, stalls, reports twice, or gives up.

use std::{sync::atomic::Ordering, thread, time::Duration};

use fastrand::Rng;
use serde_json::{Value, json};

use super::{
    insist,
    job::{Job, SESSION},
    poisoned,
};

/// The agents' leases; seconds.
const LEASE: u64 = 5;

/// An agent.
pub struct Agent<'a> {
    job: &'a Job,
    rng: Rng,
    /// After a crash, somebody else takes the place.
    life: u32,
    place: u16,
    /// How often it has tried something.
    tries: u32,
}

/// How an attempt goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// It never comes back.
    Crash,
    /// It says nothing until its lease is over, and then reports.
    Stall,
    /// Somebody else has its files.
    Meet,
    /// It takes longer than a lease, but gives signs of life.
    Dawdle,
    GiveBack,
    Fail,
    /// It reports twice.
    Twice,
    Work,
}

/// A subtask and its lease.
struct Held {
    id: String,
    token: i64,
    files: Vec<String>,
}

impl<'a> Agent<'a> {
    pub fn new(job: &'a Job, seed: u64, place: u16) -> Self {
        let rng = Rng::with_seed(seed ^ (u64::from(place) + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        Self { job, rng, life: 0, place, tries: 0 }
    }

    fn name(&self) -> String {
        format!("agent-{}-{}", self.place, self.life)
    }

    /// Until there is nothing left.
    pub fn work(mut self) -> Result<(), String> {
        while !self.job.over.load(Ordering::Relaxed) {
            for held in self.claim()? {
                self.attempt(&held)?;
            }
        }
        Ok(())
    }

    fn claim(&mut self) -> Result<Vec<Held>, String> {
        let body = json!({
            "agent_id": self.name(), "session_id": SESSION, "max": self.rng.u8(1..=2),
            "lease_seconds": LEASE, "wait_seconds": 1,
        });
        let (status, answer) = insist(&self.job.client, "POST", "/api/subtasks/claim", &body)?;
        if status != 200 {
            return Err(format!("a claim was refused: {answer}"));
        }
        let held = |claim: &Value| Held {
            id: claim["subtask"]["id"].as_str().unwrap_or_default().to_owned(),
            token: claim["lease"]["token"].as_i64().unwrap_or_default(),
            files: claim["subtask"]["target_files"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|file| file.as_str().map(str::to_owned))
                .collect(),
        };
        Ok(answer["claims"].as_array().into_iter().flatten().map(held).collect())
    }

    /// The first agents see to it that everything happens at least once.
    fn fate(&mut self) -> Fate {
        let dice = self.rng.u8(..100);
        self.tries += 1;
        match (self.tries, self.place) {
            (1, 0) => Fate::Crash,
            (1, 1) => Fate::Stall,
            (1, 2) => Fate::Dawdle,
            (1, 3) => Fate::GiveBack,
            (1, 4) => Fate::Fail,
            (1, 5) => Fate::Twice,
            (1, 6) => Fate::Meet,
            _ => match dice {
                0..5 => Fate::Crash,
                5..7 => Fate::Stall,
                7..8 => Fate::Dawdle,
                8..11 => Fate::GiveBack,
                11..13 => Fate::Fail,
                13..22 => Fate::Twice,
                _ => Fate::Work,
            },
        }
    }

    fn attempt(&mut self, held: &Held) -> Result<(), String> {
        let fate = self.fate();
        self.think(5, 40);
        match fate {
            Fate::Crash => {
                self.job.crashes.fetch_add(1, Ordering::Relaxed);
                self.life += 1;
                Ok(())
            }
            Fate::Stall => {
                self.job.stalls.fetch_add(1, Ordering::Relaxed);
                self.think(LEASE * 1_000 + 200, LEASE * 1_000 + 2_500);
                self.until_over(held)?;
                self.report(held, 1)
            }
            Fate::Dawdle => {
                self.job.dawdles.fetch_add(1, Ordering::Relaxed);
                for _ in 0..3 {
                    self.think(LEASE * 400, LEASE * 450);
                    self.beat(held)?;
                }
                self.report(held, 1)
            }
            Fate::GiveBack => {
                self.job.given_back.fetch_add(1, Ordering::Relaxed);
                self.say(held, &json!({ "status": "pending", "token": held.token })).map(drop)
            }
            Fate::Fail => {
                self.job.failures.fetch_add(1, Ordering::Relaxed);
                let body = json!({ "status": "failed", "token": held.token, "result": { "error": "Could not." } });
                self.say(held, &body).map(drop)
            }
            Fate::Twice | Fate::Work | Fate::Meet => {
                if fate == Fate::Meet {
                    self.rival(held)?;
                }
                if !self.write(held)? {
                    return Ok(());
                }
                self.beat(held)?;
                self.report(held, if fate == Fate::Twice { 2 } else { 1 })
            }
        }
    }

    /// Until the server has taken back what is held, so that a report comes too late for sure.
    fn until_over(&self, held: &Held) -> Result<(), String> {
        let path = format!("/api/subtasks/{}/attempts", held.id);
        for _ in 0..300 {
            let (_, answer) = insist(&self.job.client, "GET", &path, &Value::Null)?;
            let attempts = answer["attempts"].as_array().into_iter().flatten();
            let mut mine = attempts.filter(|attempt| attempt["token"] == held.token);
            if mine.any(|attempt| !attempt["ended_at"].is_null()) {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(100));
        }
        Err(format!("the lease {} of {} was never taken back", held.token, held.id))
    }

    /// Somebody reserves the files just before.
    fn rival(&self, held: &Held) -> Result<(), String> {
        let body = json!({
            "session_id": SESSION, "agent_id": format!("{}-rival", self.name()), "paths": held.files, "ttl_seconds": 5,
        });
        let (status, answer) = insist(&self.job.client, "POST", "/api/files/reserve", &body)?;
        // Or another agent has them already.
        if status == 200 || status == 409 {
            return Ok(());
        }
        Err(format!("files were refused: {answer}"))
    }

    /// Writes the files, if nobody else has them. Says whether it did; if not, the work is given back.
    fn write(&mut self, held: &Held) -> Result<bool, String> {
        let me = self.name();
        let body = json!({
            "session_id": SESSION, "agent_id": me, "subtask_id": held.id, "paths": held.files, "ttl_seconds": 60,
        });
        for _ in 0..30 {
            let (status, answer) = insist(&self.job.client, "POST", "/api/files/reserve", &body)?;
            match status {
                200 => {
                    self.touch(&me, held)?;
                    return Ok(true);
                }
                409 => {
                    self.job.held_up.fetch_add(1, Ordering::Relaxed);
                    self.think(20, 120);
                    if !self.beat(held)? {
                        return Ok(false);
                    }
                }
                _ => return Err(format!("files were refused: {answer}")),
            }
        }
        self.say(held, &json!({ "status": "pending", "token": held.token }))?;
        Ok(false)
    }

    /// The moment in which nobody else may be at the files.
    fn touch(&mut self, me: &str, held: &Held) -> Result<(), String> {
        {
            let mut writing = self.job.writing.lock().map_err(poisoned)?;
            for file in &held.files {
                if let Some(other) = writing.insert(file.clone(), me.to_owned())
                    && other != me
                {
                    self.job
                        .note_wrong(format!("{file} was written by {other} and {me} at once"))?;
                }
            }
        }
        self.think(5, 30);
        let mut writing = self.job.writing.lock().map_err(poisoned)?;
        for file in &held.files {
            writing.remove(file);
        }
        Ok(())
    }

    /// A sign of life; says whether the lease goes on.
    fn beat(&self, held: &Held) -> Result<bool, String> {
        let path = format!("/api/subtasks/{}/heartbeat", held.id);
        let (status, answer) =
            insist(&self.job.client, "POST", &path, &json!({ "token": held.token }))?;
        match status {
            200 => Ok(true),
            409 => Ok(false),
            _ => Err(format!("a heartbeat was refused: {answer}")),
        }
    }

    fn report(&mut self, held: &Held, times: u32) -> Result<(), String> {
        let said = format!("{} under {}", self.name(), held.token);
        let body = json!({
            "status": "completed", "token": held.token, "result": { "summary": said, "files": held.files, "tokens_used": 1_000 + said.len() },
        });
        for time in 0..times {
            let accepted = self.say(held, &body)?;
            if time == 1 {
                self.job.twice.fetch_add(1, Ordering::Relaxed);
            }
            if accepted {
                let mut all = self.job.accepted.lock().map_err(poisoned)?;
                let reports = all.entry(held.id.clone()).or_default();
                if !reports.contains(&(held.token, said.clone())) {
                    reports.push((held.token, said.clone()));
                }
            } else {
                self.job.late.fetch_add(1, Ordering::Relaxed);
            }
        }
        Ok(())
    }

    /// Reports, until the server has taken or refused it; says which.
    fn say(&self, held: &Held, body: &Value) -> Result<bool, String> {
        let path = format!("/api/subtasks/{}", held.id);
        let (status, answer) = insist(&self.job.client, "PATCH", &path, body)?;
        match (status, answer["code"].as_str()) {
            (200, _) => Ok(true),
            (409, Some("lease_lost")) => Ok(false),
            _ => Err(format!("a report was answered {status}: {answer}")),
        }
    }

    fn think(&mut self, least: u64, most: u64) {
        thread::sleep(Duration::from_millis(self.rng.u64(least..=most)));
    }
}
