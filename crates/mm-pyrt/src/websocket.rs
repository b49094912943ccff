//! `mattermost_plugin._native.WebSocket`: tungstenite without a socket. The connection is a stream of parts of `ServeHTTP`, which Python
//! reads and writes; here are only frames.

use std::io::{self, ErrorKind, Read, Write};
use std::sync::Mutex;

use pyo3::exceptions::{PyRuntimeError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyString, PyTuple};
use tungstenite::error::CapacityError;
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tungstenite::{Error, Message};

use crate::lock;

/// What `feed` calls a binary message and a text; greater numbers are codes of the end.
const BINARY: u16 = 0;
const TEXT: u16 = 1;

/// The code of a close frame without one.
const NO_CODE: u16 = 1005;

/// Longest payload of a control frame, and of it what a reason may take.
const MAX_CONTROL: usize = 125;
const MAX_REASON: usize = MAX_CONTROL - 2;

#[pyclass(frozen, module = "mattermost_plugin._native")]
pub(crate) struct WebSocket(Mutex<State>);

struct State {
    socket: tungstenite::WebSocket<Pipe>,
    /// After an error of the client nothing more is understood.
    is_broken: bool,
}

/// Both directions, in memory.
#[derive(Default)]
struct Pipe {
    input: Vec<u8>,
    /// How much of `input` was read.
    at: usize,
    output: Vec<u8>,
}

/// Something that came from the client.
enum Event {
    Binary(tungstenite::Bytes),
    Text(tungstenite::Utf8Bytes),
    End(u16, String),
}

impl Read for Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let rest = &self.input[self.at..];
        if rest.is_empty() {
            self.input.clear();
            self.at = 0;
            return Err(ErrorKind::WouldBlock.into());
        }
        let n = rest.len().min(buffer.len());
        buffer[..n].copy_from_slice(&rest[..n]);
        self.at += n;
        Ok(n)
    }
}

impl Write for Pipe {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.output.extend_from_slice(data);
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[pymethods]
impl WebSocket {
    #[new]
    #[pyo3(signature = (max_message=16 << 20))]
    fn new(max_message: usize) -> Self {
        let config = WebSocketConfig::default()
            .max_message_size(Some(max_message))
            .max_frame_size(Some(max_message))
            .write_buffer_size(0);
        let socket = tungstenite::WebSocket::from_raw_socket(Pipe::default(), Role::Server, Some(config));
        Self(Mutex::new(State { socket, is_broken: false }))
    }

    fn feed<'py>(&self, py: Python<'py>, data: &[u8]) -> PyResult<Bound<'py, PyList>> {
        let events = PyList::empty(py);
        let mut state = lock(&self.0);
        state.socket.get_mut().input.extend_from_slice(data);
        while let Some(event) = state.next() {
            let event = match event {
                Event::Binary(data) => (BINARY, PyBytes::new(py, &data).into_any()),
                Event::Text(text) => (TEXT, PyString::new(py, &text).into_any()),
                Event::End(code, reason) => (code, PyString::new(py, &reason).into_any()),
            };
            events.append(event.into_pyobject(py)? as Bound<'_, PyTuple>)?;
        }
        Ok(events)
    }

    fn send(&self, message: &Bound<'_, PyAny>) -> PyResult<()> {
        let message = if let Ok(text) = message.cast::<PyString>() {
            Message::text(text.to_str()?)
        } else if let Ok(data) = message.cast::<PyBytes>() {
            Message::binary(data.as_bytes().to_vec())
        } else {
            return Err(PyTypeError::new_err("a WebSocket message is str or bytes"));
        };
        self.queue(message)
    }

    #[pyo3(signature = (payload=None))]
    fn ping(&self, payload: Option<&[u8]>) -> PyResult<()> {
        let payload = payload.unwrap_or_default();
        if payload.len() > MAX_CONTROL {
            return Err(PyValueError::new_err(format!("a ping carries {MAX_CONTROL} bytes at most")));
        }
        self.queue(Message::Ping(payload.to_vec().into()))
    }

    #[pyo3(signature = (code=1000, reason=""))]
    fn close(&self, code: u16, reason: &str) -> PyResult<()> {
        if !CloseCode::from(code).is_allowed() {
            return Err(PyValueError::new_err(format!("{code} is no code that a WebSocket may be closed with")));
        }
        lock(&self.0).close(code, reason);
        Ok(())
    }

    fn take<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        let mut state = lock(&self.0);
        state.flush();
        let output = std::mem::take(&mut state.socket.get_mut().output);
        PyBytes::new(py, &output)
    }
}

impl WebSocket {
    fn queue(&self, message: Message) -> PyResult<()> {
        let mut state = lock(&self.0);
        state
            .socket
            .write(message)
            .map_err(|error| PyRuntimeError::new_err(format!("the WebSocket is closed: {error}")))
    }
}

impl State {
    /// The next thing that the client's bytes say; `None` when there must come more of them.
    fn next(&mut self) -> Option<Event> {
        if self.is_broken {
            return None;
        }
        loop {
            match self.socket.read() {
                Ok(Message::Binary(data)) => return Some(Event::Binary(data)),
                Ok(Message::Text(text)) => return Some(Event::Text(text)),
                Ok(Message::Close(frame)) => {
                    let (code, reason) =
                        frame.map_or((NO_CODE, String::new()), |it| (it.code.into(), it.reason.to_string()));
                    return Some(Event::End(code, reason));
                }
                // Pings are answered by what is below.
                Ok(_) => {}
                Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => return None,
                Err(Error::ConnectionClosed | Error::AlreadyClosed) => return None,
                Err(error) => {
                    self.is_broken = true;
                    let (code, reason) = (code_of(&error), error.to_string());
                    self.close(code, &reason);
                    return Some(Event::End(code, reason));
                }
            }
        }
    }

    fn close(&mut self, code: u16, reason: &str) {
        let mut end = reason.len().min(MAX_REASON);
        while !reason.is_char_boundary(end) {
            end -= 1;
        }
        let frame = CloseFrame { code: code.into(), reason: reason[..end].into() };
        // One that is closed stays closed.
        let _ = self.socket.close(Some(frame));
        self.flush();
    }

    fn flush(&mut self) {
        // Memory takes everything; what is left is "closed", which the events said.
        let _ = self.socket.flush();
    }
}

/// How the end is called when the client broke the protocol.
fn code_of(error: &Error) -> u16 {
    match error {
        Error::Utf8(_) => CloseCode::Invalid.into(),
        Error::Capacity(CapacityError::MessageTooLong { .. }) => CloseCode::Size.into(),
        _ => CloseCode::Protocol.into(),
    }
}
