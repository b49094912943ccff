//! Where the files of this repository are, independent of the folder a task is started in.

use std::path::{Path, PathBuf};

/// The root folder of the repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask is a folder of the repository")
}

/// A path in the repository, given relative to its root.
pub(crate) fn path(relative: &str) -> PathBuf {
    root().join(relative)
}
