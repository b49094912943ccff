//! How the miniature Mattermost of `tests/interop-go` is built as an older server: with that server's structs and services, the
//! hand-written half of then, and its go-plugin and yamux.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::workspace;

/// The older server: the name of its surface in `surface/versions`, and of its build tag.
pub(crate) const VERSION: &str = "9.8";
const TAG: &str = "v9_8";

/// The module file with the go-plugin of that server.
const MODULES: &str = "tests/interop-go/goplugin/v1.6.0";

/// The line of a module file that says whose structs and services are built.
const NEWEST: &str = "interop/mattermost/generated => ./mattermost/generated\n";

/// `GOFLAGS` for everything in `tests/interop-go`: the user's own, and what makes it the older server. A module file for it is written
/// into `folder`.
pub(crate) fn flags(folder: &Path) -> Result<String> {
    let text = fs::read_to_string(workspace::path(&format!("{MODULES}.mod"))).context(MODULES)?;
    ensure!(text.contains(NEWEST), "{MODULES}.mod does not say {NEWEST:?}");
    let older = text.replace(NEWEST, &format!("{}-{VERSION}\n", NEWEST.trim_end()));
    fs::create_dir_all(folder)?;
    let modules = folder.join(format!("v{VERSION}.mod"));
    fs::write(&modules, older)?;
    fs::copy(workspace::path(&format!("{MODULES}.sum")), modules.with_extension("sum"))?;
    let own = Command::new("go").args(["env", "GOFLAGS"]).output().context("go")?;
    let own = String::from_utf8_lossy(&own.stdout).trim().to_owned();
    Ok(format!("{own} -modfile={} -tags={TAG}", modules.display()).trim().to_owned())
}
