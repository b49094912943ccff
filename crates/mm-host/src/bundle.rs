//! `mm-host bundle`: makes of a plugin's folder the file that an administrator uploads.
//!
//! ```text
//! folder ── check ──▶ files ─┐
//! pip, SDK ── per target ────┼─▶ Contents (sorted) ──▶ <id>-<version>.tar.gz ── check ──▶ done
//! host, interpreter ─────────┘
//! ```
//!
//! [`layout`] says where things lie in it. Two runs over the same files and the same packages give the same bytes.

mod archive;
pub(crate) mod ignore;
mod interpreter;
pub mod layout;
mod manifest;
pub(crate) mod packages;
mod report;
pub(crate) mod source;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufWriter, Read};
use std::path::{Path, PathBuf};

use self::archive::{Content, Contents};
use self::interpreter::Relocatable;
use self::layout::Target;
use self::packages::Pip;
pub(crate) use self::report::size_warning;
pub use self::report::{LARGE, Report, TOO_LARGE};
use crate::check::{self, Finding};
use crate::manifest::{Manifest, ManifestError};
use crate::python_env::{self, EnvError, Interpreter, Progress, Requirements, VersionRequirement};

/// Why there is no bundle. Every text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// The plugin's manifest cannot be used.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The plugin's folder cannot be bundled as it is.
    #[error("{0}")]
    Plugin(String),
    /// What is wrong with the plugin, or with the bundle that was made.
    #[error("{}", lines(.0))]
    Findings(Vec<Finding>),
    /// Something that was asked for does not fit.
    #[error("{0}")]
    Options(String),
    /// A dependency cannot be had.
    #[error("{0}")]
    Dependencies(String),
    /// No Python to fetch dependencies with.
    #[error(transparent)]
    Python(#[from] EnvError),
    /// A file cannot be read or written.
    #[error("{0}")]
    Io(String),
}

impl BundleError {
    fn io(path: &Path, error: &std::io::Error) -> Self {
        Self::Io(format!("{}: {error}", path.display()))
    }
}

fn lines(findings: &[Finding]) -> String {
    findings.iter().map(Finding::to_string).collect::<Vec<_>>().join("\n")
}

/// What to bundle, and for what.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The plugin's folder.
    pub dir: PathBuf,
    /// Where the servers run; none = this machine.
    pub targets: Vec<Target>,
    /// Host programs, by target; this program itself stands for this machine.
    pub hosts: BTreeMap<Target, PathBuf>,
    /// Relocatable interpreters to put into the bundle, by target.
    pub pythons: BTreeMap<Target, PathBuf>,
    /// SDKs (folder or wheel) by target; the one for `None` is used where no other is named.
    pub sdks: BTreeMap<Option<Target>, PathBuf>,
    /// The Python whose pip fetches the dependencies; the first fitting one on the search path unless named.
    pub build_python: Option<PathBuf>,
    /// For which Python, such as `3.12`; that of the interpreter in the bundle, else of `build_python`, unless named.
    pub python_version: Option<String>,
    /// File or existing folder to write; `dist/` in the plugin's folder unless named.
    pub output: Option<PathBuf>,
}

/// Makes the bundle; `progress` hears of what takes long.
///
/// # Errors
/// When something is wrong with the plugin, the options, a dependency, or a file. Nothing is left behind then.
pub fn run(options: &Options, progress: &mut dyn FnMut(Progress)) -> Result<Report, BundleError> {
    let (manifest, manifest_path) = Manifest::load(&options.dir)?;
    if manifest.is_bundled() {
        return Err(BundleError::Options(format!(
            "{} is an unpacked bundle: give the folder it was made of",
            options.dir.display()
        )));
    }
    let targets = targets(options)?;
    if manifest.command().is_some() && !options.pythons.is_empty() {
        let text = "the plugin is not in Python (server.runtime), so it needs none: leave --python out";
        return Err(BundleError::Options(text.to_owned()));
    }
    let findings = check::folder(&options.dir, &manifest);
    if findings.iter().any(Finding::is_error) {
        return Err(BundleError::Findings(findings.into_iter().filter(Finding::is_error).collect()));
    }
    let scratch = tempfile::tempdir().map_err(|error| BundleError::io(&std::env::temp_dir(), &error))?;
    let mut job = Job {
        options,
        manifest: &manifest,
        scratch: scratch.path(),
        contents: Contents::default(),
        warnings: findings,
    };
    job.plugin(&manifest_path)?;
    let mut versions = Vec::new();
    for target in &targets {
        versions.push(job.target(target, progress)?);
    }
    job.manifest(&manifest_path, &targets, &versions)?;
    job.write()
}

fn targets(options: &Options) -> Result<Vec<Target>, BundleError> {
    let mut targets = options.targets.clone();
    if targets.is_empty() {
        let here = Target::parse(&crate::manifest::platform());
        targets.push(here.map_err(|why| {
            BundleError::Options(format!("this machine is none that servers run on: {why} with --target"))
        })?);
    }
    targets.sort();
    targets.dedup();
    let named = options.hosts.keys().chain(options.pythons.keys()).chain(options.sdks.keys().flatten());
    match named.into_iter().find(|it| !targets.contains(it)) {
        Some(other) => Err(BundleError::Options(format!(
            "something is given for {other}, which is not bundled: add --target {other}"
        ))),
        None => Ok(targets),
    }
}

/// One run.
struct Job<'a> {
    options: &'a Options,
    manifest: &'a Manifest,
    scratch: &'a Path,
    contents: Contents,
    warnings: Vec<Finding>,
}

impl Job<'_> {
    /// The plugin's own files, without its manifest.
    fn plugin(&mut self, manifest_path: &Path) -> Result<(), BundleError> {
        let dir = &self.options.dir;
        let ignore = source::ignore_of(dir, self.manifest).map_err(|error| BundleError::io(dir, &error))?;
        let walked = source::walk_plugin(dir, &ignore).map_err(|error| BundleError::io(dir, &error))?;
        let venv = &self.manifest.python().venv_path;
        let in_venv = |path: &str| !venv.is_empty() && Path::new(path).starts_with(venv);
        for (path, file) in walked.files {
            let is_manifest = crate::manifest::FILE_NAMES.contains(&path.as_str());
            if !is_manifest && !in_venv(&path) {
                self.contents.add(path, Content::File(file)).map_err(BundleError::Plugin)?;
            }
        }
        let Some(entry) = self.own_file() else { return Ok(()) };
        if !self.contents.paths().any(|it| Path::new(it) == Path::new(entry)) {
            let text = format!(
                "{}: {entry}, the plugin's own file, is left out of the bundle: rename it, or mend .mmignore",
                manifest_path.display()
            );
            return Err(BundleError::Plugin(text));
        }
        Ok(())
    }

    /// The file without which nothing starts: the Python file, or the program that the command names in the bundle.
    fn own_file(&self) -> Option<&str> {
        match self.manifest.command() {
            Some(words) => words.first().map(String::as_str).filter(|it| it.contains('/')),
            None => self.manifest.entry(),
        }
    }

    /// All that belongs to one target; gives the Python that its packages need.
    fn target(&mut self, target: &Target, progress: &mut dyn FnMut(Progress)) -> Result<String, BundleError> {
        self.host(target)?;
        if self.manifest.command().is_some() {
            return Ok(String::new());
        }
        let relocatable = self.options.pythons.get(target).map(|it| Relocatable::open(it, target)).transpose()?;
        if let Some(python) = &relocatable {
            python.add(target, &mut self.contents)?;
        }
        let text = self.manifest.python_version();
        let wanted = VersionRequirement::parse(text).map_err(BundleError::Options)?;
        let version = self.options.python_version.clone().or_else(|| relocatable.map(|it| it.version));
        let interpreter = build_python(self.options.build_python.as_deref(), version.as_deref(), &wanted)?;
        let version = version.unwrap_or_else(|| minor(&interpreter.version));
        wanted.check(&version).map_err(|why| {
            BundleError::Options(format!("the bundle would be for Python {version}{why}: change server.python_version, or name another with --python-version"))
        })?;
        if minor(&interpreter.version) != version {
            let text = format!(
                "pip runs on Python {}, so conditions such as python_version in requirements are decided for that one: name a Python {version} with --build-python",
                minor(&interpreter.version)
            );
            self.warnings.push(Finding::warning(target.name(), &text));
        }
        let scratch = self.scratch.join(target.name());
        fs::create_dir_all(&scratch).map_err(|error| BundleError::io(&scratch, &error))?;
        let folder = self.options.dir.canonicalize().map_err(|error| BundleError::io(&self.options.dir, &error))?;
        let pip = Pip { interpreter: &interpreter, version: &version, target, folder: &folder };
        self.packages(&pip, &scratch, progress)?;
        Ok(self.python_version_of(target, &version))
    }

    fn host(&mut self, target: &Target) -> Result<(), BundleError> {
        let own = || (target.name() == crate::manifest::platform()).then(std::env::current_exe)?.ok();
        let Some(path) = self.options.hosts.get(target).cloned().or_else(own) else {
            let text = format!(
                "there is no host program for {target}: give one with --host {target}=PATH (an mm-host built for it)"
            );
            return Err(BundleError::Options(text));
        };
        let mut head = Vec::new();
        let file = File::open(&path).map_err(|error| BundleError::io(&path, &error))?;
        file.take(64).read_to_end(&mut head).map_err(|error| BundleError::io(&path, &error))?;
        if let Some(why) = target.refuses(&head) {
            return Err(BundleError::Options(format!(
                "{} {why}: --host wants an mm-host built for {target}",
                path.display()
            )));
        }
        self.contents.add_executable(layout::host(target), Content::File(path)).map_err(BundleError::Plugin)
    }

    /// Dependencies and the SDK.
    fn packages(
        &mut self,
        pip: &Pip<'_>,
        scratch: &Path,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(), BundleError> {
        let sdks = &self.options.sdks;
        let named = sdks.get(&Some(*pip.target)).or_else(|| sdks.get(&None)).cloned();
        let sdk = named.or_else(|| packages::installed_sdk(pip.interpreter));
        let path = self.manifest.python().requirements_path;
        let requirements = Requirements::find(&self.options.dir, &path, sdk.is_some())?.filter(|it| !it.is_empty());
        if let Some(requirements) = &requirements {
            self.warnings.extend(unpinned(requirements, &self.warnings));
            pip.vendor(requirements, scratch, &mut self.contents, progress)?;
        }
        match sdk {
            Some(path) if path.extension().is_some_and(|it| it == "whl") => {
                pip.add_wheel(&path, scratch, &mut self.contents, progress)?;
            }
            Some(path) => packages::add_sdk_folder(&path, pip.target, &mut self.contents)?,
            None => {}
        }
        let sdk = format!("{}/mattermost_plugin/__init__.py", layout::packages(pip.target));
        if self.contents.paths().any(|it| it == sdk) {
            return Ok(());
        }
        let python = pip.interpreter.path.display();
        let text = format!(
            "the SDK is not installed for {python}: give its wheel or its folder with --sdk PATH, or add mattermost-plugin-sdk to \
             requirements.txt"
        );
        Err(BundleError::Dependencies(text))
    }

    /// Compiled packages work with the one Python they were compiled for, unless they keep to the stable part of its interface.
    fn python_version_of(&self, target: &Target, version: &str) -> String {
        let packages = layout::packages(target);
        let tag = format!(".cpython-{}-", version.replace('.', ""));
        let tied =
            self.contents.paths().any(|it| it.starts_with(&packages) && it.ends_with(".so") && it.contains(&tag));
        if tied { format!("=={version}.*") } else { self.manifest.python_version().to_owned() }
    }

    fn manifest(&mut self, path: &Path, targets: &[Target], versions: &[String]) -> Result<(), BundleError> {
        let tied: Vec<&String> = versions.iter().filter(|it| *it != self.manifest.python_version()).collect();
        if tied.windows(2).any(|it| it[0] != it[1]) {
            let text = "the targets have packages compiled for different Pythons: bundle each target for itself, or name one version with --python-version";
            return Err(BundleError::Options(text.to_owned()));
        }
        let version = tied.first().map_or(self.manifest.python_version(), |it| it.as_str());
        let text = fs::read_to_string(path).map_err(|error| BundleError::io(path, &error))?;
        let text = manifest::rewrite(path, &text, self.manifest, targets, version)?;
        self.contents.add("plugin.json".to_owned(), Content::Bytes(text)).map_err(BundleError::Plugin)
    }

    /// Writes the archive beside its place, checks it, and puts it there.
    fn write(self) -> Result<Report, BundleError> {
        let name = format!("{}-{}.tar.gz", self.manifest.id, self.manifest.version);
        let path = match &self.options.output {
            Some(path) if path.is_dir() => path.join(name),
            Some(path) => path.clone(),
            None => self.options.dir.join("dist").join(name),
        };
        let folder = path.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let fail = |error: std::io::Error| BundleError::io(&path, &error);
        fs::create_dir_all(folder).map_err(fail)?;
        let mut file =
            tempfile::Builder::new().prefix(".mm-host-bundle").suffix(".tar.gz").tempfile_in(folder).map_err(fail)?;
        self.contents.write(&self.manifest.id, BufWriter::new(file.as_file_mut())).map_err(fail)?;

        let findings = check::archive(file.path());
        if findings.iter().any(Finding::is_error) {
            return Err(BundleError::Findings(findings.into_iter().filter(Finding::is_error).collect()));
        }
        let mut warnings = self.warnings;
        // Of its size the report speaks itself.
        warnings.extend(findings.into_iter().filter(|it| !it.place().is_empty()));
        make_readable(file.as_file()).map_err(fail)?;
        file.persist(&path).map_err(|error| fail(error.error))?;
        Report::new(path.clone(), &self.contents, warnings).map_err(fail)
    }
}

/// A temporary file is its owner's only; a bundle is not.
fn make_readable(file: &File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(fs::Permissions::from_mode(0o644))
}

/// `3.12` of `3.12.4`.
pub(crate) fn minor(version: &str) -> String {
    version.split('.').take(2).collect::<Vec<_>>().join(".")
}

/// The Python whose pip is used: the one named, else one of the version that the bundle is for, else any.
pub(crate) fn build_python(
    named: Option<&Path>,
    version: Option<&str>,
    wanted: &VersionRequirement,
) -> Result<Interpreter, EnvError> {
    let any = VersionRequirement::parse("").expect("no requirement at all");
    match (named, version) {
        (Some(path), _) => python_env::find(Some(path), &any),
        (None, Some(version)) => {
            let same = VersionRequirement::parse(&format!("=={version}.*")).map_err(EnvError::NoInterpreter)?;
            python_env::find(None, &same).or_else(|_| python_env::find(None, &any))
        }
        (None, None) => python_env::find(None, wanted),
    }
}

/// A warning about requirements that may mean another version tomorrow, unless it was given already.
fn unpinned(requirements: &Requirements, given: &[Finding]) -> Option<Finding> {
    let loose = |it: &&String| !it.starts_with('-') && !it.contains("==") && !it.contains("@ ") && !it.contains(".whl");
    let loose: Vec<&str> = requirements.lines.iter().filter(loose).map(String::as_str).collect();
    if loose.is_empty() {
        return None;
    }
    let name = requirements.source.file_name().map_or_else(String::new, |it| it.to_string_lossy().into_owned());
    let text = format!(
        "{} may be another version next time: write name==version, best with --hash, for a bundle that can be made again",
        loose.join(", ")
    );
    let finding = Finding::warning(&name, &text);
    (!given.contains(&finding)).then_some(finding)
}
