//! Environments made with this machine's Python; nothing is downloaded.

use std::fs;

use super::*;

struct Plugin {
    dir: tempfile::TempDir,
    manifest: Manifest,
}

impl Plugin {
    fn new(server: &str, files: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(dir.path().join(name), text).unwrap();
        }
        let text = format!(r#"{{"id": "abc", "name": "A", "server": {{"executable": "plugin.py"{server}}}}}"#);
        let manifest = Manifest::parse(Path::new("plugin.json"), &text).unwrap();
        Self { dir, manifest }
    }

    fn bundle(&self) -> &Path {
        self.dir.path()
    }

    fn cache(&self) -> PathBuf {
        self.bundle().join("cache")
    }

    fn prepare(&self, python: Option<&Path>) -> (Result<PythonEnv, String>, Vec<Progress>) {
        let cache = self.cache();
        let request =
            EnvRequest { bundle: self.bundle(), manifest: &self.manifest, python, sdk: None, cache_dir: Some(&cache) };
        let mut heard = Vec::new();
        let result = prepare(&request, &mut |it| heard.push(it)).map_err(|error| error.to_string());
        (result, heard)
    }
}

/// A script that answers as an interpreter of some version would.
fn fake_python(dir: &Path, name: &str, version: &str) -> PathBuf {
    let path = dir.join(name);
    let text = format!(
        "#!/bin/sh\necho banner\necho mm-host\necho {version}\necho {}\necho /usr\necho /usr\n",
        path.display()
    );
    // By another process: what another test forks off meanwhile would hold a file open for writing that this one has open, and nobody
    // can start such a file.
    let write = "printf %s \"$1\" >\"$0\" && chmod 755 \"$0\"";
    assert!(std::process::Command::new("sh").args(["-c", write]).arg(&path).arg(text).status().unwrap().success());
    path
}

#[test]
fn a_plugin_without_requirements_runs_on_the_interpreter_as_it_is() {
    let plugin = Plugin::new("", &[]);
    let (env, heard) = plugin.prepare(None);
    let env = env.unwrap();
    assert!(env.interpreter.path.is_absolute());
    assert_eq!(env.requirements_file, None);
    assert!(heard.is_empty(), "{heard:?}");
}

#[test]
fn requirements_give_an_environment_outside_the_plugin_made_once() {
    let plugin = Plugin::new("", &[("requirements.txt", "# nothing to install\n")]);
    let (env, heard) = plugin.prepare(None);
    let env = env.unwrap();
    assert!(env.interpreter.is_venv());
    assert!(env.interpreter.path.starts_with(plugin.cache().join("venvs")), "{}", env.interpreter.path.display());
    assert!(matches!(heard[..], [Progress::CreatingVenv(_), Progress::Done]), "{heard:?}");

    let (again, heard) = plugin.prepare(None);
    assert_eq!(again.unwrap().interpreter, env.interpreter);
    assert!(heard.is_empty(), "a prepared environment is used as it is: {heard:?}");

    fs::write(plugin.bundle().join("requirements.txt"), "--no-index\n").unwrap();
    let (changed, heard) = plugin.prepare(None);
    assert_ne!(changed.unwrap().interpreter.prefix, env.interpreter.prefix);
    assert!(!heard.is_empty());
}

#[test]
fn an_interrupted_environment_is_made_again() {
    let plugin = Plugin::new("", &[("requirements.txt", "")]);
    let env = plugin.prepare(None).0.unwrap();
    fs::remove_file(env.interpreter.prefix.join("mm-host-ready")).unwrap();
    fs::write(env.interpreter.prefix.join("debris"), "").unwrap();
    let (again, heard) = plugin.prepare(None);
    assert!(!again.unwrap().interpreter.prefix.join("debris").exists());
    assert!(!heard.is_empty());
}

#[test]
fn dependencies_are_installed_from_local_files() {
    // A wheel is a zip; the smallest one holds a module and its three metadata files. Python writes it, so no tool is needed.
    let plugin = Plugin::new("", &[("requirements.txt", "--no-index\n./tiny-1.0-py3-none-any.whl\n")]);
    let script = "import zipfile, sys\n\
        w = zipfile.ZipFile('tiny-1.0-py3-none-any.whl', 'w')\n\
        w.writestr('tiny.py', 'answer = 42\\n')\n\
        w.writestr('tiny-1.0.dist-info/METADATA', 'Metadata-Version: 2.1\\nName: tiny\\nVersion: 1.0\\n')\n\
        w.writestr('tiny-1.0.dist-info/WHEEL', 'Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')\n\
        w.writestr('tiny-1.0.dist-info/RECORD', 'tiny.py,,\\ntiny-1.0.dist-info/METADATA,,\\ntiny-1.0.dist-info/WHEEL,,\\ntiny-1.0.dist-info/RECORD,,\\n')\n\
        w.close()\n";
    let base = interpreter::on_path(&VersionRequirement::parse("").unwrap()).unwrap();
    let made =
        std::process::Command::new(&base.path).args(["-c", script]).current_dir(plugin.bundle()).status().unwrap();
    assert!(made.success());
    let (env, heard) = plugin.prepare(None);
    let env = env.unwrap();
    let check = std::process::Command::new(&env.interpreter.path)
        .args(["-c", "import tiny; assert tiny.answer == 42"])
        .status();
    assert!(check.unwrap().success());
    assert!(heard.iter().any(|it| matches!(it, Progress::Installer(line) if line.contains("tiny"))), "{heard:?}");
}

#[test]
fn a_failed_installation_shows_pips_words_and_what_to_do() {
    let plugin = Plugin::new("", &[("requirements.txt", "--no-index\nno-such-package-anywhere\n")]);
    let error = plugin.prepare(None).0.unwrap_err();
    assert!(error.contains("pip could not install"), "{error}");
    assert!(error.contains("No matching distribution found for no-such-package-anywhere"), "{error}");
    assert!(error.contains("check the package's name and version in"), "{error}");
}

#[test]
fn the_wrong_version_is_named_with_what_would_do() {
    let plugin = Plugin::new(r#", "python_version": ">=3.99""#, &[]);
    let error = plugin.prepare(None).0.unwrap_err();
    assert!(error.starts_with("no Python >=3.99 found (python3 is 3."), "{error}");
    assert!(error.contains(", which does not meet \">=3.99\""), "{error}");
    assert!(error.ends_with("install one, or name one with --python PATH"), "{error}");

    let old = fake_python(plugin.bundle(), "old", "3.8.10");
    let plugin = Plugin::new("", &[]);
    let error = plugin.prepare(Some(&old)).0.unwrap_err();
    assert!(error.contains("is Python 3.8.10, which is too old: the SDK needs 3.10 or newer"), "{error}");
}

#[test]
fn what_is_no_interpreter_is_said_so() {
    let plugin = Plugin::new("", &[("plugin.py", "")]);
    for path in ["/nowhere/python", "/bin/true"] {
        let error = plugin.prepare(Some(Path::new(path))).0.unwrap_err();
        assert!(error.contains(path) && error.contains("--python wants the path of a Python interpreter"), "{error}");
    }
}

#[test]
fn a_later_name_is_taken_when_the_first_is_too_old() {
    let dir = tempfile::tempdir().unwrap();
    let old = fake_python(dir.path(), "old", "3.9.1");
    let new = fake_python(dir.path(), "new", "3.12.1");
    let wanted = VersionRequirement::parse("3.11").unwrap();
    let names = [old.to_str().unwrap(), "/nowhere/python", new.to_str().unwrap()];
    assert_eq!(interpreter::first_of(&names, &wanted).unwrap().path, new);
}

#[test]
fn a_virtual_environment_in_the_bundle_is_used_as_it_is() {
    let plugin = Plugin::new("", &[("requirements.txt", "anything")]);
    let base = interpreter::on_path(&VersionRequirement::parse("").unwrap()).unwrap();
    let made = std::process::Command::new(&base.path)
        .args(["-m", "venv", "--without-pip"])
        .arg(plugin.bundle().join(".venv"))
        .status()
        .unwrap();
    assert!(made.success());
    let (env, heard) = plugin.prepare(None);
    assert!(env.unwrap().interpreter.path.ends_with(".venv/bin/python"));
    assert!(heard.is_empty());

    // One that was moved away from its interpreter is an error that says what to do, not a reason to run without dependencies.
    let python = plugin.bundle().join(".venv/bin/python");
    fs::remove_file(&python).unwrap();
    std::os::unix::fs::symlink("/nowhere/python3", &python).unwrap();
    let error = plugin.prepare(None).0.unwrap_err();
    assert!(error.contains("remove .venv/ or make it again with python3 -m venv .venv"), "{error}");
}

#[test]
fn a_folder_without_the_sdk_is_refused() {
    let plugin = Plugin::new("", &[]);
    let request = EnvRequest {
        bundle: plugin.bundle(),
        manifest: &plugin.manifest,
        python: None,
        sdk: Some(plugin.bundle()),
        cache_dir: None,
    };
    let error = prepare(&request, &mut |_| {}).unwrap_err().to_string();
    assert!(error.contains("does not hold the package mattermost_plugin"), "{error}");
}
