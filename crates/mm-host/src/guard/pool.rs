//! How many calls of hooks that somebody waits for are under way. One too many does not wait, since its time would run out here: it is
//! answered at once, as if its handler had failed.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A bounded number of places.
pub(super) struct Pool {
    size: usize,
    places: Arc<Semaphore>,
}

/// The right to be under way; ends when dropped.
pub(super) type Place = OwnedSemaphorePermit;

impl Pool {
    pub(super) fn new(size: usize) -> Self {
        let size = size.clamp(1, Semaphore::MAX_PERMITS);
        Self { size, places: Arc::new(Semaphore::new(size)) }
    }

    /// How many places there are.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// A place, unless all are taken.
    pub(super) fn enter(&self) -> Option<Place> {
        self.places.clone().try_acquire_owned().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_free_again_when_its_call_is_over() {
        let pool = Pool::new(2);
        let (one, _two) = (pool.enter().unwrap(), pool.enter().unwrap());
        assert!(pool.enter().is_none());
        drop(one);
        assert!(pool.enter().is_some());
    }

    #[test]
    fn any_number_makes_a_pool() {
        assert_eq!(Pool::new(0).size(), 1);
        assert!(Pool::new(usize::MAX).enter().is_some());
    }
}
