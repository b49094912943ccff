//! The same calls made by all contestants, in turns: each round has a part of everybody's calls, so that whatever else the machine
//! does hits all alike, and ratios are taken within a round.

use anyhow::Result;
use async_trait::async_trait;
use clap::ValueEnum;
use serde::Serialize;

use crate::calls::Batch;

/// What can be asked to make calls.
#[async_trait]
pub(crate) trait Contestant: Sync {
    /// Calls of the API, from the plugin's side: `GetUser`, whose answer is about 1 KB.
    async fn api(&self, callers: usize, calls: usize) -> Result<Batch>;

    /// Calls of a hook, from the host's side: `MessageWillBePosted`, about 1 KB each way.
    async fn hook(&self, callers: usize, calls: usize) -> Result<Batch>;
}

/// Who makes the call.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Direction {
    /// The plugin.
    Api,
    /// The host.
    Hook,
}

/// How much is measured.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) directions: Vec<Direction>,
    /// How many callers at the same time, each of these.
    pub(crate) callers: Vec<usize>,
    pub(crate) rounds: usize,
    /// Calls in a round with one caller.
    pub(crate) sequential: usize,
    /// Calls in a round by each of several callers.
    pub(crate) concurrent: usize,
}

/// All rounds of one contestant's calls in one direction with so many callers.
#[derive(Debug)]
pub(crate) struct Series {
    pub(crate) who: &'static str,
    pub(crate) direction: Direction,
    pub(crate) callers: usize,
    /// One per round.
    pub(crate) rounds: Vec<Batch>,
}

impl Series {
    /// All rounds as one.
    pub(crate) fn total(&self) -> Batch {
        let mut total = Batch::default();
        for round in &self.rounds {
            total.append(round);
        }
        total
    }

    /// The median of this figure's ratio to the other's in the same round.
    pub(crate) fn ratio(&self, other: &Self, figure: impl Fn(&Batch) -> f64) -> f64 {
        let rounds = self.rounds.iter().zip(&other.rounds);
        let mut ratios: Vec<f64> = rounds.map(|(own, other)| figure(own) / figure(other)).collect();
        ratios.sort_by(f64::total_cmp);
        ratios[ratios.len() / 2]
    }
}

/// Lets everybody make all their calls.
pub(crate) async fn run(plan: &Plan, contestants: &[(&'static str, &dyn Contestant)]) -> Result<Vec<Series>> {
    let mut all = Vec::new();
    for &direction in &plan.directions {
        for &callers in &plan.callers {
            let calls = if callers == 1 { plan.sequential } else { plan.concurrent };
            all.extend(one_kind(plan.rounds, direction, callers, calls, contestants).await?);
        }
    }
    Ok(all)
}

async fn one_kind(
    rounds: usize,
    direction: Direction,
    callers: usize,
    calls: usize,
    contestants: &[(&'static str, &dyn Contestant)],
) -> Result<Vec<Series>> {
    let series = |(who, _): &(&'static str, _)| Series { who, direction, callers, rounds: Vec::new() };
    let mut all: Vec<Series> = contestants.iter().map(series).collect();
    // The first round warms up and does not count.
    for round in 0..=rounds {
        eprint!("\r{direction:?}, {callers} caller(s): round {round} of {rounds}   ");
        for position in 0..contestants.len() {
            // Everybody is first at times.
            let index = (position + round) % contestants.len();
            let contestant = contestants[index].1;
            let batch = match direction {
                Direction::Api => contestant.api(callers, calls).await?,
                Direction::Hook => contestant.hook(callers, calls).await?,
            };
            if round > 0 {
                all[index].rounds.push(batch);
            }
        }
    }
    eprintln!();
    Ok(all)
}
