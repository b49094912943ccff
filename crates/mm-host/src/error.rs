//! What can go wrong with a hosted plugin.

use mm_proto::ApiError;

use crate::manifest::ManifestError;
use crate::python_env::EnvError;
use crate::supervisor::failure::Failure;

/// Why a plugin does not run. Every text says what to do, where there is something to do.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// Its manifest cannot be used.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// There is no Python for it.
    #[error(transparent)]
    Python(#[from] EnvError),
    /// Its Python file is missing, or is no file.
    #[error("{0}")]
    Entry(String),
    /// Its manifest asks for a permission that there is not.
    #[error("permissions of the manifest: {0}")]
    Permissions(String),
    /// There can be no folder for its sockets.
    #[error("cannot make a folder for the plugin's sockets: {0}: set TMPDIR to a folder that can be written to")]
    Folder(std::io::Error),
    /// Its process could not start.
    #[error("{0}")]
    Start(Failure),
    /// It was stopped while it started.
    #[error("the plugin was stopped while it started")]
    StoppedWhileStarting,
    /// It runs already, or is being stopped.
    #[error("the plugin runs already: stop it first")]
    AlreadyRunning,
    /// The task that owns the process is gone: the runtime is shutting down.
    #[error("the host is shutting down")]
    Gone,
    /// A process that was to take the place of another was not activated in time.
    #[error("OnConfigurationChange and OnActivate did not return within {} s", limit.as_secs_f32())]
    NotActivated {
        /// The time that they had.
        limit: std::time::Duration,
    },
    /// `OnConfigurationChange` or `OnActivate` failed.
    #[error("{hook}: {error}")]
    Activation {
        /// Go name of the hook.
        hook: &'static str,
        /// What it failed with.
        error: ApiError,
    },
}
