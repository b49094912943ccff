//! Hosts a Mattermost plugin written in Python.

pub mod manifest;
pub mod python_env;
