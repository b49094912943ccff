//! Why a process could not start or died, and what to do about it: read from its exit status and the end of what it printed.
//!
//! Pure: [`explain_start`] and [`explain_crash`] look at an [`Evidence`] and nothing else.

use std::fmt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use crate::python_env::PythonEnv;

/// Modules whose package has another name, among those that plugins use most.
const PACKAGE_NAMES: [(&str, &str); 10] = [
    ("PIL", "Pillow"),
    ("attr", "attrs"),
    ("bs4", "beautifulsoup4"),
    ("cv2", "opencv-python"),
    ("dateutil", "python-dateutil"),
    ("dotenv", "python-dotenv"),
    ("jwt", "PyJWT"),
    ("serial", "pyserial"),
    ("sklearn", "scikit-learn"),
    ("yaml", "PyYAML"),
];

/// What is known about a process that ended.
#[derive(Clone, Debug)]
pub(crate) struct Evidence {
    /// How it ended; `None` when even that could not be learnt.
    pub(crate) status: Option<ExitStatus>,
    /// The end of what it wrote to standard error.
    pub(crate) stderr: String,
    /// The plugin's folder.
    pub(crate) bundle: PathBuf,
    /// The Python file, relative to the folder; of a plugin in another language its command.
    pub(crate) entry: String,
    /// The Python it ran on; none for a plugin in another language.
    pub(crate) python: Option<PythonEnv>,
    /// How long the host waited for the hello, when it waited in vain.
    pub(crate) waited: Option<Duration>,
    /// Why the host did not accept the hello.
    pub(crate) refused: Option<String>,
    /// Whether the process stopped answering health checks.
    pub(crate) unhealthy: bool,
}

/// Why a plugin's process is not there.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Failure {
    /// What happened, in one line: the last line of the traceback when there is one.
    pub what: String,
    /// File and line in the plugin, such as `plugin.py:3`.
    pub place: Option<String>,
    /// What to do about it, in one line; "" when `what` says it.
    pub advice: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.what)?;
        if let Some(place) = &self.place {
            write!(f, " ({place})")?;
        }
        if !self.advice.is_empty() {
            write!(f, ": {}", self.advice)?;
        }
        Ok(())
    }
}

/// Why a process ended before it was ready.
pub(crate) fn explain_start(evidence: &Evidence) -> Failure {
    let entry = &evidence.entry;
    if let Some(why) = &evidence.refused {
        return Failure { what: why.clone(), place: None, advice: String::new() };
    }
    if let Some(waited) = evidence.waited {
        return Failure {
            what: format!("{entry} was not ready after {} s", waited.as_secs_f32()),
            place: dumped_place(evidence),
            advice: match evidence.python {
                Some(_) => "move slow work from the module and __init__ to on_activate, or allow more time to start",
                None => "it must call PluginHost.Hello when its socket accepts calls (docs/guide/other-languages.md)",
            }
            .to_owned(),
        };
    }
    let Some(python) = &evidence.python else { return explain_command_start(evidence) };
    if let Some(exception) = last_exception(&evidence.stderr) {
        let place = exception.place(&evidence.bundle);
        let advice = advice_for(&exception, evidence, python);
        return Failure { what: exception.text, place, advice };
    }
    if evidence.status.is_some_and(|it| it.success()) {
        return Failure {
            what: format!("{entry} ended without calling run_plugin"),
            place: None,
            advice: "end it with: if __name__ == \"__main__\": run_plugin(YourPlugin)".to_owned(),
        };
    }
    Failure {
        what: format!("{entry} {} before it was ready", ended(evidence)),
        place: None,
        advice: last_words(evidence),
    }
}

/// The same for a plugin in another language, of whose words only the form of an error's line can be guessed.
fn explain_command_start(evidence: &Evidence) -> Failure {
    let command = &evidence.entry;
    let what = if evidence.status.is_some_and(|it| it.success()) {
        format!("{command} ended without saying hello")
    } else {
        format!("{command} {} before it was ready", ended(evidence))
    };
    let names_an_error = |it: &&str| {
        ["Error: ", "Exception: ", "panic: "].iter().any(|mark| it.contains(mark)) && !it.starts_with([' ', '\t'])
    };
    let error = evidence.stderr.lines().rev().find(names_an_error);
    let advice = error.map_or_else(|| last_words(evidence), |it| format!("it said {:?}", it.trim()));
    Failure { what, place: None, advice }
}

/// Why a process that ran is gone.
pub(crate) fn explain_crash(evidence: &Evidence) -> Failure {
    if evidence.unhealthy {
        return Failure {
            what: "the plugin's process stopped answering and was ended".to_owned(),
            place: dumped_place(evidence),
            advice: "the log shows where each of its threads was".to_owned(),
        };
    }
    // A traceback on standard error explains an exit; one from long ago does not explain a signal.
    if evidence.status.is_some_and(|it| it.code().is_some_and(|it| it != 0))
        && let Some(exception) = last_exception(&evidence.stderr)
    {
        let place = exception.place(&evidence.bundle);
        return Failure {
            what: format!("the plugin's process ended: {}", exception.text),
            place,
            advice: String::new(),
        };
    }
    let place = if evidence.status.is_some_and(|it| it.signal().is_some()) { dumped_place(evidence) } else { None };
    Failure { what: format!("the plugin's process {}", ended(evidence)), place, advice: String::new() }
}

/// How a process ended, as the predicate of a sentence.
fn ended(evidence: &Evidence) -> String {
    let Some(status) = evidence.status else { return "is gone".to_owned() };
    if let Some(signal) = status.signal() {
        let name = nix::sys::signal::Signal::try_from(signal)
            .map_or_else(|_| format!("signal {signal}"), |it| it.as_str().to_owned());
        let why = match name.as_str() {
            "SIGSEGV" | "SIGBUS" | "SIGILL" | "SIGFPE" => " (a compiled module of it is at fault)",
            "SIGKILL" => " (somebody killed it, or the system was out of memory)",
            _ => "",
        };
        return format!("was ended by {name}{why}");
    }
    format!("ended with exit code {}", status.code().unwrap_or_default())
}

/// The last line on standard error, as something to go by.
fn last_words(evidence: &Evidence) -> String {
    let last = evidence.stderr.lines().rev().find(|it| !it.trim().is_empty());
    last.map_or_else(|| "it printed nothing to say why".to_owned(), |it| format!("its last words were {:?}", it.trim()))
}

/// An exception as Python prints it.
#[derive(Debug, PartialEq)]
struct Exception {
    /// Its class, without module.
    class: String,
    /// The whole last part, one line: `ValueError: no`.
    text: String,
    /// File and line of the frames, outermost first.
    frames: Vec<(String, u32)>,
}

impl Exception {
    /// The innermost frame in the plugin, else none: a line in a library helps less than its name in the text.
    fn place(&self, bundle: &Path) -> Option<String> {
        self.frames.iter().rev().find_map(|(file, line)| inside(bundle, file).map(|file| format!("{file}:{line}")))
    }
}

/// `file` relative to the bundle; `None` when it is outside or in a virtual environment of it.
fn inside(bundle: &Path, file: &str) -> Option<String> {
    let relative = Path::new(file).strip_prefix(bundle).ok()?;
    let installed = relative.components().any(|it| it.as_os_str() == "site-packages");
    (!installed).then(|| relative.display().to_string())
}

/// The last exception printed with its frames.
fn last_exception(stderr: &str) -> Option<Exception> {
    let lines: Vec<&str> = stderr.lines().collect();
    let last_frame = lines.iter().rposition(|it| frame(it).is_some())?;
    // After the frame come its source line and markers, all indented; then the exception, to the end or to a blank line.
    let start =
        last_frame + lines[last_frame..].iter().position(|it| !it.starts_with([' ', '\t']) && !it.is_empty())?;
    let message: Vec<&str> = lines[start..].iter().copied().take_while(|it| !it.trim().is_empty()).take(8).collect();
    let text = message.iter().map(|it| it.trim()).collect::<Vec<_>>().join(" ");
    let head = text.split(':').next().unwrap_or_default();
    if head.is_empty() || head.contains(' ') {
        return None;
    }
    let class = head.rsplit('.').next().unwrap_or(head).to_owned();
    let heading =
        lines[..start].iter().rposition(|it| it.starts_with("Traceback (most recent call last):")).unwrap_or(0);
    let frames = lines[heading..start].iter().filter_map(|it| frame(it)).collect();
    Some(Exception { class, text, frames })
}

/// File and line of a frame's line: `  File "x.py", line 3, in f`.
fn frame(line: &str) -> Option<(String, u32)> {
    let rest = line.trim_start().strip_prefix("File \"")?;
    let (file, rest) = rest.split_once("\", line ")?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    Some((file.to_owned(), digits.parse().ok()?))
}

/// Where the plugin was when Python's faulthandler printed its threads (innermost frame first).
fn dumped_place(evidence: &Evidence) -> Option<String> {
    let dump = &evidence.stderr[evidence.stderr.rfind("Fatal Python error: ")?..];
    let (file, line) =
        dump.lines().filter_map(frame).find_map(|(file, line)| Some((inside(&evidence.bundle, &file)?, line)))?;
    Some(format!("{file}:{line}"))
}

fn advice_for(exception: &Exception, evidence: &Evidence, python: &PythonEnv) -> String {
    match exception.class.as_str() {
        "ModuleNotFoundError" => missing_module(&exception.text, evidence, python),
        "SyntaxError" | "IndentationError" | "TabError" => format!(
            "mend that line; if it is right, it needs a newer Python than {}: write that as server.python_version in the manifest",
            python.interpreter.version
        ),
        "ImportError" if exception.text.contains("_native") => {
            "the SDK's compiled module does not fit this Python: install mattermost-plugin-sdk again, or build it again in the repository"
                .to_owned()
        }
        "ImportError" if exception.text.contains("cannot import name") => {
            "check the name, and that the installed version of the package has it".to_owned()
        }
        _ => String::new(),
    }
}

fn missing_module(text: &str, evidence: &Evidence, python: &PythonEnv) -> String {
    let Some(module) = text.split('\'').nth(1) else { return String::new() };
    let top = module.split('.').next().unwrap_or(module);
    if module == "mattermost_plugin._native" {
        return "the SDK's compiled module is not built: in the repository, cargo xtask dev builds it".to_owned();
    }
    if top == "mattermost_plugin" {
        return match &python.requirements_file {
            Some(file) => {
                format!("add mattermost-plugin-sdk to {}, or give the SDK's folder with --sdk", file_name(file))
            }
            None => "write mattermost-plugin-sdk in a requirements.txt, or give the SDK's folder with --sdk".to_owned(),
        };
    }
    if evidence.bundle.join(top).is_dir() || evidence.bundle.join(format!("{top}.py")).is_file() {
        return format!("{top} is a module of the plugin: check the path after it, and for a missing __init__.py");
    }
    let package = PACKAGE_NAMES.iter().find(|(it, _)| *it == top).map_or(top, |(_, package)| package);
    match &python.requirements_file {
        Some(file) => format!("add {package} to {}", file_name(file)),
        None => format!(
            "write {package} in a requirements.txt beside the manifest, or install it: {} -m pip install {package}",
            python.interpreter.path.display()
        ),
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |it| it.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::python_env::Interpreter;

    fn python(requirements_file: Option<&str>) -> PythonEnv {
        let interpreter = Interpreter {
            path: PathBuf::from("/usr/bin/python3"),
            version: "3.11.7".to_owned(),
            prefix: PathBuf::from("/usr"),
            base_prefix: PathBuf::from("/usr"),
        };
        PythonEnv { interpreter, python_path: Vec::new(), requirements_file: requirements_file.map(PathBuf::from) }
    }

    #[test]
    fn of_another_language_the_line_with_the_error_is_told() {
        let stderr = "/plugins/hello/plugin.js:3\nrequire('nope')\n^\n\nError: Cannot find module 'nope'\nRequire stack:\n\nNode.js v24.19.0\n";
        let mut evidence = evidence(EXIT_1, stderr);
        (evidence.python, evidence.entry) = (None, "node plugin.js".to_owned());
        assert_eq!(
            explain_start(&evidence).to_string(),
            "node plugin.js ended with exit code 1 before it was ready: it said \"Error: Cannot find module 'nope'\""
        );
        (evidence.status, evidence.stderr) = (Some(ExitStatus::from_raw(0)), "bye\n".to_owned());
        assert_eq!(
            explain_start(&evidence).to_string(),
            "node plugin.js ended without saying hello: its last words were \"bye\""
        );
    }

    fn evidence(status: i32, stderr: &str) -> Evidence {
        Evidence {
            status: Some(ExitStatus::from_raw(status)),
            stderr: stderr.to_owned(),
            bundle: PathBuf::from("/plugins/hello"),
            entry: "plugin.py".to_owned(),
            python: Some(python(None)),
            waited: None,
            refused: None,
            unhealthy: false,
        }
    }

    const EXIT_1: i32 = 1 << 8;

    fn import_error(module: &str) -> String {
        format!(
            "Traceback (most recent call last):\n  File \"/plugins/hello/plugin.py\", line 3, in <module>\n    import {module}\nModuleNotFoundError: No module named '{module}'\n"
        )
    }

    #[test]
    fn a_missing_module_names_the_line_and_the_package() {
        let mut evidence = evidence(EXIT_1, &import_error("yaml"));
        let text = explain_start(&evidence).to_string();
        assert_eq!(
            text,
            "ModuleNotFoundError: No module named 'yaml' (plugin.py:3): write PyYAML in a requirements.txt beside the manifest, or install it: /usr/bin/python3 -m pip install PyYAML"
        );
        evidence.python = Some(python(Some("/plugins/hello/pyproject.toml")));
        assert!(explain_start(&evidence).to_string().ends_with(": add PyYAML to pyproject.toml"));
    }

    #[test]
    fn a_missing_sdk_is_told_apart_from_a_missing_native_module() {
        let missing = explain_start(&evidence(EXIT_1, &import_error("mattermost_plugin"))).advice;
        assert!(missing.contains("mattermost-plugin-sdk in a requirements.txt"), "{missing}");
        let native = explain_start(&evidence(EXIT_1, &import_error("mattermost_plugin._native"))).advice;
        assert!(native.contains("compiled module is not built"), "{native}");
    }

    #[test]
    fn a_syntax_error_names_the_line_and_the_python() {
        let stderr =
            "  File \"/plugins/hello/plugin.py\", line 7\n    def f(:\n          ^\nSyntaxError: invalid syntax\n";
        let failure = explain_start(&evidence(EXIT_1, stderr));
        assert_eq!(failure.what, "SyntaxError: invalid syntax");
        assert_eq!(failure.place.as_deref(), Some("plugin.py:7"));
        assert!(failure.advice.contains("newer Python than 3.11.7"));
    }

    #[test]
    fn the_place_is_the_plugins_own_innermost_line() {
        let stderr = "Traceback (most recent call last):\n  File \"/plugins/hello/plugin.py\", line 9, in <module>\n    run_plugin(P)\n  File \"/plugins/hello/.venv/lib/python3.11/site-packages/mattermost_plugin/server.py\", line 40, in run_plugin\n    raise HookError(\n    ^^^\nmattermost_plugin.errors.HookError: no hook is named 'MesageWillBePosted';\ndid you mean MessageWillBePosted?\n";
        let failure = explain_start(&evidence(EXIT_1, stderr));
        assert_eq!(
            failure.to_string(),
            "mattermost_plugin.errors.HookError: no hook is named 'MesageWillBePosted'; did you mean MessageWillBePosted? (plugin.py:9)"
        );
    }

    #[test]
    fn of_chained_exceptions_the_last_counts() {
        let stderr = format!(
            "{}\nDuring handling of the above exception, another exception occurred:\n\nTraceback (most recent call last):\n  File \"/plugins/hello/plugin.py\", line 5, in <module>\n    f()\nRuntimeError: twice\n",
            import_error("x")
        );
        let failure = explain_start(&evidence(EXIT_1, &stderr));
        assert_eq!(failure.to_string(), "RuntimeError: twice (plugin.py:5)");
    }

    #[test]
    fn an_end_without_a_word_is_explained() {
        assert!(
            explain_start(&evidence(0, ""))
                .to_string()
                .starts_with("plugin.py ended without calling run_plugin: end it with")
        );
        assert_eq!(
            explain_start(&evidence(3 << 8, "config missing\n")).to_string(),
            "plugin.py ended with exit code 3 before it was ready: its last words were \"config missing\""
        );
        let killed = explain_start(&evidence(11, "")).to_string();
        assert!(killed.starts_with("plugin.py was ended by SIGSEGV (a compiled module of it is at fault)"), "{killed}");
    }

    #[test]
    fn a_hang_names_the_line_it_hung_at() {
        let dump = "Fatal Python error: Aborted\n\nCurrent thread 0x00007f (most recent call first):\n  File \"/usr/lib/python3.11/socket.py\", line 2 in recv\n  File \"/plugins/hello/plugin.py\", line 4 in <module>\n";
        let mut evidence = evidence(6, dump);
        evidence.waited = Some(Duration::from_secs(60));
        let text = explain_start(&evidence).to_string();
        assert!(text.starts_with("plugin.py was not ready after 60 s (plugin.py:4): move slow work"), "{text}");
    }

    #[test]
    fn a_crash_says_how() {
        assert_eq!(
            explain_crash(&evidence(9, "")).to_string(),
            "the plugin's process was ended by SIGKILL (somebody killed it, or the system was out of memory)"
        );
        assert_eq!(explain_crash(&evidence(0, "")).to_string(), "the plugin's process ended with exit code 0");
        let text = explain_crash(&evidence(EXIT_1, &import_error("late"))).to_string();
        assert_eq!(text, "the plugin's process ended: ModuleNotFoundError: No module named 'late' (plugin.py:3)");
    }
}
