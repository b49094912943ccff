//! `cargo xtask surface`: reads a Go source tree from disk, lets `mm_surface` describe it, writes the description.

use std::path::PathBuf;

use crate::workspace;

/// Arguments of `cargo xtask surface`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Folder `server/public` of a Mattermost checkout
    #[arg(long, value_name = "DIR")]
    source: PathBuf,
    /// File to write [default: surface/surface.json of this repository]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(crate) fn run(args: Args) -> anyhow::Result<()> {
    let out = args.out.unwrap_or_else(|| workspace::path("surface/surface.json"));
    anyhow::bail!("reading {} into {} comes with the next commit", args.source.display(), out.display())
}
