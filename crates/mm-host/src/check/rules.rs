//! What must hold of a plugin's folder, and of a bundle.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use super::tree::{Entry, Tree};
use super::{Finding, problems, unknown};
use crate::bundle::layout::{self, Target, is_elf};
use crate::manifest::{FILE_NAMES, Manifest};

/// Any executable bit.
const EXECUTABLE_BITS: u32 = 0o111;

/// The rules of a plugin's folder, whose manifest was read already.
pub(super) fn plugin(manifest: &Manifest, files: &BTreeMap<String, PathBuf>) -> Vec<Finding> {
    let mut rules = Rules { findings: Vec::new(), has: &|path| files.contains_key(path) };
    rules.named_files(manifest, "");
    if manifest.version.is_empty() {
        rules.error(
            "plugin.json",
            "version: is missing: write a semantic version, such as \"1.0.0\"; it names the bundle",
        );
    }
    let entry = manifest.entry().and_then(clean).and_then(|it| files.get(&it));
    if manifest.command().is_none()
        && let Some(text) = entry.and_then(|it| std::fs::read_to_string(it).ok())
        && !text.contains("run_plugin")
    {
        let text = "nothing here calls run_plugin, so nothing would start: end it with run_plugin(YourPlugin)";
        rules.findings.push(Finding::warning(manifest.entry().unwrap_or_default(), text));
    }
    rules.findings
}

/// The rules of a bundle.
pub(super) fn bundle(tree: &Tree) -> Vec<Finding> {
    let mut findings = tree.findings.clone();
    let present: Vec<&str> = FILE_NAMES.into_iter().filter(|it| tree.files.contains_key(*it)).collect();
    let Some(name) = present.first() else {
        if findings.is_empty() {
            findings.push(Finding::error(
                "",
                "there is no plugin.json in the bundle's folder: make the bundle with mm-host bundle",
            ));
        }
        return findings;
    };
    if present.len() > 1 {
        let text = format!("there is {} too, and a server reads {name}: remove one", present[1..].join(" and "));
        findings.push(Finding::error(name, &text));
    }
    let text = String::from_utf8_lossy(&tree.files[*name].head);
    let manifest = match Manifest::parse(Path::new(name), &text) {
        Ok(manifest) => manifest,
        Err(crate::manifest::ManifestError::Invalid { .. }) => {
            findings.extend(problems(Path::new(name), &text));
            return findings;
        }
        Err(error) => {
            findings.push(Finding::error("", &error.to_string()));
            return findings;
        }
    };
    findings.extend(unknown(Path::new(name), &text));
    let mut rules = Rules { findings, has: &|path| tree.files.contains_key(path) };
    if let Some(root) = tree.root.as_ref().filter(|it| it.to_lowercase() != manifest.id) {
        let text = format!("the bundle's folder is not called like the plugin, {}: rename it", manifest.id);
        rules.findings.push(Finding::warning(root, &text));
    }
    if !manifest.is_bundled() {
        let text = "this is a plugin's source, not a bundle: a server would start the Python file itself; make a bundle of it with mm-host bundle";
        rules.error(name, text);
        return rules.findings;
    }
    if manifest.version.is_empty() {
        rules.error(name, "version: is missing: write a semantic version, such as \"1.0.0\"");
    }
    rules.named_files(&manifest, name);
    rules.targets(&manifest, tree, name);
    rules.findings
}

struct Rules<'a> {
    findings: Vec<Finding>,
    has: &'a dyn Fn(&str) -> bool,
}

impl Rules<'_> {
    fn error(&mut self, place: &str, text: &str) {
        self.findings.push(Finding::error(place, text));
    }

    /// Files that the manifest names.
    fn named_files(&mut self, manifest: &Manifest, name: &str) {
        let name = if name.is_empty() { "plugin.json" } else { name };
        let webapp = manifest.webapp.as_ref().map_or("", |it| &it.bundle_path);
        let own = match manifest.command() {
            Some(words) => {
                let program = words.first().map(String::as_str).filter(|it| it.contains('/')).unwrap_or_default();
                (program, "the program of server.command", "build it, or mend server.command")
            }
            None => {
                let entry = manifest.entry().unwrap_or_default();
                (entry, "the plugin's Python file", "write it, or mend server.executable")
            }
        };
        let named = [
            own,
            (webapp, "webapp.bundle_path", "build the web application, or remove webapp from the manifest"),
            (&manifest.icon_path, "icon_path", "put the icon there, or remove icon_path from the manifest"),
        ];
        for (path, what, mend) in named {
            if path.is_empty() {
                continue;
            }
            match clean(path) {
                None => self
                    .error(name, &format!("{what}: {path:?} leaves the bundle: write a path relative to the manifest")),
                Some(path) if !(self.has)(&path) => {
                    self.error(
                        name,
                        &format!("{what}, {path}, is missing, or left out of bundles (.mmignore): {mend}"),
                    );
                }
                Some(_) => {}
            }
        }
    }

    /// What the manifest says runs where, and what there is for it.
    fn targets(&mut self, manifest: &Manifest, tree: &Tree, name: &str) {
        let executables = manifest.server.as_ref().map(|it| &it.executables);
        let Some(executables) = executables.filter(|it| !it.is_empty()) else {
            self.error(
                name,
                "server.executables: is empty, so no server can start it: make the bundle with mm-host bundle",
            );
            return;
        };
        if manifest.server.as_ref().is_some_and(|it| !it.executable.is_empty()) {
            let text =
                "server.executable: servers of other platforms would start it: remove it, server.executables is enough";
            self.findings.push(Finding::warning(name, text));
        }
        for (platform, path) in executables {
            let target = match Target::parse(platform) {
                Ok(target) => target,
                Err(why) => {
                    self.error(name, &format!("server.executables: {why}"));
                    continue;
                }
            };
            match clean(path).and_then(|it| Some((tree.files.get(&it)?, it))) {
                Some((entry, path)) => self.executable(entry, &path, &target),
                None => {
                    let text = format!(
                        "server.executables: {path}, which it names for {target}, is missing: make the bundle again"
                    );
                    self.error(name, &text);
                }
            }
            self.target(tree, &target, manifest.command().is_none());
        }
    }

    /// A file that is started.
    fn executable(&mut self, entry: &Entry, path: &str, target: &Target) {
        if entry.mode & EXECUTABLE_BITS == 0 {
            self.error(path, "has lost its executable bit, so a server may not start it: chmod 755, or make the bundle again with mm-host bundle");
        }
        if let Some(why) = target.refuses(&entry.head) {
            self.error(path, &format!("{why}: give the right one when you make the bundle"));
        }
    }

    /// What lies in the folder of a target; `python` says whether an SDK and packages belong there.
    fn target(&mut self, tree: &Tree, target: &Target, python: bool) {
        let (packages, folder) = (layout::packages(target), format!("{}/", layout::folder(target)));
        if !python {
            // Its libraries lie wherever its language puts them.
        } else if !(self.has)(&format!("{packages}/mattermost_plugin/__init__.py")) {
            let text = "does not hold the SDK (mattermost_plugin): make the bundle again, with --sdk PATH";
            self.error(&packages, text);
        } else if !tree.files.keys().any(|it| is_native(it, &packages)) {
            let text = format!(
                "the SDK has no native module for {target}: make the bundle again, with --sdk {target}=PATH of a wheel"
            );
            self.error(&packages, &text);
        }
        let interpreter = layout::interpreter(target);
        if let Some(entry) = tree.files.get(&interpreter) {
            self.executable(entry, &interpreter, target);
        } else if tree.files.keys().any(|it| it.starts_with(&format!("{}/", layout::installation(target)))) {
            self.error(
                &interpreter,
                "is missing though there is a standard library: make the bundle again, with --python DIR",
            );
        }
        let mut wrong = BTreeSet::new();
        for (path, entry) in tree.files.iter().filter(|(path, _)| path.starts_with(&folder)) {
            let library = path.ends_with(".so") || path.contains(".so.");
            if library && is_elf(&entry.head) {
                if let Some(why) = target.refuses(&entry.head) {
                    self.error(path, &format!("{why}: make the bundle again, with a package for {target}"));
                }
            } else if path.ends_with(".dist-info/WHEEL") {
                wrong.extend(wrong_wheel(path, &entry.head, target));
            } else if let Some(name) = path.strip_prefix(&format!("{packages}/")).filter(|it| it.ends_with(".pth")) {
                let text = format!(
                    "{name} has no effect in a bundle, where packages are on PYTHONPATH: see that the package works without it"
                );
                self.findings.push(Finding::warning(path, &text));
            }
        }
        self.findings.extend(wrong.into_iter().map(|(place, text)| Finding::error(&place, &text)));
    }
}

fn is_native(path: &str, packages: &str) -> bool {
    let name = path.strip_prefix(packages).and_then(|it| it.strip_prefix("/mattermost_plugin/_native"));
    name.is_some_and(|it| it.ends_with(".so"))
}

/// What is wrong with the wheel of which `WHEEL` is a part.
fn wrong_wheel(path: &str, text: &[u8], target: &Target) -> Option<(String, String)> {
    let text = String::from_utf8_lossy(text);
    let tags: Vec<&str> = text.lines().filter_map(|it| it.strip_prefix("Tag:")).map(str::trim).collect();
    let fits = |tag: &&str| tag.rsplit('-').next().is_some_and(|it| it.split('.').any(|it| target.accepts_tag(it)));
    if tags.is_empty() || tags.iter().any(fits) {
        return None;
    }
    let folder = path.trim_end_matches("/WHEEL");
    let package = folder.rsplit('/').next().unwrap_or(folder).trim_end_matches(".dist-info");
    let text = format!(
        "{package} is a wheel for {}, not for {target}: make the bundle again, with a wheel for it",
        tags.join(", ")
    );
    Some((folder.to_owned(), text))
}

/// A path of the manifest as the files are listed; `None` when it leaves the bundle.
fn clean(path: &str) -> Option<String> {
    let mut parts = Vec::new();
    for part in Path::new(path).components() {
        match part {
            Component::Normal(it) => parts.push(it.to_str()?),
            Component::CurDir => {}
            _ => return None,
        }
    }
    Some(parts.join("/"))
}
