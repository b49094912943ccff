//! `coverage.txt`, from which the reference pages are made, says what the simulator really has.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use mm_proto::{ApiError, grpc::ApiService};
use tonic::Status;
use tower::Service as _;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/coverage.txt");
const MEND: &str = "UPDATE_COVERAGE=1 cargo test -p mm-sim --test coverage";

#[test]
fn coverage_txt_lists_what_is_simulated() {
    let names: BTreeSet<&str> = mm_sim::COVERAGE.iter().copied().collect();
    let lines: String = names.iter().map(|it| format!("{it}\n")).collect();
    let hooks: String = mm_sim::HOOKS_NOT_CALLED.iter().map(|it| format!("never called: {it}\n")).collect();
    let wanted = format!(
        "# The API methods that the simulator has, made from mm_sim::COVERAGE: {MEND}\n{lines}\
         # The hooks that nothing in it causes, made from mm_sim::HOOKS_NOT_CALLED.\n{hooks}"
    );
    if std::env::var_os("UPDATE_COVERAGE").is_some() {
        fs::write(FILE, &wanted).expect("coverage.txt can be written");
    }
    let found = fs::read_to_string(FILE).expect("coverage.txt can be read");
    assert!(found == wanted, "coverage.txt is not up to date; run {MEND}, then cargo xtask regenerate --only docs");
}

/// A gRPC message without fields: not compressed, no bytes.
const EMPTY_MESSAGE: &str = "\0\0\0\0\0";

/// Whether a method answers anything else than that it is not there.
async fn is_there(service: &mut ApiService, method: &str) -> bool {
    let request = http::Request::builder()
        .method("POST")
        .uri(format!("/mattermost.plugin.v1.PluginApi/{method}"))
        .header("content-type", "application/grpc")
        .body(EMPTY_MESSAGE.to_owned())
        .expect("the request is valid");
    let response = service.call(request).await.expect("the service answers");
    let Some(status) = Status::from_header_map(response.headers()) else { return true };
    !matches!(ApiError::from(status), ApiError::App(error) if error.id == "mattermost_plugin.not_supported")
}

#[tokio::test]
async fn what_is_listed_is_there_and_nothing_else() {
    let server = mm_sim::Server::demo();
    let mut service = ApiService::new(server.api("com.example.test"));
    let mut there = BTreeSet::new();
    for method in mm_proto::API_METHODS {
        if is_there(&mut service, method.go).await {
            there.insert(method.go);
        }
    }
    assert_eq!(there, mm_sim::COVERAGE.iter().copied().collect());
}

/// All sources below a folder, as one text.
fn sources(folder: &Path) -> String {
    let mut texts = String::new();
    for entry in fs::read_dir(folder).expect("the sources are there") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            texts += &sources(&path);
        } else if path.extension().is_some_and(|it| it == "rs") {
            texts += &fs::read_to_string(&path).expect("a source can be read");
        }
    }
    texts
}

#[test]
fn every_hook_is_called() {
    let sources = sources(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")));
    let called = |hook: &str| sources.contains(&format!("\"{hook}\""));
    let not_called: Vec<_> = mm_proto::HOOKS.iter().map(|hook| hook.go).filter(|hook| !called(hook)).collect();
    assert_eq!(not_called, mm_sim::HOOKS_NOT_CALLED);
    assert_eq!(not_called, [""; 0], "a hook of a new Mattermost must be caused by something in the simulator");
}

#[test]
fn every_method_is_there() {
    let missing: Vec<_> =
        mm_proto::API_METHODS.iter().map(|it| it.go).filter(|it| !mm_sim::COVERAGE.contains(it)).collect();
    assert_eq!(missing, [""; 0], "a method of a new Mattermost must be in the simulator");
}
