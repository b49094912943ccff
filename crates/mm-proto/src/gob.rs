//! How the messages travel in Go's gob: the same Rust types, in the form that Mattermost's own plugins speak.
//!
//! Generated are the Go structs behind all messages ([`Model`]) and the structs of net/rpc ([`api`], [`hooks`]); written by
//! hand is what they are built from: times, lists within lists, what is in an interface.
//!
//! What gob loses: a pointer to a zero scalar arrives as nil, a list or map that is empty as nil, and `Value`s of numbers as
//! the widest of their kind. A decoder keeps what the sender left out; [`mm_gob::Zeros`] says which zeros are sent after all.

mod codec;
mod interface;

#[rustfmt::skip]
#[path = "generated/gob/types.rs"]
mod types;

/// The structs of the API's methods: `Z_<Method>Args` and `Z_<Method>Returns`.
#[rustfmt::skip]
#[path = "generated/gob/api.rs"]
pub mod api;

/// The structs of the hooks: `Z_<Hook>Args` and `Z_<Hook>Returns`.
#[rustfmt::skip]
#[path = "generated/gob/hooks.rs"]
pub mod hooks;

pub use codec::{GoTime, Model, UintInInt, Wrapped, Wrapper};
pub use mm_gob;

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
mod tests;
