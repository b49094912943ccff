//! `mattermost_plugin._native`: gRPC transport and codec for the Python process.
//!
//! The Python side of the interface is described in `python/src/mattermost_plugin/_native.pyi`.

mod aio;
mod client;
mod codec;
mod framing;
mod peer;
mod raw;
mod runtime;
mod server;
mod status;
mod wake;
mod websocket;

use std::sync::{Mutex, MutexGuard, PoisonError};

use pyo3::prelude::*;

#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<codec::Codec>()?;
    module.add_class::<client::Client>()?;
    module.add_class::<client::ClientStream>()?;
    module.add_class::<server::Server>()?;
    module.add_class::<server::Call>()?;
    module.add_class::<websocket::WebSocket>()?;
    module.add("RpcError", status::rpc_error_class(module.py())?)?;
    module.add_function(wrap_pyfunction!(version, module)?)
}

/// The version of the native core.
#[pyfunction]
fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

/// Locks without regard to a panic elsewhere: nothing that is locked here is left half-changed by one.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
