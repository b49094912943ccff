//! `server.python.workers` and `server.python.restart`: how many processes a plugin has, and what follows when one dies.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Manifest;
use super::check::Fault;
use crate::supervisor::restart::RestartPolicy;

/// Each has an interpreter with all its modules: more than this is a mistake.
const MAX_WORKERS: u32 = 64;

/// `server.python.restart` of a manifest.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct RestartOptions {
    /// So many deaths within `minutes` are too many, and the plugin has failed; 5 unless given. 1 = it is never started again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_deaths: Option<u32>,
    /// 10 unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minutes: Option<u32>,
}

impl Manifest {
    /// How many processes the plugin has: `server.python.workers`, 1 unless given.
    pub fn workers(&self) -> usize {
        usize::try_from(self.python().workers.unwrap_or(1).max(1)).unwrap_or(1)
    }

    /// `server.python.restart`, or its defaults.
    pub fn restart_policy(&self) -> RestartPolicy {
        let (options, default) = (self.python().restart.unwrap_or_default(), RestartPolicy::default());
        RestartPolicy {
            max_deaths: options.max_deaths.unwrap_or(default.max_deaths),
            window: options.minutes.map_or(default.window, |it| Duration::from_secs(60 * u64::from(it))),
            ..default
        }
    }
}

/// Refuses what cannot be in these parts of the manifest.
pub(super) fn check(manifest: &Manifest) -> Result<(), Fault> {
    let python = manifest.python();
    if let Some(n) = python.workers.filter(|it| !(1..=MAX_WORKERS).contains(it)) {
        return Err(("server.python.workers".to_owned(), format!("{n} is not from 1 to {MAX_WORKERS}")));
    }
    let restart = python.restart.unwrap_or_default();
    for (field, value) in [("max_deaths", restart.max_deaths), ("minutes", restart.minutes)] {
        if value == Some(0) {
            return Err((format!("server.python.restart.{field}"), "must be 1 or more".to_owned()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::ManifestError;
    use super::*;

    fn parse(python: &str) -> Result<Manifest, ManifestError> {
        let text = format!(
            r#"{{"id": "com.example.x", "name": "X", "version": "1.0.0", "server": {{"executable": "p.py", "python": {python}}}}}"#
        );
        Manifest::parse(Path::new("plugin.json"), &text)
    }

    #[test]
    fn nothing_means_one_worker_and_five_deaths_in_ten_minutes() {
        let manifest = parse("{}").unwrap();
        assert_eq!((manifest.workers(), manifest.restart_policy()), (1, RestartPolicy::default()));
    }

    #[test]
    fn what_is_written_counts() {
        let manifest = parse(r#"{"workers": 3, "restart": {"max_deaths": 2, "minutes": 1}}"#).unwrap();
        let policy = manifest.restart_policy();
        assert_eq!((manifest.workers(), policy.max_deaths, policy.window), (3, 2, Duration::from_secs(60)));
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        for (python, said) in [
            (r#"{"workers": 0}"#, "server.python.workers: 0 is not from 1 to 64"),
            (r#"{"workers": 65}"#, "server.python.workers: 65 is not from 1 to 64"),
            (r#"{"restart": {"max_deaths": 0}}"#, "server.python.restart.max_deaths: must be 1 or more"),
            (r#"{"restart": {"minutes": 0}}"#, "server.python.restart.minutes: must be 1 or more"),
        ] {
            let error = parse(python).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
    }
}
