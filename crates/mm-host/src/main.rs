//! The `mm-host` command line.

fn main() {}
