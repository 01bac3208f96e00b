//! The results as a table and as JSON; the schema is in the crate's documentation.

use std::{fmt::Write, path::Path};

use serde::Serialize;

use crate::{
    cli::Args,
    failure::Failure,
    measure::{Tally, count},
    pgbench::Rate,
    scenarios::Scenario,
};

/// Everything that one call of the tool measured.
#[derive(Debug, Serialize)]
pub struct Report {
    tool: &'static str,
    version: &'static str,
    run: String,
    started_at: u64,
    url: String,
    agents: u16,
    seconds: u16,
    rows: u32,
    /// In the order in which they ran.
    pub scenarios: Vec<Row>,
}

/// One scenario's results.
#[derive(Debug, Serialize)]
pub struct Row {
    name: &'static str,
    unit: &'static str,
    count: u64,
    elapsed_s: f64,
    rps: f64,
    requests_per_s: f64,
    p50_ms: f64,
    p95_ms: f64,
    p99_ms: f64,
    max_ms: f64,
    /// How many operations failed.
    pub errors: u64,
    /// The first of them.
    pub first_error: Option<String>,
    note: Option<String>,
    ceiling: Option<Rate>,
    ratio: Option<f64>,
}

impl Row {
    /// What was counted.
    #[must_use]
    pub fn measured(scenario: Scenario, tally: &Tally) -> Self {
        let rps = tally.rate();
        let note = tally
            .ran_out
            .then(|| format!("the prepared rows lasted {:.1} s", tally.elapsed.as_secs_f64()));
        Self {
            name: scenario.name(),
            unit: scenario.unit(),
            count: tally.ok,
            elapsed_s: tally.elapsed.as_secs_f64(),
            rps,
            requests_per_s: rps * f64::from(scenario.requests()),
            p50_ms: tally.quantile_ms(0.5),
            p95_ms: tally.quantile_ms(0.95),
            p99_ms: tally.quantile_ms(0.99),
            max_ms: tally.quantile_ms(1.0),
            errors: tally.errors,
            first_error: tally.first_error.as_ref().map(ToString::to_string),
            note,
            ceiling: None,
            ratio: None,
        }
    }

    /// A scenario that could not be prepared.
    #[must_use]
    pub fn failed(scenario: Scenario, failure: &Failure) -> Self {
        let mut tally = Tally::new();
        tally.fail(failure.clone());
        let mut row = Self::measured(scenario, &tally);
        row.add_note("could not be prepared");
        row
    }

    /// Puts the ceiling beside it, when there is one.
    pub fn set_ceiling(&mut self, rate: Option<Rate>) {
        self.ratio = rate.as_ref().filter(|rate| rate.tps > 0.0).map(|rate| self.rps / rate.tps);
        self.ceiling = rate;
    }

    /// Adds what a reader should know.
    pub fn add_note(&mut self, note: &str) {
        self.note = Some(match self.note.take() {
            Some(before) => format!("{before}; {note}"),
            None => note.to_owned(),
        });
    }

    fn cells(&self) -> [String; 10] {
        let or_dash = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
        [
            self.name.to_owned(),
            self.unit.to_owned(),
            format!("{:.0}", self.rps),
            format!("{:.2}", self.p50_ms),
            format!("{:.2}", self.p95_ms),
            format!("{:.2}", self.p99_ms),
            count(self.errors).to_string(),
            or_dash(self.ceiling.as_ref().map(|rate| format!("{:.0}", rate.tps))),
            or_dash(self.ratio.map(|ratio| format!("{:.0} %", ratio * 100.0))),
            self.note.clone().unwrap_or_default(),
        ]
    }
}

impl Report {
    /// Nothing measured yet.
    #[must_use]
    pub fn new(args: &Args, run: &str, started_at: u64) -> Self {
        Self {
            tool: "swell-load",
            version: env!("CARGO_PKG_VERSION"),
            run: run.to_owned(),
            started_at,
            url: args.url.clone(),
            agents: args.agents,
            seconds: args.seconds,
            rows: args.rows,
            scenarios: Vec::new(),
        }
    }

    /// How many operations failed in all.
    #[must_use]
    pub fn errors(&self) -> u64 {
        self.scenarios.iter().map(|row| row.errors).sum()
    }

    /// The table: names to the left, numbers to the right.
    #[must_use]
    pub fn table(&self) -> String {
        const HEAD: [&str; 10] = [
            "scenario",
            "unit",
            "swell/s",
            "p50 ms",
            "p95 ms",
            "p99 ms",
            "errors",
            "ceiling/s",
            "ratio",
            "note",
        ];
        let mut lines = vec![HEAD.map(str::to_owned)];
        lines.extend(self.scenarios.iter().map(Row::cells));
        let width = |column: usize| {
            lines.iter().map(|line| line[column].chars().count()).max().unwrap_or_default()
        };
        let widths: [usize; 10] = std::array::from_fn(width);
        let mut table = String::new();
        for line in &lines {
            let mut text = String::new();
            for (column, (cell, width)) in line.iter().zip(widths).enumerate() {
                let gap = if column == 0 { "" } else { "  " };
                // Writing to a string cannot fail.
                let _ = match column {
                    0 | 1 | 9 => write!(text, "{gap}{cell:<width$}"),
                    _ => write!(text, "{gap}{cell:>width$}"),
                };
            }
            table.push_str(text.trim_end());
            table.push('\n');
        }
        table
    }

    /// Writes the JSON.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), Failure> {
        let cannot = |e: &dyn std::fmt::Display| Failure::because(&path.display().to_string(), e);
        let json = serde_json::to_string_pretty(self).map_err(|e| cannot(&e))?;
        std::fs::write(path, json + "\n").map_err(|e| cannot(&e))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use clap::Parser;

    use super::*;

    #[test]
    fn the_table_is_aligned_and_shows_the_ratio() {
        let mut report = Report::new(&Args::parse_from(["swell-load"]), "0", 0);
        let mut tally = Tally::new();
        tally.ok = 5_000;
        tally.elapsed = Duration::from_secs(5);
        let mut row = Row::measured(Scenario::Submit10, &tally);
        row.set_ceiling(Some(Rate { tps: 2_000.0, latency_avg_ms: 1.0, failed: 0 }));
        report.scenarios =
            vec![row, Row::failed(Scenario::CraftPrompt, &Failure::answered(503, b"away"))];
        let table = report.table();
        let lines: Vec<_> = table.lines().collect();
        assert_eq!(lines.len(), 3);
        assert!(
            lines[1].contains("1000") && lines[1].contains("2000") && lines[1].contains("50 %"),
            "{table}"
        );
        assert_eq!(
            lines[0].find("errors").map(|at| at + 6),
            lines[2].find(" 1 ").map(|at| at + 2),
            "{table}"
        );
        assert_eq!(report.errors(), 1);
    }
}
