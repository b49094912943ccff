//! Notices changes of a plugin's files, by looking: it works on every file system, and a plugin has few files.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tokio::sync::mpsc;

/// How often the files are looked at.
const INTERVAL: Duration = Duration::from_millis(250);

/// Folders whose files are not the plugin's source.
const IGNORED_FOLDERS: [&str; 6] = ["__pycache__", "dist", "node_modules", "site-packages", "venv", "webapp"];

/// A plugin has few files; looking stops here if somebody points at a home folder.
const MAX_FILES: usize = 20_000;

type Snapshot = BTreeMap<PathBuf, (Option<SystemTime>, u64)>;

/// Sends the changed files, relative to `folder`, whenever there are some. An editor that writes several files is waited for.
pub(crate) fn watch(folder: PathBuf) -> mpsc::Receiver<Vec<PathBuf>> {
    let (sender, receiver) = mpsc::channel(1);
    tokio::task::spawn_blocking(move || {
        let mut known = snapshot(&folder);
        while !sender.is_closed() {
            std::thread::sleep(INTERVAL);
            let mut now = snapshot(&folder);
            let mut changed = difference(&known, &now);
            if changed.is_empty() {
                continue;
            }
            loop {
                std::thread::sleep(INTERVAL / 2);
                let later = snapshot(&folder);
                if later == now {
                    break;
                }
                now = later;
            }
            changed = difference(&known, &now);
            known = now;
            let relative =
                changed.iter().map(|it| it.strip_prefix(&folder).unwrap_or(it).to_owned()).collect::<Vec<_>>();
            if !relative.is_empty() && sender.blocking_send(relative).is_err() {
                return;
            }
        }
    });
    receiver
}

fn snapshot(folder: &Path) -> Snapshot {
    let mut found = Snapshot::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let Ok(kind) = entry.file_type() else { continue };
            if name.starts_with('.') || (kind.is_dir() && IGNORED_FOLDERS.contains(&&*name)) {
                continue;
            }
            if kind.is_dir() {
                folders.push(entry.path());
            } else if !is_by_product(&name) && found.len() < MAX_FILES {
                let Ok(metadata) = entry.metadata() else { continue };
                found.insert(entry.path(), (metadata.modified().ok(), metadata.len()));
            }
        }
    }
    found
}

/// Files that editors and Python write beside the source.
fn is_by_product(name: &str) -> bool {
    name.ends_with('~') || name.ends_with(".pyc") || name.ends_with(".swp") || name.ends_with(".tmp") || name == "4913"
}

fn difference(before: &Snapshot, after: &Snapshot) -> Vec<PathBuf> {
    let gone = before.keys().filter(|it| !after.contains_key(*it));
    let changed = after.iter().filter(|(path, it)| before.get(*path) != Some(it)).map(|(path, _)| path);
    let mut all: Vec<PathBuf> = gone.chain(changed).cloned().collect();
    all.sort();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_additions_and_removals_are_seen_and_by_products_are_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        for name in ["a.py", "b.py", "c.py"] {
            fs::write(path(name), "1").unwrap();
        }
        fs::create_dir(path("__pycache__")).unwrap();
        let before = snapshot(dir.path());
        fs::write(path("a.py"), "12").unwrap();
        fs::remove_file(path("b.py")).unwrap();
        fs::write(path("d.py"), "").unwrap();
        fs::write(path("__pycache__/a.pyc"), "").unwrap();
        fs::write(path("c.py~"), "").unwrap();
        fs::write(path(".hidden"), "").unwrap();
        let changed = difference(&before, &snapshot(dir.path()));
        assert_eq!(changed, [path("a.py"), path("b.py"), path("d.py")]);
    }

    #[tokio::test]
    async fn a_change_is_told_once() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("plugin.py"), "1").unwrap();
        let mut changes = watch(dir.path().to_owned());
        tokio::time::sleep(INTERVAL).await;
        fs::write(dir.path().join("plugin.py"), "22").unwrap();
        let changed = tokio::time::timeout(Duration::from_secs(5), changes.recv()).await.unwrap().unwrap();
        assert_eq!(changed, [PathBuf::from("plugin.py")]);
        assert!(tokio::time::timeout(INTERVAL * 3, changes.recv()).await.is_err());
    }
}
