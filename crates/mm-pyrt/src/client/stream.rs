//! The calling side of a streaming rpc.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use bytes::Bytes;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::{Status, Streaming};

use super::connection::clarified;
use super::{Prepared, within};
use crate::aio::{self, Done};
use crate::raw::Raw;
use crate::{codec, lock, runtime};

/// How many request messages may wait for the peer before a writer waits.
const WINDOW: usize = 4;

/// `mattermost_plugin._native.ClientStream`.
#[pyclass(frozen, module = "mattermost_plugin._native")]
pub(crate) struct ClientStream {
    codec: Arc<codec::Shared>,
    request: String,
    response: String,
    /// `None` after the last message.
    writer: Mutex<Option<mpsc::Sender<Bytes>>>,
    reader: Arc<Reader>,
    opening: AbortHandle,
}

/// The response side; one message is read at a time.
struct Reader {
    state: tokio::sync::Mutex<State>,
    deadline: Option<Instant>,
    cancelled: CancellationToken,
}

enum State {
    /// The peer has not sent its headers yet.
    Opening(oneshot::Receiver<Result<Streaming<Bytes>, Status>>),
    Open(Box<Streaming<Bytes>>),
    /// Over: `Ok` after the last message.
    Over(Result<(), Status>),
}

impl ClientStream {
    pub(super) fn open(codec: Arc<codec::Shared>, request: &str, response: &str, prepared: Prepared) -> PyResult<Self> {
        let deadline = prepared.timeout.map(|it| Instant::now() + it);
        let (writer, messages) = mpsc::channel(WINDOW);
        let (opened, opening) = oneshot::channel();
        let task = runtime::runtime()?.spawn(async move {
            let open = async {
                let request = prepared.request(ReceiverStream::new(messages));
                let mut grpc = prepared.grpc().await?;
                let response = grpc.streaming(request, prepared.path, Raw).await.map_err(clarified)?;
                Ok(response.into_inner())
            };
            // Nobody may be interested any more.
            let _ = opened.send(within(deadline, open).await);
        });
        Ok(Self {
            codec,
            request: request.to_owned(),
            response: response.to_owned(),
            writer: Mutex::new(Some(writer)),
            reader: Arc::new(Reader {
                state: tokio::sync::Mutex::new(State::Opening(opening)),
                deadline,
                cancelled: CancellationToken::new(),
            }),
            opening: task.abort_handle(),
        })
    }

    /// The work of a write: tells whether the peer still takes messages.
    fn writing(&self, values: &Bound<'_, PyTuple>) -> PyResult<impl Future<Output = bool> + Send + use<>> {
        runtime::runtime()?;
        let body = self.codec.encode(&self.request, values.as_any())?;
        let writer = lock(&self.writer).clone();
        let cancelled = self.reader.cancelled.clone();
        Ok(async move {
            let Some(writer) = writer else { return false };
            tokio::select! {
                sent = writer.send(body) => sent.is_ok(),
                () = cancelled.cancelled() => false,
            }
        })
    }
}

#[pymethods]
impl ClientStream {
    fn write(&self, values: &Bound<'_, PyTuple>) -> PyResult<bool> {
        runtime::wait(values.py(), self.writing(values)?)
    }

    fn write_async<'py>(&self, values: &Bound<'py, PyTuple>) -> PyResult<Bound<'py, PyAny>> {
        let writing = self.writing(values)?;
        let work = async move { Done::Written(writing.await) };
        aio::spawn(values.py(), Arc::clone(&self.codec), &self.response, work)
    }

    fn done_writing(&self) -> PyResult<()> {
        runtime::runtime()?;
        drop(lock(&self.writer).take());
        Ok(())
    }

    fn read<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let message = runtime::wait(py, self.reader.next())?;
        Done::Message(message).into_result(py, &self.codec, &self.response)
    }

    fn read_async<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let reader = Arc::clone(&self.reader);
        let work = async move { Done::Message(reader.next().await) };
        aio::spawn(py, Arc::clone(&self.codec), &self.response, work)
    }

    fn cancel(&self) -> PyResult<()> {
        let runtime = runtime::runtime()?;
        self.opening.abort();
        self.reader.cancelled.cancel();
        let reader = Arc::clone(&self.reader);
        // Dropping the response is what tells the peer; a reader that holds it lets go at once.
        runtime.spawn(async move { reader.end().await });
        drop(lock(&self.writer).take());
        Ok(())
    }
}

impl Drop for ClientStream {
    fn drop(&mut self) {
        if runtime::is_own_process() {
            let _ = self.cancel();
        }
    }
}

impl Reader {
    async fn next(&self) -> Result<Option<Bytes>, Status> {
        let mut state = self.state.lock().await;
        let result = tokio::select! {
            result = within(self.deadline, Self::advance(&mut state)) => result,
            () = self.cancelled.cancelled() => Err(Status::cancelled("the stream was cancelled here")),
        };
        match result {
            Ok(Some(message)) => Ok(Some(message)),
            // The end is told again to who asks again.
            Ok(None) => {
                *state = State::Over(Ok(()));
                Ok(None)
            }
            Err(status) => {
                *state = State::Over(Err(status.clone()));
                Err(status)
            }
        }
    }

    async fn advance(state: &mut State) -> Result<Option<Bytes>, Status> {
        if let State::Opening(opening) = state {
            let opened = opening.await.map_err(|_| Status::cancelled("the stream was cancelled here"))?;
            *state = State::Open(Box::new(opened?));
        }
        match state {
            State::Open(stream) => stream.message().await.map_err(clarified),
            State::Over(Ok(())) | State::Opening(_) => Ok(None),
            State::Over(Err(status)) => Err(status.clone()),
        }
    }

    async fn end(&self) {
        let mut state = self.state.lock().await;
        if !matches!(*state, State::Over(_)) {
            *state = State::Over(Err(Status::cancelled("the stream was cancelled here")));
        }
    }
}
