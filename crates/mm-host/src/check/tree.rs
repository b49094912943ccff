//! The files of a bundle, read from its archive or from a folder, with the beginnings that the rules look at.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use flate2::read::GzDecoder;
use tar::EntryType;

use super::Finding;
use crate::bundle::source;
use crate::manifest::Manifest;

/// How much an archive may unpack to, in bytes. More fills a server's disk, and no plugin needs it.
const MAX_UNPACKED: u64 = 1 << 30;

/// How many entries an archive may have.
const MAX_ENTRIES: usize = 200_000;

/// How much of each file is kept.
const HEAD: u64 = 64;

/// How much of a file is kept whose text is read, such as the manifest.
const TEXT: u64 = 1 << 20;

/// How many findings about entries are reported; an archive made to do harm may have very many.
const MAX_FINDINGS: usize = 50;

/// What is known of a file.
#[derive(Debug, Default)]
pub(crate) struct Entry {
    pub(crate) mode: u32,
    /// Its beginning: all of it, up to a megabyte, when the rules read its text.
    pub(crate) head: Vec<u8>,
}

/// The files of a bundle by their path below its root folder.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    /// Name of the root folder, if it is known.
    pub(crate) root: Option<String>,
    pub(crate) files: BTreeMap<String, Entry>,
    /// What is wrong with entries as such.
    pub(crate) findings: Vec<Finding>,
}

fn has_text(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    crate::manifest::FILE_NAMES.contains(&name) || path.ends_with(".dist-info/WHEEL")
}

fn head(path: &str, reader: impl Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    reader.take(if has_text(path) { TEXT } else { HEAD }).read_to_end(&mut head)?;
    Ok(head)
}

impl Tree {
    /// The unpacked bundle in `dir`.
    ///
    /// # Errors
    /// When a file or folder cannot be read.
    pub(crate) fn unpacked(dir: &Path) -> io::Result<Self> {
        Self::of(source::walk_unpacked(dir)?)
    }

    /// What of the plugin in `dir` goes into its bundle: nothing that only its development needs, such as a virtual environment.
    ///
    /// # Errors
    /// When a file or folder cannot be read.
    pub(crate) fn plugin(dir: &Path, manifest: &Manifest) -> io::Result<Self> {
        Self::of(source::walk_plugin(dir, &source::ignore_of(dir, manifest)?)?)
    }

    fn of(walked: source::Files) -> io::Result<Self> {
        let mut tree = Self { findings: walked.findings, ..Self::default() };
        for (path, file) in walked.files {
            let file = File::open(file)?;
            let mode = file.metadata()?.permissions().mode();
            tree.files.insert(path.clone(), Entry { mode, head: head(&path, file)? });
        }
        Ok(tree)
    }

    /// The bundle in the file `path`; reads it once and keeps little of it.
    ///
    /// # Errors
    /// What keeps it from being read.
    pub(crate) fn archive(path: &Path) -> Result<Self, Finding> {
        let name = path.display().to_string();
        let fail = |error: io::Error| Finding::error(&name, &format!("cannot be read: {error}"));
        let mut start = [0; 2];
        let mut file = File::open(path).map_err(fail)?;
        if file.read_exact(&mut start).is_err() || start != [0x1f, 0x8b] {
            return Err(Finding::error(&name, "is no .tar.gz file: make a bundle with mm-host bundle"));
        }
        let file = File::open(path).map_err(fail)?;
        // The limit holds for what is unpacked, whatever the headers say of themselves.
        let unpacked = GzDecoder::new(io::BufReader::new(file)).take(MAX_UNPACKED);
        let mut reading = Reading::default();
        let mut archive = tar::Archive::new(unpacked);
        let result = reading.all(&mut archive);
        if archive.into_inner().limit() == 0 || reading.size > MAX_UNPACKED {
            let text = "unpacks to more than 1 GiB, which fills a server's disk: leave files out with .mmignore";
            return Err(Finding::error(&name, text));
        }
        result.map_err(|error| Finding::error(&name, &format!("is damaged ({error}): make or download it again")))?;
        Ok(reading.finish())
    }
}

/// An archive while it is read.
#[derive(Default)]
struct Reading {
    /// Files by their path in the archive, normalised.
    files: BTreeMap<String, Entry>,
    folders: BTreeMap<String, ()>,
    findings: Vec<Finding>,
    size: u64,
}

impl Reading {
    fn all(&mut self, archive: &mut tar::Archive<impl Read>) -> io::Result<()> {
        for (n, entry) in archive.entries()?.enumerate() {
            let mut entry = entry?;
            self.size = self.size.saturating_add(entry.size());
            if n >= MAX_ENTRIES || self.size > MAX_UNPACKED {
                return Err(io::Error::other(format!("more than {MAX_ENTRIES} entries, or 1 GiB")));
            }
            let kind = entry.header().entry_type();
            // What concerns the whole archive has no file of its own.
            if matches!(kind, EntryType::XGlobalHeader | EntryType::XHeader) {
                continue;
            }
            let raw = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            let path = match normalised(&raw) {
                Ok(path) => path,
                Err(why) => {
                    self.fault(&raw, why);
                    continue;
                }
            };
            match kind {
                EntryType::Directory => {
                    self.folders.insert(path, ());
                }
                EntryType::Regular | EntryType::Continuous => {
                    let mode = entry.header().mode()?;
                    let head = head(&path, &mut entry)?;
                    if self.files.insert(path, Entry { mode, head }).is_some() {
                        self.fault(&raw, "is in the archive twice, and which one counts depends on who unpacks it: make the bundle again");
                    }
                }
                EntryType::Symlink | EntryType::Link => {
                    let target = entry
                        .link_name_bytes()
                        .map_or_else(String::new, |it| String::from_utf8_lossy(&it).into_owned());
                    self.fault(
                        &raw,
                        &format!("is a link (to {target}), which a server drops: put the file itself there"),
                    );
                }
                _ => self.fault(&raw, "is neither a file nor a folder: make the bundle again with mm-host bundle"),
            }
        }
        Ok(())
    }

    fn fault(&mut self, place: &str, text: &str) {
        if self.findings.len() < MAX_FINDINGS {
            self.findings.push(Finding::error(place, text));
        }
    }

    /// Enters the root folder, as a server does.
    fn finish(mut self) -> Tree {
        for path in self.files.keys().cloned().collect::<Vec<_>>() {
            let above = path.match_indices('/').map(|(end, _)| &path[..end]);
            if let Some(file) = above.into_iter().find(|it| self.files.contains_key(*it)).map(str::to_owned) {
                self.fault(&file, "is a file and a folder at once: make the bundle again with mm-host bundle");
            }
        }
        let mut tops: Vec<&str> =
            self.files.keys().chain(self.folders.keys()).filter_map(|it| it.split('/').next()).collect();
        tops.sort_unstable();
        tops.dedup();
        let root = match tops.as_slice() {
            [one] if !self.files.contains_key(*one) => Some((*one).to_owned()),
            _ => None,
        };
        if root.is_none() && !crate::manifest::FILE_NAMES.iter().any(|it| self.files.contains_key(*it)) {
            let text = "has no single folder at its top, which a server expects: make the bundle with mm-host bundle";
            self.findings.push(Finding::error("", &format!("the archive {text}")));
        }
        let prefix = root.as_ref().map_or_else(String::new, |it| format!("{it}/"));
        let files =
            self.files.into_iter().filter_map(|(path, entry)| Some((path.strip_prefix(&prefix)?.to_owned(), entry)));
        Tree { root, files: files.collect(), findings: self.findings }
    }
}

/// A path of an archive without empty parts and `.`.
fn normalised(raw: &str) -> Result<String, &'static str> {
    const LEAVES: &str = "leaves the bundle: make the bundle again with mm-host bundle";
    if raw.starts_with('/') {
        return Err(LEAVES);
    }
    let mut parts = Vec::new();
    for part in raw.split('/') {
        match part {
            "" | "." => {}
            ".." => return Err(LEAVES),
            _ if part.contains('\\')
                || part.contains(char::is_control)
                || part.contains(char::REPLACEMENT_CHARACTER) =>
            {
                return Err("has a name that not every system can keep: rename it");
            }
            _ => parts.push(part),
        }
    }
    Ok(parts.join("/"))
}
