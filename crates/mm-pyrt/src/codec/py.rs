//! The few Python operations that are worth doing below PyO3's safe layer: they run for every field of every message.

use std::ffi::c_int;
use std::ptr;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple, PyType};
use pyo3::{PyTypeInfo, ffi};

/// Reads or writes one slot of a `__slots__` class through its member descriptor, without a lookup by name.
pub(crate) struct Slot {
    descriptor: Py<PyAny>,
    get: ffi::descrgetfunc,
    set: ffi::descrsetfunc,
}

impl Slot {
    /// The slot `attr` of `class`, or `None` when that is no plain slot (then `getattr` and `setattr` do the work).
    pub(crate) fn of(class: &Bound<'_, PyType>, attr: &Bound<'_, PyString>) -> Option<Self> {
        let descriptor = class.getattr(attr).ok()?;
        // SAFETY: both are live objects. A static type's slots are readable since 3.10.
        unsafe {
            let kind = ffi::Py_TYPE(descriptor.as_ptr());
            if !ptr::eq(kind, &raw const ffi::PyMemberDescr_Type) {
                return None;
            }
            let get = ffi::PyType_GetSlot(kind, ffi::Py_tp_descr_get);
            let set = ffi::PyType_GetSlot(kind, ffi::Py_tp_descr_set);
            if get.is_null() || set.is_null() {
                return None;
            }
            Some(Self {
                descriptor: descriptor.unbind(),
                // SAFETY: these slots hold functions of these types, or null.
                get: std::mem::transmute::<*mut std::ffi::c_void, ffi::descrgetfunc>(get),
                set: std::mem::transmute::<*mut std::ffi::c_void, ffi::descrsetfunc>(set),
            })
        }
    }

    /// The descriptor checks the owner's type itself.
    #[inline]
    pub(crate) fn get<'py>(&self, owner: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        // SAFETY: live objects; the result is a new reference or null with an exception set.
        unsafe {
            let class = ffi::Py_TYPE(owner.as_ptr()).cast();
            Bound::from_owned_ptr_or_err(owner.py(), (self.get)(self.descriptor.as_ptr(), owner.as_ptr(), class))
        }
    }

    #[inline]
    pub(crate) fn set(&self, owner: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>) -> PyResult<()> {
        // SAFETY: live objects; the slot takes a reference of its own.
        check(owner.py(), unsafe { (self.set)(self.descriptor.as_ptr(), owner.as_ptr(), value.as_ptr()) })
    }
}

/// Makes instances without running `__init__`.
pub(crate) struct Maker {
    class: Py<PyType>,
    new: ffi::newfunc,
    no_args: Py<PyTuple>,
}

impl Maker {
    pub(crate) fn of(class: &Bound<'_, PyType>) -> PyResult<Self> {
        // SAFETY: a live class; the slot is inherited, so null means that the class cannot be instantiated.
        let new = unsafe { ffi::PyType_GetSlot(class.as_type_ptr(), ffi::Py_tp_new) };
        if new.is_null() {
            return Err(PyTypeError::new_err(format!("{class} cannot be instantiated")));
        }
        // SAFETY: this slot holds a function of this type.
        let new = unsafe { std::mem::transmute::<*mut std::ffi::c_void, ffi::newfunc>(new) };
        Ok(Self { class: class.clone().unbind(), new, no_args: PyTuple::empty(class.py()).unbind() })
    }

    pub(crate) fn class<'py>(&self, py: Python<'py>) -> &Bound<'py, PyType> {
        self.class.bind(py)
    }

    #[inline]
    pub(crate) fn make<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        // SAFETY: `tp_new` of this class, with an empty tuple and no keywords, as `cls.__new__(cls)` does.
        unsafe {
            let object = (self.new)(self.class.as_ptr().cast(), self.no_args.as_ptr(), ptr::null_mut());
            Bound::from_owned_ptr_or_err(py, object)
        }
    }

    /// Whether the value is of exactly this class, so that its slots are the class's own.
    #[inline]
    pub(crate) fn is_exact(&self, value: &Bound<'_, PyAny>) -> bool {
        ptr::eq(value.get_type_ptr().cast(), self.class.as_ptr())
    }
}

/// Text from UTF-8; the error is Python's `UnicodeDecodeError`.
#[inline]
pub(crate) fn new_str<'py>(py: Python<'py>, utf8: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: pointer and length are of one slice, whose length fits `isize`.
    unsafe {
        let text = ffi::PyUnicode_DecodeUTF8(utf8.as_ptr().cast(), utf8.len() as ffi::Py_ssize_t, ptr::null());
        Bound::from_owned_ptr_or_err(py, text)
    }
}

#[inline]
pub(crate) fn new_int(py: Python<'_>, value: i64) -> PyResult<Bound<'_, PyAny>> {
    // SAFETY: the interpreter is attached.
    unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyLong_FromLongLong(value)) }
}

#[inline]
pub(crate) fn new_uint(py: Python<'_>, value: u64) -> PyResult<Bound<'_, PyAny>> {
    // SAFETY: the interpreter is attached.
    unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyLong_FromUnsignedLongLong(value)) }
}

/// The UTF-8 form that CPython keeps inside a `str`; `None` when it has surrogates.
#[inline]
pub(crate) fn utf8<'a>(text: &'a Bound<'_, PyString>) -> Option<&'a [u8]> {
    let mut length: ffi::Py_ssize_t = 0;
    // SAFETY: a live `str`; the buffer lives as long as the object, which the result borrows.
    unsafe {
        let data = ffi::PyUnicode_AsUTF8AndSize(text.as_ptr(), &raw mut length);
        if data.is_null() {
            ffi::PyErr_Clear();
            return None;
        }
        Some(std::slice::from_raw_parts(data.cast(), length as usize))
    }
}

/// What an `int` holds.
pub(crate) enum Int {
    Signed(i64),
    /// Above `i64`.
    Unsigned(u64),
    /// Does not fit 64 bits.
    Huge,
}

/// Reads an `int` (or a subclass of it).
#[inline]
pub(crate) fn int_value(value: &Bound<'_, PyAny>) -> PyResult<Int> {
    let mut overflow: c_int = 0;
    // SAFETY: a live object.
    let signed = unsafe { ffi::PyLong_AsLongLongAndOverflow(value.as_ptr(), &raw mut overflow) };
    if overflow == 0 {
        if signed == -1
            && let Some(error) = PyErr::take(value.py())
        {
            return Err(error);
        }
        return Ok(Int::Signed(signed));
    }
    if overflow < 0 {
        return Ok(Int::Huge);
    }
    // SAFETY: a live `int`, as the call above found.
    let unsigned = unsafe { ffi::PyLong_AsUnsignedLongLong(value.as_ptr()) };
    Ok(if PyErr::take(value.py()).is_some() { Int::Huge } else { Int::Unsigned(unsigned) })
}

/// `bytes(value)` for an object with a buffer, such as a `memoryview`.
pub(crate) fn bytes_of<'py>(value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: a live object; the result is a new reference or null with an exception set.
    unsafe { Bound::from_owned_ptr_or_err(value.py(), ffi::PyBytes_FromObject(value.as_ptr())) }
}

/// Copies what a `bytearray` holds, before other Python code can change it.
pub(crate) fn bytearray_content(value: &Bound<'_, pyo3::types::PyByteArray>) -> Vec<u8> {
    // SAFETY: the GIL is held and no Python code runs while the content is copied.
    unsafe {
        let length = ffi::PyByteArray_Size(value.as_ptr()) as usize;
        let data: *const u8 = ffi::PyByteArray_AsString(value.as_ptr()).cast();
        std::slice::from_raw_parts(data, length).to_vec()
    }
}

/// A position in a `dict`. Unlike PyO3's iterator it ends with an error, not a panic, when the dict changes meanwhile.
pub(crate) struct DictWalk<'a, 'py> {
    dict: &'a Bound<'py, pyo3::types::PyDict>,
    position: ffi::Py_ssize_t,
    length: usize,
}

/// Key and value.
pub(crate) type Item<'py> = (Bound<'py, PyAny>, Bound<'py, PyAny>);

impl<'a, 'py> DictWalk<'a, 'py> {
    pub(crate) fn new(dict: &'a Bound<'py, pyo3::types::PyDict>) -> Self {
        use pyo3::types::PyDictMethods as _;
        Self { dict, position: 0, length: dict.len() }
    }

    /// The next item, `None` after the last, or an error when the dict changed its size.
    pub(crate) fn next(&mut self) -> Result<Option<Item<'py>>, &'static str> {
        use pyo3::types::PyDictMethods as _;
        if self.dict.len() != self.length {
            return Err("the dict was changed by another thread while it was encoded");
        }
        let (mut key, mut value) = (ptr::null_mut(), ptr::null_mut());
        // SAFETY: a live dict; key and value are borrowed from it and turned into references of our own at once.
        unsafe {
            if ffi::PyDict_Next(self.dict.as_ptr(), &raw mut self.position, &raw mut key, &raw mut value) == 0 {
                return Ok(None);
            }
            let py = self.dict.py();
            Ok(Some((Bound::from_borrowed_ptr(py, key), Bound::from_borrowed_ptr(py, value))))
        }
    }
}

/// Whether `value` is exactly a `bool`.
#[inline]
pub(crate) fn is_bool(value: &Bound<'_, PyAny>) -> bool {
    pyo3::types::PyBool::is_exact_type_of(value)
}

fn check(py: Python<'_>, result: c_int) -> PyResult<()> {
    if result == 0 { Ok(()) } else { Err(PyErr::fetch(py)) }
}
