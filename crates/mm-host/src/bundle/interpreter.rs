//! Copying a relocatable Python into a bundle, for servers that have none.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::archive::{Content, Contents};
use super::layout::{self, Target};
use super::{BundleError, source};

/// Parts of the standard library that a plugin on a server has no use for: its tests, its graphical and its installing parts.
const LEFT_OUT: [&str; 9] =
    ["ensurepip", "idlelib", "lib2to3", "pydoc_data", "site-packages", "test", "tkinter", "turtledemo", "__pycache__"];

/// A Python that may be put anywhere.
#[derive(Debug)]
pub(super) struct Relocatable {
    dir: PathBuf,
    executable: PathBuf,
    /// Such as `3.12`.
    pub(super) version: String,
}

impl Relocatable {
    /// Looks at the installation in `dir`; starts nothing.
    ///
    /// # Errors
    /// When it is no installation, or one that cannot be copied.
    pub(super) fn open(dir: &Path, target: &Target) -> Result<Self, BundleError> {
        let refuse = |why: &str| {
            let mend = "--python wants the folder of a relocatable Python, such as an unpacked \"install_only_stripped\" archive of \
                        python-build-standalone";
            BundleError::Options(format!("{}: {why}: {mend}", dir.display()))
        };
        if dir.join("pyvenv.cfg").exists() {
            return Err(refuse("is a virtual environment, which points to a Python elsewhere"));
        }
        let executable = dir.join("bin/python3").canonicalize().map_err(|_| refuse("has no bin/python3"))?;
        let mut versions: Vec<String> = fs::read_dir(dir.join("lib"))
            .map_err(|_| refuse("has no lib"))?
            .flatten()
            .filter(|it| it.path().join("os.py").is_file())
            .filter_map(|it| it.file_name().to_str()?.strip_prefix("python").map(str::to_owned))
            .collect();
        let version = match (versions.pop(), versions.is_empty()) {
            (Some(version), true) => version,
            (Some(_), false) => return Err(refuse("has several versions in lib")),
            (None, _) => return Err(refuse("has no standard library in lib/python3.*")),
        };
        let mut head = Vec::new();
        let file = fs::File::open(&executable).map_err(|error| refuse(&error.to_string()))?;
        file.take(64).read_to_end(&mut head).map_err(|error| refuse(&error.to_string()))?;
        if let Some(why) = target.refuses(&head) {
            return Err(refuse(&format!("its bin/python3 {why}")));
        }
        Ok(Self { dir: dir.to_owned(), executable, version })
    }

    /// Adds the interpreter, its shared libraries and its standard library, each link as the file it leads to.
    ///
    /// # Errors
    /// When something cannot be read.
    pub(super) fn add(&self, target: &Target, contents: &mut Contents) -> Result<(), BundleError> {
        let at = |path: &str| format!("{}/{path}", layout::installation(target));
        contents
            .add_executable(layout::interpreter(target), Content::File(self.executable.clone()))
            .map_err(BundleError::Plugin)?;
        for (name, path) in self.libraries()? {
            contents.add(at(&format!("lib/{name}")), Content::File(path)).map_err(BundleError::Plugin)?;
        }
        let folder = format!("lib/python{}", self.version);
        let walked = source::walk_with(&self.dir.join(&folder), &|path, name, is_folder| {
            let top = !path.contains('/');
            name == "__pycache__"
                || name.ends_with(".pyc")
                || (is_folder && top && (LEFT_OUT.contains(&name) || name.starts_with("config-")))
        });
        let walked = walked.map_err(|error| BundleError::io(&self.dir, &error))?;
        for (path, file) in walked.files {
            contents.add(at(&format!("{folder}/{path}")), Content::File(file)).map_err(BundleError::Plugin)?;
        }
        Ok(())
    }

    /// Shared libraries beside the standard library. Names without a version are for linking only, when the other is there too.
    fn libraries(&self) -> Result<Vec<(String, PathBuf)>, BundleError> {
        let lib = self.dir.join("lib");
        let entries = fs::read_dir(&lib).map_err(|error| BundleError::io(&lib, &error))?;
        let mut found = Vec::new();
        for entry in entries.flatten() {
            let (name, path) = (entry.file_name().to_string_lossy().into_owned(), entry.path());
            let is_link = entry.file_type().is_ok_and(|it| it.is_symlink());
            let tk = name.starts_with("libtcl") || name.starts_with("libtk");
            if !tk && path.is_file() && (name.contains(".so.") || (name.ends_with(".so") && !is_link)) {
                found.push((name, path.canonicalize().unwrap_or(path)));
            }
        }
        found.sort();
        Ok(found)
    }
}
