//! What the driver of a worker does: the actions of the state machine.

use std::future::Future;

use mm_proto::grpc::HooksClient;
use mm_proto::plugin::v1::{OnActivateRequest, OnConfigurationChangeRequest};
use mm_proto::{HookName, PluginHooks};
use nix::sys::signal::Signal;

use super::super::{Action, Ending, Event, State, requests};
use super::{Driver, Failure, ProcessStatus, Run, Verdict};
use crate::downstream::{Deadlines, HookChannel};
use crate::error::HostError;
use crate::log::{LogLevel, LogRecord, LogSource};
use crate::metrics::RestartReason;

impl Driver {
    pub(super) async fn act(&mut self, action: Action) -> Option<Event> {
        match action {
            Action::Spawn => return self.spawn().await,
            Action::Greet => self.answer_hello(),
            Action::OpenDoor => self.open_door(),
            Action::Activate => self.activate(),
            Action::CloseDoor => {
                self.channel.close("the plugin's process is ending", self.keeping && !self.is_stopping())
            }
            Action::Deactivate => self.request(requests::Request::Deactivate),
            Action::AskToShutDown => self.request(requests::Request::ShutDown),
            Action::Terminate => self.signal(Signal::SIGTERM),
            Action::Dump => self.signal(Signal::SIGABRT),
            Action::Kill => self.signal(Signal::SIGKILL),
            Action::Finish(ending) => self.finish(ending).await,
        }
        None
    }

    fn is_stopping(&self) -> bool {
        matches!(self.state, State::Draining { ending: Ending::Stopped, .. })
    }

    fn say(&self, level: LogLevel, text: String) {
        (self.settings.sink)(LogRecord::new(level, LogSource::Host, text));
    }

    fn signal(&self, signal: Signal) {
        if let Some(run) = &self.run {
            run.process.signal(signal);
        }
    }

    async fn spawn(&mut self) -> Option<Event> {
        self.number = self.shared.number();
        match Run::start(&self.settings, self.number).await {
            Ok(run) => {
                self.run = Some(run);
                self.publish();
                None
            }
            Err(error) => {
                let executable = self.settings.recipe.runtime.executable().display();
                let what = format!("{executable} could not be started: {error}");
                self.spawn_failure = Some(Failure { what, place: None, advice: String::new() });
                let again = self.again();
                Some(Event::Exited { again })
            }
        }
    }

    /// Tells the process that it may serve, and watches it from now on.
    fn answer_hello(&mut self) {
        let response = self.settings.hello_response();
        let Some(run) = &mut self.run else { return };
        let Some(connection) = run.connection.clone() else { return };
        if let Some(answer) = run.unanswered.take() {
            let _ = answer.send(Ok(response));
        }
        self.notify(Event::Disconnected, connection.over());
        if self.settings.limits.health_failures > 0 {
            self.notify(Event::Unhealthy, requests::watch_health(connection, self.settings.limits.clone()));
        }
    }

    /// Sends the event when this is done, unless the process is gone by then.
    fn notify(&mut self, event: Event, done: impl Future<Output = ()> + Send + 'static) {
        let (notices, number) = (self.notices.0.clone(), self.number);
        let Some(run) = &mut self.run else { return };
        run.tasks.spawn(async move {
            done.await;
            let _ = notices.send((number, event)).await;
        });
    }

    fn open_door(&mut self) {
        let worker = self.worker();
        let Some(run) = &self.run else { return };
        let (Some(connection), Some(hello)) = (run.connection.clone(), run.hello.clone()) else { return };
        // One that took the place of another was activated by this driver.
        let active = self.keeping || !hello.hooks.contains("OnActivate");
        self.channel.open(connection, worker, active);
        if self.keeping {
            self.say(LogLevel::Info, format!("the plugin runs again, as process {}", run.process.pid()));
        }
        for starter in self.starters.drain(..) {
            let _ = starter.send(Ok(hello.clone()));
        }
    }

    /// Calls what a server calls when it activates a plugin, for a process that takes the place of another.
    fn activate(&mut self) {
        let (activates, sink) = (self.activates, self.settings.sink.clone());
        let (notices, number) = (self.notices.0.clone(), self.number);
        let Some(run) = &mut self.run else { return };
        let (Some(connection), Some(hello)) = (run.connection.clone(), run.hello.clone()) else { return };
        let why = run.not_activated.clone();
        run.tasks.spawn(async move {
            let hooks = HooksClient::over(HookChannel::to(connection));
            let limited = |hook: HookName| {
                let asked = hello.options.get(hook.as_str()).and_then(|it| it.deadline);
                hooks.clone().with_deadline(Deadlines::default().of(hook, asked))
            };
            let change = limited(HookName::OnConfigurationChange);
            if hello.hooks.contains("OnConfigurationChange")
                && let Err(error) = change.on_configuration_change(OnConfigurationChangeRequest {}).await
            {
                let text = format!("OnConfigurationChange failed: {error}");
                sink(LogRecord::new(LogLevel::Error, LogSource::Host, text));
            }
            let mut event = Event::Activated;
            if activates
                && hello.hooks.contains("OnActivate")
                && let Err(error) = limited(HookName::OnActivate).on_activate(OnActivateRequest {}).await
            {
                event =
                    if error.code() == tonic::Code::Unavailable { Event::Disconnected } else { Event::NotActivated };
                if event == Event::NotActivated {
                    let _ = why.set(format!("OnActivate failed: {error}"));
                }
            }
            let _ = notices.send((number, event)).await;
        });
    }

    /// Calls the process about its own end; the call's return is the end of the stage.
    fn request(&mut self, request: requests::Request) {
        let Some(run) = &mut self.run else { return };
        let Some(connection) = run.connection.clone() else { return };
        let call = request.send(connection, self.settings.limits.clone(), self.reason.clone());
        let (notices, number, sink) = (self.notices.0.clone(), self.number, self.settings.sink.clone());
        run.tasks.spawn(async move {
            if let Err(status) = call.await {
                let text = format!("{request} failed: {}", status.message());
                sink(LogRecord::new(LogLevel::Warn, LogSource::Host, text));
            }
            let _ = notices.send((number, Event::StageDone)).await;
        });
    }

    /// Clears away after a process, says why it ended, and tells whoever waits.
    pub(super) async fn finish(&mut self, ending: Ending) {
        let reason = self.run.as_ref().map_or(RestartReason::StartFailed, |it| it.reason(ending));
        let failure = match self.run.take() {
            Some(run) => run.finish(&self.settings, ending).await,
            None => self.spawn_failure.take(),
        };
        let failure = failure.map(|it| self.judged(it));
        let restarting = matches!(self.state, State::Restarting(_));
        if restarting {
            self.settings.metrics.restart(reason);
        }
        // First of all: whoever learns of it by a call looks at the status next.
        let state = self.state;
        self.status.send_modify(|status| {
            *status = ProcessStatus {
                state,
                pid: None,
                hello: status.hello.take().filter(|_| restarting),
                failure: failure.clone(),
                deaths: status.deaths + u64::from(failure.is_some()),
            };
        });
        match &failure {
            None => self.channel.close("the plugin is stopped", false),
            Some(failure) => {
                let coming = if restarting { "; another one is being started" } else { "" };
                self.channel.close(&format!("the plugin's process is gone: {}{coming}", failure.what), restarting);
                if ending == Ending::Crashed || self.keeping {
                    let next = match self.verdict {
                        Verdict::Again(delay) => format!(". It is started again in {:.1} s", delay.as_secs_f32()),
                        Verdict::Enough(_) => String::new(),
                    };
                    self.say(LogLevel::Error, format!("{failure}{next}"));
                }
            }
        }
        for starter in self.starters.drain(..) {
            let error = match &failure {
                Some(failure) => HostError::Start(failure.clone()),
                None => HostError::StoppedWhileStarting,
            };
            let _ = starter.send(Err(error));
        }
        if !restarting {
            self.tell_stoppers();
        }
    }

    /// The failure, with the number of deaths when that is why nothing follows.
    fn judged(&self, failure: Failure) -> Failure {
        match self.verdict {
            Verdict::Enough(n) if n > 1 => {
                let minutes = self.shared.policy.window.as_secs_f32() / 60.0;
                let what = format!("{}, and was the {n}th death within {minutes} minutes", failure.what);
                Failure { what, ..failure }
            }
            _ => failure,
        }
    }

    pub(super) fn tell_stoppers(&mut self) {
        for stopper in self.stoppers.drain(..) {
            let _ = stopper.send(());
        }
    }
}
