//! SHA-256 of all files of a release, as `sha256sum --check` reads them.

use std::fmt::Write as _;
use std::fs;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

const FILE: &str = "SHA256SUMS";

/// How much is read at once, in bytes.
const BLOCK: usize = 1 << 16;

/// Writes the sums of the folder's files into it; gives how many files they are.
pub(crate) fn write(folder: &Path) -> Result<usize> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_file() && entry.file_name() != FILE {
            names.push(
                entry.file_name().into_string().map_err(|it| anyhow::anyhow!("{it:?} is no name for a release"))?,
            );
        }
    }
    names.sort();
    let mut text = String::new();
    for name in &names {
        writeln!(text, "{}  {name}", sum(&folder.join(name))?)?;
    }
    fs::write(folder.join(FILE), text)?;
    Ok(names.len())
}

fn sum(path: &Path) -> Result<String> {
    let mut file = fs::File::open(path).with_context(|| path.display().to_string())?;
    let (mut hasher, mut block) = (Sha256::new(), vec![0; BLOCK]);
    loop {
        let n = file.read(&mut block).with_context(|| path.display().to_string())?;
        if n == 0 {
            return Ok(hex::encode(hasher.finalize()));
        }
        hasher.update(&block[..n]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_those_of_sha256sum_and_leave_themselves_out() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("b"), "").unwrap();
        fs::write(dir.path().join("a"), "abc").unwrap();
        for _ in 0..2 {
            assert_eq!(write(dir.path()).unwrap(), 2);
        }
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  a\n\
                        e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  b\n";
        assert_eq!(fs::read_to_string(dir.path().join(FILE)).unwrap(), expected);
    }
}
