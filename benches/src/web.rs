//! What HTTP costs on a server: a plugin in Python under `mm-host` and one written in Go answer the same requests, in turns, under Go's own
//! go-plugin (`tests/interop-go/cmd/minimost`).

use anyhow::Result;
use serde_json::json;

use crate::report::{Report, Target};
use crate::server::{Plugin, Server};
use crate::startup;

/// Bytes of a large body.
const LARGE: usize = 10_000_000;

/// A request that is measured.
struct Case {
    name: &'static str,
    method: &'static str,
    path: String,
    upload: usize,
    download: usize,
    /// How many in a round, and what their times may be against those of the plugin in Go.
    calls: usize,
    limit: f64,
}

fn cases(calls: usize) -> [Case; 3] {
    // Ten megabytes take some ten milliseconds.
    let few = (calls / 100).clamp(2, 10);
    // At least 1.5 times the throughput.
    let large = 1.0 / 1.5;
    let size = LARGE.to_string();
    [
        Case {
            name: "a small GET",
            method: "GET",
            path: "/hello".to_owned(),
            upload: 0,
            download: 5,
            calls,
            limit: 1.0,
        },
        Case {
            name: "10 MB up",
            method: "POST",
            path: "/".to_owned(),
            upload: LARGE,
            download: size.len(),
            calls: few,
            limit: large,
        },
        Case {
            name: "10 MB down",
            method: "GET",
            path: format!("/?size={LARGE}"),
            upload: 0,
            download: LARGE,
            calls: few,
            limit: large,
        },
    ]
}

/// Measures; `python` and `go` are the two plugins.
pub(crate) fn measure(needed: &Server<'_>, python: &mut Plugin, go: &mut Plugin, report: &mut Report) -> Result<()> {
    for case in cases(needed.calls) {
        let load = json!({
            "method": case.method, "path": case.path, "upload": case.upload, "download": case.download,
        });
        let mut rounds = Vec::new();
        // The first round warms up and does not count.
        for round in 0..=needed.rounds {
            eprint!("\r{} through go-plugin: round {round} of {}   ", case.name, needed.rounds);
            let times = if round % 2 == 0 {
                let python = python.request(&load, case.calls)?;
                (python, go.request(&load, case.calls)?)
            } else {
                let go = go.request(&load, case.calls)?;
                (python.request(&load, case.calls)?, go)
            };
            if round > 0 {
                rounds.push(times);
            }
        }
        eprintln!();
        let median = |figure: &dyn Fn(&(f64, f64)) -> f64| startup::middle(rounds.iter().map(figure).collect());
        report.add(format!("{}, a plugin in Go", case.name), median(&|it| it.1), "µs", None);
        report.add(format!("{}, a plugin in Python", case.name), median(&|it| it.0), "µs", None);
        let limit = Some(Target::AtMost(case.limit));
        report.add(format!("{}, Python against Go", case.name), median(&|it| it.0 / it.1), "×", limit);
    }
    Ok(())
}
