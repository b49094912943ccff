//! What holds for the calls of each hook: the host's limits and what the plugin's handlers asked for in their hello.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use mm_proto::{HOOKS, HookInfo, HookName};
use tokio::sync::watch;

use crate::downstream::Deadlines;
use crate::supervisor::status::{Hello, HookOptions, ProcessStatus};

/// The rule of one hook.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    pub(super) info: &'static HookInfo,
    /// How long a call may take; of a stream until its answer begins.
    pub(super) limit: Duration,
    /// What the person who asked reads when the handler fails; `None` lets things go on as if the plugin had not been asked.
    pub(super) rejection: Option<Arc<str>>,
    /// Whether the handler may be called again when its process died.
    pub(super) idempotent: bool,
    /// Whether the handler takes a thread of the process while it runs.
    pub(super) blocks: bool,
}

/// The rules of all hooks.
#[derive(Debug)]
pub(super) struct Rules {
    /// By the position of their hook.
    by_hook: Vec<Rule>,
    /// The signal on which the process prints where its threads are; 0 for none.
    pub(super) stack_signal: i32,
}

impl Rules {
    fn new(hello: &Hello, deadlines: &Deadlines) -> Self {
        let by_hook = HOOKS.iter().map(|it| rule(it, hello.options.get(it.go), deadlines)).collect();
        Self { by_hook, stack_signal: hello.stack_signal }
    }

    pub(super) fn of(&self, hook: HookName) -> &Rule {
        &self.by_hook[hook as usize]
    }
}

fn rule(info: &'static HookInfo, options: Option<&HookOptions>, deadlines: &Deadlines) -> Rule {
    let rejection = options.and_then(|it| it.rejection.as_deref());
    Rule {
        info,
        limit: deadlines.of(info.name, options.and_then(|it| it.deadline)),
        rejection: rejection.filter(|_| info.refusal.is_some()).map(Arc::from),
        idempotent: options.is_some_and(|it| it.idempotent),
        // What says nothing of itself may block.
        blocks: options.is_none_or(|it| it.blocks),
    }
}

/// The rules as the last hello made them: they hold on while no process runs.
pub(super) struct Book {
    deadlines: Deadlines,
    status: watch::Receiver<ProcessStatus>,
    last: Mutex<(Arc<Hello>, Arc<Rules>)>,
}

impl Book {
    pub(super) fn new(deadlines: Deadlines, status: watch::Receiver<ProcessStatus>) -> Self {
        let hello = Arc::<Hello>::default();
        let rules = Arc::new(Rules::new(&hello, &deadlines));
        Self { deadlines, status, last: Mutex::new((hello, rules)) }
    }

    /// The rules that hold now.
    pub(super) fn rules(&self) -> Arc<Rules> {
        let hello = self.status.borrow().hello.clone();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(hello) = hello.filter(|it| !Arc::ptr_eq(it, &last.0)) {
            let rules = Arc::new(Rules::new(&hello, &self.deadlines));
            *last = (hello, rules);
        }
        last.1.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::State;

    fn status(hello: Option<Hello>) -> ProcessStatus {
        ProcessStatus { state: State::Running, pid: None, hello: hello.map(Arc::new), failure: None, deaths: 0 }
    }

    #[test]
    fn rules_stay_when_the_process_is_gone() {
        let mut hello = Hello::default();
        let asked = HookOptions {
            deadline: Some(Duration::from_secs(1)),
            rejection: Some("Not now.".to_owned()),
            idempotent: false,
            blocks: false,
        };
        hello.options.insert("UserWillLogIn".to_owned(), asked);
        let (sender, receiver) = watch::channel(status(None));
        let book = Book::new(Deadlines::default(), receiver);
        assert!(book.rules().of(HookName::UserWillLogIn).rejection.is_none());
        assert!(book.rules().of(HookName::UserWillLogIn).blocks);
        for known in [Some(hello), None] {
            sender.send_replace(status(known));
            let rules = book.rules();
            let rule = rules.of(HookName::UserWillLogIn);
            assert_eq!((rule.rejection.as_deref(), rule.limit.as_secs(), rule.blocks), (Some("Not now."), 1, false));
            assert!(rules.of(HookName::MessageWillBePosted).rejection.is_none());
        }
        sender.send_replace(status(Some(Hello::default())));
        assert!(book.rules().of(HookName::UserWillLogIn).rejection.is_none(), "another hello has other rules");
    }

    #[test]
    fn a_hook_that_cannot_refuse_never_does() {
        let mut hello = Hello::default();
        let asked = HookOptions { rejection: Some("No.".to_owned()), ..HookOptions::default() };
        hello.options.insert("MessagesWillBeConsumed".to_owned(), asked);
        let rules = Rules::new(&hello, &Deadlines::default());
        assert!(rules.of(HookName::MessagesWillBeConsumed).rejection.is_none());
    }
}
