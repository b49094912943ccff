//! A plugin's name, and what is derived of it: title, class, id.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

/// The longest name, so that lines with it fit.
const LONGEST: usize = 60;

/// Lengths of an id, by Mattermost's rules.
const ID_LENGTHS: std::ops::RangeInclusive<usize> = 3..=190;

/// Where ids of plugins begin whose authors have named no domain.
const EXAMPLE: &str = "com.example.";

/// A plugin's name: words of lower-case letters and digits, with `-` or `_` between them; it begins with a letter.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Name(String);

impl Name {
    /// The name of the plugin in a folder, which need not be there.
    ///
    /// # Errors
    /// When the folder's name cannot be a plugin's; the text says what could.
    pub fn of_folder(path: &Path) -> Result<Self, String> {
        // `.` and `..` have a name too, when they are there.
        let full = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let Some(name) = full.file_name() else {
            return Err(format!("{} is no folder for a plugin: write its name, such as my-plugin", path.display()));
        };
        name.to_str().ok_or_else(|| format!("{} is not UTF-8: choose another name", path.display()))?.parse()
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn words(&self) -> impl Iterator<Item = String> {
        let capital = |word: &str| word[..1].to_ascii_uppercase() + &word[1..];
        self.0.split(['-', '_']).map(capital)
    }

    /// For people: `My Plugin`.
    pub(super) fn title(&self) -> String {
        self.words().collect::<Vec<_>>().join(" ")
    }

    /// For Python: `MyPlugin`. It is none of the names that the module imports.
    pub(super) fn class(&self) -> String {
        let name: String = self.words().collect();
        if name.ends_with("Plugin") && name != "Plugin" { name } else { name + "Plugin" }
    }
}

impl FromStr for Name {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_word = |it: &str| !it.is_empty() && it.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit());
        if text.starts_with(|it: char| it.is_ascii_lowercase()) && text.split(['-', '_']).all(is_word) {
            if text.len() > LONGEST {
                return Err(format!("{text:?} has {} characters: a plugin's name has {LONGEST} at most", text.len()));
            }
            return Ok(Self(text.to_owned()));
        }
        let offer = nearest(text).unwrap_or_else(|| "my-plugin".to_owned());
        Err(format!(
            "{text:?} cannot be a plugin's name: write lower-case letters and digits, with - between words, such as {offer}"
        ))
    }
}

/// The name that somebody may have meant; nothing when none of it could stay.
fn nearest(text: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let words = lower.split(|it: char| !it.is_ascii_alphanumeric()).filter(|it| !it.is_empty());
    let name = words.collect::<Vec<_>>().join("-");
    let name: String = name.trim_start_matches(|it: char| !it.is_ascii_lowercase()).chars().take(LONGEST).collect();
    let name = name.trim_end_matches('-');
    (!name.is_empty()).then(|| name.to_owned())
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A plugin's id, such as `com.example.my-plugin`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Id(String);

impl Id {
    pub(super) fn example(name: &Name) -> Self {
        Self(format!("{EXAMPLE}{name}"))
    }

    pub(super) fn is_example(&self) -> bool {
        self.0.starts_with(EXAMPLE)
    }
}

impl FromStr for Id {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refuse = |why: &str| Err(format!("{text:?} cannot be an id: {why}, such as com.example.my-plugin"));
        let bad = |it: char| !(it.is_ascii_lowercase() || it.is_ascii_digit() || "-_.".contains(it));
        if let Some(bad) = text.chars().find(|it| bad(*it)) {
            return refuse(&format!("it has {bad:?}, and lower-case letters, digits, '-', '_' and '.' make an id"));
        }
        if !ID_LENGTHS.contains(&text.len()) {
            let (least, most) = (ID_LENGTHS.start(), ID_LENGTHS.end());
            return refuse(&format!("it has {} characters, and an id has {least} to {most}", text.len()));
        }
        // It is a folder's name on a server, and part of addresses.
        let edge = |it: char| it.is_ascii_alphanumeric();
        if !text.starts_with(edge) || !text.ends_with(edge) || text.contains("..") {
            return refuse("it begins and ends with a letter or digit, and has no two '.' side by side");
        }
        if !text.contains('.') {
            return refuse("ids begin with a domain of yours, backwards, so that no two plugins have the same");
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        text.parse().unwrap()
    }

    #[test]
    fn titles_and_classes() {
        let all = [
            ("my-plugin", "My Plugin", "MyPlugin"),
            ("todo", "Todo", "TodoPlugin"),
            ("plugin", "Plugin", "PluginPlugin"),
            ("command", "Command", "CommandPlugin"),
            ("a_b-3d", "A B 3d", "AB3dPlugin"),
        ];
        for (text, title, class) in all {
            assert_eq!((name(text).title().as_str(), name(text).class().as_str()), (title, class), "{text}");
        }
    }

    #[test]
    fn a_bad_name_is_answered_with_a_good_one() {
        let long = "x".repeat(61);
        let all = [
            ("My Plugin", "such as my-plugin"),
            ("MyPlugin", "such as myplugin"),
            ("3d-print", "such as d-print"),
            ("-x", "such as x"),
            ("a--b", "such as a-b"),
            ("a-", "such as a"),
            ("", "such as my-plugin"),
            ("..", "such as my-plugin"),
            ("日本", "such as my-plugin"),
            ("café", "such as caf"),
            ("com.example.x", "such as com-example-x"),
            (&long, "60 at most"),
        ];
        for (text, says) in all {
            let why = text.parse::<Name>().unwrap_err();
            assert!(why.ends_with(says), "{text}: {why}");
        }
        assert!("x".repeat(60).parse::<Name>().is_ok());
    }

    #[test]
    fn the_name_is_the_folders() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("my-plugin");
        assert_eq!(Name::of_folder(&folder).unwrap(), name("my-plugin"));
        std::fs::create_dir_all(folder.join("src")).unwrap();
        assert_eq!(Name::of_folder(&folder.join("src/..")).unwrap(), name("my-plugin"));
        assert!(Name::of_folder(Path::new("/")).unwrap_err().contains("such as my-plugin"));
    }

    #[test]
    fn ids_are_those_that_a_server_takes() {
        for text in ["com.example.my-plugin", "de.beispiel.x_1", "a.b", "1.2"] {
            assert_eq!(text.parse::<Id>().unwrap().to_string(), text);
        }
        let all = [
            ("My.Plugin", "it has 'M'"),
            ("com.example.my plugin", "it has ' '"),
            ("com/x", "it has '/'"),
            ("a.", "it has 2 characters"),
            (".ab", "begins and ends with"),
            ("ab.", "begins and ends with"),
            ("a..b", "side by side"),
            ("", "it has 0 characters"),
            ("todo", "a domain of yours"),
        ];
        for (text, says) in all {
            let why = text.parse::<Id>().unwrap_err();
            assert!(why.contains(says) && why.ends_with("such as com.example.my-plugin"), "{text}: {why}");
        }
        assert!("a.".repeat(96).parse::<Id>().unwrap_err().contains("192 characters"));
    }
}
