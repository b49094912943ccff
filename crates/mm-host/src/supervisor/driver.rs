//! The task that owns one worker: waits for what happens to its process, asks [`step`] what that means, and does it.

mod act;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until};
use tonic::Status;

use super::failure::Failure;
use super::restart::{Deaths, RestartPolicy, Verdict};
use super::run::{Run, Settings};
use super::status::{Hello, Limits, ProcessStatus};
use super::stdio::StreamSet;
use super::{Ending, Event, Restart, Stage, State, requests, step};
use crate::downstream::{Connection, HelloCall, HookChannel, WorkerId};
use crate::error::HostError;

/// Waits for the end of a start.
type Starter = oneshot::Sender<Result<Arc<Hello>, HostError>>;

/// An event of a task that belongs to a run, with the run's number.
type Notice = (u64, Event);

/// What the driver is asked to do.
pub(crate) enum Command {
    Start(Starter),
    /// From now on a process that dies is followed by another.
    Keep,
    /// `limits` take the place of those in the settings.
    Stop {
        reason: String,
        limits: Option<Limits>,
        done: oneshot::Sender<()>,
    },
    Streams(oneshot::Sender<Option<StreamSet>>),
}

/// What the workers of a plugin share.
pub(crate) struct Shared {
    pub(crate) policy: RestartPolicy,
    deaths: Mutex<Deaths>,
    /// What deaths are counted from.
    beginning: Instant,
    /// How many processes there were.
    n_processes: std::sync::atomic::AtomicU64,
}

impl Shared {
    pub(crate) fn new(policy: RestartPolicy) -> Self {
        Self { policy, deaths: Mutex::default(), beginning: Instant::now(), n_processes: 0.into() }
    }

    /// Notes a death, and says what follows.
    pub(crate) fn death(&self) -> Verdict {
        let mut bytes = [0];
        // Without chance all delays are alike, which is no harm.
        let _ = getrandom::fill(&mut bytes);
        let mut deaths = self.deaths.lock().unwrap_or_else(PoisonError::into_inner);
        deaths.note(&self.policy, self.beginning.elapsed(), f64::from(bytes[0]) / 255.0)
    }

    fn number(&self) -> u64 {
        1 + self.n_processes.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
    }
}

/// The owner of one worker.
pub(crate) struct Driver {
    settings: Settings,
    shared: Arc<Shared>,
    channel: HookChannel,
    /// Whether `OnActivate` is called on this worker.
    activates: bool,
    commands: mpsc::Receiver<Command>,
    status: watch::Sender<ProcessStatus>,
    state: State,
    run: Option<Run>,
    notices: (mpsc::Sender<Notice>, mpsc::Receiver<Notice>),
    /// The number of the present process.
    number: u64,
    timer: Option<Instant>,
    starters: Vec<Starter>,
    stoppers: Vec<oneshot::Sender<()>>,
    reason: String,
    /// Why no process could be made at all.
    spawn_failure: Option<Failure>,
    /// Whether a process that dies is followed by another.
    keeping: bool,
    /// What follows the last death.
    verdict: Verdict,
}

/// What woke the driver.
enum Woken {
    Command(Option<Command>),
    Hello(HelloCall),
    Event(Event),
    Exited,
}

impl Driver {
    pub(crate) fn new(
        settings: Settings,
        shared: Arc<Shared>,
        channel: HookChannel,
        activates: bool,
        commands: mpsc::Receiver<Command>,
    ) -> (Self, watch::Receiver<ProcessStatus>) {
        let (status, watcher) = watch::channel(ProcessStatus::default());
        let driver = Self {
            settings,
            shared,
            channel,
            activates,
            commands,
            status,
            state: State::Stopped,
            run: None,
            notices: mpsc::channel(16),
            number: 0,
            timer: None,
            starters: Vec::new(),
            stoppers: Vec::new(),
            reason: String::new(),
            spawn_failure: None,
            keeping: false,
            verdict: Verdict::Enough(0),
        };
        (driver, watcher)
    }

    /// Drives until every handle is dropped and the process is gone.
    pub(crate) async fn run(mut self) {
        let mut abandoned = false;
        while !(abandoned && matches!(self.state, State::Stopped | State::Failed)) {
            match self.wait(abandoned).await {
                Woken::Command(Some(command)) => self.obey(command).await,
                Woken::Command(None) => {
                    abandoned = true;
                    self.stop("the host gave the plugin up").await;
                }
                Woken::Hello(call) => self.greet(call).await,
                Woken::Event(event) => self.apply(event).await,
                Woken::Exited => {
                    let again = self.again();
                    self.apply(Event::Exited { again }).await;
                }
            }
        }
    }

    async fn wait(&mut self, abandoned: bool) -> Woken {
        let Self { run, commands, notices, timer, state, number, .. } = self;
        let timer_event = if state.awaits_hello() { Event::HelloTimedOut } else { Event::TimedOut };
        let timer = async {
            match timer {
                Some(at) => sleep_until(*at).await,
                None => std::future::pending().await,
            }
        };
        let process = async {
            match run {
                // Biased: a hello that is there already counts before the end of the process.
                Some(run) => tokio::select! {
                    biased;
                    Some(call) = run.hellos.recv() => Woken::Hello(call),
                    status = run.process.exited() => {
                        run.status = status;
                        Woken::Exited
                    }
                },
                None => std::future::pending().await,
            }
        };
        let current = *number;
        let notice = async {
            loop {
                match notices.1.recv().await {
                    Some((number, event)) if number == current => return event,
                    Some(_) => {}
                    None => std::future::pending().await,
                }
            }
        };
        // Biased: what has happened counts before a time that is over, as it is after the machine stood still.
        tokio::select! {
            biased;
            command = commands.recv(), if !abandoned => Woken::Command(command),
            woken = process => woken,
            event = notice => Woken::Event(event),
            () = timer => Woken::Event(timer_event),
        }
    }

    async fn obey(&mut self, command: Command) {
        match command {
            Command::Start(started) => match self.state {
                State::Stopped | State::Failed => {
                    self.keeping = false;
                    self.starters.push(started);
                    self.apply(Event::Start).await;
                }
                State::Starting => self.starters.push(started),
                State::Running | State::Draining { .. } | State::Restarting(_) => {
                    let _ = started.send(Err(HostError::AlreadyRunning));
                }
            },
            Command::Keep => self.keeping = true,
            Command::Stop { reason, limits, done } => {
                if let Some(limits) = limits {
                    self.settings.limits = limits;
                    // A stop that is under way already goes by them too.
                    self.timer = self.timer.and(self.time_allowed()).map(|it| Instant::now() + it);
                }
                self.stoppers.push(done);
                self.stop(&reason).await;
                if matches!(self.state, State::Stopped | State::Failed) {
                    self.tell_stoppers();
                }
            }
            Command::Streams(answer) => {
                let _ = answer.send(self.run.as_ref().map(|it| it.stdio.streams()));
            }
        }
    }

    async fn stop(&mut self, reason: &str) {
        reason.clone_into(&mut self.reason);
        let implements = |run: &Run| run.hello.as_ref().is_some_and(|it| it.hooks.contains("OnDeactivate"));
        let deactivate = self.activates && self.channel.is_active() && self.run.as_ref().is_some_and(implements);
        self.apply(Event::Stop { deactivate }).await;
    }

    /// Whether the process that has just ended is followed by another; a death that nobody wanted counts.
    fn again(&mut self) -> bool {
        let wanted = matches!(self.state, State::Draining { ending: Ending::Stopped, .. });
        if !self.keeping || wanted {
            self.verdict = Verdict::Enough(0);
            return false;
        }
        self.verdict = self.shared.death();
        matches!(self.verdict, Verdict::Again(_))
    }

    /// Takes an event: the new state, its timer, and what is to be done. Doing may be an event itself.
    async fn apply(&mut self, event: Event) {
        let mut next = Some(event);
        while let Some(event) = next.take() {
            self.remember(event);
            let (state, actions) = step(self.state, event);
            if state != self.state || !actions.is_empty() {
                self.state = state;
                self.timer = self.time_allowed().map(|it| Instant::now() + it);
            }
            // Before the actions, since they tell those who wait, who then look at the status; `finish` publishes by itself.
            if self.state.is_alive() {
                self.publish();
            }
            for action in actions {
                next = self.act(action).await.or(next);
            }
        }
    }

    /// Keeps what explains the end of the process later.
    fn remember(&mut self, event: Event) {
        let start = self.settings.limits.start;
        let activating = self.state == State::Restarting(Restart::Activating);
        let Some(run) = &mut self.run else { return };
        match event {
            Event::HelloTimedOut => run.waited = Some(start),
            Event::Unhealthy => run.unhealthy = true,
            Event::TimedOut if matches!(self.state, State::Draining { stage: Stage::Dying, .. }) => {
                run.unhealthy = true;
            }
            Event::TimedOut if activating => run.refused = Some("OnActivate did not return in time".to_owned()),
            _ => {}
        }
    }

    /// How long the present state may last.
    fn time_allowed(&self) -> Option<Duration> {
        let limits = &self.settings.limits;
        match self.state {
            State::Stopped | State::Running | State::Failed => None,
            State::Starting | State::Restarting(Restart::Starting) => Some(limits.start),
            State::Restarting(Restart::Waiting) => match self.verdict {
                Verdict::Again(delay) => Some(delay),
                Verdict::Enough(_) => Some(Duration::ZERO),
            },
            State::Restarting(Restart::Activating) => Some(limits.activate),
            State::Draining { stage, .. } => Some(match stage {
                Stage::Deactivating => limits.deactivate,
                Stage::ShuttingDown => limits.shutdown,
                Stage::Terminating | Stage::Dying | Stage::Dumping | Stage::Killing => limits.terminate,
            }),
        }
    }

    /// Shows the state of a live process to whoever watches.
    fn publish(&self) {
        let run = self.run.as_ref();
        let hello = run.and_then(|it| it.hello.clone());
        let (state, pid) = (self.state, run.map(|it| it.process.pid()));
        self.status.send_modify(|status| {
            *status = ProcessStatus {
                state,
                pid,
                // While it is started again, what the last one said of itself.
                hello: match state {
                    State::Running => hello,
                    State::Restarting(_) => hello.or_else(|| status.hello.take()),
                    _ => None,
                },
                failure: status.failure.take().filter(|_| state != State::Starting),
                deaths: status.deaths,
            };
        });
    }

    /// Looks at a hello: is it one that this host understands, and can the process be reached?
    async fn greet(&mut self, call: HelloCall) {
        let expected = self.state.awaits_hello();
        let Some(run) = self.run.as_mut().filter(|it| expected && it.hello.is_none()) else {
            let _ = call
                .answer
                .send(Err(Status::failed_precondition("the host expects one hello, at the start of a process")));
            return;
        };
        let event = match requests::check_hello(&call.request) {
            Err(why) => Err(why),
            Ok(hello) => match Connection::open(&run.sockets.plugin_socket(), run.process.pid(), &run.token).await {
                Ok(connection) => {
                    run.connection = Some(connection);
                    run.hello = Some(Arc::new(hello));
                    Ok(())
                }
                Err(why) => Err(format!("the host could not connect to the plugin's socket: {why}")),
            },
        };
        match event {
            Ok(()) => {
                run.unanswered = Some(call.answer);
                self.apply(Event::Hello).await;
            }
            Err(why) => {
                let _ = call.answer.send(Err(Status::failed_precondition(why.clone())));
                run.refused = Some(why);
                self.apply(Event::HelloRefused).await;
            }
        }
    }

    /// The number of the present process, for the calls that it takes.
    fn worker(&self) -> WorkerId {
        WorkerId(self.number)
    }
}
