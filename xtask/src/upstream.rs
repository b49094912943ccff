//! Where a version of Mattermost is read from: a folder, or a tag of a git repository, of which only what is needed is
//! fetched.

use std::path::{Path, PathBuf};

use mm_surface::{Fit, Surface};
use tempfile::TempDir;

use crate::surface;

mod git;
#[cfg(test)]
mod tests;

use git::Git;

/// Upstream's own repository.
const REPOSITORY: &str = "https://github.com/mattermost/mattermost";

/// Arguments that say which version of Mattermost is meant.
#[derive(clap::Args)]
#[command(group = clap::ArgGroup::new("tree").args(["source", "version"]).required(true))]
pub(crate) struct Which {
    /// Folder `server/public` of a Mattermost checkout; up to 7.11 the checkout itself
    #[arg(long, value_name = "DIR")]
    source: Option<PathBuf>,
    /// Tag or branch to fetch; `release` and `candidate` are the newest of their kind
    #[arg(long, value_name = "TAG")]
    version: Option<String>,
    /// Repository to fetch it from
    #[arg(long, value_name = "URL", default_value = REPOSITORY, conflicts_with = "source")]
    repository: String,
}

/// A tree on disk; one that was fetched is deleted with this.
#[derive(Debug)]
pub(crate) struct Tree {
    folder: PathBuf,
    _fetched: Option<TempDir>,
}

impl Which {
    /// Reads its surface.
    ///
    /// # Errors
    /// The tree cannot be had, is not Mattermost, or does not fit the declarations of `overrides.toml`.
    pub(crate) fn read(&self, fit: Fit) -> anyhow::Result<Surface> {
        surface::read(self.tree()?.folder(), fit)
    }

    fn tree(&self) -> anyhow::Result<Tree> {
        match (&self.source, &self.version) {
            (Some(source), _) => Ok(Tree { folder: source.clone(), _fetched: None }),
            (None, Some(version)) => fetch(&Git::default(), &self.repository, version),
            (None, None) => unreachable!("clap asks for one of them"),
        }
    }
}

impl Tree {
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }
}

/// Fetches what is needed of one version and finds the plugin interface in it.
fn fetch(git: &Git, repository: &str, version: &str) -> anyhow::Result<Tree> {
    let folder = tempfile::tempdir()?;
    let found = git.resolve(repository, version)?;
    eprintln!("fetching {found} of {repository}");
    git.fetch(repository, &found, folder.path())?;
    let inside = ["server/public", "."].map(|it| folder.path().join(it));
    let public = inside.into_iter().find(|it| it.join("go.mod").is_file() && it.join("plugin").is_dir());
    let Some(public) = public else {
        anyhow::bail!(
            "{repository} at {found} is not Mattermost: it has neither `server/public` nor, as before 8.0, `plugin` and `model`"
        );
    };
    Ok(Tree { folder: public, _fetched: Some(folder) })
}
