//! Whether the dependencies of a plugin can be bundled: pip is asked for wheels, and installs nothing.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use super::{Finding, Options};
use crate::bundle::layout::Target;
use crate::bundle::packages::{Pip, no_wheel};
use crate::bundle::{build_python, minor};
use crate::manifest::{Manifest, platform};
use crate::python_env::{Interpreter, Progress, Requirements, VersionRequirement};

/// Findings about the dependencies of the plugin in `dir`, for each target.
pub(super) fn check(
    dir: &Path,
    manifest: &Manifest,
    options: &Options,
    progress: &mut dyn FnMut(Progress),
) -> Vec<Finding> {
    let found = Requirements::find(dir, &manifest.python().requirements_path, true);
    // What is wrong with the file itself was found before.
    let Some(requirements) = found.ok().flatten().filter(|it| !it.is_empty()) else { return Vec::new() };
    let place = requirements.source.strip_prefix(dir).unwrap_or(&requirements.source).display().to_string();
    let refuse = |why: String| {
        vec![Finding::error(&place, &format!("its wheels cannot be looked for: {why} (--offline leaves this out)"))]
    };

    let interpreter = match VersionRequirement::parse(manifest.python_version()) {
        Ok(wanted) => build_python(options.build_python.as_deref(), options.python_version.as_deref(), &wanted),
        Err(why) => return refuse(why),
    };
    let interpreter = match interpreter {
        Ok(interpreter) => interpreter,
        Err(error) => return refuse(error.to_string()),
    };
    let mut targets = options.targets.clone();
    if targets.is_empty() {
        targets.extend(Target::parse(&platform()));
    }
    let mut findings = Vec::new();
    for target in &targets {
        match missing(dir, &requirements, &interpreter, options, target, progress) {
            Ok(missing) => findings.extend(missing.iter().map(|it| Finding::error(&place, it))),
            Err(why) => return refuse(why),
        }
    }
    findings
}

/// The requirements without a wheel. All at once first; one by one only when that fails, so that every one is named.
fn missing(
    dir: &Path,
    requirements: &Requirements,
    interpreter: &Interpreter,
    options: &Options,
    target: &Target,
    progress: &mut dyn FnMut(Progress),
) -> Result<Vec<String>, String> {
    let version = options.python_version.clone().unwrap_or_else(|| minor(&interpreter.version));
    let folder = dir.canonicalize().map_err(|error| error.to_string())?;
    let pip = Pip { interpreter, version: &version, target, folder: &folder };
    let scratch = tempfile::tempdir().map_err(|error| error.to_string())?;
    let (list, nowhere) = (scratch.path().join("requirements.txt"), scratch.path().join("nothing"));
    let mut ask = |lines: &[&str], more: &[&str]| {
        fs::write(&list, lines.join("\n") + "\n").map_err(|error| error.to_string())?;
        let mut arguments: Vec<OsString> = vec!["--dry-run".into(), "--target".into(), nowhere.clone().into()];
        arguments.extend(more.iter().map(OsString::from));
        arguments.extend(["-r".into(), list.clone().into()]);
        pip.install(&arguments, progress).map_err(|error| error.to_string())
    };
    let lines: Vec<&str> = requirements.lines.iter().map(String::as_str).collect();
    let (success, text) = ask(&lines, &[])?;
    if success {
        return Ok(Vec::new());
    }
    if text.contains("No module named pip") {
        return Err(format!("{} has no pip: name another Python with --build-python PATH", interpreter.path.display()));
    }
    let (options, packages): (Vec<&str>, Vec<&str>) = lines.iter().partition(|it| it.starts_with('-'));
    let mut missing = Vec::new();
    for package in packages {
        let (success, _) = ask(&[options.as_slice(), &[package]].concat(), &["--no-deps"])?;
        if !success {
            let name = package.split(" --hash").next().unwrap_or(package).trim();
            missing.push(no_wheel(name, target, &version));
        }
    }
    if missing.is_empty() {
        // One that a requirement brings along, or two that do not go together.
        let what = text.lines().find_map(|it| it.split_once("No matching distribution found for ")).map(|it| it.1);
        missing.push(match what {
            Some(what) => no_wheel(what.split(" (from").next().unwrap_or(what), target, &version),
            None => {
                let last = text.lines().rfind(|it| it.contains("ERROR")).unwrap_or("it said nothing").trim();
                format!("pip could not find all for {target}: {last}: mend {}", requirements.source.display())
            }
        });
    }
    Ok(missing)
}
