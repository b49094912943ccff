//! The scalars: how numbers look on the wire.

/// Writes an unsigned number: one byte below 128, else the negated byte count and the bytes, big end first.
#[inline]
pub(crate) fn put_uint(out: &mut Vec<u8>, value: u64) {
    if value < 128 {
        out.push(value as u8);
    } else {
        put_long_uint(out, value);
    }
}

fn put_long_uint(out: &mut Vec<u8>, value: u64) {
    let length = uint_len(value) - 1;
    let mut bytes = [0; 9];
    bytes[0] = (length as u8).wrapping_neg();
    bytes[1..].copy_from_slice(&(value << (64 - 8 * length)).to_be_bytes());
    out.extend_from_slice(&bytes[..=length]);
}

/// How many bytes [`put_uint`] writes.
#[inline]
pub(crate) fn uint_len(value: u64) -> usize {
    if value < 128 { 1 } else { 9 - value.leading_zeros() as usize / 8 }
}

/// Writes a signed number: the sign goes into the lowest bit, so that small ones stay short.
#[inline]
pub(crate) fn put_int(out: &mut Vec<u8>, value: i64) {
    put_uint(out, zigzag(value));
}

#[inline]
fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

#[inline]
pub(crate) fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

/// Writes a float: its bits with the bytes reversed, because the low ones are mostly zero.
#[inline]
pub(crate) fn put_float(out: &mut Vec<u8>, value: f64) {
    put_uint(out, value.to_bits().swap_bytes());
}

/// Reads an unsigned number off the front of `data`. `Ok(None)`: there are not enough bytes. `Err`: no length is so long.
pub(crate) fn peek_uint(data: &[u8]) -> Result<Option<(u64, usize)>, ()> {
    let Some(&first) = data.first() else { return Ok(None) };
    if first < 128 {
        return Ok(Some((u64::from(first), 1)));
    }
    let length = usize::from(first.wrapping_neg());
    if length > 8 {
        return Err(());
    }
    let Some(bytes) = data.get(1..=length) else { return Ok(None) };
    let value = bytes.iter().fold(0, |value, &byte| value << 8 | u64::from(byte));
    Ok(Some((value, 1 + length)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_take_the_forms_go_gives_them() {
        let uint = |value| {
            let mut out = Vec::new();
            put_uint(&mut out, value);
            assert_eq!(out.len(), uint_len(value));
            assert_eq!(peek_uint(&out), Ok(Some((value, out.len()))));
            out
        };
        assert_eq!(uint(0), [0]);
        assert_eq!(uint(127), [127]);
        assert_eq!(uint(128), [0xff, 128]);
        assert_eq!(uint(256), [0xfe, 1, 0]);
        assert_eq!(uint(u64::MAX), [0xf8, 255, 255, 255, 255, 255, 255, 255, 255]);
        let int = |value| {
            let mut out = Vec::new();
            put_int(&mut out, value);
            let (raw, _) = peek_uint(&out).unwrap().unwrap();
            assert_eq!(unzigzag(raw), value);
            out
        };
        assert_eq!(int(-129), [0xfe, 1, 1]);
        assert_eq!(int(22), [0x2c]);
        int(i64::MIN);
        int(i64::MAX);
        let float = |value| {
            let mut out = Vec::new();
            put_float(&mut out, value);
            out
        };
        assert_eq!(float(17.0), [0xfe, 0x31, 0x40]);
        assert_eq!(float(1.5), [0xfe, 0xf8, 0x3f]);
    }

    #[test]
    fn long_forms_are_read_and_longer_ones_refused() {
        assert_eq!(peek_uint(&[0xfe, 0, 5]), Ok(Some((5, 3))));
        assert_eq!(peek_uint(&[0xf7, 0, 0, 0, 0, 0, 0, 0, 0, 5]), Err(()));
        assert_eq!(peek_uint(&[0xfe, 0]), Ok(None));
    }
}
