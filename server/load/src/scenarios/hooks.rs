//! Claude Code's hooks: subagents of one session ask before each edit and tell of it afterwards.

use super::Bench;
use crate::{
    client::Client,
    failure::Failure,
    measure::{Tally, Work},
};

/// Files of each agent: as many as one works on at a time.
const FILES: usize = 5;

struct Hooks {
    /// Before and after the edit of each file.
    events: Vec<Vec<u8>>,
    next: usize,
}

impl Work for Hooks {
    async fn once(&mut self, client: &mut Client<'_>) -> Option<Result<(), Failure>> {
        let event = &self.events[self.next];
        self.next = (self.next + 1) % self.events.len();
        Some(match client.fetch(event).await {
            Ok(answer) if answer == b"{}" => Ok(()),
            // Nobody else holds these files.
            Ok(_) => Err(Failure::new("an edit was denied")),
            Err(failure) => Err(failure),
        })
    }
}

/// Measures events.
pub async fn run(bench: &mut Bench<'_>) -> Result<Tally, Failure> {
    let session = bench.session("hooks", 0);
    let target = bench.target;
    let path = format!("/api/hooks/claude-code?session={session}");
    let event = |agent: usize, file: usize, name: &str| {
        let body = format!(
            r#"{{"session_id":"{session}","cwd":"/p","hook_event_name":"{name}","agent_id":"agent-{agent}","tool_name":"Edit","tool_input":{{"file_path":"/p/src/{agent}/{file}.rs"}}}}"#
        );
        target.request("POST", &path, Some(&body))
    };
    let events = |agent: usize| {
        let of_file = |file| [event(agent, file, "PreToolUse"), event(agent, file, "PostToolUse")];
        (0..FILES).flat_map(of_file).collect::<Vec<_>>()
    };
    Ok(bench.measure(|agent| Hooks { events: events(agent), next: 0 }).await)
}
