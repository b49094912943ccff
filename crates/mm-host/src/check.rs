//! `mm-host check`: what is wrong with a plugin or a bundle, and how to mend it.
//!
//! Nothing from the plugin or the bundle is executed. For a plugin's dependencies pip is asked whether there are wheels, which it
//! answers from the package index's descriptions.

mod rules;
mod tree;
mod wheels;

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

pub(crate) use self::tree::Tree;
use crate::bundle::{layout::Target, source};
use crate::manifest::{self, Manifest};
use crate::python_env::{Progress, Requirements};

/// One thing that is wrong, or worth a look, with what to do about it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Finding {
    error: bool,
    place: String,
    text: String,
}

impl Finding {
    pub(crate) fn error(place: &str, text: &str) -> Self {
        Self { error: true, place: one_line(place), text: one_line(text) }
    }

    pub(crate) fn warning(place: &str, text: &str) -> Self {
        Self { error: false, place: one_line(place), text: one_line(text) }
    }

    /// Whether a server would refuse it, or the plugin not run.
    pub fn is_error(&self) -> bool {
        self.error
    }

    /// It without the word that says how bad it is.
    #[cfg(feature = "dev")]
    pub(crate) fn message(&self) -> String {
        if self.place.is_empty() { self.text.clone() } else { format!("{}: {}", self.place, self.text) }
    }

    /// The file it is about; empty when it is about the whole.
    pub fn place(&self) -> &str {
        &self.place
    }
}

/// A text on one line, without characters that do something to a terminal: names and values may come from anybody's bundle.
pub(crate) fn one_line(text: &str) -> String {
    let joined = text.lines().map(str::trim).filter(|it| !it.is_empty()).collect::<Vec<_>>().join(" ");
    joined.chars().map(|it| if it.is_control() { char::REPLACEMENT_CHARACTER } else { it }).collect()
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.error { "error: " } else { "warning: " })?;
        if !self.place.is_empty() {
            write!(f, "{}: ", self.place)?;
        }
        f.write_str(&self.text)
    }
}

/// How to check a plugin's dependencies.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Where the servers run; none = this machine.
    pub targets: Vec<Target>,
    /// Whether to leave dependencies alone, which needs no network.
    pub offline: bool,
    /// As for [`crate::bundle::Options::build_python`].
    pub build_python: Option<PathBuf>,
    /// As for [`crate::bundle::Options::python_version`].
    pub python_version: Option<String>,
}

/// Checks a plugin's folder, an unpacked bundle, or a bundle's file.
pub fn run(path: &Path, options: &Options, progress: &mut dyn FnMut(Progress)) -> Vec<Finding> {
    if !path.is_dir() {
        return archive(path);
    }
    let manifest = match Manifest::load(path) {
        Ok((manifest, _)) => manifest,
        Err(error) => return manifest_findings(path, &error),
    };
    if manifest.is_bundled() {
        return match Tree::unpacked(path) {
            Ok(tree) => rules::bundle(&tree),
            Err(error) => vec![Finding::error(&path.display().to_string(), &format!("cannot be read: {error}"))],
        };
    }
    let mut findings = folder(path, &manifest);
    if !options.offline && manifest.command().is_none() {
        findings.extend(wheels::check(path, &manifest, options, progress));
    }
    findings
}

/// Every problem of a manifest, or the one that kept it from being read.
fn manifest_findings(dir: &Path, error: &manifest::ManifestError) -> Vec<Finding> {
    let manifest::ManifestError::Invalid { path, .. } = error else {
        return vec![Finding::error("", &error.to_string())];
    };
    let text = fs::read_to_string(path).unwrap_or_default();
    let name = path.strip_prefix(dir).unwrap_or(path);
    problems(name, &text)
}

fn problems(name: &Path, text: &str) -> Vec<Finding> {
    let mut findings: Vec<Finding> =
        Manifest::problems(name, text).iter().map(|it| Finding::error("", &it.to_string())).collect();
    findings.extend(unknown(name, text));
    findings
}

/// Keys of a manifest that nobody reads.
fn unknown(name: &Path, text: &str) -> Vec<Finding> {
    let Ok(value) = manifest::value(name, text) else { return Vec::new() };
    let finding = |it: manifest::unknown::Unknown| Finding {
        error: it.mistake,
        place: name.display().to_string(),
        text: one_line(&format!("{}: {}", it.field, it.message)),
    };
    manifest::unknown::find(&value).into_iter().map(finding).collect()
}

/// Checks the folder of a plugin whose manifest is well.
pub(crate) fn folder(dir: &Path, manifest: &Manifest) -> Vec<Finding> {
    let walked = source::ignore_of(dir, manifest).and_then(|ignore| source::walk_plugin(dir, &ignore));
    let walked = match walked {
        Ok(walked) => walked,
        Err(error) => return vec![Finding::error(&dir.display().to_string(), &format!("cannot be read: {error}"))],
    };
    let mut findings = walked.findings;
    let ignored = Manifest::ignored(dir);
    if !ignored.is_empty() {
        findings.push(Finding::warning("", &ignored));
    }
    findings.extend(unknown_keys(dir));
    findings.extend(rules::plugin(manifest, &walked.files));
    if manifest.command().is_none()
        && let Err(error) = Requirements::find(dir, &manifest.python().requirements_path, true)
    {
        findings.push(Finding::error("", &error.to_string()));
    }
    findings
}

/// Keys that nobody reads in the manifest of the plugin in this folder.
pub(crate) fn unknown_keys(dir: &Path) -> Vec<Finding> {
    let Ok((_, path)) = Manifest::load(dir) else { return Vec::new() };
    let text = fs::read_to_string(&path).unwrap_or_default();
    unknown(path.strip_prefix(dir).unwrap_or(&path), &text)
}

/// Checks a bundle's file.
pub(crate) fn archive(path: &Path) -> Vec<Finding> {
    match Tree::archive(path) {
        Ok(tree) => {
            let mut findings = rules::bundle(&tree);
            let size = fs::metadata(path).map_or(0, |it| it.len());
            findings.extend(crate::bundle::size_warning(size));
            findings
        }
        Err(finding) => vec![finding],
    }
}
