//! Reads Mattermost's Go source and describes its plugin surface as data.
