//! How the messages travel in Go's gob: the same Rust types, in the form that Mattermost's own plugins speak.
//!
//! Generated are the Go structs behind all messages ([`Model`]) and the structs of net/rpc ([`api`], [`hooks`]); written by
//! hand is what they are built from: times, lists within lists, what is in an interface.
//!
//! What gob loses on the way from Go: a pointer to a zero scalar arrives as nil, a list or map that is empty as nil, and
//! `Value`s of numbers as the widest of their kind. What goes to Go keeps its pointers to zero, which Go's decoder takes. A
//! decoder keeps what the sender left out; [`mm_gob::Zeros`] says which other zeros are sent after all.

mod codec;
mod interface;

#[rustfmt::skip]
#[path = "generated/gob/types.rs"]
mod types;

#[rustfmt::skip]
#[path = "generated/gob/settings.rs"]
mod settings;

/// The structs of the API's methods: `Z_<Method>Args` and `Z_<Method>Returns`.
#[rustfmt::skip]
#[path = "generated/gob/api.rs"]
pub mod api;

/// The structs of the hooks: `Z_<Hook>Args` and `Z_<Hook>Returns`.
#[rustfmt::skip]
#[path = "generated/gob/hooks.rs"]
pub mod hooks;

pub use codec::{GoTime, InterfaceField, Model, Noted, Noting, UintInInt, Wrapped, Wrapper};
pub use mm_gob;

/// A message whose pointers are never nil where it comes from, so that what gob has left out was zero: a configuration.
pub trait Fill {
    /// Puts zero where a pointer to a scalar is absent, in the message and in what it holds.
    fn fill(&mut self);
}

/// What a method returns that can fail: the results, and the error in Go's last place.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Returned<T, E> {
    /// The results; zero where there is an error.
    pub value: T,
    /// Why it failed.
    pub error: Option<E>,
}

impl<T, E> Returned<T, E> {
    /// The results or the error.
    ///
    /// # Errors
    /// What the other side failed with.
    pub fn into_result(self) -> Result<T, E> {
        match self.error {
            Some(error) => Err(error),
            None => Ok(self.value),
        }
    }
}

impl<T: Default, E> From<Result<T, E>> for Returned<T, E> {
    fn from(result: Result<T, E>) -> Self {
        match result {
            Ok(value) => Self { value, error: None },
            Err(error) => Self { value: T::default(), error: Some(error) },
        }
    }
}

/// Something to do with every struct; see the generated `visit` functions.
#[cfg(test)]
trait Visitor {
    fn visit<C, T>(&mut self, go: &'static str)
    where
        C: mm_gob::Codec<T>,
        T: Default + PartialEq + std::fmt::Debug;
}

#[cfg(test)]
pub(crate) mod random;
#[cfg(test)]
mod tests;
