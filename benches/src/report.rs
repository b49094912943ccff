//! What was measured, as a table and as JSON, and whether the targets hold.

use std::fmt::Write as _;

use serde::Serialize;

use crate::contest::{Direction, Series};

/// An API call or hook may take this many times what the echo takes.
const MOST_TIMES_ECHO: f64 = 1.3;
/// The SDK makes at least this many times the calls that grpcio makes.
const LEAST_TIMES_GRPCIO: f64 = 3.0;

/// The names of the contestants.
pub(crate) const ECHO: &str = "tonic";
pub(crate) const SDK: &str = "sdk";
pub(crate) const GRPCIO: &str = "grpcio";

/// Everything that a run found.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Report {
    machine: Machine,
    calls: Vec<Row>,
    figures: Vec<Figure>,
}

/// What matters of the machine and says nothing of whose it is.
#[derive(Debug, Serialize)]
struct Machine {
    system: String,
    cores: usize,
    /// Running and waiting threads of the whole machine, over the last minute, at the end of the run.
    load: f64,
}

impl Default for Machine {
    fn default() -> Self {
        let load = std::fs::read_to_string("/proc/loadavg").ok();
        let load = load.as_deref().and_then(|it| it.split(' ').next()).and_then(|it| it.parse().ok());
        Self {
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            load: load.unwrap_or_default(),
        }
    }
}

/// Calls of one kind by one contestant. Times in microseconds.
#[derive(Debug, Serialize)]
struct Row {
    direction: Direction,
    callers: usize,
    who: &'static str,
    calls: usize,
    p50: f64,
    p99: f64,
    mean: f64,
    per_second: f64,
}

/// One number, and what it should be.
#[derive(Debug, Serialize)]
pub(crate) struct Figure {
    pub(crate) name: String,
    pub(crate) value: f64,
    pub(crate) unit: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) target: Option<Target>,
}

/// What a number should be.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Target {
    AtMost(f64),
    AtLeast(f64),
}

impl Figure {
    fn holds(&self) -> Option<bool> {
        self.target.map(|target| match target {
            Target::AtMost(limit) => self.value <= limit,
            Target::AtLeast(limit) => self.value >= limit,
        })
    }
}

impl Report {
    /// Adds the calls, and what they say about the SDK.
    pub(crate) fn add_calls(&mut self, all: &[Series]) {
        for series in all {
            let total = series.total();
            self.calls.push(Row {
                direction: series.direction,
                callers: series.callers,
                who: series.who,
                calls: total.micros.len(),
                p50: total.percentile(0.5),
                p99: total.percentile(0.99),
                mean: total.mean(),
                per_second: total.throughput(),
            });
        }
        for own in all.iter().filter(|it| it.who == SDK) {
            let other = |who| all.iter().find(|it| it.who == who && same_kind(it, own));
            if let Some(echo) = other(ECHO) {
                self.against_echo(own, echo);
            }
            if let Some(grpcio) = other(GRPCIO) {
                self.against_grpcio(own, grpcio);
            }
        }
    }

    fn against_echo(&mut self, own: &Series, echo: &Series) {
        let (what, callers) = (kind(own), own.callers);
        if callers == 1 {
            let limit = Some(Target::AtMost(MOST_TIMES_ECHO));
            self.add(
                format!("{what}, median time, against tonic"),
                own.ratio(echo, |it| it.percentile(0.5)),
                "×",
                limit,
            );
            self.add(format!("{what}, mean time, against tonic"), own.ratio(echo, |it| it.mean()), "×", limit);
        } else {
            let ratio = own.ratio(echo, |it| it.throughput());
            self.add(format!("{what}, {callers} callers, calls/s against tonic"), ratio, "×", None);
        }
    }

    fn against_grpcio(&mut self, own: &Series, grpcio: &Series) {
        let (what, callers) = (kind(own), own.callers);
        let limit = (callers > 1).then_some(Target::AtLeast(LEAST_TIMES_GRPCIO));
        let ratio = own.ratio(grpcio, |it| it.throughput());
        self.add(format!("{what}, {callers} caller(s), calls/s against grpcio"), ratio, "×", limit);
    }

    pub(crate) fn add(&mut self, name: impl Into<String>, value: f64, unit: &'static str, target: Option<Target>) {
        self.figures.push(Figure { name: name.into(), value, unit, target });
    }

    /// Whether all targets hold.
    pub(crate) fn holds(&self) -> bool {
        self.figures.iter().all(|it| it.holds() != Some(false))
    }

    /// Everything as JSON.
    pub(crate) fn to_json(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(self)
    }

    /// Everything as the Markdown tables of `docs/internals/performance.md`.
    pub(crate) fn to_markdown(&self) -> String {
        let mut text = String::new();
        let Machine { system, cores, load } = &self.machine;
        let _ = writeln!(text, "{system}, {cores} cores, load {load:.1} before\n");
        if !self.calls.is_empty() {
            text.push_str(
                "| calls | callers | who | p50 µs | p99 µs | mean µs | calls/s |\n|---|---|---|---|---|---|---|\n",
            );
        }
        for Row { direction, callers, who, p50, p99, mean, per_second, .. } in &self.calls {
            let what = name(*direction);
            let _ =
                writeln!(text, "| {what} | {callers} | {who} | {p50:.0} | {p99:.0} | {mean:.0} | {per_second:.0} |");
        }
        text.push_str("\n| figure | value | target | |\n|---|---|---|---|\n");
        for figure in &self.figures {
            let Figure { name, value, unit, target } = figure;
            let target = match target {
                Some(Target::AtMost(limit)) => format!("≤ {limit} {unit}"),
                Some(Target::AtLeast(limit)) => format!("≥ {limit} {unit}"),
                None => String::new(),
            };
            let verdict = match figure.holds() {
                Some(true) => "holds",
                Some(false) => "MISSED",
                None => "",
            };
            let _ = writeln!(text, "| {name} | {value:.2} {unit} | {target} | {verdict} |");
        }
        text
    }
}

fn same_kind(a: &Series, b: &Series) -> bool {
    (a.direction, a.callers) == (b.direction, b.callers)
}

fn kind(series: &Series) -> &'static str {
    name(series.direction)
}

fn name(direction: Direction) -> &'static str {
    match direction {
        Direction::Api => "API call",
        Direction::Hook => "hook",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calls::Batch;

    fn series(who: &'static str, callers: usize, micros: f64) -> Series {
        let rounds = (0..3).map(|_| Batch { seconds: micros * 4e-6, micros: vec![micros; 4] }).collect();
        Series { who, direction: Direction::Api, callers, rounds }
    }

    fn verdicts(sdk: f64) -> bool {
        let mut report = Report::default();
        report.add_calls(&[series(ECHO, 1, 100.0), series(SDK, 1, sdk), series(SDK, 8, sdk), series(GRPCIO, 8, 350.0)]);
        report.holds()
    }

    #[test]
    fn targets_hold_up_to_their_limit() {
        assert!(verdicts(110.0));
        assert!(!verdicts(120.0), "less than 3 × grpcio's throughput");
        assert!(!verdicts(131.0), "more than 1.3 × the echo's time");
    }

    #[test]
    fn a_ratio_is_taken_within_a_round() {
        let mut own = series(SDK, 1, 100.0);
        let mut other = series(ECHO, 1, 50.0);
        // A round in which the machine was slow for both changes nothing.
        own.rounds[0].micros = vec![1000.0; 4];
        other.rounds[0].micros = vec![500.0; 4];
        assert!((own.ratio(&other, |it| it.mean()) - 2.0).abs() < 1e-9);
    }
}
