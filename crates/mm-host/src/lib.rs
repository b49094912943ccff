//! Hosts a Mattermost plugin written in Python.
