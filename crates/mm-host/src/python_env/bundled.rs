//! The Python of a bundle: everything lies in it, so nothing is installed and nothing is written.

use std::path::{Path, PathBuf};

use super::{EnvError, EnvRequest, PythonEnv, find, interpreter};
use crate::bundle::layout::{self, Target};
use crate::manifest::platform;
use crate::python_env::VersionRequirement;

/// As [`super::prepare`], for a bundle; `python_path` begins with an SDK that the caller brought.
pub(super) fn prepare(request: &EnvRequest<'_>, mut python_path: Vec<PathBuf>) -> Result<PythonEnv, EnvError> {
    let bundle = std::path::absolute(request.bundle).unwrap_or_else(|_| request.bundle.to_owned());
    let platform = platform();
    let folder = |it: fn(&Target) -> String| Target::parse(&platform).ok().map(|target| bundle.join(it(&target)));
    let Some(packages) = folder(layout::packages).filter(|it| it.is_dir()) else {
        let text = format!(
            "the bundle in {} has nothing for {platform}: make it with mm-host bundle --target {platform}",
            bundle.display()
        );
        return Err(EnvError::Bundle(text));
    };
    python_path.push(packages);

    let wanted = VersionRequirement::parse(request.manifest.python_version()).map_err(EnvError::NoInterpreter)?;
    let brought = folder(layout::interpreter).filter(|it| it.exists());
    let interpreter = match (request.python, brought) {
        (None, Some(path)) => of_bundle(&path, &wanted)?,
        (named, _) => find(named, &wanted)?,
    };
    Ok(PythonEnv { interpreter, python_path, requirements_file: None })
}

/// The interpreter in the bundle. One that does not run is an error, not a reason to take another: the packages are made for it.
fn of_bundle(path: &Path, wanted: &VersionRequirement) -> Result<interpreter::Interpreter, EnvError> {
    let refuse = |why: String| {
        let mend = "mm-host check on the bundle says what is wrong with it";
        EnvError::Bundle(format!("the bundle's interpreter {} {why}: {mend}", path.display()))
    };
    let found = interpreter::Interpreter::ask(path).map_err(refuse)?;
    wanted.check(&found.version).map_err(|why| refuse(format!("is Python {}{why}", found.version)))?;
    Ok(found)
}
