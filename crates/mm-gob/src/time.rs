//! Go's `time.Time`, as it marshals itself.

use std::time::{Duration, SystemTime};

use crate::codec::Marshaled;
use crate::error::{DecodeError, EncodeError};

/// Seconds from the first of January of the year 1, where Go's zero time is, to the Unix epoch.
const ZERO_TO_UNIX: i64 = 62_135_596_800;

/// Go's `time.Time`, by the codec [`GobEncoded`](crate::codec::GobEncoded). Its default is Go's zero time, in the year 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Time {
    /// Seconds since the Unix epoch.
    pub seconds: i64,
    /// Nanoseconds after that, below 1 000 000 000.
    pub nanos: u32,
    /// Seconds east of Greenwich; `None` is UTC. Never −60 to −1 when written: that would read as UTC.
    pub offset: Option<i32>,
}

impl Time {
    /// Go's zero time.
    pub const ZERO: Self = Self { seconds: -ZERO_TO_UNIX, nanos: 0, offset: None };

    /// A time in UTC.
    pub const fn from_unix(seconds: i64, nanos: u32) -> Self {
        Self { seconds, nanos, offset: None }
    }
}

impl Default for Time {
    fn default() -> Self {
        Self::ZERO
    }
}

impl From<SystemTime> for Time {
    fn from(time: SystemTime) -> Self {
        match time.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(after) => Self::from_unix(after.as_secs() as i64, after.subsec_nanos()),
            Err(error) => {
                let before = error.duration();
                let nanos = before.subsec_nanos();
                let borrow = i64::from(nanos > 0);
                Self::from_unix(-(before.as_secs() as i64) - borrow, (1_000_000_000 * borrow) as u32 - nanos)
            }
        }
    }
}

/// Fails for times that the system cannot represent.
impl TryFrom<Time> for SystemTime {
    type Error = DecodeError;

    fn try_from(time: Time) -> Result<Self, DecodeError> {
        let whole = Duration::from_secs(time.seconds.unsigned_abs());
        let base =
            if time.seconds < 0 { Self::UNIX_EPOCH.checked_sub(whole) } else { Self::UNIX_EPOCH.checked_add(whole) };
        base.and_then(|base| base.checked_add(Duration::from_nanos(u64::from(time.nanos))))
            .ok_or_else(|| DecodeError::marshal("the system has no such time"))
    }
}

impl Marshaled for Time {
    const NAME: &'static str = "Time";

    fn is_zero(&self) -> bool {
        *self == Self::ZERO
    }

    fn marshal(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let (minutes, seconds) = match self.offset {
            None => (-1, 0),
            Some(offset) => match i16::try_from(offset / 60) {
                Ok(-1) | Err(_) => {
                    return Err(EncodeError::marshal(format!("the zone offset {offset} s cannot be sent")));
                }
                Ok(minutes) => (minutes, (offset % 60) as i8),
            },
        };
        if self.nanos >= 1_000_000_000 {
            return Err(EncodeError::marshal(format!("{} nanoseconds are a second or more", self.nanos)));
        }
        out.push(if seconds == 0 { 1 } else { 2 });
        out.extend_from_slice(&self.seconds.wrapping_add(ZERO_TO_UNIX).to_be_bytes());
        out.extend_from_slice(&self.nanos.to_be_bytes());
        out.extend_from_slice(&minutes.to_be_bytes());
        if seconds != 0 {
            out.push(seconds as u8);
        }
        Ok(())
    }

    fn unmarshal(&mut self, bytes: &[u8]) -> Result<(), DecodeError> {
        let extra = match bytes.first() {
            Some(1) if bytes.len() == 15 => 0,
            Some(2) if bytes.len() == 16 => i32::from(bytes[15] as i8),
            _ => return Err(DecodeError::marshal("not a time in version 1 or 2")),
        };
        let seconds = bytes[1..9].iter().fold(0, |value, &byte| value << 8 | i64::from(byte));
        let nanos = bytes[9..13].iter().fold(0, |value, &byte| value << 8 | u32::from(byte));
        if nanos >= 1_000_000_000 {
            return Err(DecodeError::marshal("a time with a second or more of nanoseconds"));
        }
        let offset = match i16::from_be_bytes([bytes[13], bytes[14]]) {
            -1 => None,
            minutes => Some(i32::from(minutes) * 60 + extra),
        };
        *self = Self { seconds: seconds.wrapping_sub(ZERO_TO_UNIX), nanos, offset };
        Ok(())
    }
}
