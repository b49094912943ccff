//! The workers of a plugin together: started, stopped and replaced.
//!
//! Each worker has a driver of its own, which follows a process that died with another. What concerns all of them is here: that all say
//! the same in their hello, that a plugin has failed when one of its workers has, and that a process is replaced by another beside it
//! without a call being lost.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::future::join_all;
use mm_proto::PluginHooks;
use mm_proto::grpc::HooksClient;
use mm_proto::plugin::v1::{OnActivateRequest, OnConfigurationChangeRequest};
use tokio::sync::{mpsc, oneshot, watch};

use super::driver::{Command, Driver, Shared};
use super::failure::Failure;
use super::restart::{RestartPolicy, Verdict};
use super::run::Settings;
use super::status::{Hello, Limits, ProcessStatus};
use super::stdio::StreamSet;
use super::{Ending, State};
use crate::downstream::WorkerId;
use crate::error::HostError;
use crate::log::{LogLevel, LogRecord, LogSource};
use crate::metrics::RestartReason;
use crate::workers::{Seat, Workers};

/// The workers of a plugin. Their processes end when this is dropped.
pub(crate) struct Crew {
    settings: Settings,
    shared: Arc<Shared>,
    workers: Workers,
    /// One for each worker, the first one first.
    members: Mutex<Vec<Member>>,
    /// Those that are to take the place of one of them, and those whose place was taken.
    beside: Mutex<Vec<Member>>,
    /// Held by whoever replaces workers.
    replacing: tokio::sync::Mutex<()>,
    status: watch::Sender<ProcessStatus>,
    /// Why the plugin has failed for good, by what is decided here.
    failed: Mutex<Option<Failure>>,
}

/// A worker as its crew sees it.
#[derive(Clone)]
struct Member {
    commands: mpsc::Sender<Command>,
    status: watch::Receiver<ProcessStatus>,
    seat: Seat,
}

impl Member {
    async fn start(&self) -> Result<Arc<Hello>, HostError> {
        let (started, answer) = oneshot::channel();
        self.commands.send(Command::Start(started)).await.map_err(|_| HostError::Gone)?;
        answer.await.map_err(|_| HostError::Gone)?
    }

    async fn keep(&self) {
        let _ = self.commands.send(Command::Keep).await;
    }

    async fn stop(&self, reason: &str, limits: Option<Limits>) {
        let (done, answer) = oneshot::channel();
        if self.commands.send(Command::Stop { reason: reason.to_owned(), limits, done }).await.is_ok() {
            let _ = answer.await;
        }
    }

    async fn streams(&self) -> Option<StreamSet> {
        let (answer, streams) = oneshot::channel();
        self.commands.send(Command::Streams(answer)).await.ok()?;
        streams.await.ok()?
    }

    fn is(&self, other: &Self) -> bool {
        self.commands.same_channel(&other.commands)
    }

    fn state(&self) -> State {
        self.status.borrow().state
    }
}

impl Crew {
    /// So many workers, none of them started. Needs a tokio runtime.
    pub(crate) fn new(settings: Settings, policy: RestartPolicy, n: usize) -> Arc<Self> {
        let (stuck, told) = mpsc::unbounded_channel();
        let crew = Arc::new(Self {
            settings,
            shared: Arc::new(Shared::new(policy)),
            workers: Workers::new(stuck),
            members: Mutex::default(),
            beside: Mutex::default(),
            replacing: tokio::sync::Mutex::default(),
            status: watch::Sender::default(),
            failed: Mutex::default(),
        });
        let members: Vec<Member> = (0..n.max(1)).map(|index| crew.member(index)).collect();
        crew.workers.seat(members.iter().map(|it| it.seat.clone()).collect());
        *lock(&crew.members) = members;
        tokio::spawn(attend_to_stuck(Arc::downgrade(&crew), told));
        crew
    }

    /// Where calls go.
    pub(crate) fn workers(&self) -> &Workers {
        &self.workers
    }

    /// How the plugin is, and every change of that.
    pub(crate) fn watch(&self) -> watch::Receiver<ProcessStatus> {
        self.status.subscribe()
    }

    fn members(&self) -> Vec<Member> {
        lock(&self.members).clone()
    }

    /// A driver for the worker with this number, counted from 0.
    fn member(self: &Arc<Self>, index: usize) -> Member {
        let seat = Seat::new(self.workers.changes());
        let settings = Settings { worker: index, ..self.settings.clone() };
        let (commands, receiver) = mpsc::channel(16);
        let (driver, status) = Driver::new(settings, self.shared.clone(), seat.channel.clone(), index == 0, receiver);
        tokio::spawn(driver.run());
        let member = Member { commands, status, seat };
        tokio::spawn(follow(Arc::downgrade(self), member.status.clone()));
        member
    }

    /// Starts all workers, and waits for the hello of each.
    pub(crate) async fn start(&self) -> Result<Arc<Hello>, HostError> {
        *lock(&self.failed) = None;
        let members = self.members();
        let started = join_all(members.iter().map(Member::start)).await;
        self.refresh();
        let hellos: Result<Vec<_>, _> = started.into_iter().collect();
        let checked = hellos.and_then(|hellos| same(&hellos).map_err(HostError::Start));
        if let Err(error) = &checked
            && !matches!(error, HostError::AlreadyRunning)
        {
            if let HostError::Start(failure) = error {
                *lock(&self.failed) = Some(failure.clone());
            }
            join_all(members.iter().map(|it| it.stop("the plugin did not start", None))).await;
            self.refresh();
        }
        checked
    }

    /// From now on a process that dies is followed by another.
    pub(crate) async fn keep(&self) {
        join_all(self.members().iter().map(Member::keep)).await;
    }

    /// Ends all workers. `limits` take the place of those that they have.
    pub(crate) async fn stop(&self, reason: &str, limits: Option<Limits>) {
        let all: Vec<Member> = {
            let members = lock(&self.members);
            members.iter().chain(lock(&self.beside).iter()).cloned().collect()
        };
        join_all(all.iter().map(|it| it.stop(reason, limits.clone()))).await;
        self.refresh();
        self.settings.folder.remove();
    }

    /// What the processes that run print.
    pub(crate) async fn streams(&self) -> Vec<StreamSet> {
        join_all(self.members().iter().map(Member::streams)).await.into_iter().flatten().collect()
    }

    /// Replaces every worker by a new one, one after the other, each between two calls.
    ///
    /// # Errors
    /// Why a new process is of no use; the old one goes on then, and so do those that were not replaced yet.
    pub(crate) async fn swap(self: &Arc<Self>, reason: &str) -> Result<Arc<Hello>, HostError> {
        let _replacing = self.replacing.lock().await;
        let mut hello = None;
        for index in 0..self.members().len() {
            hello = Some(self.swap_one(index, reason).await?);
            self.settings.metrics.restart(RestartReason::Requested);
        }
        hello.ok_or(HostError::Gone)
    }

    /// Replaces one worker. Its calls end in their own time, if that is not too long.
    async fn swap_one(self: &Arc<Self>, index: usize, reason: &str) -> Result<Arc<Hello>, HostError> {
        let successor = self.member(index);
        lock(&self.beside).push(successor.clone());
        let swapped = match self.prepare(index, &successor).await {
            Ok(hello) => self.install(index, &successor).map(|old| (hello, old)),
            Err(error) => Err(error),
        };
        self.refresh();
        let leaving = swapped.as_ref().map_or(&successor, |(_, old)| old).clone();
        if swapped.is_ok() {
            leaving.seat.drained(self.settings.limits.drain).await;
        }
        leaving.stop(reason, None).await;
        lock(&self.beside).retain(|it| !it.is(&leaving));
        let pid = self.members().get(index).and_then(|it| it.status.borrow().pid);
        self.settings.metrics.process(index, pid);
        swapped.map(|it| it.0)
    }

    /// Starts and activates the process that is to take the place of the worker at `index`.
    async fn prepare(&self, index: usize, successor: &Member) -> Result<Arc<Hello>, HostError> {
        let hello = successor.start().await?;
        let limit = self.settings.limits.activate;
        let activated = tokio::time::timeout(limit, activate(&successor.seat, &hello, index == 0)).await;
        activated.map_err(|_| HostError::NotActivated { limit })??;
        successor.keep().await;
        Ok(hello)
    }

    /// Lets calls go to `successor` in place of the worker at `index`, unless the plugin was stopped meanwhile; gives the one before.
    fn install(&self, index: usize, successor: &Member) -> Result<Member, HostError> {
        let mut members = lock(&self.members);
        let current = members.get_mut(index).ok_or(HostError::Gone)?;
        let stopped = match current.state() {
            State::Stopped | State::Failed => true,
            State::Draining { ending, .. } => ending == Ending::Stopped,
            State::Starting | State::Running | State::Restarting(_) => false,
        };
        if stopped {
            return Err(HostError::StoppedWhileStarting);
        }
        let old = std::mem::replace(current, successor.clone());
        // Both under one lock, so that a stop finds each of them in one of the two lists.
        let mut beside = lock(&self.beside);
        beside.retain(|it| !it.is(successor));
        beside.push(old.clone());
        self.workers.replace(index, successor.seat.clone());
        Ok(old)
    }

    /// Replaces a worker one of whose handlers does not end. That counts as a death.
    async fn replace_stuck(self: &Arc<Self>, worker: WorkerId, why: &str) {
        let _replacing = self.replacing.lock().await;
        let index = self.members().iter().position(|it| it.seat.channel.worker() == Ok(worker));
        // Gone meanwhile.
        let Some(index) = index else { return };
        if let Verdict::Enough(n) = self.shared.death() {
            let what = format!("{why}, and that was the {n}th process within {:?}", self.shared.policy.window);
            self.fail(Failure { what, place: None, advice: String::new() }).await;
            return;
        }
        self.say(LogLevel::Error, format!("{why}: another process takes its place"));
        self.settings.metrics.restart(RestartReason::Stuck);
        if let Err(error) = self.swap_one(index, why).await {
            self.say(LogLevel::Error, format!("the process that was to take its place is of no use: {error}"));
        }
    }

    /// The plugin has failed for good: nothing of it goes on.
    async fn fail(&self, failure: Failure) {
        lock(&self.failed).get_or_insert(failure);
        join_all(self.members().iter().map(|it| it.stop("the plugin has failed", None))).await;
        self.refresh();
    }

    fn say(&self, level: LogLevel, text: String) {
        (self.settings.sink)(LogRecord::new(level, LogSource::Host, text));
    }

    /// Tells how the plugin is now.
    pub(crate) fn refresh(&self) {
        let members = lock(&self.members);
        let statuses: Vec<ProcessStatus> = members.iter().map(|it| it.status.borrow().clone()).collect();
        let failed = lock(&self.failed).clone();
        let running = statuses.iter().filter(|it| it.state == State::Running).count();
        self.settings.metrics.workers(running, statuses.len());
        // Under the lock of the members: a later look is told later.
        self.status.send_replace(together(&statuses, failed));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Calls what a server calls when it activates a plugin.
async fn activate(seat: &Seat, hello: &Hello, first: bool) -> Result<(), HostError> {
    let hooks = HooksClient::over(seat.channel.clone());
    if hello.hooks.contains("OnConfigurationChange") {
        let result = hooks.on_configuration_change(OnConfigurationChangeRequest {}).await;
        result.map_err(|error| HostError::Activation { hook: "OnConfigurationChange", error })?;
    }
    if first && hello.hooks.contains("OnActivate") {
        let result = hooks.on_activate(OnActivateRequest {}).await;
        result.map_err(|error| HostError::Activation { hook: "OnActivate", error })?;
    }
    Ok(())
}

/// The hello of all workers, which must have the same hooks.
fn same(hellos: &[Arc<Hello>]) -> Result<Arc<Hello>, Failure> {
    let Some(first) = hellos.first() else { return Ok(Arc::default()) };
    let differing =
        |it: &Arc<Hello>| -> BTreeSet<String> { it.hooks.symmetric_difference(&first.hooks).cloned().collect() };
    match hellos.iter().map(differing).find(|it| !it.is_empty()) {
        None => Ok(first.clone()),
        Some(hooks) => Err(Failure {
            what: format!(
                "the workers of the plugin do not have the same hooks: {} only in some",
                hooks.into_iter().collect::<Vec<_>>().join(", ")
            ),
            place: None,
            advice: "let the plugin's class not depend on when or where it is loaded".to_owned(),
        }),
    }
}

/// How a plugin is whose workers are so.
fn together(workers: &[ProcessStatus], failed: Option<Failure>) -> ProcessStatus {
    let Some(first) = workers.first() else { return ProcessStatus::default() };
    let failure =
        failed.or_else(|| workers.iter().find(|it| it.state == State::Failed).and_then(|it| it.failure.clone()));
    let over = workers.iter().all(|it| matches!(it.state, State::Stopped | State::Failed));
    let state = if failure.is_some() && over {
        State::Failed
    } else {
        // How the plugin is depends on the worker that is first in this order.
        let rank = |state: State| match state {
            State::Starting => 0,
            State::Running => 1,
            State::Restarting(_) => 2,
            State::Draining { .. } => 3,
            State::Failed => 4,
            State::Stopped => 5,
        };
        workers.iter().map(|it| it.state).min_by_key(|it| rank(*it)).unwrap_or(State::Stopped)
    };
    ProcessStatus {
        state,
        pid: first.pid,
        hello: first.hello.clone().or_else(|| workers.iter().find_map(|it| it.hello.clone())),
        failure: failure.or_else(|| workers.iter().find_map(|it| it.failure.clone())),
        deaths: workers.iter().map(|it| it.deaths).sum(),
    }
}

/// Tells the crew of every change of one of its workers; when that one has failed for good, the others are ended.
async fn follow(crew: std::sync::Weak<Crew>, mut status: watch::Receiver<ProcessStatus>) {
    while status.changed().await.is_ok() {
        let now = status.borrow_and_update().clone();
        let Some(crew) = crew.upgrade() else { return };
        crew.refresh();
        let is_member = crew.members().iter().any(|it| it.status.same_channel(&status));
        if now.state == State::Failed
            && is_member
            && crew.members().len() > 1
            && let Some(failure) = now.failure
        {
            crew.fail(failure).await;
        }
    }
}

/// Replaces workers that are said to be stuck.
async fn attend_to_stuck(crew: std::sync::Weak<Crew>, mut told: mpsc::UnboundedReceiver<(WorkerId, String)>) {
    while let Some((worker, why)) = told.recv().await {
        let Some(crew) = crew.upgrade() else { return };
        crew.replace_stuck(worker, &why).await;
    }
}
