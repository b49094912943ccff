//! Lines that a process prints, grouped into log records: one record for a traceback, one for any other line.
//!
//! Pure: lines go in, records come out. What ends a traceback is known only from the line after it, so a record may be held back
//! until the next line, or until [`Grouper::flush`], which the reader calls when nothing has come for a moment.

use crate::log::{LogLevel, LogRecord, LogSource};

/// A record that goes on longer than this is cut into several, so that a runaway process cannot fill the memory.
const MAX_RECORD_BYTES: usize = 256 * 1024;

/// Beginnings of lines that belong to the traceback after them.
const BEFORE_TRACEBACK: [&str; 4] =
    ["Exception in thread ", "Exception ignored in", "Exception ignored on", "Fatal Python error: "];

/// Beginnings of the first line of what faulthandler prints: as the process ends, or on a signal.
const DUMPS: [&str; 4] = ["Fatal Python error: ", "Windows fatal exception: ", "Thread 0x", "Current thread 0x"];

/// What joins a traceback to the one before it.
const CHAINS: [&str; 2] = [
    "During handling of the above exception, another exception occurred:",
    "The above exception was the direct cause of the following exception:",
];

/// Where in a record the last line was.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    /// In no record.
    Outside,
    /// After a line that announces a traceback.
    Announced,
    /// Among the frames.
    Frames,
    /// After the exception's own line, where a chained traceback may follow.
    Ended,
    /// In a dump of faulthandler, which goes on until nothing more comes.
    Dump,
}

/// Groups the lines of one stream.
#[derive(Debug)]
pub(crate) struct Grouper {
    source: LogSource,
    place: Place,
    lines: Vec<String>,
    bytes: usize,
}

impl Grouper {
    pub(crate) fn new(source: LogSource) -> Self {
        Self { source, place: Place::Outside, lines: Vec::new(), bytes: 0 }
    }

    /// Whether something is held back.
    pub(crate) fn is_holding(&self) -> bool {
        !self.lines.is_empty()
    }

    /// Takes a line without its end; gives the records that it completes.
    pub(crate) fn push(&mut self, line: &str) -> Vec<LogRecord> {
        let line = line.trim_end();
        let mut records = Vec::new();
        let next = if self.bytes > MAX_RECORD_BYTES { None } else { self.follows(line) };
        match next {
            Some(place) => {
                self.place = place;
                self.hold(line);
            }
            None => {
                records.extend(self.flush());
                match Self::opens(line) {
                    Some(place) => {
                        self.place = place;
                        self.hold(line);
                    }
                    None if line.trim().is_empty() => {}
                    None => records.push(self.single(line)),
                }
            }
        }
        records
    }

    /// The record that is held back, if any.
    pub(crate) fn flush(&mut self) -> Option<LogRecord> {
        self.place = Place::Outside;
        self.bytes = 0;
        if self.lines.is_empty() {
            return None;
        }
        let text = std::mem::take(&mut self.lines).join("\n");
        Some(LogRecord::new(LogLevel::Error, self.source, text.trim_end()))
    }

    fn hold(&mut self, line: &str) {
        self.bytes += line.len() + 1;
        self.lines.push(line.to_owned());
    }

    /// Whether a line begins a record of several lines.
    fn opens(line: &str) -> Option<Place> {
        if line == "Traceback (most recent call last):" || line.trim_start().starts_with("+ Exception Group Traceback")
        {
            Some(Place::Frames)
        } else if DUMPS.iter().any(|it| line.starts_with(it)) {
            Some(Place::Dump)
        } else if BEFORE_TRACEBACK.iter().any(|it| line.starts_with(it)) {
            Some(Place::Announced)
        } else if line.starts_with("  File \"") {
            // A syntax error in the main file has no heading.
            Some(Place::Frames)
        } else {
            None
        }
    }

    /// The place after `line` if it belongs to the record that is held; `None` if it does not.
    fn follows(&self, line: &str) -> Option<Place> {
        let indented = line.starts_with([' ', '\t', '|', '+']);
        match self.place {
            Place::Outside => None,
            Place::Dump => Some(Place::Dump),
            Place::Announced if indented => Some(Place::Announced),
            Place::Announced => (Self::opens(line) == Some(Place::Frames)).then_some(Place::Frames),
            Place::Frames if indented => Some(Place::Frames),
            Place::Frames if line.is_empty() => Some(Place::Frames),
            Place::Frames if Self::opens(line).is_some() => None,
            Place::Frames => Some(Place::Ended),
            Place::Ended if line.is_empty() || CHAINS.contains(&line) => Some(Place::Ended),
            // After a chain's sentence comes a heading; without that sentence a heading is another record.
            Place::Ended if Self::opens(line) == Some(Place::Frames) => {
                let chained =
                    self.lines.iter().rev().find(|it| !it.is_empty()).is_some_and(|it| CHAINS.contains(&it.as_str()));
                chained.then_some(Place::Frames)
            }
            // Notes and messages of several lines are often indented or lists.
            Place::Ended if indented => Some(Place::Ended),
            Place::Ended => None,
        }
    }

    fn single(&self, line: &str) -> LogRecord {
        let level = match self.source {
            LogSource::Stderr => LogLevel::Warn,
            _ => LogLevel::Info,
        };
        LogRecord::new(level, self.source, line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(text: &str) -> Vec<String> {
        let mut grouper = Grouper::new(LogSource::Stderr);
        let mut records: Vec<LogRecord> = text.lines().flat_map(|it| grouper.push(it)).collect();
        records.extend(grouper.flush());
        records.into_iter().map(|it| format!("{}: {}", it.level.as_str(), it.message)).collect()
    }

    const SIMPLE: &str = "Traceback (most recent call last):\n  File \"plugin.py\", line 3, in <module>\n    f()\n    ^^^\nValueError: no";

    #[test]
    fn lines_are_records() {
        assert_eq!(records("one\n\ntwo  \n"), ["warn: one", "warn: two"]);
    }

    #[test]
    fn a_traceback_is_one_record() {
        assert_eq!(
            records(&format!("before\n{SIMPLE}\nafter")),
            ["warn: before", &format!("error: {SIMPLE}"), "warn: after"]
        );
    }

    #[test]
    fn chained_tracebacks_are_one_record_and_unchained_are_two() {
        for chain in CHAINS {
            let text = format!("{SIMPLE}\n\n{chain}\n\n{SIMPLE}");
            assert_eq!(records(&text), [format!("error: {text}")]);
        }
        assert_eq!(records(&format!("{SIMPLE}\n{SIMPLE}")), [format!("error: {SIMPLE}"), format!("error: {SIMPLE}")]);
    }

    #[test]
    fn a_threads_announcement_belongs_to_its_traceback() {
        let text = format!("Exception in thread Thread-1 (run):\n{SIMPLE}");
        assert_eq!(records(&text), [format!("error: {text}")]);
    }

    #[test]
    fn a_syntax_error_and_an_exception_group_are_one_record_each() {
        let syntax = "  File \"plugin.py\", line 2\n    def f(\n         ^\nSyntaxError: '(' was never closed";
        assert_eq!(records(syntax), [format!("error: {syntax}")]);
        let group = "  + Exception Group Traceback (most recent call last):\n  |   File \"p.py\", line 1, in <module>\n  | ExceptionGroup: two (2 sub-exceptions)\n  +-+---------------- 1 ----------------\n    | ValueError: 1\n    +---------------- 2 ----------------\n    | ValueError: 2\n    +------------------------------------";
        assert_eq!(records(group), [format!("error: {group}")]);
    }

    #[test]
    fn a_fatal_error_keeps_all_that_follows() {
        let text = "Fatal Python error: Segmentation fault\n\nCurrent thread 0x1 (most recent call first):\n  File \"p.py\", line 1 in f\n\nExtension modules: _native (total: 1)";
        assert_eq!(records(text), [format!("error: {text}")]);
    }

    #[test]
    fn where_the_threads_are_is_one_record() {
        let text = "Thread 0x2 (most recent call first):\n  File \"p.py\", line 1 in f\n\nCurrent thread 0x1 (most recent call first):\n  File \"p.py\", line 9 in g";
        assert_eq!(records(text), [format!("error: {text}")]);
    }

    #[test]
    fn notes_of_an_exception_stay_with_it() {
        let text = format!("{SIMPLE}\n  a note\n  another");
        assert_eq!(records(&text), [format!("error: {text}")]);
    }

    #[test]
    fn a_record_without_end_is_cut() {
        let mut grouper = Grouper::new(LogSource::Stderr);
        grouper.push("Traceback (most recent call last):");
        let line = format!("  {}", "x".repeat(1000));
        let n_records: usize = (0..1000).map(|_| grouper.push(&line).len()).sum();
        assert!(n_records > 0);
        assert!(grouper.bytes <= MAX_RECORD_BYTES + 2000);
    }
}
