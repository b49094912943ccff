//! A host that is asked, by the right user and by another.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nix::unistd::Uid;
use tokio::net::UnixStream;

use super::client::ask_all;
use super::*;

/// A folder as a host makes it, in another one.
fn folder(parent: &Path, name: &str) -> std::path::PathBuf {
    let folder = parent.join(name);
    std::fs::create_dir(&folder).unwrap();
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o700)).unwrap();
    folder
}

fn report(id: &str) -> Report {
    let over = [("ok".to_owned(), 40), ("error".to_owned(), 2)].into();
    Report {
        plugin_id: id.to_owned(),
        plugin_version: "1.2.3".to_owned(),
        state: "running".to_owned(),
        host_version: "0.1.0".to_owned(),
        host_pid: 7,
        uptime_s: 3725.0,
        pids: vec![8, 9],
        python_version: "3.12.1".to_owned(),
        sdk_version: "0.1.0".to_owned(),
        hook_calls: Tally { over, in_flight: 1, mean_ms: 2.345 },
        queues: [("events".to_owned(), 3)].into(),
        restarts: [("killed".to_owned(), 1)].into(),
        shed: 5,
        host_memory: 8 << 20,
        plugin_memory: 50 << 20,
        ..Report::default()
    }
}

fn telling(source: impl Fn() -> Report + Send + Sync + 'static) -> Desk {
    Desk::new(Arc::new(source), Arc::new(|_| {}))
}

/// What the hosts in this folder say.
async fn found(parent: &Path) -> Found {
    let folders = places::in_folder(parent);
    tokio::task::spawn_blocking(move || ask_all(folders, Duration::from_secs(20))).await.unwrap()
}

#[tokio::test]
async fn hosts_are_found_and_tell() {
    let parent = tempfile::tempdir().unwrap();
    let open = |id: &'static str| {
        let socket = folder(parent.path(), &format!("mm-host-{id}-x")).join(SOCKET);
        let opening = telling(move || report(id)).open(&socket).unwrap();
        assert_eq!(socket.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        opening
    };
    let _openings = [open("b"), open("a")];
    // One that is gone, one that is nothing of ours, one that never was, and one that is seen twice.
    drop(open("gone"));
    folder(parent.path(), "other");
    folder(parent.path(), "mm-host-empty-x");
    std::os::unix::fs::symlink(parent.path().join("mm-host-a-x"), parent.path().join("mm-host-link-x")).unwrap();
    for _ in 0..2 {
        let found = found(parent.path()).await;
        assert_eq!(found.reports, [report("a"), report("b")]);
        assert_eq!((found.silent, found.of_others), (Vec::<String>::new(), 0));
    }
}

#[tokio::test]
async fn another_user_is_refused_and_logged() {
    let [root, one, other] = [0, 1000, 1001].map(Uid::from_raw);
    assert!(desk::may_ask(one, one) && desk::may_ask(root, one));
    assert!(!desk::may_ask(other, one) && !desk::may_ask(one, root));

    let parent = tempfile::tempdir().unwrap();
    let socket = folder(parent.path(), "mm-host-a-x").join(SOCKET);
    let logged = Arc::new(Mutex::new(Vec::new()));
    let sink = logged.clone();
    let desk =
        Desk::new(Arc::new(|| panic!("nobody may know")), Arc::new(move |it| sink.lock().unwrap().push(it.message)));
    let _opening = desk.for_whom(|_| false).open(&socket).unwrap();
    let found = found(parent.path()).await;
    assert_eq!(found.reports, []);
    assert!(found.silent[0].ends_with("it refused to answer"), "{:?}", found.silent);
    assert!(logged.lock().unwrap()[0].starts_with("status refused: it was asked by user "), "{logged:?}");
}

#[test]
fn a_host_that_stands_still_is_told_apart() {
    let parent = tempfile::tempdir().unwrap();
    let folder = folder(parent.path(), "mm-host-a-x");
    let _listener = std::os::unix::net::UnixListener::bind(folder.join(SOCKET)).unwrap();
    let found = ask_all(vec![folder], Duration::from_millis(20));
    assert!(found.silent[0].ends_with("no answer within 0.02 s: the host stands still"), "{:?}", found.silent);
}

#[tokio::test]
async fn a_reader_that_does_not_read_holds_nobody_up() {
    let parent = tempfile::tempdir().unwrap();
    let socket = folder(parent.path(), "mm-host-a-x").join(SOCKET);
    let large = || Report { failure: "x".repeat(4 << 20), ..report("a") };
    let _opening = telling(large).open(&socket).unwrap();
    let _idle = [UnixStream::connect(&socket).await.unwrap(), UnixStream::connect(&socket).await.unwrap()];
    assert_eq!(found(parent.path()).await.reports, [large()]);
}

#[test]
fn the_answer_is_about_what_was_asked_for() {
    let page = |id: &str| Report { metrics: format!("page of {id}\n"), ..report(id) };
    let failed = Report { state: "failed".to_owned(), ..page("b.failed") };
    let found = Found { reports: vec![page("a.well"), failed], ..Found::default() };
    let (text, well) = answer(&found, None, Format::Text).unwrap();
    assert!(
        text.starts_with("a.well 1.2.3: running\n") && text.contains("\nb.failed 1.2.3: failed\n") && !well,
        "{text}"
    );
    assert_eq!(answer(&found, Some("a.well"), Format::Prometheus).unwrap(), ("page of a.well\n".to_owned(), true));
    assert!(!answer(&found, Some("b.failed"), Format::Prometheus).unwrap().1);
    let (json, _) = answer(&found, Some("a.well"), Format::Json).unwrap();
    assert_eq!(serde_json::from_str::<Vec<Report>>(&json).unwrap(), [report("a.well")]);
    assert!(!json.contains("metrics"), "{json}");
    assert!(answer(&found, None, Format::Prometheus).unwrap_err().starts_with("several plugins run: name one"));

    let dir = tempfile::tempdir().unwrap();
    let manifest = r#"{"id": "a.well", "name": "A", "server": {"executable": "plugin.py"}}"#;
    std::fs::write(dir.path().join("plugin.json"), manifest).unwrap();
    let named = dir.path().to_str().unwrap();
    assert_eq!((id_of(named), id_of("A.Well")), (Ok("a.well".to_owned()), Ok("a.well".to_owned())));
    std::fs::remove_file(dir.path().join("plugin.json")).unwrap();
    assert!(id_of(named).unwrap_err().contains("no plugin.json"));

    assert_eq!(answer(&found, Some("c"), Format::Json).unwrap(), ("[]\n".to_owned(), false));
    let why = answer(&found, Some("c"), Format::Text).unwrap_err();
    assert_eq!(why, "no plugin c runs in an mm-host that can be asked");
    let others = Found { of_others: 1, ..Found::default() };
    assert!(answer(&others, None, Format::Text).unwrap_err().contains("sudo -u mattermost mm-host status"));
}

#[test]
fn only_hosts_are_asked_that_may_be_the_plugins() {
    let folders =
        || ["mm-host-a.b-x1", "mm-host-a.b-c-x2", "mm-host-a.bc-x3"].map(|it| Path::new("/tmp").join(it)).to_vec();
    assert_eq!(client::narrowed(folders(), None), folders());
    assert_eq!(client::narrowed(folders(), Some("a.b")), folders()[..2]);
    let long = "a".repeat(190);
    let cut = vec![Path::new("/tmp").join(format!("mm-host-{}-x", "a".repeat(32)))];
    assert_eq!(client::narrowed(cut.clone(), Some(&long)), cut);
}

#[test]
fn what_a_plugin_says_does_nothing_to_a_terminal() {
    let failure = "ValueError: \u{1b}[2J\nhooks  0".to_owned();
    let text = Report { failure, sdk_version: "\u{7}".to_owned(), ..report("a") }.to_string();
    assert!(text.contains("  last death  ValueError: \u{fffd}[2J hooks  0\n"), "{text}");
    assert!(!text.contains(['\u{1b}', '\u{7}']), "{text}");
}

#[test]
fn a_report_is_read_by_people_and_programs() {
    let text = report("com.example.x").to_string();
    let expected = "com.example.x 1.2.3: running
  host        mm-host 0.1.0, process 7, since 1 h 2 min
  process     8, 9 (Python 3.12.1, SDK 0.1.0)
  hooks       42, 2 error; 2.3 ms on average; 1 under way
  API         0; 0.0 ms on average; 0 under way
  queue       3 events
  lost        5 calls dropped, 0 made again
  restarts    1 killed
  memory      8.0 MiB host, 50.0 MiB plugin
";
    assert_eq!(text, expected);
    let json = serde_json::to_string(&report("x")).unwrap();
    assert_eq!(serde_json::from_str::<Report>(&json).unwrap(), report("x"));
    let newer: Report = serde_json::from_str(r#"{"plugin_id": "x", "from_the_future": [1]}"#).unwrap();
    assert_eq!(newer.plugin_id, "x");
}
