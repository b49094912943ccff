//! Which Python a plugin wants: `server.python_version` of its manifest.
//!
//! A bare version is a least version: `"3.10"` accepts 3.10, 3.11 and later ones, as a plugin author who names the version she
//! developed with means it. Anything with an operator is read as PEP 440 has it: `">=3.10,<3.14"`, `"==3.11.*"`, `"~=3.11"`.
//! Below [`OLDEST`] nothing is accepted, whatever the manifest says: the SDK does not run there.

use std::str::FromStr;

use pep440_rs::{Version, VersionSpecifiers};

/// The oldest Python that the SDK supports.
pub(crate) const OLDEST: &str = "3.10";

/// A condition on Python's version.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct VersionRequirement {
    /// As written, for messages.
    text: String,
    specifiers: Vec<VersionSpecifiers>,
}

impl VersionRequirement {
    /// Reads a requirement; "" accepts every supported version.
    ///
    /// # Errors
    /// A text that says what may be written.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let bare = text.starts_with(|it: char| it.is_ascii_digit());
        let specifiers = match text {
            "" => Vec::new(),
            _ if bare && !text.contains(',') => vec![VersionSpecifiers::from_str(&format!(">={text}"))],
            _ => vec![VersionSpecifiers::from_str(text)],
        };
        let specifiers = specifiers.into_iter().collect::<Result<Vec<_>, _>>().map_err(|_| {
            format!("{text:?} is no Python version: write \"3.10\" for 3.10 or newer, or conditions such as \">=3.10,<3.14\"")
        })?;
        Ok(Self { text: text.to_owned(), specifiers })
    }

    /// Both conditions.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        let texts = [self.text, other.text]
            .map(|it| if it.starts_with(|c: char| c.is_ascii_digit()) { format!(">={it}") } else { it });
        self.text = texts.iter().filter(|it| !it.is_empty()).map(String::as_str).collect::<Vec<_>>().join(",");
        self.specifiers.extend(other.specifiers);
        self
    }

    /// Whether `version`, such as `3.11.7` or `3.14.0rc1`, will do.
    ///
    /// # Errors
    /// Why not, as what follows the version in a sentence: `, which …`.
    pub fn check(&self, version: &str) -> Result<(), String> {
        let Ok(parsed) = Version::from_str(version) else {
            return Err(", which is no version this program can read".to_owned());
        };
        // A release candidate of 3.14 counts as 3.14: PEP 440 would put it before 3.14 and refuse it.
        let release = Version::new(parsed.release());
        if release < Version::from_str(OLDEST).expect("a valid version") {
            return Err(format!(", which is too old: the SDK needs {OLDEST} or newer"));
        }
        if !self.specifiers.iter().all(|it| it.contains(&release)) {
            return Err(format!(", which does not meet \"{}\"", self.text));
        }
        Ok(())
    }

    /// The condition for people, such as `3.10 or newer` or `>=3.10,<3.14`.
    pub fn describe(&self) -> String {
        match self.text.as_str() {
            "" => format!("{OLDEST} or newer"),
            text if text.starts_with(|it: char| it.is_ascii_digit()) => format!("{text} or newer"),
            text => text.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepts(requirement: &str, version: &str) -> bool {
        VersionRequirement::parse(requirement).unwrap().check(version).is_ok()
    }

    #[test]
    fn a_bare_version_is_a_least_version() {
        for version in ["3.10.0", "3.11.7", "3.14.0"] {
            assert!(accepts("3.10", version), "{version}");
        }
        assert!(!accepts("3.12", "3.11.7"));
        assert!(!accepts("3.11.8", "3.11.7"));
        assert!(accepts("", "3.10.1"));
        assert!(accepts("3", "3.10.1"));
    }

    #[test]
    fn operators_are_pep_440() {
        assert!(accepts(">=3.10,<3.14", "3.13.2"));
        assert!(!accepts(">=3.10,<3.14", "3.14.0"));
        assert!(accepts("==3.11.*", "3.11.2") && !accepts("==3.11.*", "3.12.0"));
        assert!(accepts("~=3.11", "3.13.0"));
        assert!(!accepts(">=3.10,!=3.11.7", "3.11.7"));
        assert!(accepts(" >= 3.10 ", "3.10.0"));
    }

    #[test]
    fn a_release_candidate_counts_as_its_release() {
        assert!(accepts(">=3.14", "3.14.0rc1"));
    }

    #[test]
    fn nothing_below_the_sdks_oldest() {
        let error = VersionRequirement::parse(">=3.6").unwrap().check("3.9.2").unwrap_err();
        assert_eq!(error, ", which is too old: the SDK needs 3.10 or newer");
    }

    #[test]
    fn what_cannot_be_read_says_what_to_write() {
        for text in ["three", "3.x", ">=", "python3.10", "3.10 3.11"] {
            let error = VersionRequirement::parse(text).expect_err(text);
            assert!(error.contains("write \"3.10\""), "{error}");
        }
    }

    #[test]
    fn two_conditions_are_one() {
        let both = VersionRequirement::parse("3.10").unwrap().and(VersionRequirement::parse("<3.12").unwrap());
        assert!(both.check("3.11.0").is_ok());
        assert!(both.check("3.12.0").is_err());
        assert_eq!(both.describe(), ">=3.10,<3.12");
    }
}
