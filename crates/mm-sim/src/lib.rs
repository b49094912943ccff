//! A Mattermost in memory, for running and testing plugins.
