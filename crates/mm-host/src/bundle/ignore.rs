//! What of a plugin's folder does not go into its bundle.
//!
//! Left out are, in every folder, names that begin with a dot, `__pycache__`, `*.pyc`, `*.pyo`, `node_modules` and virtual environments
//! (folders with a `pyvenv.cfg`), and at the top `dist`, `tests`, and `server/<target>`, which the bundle fills itself. In `webapp/`,
//! `assets/` and `public/` only `.git` and `node_modules` are left out. In a plugin that is not in Python `node_modules` holds libraries, not
//! tools, and goes along from anywhere else.
//!
//! A file `.mmignore` names more, a pattern a line: `*` and `?` stand for any characters but `/`; a pattern with a `/` before its end is
//! meant from the plugin's folder on, any other for names at any depth; one that ends in `/` is meant for folders only; `#` begins a
//! comment.

/// Folders that are bundled as they are.
const UNCHANGED: [&str; 3] = ["webapp", "assets", "public"];

/// Left out even there.
const NEVER: [&str; 2] = [".git", "node_modules"];

/// Name of the file with the plugin's own patterns.
pub(crate) const FILE_NAME: &str = ".mmignore";

/// The patterns of one plugin.
#[derive(Debug, Default)]
pub(crate) struct Ignore {
    patterns: Vec<Pattern>,
    /// Whether `node_modules` are libraries of the plugin.
    libraries: bool,
}

#[derive(Debug)]
struct Pattern {
    glob: String,
    from_root: bool,
    folders_only: bool,
}

impl Ignore {
    /// Reads the text of a `.mmignore`. `libraries` says whether `node_modules` are libraries of the plugin.
    pub(crate) fn parse(text: &str, libraries: bool) -> Self {
        let lines = text.lines().map(str::trim).filter(|it| !it.is_empty() && !it.starts_with('#'));
        let patterns = lines.map(|line| {
            let folders_only = line.ends_with('/');
            let glob = line.trim_end_matches('/');
            let from_root = glob.contains('/');
            Pattern { glob: glob.trim_start_matches('/').to_owned(), from_root, folders_only }
        });
        Self { patterns: patterns.collect(), libraries }
    }

    /// Whether `path`, relative to the plugin's folder and separated by `/`, stays out.
    pub(crate) fn skips(&self, path: &str, is_folder: bool) -> bool {
        let name = path.rsplit('/').next().unwrap_or(path);
        let top = path.split('/').next().unwrap_or(path);
        let by_default = if UNCHANGED.contains(&top) {
            NEVER.contains(&name)
        } else {
            name.starts_with('.')
                || (NEVER.contains(&name) && !(self.libraries && name == "node_modules"))
                || name == "__pycache__"
                || name.ends_with(".pyc")
                || name.ends_with(".pyo")
                || (is_folder && (path == "dist" || path == "tests"))
        };
        by_default
            || self.patterns.iter().any(|it| {
                (is_folder || !it.folders_only)
                    && matches(it.glob.as_bytes(), if it.from_root { path } else { name }.as_bytes())
            })
    }
}

/// `*` and `?` stop at `/`.
fn matches(glob: &[u8], text: &[u8]) -> bool {
    match (glob.split_first(), text.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), _) => {
            // As few characters as possible first, then one more each time.
            (0..=text.len()).take_while(|&n| n == 0 || text[n - 1] != b'/').any(|n| matches(rest, &text[n..]))
        }
        (Some((b'?', rest)), Some((&it, tail))) => it != b'/' && matches(rest, tail),
        (Some((one, rest)), Some((other, tail))) => one == other && matches(rest, tail),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_belongs_to_development_stays_out() {
        let ignore = Ignore::default();
        for path in [".git", ".env", "lib/.mypy_cache", "__pycache__", "a/b.pyc", "node_modules", "webapp/node_modules"]
        {
            assert!(ignore.skips(path, false), "{path}");
        }
        assert!(ignore.skips("dist", true) && ignore.skips("tests", true) && !ignore.skips("lib/tests", true));
        for path in ["plugin.py", "public/.well-known", "assets/icon.svg", "webapp/dist/main.js", "dist.py"] {
            assert!(!ignore.skips(path, false), "{path}");
        }
    }

    #[test]
    fn libraries_of_another_language_go_along() {
        let ignore = Ignore::parse("", true);
        assert!(!ignore.skips("node_modules", true) && !ignore.skips("lib/node_modules", true));
        assert!(ignore.skips("webapp/node_modules", true) && ignore.skips("node_modules/.bin", true));
    }

    #[test]
    fn patterns_of_the_plugin() {
        let ignore = Ignore::parse("# notes\n*.md\n/docs/\nassets/*.psd\ndemo.?xt\n\n", false);
        for path in ["README.md", "a/b/c.md", "assets/icon.psd", "demo.txt"] {
            assert!(ignore.skips(path, false), "{path}");
        }
        assert!(ignore.skips("docs", true));
        for path in ["docs", "lib/docs", "assets/deep/icon.psd", "README.mdx", "demo.txt.py"] {
            assert!(!ignore.skips(path, false), "{path}");
        }
    }
}
