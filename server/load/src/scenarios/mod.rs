//! The scenarios: each prepares its rows, then says what one agent does over and over.

mod claim;
mod fanout;
mod flow;
mod get;
mod hooks;
mod patch;
mod planning;
mod prepare;
mod submit;

use std::time::Duration;

use clap::ValueEnum;

use crate::{
    cli::Args,
    client::Client,
    failure::Failure,
    measure::{Tally, Window, Work, drive},
    report::Row,
    target::Target,
};

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum Scenario {
    /// Batches of 10 tasks, each agent in its own session.
    #[value(name = "submit_10")]
    Submit10,
    /// Batches of 100 tasks, each agent in its own session.
    #[value(name = "submit_100")]
    Submit100,
    /// Subtasks completed over 64 sessions.
    PatchSpread,
    /// Subtasks completed in one wave.
    PatchHotWave,
    /// Subtasks claimed under a lease, each agent in its own session.
    Claim,
    /// Claude Code's hooks before and after edits, each agent a subagent.
    Hooks,
    /// Batches of 10 subtasks read.
    #[value(name = "get_10")]
    Get10,
    /// Batches of 1,000 subtasks read.
    #[value(name = "get_1000")]
    Get1000,
    /// Batches of 10 subtasks, each read after a change of one subtask.
    #[value(name = "changed_10")]
    Changed10,
    /// Batches of 1,000 subtasks, each read after a change of one subtask.
    #[value(name = "changed_1000")]
    Changed1000,
    /// The least that a request costs: the server says that it is there.
    Health,
    /// The document's task decomposed.
    Decompose,
    /// The document's prompt crafted, with ten results of the wave before.
    CraftPrompt,
    /// A wave created, filled, started, worked off, completed and read: 17 requests.
    FullFlow,
    /// One change told to many sockets.
    WsFanout,
}

impl Scenario {
    /// Those asked for, in a fixed order and once each; all when none is.
    pub fn chosen(only: &[Self]) -> impl Iterator<Item = Self> + '_ {
        Self::value_variants()
            .iter()
            .copied()
            .filter(move |scenario| only.is_empty() || only.contains(scenario))
    }

    /// Its name on the command line and in the output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Submit10 => "submit_10",
            Self::Submit100 => "submit_100",
            Self::PatchSpread => "patch_spread",
            Self::PatchHotWave => "patch_hot_wave",
            Self::Claim => "claim",
            Self::Hooks => "hooks",
            Self::Get10 => "get_10",
            Self::Get1000 => "get_1000",
            Self::Changed10 => "changed_10",
            Self::Changed1000 => "changed_1000",
            Self::Health => "health",
            Self::Decompose => "decompose",
            Self::CraftPrompt => "craft_prompt",
            Self::FullFlow => "full_flow",
            Self::WsFanout => "ws_fanout",
        }
    }

    /// What it counts.
    #[must_use]
    pub const fn unit(self) -> &'static str {
        match self {
            Self::FullFlow => "flow",
            Self::Changed10 | Self::Changed1000 => "change and read",
            Self::WsFanout => "event",
            _ => "request",
        }
    }

    /// How many requests one of these is.
    #[must_use]
    pub const fn requests(self) -> u32 {
        match self {
            Self::FullFlow => flow::REQUESTS,
            Self::Changed10 | Self::Changed1000 => 2,
            _ => 1,
        }
    }
}

/// The agents and what they share.
#[derive(Debug)]
pub struct Bench<'t> {
    target: &'t Target,
    run: String,
    window: Window,
    clients: Vec<Client<'t>>,
    sockets: usize,
}

impl<'t> Bench<'t> {
    /// Agents that have not connected yet. `run` becomes part of every session's name.
    #[must_use]
    pub fn new(target: &'t Target, args: &Args, run: String) -> Self {
        Self {
            target,
            run,
            window: Window {
                warm_up: Duration::from_secs(1),
                measured: Duration::from_secs(args.seconds.into()),
            },
            clients: (0..args.agents).map(|_| Client::new(target)).collect(),
            sockets: args.sockets.into(),
        }
    }

    /// Prepares and measures one scenario.
    ///
    /// # Errors
    /// It could not be prepared. What fails while it is measured is counted instead.
    pub async fn run(&mut self, scenario: Scenario) -> Result<Row, Failure> {
        let tally = match scenario {
            Scenario::Submit10 => submit::run(self, 10).await?,
            Scenario::Submit100 => submit::run(self, 100).await?,
            Scenario::PatchSpread => patch::run(self, "spread", 64).await?,
            Scenario::PatchHotWave => patch::run(self, "hot", 1).await?,
            Scenario::Claim => claim::run(self).await?,
            Scenario::Hooks => hooks::run(self).await?,
            Scenario::Get10 => get::run(self, 10, 256).await?,
            Scenario::Get1000 => get::run(self, 1_000, 32).await?,
            Scenario::Changed10 => get::changed(self, 10, 256).await?,
            Scenario::Changed1000 => get::changed(self, 1_000, 32).await?,
            Scenario::Health => get::health(self).await,
            Scenario::Decompose => planning::decompose(self).await?,
            Scenario::CraftPrompt => planning::craft_prompt(self).await?,
            Scenario::FullFlow => flow::run(self).await,
            Scenario::WsFanout => fanout::run(self).await?,
        };
        Ok(Row::measured(scenario, &tally))
    }

    /// Adds `rows` subtasks, 20,000 to a session, so that the tables are as large as after weeks of work.
    ///
    /// # Errors
    /// The server refused or went away.
    pub async fn fill(&mut self, rows: u32) -> Result<(), Failure> {
        const PER_SESSION: u32 = 20_000;
        for number in 0..rows.div_ceil(PER_SESSION) {
            let session = self.session("fill", number);
            let count = PER_SESSION.min(rows - number * PER_SESSION);
            prepare::subtasks(self.helper(), &session, count).await?;
            eprintln!("  {} of {rows}", number * PER_SESSION + count);
        }
        Ok(())
    }

    fn session(&self, kind: &str, number: impl std::fmt::Display) -> String {
        format!("load-{}-{kind}-{number}", self.run)
    }

    /// The connection that prepares rows.
    fn helper(&mut self) -> &mut Client<'t> {
        // There is at least one agent; should there be none, a client that is not driven is as good.
        if self.clients.is_empty() {
            self.clients.push(Client::new(self.target));
        }
        &mut self.clients[0]
    }

    /// Sets agents to the work that `work` gives each by its number, and measures.
    async fn measure<W: Work>(&mut self, work: impl FnMut(usize) -> W) -> Tally {
        let works = (0..self.clients.len()).map(work).collect();
        drive(&mut self.clients, self.window, works).await
    }
}
