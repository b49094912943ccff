//! Timing calls: so many callers, each making so many calls one after the other.

use std::future::Future;
use std::time::Instant;

use anyhow::Result;
use serde::Deserialize;

/// What one caller or several measured at one go.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Batch {
    /// From the start of the first call to the end of the last, in seconds.
    pub(crate) seconds: f64,
    /// How long each call took, in microseconds.
    pub(crate) micros: Vec<f64>,
}

impl Batch {
    /// Calls per second, of all callers together.
    pub(crate) fn throughput(&self) -> f64 {
        self.micros.len() as f64 / self.seconds
    }

    pub(crate) fn mean(&self) -> f64 {
        self.micros.iter().sum::<f64>() / self.micros.len() as f64
    }

    /// The time that this part of the calls did not exceed; `part` is 0.5 for the median.
    pub(crate) fn percentile(&self, part: f64) -> f64 {
        let mut sorted = self.micros.clone();
        sorted.sort_by(f64::total_cmp);
        sorted[((sorted.len() - 1) as f64 * part).round() as usize]
    }

    /// Adds what was measured in another round.
    pub(crate) fn append(&mut self, other: &Self) {
        self.seconds += other.seconds;
        self.micros.extend(&other.micros);
    }
}

/// Makes `calls` calls on each of `callers` tasks.
pub(crate) async fn measure<F, Fut>(callers: usize, calls: usize, call: F) -> Result<Batch>
where
    F: Fn() -> Fut + Clone + Send + 'static,
    Fut: Future<Output = Result<()>> + Send,
{
    let start = Instant::now();
    let tasks: Vec<_> = (0..callers)
        .map(|_| {
            let call = call.clone();
            tokio::spawn(async move {
                let mut micros = Vec::with_capacity(calls);
                for _ in 0..calls {
                    let start = Instant::now();
                    call().await?;
                    micros.push(start.elapsed().as_secs_f64() * 1e6);
                }
                anyhow::Ok(micros)
            })
        })
        .collect();
    let mut batch = Batch::default();
    for task in tasks {
        batch.micros.extend(task.await??);
    }
    batch.seconds = start.elapsed().as_secs_f64();
    Ok(batch)
}
