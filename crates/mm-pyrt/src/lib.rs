//! `mattermost_plugin._native`: gRPC transport and codec for the Python process.
//!
//! The Python side of the interface is described in `python/src/mattermost_plugin/_native.pyi`.

mod codec;

use pyo3::prelude::*;

#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<codec::Codec>()?;
    module.add_function(wrap_pyfunction!(version, module)?)
}

/// The version of the native core.
#[pyfunction]
fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}
