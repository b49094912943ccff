//! What to say of a process that ended since its memory was limited.

use super::MemoryLimit;
use crate::supervisor::failure::Failure;

/// What Python, Rust and the system print when there is no more memory.
const SIGNS: [&str; 4] = ["MemoryError", "memory allocation of", "Cannot allocate memory", "out of memory"];

/// How many of the last lines are looked at: what was printed long ago does not explain an end.
const LAST_LINES: usize = 20;

/// Names the limit in a failure that it explains.
pub(crate) fn explain(mut failure: Failure, memory: Option<MemoryLimit>, stderr: &str) -> Failure {
    let Some(MemoryLimit { limit, killed }) = memory else { return failure };
    let said = stderr.lines().rev().take(LAST_LINES).any(|line| SIGNS.iter().any(|it| line.contains(it)));
    if killed || said {
        failure.advice = format!(
            "there was no more memory, since server.python.limits.memory in the manifest is {limit}: raise it, or let the plugin use less"
        );
    }
    failure
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::Bytes;

    fn text(killed: bool, stderr: &str) -> String {
        let failure = Failure { what: "it ended".to_owned(), place: None, advice: String::new() };
        explain(failure, Some(MemoryLimit { limit: Bytes(64 << 20), killed }), stderr).to_string()
    }

    #[test]
    fn an_end_for_want_of_memory_names_the_limit() {
        let named = "it ended: there was no more memory, since server.python.limits.memory in the manifest is 64M: raise it, or let the plugin use less";
        assert_eq!(text(true, ""), named);
        assert_eq!(text(false, "Traceback (most recent call last):\nMemoryError\n"), named);
        assert_eq!(text(false, "ValueError: no\n"), "it ended");
        assert_eq!(text(false, &format!("MemoryError\n{}", "later\n".repeat(30))), "it ended", "that was long ago");
        let failure = Failure { what: "it ended".to_owned(), place: None, advice: String::new() };
        assert_eq!(explain(failure, None, "MemoryError\n").to_string(), "it ended", "nothing is limited");
    }
}
