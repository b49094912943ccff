//! Dependencies and the SDK for one target, as plain files.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::archive::{Content, Contents};
use super::layout::{self, Target};
use super::{BundleError, source};
use crate::python_env::requirements::project_name;
use crate::python_env::{Interpreter, Progress, Requirements, venv};

/// What asks an interpreter where the SDK is installed for it.
const WHERE_IS_THE_SDK: &str =
    "import importlib.util as u; s = u.find_spec('mattermost_plugin'); print(s.origin if s else '')";

/// Files of an installed package that say where it was built.
const LEFT_OUT: [&str; 2] = ["direct_url.json", "REQUESTED"];

/// The Python that pip fetches packages with and for.
#[derive(Clone, Debug)]
pub(crate) struct Pip<'a> {
    /// Runs pip.
    pub(crate) interpreter: &'a Interpreter,
    /// What packages are fetched for, such as `3.12`.
    pub(crate) version: &'a str,
    pub(crate) target: &'a Target,
    /// Folder of the plugin.
    pub(crate) folder: &'a Path,
}

impl Pip<'_> {
    /// `pip install …` for the target, with wheels only: what would have to be built cannot be built for another machine.
    ///
    /// # Errors
    /// When pip cannot be started; that it fails is no error here.
    pub(crate) fn install(
        &self,
        more: &[OsString],
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(bool, String), BundleError> {
        let mut arguments: Vec<OsString> = ["install", "--only-binary=:all:", "--no-compile", "--progress-bar=off"]
            .iter()
            .map(OsString::from)
            .chain([format!("--python-version={}", self.version).into(), "--implementation=cp".into()])
            .collect();
        arguments.extend(self.target.wheel_platforms().iter().map(|it| format!("--platform={it}").into()));
        arguments.extend_from_slice(more);
        let arguments: Vec<_> = arguments.iter().map(OsString::as_os_str).collect();
        Ok(venv::pip(&self.interpreter.path, self.folder, &arguments, progress)?)
    }

    /// Adds the dependencies to the bundle.
    ///
    /// # Errors
    /// When one cannot be had; the text says which and what to do.
    pub(super) fn vendor(
        &self,
        requirements: &Requirements,
        scratch: &Path,
        contents: &mut Contents,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(), BundleError> {
        let (list, folder) = (scratch.join("requirements.txt"), scratch.join("packages"));
        fs::write(&list, requirements.lines.join("\n") + "\n").map_err(|error| BundleError::io(&list, &error))?;
        progress(Progress::Installing { source: requirements.source.clone() });
        let arguments = ["--target".into(), folder.clone().into(), "-r".into(), list.into()];
        let (success, text) = self.install(&arguments, progress)?;
        if !success {
            return Err(BundleError::Dependencies(self.explain(&text, requirements)));
        }
        self.add_folder(&folder, contents)
    }

    fn explain(&self, text: &str, requirements: &Requirements) -> String {
        let (source, target, version) = (requirements.source.display(), self.target, self.version);
        let missing = text.lines().find_map(|it| it.split_once("No matching distribution found for ")).map(|it| it.1);
        if text.contains("No module named pip") {
            let python = self.interpreter.path.display();
            return format!(
                "{python} has no pip: install it (Debian and Ubuntu: apt install python3-pip), or name another Python with --build-python PATH"
            );
        }
        match missing {
            Some(what) => no_wheel(what.split(" (from").next().unwrap_or(what), target, version),
            None => format!(
                "pip could not fetch {source} for {target}:\n{}\nmend {source}, and try again",
                venv::tail(text)
            ),
        }
    }

    /// Adds the SDK from a wheel.
    ///
    /// # Errors
    /// When it is none for this target.
    pub(super) fn add_wheel(
        &self,
        wheel: &Path,
        scratch: &Path,
        contents: &mut Contents,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(), BundleError> {
        let folder = scratch.join("sdk");
        let wheel = std::path::absolute(wheel).map_err(|error| BundleError::io(wheel, &error))?;
        let arguments =
            ["--no-deps".into(), "--no-index".into(), "--target".into(), folder.clone().into(), wheel.clone().into()];
        let (success, text) = self.install(&arguments, progress)?;
        if !success {
            let (wheel, target) = (wheel.display(), self.target);
            let text = format!(
                "{wheel} cannot be used for {target}:\n{}\ngive a wheel for it: --sdk {target}=PATH",
                venv::tail(&text)
            );
            return Err(BundleError::Dependencies(text));
        }
        self.add_folder(&folder, contents)
    }

    /// Adds what pip put into `folder`.
    fn add_folder(&self, folder: &Path, contents: &mut Contents) -> Result<(), BundleError> {
        // `bin` holds scripts that name the Python of this machine; nothing on a server would start them.
        let walked = source::walk_with(folder, &|path, name, is_folder| {
            (is_folder && (path == "bin" || name == "__pycache__"))
                || (path.contains(".dist-info/") && LEFT_OUT.contains(&name))
        });
        let walked = walked.map_err(|error| BundleError::io(folder, &error))?;
        for (path, file) in walked.files {
            let content = if path.ends_with(".dist-info/RECORD") {
                let text = fs::read_to_string(&file).map_err(|error| BundleError::io(&file, &error))?;
                Content::Bytes(record(&text).into_bytes())
            } else {
                // pip's folder is gone before the archive is written when its owner is; the owner outlives the contents.
                Content::File(file)
            };
            contents.add(format!("{}/{path}", layout::packages(self.target)), content).map_err(BundleError::Plugin)?;
        }
        Ok(())
    }
}

/// That a dependency cannot be bundled, and what to do.
pub(crate) fn no_wheel(requirement: &str, target: &Target, version: &str) -> String {
    let page = project_name(requirement)
        .map_or_else(String::new, |name| format!(" (see https://pypi.org/project/{name}/#files)"));
    format!(
        "{requirement} has no wheel for {target} and Python {version}: take a version that has one{page}, build one and name its path, \
         or leave out --target {target}"
    )
}

/// The list of a package's files without those that are not bundled. Its lines keep pip's order, which is sorted.
fn record(text: &str) -> String {
    let gone = |line: &&str| {
        let path = line.split(',').next().unwrap_or_default();
        path.starts_with("../")
            || path.starts_with("bin/")
            || LEFT_OUT.iter().any(|it| path.ends_with(&format!("/{it}")))
    };
    text.lines().filter(|it| !gone(it)).flat_map(|it| [it, "\n"]).collect()
}

/// Adds the SDK from the folder that holds `mattermost_plugin`.
///
/// # Errors
/// When it is none, or its native module is for another machine.
pub(super) fn add_sdk_folder(dir: &Path, target: &Target, contents: &mut Contents) -> Result<(), BundleError> {
    let package = dir.join("mattermost_plugin");
    if !package.join("__init__.py").is_file() {
        let text = format!(
            "{} does not hold the package mattermost_plugin: --sdk wants the SDK's source folder (python/src), a folder it was \
             installed to, or a wheel",
            dir.display()
        );
        return Err(BundleError::Options(text));
    }
    let walked = source::walk_with(&package, &|_, name, _| name == "__pycache__" || name.ends_with(".pyc"));
    for (path, file) in walked.map_err(|error| BundleError::io(&package, &error))?.files {
        let path = format!("{}/mattermost_plugin/{path}", layout::packages(target));
        contents.add(path, Content::File(file)).map_err(BundleError::Plugin)?;
    }
    Ok(())
}

/// Folder in which the SDK is installed for this interpreter.
pub(super) fn installed_sdk(interpreter: &Interpreter) -> Option<PathBuf> {
    let output =
        Command::new(&interpreter.path).args(["-I", "-c", WHERE_IS_THE_SDK]).stdin(Stdio::null()).output().ok()?;
    let origin = PathBuf::from(String::from_utf8(output.stdout).ok()?.trim());
    origin.is_absolute().then(|| origin.parent()?.parent().map(Path::to_owned)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_loses_what_is_not_bundled() {
        let text = "../../bin/tool,sha256=a,1\nx/__init__.py,sha256=b,2\nx-1.dist-info/REQUESTED,,0\nx-1.dist-info/direct_url.json,sha256=c,3\nx-1.dist-info/RECORD,,\n";
        assert_eq!(record(text), "x/__init__.py,sha256=b,2\nx-1.dist-info/RECORD,,\n");
    }
}
