//! The few things that are asked of git.

use std::ffi::OsStr;
use std::io::ErrorKind;
use std::path::Path;
use std::process::{Command, Output};

use anyhow::{Context as _, bail};

/// The folders that hold the plugin interface: since 8.0 the first, before that the others.
const FOLDERS: [&str; 4] = ["server/public", "plugin", "model", "shared"];

/// Variables by which a git that calls us (a hook) would turn us to its own repository.
const INHERITED: [&str; 5] = ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_OBJECT_DIRECTORY"];

/// How many tags are shown to somebody who named one that is not there.
const SHOWN_TAGS: usize = 5;

/// git on this machine.
pub(super) struct Git {
    program: String,
}

/// A version as its tag says it: numbers, then whether it is released (and if not, the candidate's number).
type Order = (Vec<u32>, Option<u32>);

impl Default for Git {
    fn default() -> Self {
        Git::at("git")
    }
}

impl Git {
    pub(super) fn at(program: &str) -> Self {
        Git { program: program.to_owned() }
    }

    /// The tag or branch that is meant: `11.7.0` is `v11.7.0`, `release` the newest one.
    ///
    /// # Errors
    /// The repository cannot be reached, or has nothing of this name.
    pub(super) fn resolve(&self, repository: &str, version: &str) -> anyhow::Result<String> {
        let listed = self.run(None, ["ls-remote", "--tags", "--heads", repository])?;
        if !listed.status.success() {
            bail!(
                "cannot read {repository}: {}\n  check the address and the network, or give a checkout with --source DIR",
                complaint(&listed)
            );
        }
        let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
        let names: Vec<&str> = listed.lines().filter_map(|it| it.split_once('\t')).map(|(_, name)| name).collect();
        let mut tags: Vec<(Order, &str)> = names
            .iter()
            .filter_map(|it| it.strip_prefix("refs/tags/"))
            .filter_map(|it| Some((order(it)?, it)))
            .collect();
        tags.sort();
        let release = tags.iter().rev().find(|(order, _)| order.1.is_none());
        match version {
            "release" => release.map(|(_, it)| (*it).to_owned()).context("it has no tag of a release, `v11.6.0`"),
            // One that has been released since is no candidate any more.
            "candidate" => newest(&tags).map(str::to_owned).context("it has no tag of a release or a candidate"),
            _ => {
                let asked =
                    [format!("refs/tags/{version}"), format!("refs/tags/v{version}"), format!("refs/heads/{version}")];
                let found = asked.iter().find(|it| names.contains(&it.as_str()));
                found.and_then(|it| it.splitn(3, '/').nth(2)).map(str::to_owned).with_context(|| {
                    let newest: Vec<&str> = tags.iter().rev().take(SHOWN_TAGS).map(|(_, it)| *it).collect();
                    let known = if newest.is_empty() { "none".to_owned() } else { newest.join(", ") };
                    format!("{repository} has no tag or branch `{version}`; its newest versions: {known}")
                })
            }
        }
    }

    /// Puts the folders that matter into `to`: no history, and of the rest of the tree no contents.
    ///
    /// # Errors
    /// git says so.
    pub(super) fn fetch(&self, repository: &str, version: &str, to: &Path) -> anyhow::Result<()> {
        let clone =
            ["clone", "--quiet", "--depth", "1", "--filter=blob:none", "--sparse", "--no-tags", "--branch", version];
        self.must(to, clone.into_iter().chain(["--", repository, "."]))?;
        self.must(to, ["sparse-checkout", "set", "--cone"].into_iter().chain(FOLDERS))
    }

    fn must<'a>(&self, folder: &Path, arguments: impl IntoIterator<Item = &'a str>) -> anyhow::Result<()> {
        let arguments: Vec<&str> = arguments.into_iter().collect();
        let output = self.run(Some(folder), &arguments)?;
        if !output.status.success() {
            bail!("`git {}` failed: {}", arguments.join(" "), complaint(&output));
        }
        Ok(())
    }

    fn run<A: AsRef<OsStr>>(
        &self,
        folder: Option<&Path>,
        arguments: impl IntoIterator<Item = A>,
    ) -> anyhow::Result<Output> {
        let mut command = Command::new(&self.program);
        // A password that is missing is an error and no question; a line that has died is noticed.
        command.env("GIT_TERMINAL_PROMPT", "0").env("LC_ALL", "C");
        command.args(["-c", "advice.detachedHead=false", "-c", "core.autocrlf=false"]);
        command.args(["-c", "http.lowSpeedLimit=1000", "-c", "http.lowSpeedTime=30"]);
        INHERITED.iter().for_each(|it| {
            command.env_remove(it);
        });
        folder.map(|it| command.current_dir(it));
        command.args(arguments).output().map_err(|error| {
            if error.kind() == ErrorKind::NotFound {
                anyhow::anyhow!("--version needs git, and there is no `{}` on the PATH: install it, or give a checkout with --source DIR", self.program)
            } else {
                anyhow::anyhow!("cannot run {}: {error}", self.program)
            }
        })
    }
}

/// What git complained of, without its hints.
fn complaint(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    let graver = said.lines().find(|it| it.starts_with("fatal:") || it.starts_with("error:"));
    graver.or_else(|| said.lines().last()).unwrap_or("it says nothing").trim_start_matches("fatal: ").to_owned()
}

/// `v11.7.0-rc2` → 11.7.0, candidate 2. `None` for tags that are no version.
pub(super) fn order(tag: &str) -> Option<Order> {
    let version = tag.strip_prefix('v')?;
    let (numbers, candidate) = match version.split_once("-rc") {
        Some((numbers, candidate)) => (numbers, Some(candidate.parse().ok()?)),
        None => (version, None),
    };
    let numbers: Option<Vec<u32>> = numbers.split('.').map(|it| it.parse().ok()).collect();
    numbers.filter(|it| it.len() == 3).map(|it| (it, candidate))
}

/// The newest of all; a release is newer than its candidates.
fn newest<'a>(tags: &[(Order, &'a str)]) -> Option<&'a str> {
    let key = |(order, _): &&(Order, &str)| (order.0.clone(), order.1.is_none(), order.1);
    tags.iter().max_by_key(key).map(|(_, it)| *it)
}
