//! `google.protobuf.Timestamp` ↔ aware `datetime` in UTC.
//!
//! Python's `datetime` ends at microseconds and at the years 1 to 9999; what is finer is dropped, what is outside refused.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyType};

use super::Shared;
use super::decode::expect;
use super::error::{Fail, Outcome};
use super::wire::{Reader, VARINT, Writer};

/// Seconds of 0001-01-01 and of the last second of 9999, the range of both sides.
const FIRST_SECOND: i64 = -62_135_596_800;
const LAST_SECOND: i64 = 253_402_300_799;

/// What is needed of the module `datetime`, imported at the first timestamp.
pub(super) struct Datetime {
    class: Py<PyType>,
    timedelta: Py<PyAny>,
    epoch: Py<PyAny>,
}

impl Datetime {
    fn get<'c>(py: Python<'_>, shared: &'c Shared) -> PyResult<&'c Self> {
        shared.datetime.get_or_try_init(py, || {
            let module = py.import("datetime")?;
            let utc = module.getattr("timezone")?.getattr("utc")?;
            let class = module.getattr("datetime")?.cast_into::<PyType>()?;
            let keywords = PyDict::new(py);
            keywords.set_item("tzinfo", utc)?;
            let epoch = class.call((1970, 1, 1), Some(&keywords))?.unbind();
            Ok(Self { class: class.unbind(), timedelta: module.getattr("timedelta")?.unbind(), epoch })
        })
    }
}

/// The lazily imported module, kept in [`Shared`].
pub(super) type Cell = PyOnceLock<Datetime>;

pub(super) fn decode<'py>(py: Python<'py>, shared: &Shared, data: &[u8]) -> Outcome<Bound<'py, PyAny>> {
    let (mut seconds, mut nanos) = (0i64, 0i32);
    let mut reader = Reader::new(data);
    while !reader.is_empty() {
        let (number, wire_type) = reader.tag().map_err(Fail::value)?;
        if number == 1 || number == 2 {
            expect(wire_type, VARINT)?;
            let read = reader.varint().map_err(Fail::value)?;
            if number == 1 { seconds = read as i64 } else { nanos = read as i32 }
        } else {
            reader.skip(number, wire_type).map_err(Fail::value)?;
        }
    }
    if !(FIRST_SECOND..=LAST_SECOND).contains(&seconds) || !(0..1_000_000_000).contains(&nanos) {
        return Err(Fail::value(format!("the time {seconds} s and {nanos} ns is outside the years 1 to 9999")));
    }
    let datetime = Datetime::get(py, shared)?;
    let delta = datetime.timedelta.bind(py).call1((0, seconds, nanos / 1000))?;
    Ok(datetime.epoch.bind(py).add(delta)?)
}

/// Whether the value is a `datetime`; does not import the module for a value of another type.
pub(super) fn is_datetime(shared: &Shared, value: &Bound<'_, PyAny>) -> PyResult<bool> {
    // Without the module there is no instance of its classes.
    let modules = value.py().import("sys")?.getattr("modules")?;
    if !modules.contains("datetime")? {
        return Ok(false);
    }
    value.is_instance(Datetime::get(value.py(), shared)?.class.bind(value.py()))
}

pub(super) fn encode(shared: &Shared, value: &Bound<'_, PyAny>, writer: &mut Writer) -> Outcome<()> {
    let py = value.py();
    let datetime = Datetime::get(py, shared)?;
    if !value.is_instance(datetime.class.bind(py))? {
        return Err(Fail::expected("datetime", value));
    }
    if value.call_method0("utcoffset")?.is_none() {
        return Err(Fail::value("the datetime has no time zone; use datetime.now(timezone.utc) or .astimezone()"));
    }
    let delta = value.sub(datetime.epoch.bind(py))?;
    let days: i64 = delta.getattr("days")?.extract()?;
    let seconds: i64 = delta.getattr("seconds")?.extract()?;
    let micros: i64 = delta.getattr("microseconds")?.extract()?;
    let seconds = days * 86_400 + seconds;
    if !(FIRST_SECOND..=LAST_SECOND).contains(&seconds) {
        return Err(Fail::value("in UTC the time is outside the years 1 to 9999"));
    }
    if seconds != 0 {
        writer.tag(1, VARINT);
        writer.varint(seconds as u64);
    }
    if micros != 0 {
        writer.tag(2, VARINT);
        writer.varint(micros as u64 * 1000);
    }
    Ok(())
}
