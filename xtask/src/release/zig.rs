//! A C compiler for every target: zig's, which has musl's headers with it and comes as a wheel. SQLite, in `mm-host`, is in C.
//!
//! Only C is compiled with it. What is linked is Rust's own musl, by Rust's own linker (`rust-lld`), so that neither the system's
//! compiler nor its libraries have a part in a release. Wheels are linked by zig, which maturin tells how old a glibc may be.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::targets::Target;
use crate::workspace;

/// Where its caches and the scripts lie.
const FOLDER: &str = "target/zig";

/// Prints where the wheel has the program.
const FIND: &str = "import pathlib, ziglang; print(pathlib.Path(ziglang.__file__).parent / 'zig')";

/// The compiler as a script, since the crate `cc` names a target that zig has another name for. zig would add checks for undefined
/// behaviour where nothing is optimised.
const CC: &str = r#"#!/bin/sh
for argument do
  shift
  case $argument in
    --target=*) ;;
    *) set -- "$@" "$argument" ;;
  esac
done
exec ZIG cc -target TARGET -fno-sanitize=undefined "$@"
"#;

/// Its archiver as a script: the system's need not know the target's object files.
const AR: &str = r#"#!/bin/sh
exec ZIG ar "$@"
"#;

/// An installed zig.
pub(crate) struct Zig {
    program: PathBuf,
}

impl Zig {
    /// The one in the environment of this Python.
    pub(crate) fn of(interpreter: &Path) -> Result<Self> {
        let output = Command::new(interpreter).args(["-c", FIND]).output();
        let output = output.with_context(|| format!("cannot start {}", interpreter.display()))?;
        if !output.status.success() {
            bail!("{} has no zig: {}", interpreter.display(), String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(Self { program: String::from_utf8_lossy(&output.stdout).trim().into() })
    }

    /// Variables for a build of static programs; what the environment names already stays as it is.
    pub(crate) fn for_programs(&self, target: &Target) -> Result<Vec<(String, OsString)>> {
        let folder = workspace::path(FOLDER).join(target.musl());
        let mut variables = caches();
        for (name, text) in [("cc", CC), ("ar", AR)] {
            let variable = format!("{}_{}", name.to_uppercase(), target.musl().replace('-', "_"));
            variables.push((variable, self.script(&folder.join(name), text, target)?.into()));
        }
        let upper = target.musl().replace('-', "_").to_uppercase();
        variables.push((format!("CARGO_TARGET_{upper}_LINKER"), "rust-lld".into()));
        variables.retain(|(name, _)| std::env::var_os(name).is_none());
        Ok(variables)
    }

    /// Variables for maturin's `--zig`.
    pub(crate) fn for_wheels(&self) -> Vec<(String, OsString)> {
        let mut variables = caches();
        variables.push(("CARGO_ZIGBUILD_ZIG_PATH".to_owned(), self.program.clone().into()));
        variables
    }

    fn script(&self, path: &Path, text: &str, target: &Target) -> Result<PathBuf> {
        let text = text.replace("ZIG", &quoted(&self.program)).replace("TARGET", &target.zig());
        let written = || {
            fs::create_dir_all(path.parent().expect("a file is in a folder"))?;
            fs::write(path, text)?;
            fs::set_permissions(path, fs::Permissions::from_mode(0o755))
        };
        written().with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path.to_owned())
    }
}

/// Nothing outside `target/` is written.
fn caches() -> Vec<(String, OsString)> {
    let folder = |name: &str| workspace::path(FOLDER).join(name).into();
    vec![
        ("ZIG_GLOBAL_CACHE_DIR".to_owned(), folder("cache")),
        ("ZIG_LOCAL_CACHE_DIR".to_owned(), folder("cache")),
        ("CARGO_ZIGBUILD_CACHE_DIR".to_owned(), folder("zigbuild")),
    ]
}

/// A path as one word of a shell.
fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;
    use std::process::Output;
    use std::time::Duration;

    use super::*;

    /// What it says. While another test's child, between its fork and its exec, holds the script open for writing, nobody can start it.
    fn output(command: &mut Command) -> Output {
        loop {
            match command.output() {
                Err(error) if error.kind() == ErrorKind::ExecutableFileBusy => {
                    std::thread::sleep(Duration::from_millis(5))
                }
                output => return output.unwrap(),
            }
        }
    }

    /// In the place of zig, a program that prints its arguments, one a line.
    #[test]
    fn the_scripts_say_the_target_in_zigs_words_and_pass_the_rest_on() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("zig's own");
        // Written by another process, so that no child of this one can hold it open.
        let write = "printf '%s\\n' '#!/bin/sh' \"printf '%s\\\\n' \\\"\\$@\\\"\" >\"$0\" && chmod 755 \"$0\"";
        assert!(Command::new("sh").args(["-c", write]).arg(&program).status().unwrap().success());
        let zig = Zig { program };
        let target = "linux-arm64".parse().unwrap();
        let said = |text: &str, arguments: &[&str]| {
            let script = zig.script(&folder.path().join("bin/tool"), text, &target).unwrap();
            let output = output(Command::new(script).args(arguments));
            assert!(output.status.success(), "{output:?}");
            String::from_utf8(output.stdout).unwrap()
        };
        let arguments = ["--target=aarch64-unknown-linux-musl", "-DNAME=a b", "-c", "x.c"];
        let expected = "cc\n-target\naarch64-linux-musl\n-fno-sanitize=undefined\n-DNAME=a b\n-c\nx.c\n";
        assert_eq!(said(CC, &arguments), expected);
        assert_eq!(said(AR, &["cq", "lib.a"]), "ar\ncq\nlib.a\n");
    }

    #[test]
    fn a_python_without_zig_says_so() {
        let Err(error) = Zig::of(Path::new("/bin/false")) else { panic!("there is no zig") };
        assert!(error.to_string().starts_with("/bin/false has no zig"), "{error}");
    }
}
