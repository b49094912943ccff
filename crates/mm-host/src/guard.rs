//! What stands between the server's calls and the plugin's processes: limits of time, what happens when a handler fails, and the queue
//! of the hooks that nobody waits for.
//!
//! ```text
//! HooksClient ─► Guard ─► Workers ─► the process
//! ```
//!
//! It knows no hook by name: what a hook is for (`HookKind`), how its answer refuses (`Refusal`) and whether it is a stream (`Shape`)
//! is generated, and what a handler wants is in the process's hello ([`rules`]). Of a message it knows the bytes.
//!
//! | Hooks that | are |
//! |---|---|
//! | tell | let through some at a time ([`gate`]); called again if their process died and they are idempotent, else counted ([`losses`]) |
//! | decide, serve | let through at once unless too many are under way ([`pool`]); refused if the handler failed and wants that ([`answer`]) |
//! | are streams | the same, from the first part of their answer on without a limit ([`refusing`]) |
//!
//! A call that nobody disturbs costs no task and no change of thread here.

mod answer;
mod gate;
mod losses;
mod pool;
mod refusing;
mod rules;
mod vigil;

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, Uri};
use hyper::body::Body as _;
use mm_proto::{HookKind, HookName, Refusal, Shape};
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};
use tonic::body::Body;
use tonic::{Code, Status};
use tower::Service;

use self::answer::{Cause, Failure, Outcome, Whole};
use self::gate::{Bounds, Gate};
use self::losses::{Loss, Losses};
use self::pool::{Place, Pool};
use self::refusing::Refusing;
use self::rules::{Book, Rule};
use self::vigil::Vigil;
use crate::downstream::{Deadlines, NoWorker, Patience, WorkerId, WorkerLost};
use crate::log::{LogLevel, LogRecord, LogSink, LogSource};
use crate::metrics::Metrics;
use crate::supervisor::status::ProcessStatus;
use crate::workers::{Holding, Picked, Workers, is_of_life};

/// Calls that wait, unless the manifest says otherwise.
pub(crate) const QUEUE: usize = 1000;

/// Calls under way of hooks that somebody waits for, unless the manifest says otherwise.
pub(crate) const MAX_CALLS: usize = 4096;

/// Bytes of the calls that wait.
const QUEUE_BYTES: usize = 64 << 20;

/// Calls at a time of handlers that take no thread of the process.
const TASKS: usize = 256;

/// What the guard is set up with.
pub(crate) struct GuardSettings {
    pub(crate) deadlines: Deadlines,
    /// Calls that may wait, of the hooks that nobody waits for.
    pub(crate) queue: usize,
    /// Calls that may be under way, of the hooks that somebody waits for.
    pub(crate) max_calls: usize,
    /// Threads for handlers, of all processes together.
    pub(crate) threads: usize,
    /// How long a handler may go on after its time before its process is replaced.
    pub(crate) stuck: Duration,
    pub(crate) sink: LogSink,
    pub(crate) metrics: Metrics,
}

/// The transport of the client of `PluginHooks`. Cheap to clone; all clones are the same.
#[derive(Clone)]
pub(crate) struct Guard {
    shared: Arc<Shared>,
}

struct Shared {
    workers: Workers,
    book: Book,
    /// For handlers that take a thread of the process, and for others.
    threads: Gate,
    tasks: Gate,
    /// For hooks that somebody waits for.
    pool: Pool,
    losses: Losses,
    vigil: Vigil,
    sink: LogSink,
    metrics: Metrics,
}

impl Guard {
    pub(crate) fn new(workers: Workers, status: watch::Receiver<ProcessStatus>, settings: GuardSettings) -> Self {
        let GuardSettings { deadlines, queue, max_calls, threads, stuck, sink, metrics } = settings;
        // The others are for hooks that somebody waits for.
        let places = threads - threads.div_ceil(4).min(threads.saturating_sub(1));
        let bounds = Bounds { waiting: queue, bytes: QUEUE_BYTES };
        let length = metrics.queue("events");
        let shared = Shared {
            vigil: Vigil::new(workers.clone(), sink.clone(), stuck),
            workers,
            book: Book::new(deadlines, status),
            threads: Gate::new(places, bounds, length.clone()),
            tasks: Gate::new(TASKS, bounds, length),
            pool: Pool::new(max_calls),
            losses: Losses::new(sink.clone(), metrics.clone()),
            sink,
            metrics,
        };
        Self { shared: Arc::new(shared) }
    }

    async fn serve(self, request: Request<Body>) -> Response<Body> {
        let Ok(hook) = hook_of(request.uri()).parse::<HookName>() else {
            return Status::unimplemented(format!("{} is no hook", request.uri().path())).into_http();
        };
        let rules = self.shared.book.rules();
        let rule = rules.of(hook);
        match (rule.info.shape, rule.info.kind) {
            (Shape::Unary, HookKind::Tells) => self.tell(rule, Call::read(request).await).await,
            (Shape::Unary, HookKind::Decides | HookKind::Serves) => match self.enter(rule) {
                Ok(_place) => self.ask(rule, &mut Call::read(request).await).await,
                Err(full) => self.settle(rule, full),
            },
            (Shape::Upload | Shape::Exchange, _) => match self.enter(rule) {
                Ok(place) => {
                    let response = self.converse(rule, request).await;
                    // A stream is under way until its answer has ended.
                    response.map(|body| Body::new(Holding::new(body, place)))
                }
                Err(full) => self.settle(rule, full),
            },
        }
    }

    /// The right of a call that somebody waits for to be under way. What the plugin lives by has it always.
    fn enter(&self, rule: &Rule) -> Result<Option<Place>, Failure> {
        if is_of_life(rule.info.go) {
            return Ok(None);
        }
        let shared = &self.shared;
        shared.pool.enter().map(Some).ok_or_else(|| {
            shared.losses.note(Loss::Full, rule.info.name);
            let text = format!(
                "{} was not called: {} calls of the plugin are under way, and more may not be",
                rule.info.go,
                shared.pool.size()
            );
            Failure::new(Cause::Absent, Status::resource_exhausted(text))
        })
    }

    /// A hook whose answer somebody waits for.
    async fn ask(&self, rule: &Rule, call: &mut Call) -> Response<Body> {
        match self.attempt(rule, call).await {
            Outcome::Given(response) => response,
            Outcome::Failed(failure) => self.settle(rule, failure),
        }
    }

    /// A hook that nobody waits for. The answer comes when its handler is done, as a server expects of it, or when it is dropped.
    async fn tell(&self, rule: &Rule, mut call: Call) -> Response<Body> {
        let shared = &self.shared;
        let gate = if rule.blocks { &shared.threads } else { &shared.tasks };
        let shed = |hook| shared.losses.note(Loss::Shed, hook);
        let Some(_pass) = gate.enter(rule.info.name, call.message.len(), shed).await else {
            return answer::nothing();
        };
        let mut outcome = self.attempt(rule, &mut call).await;
        if rule.idempotent && matches!(&outcome, Outcome::Failed(failure) if failure.cause == Cause::Died) {
            shared.metrics.retried(rule.info.go);
            outcome = self.attempt(rule, &mut call).await;
        }
        match outcome {
            Outcome::Given(response) => response,
            Outcome::Failed(failure) => {
                if matches!(failure.cause, Cause::Died | Cause::Absent) {
                    shared.losses.note(Loss::Died, rule.info.name);
                }
                failure.response
            }
        }
    }

    /// A stream.
    async fn converse(&self, rule: &Rule, request: Request<Body>) -> Response<Body> {
        let patience = Patience::new(rule.info.go, rule.limit);
        let request = request.map(|body| patience.clone().watching(body));
        let until = Instant::now() + rule.limit;
        let picked = match self.pick(rule, until).await {
            Ok(picked) => picked,
            Err(why) => return self.settle(rule, Failure::new(Cause::Absent, Status::unavailable(why))),
        };
        let worker = picked.worker();
        let Ok(response) = timeout_at(until, picked.send(request)).await else {
            self.watch(worker, rule.limit);
            return self.settle(rule, Failure::new(Cause::Late, too_late(rule)));
        };
        if let Some(status) = answer::status_of(response.headers()) {
            if status.code() == Code::Ok || answer::is_on_purpose(&status, rule.info) {
                return response;
            }
            let why = status.message().to_owned();
            return self.settle(rule, Failure { response, why, cause: Cause::Failed });
        }
        let (guard, limit) = (self.clone(), rule.limit);
        let late = move || guard.watch(worker, limit);
        let response = response.map(|body| patience.limiting(body, late));
        match (&rule.rejection, rule.info.refusal) {
            (Some(text), Some(Refusal::Reason(path))) => {
                let (guard, refused) = (self.clone(), rule.clone());
                let told = move |why: &str| guard.say_refused(&refused, why);
                let refusal = answer::framed_reason(path, text);
                response.map(|body| Body::new(Refusing::new(body, refusal, told)))
            }
            _ => response,
        }
    }

    /// Makes a unary call, within its limit.
    async fn attempt(&self, rule: &Rule, call: &mut Call) -> Outcome {
        let until = Instant::now() + rule.limit;
        loop {
            let picked = match self.pick(rule, until).await {
                Ok(picked) => picked,
                Err(why) => return Outcome::Failed(Failure::new(Cause::Absent, Status::unavailable(why))),
            };
            let worker = picked.worker();
            let request = call.request(until.saturating_duration_since(Instant::now()));
            let answered = async {
                let response = picked.send(request).await;
                let lost = response.extensions().get::<WorkerLost>().is_some();
                let nobody = response.extensions().get::<NoWorker>().is_some();
                (nobody, lost, answer::judged(response, rule.info).await)
            };
            let outcome = match timeout_at(until, answered).await {
                Err(_) => self.late(rule, worker),
                // The process looks at its clock too, and may be the first to say so.
                Ok((_, false, Outcome::Failed(failure))) if failure.cause == Cause::Late => self.late(rule, worker),
                // It was gone between being picked and being called: nothing has happened.
                Ok((true, ..)) => continue,
                Ok((_, true, Outcome::Failed(failure))) => Outcome::Failed(Failure { cause: Cause::Died, ..failure }),
                Ok((.., outcome)) => outcome,
            };
            return outcome;
        }
    }

    /// A call whose time is over.
    fn late(&self, rule: &Rule, worker: WorkerId) -> Outcome {
        self.watch(worker, rule.limit);
        Outcome::Failed(Failure::new(Cause::Late, too_late(rule)))
    }

    /// Sees to it that a process with a handler that does not return is looked after.
    fn watch(&self, worker: WorkerId, limit: Duration) {
        self.shared.vigil.watch(worker, limit, self.shared.book.rules().stack_signal);
    }

    /// A process to call; waits for one that will come.
    async fn pick(&self, rule: &Rule, until: Instant) -> Result<Picked, String> {
        loop {
            let absent = match self.shared.workers.pick(rule.info.go) {
                Ok(picked) => return Ok(picked),
                Err(absent) => absent,
            };
            if !absent.coming {
                return Err(absent.why);
            }
            timeout_at(until, self.shared.workers.ready()).await.unwrap_or(Err(absent.why))?;
        }
    }

    /// What becomes of a call without an answer of its handler's.
    fn settle(&self, rule: &Rule, failure: Failure) -> Response<Body> {
        let refusal = rule.rejection.as_ref().and_then(|text| answer::refusal(rule.info, text));
        match refusal {
            Some(mut refusal) => {
                self.say_refused(rule, &failure.why);
                refusal.extensions_mut().insert(failure.cause.outcome());
                refusal
            }
            None => failure.response,
        }
    }

    /// A server logs failures; of a refusal in a failure's place it knows nothing.
    fn say_refused(&self, rule: &Rule, why: &str) {
        let text = format!("{} was refused, as its handler wants it when it fails: {why}", rule.info.go);
        (self.shared.sink)(LogRecord::new(LogLevel::Warn, LogSource::Host, text));
    }
}

impl Service<Request<Body>> for Guard {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let guard = self.clone();
        Box::pin(async move { Ok(guard.serve(request).await) })
    }
}

/// A unary call, which can be made more than once.
struct Call {
    uri: Uri,
    headers: HeaderMap,
    message: Bytes,
}

impl Call {
    /// Takes a request apart; its message is there already.
    async fn read(request: Request<Body>) -> Self {
        let (head, mut body) = request.into_parts();
        let mut message = Vec::new();
        while let Some(Ok(frame)) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
            message.extend(frame.into_data());
        }
        let message = if message.len() == 1 { message.remove(0) } else { message.concat().into() };
        Self { uri: head.uri, headers: head.headers, message }
    }

    /// The request, which may take so long.
    fn request(&mut self, limit: Duration) -> Request<Body> {
        const TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");
        let mut request = Request::new(Body::new(Whole { data: [self.message.clone()].into(), trailers: None }));
        *request.method_mut() = http::Method::POST;
        *request.version_mut() = http::Version::HTTP_2;
        *request.uri_mut() = self.uri.clone();
        request.headers_mut().clone_from(&self.headers);
        // Python sees how much time is left.
        request.headers_mut().insert(TIMEOUT, timeout_header(limit));
        request
    }
}

fn hook_of(uri: &Uri) -> &str {
    uri.path().rsplit('/').next().unwrap_or_default()
}

fn too_late(rule: &Rule) -> Status {
    let text = format!("{} did not return within {} s", rule.info.go, rule.limit.as_secs_f32());
    Status::new(Code::DeadlineExceeded, text)
}

/// A duration as gRPC writes it: at most eight digits and a unit.
fn timeout_header(limit: Duration) -> HeaderValue {
    let milliseconds = limit.as_millis().max(1);
    let text = if milliseconds < 100_000_000 {
        format!("{milliseconds}m")
    } else {
        format!("{}S", limit.as_secs().min(99_999_999))
    };
    HeaderValue::from_str(&text).expect("digits and a letter")
}

/// The answer of a stream, guarded, as it passes to the server: with a refusal in this text in the place of a failure.
#[cfg(any(test, fuzzing))]
pub(crate) fn refusing(body: Body, path: &[u32], text: &str) -> Body {
    Body::new(Refusing::new(body, answer::framed_reason(path, text), |_: &str| {}))
}

/// Whether the answer to a unary call is one of the handler's.
#[cfg(any(test, fuzzing))]
pub(crate) async fn is_answer(response: Response<Body>, info: &mm_proto::HookInfo) -> bool {
    matches!(answer::judged(response, info).await, Outcome::Given(_))
}

#[cfg(test)]
mod tests;
