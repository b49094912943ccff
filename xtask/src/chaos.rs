//! `cargo xtask chaos`: a plugin in Python under the miniature Mattermost, disturbed for any length of time.
//!
//! What is done and what must hold is in `tests/server/support/chaos.py`; CI runs two minutes of it as a test.

use anyhow::Result;

use crate::test::{minimost, pytest};
use crate::venv::run;
use crate::workspace;

/// The test that takes as long as it is told.
const TEST: &str = "tests/server/test_server_chaos.py::test_two_minutes_of_chaos";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// How long, in minutes
    #[arg(long, default_value_t = 2.0, value_parser = length)]
    minutes: f64,
    /// How long, in seconds
    #[arg(long, conflicts_with = "minutes", value_parser = length)]
    seconds: Option<f64>,
    /// Repeats the schedule of an earlier run, which told its seed; a new one unless given
    #[arg(long)]
    seed: Option<u32>,
}

impl Args {
    fn length(&self) -> f64 {
        self.seconds.unwrap_or(self.minutes * 60.0)
    }
}

fn length(text: &str) -> Result<f64, String> {
    let length: f64 = text.parse().map_err(|_| format!("{text:?} is no number"))?;
    if length.is_finite() && length > 0.0 { Ok(length) } else { Err("it must be more than 0".to_owned()) }
}

pub(crate) fn run_chaos(args: &Args) -> Result<()> {
    let root = workspace::root();
    let program = minimost(root)?;
    let mut command = pytest(root)?;
    // The steps are shown as they are done: what came last before a failure is what matters.
    command.args([TEST, "--capture=no"]).env("MINIMOST", program).env("CHAOS_SECONDS", args.length().to_string());
    if let Some(seed) = args.seed {
        command.env("CHAOS_SEED", seed.to_string());
    }
    run(&mut command)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        args: Args,
    }

    fn length_of(arguments: &str) -> Result<f64, String> {
        let arguments = std::iter::once("chaos").chain(arguments.split_whitespace());
        Cli::try_parse_from(arguments).map(|it| it.args.length()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_run_is_as_long_as_it_is_told() {
        for (arguments, seconds) in [("", 120.0), ("--minutes 0.5", 30.0), ("--seconds 7 --seed 3", 7.0)] {
            assert_eq!(length_of(arguments), Ok(seconds));
        }
        for (arguments, why) in [
            ("--seconds 0", "it must be more than 0"),
            ("--minutes inf", "it must be more than 0"),
            ("--minutes long", "is no number"),
            ("--minutes 1 --seconds 1", "cannot be used with"),
        ] {
            let error = length_of(arguments).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }
}
