//! `server.python.deadlines`, `queue`, `max_calls` and `stuck`: how the plugin's hooks are handled.

use std::time::Duration;

use mm_proto::{HOOKS, HookName};

use super::PythonOptions;

/// Seconds that a deadline may have.
const DEADLINE: std::ops::RangeInclusive<f64> = 0.001..=86_400.0;

/// Calls that may wait, or be under way.
const CALLS: std::ops::RangeInclusive<u64> = 1..=1_000_000;

impl PythonOptions {
    /// The deadlines of single hooks, by Go name.
    pub fn deadlines(&self) -> impl Iterator<Item = (String, Duration)> {
        self.deadlines.iter().map(|(hook, seconds)| (hook.clone(), Duration::from_secs_f64(*seconds)))
    }

    /// How long a handler may go on after its time was over, if that is said.
    pub fn stuck(&self) -> Option<Duration> {
        self.stuck.map(Duration::from_secs_f64)
    }
}

/// The path of a field and what is wrong with it.
pub(super) fn check(options: &PythonOptions) -> Result<(), (String, String)> {
    for (hook, seconds) in &options.deadlines {
        let field = format!("server.python.deadlines.{hook}");
        if hook.parse::<HookName>().is_err() {
            let alike = HOOKS.iter().find(|it| it.go.eq_ignore_ascii_case(hook) || it.snake == *hook);
            let hint = alike.map_or("docs/reference/hooks lists all".to_owned(), |it| format!("write {:?}", it.go));
            return Err((field, format!("there is no such hook: {hint}")));
        }
        if !DEADLINE.contains(seconds) {
            return Err((field, format!("{seconds} is no deadline: write seconds, from 0.001 to 86400")));
        }
    }
    if let Some(queue) = options.queue.filter(|it| !CALLS.contains(it)) {
        let message = format!("{queue} is no length of a queue: write how many events may wait, from 1 to 1000000");
        return Err(("server.python.queue".to_owned(), message));
    }
    if let Some(calls) = options.max_calls.filter(|it| !CALLS.contains(it)) {
        let message = format!("{calls} is no bound: write how many calls may be under way, from 1 to 1000000");
        return Err(("server.python.max_calls".to_owned(), message));
    }
    match options.stuck {
        Some(seconds) if !DEADLINE.contains(&seconds) => {
            let message = format!("{seconds} is no time: write seconds, from 0.001 to 86400");
            Err(("server.python.stuck".to_owned(), message))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(python: &str) -> String {
        let options: PythonOptions = serde_json::from_str(python).unwrap();
        check(&options).map_or_else(|(field, message)| format!("{field} {message}"), |()| "fine".to_owned())
    }

    #[test]
    fn a_manifest_says_how_hooks_are_handled() {
        let python = r#"{"deadlines": {"MessageWillBePosted": 2.5, "ServeHTTP": 60}, "queue": 5000, "max_calls": 200, "stuck": 0.5}"#;
        assert_eq!(checked(python), "fine");
        let options: PythonOptions = serde_json::from_str(python).unwrap();
        assert_eq!((options.max_calls, options.stuck()), (Some(200), Some(Duration::from_millis(500))));
        let deadlines: Vec<_> = options.deadlines().collect();
        assert_eq!(deadlines[0], ("MessageWillBePosted".to_owned(), Duration::from_millis(2500)));
    }

    #[test]
    fn what_makes_no_sense_is_told() {
        assert_eq!(
            checked(r#"{"deadlines": {"message_will_be_posted": 2}}"#),
            "server.python.deadlines.message_will_be_posted there is no such hook: write \"MessageWillBePosted\""
        );
        assert_eq!(
            checked(r#"{"deadlines": {"OnActivate": 0}}"#),
            "server.python.deadlines.OnActivate 0 is no deadline: write seconds, from 0.001 to 86400"
        );
        assert!(checked(r#"{"queue": 0}"#).starts_with("server.python.queue 0 is no length of a queue"));
        assert!(checked(r#"{"max_calls": 0}"#).starts_with("server.python.max_calls 0 is no bound"));
        for stuck in ["0", "-1", "1e9"] {
            assert!(checked(&format!("{{\"stuck\": {stuck}}}")).starts_with("server.python.stuck "), "{stuck}");
        }
    }
}
