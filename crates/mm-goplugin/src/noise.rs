//! What tests of hostile bytes are made of.

/// A generator of bytes that look random, the same for the same seed: tests need no more.
pub(crate) fn noise(seed: u64) -> impl FnMut() -> u8 {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    }
}
