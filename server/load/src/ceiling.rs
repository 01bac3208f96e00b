//! The ceiling: for an operation one optimal SQL statement, sent by `pgbench` over as many connections as
//! there are agents. The scripts are in `ceiling/`; `setup.sql` says how they name their rows.

use std::time::Duration;

use crate::{
    failure::Failure,
    pgbench::{Pgbench, Rate, read_rate},
    scenarios::Scenario,
};

const SETUP: &str = include_str!("../ceiling/setup.sql");
const SETUP_LIMIT: Duration = Duration::from_secs(180);

/// The scripts with everything they are run with.
#[derive(Debug)]
pub struct Ceiling {
    pgbench: Pgbench,
    agents: u16,
    seconds: u16,
    run: u32,
}

impl Ceiling {
    /// Finds `pgbench` and checks where the connection string leads. `run` goes into the names of rows.
    ///
    /// # Errors
    /// As [`Pgbench::new`].
    pub fn new(
        dsn: &str,
        allow_remote: bool,
        agents: u16,
        seconds: u16,
        run: u32,
    ) -> Result<Self, Failure> {
        Ok(Self { pgbench: Pgbench::new(dsn, allow_remote)?, agents, seconds, run })
    }

    /// Makes the rows that scripts read and change.
    ///
    /// # Errors
    /// The database is away or has not Swell's tables.
    pub async fn prepare(&self) -> Result<(), Failure> {
        let once = ["--client=1", "--transactions=1"].map(str::to_owned);
        self.pgbench.run(SETUP, &[("run", self.run.to_string())], &once, SETUP_LIMIT).await?;
        Ok(())
    }

    /// Measures the ceiling of a scenario, where there is one.
    ///
    /// # Errors
    /// `pgbench` failed.
    pub async fn run(&self, scenario: Scenario) -> Result<Option<Rate>, Failure> {
        let Some(script) = script(scenario) else { return Ok(None) };
        let options = [
            "--protocol=prepared".to_owned(),
            format!("--client={}", self.agents),
            format!("--jobs={}", self.agents.min(2)),
            format!("--time={}", self.seconds),
        ];
        let variables = [("run", self.run.to_string()), ("n", "0".to_owned())];
        let limit = Duration::from_secs(u64::from(self.seconds) + 60);
        let output = self.pgbench.run(script, &variables, &options, limit).await?;
        let rate =
            read_rate(&output).ok_or_else(|| Failure::new("pgbench did not print its rate"))?;
        Ok(Some(rate))
    }
}

const fn script(scenario: Scenario) -> Option<&'static str> {
    match scenario {
        Scenario::Submit10 => Some(include_str!("../ceiling/submit_10.sql")),
        Scenario::Submit100 => Some(include_str!("../ceiling/submit_100.sql")),
        Scenario::PatchSpread => Some(include_str!("../ceiling/patch_spread.sql")),
        Scenario::PatchHotWave => Some(include_str!("../ceiling/patch_hot_wave.sql")),
        Scenario::Claim => Some(include_str!("../ceiling/claim.sql")),
        Scenario::Get10 => Some(include_str!("../ceiling/get_10.sql")),
        Scenario::Get1000 => Some(include_str!("../ceiling/get_1000.sql")),
        Scenario::Changed10 => Some(include_str!("../ceiling/changed_10.sql")),
        Scenario::Changed1000 => Some(include_str!("../ceiling/changed_1000.sql")),
        Scenario::Hooks
        | Scenario::Health
        | Scenario::Decompose
        | Scenario::CraftPrompt
        | Scenario::FullFlow
        | Scenario::WsFanout => None,
    }
}
