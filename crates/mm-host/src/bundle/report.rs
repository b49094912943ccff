//! What was made, and how large its parts are.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::PathBuf;

use sha2::{Digest, Sha256};

use super::archive::Contents;
use super::layout::TARGET_NAMES;
use crate::check::Finding;

/// From this size on, in bytes, some servers refuse a bundle: many are set to 50 MB.
pub const LARGE: u64 = 50 << 20;

/// From this size on, in bytes, a server that was not set up for it refuses a bundle.
pub const TOO_LARGE: u64 = 100 << 20;

/// How much is read at once, in bytes.
const BLOCK: usize = 1 << 16;

/// A bundle that was made.
#[derive(Debug)]
pub struct Report {
    /// The file.
    pub path: PathBuf,
    /// Its size in bytes.
    pub size: u64,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
    /// What its parts take unpacked, in bytes.
    pub parts: BTreeMap<String, u64>,
    /// What is not wrong and still worth a look.
    pub warnings: Vec<Finding>,
}

impl Report {
    pub(super) fn new(path: PathBuf, contents: &Contents, mut warnings: Vec<Finding>) -> io::Result<Self> {
        let mut parts = BTreeMap::new();
        for (file, size) in contents.sizes()? {
            *parts.entry(part(file)).or_default() += size;
        }
        let (mut hasher, mut size) = (Sha256::new(), 0);
        let mut reader = BufReader::with_capacity(BLOCK, File::open(&path)?);
        loop {
            let block = reader.fill_buf()?;
            if block.is_empty() {
                break;
            }
            let n = block.len();
            hasher.update(block);
            reader.consume(n);
            size += n as u64;
        }
        warnings.extend(size_warning(size));
        Ok(Self { path, size, sha256: hex::encode(hasher.finalize()), parts, warnings })
    }
}

/// What to do about a bundle of this size in bytes; `None` below [`LARGE`].
pub(crate) fn size_warning(size: u64) -> Option<Finding> {
    let limit = match size {
        TOO_LARGE.. => {
            "servers refuse it unless FileSettings.MaxFileSize (100 MB at first) and the proxy before them allow more"
        }
        LARGE.. => "servers and proxies are often set to 50 MB (FileSettings.MaxFileSize, client_max_body_size)",
        _ => return None,
    };
    let text = format!(
        "the bundle has {}: {limit}; bundle one target only, strip the host, leave dependencies or files out with .mmignore",
        megabytes(size)
    );
    Some(Finding::warning("", &text))
}

/// To which part of the report a file belongs.
fn part(path: &str) -> String {
    let mut names = path.split('/');
    let (first, second, third) = (names.next().unwrap_or_default(), names.next(), names.next());
    match (first, second, third) {
        ("server", Some(target), Some(part)) if TARGET_NAMES.contains(&target) => format!("server/{target}/{part}"),
        ("webapp" | "assets" | "public", Some(_), _) => first.to_owned(),
        _ => "plugin".to_owned(),
    }
}

fn megabytes(bytes: u64) -> String {
    // Tenths, in whole numbers: a size needs no more.
    let tenths = (bytes * 10) >> 20;
    if tenths == 0 { format!("{} KB", bytes.div_ceil(1024)) } else { format!("{}.{} MB", tenths / 10, tenths % 10) }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}  {}", self.path.display(), megabytes(self.size))?;
        writeln!(f, "sha256 {}", self.sha256)?;
        writeln!(f, "unpacked:")?;
        for (part, size) in &self.parts {
            writeln!(f, "  {:>10}  {part}", megabytes(*size))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_begin_at_50_and_100_megabytes() {
        assert_eq!(size_warning(LARGE - 1), None);
        assert!(
            size_warning(LARGE)
                .unwrap()
                .to_string()
                .contains("has 50.0 MB: servers and proxies are often set to 50 MB")
        );
        assert!(
            size_warning(TOO_LARGE).unwrap().to_string().contains("servers refuse it unless FileSettings.MaxFileSize")
        );
    }

    #[test]
    fn sizes_for_people() {
        assert_eq!([megabytes(1), megabytes(3 << 20), megabytes(1_600_000)], ["1 KB", "3.0 MB", "1.5 MB"]);
    }
}
