//! What a plugin depends on: `requirements.txt`, or `[project] dependencies` of `pyproject.toml`.
//!
//! The SDK itself is left out when the caller brings it, so that a plugin can name it among its requirements as it must for a real
//! server, and still run against a working copy.

use std::fs;
use std::path::{Path, PathBuf};

use super::EnvError;
use super::version::VersionRequirement;

/// The SDK's name among requirements, normalised as PEP 503 does.
const SDK_NAME: &str = "mattermost-plugin-sdk";

/// Requirements files may include each other; deeper than this they do so in a circle.
const MAX_DEPTH: usize = 16;

/// A plugin's dependencies.
#[derive(Clone, Debug, PartialEq)]
pub struct Requirements {
    /// The file they come from.
    pub source: PathBuf,
    /// Lines for pip, files included by `-r` in place.
    pub lines: Vec<String>,
    /// `requires-python` of `pyproject.toml`.
    pub python: Option<VersionRequirement>,
}

impl Requirements {
    /// The requirements of the plugin in `bundle`: `requirements_path` of the manifest when it says so, else `requirements.txt`, else
    /// `pyproject.toml`; `None` when there is no such file. Leaves the SDK out if `without_sdk`.
    ///
    /// # Errors
    /// When the file that the manifest names is missing, or a file cannot be read.
    pub fn find(bundle: &Path, requirements_path: &str, without_sdk: bool) -> Result<Option<Self>, EnvError> {
        let mut found = if !requirements_path.is_empty() {
            let path = bundle.join(requirements_path);
            if !path.is_file() {
                let text = format!(
                    "{} is missing: server.python.requirements_path of the manifest names it; make it or remove that line",
                    path.display()
                );
                return Err(EnvError::Requirements(text));
            }
            Some(Self::from_txt(&path)?)
        } else if bundle.join("requirements.txt").is_file() {
            Some(Self::from_txt(&bundle.join("requirements.txt"))?)
        } else if bundle.join("pyproject.toml").is_file() {
            Self::from_pyproject(&bundle.join("pyproject.toml"))?
        } else {
            None
        };
        if let Some(found) = found.as_mut().filter(|_| without_sdk) {
            found.lines.retain(|it| project_name(it).is_none_or(|name| name != SDK_NAME));
        }
        Ok(found)
    }

    /// Whether there is nothing for pip to do. Options such as `--index-url` alone install nothing.
    pub fn is_empty(&self) -> bool {
        self.lines.iter().all(|it| it.starts_with("--") || it.starts_with("-c") || it.starts_with("-i"))
    }

    fn from_txt(path: &Path) -> Result<Self, EnvError> {
        let mut lines = Vec::new();
        read_txt(path, 0, &mut lines)?;
        Ok(Self { source: path.to_owned(), lines, python: None })
    }

    /// `None` when the file has no `[project]` table: it then configures tools only.
    fn from_pyproject(path: &Path) -> Result<Option<Self>, EnvError> {
        let text = read(path)?;
        let refuse = |why: String| EnvError::Requirements(format!("{}: {why}", path.display()));
        let document: toml::Table = text.parse().map_err(|error: toml::de::Error| refuse(error.to_string()))?;
        let Some(project) = document.get("project").and_then(toml::Value::as_table) else { return Ok(None) };
        let strings = |it: &toml::Value| {
            it.as_array()?.iter().map(|it| it.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>()
        };
        let lines = match project.get("dependencies") {
            None => Vec::new(),
            Some(list) => strings(list).ok_or_else(|| refuse("project.dependencies is no list of texts".to_owned()))?,
        };
        let python = match project.get("requires-python").and_then(toml::Value::as_str) {
            None => None,
            Some(text) => {
                Some(VersionRequirement::parse(text).map_err(|why| refuse(format!("project.requires-python: {why}")))?)
            }
        };
        Ok(Some(Self { source: path.to_owned(), lines, python }))
    }
}

fn read(path: &Path) -> Result<String, EnvError> {
    fs::read_to_string(path).map_err(|error| EnvError::Requirements(format!("cannot read {}: {error}", path.display())))
}

/// Appends the requirements of `path` and of what it includes.
fn read_txt(path: &Path, depth: usize, lines: &mut Vec<String>) -> Result<(), EnvError> {
    if depth > MAX_DEPTH {
        let text = format!(
            "{} is included more than {MAX_DEPTH} deep: files include each other in a circle; break it",
            path.display()
        );
        return Err(EnvError::Requirements(text));
    }
    let text = read(path)?;
    // pip joins lines that end in a backslash before it looks for comments.
    let text = text.replace("\\\r\n", " ").replace("\\\n", " ");
    let folder = path.parent().unwrap_or(Path::new(""));
    for line in text.lines() {
        let line = without_comment(line);
        if line.is_empty() {
            continue;
        }
        if let Some(included) = option_value(line, "-r", "--requirement") {
            read_txt(&folder.join(included), depth + 1, lines)?;
        } else if let Some(constraints) = option_value(line, "-c", "--constraint") {
            // The lines are given to pip in another file, so a relative path would no longer lead there.
            lines.push(format!("-c {}", folder.join(constraints).display()));
        } else {
            lines.push(line.to_owned());
        }
    }
    Ok(())
}

/// A comment starts at `#` at the beginning of a line or after white space; elsewhere it belongs to a URL.
fn without_comment(line: &str) -> &str {
    let mut previous = ' ';
    for (i, it) in line.char_indices() {
        if it == '#' && previous.is_whitespace() {
            return line[..i].trim();
        }
        previous = it;
    }
    line.trim()
}

fn option_value<'a>(line: &'a str, short: &str, long: &str) -> Option<&'a str> {
    let rest = line.strip_prefix(long).or_else(|| line.strip_prefix(short))?;
    let value = rest.trim_start_matches(|it: char| it == '=' || it.is_whitespace());
    (value.len() < rest.len() || line.starts_with(short)).then_some(value).filter(|it| !it.is_empty())
}

/// The normalised project name of a requirement; `None` for options and paths.
pub(crate) fn project_name(line: &str) -> Option<String> {
    let end = line.find(|it: char| !(it.is_ascii_alphanumeric() || "-_.".contains(it))).unwrap_or(line.len());
    let (name, rest) = line.split_at(end);
    // "./thing" and "wheels/thing.whl" are paths.
    if name.is_empty() || name.starts_with(['-', '.']) || rest.starts_with('/') {
        return None;
    }
    let mut normalised = String::new();
    for it in name.chars() {
        let it = if "_.".contains(it) { '-' } else { it.to_ascii_lowercase() };
        if !(it == '-' && normalised.ends_with('-')) {
            normalised.push(it);
        }
    }
    Some(normalised)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        dir
    }

    fn lines(files: &[(&str, &str)], without_sdk: bool) -> Vec<String> {
        let dir = folder(files);
        Requirements::find(dir.path(), "", without_sdk).unwrap().unwrap().lines
    }

    #[test]
    fn comments_continuations_and_includes_are_resolved() {
        let files = [
            (
                "requirements.txt",
                "# all\nrequests>=2  # http\n-r more/base.txt\npkg==1 \\\n  --hash=sha256:aa\nx @ https://e.org/x#egg=x\n",
            ),
            ("more/base.txt", "attrs\n-c pins.txt\n"),
        ];
        let dir = folder(&files);
        let found = Requirements::find(dir.path(), "", false).unwrap().unwrap();
        let pins = format!("-c {}", dir.path().join("more/pins.txt").display());
        assert_eq!(
            found.lines,
            ["requests>=2", "attrs", &pins, "pkg==1    --hash=sha256:aa", "x @ https://e.org/x#egg=x"]
        );
    }

    #[test]
    fn the_sdk_is_left_out_when_it_is_given_in_any_spelling() {
        for line in [
            "mattermost-plugin-sdk",
            "Mattermost_Plugin.SDK>=0.1",
            "mattermost-plugin-sdk @ file:///x",
            "mattermost-plugin-sdk[dev]==1",
        ] {
            let files = [("requirements.txt", line)];
            assert!(lines(&files, true).is_empty(), "{line}");
            assert_eq!(lines(&files, false), [line]);
        }
        assert_eq!(lines(&[("requirements.txt", "mattermost-plugin-sdk-extras")], true).len(), 1);
        assert_eq!(lines(&[("requirements.txt", "./mattermost-plugin-sdk\n-e ./lib")], true).len(), 2);
    }

    #[test]
    fn pyproject_gives_dependencies_and_the_python_it_wants() {
        let text =
            "[project]\nname = 'x'\nrequires-python = '>=3.11'\ndependencies = ['requests', 'mattermost-plugin-sdk']\n";
        let dir = folder(&[("pyproject.toml", text)]);
        let found = Requirements::find(dir.path(), "", true).unwrap().unwrap();
        assert_eq!(found.lines, ["requests"]);
        assert!(found.python.unwrap().check("3.10.2").is_err());
        let dir = folder(&[("pyproject.toml", "[tool.ruff]\nline-length = 100\n")]);
        assert_eq!(Requirements::find(dir.path(), "", true).unwrap(), None);
    }

    #[test]
    fn options_alone_install_nothing() {
        let dir = folder(&[("requirements.txt", "--index-url https://e.org\n-c pins.txt\nmattermost-plugin-sdk\n")]);
        assert!(Requirements::find(dir.path(), "", true).unwrap().unwrap().is_empty());
        assert!(!Requirements::find(dir.path(), "", false).unwrap().unwrap().is_empty());
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        let dir = folder(&[("requirements.txt", "-r requirements.txt\n"), ("pyproject.toml", "")]);
        let circle = Requirements::find(dir.path(), "", true).unwrap_err().to_string();
        assert!(circle.contains("in a circle"), "{circle}");
        let missing = Requirements::find(dir.path(), "deps/all.txt", true).unwrap_err().to_string();
        assert!(missing.contains("deps/all.txt is missing: server.python.requirements_path"), "{missing}");
        let dir = folder(&[("pyproject.toml", "[project\n")]);
        let bad = Requirements::find(dir.path(), "", true).unwrap_err().to_string();
        assert!(bad.contains("pyproject.toml: TOML parse error"), "{bad}");
    }
}
