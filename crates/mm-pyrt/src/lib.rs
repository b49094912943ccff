//! `mattermost_plugin._native`.
