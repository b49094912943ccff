//! A Mattermost plugin in Rust: the executable that a server starts. What the plugin does is in [`plugin`].

mod plugin;

use std::process::ExitCode;
use std::sync::Arc;

use mm_host::upstream::{self, InProcess};

use crate::plugin::{HOOKS, HelloPlugin};

fn main() -> ExitCode {
    if !upstream::started_by_server() {
        eprintln!(
            "This is the executable of a Mattermost plugin, which a server starts; README.md says how to make its bundle."
        );
        return ExitCode::from(2);
    }
    upstream::run(|_| Arc::new(InProcess::new(HOOKS, |api| Arc::new(HelloPlugin::new(api)))))
}
