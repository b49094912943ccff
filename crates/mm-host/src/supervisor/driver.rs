//! The task that owns the plugin's process: waits for what happens, asks [`step`] what that means, and does it.

use std::sync::Arc;
use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until};
use tonic::Status;

use super::failure::Failure;
use super::run::{Run, Settings};
use super::status::{Hello, Limits, ProcessStatus};
use super::stdio::StreamSet;
use super::{Action, Ending, Event, Stage, State, requests, step};
use crate::downstream::{Connection, HelloCall, HookChannel, WorkerId};
use crate::error::HostError;
use crate::log::{LogLevel, LogRecord, LogSource};

/// Waits for the end of a start.
type Starter = oneshot::Sender<Result<Arc<Hello>, HostError>>;

/// An event of a task that belongs to a run, with the run's number.
type Notice = (u64, Event);

/// What the driver is asked to do.
pub(crate) enum Command {
    Start(Starter),
    /// `limits` take the place of those in the settings.
    Stop {
        reason: String,
        limits: Option<Limits>,
        done: oneshot::Sender<()>,
    },
    Streams(oneshot::Sender<Option<StreamSet>>),
}

/// The owner of the plugin's process.
pub(crate) struct Driver {
    settings: Settings,
    channel: HookChannel,
    commands: mpsc::Receiver<Command>,
    status: watch::Sender<ProcessStatus>,
    state: State,
    run: Option<Run>,
    notices: (mpsc::Sender<Notice>, mpsc::Receiver<Notice>),
    n_runs: u64,
    timer: Option<Instant>,
    starters: Vec<Starter>,
    stoppers: Vec<oneshot::Sender<()>>,
    reason: String,
    /// Why no process could be made at all.
    spawn_failure: Option<Failure>,
}

/// What woke the driver.
enum Woken {
    Command(Option<Command>),
    Hello(HelloCall),
    Event(Event),
}

impl Driver {
    pub(crate) fn new(
        settings: Settings,
        channel: HookChannel,
        commands: mpsc::Receiver<Command>,
    ) -> (Self, watch::Receiver<ProcessStatus>) {
        let idle = ProcessStatus { state: State::Idle, pid: None, hello: None, failure: None };
        let (status, watcher) = watch::channel(idle);
        let driver = Self {
            settings,
            channel,
            commands,
            status,
            state: State::Idle,
            run: None,
            notices: mpsc::channel(16),
            n_runs: 0,
            timer: None,
            starters: Vec::new(),
            stoppers: Vec::new(),
            reason: String::new(),
            spawn_failure: None,
        };
        (driver, watcher)
    }

    /// Drives until every handle is dropped and the process is gone.
    pub(crate) async fn run(mut self) {
        let mut abandoned = false;
        while !(abandoned && self.run.is_none()) {
            match self.wait(abandoned).await {
                Woken::Command(Some(command)) => self.obey(command).await,
                Woken::Command(None) => {
                    abandoned = true;
                    self.stop("the host gave the plugin up").await;
                }
                Woken::Hello(call) => self.greet(call).await,
                Woken::Event(event) => self.apply(event).await,
            }
        }
    }

    async fn wait(&mut self, abandoned: bool) -> Woken {
        let Self { run, commands, notices, timer, state, n_runs, .. } = self;
        let timer_event = match state {
            State::Starting => Event::HelloTimedOut,
            _ => Event::StageTimedOut,
        };
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
                        Woken::Event(Event::Exited)
                    }
                },
                None => std::future::pending().await,
            }
        };
        let current = *n_runs;
        let notice = async {
            loop {
                match notices.1.recv().await {
                    Some((number, event)) if number == current => return event,
                    Some(_) => {}
                    None => std::future::pending().await,
                }
            }
        };
        tokio::select! {
            command = commands.recv(), if !abandoned => Woken::Command(command),
            woken = process => woken,
            event = notice => Woken::Event(event),
            () = timer => Woken::Event(timer_event),
        }
    }

    async fn obey(&mut self, command: Command) {
        match command {
            Command::Start(started) => match self.state {
                State::Idle | State::Failed => {
                    self.starters.push(started);
                    self.apply(Event::Start).await;
                }
                State::Starting => self.starters.push(started),
                State::Running | State::Draining { .. } => {
                    let _ = started.send(Err(HostError::AlreadyRunning));
                }
            },
            Command::Stop { reason, limits, done } => {
                if let Some(limits) = limits {
                    self.settings.limits = limits;
                    // A stop that is under way already goes by them too.
                    self.timer = self.timer.and(self.time_allowed()).map(|it| Instant::now() + it);
                }
                self.stoppers.push(done);
                self.stop(&reason).await;
                if self.run.is_none() {
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
        let deactivate = self.channel.is_active() && self.run.as_ref().is_some_and(implements);
        self.apply(Event::Stop { deactivate }).await;
    }

    /// Takes an event: the new state, its timer, and what is to be done. Doing may be an event itself.
    async fn apply(&mut self, event: Event) {
        let mut next = Some(event);
        while let Some(event) = next.take() {
            if event == Event::HelloTimedOut {
                self.with_run(|run, limits| run.waited = Some(limits.start));
            }
            if event == Event::Unhealthy {
                self.with_run(|run, _| run.unhealthy = true);
            }
            let (state, actions) = step(self.state, event);
            if state != self.state || !actions.is_empty() {
                self.state = state;
                self.timer = self.time_allowed().map(|it| Instant::now() + it);
            }
            // Before the actions, since they tell those who wait, who then look at the status; `finish` publishes by itself.
            if !matches!(self.state, State::Idle | State::Failed) {
                self.publish();
            }
            for action in actions {
                next = self.act(action).await.or(next);
            }
        }
    }

    fn with_run(&mut self, change: impl FnOnce(&mut Run, &Limits)) {
        if let Some(run) = &mut self.run {
            change(run, &self.settings.limits);
        }
    }

    /// How long the present state may last.
    fn time_allowed(&self) -> Option<Duration> {
        let limits = &self.settings.limits;
        match self.state {
            State::Idle | State::Running | State::Failed => None,
            State::Starting => Some(limits.start),
            State::Draining { stage, .. } => Some(match stage {
                Stage::Deactivating => limits.deactivate,
                Stage::ShuttingDown => limits.shutdown,
                Stage::Terminating | Stage::Dumping | Stage::Killing => limits.terminate,
            }),
        }
    }

    /// Shows the state of a live process to whoever watches.
    fn publish(&self) {
        let run = self.run.as_ref();
        let hello = run.and_then(|it| it.hello.clone()).filter(|_| self.state == State::Running);
        let status = ProcessStatus { state: self.state, pid: run.map(|it| it.process.pid()), hello, failure: None };
        self.status.send_replace(status);
    }

    async fn act(&mut self, action: Action) -> Option<Event> {
        match action {
            Action::Spawn => return self.spawn().await,
            Action::Serve => self.serve(),
            Action::CloseDoor => self.channel.close("the plugin's process is ending", false),
            Action::Deactivate => self.request(requests::Request::Deactivate),
            Action::AskToShutDown => self.request(requests::Request::ShutDown),
            Action::Terminate => self.signal(Signal::SIGTERM),
            Action::Dump => self.signal(Signal::SIGABRT),
            Action::Kill => self.signal(Signal::SIGKILL),
            Action::Finish(ending) => self.finish(ending).await,
        }
        None
    }

    fn signal(&self, signal: Signal) {
        if let Some(run) = &self.run {
            run.process.signal(signal);
        }
    }

    async fn spawn(&mut self) -> Option<Event> {
        self.n_runs += 1;
        match Run::start(&self.settings).await {
            Ok(run) => {
                self.run = Some(run);
                self.publish();
                None
            }
            Err(error) => {
                let executable = self.settings.recipe.runtime.executable().display();
                let what = format!("{executable} could not be started: {error}");
                self.spawn_failure = Some(Failure { what, place: None, advice: String::new() });
                Some(Event::Exited)
            }
        }
    }

    /// Looks at a hello: is it one that this host understands, and can the process be reached?
    async fn greet(&mut self, call: HelloCall) {
        let starting = self.state == State::Starting;
        let Some(run) = self.run.as_mut().filter(|it| starting && it.hello.is_none()) else {
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

    /// Answers the hello, opens the way to the hooks, starts the health checks.
    fn serve(&mut self) {
        let response = self.settings.hello_response();
        let Some(run) = &mut self.run else { return };
        let (Some(connection), Some(hello)) = (run.connection.clone(), run.hello.clone()) else { return };
        self.channel.open(connection.clone(), WorkerId(self.n_runs), !hello.hooks.contains("OnActivate"));
        if let Some(answer) = run.unanswered.take() {
            let _ = answer.send(Ok(response));
        }
        if self.settings.limits.health_failures > 0 {
            let health = requests::watch_health(connection, self.settings.limits.clone());
            let (notices, number) = (self.notices.0.clone(), self.n_runs);
            run.tasks.spawn(async move {
                health.await;
                let _ = notices.send((number, Event::Unhealthy)).await;
            });
        }
        for starter in self.starters.drain(..) {
            let _ = starter.send(Ok(hello.clone()));
        }
    }

    /// Calls the process about its own end; the call's return is the end of the stage.
    fn request(&mut self, request: requests::Request) {
        let Some(run) = &mut self.run else { return };
        let Some(connection) = run.connection.clone() else { return };
        let call = request.send(
            connection,
            self.channel.deadlines().clone(),
            self.settings.limits.clone(),
            self.reason.clone(),
        );
        let (notices, number, sink) = (self.notices.0.clone(), self.n_runs, self.settings.sink.clone());
        run.tasks.spawn(async move {
            if let Err(status) = call.await {
                let text = format!("{request} failed: {}", status.message());
                sink(LogRecord::new(LogLevel::Warn, LogSource::Host, text));
            }
            let _ = notices.send((number, Event::StageDone)).await;
        });
    }

    async fn finish(&mut self, ending: Ending) {
        let failure = match self.run.take() {
            Some(run) => run.finish(&self.settings, ending).await,
            None => self.spawn_failure.take(),
        };
        let sink = self.settings.sink.clone();
        match &failure {
            None => self.channel.close("the plugin is stopped", false),
            Some(failure) => {
                self.channel.close(&format!("the plugin's process is gone: {}", failure.what), false);
                if ending == Ending::Crashed {
                    sink(LogRecord::new(LogLevel::Error, LogSource::Host, failure.to_string()));
                }
            }
        }
        self.status.send_replace(ProcessStatus { state: self.state, pid: None, hello: None, failure: failure.clone() });
        for starter in self.starters.drain(..) {
            let error = match &failure {
                Some(failure) => HostError::Start(failure.clone()),
                None => HostError::StoppedWhileStarting,
            };
            let _ = starter.send(Err(error));
        }
        self.tell_stoppers();
    }

    fn tell_stoppers(&mut self) {
        for stopper in self.stoppers.drain(..) {
            let _ = stopper.send(());
        }
    }
}
