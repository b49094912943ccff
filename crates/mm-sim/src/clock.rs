//! Time and identifiers: real and random, or predictable when the server was made with a seed.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Mattermost's id alphabet (z-base-32).
const ALPHABET: &[u8; 32] = b"ybndrfg8ejkmcpqxot1uwisza345h769";

/// The clock and the source of ids. Lock-free, so that it can be asked with or without the world's lock.
#[derive(Debug)]
pub(crate) struct Clock {
    /// With a seed: the present. Without: what was added to the real time by `advance`.
    millis: AtomicI64,
    random: AtomicU64,
    predictable: bool,
}

impl Clock {
    pub(crate) fn real() -> Self {
        let mut seed = [0; 8];
        // Without random numbers from the system the time will do: ids only need to differ.
        if getrandom::fill(&mut seed).is_err() {
            seed = unix_millis().to_le_bytes();
        }
        Self { millis: AtomicI64::new(0), random: AtomicU64::new(u64::from_le_bytes(seed)), predictable: false }
    }

    pub(crate) fn predictable(seed: u64, start_at: i64) -> Self {
        Self { millis: AtomicI64::new(start_at), random: AtomicU64::new(seed), predictable: true }
    }

    /// Milliseconds since the Unix epoch. A predictable clock moves by one at each call, so that no two things share a time.
    pub(crate) fn now(&self) -> i64 {
        if self.predictable {
            self.millis.fetch_add(1, Ordering::Relaxed) + 1
        } else {
            unix_millis() + self.millis.load(Ordering::Relaxed)
        }
    }

    pub(crate) fn advance(&self, millis: i64) {
        self.millis.fetch_add(millis.max(0), Ordering::Relaxed);
    }

    /// A new id as Mattermost makes them: 26 characters of z-base-32.
    pub(crate) fn new_id(&self) -> String {
        let mut bits = (u128::from(self.next_random()) << 64) | u128::from(self.next_random());
        let mut id = String::with_capacity(26);
        for _ in 0..26 {
            id.push(char::from(ALPHABET[(bits & 31) as usize]));
            bits >>= 5;
        }
        id
    }

    /// splitmix64: every step adds a constant, which one atomic addition does.
    fn next_random(&self) -> u64 {
        let mut z = self.random.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

fn unix_millis() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_look_like_those_of_mattermost_and_differ() {
        let clock = Clock::real();
        let (a, b) = (clock.new_id(), clock.new_id());
        assert_eq!(a.len(), 26);
        assert!(a.bytes().all(|byte| ALPHABET.contains(&byte)));
        assert_ne!(a, b);
    }

    #[test]
    fn a_seed_makes_time_and_ids_predictable() {
        let (a, b) = (Clock::predictable(7, 1000), Clock::predictable(7, 1000));
        assert_eq!(a.new_id(), b.new_id());
        assert_eq!((a.now(), a.now()), (1001, 1002));
        a.advance(500);
        assert_eq!(a.now(), 1503);
    }
}
