//! What is new in a version: its part of the change log.

use anyhow::{Context, Result, bail};

/// The text below the heading of `version` in a change log that keeps to the format of Keep a Changelog; below "Unreleased", as long
/// as the version has no heading of its own.
pub(crate) fn of(changelog: &str, version: &str) -> Result<String> {
    let own = section(changelog, |heading| {
        let name = heading.split([' ', ']']).next().unwrap_or_default().trim_start_matches('[');
        name == version
    });
    let text = own.or_else(|| section(changelog, |it| it.trim_matches(['[', ']']) == "Unreleased"));
    let text =
        text.with_context(|| format!("CHANGELOG.md has neither a heading `## {version}` nor `## Unreleased`"))?;
    if text.is_empty() {
        bail!("CHANGELOG.md says nothing of {version}: write what is new");
    }
    Ok(format!("# {version}\n\n{text}\n"))
}

fn section(changelog: &str, is_it: impl Fn(&str) -> bool) -> Option<String> {
    let mut lines = changelog.lines().skip_while(|line| !line.strip_prefix("## ").is_some_and(|it| is_it(it.trim())));
    lines.next()?;
    let lines: Vec<&str> = lines.take_while(|it| !it.starts_with("## ")).collect();
    Some(lines.join("\n").trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::of;

    const CHANGELOG: &str =
        "# Changelog\n\n## Unreleased\n\n- new\n\n## [0.2.0] - 2026-12-01\n\n### Added\n\n- more\n\n## 0.1.0\n\n";

    #[test]
    fn each_version_has_its_own_part() {
        assert_eq!(of(CHANGELOG, "0.2.0").unwrap(), "# 0.2.0\n\n### Added\n\n- more\n");
        assert_eq!(of(CHANGELOG, "0.3.0").unwrap(), "# 0.3.0\n\n- new\n");
        assert!(of(CHANGELOG, "0.1.0").unwrap_err().to_string().contains("says nothing of 0.1.0"));
        assert!(of("# Changelog\n", "0.1.0").unwrap_err().to_string().contains("has neither"));
    }

    #[test]
    fn the_checked_in_one_has_something_to_say() {
        let text = std::fs::read_to_string(crate::workspace::path("CHANGELOG.md")).unwrap();
        assert!(of(&text, env!("CARGO_PKG_VERSION")).unwrap().contains("- "));
    }
}
