//! What holds for any bytes of a plugin: of its manifest, its bundle, its process. For the fuzz targets in `fuzz/`, whose corpora run
//! here as tests.

mod process;

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::path::{Component, Path};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;

use crate::check;
use crate::manifest::Manifest;

pub use self::process::process;

/// The beginning of gzip.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Any text is a manifest or has problems that are named, each in one line; what was read can be written and read again.
pub fn manifest(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for name in ["plugin.json", "plugin.yaml"] {
        let path = Path::new(name);
        let problems = Manifest::problems(path, &text);
        match Manifest::parse(path, &text) {
            Ok(manifest) => {
                assert!(problems.is_empty(), "{problems:?}");
                let _ = (manifest.entry(), manifest.executable(), manifest.command(), manifest.is_bundled());
                let written = serde_json::to_string(&manifest).expect("a manifest is JSON");
                let again = Manifest::parse(Path::new("plugin.json"), &written);
                again.unwrap_or_else(|error| panic!("{error} in {written}"));
            }
            Err(_) => assert!(!problems.is_empty()),
        }
    }
}

/// Any bytes are a bundle or have findings; one without errors is safe to unpack. Bytes that are not compressed are taken for what is
/// inside of a bundle.
pub fn archive(bytes: &[u8]) {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    if bytes.starts_with(&GZIP) {
        file.write_all(bytes).expect("it takes the bytes");
    } else {
        let mut packed = GzEncoder::new(&mut file, Compression::none());
        packed.write_all(bytes).and_then(|()| packed.finish().map(drop)).expect("it takes the bytes");
    }
    let findings = check::archive(file.path());
    for finding in &findings {
        assert!(!finding.to_string().contains('\n'), "{finding}");
    }
    if !findings.iter().any(check::Finding::is_error) {
        safe_to_unpack(file.path());
    }
}

/// Checks with tar's own eyes what the checks should have refused.
fn safe_to_unpack(path: &Path) {
    let file = std::fs::File::open(path).expect("it was written");
    let mut archive = tar::Archive::new(GzDecoder::new(file).take(2 << 30));
    let mut paths = BTreeSet::new();
    let mut size = 0;
    for entry in archive.entries().expect("it was read before") {
        let entry = entry.expect("it was read before");
        let kind = entry.header().entry_type();
        if kind.is_pax_global_extensions() {
            continue;
        }
        assert!(kind.is_file() || kind.is_dir() || kind.is_contiguous(), "{kind:?}");
        let path = entry.path().expect("a path").into_owned();
        let inside = path.components().all(|it| matches!(it, Component::Normal(_) | Component::CurDir));
        assert!(inside, "{}", path.display());
        let normal: Vec<_> = path.components().filter(|it| matches!(it, Component::Normal(_))).collect();
        assert!(
            kind.is_dir() || paths.insert(normal.iter().collect::<std::path::PathBuf>()),
            "{} twice",
            path.display()
        );
        size += entry.size();
    }
    assert!(size <= 1 << 30, "{size} bytes");
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs a check on the corpus of the fuzz target of its name, and on each of it cut in half.
    fn holds(target: &str, least: usize, check: fn(&[u8])) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
        let mut seeds: Vec<_> = std::fs::read_dir(folder)
            .expect("the corpus is checked in")
            .map(|it| it.expect("it can be listed").path())
            .collect();
        seeds.sort();
        assert!(seeds.len() >= least, "{}", seeds.len());
        for seed in seeds {
            println!("{}", seed.display());
            let bytes = std::fs::read(seed).expect("it can be read");
            check(&bytes);
            check(&bytes[..bytes.len() / 2]);
        }
    }

    #[test]
    fn manifests_that_nobody_writes() {
        holds("manifest", 7, manifest);
    }

    #[test]
    fn archives_that_nobody_makes() {
        holds("archive", 12, archive);
    }

    #[test]
    fn words_that_no_process_says() {
        holds("process", 66, process);
    }

    /// An archive with these entries: kind, path and content.
    fn packed(entries: &[(tar::EntryType, &str, &[u8])]) -> Vec<u8> {
        let mut archive = tar::Builder::new(Vec::new());
        for (kind, path, content) in entries {
            let mut header = tar::Header::new_ustar();
            // As it is: a sound library refuses to write some of these paths.
            header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
            header.set_entry_type(*kind);
            header.set_size(content.len() as u64);
            header.set_mode(0o644);
            header.set_cksum();
            archive.append(&header, *content).unwrap();
        }
        archive.into_inner().unwrap()
    }

    #[test]
    fn what_should_be_refused_does_not_pass_unseen() {
        let file = tar::EntryType::Regular;
        for entries in [
            vec![(file, "a/../../b", b"x".as_slice())],
            vec![(file, "/etc/b", b"x")],
            vec![(file, "a/b", b"x"), (file, "a/./b", b"y")],
            vec![(tar::EntryType::Symlink, "a/b", b"")],
            vec![(tar::EntryType::Fifo, "a/b", b"")],
        ] {
            let mut file = tempfile::NamedTempFile::new().unwrap();
            let mut gzip = GzEncoder::new(&mut file, Compression::fast());
            gzip.write_all(&packed(&entries)).unwrap();
            gzip.finish().unwrap();
            let seen = std::panic::catch_unwind(|| safe_to_unpack(file.path()));
            assert!(seen.is_err(), "{entries:?}");
        }
    }
}
