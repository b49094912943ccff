//! Archives of bundles, made by hand as nobody well-meaning would, and what `mm-host` says of one.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{EntryType, Header};

/// Where every link points to.
pub(crate) const LINKED: &str = "/etc/passwd";

/// An entry of an archive.
pub(crate) struct Entry {
    pub(crate) path: String,
    pub(crate) kind: EntryType,
    pub(crate) mode: u32,
    pub(crate) bytes: Vec<u8>,
}

/// A file.
pub(crate) fn file(path: &str, mode: u32, bytes: impl Into<Vec<u8>>) -> Entry {
    Entry { path: path.to_owned(), kind: EntryType::Regular, mode, bytes: bytes.into() }
}

/// A link or a device.
pub(crate) fn special(path: &str, kind: EntryType) -> Entry {
    Entry { path: path.to_owned(), kind, mode: 0o644, bytes: Vec::new() }
}

fn header(entry: &Entry) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(entry.kind);
    header.set_mode(entry.mode);
    header.set_size(entry.bytes.len() as u64);
    if matches!(entry.kind, EntryType::Symlink | EntryType::Link) {
        header.set_link_name(LINKED).unwrap();
    }
    // The library refuses the names that are tried here, so they are written past it.
    let name = entry.path.as_bytes();
    header.as_old_mut().name[..name.len()].copy_from_slice(name);
    header.set_cksum();
    header
}

/// The archive of these, in this folder.
pub(crate) fn archive(dir: &Path, entries: &[Entry]) -> PathBuf {
    let path = dir.join("bundle.tar.gz");
    let mut archive = tar::Builder::new(GzEncoder::new(File::create(&path).unwrap(), Compression::fast()));
    for entry in entries {
        archive.append(&header(entry), &*entry.bytes).unwrap();
    }
    archive.into_inner().unwrap().finish().unwrap();
    path
}

/// An archive that announces more than a disk should take: a header is enough, what it announces is never read.
pub(crate) fn bomb(dir: &Path) -> PathBuf {
    let path = dir.join("bomb.tar.gz");
    let mut archive = tar::Builder::new(GzEncoder::new(File::create(&path).unwrap(), Compression::fast()));
    let mut header = Header::new_gnu();
    header.set_size((1 << 30) + 1);
    header.set_mode(0o644);
    archive.append_data(&mut header, "com.example.b/zeros", std::io::empty()).unwrap();
    archive.into_inner().unwrap().finish().unwrap();
    path
}

/// Exit code, standard output and standard error of a subcommand about a bundle or a folder.
pub(crate) fn mm_host(subcommand: &str, path: &Path, more: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mm-host"));
    let output = command.arg(subcommand).arg(path).args(more).env("NO_COLOR", "1").output().unwrap();
    let text = |it: Vec<u8>| String::from_utf8(it).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}
