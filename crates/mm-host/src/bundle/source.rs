//! The files of a folder, for a bundle or for whoever checks one.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::ignore::Ignore;
use super::layout::TARGET_NAMES;
use crate::check::Finding;
use crate::manifest::Manifest;

/// Files by their path in the folder, separated by `/`, and what cannot be bundled.
#[derive(Debug, Default)]
pub(crate) struct Files {
    pub(crate) files: BTreeMap<String, PathBuf>,
    pub(crate) findings: Vec<Finding>,
}

/// What stays out: asked with the path from the folder on, the name, and whether it is a folder.
type Skip<'a> = &'a dyn Fn(&str, &str, bool) -> bool;

/// The files of the plugin in `dir` that belong into its bundle.
///
/// # Errors
/// When a folder cannot be read.
pub(crate) fn walk_plugin(dir: &Path, ignore: &Ignore) -> io::Result<Files> {
    walk_with(dir, &|path, _, is_folder| {
        let reserved = is_folder && path.strip_prefix("server/").is_some_and(|it| TARGET_NAMES.contains(&it));
        reserved || ignore.skips(path, is_folder) || (is_folder && dir.join(path).join("pyvenv.cfg").is_file())
    })
}

/// The files of an unpacked bundle in `dir`, but those that Python wrote when it ran.
///
/// # Errors
/// When a folder cannot be read.
pub(crate) fn walk_unpacked(dir: &Path) -> io::Result<Files> {
    walk(dir, &|_, name, is_folder| is_folder && name == "__pycache__", false)
}

/// All files in `dir` but what `skip` leaves out; links to files in it are as good as the files.
///
/// # Errors
/// When a folder cannot be read.
pub(crate) fn walk_with(dir: &Path, skip: Skip<'_>) -> io::Result<Files> {
    walk(dir, skip, true)
}

fn walk(dir: &Path, skip: Skip<'_>, follow: bool) -> io::Result<Files> {
    let root = dir.canonicalize()?;
    let mut walk = Walk { root: &root, skip, follow, found: Files::default() };
    walk.folder(&root, "")?;
    Ok(walk.found)
}

/// What stays out of the plugin's bundle: by default, and by its own patterns, of which there are none without a `.mmignore`.
///
/// # Errors
/// When the file is there and cannot be read.
pub(crate) fn ignore_of(dir: &Path, manifest: &Manifest) -> io::Result<Ignore> {
    let libraries = manifest.command().is_some();
    match fs::read_to_string(dir.join(super::ignore::FILE_NAME)) {
        Ok(text) => Ok(Ignore::parse(&text, libraries)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Ignore::parse("", libraries)),
        Err(error) => Err(error),
    }
}

struct Walk<'a> {
    root: &'a Path,
    skip: Skip<'a>,
    follow: bool,
    found: Files,
}

impl Walk<'_> {
    fn folder(&mut self, folder: &Path, prefix: &str) -> io::Result<()> {
        let mut entries = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let Ok(name) = entry.file_name().into_string() else {
                let place = format!("{prefix}{}", entry.file_name().to_string_lossy());
                self.fault(&place, "its name is not UTF-8: rename it");
                continue;
            };
            let path = format!("{prefix}{name}");
            let kind = entry.file_type()?;
            if (self.skip)(&path, &name, kind.is_dir()) {
                continue;
            }
            if name.contains('\\') || name.contains(|it: char| it.is_control()) {
                self.fault(&path, "its name has a backslash or a control character: rename it");
            } else if kind.is_dir() {
                self.folder(&entry.path(), &format!("{path}/"))?;
            } else if kind.is_file() {
                self.found.files.insert(path, entry.path());
            } else if kind.is_symlink() {
                self.link(&path, &entry.path());
            } else {
                self.fault(&path, "is neither a file nor a folder: remove it, or name it in .mmignore");
            }
        }
        Ok(())
    }

    /// In a plugin's folder a link to a file in it is as good as the file. A server drops every link.
    fn link(&mut self, path: &str, full: &Path) {
        if !self.follow {
            self.fault(path, "is a link, which a server drops: make the bundle again with mm-host bundle");
            return;
        }
        match full.canonicalize() {
            Ok(real) if !real.starts_with(self.root) => {
                let text = format!("is a link that leaves the plugin ({}): copy what is there", real.display());
                self.fault(path, &text);
            }
            Ok(real) if real.is_file() => {
                self.found.files.insert(path.to_owned(), real);
            }
            Ok(_) => self.fault(path, "is a link to a folder, which a server drops: put the folder itself there"),
            Err(_) => self.fault(path, "is a link to nothing: remove it"),
        }
    }

    fn fault(&mut self, place: &str, text: &str) {
        self.found.findings.push(Finding::error(place, text));
    }
}
