//! Whether what earlier releases have built still understands today's protos: `tests/compat` holds theirs.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Context as _, Result, bail};
use mm_codegen::{Files, breaking};

use crate::{regenerate, workspace};

/// A folder a release, each with the protos as it had them.
const FOLDER: &str = "tests/compat";

/// Fails with all that breaks.
pub(crate) fn check() -> Result<()> {
    let today = protos("proto")?;
    for release in releases()? {
        let earlier = protos(&format!("{FOLDER}/{release}"))?;
        let found = breaking::between(&earlier, &today).map_err(anyhow::Error::msg)?;
        if !found.is_empty() {
            bail!(
                "the protos of release {release} and today's do not go together\n  {}\nbring back what is gone, or give what is new a \
                 number and a name of its own; {FOLDER}/README.md says what earlier releases rely on",
                found.join("\n  ")
            );
        }
    }
    Ok(())
}

/// The releases of which there are protos.
fn releases() -> Result<Vec<String>> {
    let mut releases = Vec::new();
    for entry in fs::read_dir(workspace::path(FOLDER)).with_context(|| format!("cannot read {FOLDER}"))? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            releases.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    releases.sort();
    Ok(releases)
}

/// All protos in a folder, by the paths that they have in the folder `proto`.
fn protos(folder: &str) -> Result<Files> {
    let mut paths = BTreeSet::new();
    regenerate::list(&workspace::path(folder), folder, &mut paths)?;
    let mut files = Files::new();
    for path in paths.iter().filter(|it| it.ends_with(".proto")) {
        let text = fs::read_to_string(workspace::path(path)).with_context(|| format!("cannot read {path}"))?;
        let relative = path.strip_prefix(folder).expect("it was listed there").trim_start_matches('/');
        files.insert(format!("proto/{relative}"), text);
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn todays_protos_break_no_earlier_release() {
        check().unwrap();
    }

    #[test]
    fn the_protos_of_a_release_are_all_there() {
        let releases = releases().unwrap();
        assert!(!releases.is_empty());
        for release in releases {
            let protos = protos(&format!("{FOLDER}/{release}")).unwrap();
            let has = |name: &str| protos.iter().any(|(path, _)| path.ends_with(name));
            assert!(
                has("host/v1/host.proto") && has("plugin/v1/api.proto") && has("plugin/v1/hooks.proto"),
                "{release}"
            );
        }
    }
}
