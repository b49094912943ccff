//! Writing the archive: the same bytes for the same files, whoever makes it, wherever and whenever.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::PathBuf;

use flate2::{Compression, GzBuilder};
use tar::{EntryType, Header};

use super::layout::is_elf;

/// Mode of folders and of what is executed.
pub(crate) const EXECUTABLE: u32 = 0o755;

/// Mode of all other files.
const PLAIN: u32 = 0o644;

/// What the gzip header says of the system: unknown.
const GZIP_UNKNOWN_SYSTEM: u8 = 255;

/// How much of a file is looked at to know whether it is executed.
const HEAD: u64 = 4;

/// Where a file's bytes are.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    File(PathBuf),
    Bytes(Vec<u8>),
}

/// The files of a bundle, by their path below its root folder.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    files: BTreeMap<String, Content>,
    executables: BTreeSet<String>,
}

impl Contents {
    /// Adds a file.
    ///
    /// # Errors
    /// When there is one of this name.
    pub(crate) fn add(&mut self, path: String, content: Content) -> Result<(), String> {
        if self.files.contains_key(&path) {
            return Err(format!("{path} would be in the bundle twice: rename one of them"));
        }
        self.files.insert(path, content);
        Ok(())
    }

    /// Adds a file that is executed, whatever is in it.
    ///
    /// # Errors
    /// As [`Contents::add`].
    pub(crate) fn add_executable(&mut self, path: String, content: Content) -> Result<(), String> {
        self.executables.insert(path.clone());
        self.add(path, content)
    }

    /// Paths, sorted.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }

    /// Length of each file in bytes, by path.
    ///
    /// # Errors
    /// When a file is gone.
    pub(crate) fn sizes(&self) -> io::Result<BTreeMap<&str, u64>> {
        let size = |content: &Content| match content {
            Content::File(path) => path.metadata().map(|it| it.len()),
            Content::Bytes(bytes) => Ok(bytes.len() as u64),
        };
        self.files.iter().map(|(path, content)| Ok((path.as_str(), size(content)?))).collect()
    }

    /// Writes a gzipped tar archive with `root` as its only folder at the top.
    ///
    /// # Errors
    /// When a file cannot be read, or the archive not be written.
    pub(crate) fn write(&self, root: &str, output: impl Write) -> io::Result<()> {
        let gzip = GzBuilder::new().mtime(0).operating_system(GZIP_UNKNOWN_SYSTEM).write(output, Compression::best());
        let mut archive = tar::Builder::new(gzip);
        let mut folders = BTreeSet::new();
        for (path, content) in &self.files {
            let path = format!("{root}/{path}");
            // The server makes a folder when it meets its entry, so the outermost comes first.
            for (end, _) in path.match_indices('/') {
                if folders.insert(path[..end].to_owned()) {
                    let mut header = header(EntryType::Directory, EXECUTABLE, 0);
                    archive.append_data(&mut header, format!("{}/", &path[..end]), io::empty())?;
                }
            }
            self.write_file(&mut archive, &path, content, root)?;
        }
        archive.into_inner()?.finish()?.flush()
    }

    fn write_file(
        &self,
        archive: &mut tar::Builder<impl Write>,
        path: &str,
        content: &Content,
        root: &str,
    ) -> io::Result<()> {
        let named = |error: io::Error| io::Error::new(error.kind(), format!("{path}: {error}"));
        let (mut reader, size): (Box<dyn Read>, u64) = match content {
            Content::File(path) => {
                let file = File::open(path).map_err(named)?;
                let size = file.metadata()?.len();
                (Box::new(file), size)
            }
            Content::Bytes(bytes) => (Box::new(bytes.as_slice()), bytes.len() as u64),
        };
        let mut head = Vec::new();
        reader.by_ref().take(HEAD).read_to_end(&mut head).map_err(named)?;
        let executed = self.executables.contains(&path[root.len() + 1..]) || looks_executed(path, &head);
        let mut header = header(EntryType::Regular, if executed { EXECUTABLE } else { PLAIN }, size);
        // A file that grows meanwhile is cut; one that shrinks would spoil the archive, and is an error.
        let body = head.as_slice().chain(reader).take(size);
        let mut body = Counted { inner: body, read: 0 };
        archive.append_data(&mut header, path, &mut body).map_err(named)?;
        if body.read != size {
            return Err(named(io::Error::other("changed while it was bundled: try again")));
        }
        Ok(())
    }
}

struct Counted<R> {
    inner: R,
    read: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.read += n as u64;
        Ok(n)
    }
}

/// Judged by content, because a file system of another kind has no executable bits.
fn looks_executed(path: &str, head: &[u8]) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let library = name.ends_with(".so") || name.contains(".so.");
    head.starts_with(b"#!") || (is_elf(head) && !library)
}

fn header(kind: EntryType, mode: u32, size: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(size);
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    header
}
