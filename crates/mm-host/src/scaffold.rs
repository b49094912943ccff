//! `mm-host new`: makes a new plugin, a folder that runs, is tested and typed, and may call no more than it calls.
//!
//! ```text
//! path, parts ── Plan::new ──▶ Plan ── id ──▶ Plan::write ──▶ files (templates/new)
//! ```
//!
//! Everything that can be refused is refused before anything is written. What is written passes `mm-host check`, `mypy --strict`, ruff
//! and its own tests; `tests/e2e/test_new.py` holds that for every choice of parts.

mod files;
mod names;
mod parts;

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::io::{self, BufRead, Write};
use std::path::{Path, PathBuf};

pub use self::names::{Id, Name};
pub use self::parts::Part;

/// What may be in the folder already: a repository that was made for the plugin.
const MAY_BE_THERE: [&str; 1] = [".git"];

/// How many of a folder's entries an error names.
const NAMED: usize = 3;

/// Why there is no new plugin. Every text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum ScaffoldError {
    /// What was asked for cannot be.
    #[error("{0}")]
    Argument(String),
    /// Files or folders are in the way, or cannot be written.
    #[error("{0}")]
    Folder(String),
}

/// A plugin to be made; its folder was looked at, and nothing is written yet.
#[derive(Clone, Debug)]
pub struct Plan {
    dir: PathBuf,
    name: Name,
    parts: BTreeSet<Part>,
}

impl Plan {
    /// A plugin in the folder `path`, called like the folder, with `parts` and what these need.
    ///
    /// # Errors
    /// When the folder's name cannot be a plugin's, or there is something in the folder.
    pub fn new(path: &Path, parts: &[Part]) -> Result<Self, ScaffoldError> {
        let name = Name::of_folder(path).map_err(ScaffoldError::Argument)?;
        free(path).map_err(ScaffoldError::Folder)?;
        let parts: BTreeSet<Part> = parts.iter().flat_map(|it| [Some(*it), it.needs()]).flatten().collect();
        if parts.contains(&Part::Command) && mm_sim::built_in_triggers().any(|it| it == name.as_str()) {
            let text = format!("Mattermost has a slash command /{name} of its own: choose another name");
            return Err(ScaffoldError::Argument(text));
        }
        Ok(Self { dir: path.to_owned(), name, parts })
    }

    /// The id of a plugin whose author has no domain yet: `com.example.NAME`.
    pub fn example_id(&self) -> Id {
        Id::example(&self.name)
    }

    /// Asks for the id until there is one; an empty line, or none, takes [`Plan::example_id`].
    ///
    /// # Errors
    /// When nothing can be read or written.
    pub fn ask_id(&self, input: &mut impl BufRead, output: &mut impl Write) -> io::Result<Id> {
        let example = self.example_id();
        loop {
            write!(output, "id of the plugin, a domain of yours backwards and its name [{example}]: ")?;
            output.flush()?;
            let mut line = String::new();
            if input.read_line(&mut line)? == 0 {
                writeln!(output)?;
            }
            match line.trim() {
                "" => return Ok(example),
                text => match text.parse() {
                    Ok(id) => return Ok(id),
                    Err(why) => writeln!(output, "{why}")?,
                },
            }
        }
    }

    /// Writes the plugin.
    ///
    /// # Errors
    /// When a file cannot be written; what was written before is removed again.
    pub fn write(self, id: Id) -> Result<Made, ScaffoldError> {
        let files = files::render(&self.name, &id, &self.parts);
        let is_new = !self.dir.exists();
        let mut written = Vec::new();
        for (path, text) in &files {
            let path = self.dir.join(path);
            if let Err(error) = write_new(&path, text) {
                if is_new {
                    let _ = fs::remove_dir_all(&self.dir);
                } else {
                    written.iter().for_each(|it: &PathBuf| drop(fs::remove_file(it)));
                }
                return Err(ScaffoldError::Folder(format!("cannot write {}: {error}", path.display())));
            }
            written.push(path);
        }
        Ok(Made { dir: self.dir, name: self.name, id, parts: self.parts })
    }
}

/// Whether a plugin can be made there.
fn free(dir: &Path) -> Result<(), String> {
    let shown = dir.display();
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
            return Err(format!("{shown} is there already, and is no folder: choose another name"));
        }
        Err(error) => return Err(format!("cannot look into {shown}: {error}")),
    };
    let names = entries.map(|it| it.map(|it| it.file_name().to_string_lossy().into_owned()));
    let names = names.collect::<io::Result<Vec<_>>>().map_err(|error| format!("cannot look into {shown}: {error}"))?;
    let mut names: Vec<String> = names.into_iter().filter(|it| !MAY_BE_THERE.contains(&it.as_str())).collect();
    if names.is_empty() {
        return Ok(());
    }
    names.sort();
    let more = if names.len() > NAMED { format!(" and {} more", names.len() - NAMED) } else { String::new() };
    names.truncate(NAMED);
    let names = names.join(", ");
    Err(format!("{shown} is not empty ({names}{more}): choose another name, or empty it"))
}

/// Writes a file that is not there yet, and its folder.
fn write_new(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::File::create_new(path)?.write_all(text.as_bytes())
}

/// A plugin that was made.
#[derive(Clone, Debug)]
pub struct Made {
    dir: PathBuf,
    name: Name,
    id: Id,
    parts: BTreeSet<Part>,
}

impl fmt::Display for Made {
    /// What there is now, and what to do with it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dir = self.dir.display();
        writeln!(f, "{dir} is the plugin {}, with {}", self.id, parts::words(&self.parts))?;
        writeln!(f, "it may call: {}", parts::permissions(&self.parts).join(", "))?;
        if self.id.is_example() {
            writeln!(f, "its id is an example: change it in plugin.json before you install it anywhere")?;
        }
        let play = match parts::first(&self.parts) {
            Part::Command => format!("; type /{}", self.name),
            Part::Http | Part::Webapp => "; type :http GET /hello".to_owned(),
            Part::Jobs => String::new(),
        };
        write!(
            f,
            "\nnext:\n  \
             cd {dir}\n  \
             python3 -m venv .venv && . .venv/bin/activate\n  \
             pip install -r requirements.txt -r requirements-dev.txt\n  \
             mm-host dev       # chat with it{play}\n  \
             pytest            # its tests\n  \
             mm-host bundle    # the file for a server\n\
             README.md has more\n"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(dir: &Path) -> Plan {
        Plan::new(&dir.join("my-plugin"), &[Part::Command]).unwrap()
    }

    fn refused(path: &Path) -> String {
        Plan::new(path, &[Part::Command]).unwrap_err().to_string()
    }

    #[test]
    fn what_is_there_is_not_touched() {
        let dir = tempfile::tempdir().unwrap();
        let (full, file) = (dir.path().join("full"), dir.path().join("file"));
        fs::create_dir(&full).unwrap();
        fs::write(&file, "").unwrap();
        for name in ["d", "b", "c", "a"] {
            fs::write(full.join(name), "").unwrap();
        }
        assert!(
            refused(&full).contains("is not empty (a, b, c and 1 more): choose another name"),
            "{}",
            refused(&full)
        );
        assert!(refused(&file).contains("is no folder: choose another name"), "{}", refused(&file));
    }

    #[test]
    fn an_empty_folder_and_a_new_repository_will_do() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("my-plugin/.git")).unwrap();
        let plan = plan(dir.path());
        let id = plan.example_id();
        plan.write(id).unwrap();
        assert!(dir.path().join("my-plugin/plugin.json").is_file());
    }

    #[test]
    fn nothing_is_left_behind_when_a_file_cannot_be_written() {
        let dir = tempfile::tempdir().unwrap();
        let plan = plan(dir.path());
        // Somebody else is quicker.
        fs::create_dir_all(dir.path().join("my-plugin/tests")).unwrap();
        fs::write(dir.path().join("my-plugin/tests/test_sessions.py"), "theirs").unwrap();
        let id = plan.example_id();
        let error = plan.write(id).unwrap_err().to_string();
        assert!(error.starts_with("cannot write "), "{error}");
        let left: Vec<_> =
            fs::read_dir(dir.path().join("my-plugin")).unwrap().flatten().map(|it| it.file_name()).collect();
        assert_eq!(left, ["tests"]);
        assert_eq!(fs::read_to_string(dir.path().join("my-plugin/tests/test_sessions.py")).unwrap(), "theirs");
    }

    #[test]
    fn a_slash_command_of_mattermost_is_not_taken() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("help");
        assert!(refused(&path).contains("slash command /help of its own"), "{}", refused(&path));
        assert!(Plan::new(&path, &[Part::Http]).is_ok());
    }

    #[test]
    fn the_id_is_asked_for_until_there_is_one() {
        let dir = tempfile::tempdir().unwrap();
        let ask = |typed: &str| {
            let mut shown = Vec::new();
            let id = plan(dir.path()).ask_id(&mut typed.as_bytes(), &mut shown).unwrap();
            (id.to_string(), String::from_utf8(shown).unwrap())
        };
        assert_eq!(ask("\n").0, "com.example.my-plugin");
        assert_eq!(ask("").0, "com.example.my-plugin");
        let (id, shown) = ask("de beispiel\n de.beispiel.dice \n");
        assert_eq!(id, "de.beispiel.dice");
        assert!(shown.contains("[com.example.my-plugin]: ") && shown.contains("' '"), "{shown}");
    }
}
