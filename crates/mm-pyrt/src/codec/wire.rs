//! Protobuf's wire format: varints, tags, length-delimited fields. Knows no tables and no Python.

/// Wire types.
pub(crate) const VARINT: u8 = 0;
pub(crate) const FIXED64: u8 = 1;
pub(crate) const LENGTH: u8 = 2;
const START_GROUP: u8 = 3;
const END_GROUP: u8 = 4;
pub(crate) const FIXED32: u8 = 5;

/// How deep messages may nest, the same as in protobuf's other implementations, so that what one side sends the other reads.
pub(crate) const MAX_DEPTH: u32 = 100;

/// What is wrong with bytes.
pub(crate) type WireResult<T> = Result<T, &'static str>;

const TRUNCATED: &str = "the bytes end in the middle of a field";
const BAD_VARINT: &str = "a number is longer than ten bytes";

/// Reads one field after another.
pub(crate) struct Reader<'a> {
    data: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(data: &'a [u8]) -> Self {
        Self { data, at: 0 }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.at >= self.data.len()
    }

    /// Field number and wire type of what comes next.
    #[inline]
    pub(crate) fn tag(&mut self) -> WireResult<(u32, u8)> {
        let tag = self.varint()?;
        let number = u32::try_from(tag >> 3).map_err(|_| "a field number is too big")?;
        if number == 0 || number > 0x1fff_ffff {
            return Err("a field number is out of range");
        }
        Ok((number, (tag & 7) as u8))
    }

    #[inline]
    pub(crate) fn varint(&mut self) -> WireResult<u64> {
        match self.data.get(self.at) {
            Some(&byte) if byte < 0x80 => {
                self.at += 1;
                Ok(u64::from(byte))
            }
            Some(_) => self.long_varint(),
            None => Err(TRUNCATED),
        }
    }

    fn long_varint(&mut self) -> WireResult<u64> {
        let mut value = 0u64;
        for shift in (0..70).step_by(7) {
            let &byte = self.data.get(self.at).ok_or(TRUNCATED)?;
            self.at += 1;
            if shift == 63 && byte > 1 {
                return Err(BAD_VARINT);
            }
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(BAD_VARINT)
    }

    pub(crate) fn fixed32(&mut self) -> WireResult<u32> {
        let bytes = self.take(4)?;
        Ok(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    pub(crate) fn fixed64(&mut self) -> WireResult<u64> {
        let (low, high) = (self.fixed32()?, self.fixed32()?);
        Ok(u64::from(low) | u64::from(high) << 32)
    }

    /// The content of a length-delimited field.
    #[inline]
    pub(crate) fn bytes(&mut self) -> WireResult<&'a [u8]> {
        let length = self.varint()?;
        let length = usize::try_from(length).map_err(|_| TRUNCATED)?;
        self.take(length)
    }

    fn take(&mut self, length: usize) -> WireResult<&'a [u8]> {
        let end = self.at.checked_add(length).ok_or(TRUNCATED)?;
        let bytes = self.data.get(self.at..end).ok_or(TRUNCATED)?;
        self.at = end;
        Ok(bytes)
    }

    /// Passes over a field whose tag was read.
    pub(crate) fn skip(&mut self, number: u32, wire_type: u8) -> WireResult<()> {
        match wire_type {
            START_GROUP => self.skip_group(number),
            _ => self.skip_plain(wire_type),
        }
    }

    fn skip_plain(&mut self, wire_type: u8) -> WireResult<()> {
        match wire_type {
            VARINT => self.varint().map(drop),
            FIXED64 => self.take(8).map(drop),
            LENGTH => self.bytes().map(drop),
            FIXED32 => self.take(4).map(drop),
            END_GROUP => Err("a group ends that did not begin"),
            _ => Err("a field has a wire type that does not exist"),
        }
    }

    /// Groups are from proto2; an unknown one is passed over without recursion.
    fn skip_group(&mut self, number: u32) -> WireResult<()> {
        let mut open = vec![number];
        while let Some(&innermost) = open.last() {
            let (number, wire_type) = self.tag()?;
            match wire_type {
                START_GROUP if open.len() as u32 >= MAX_DEPTH => return Err("groups are nested too deeply"),
                START_GROUP => open.push(number),
                END_GROUP if number == innermost => drop(open.pop()),
                END_GROUP => return Err("a group ends that did not begin"),
                _ => self.skip_plain(wire_type)?,
            }
        }
        Ok(())
    }
}

/// Builds a message in one growing buffer.
#[derive(Default)]
pub(crate) struct Writer {
    buffer: Vec<u8>,
}

impl Writer {
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self { buffer: Vec::with_capacity(capacity) }
    }

    pub(crate) fn into_inner(self) -> Vec<u8> {
        self.buffer
    }

    pub(crate) fn len(&self) -> usize {
        self.buffer.len()
    }

    /// Takes back everything after `length`.
    pub(crate) fn truncate(&mut self, length: usize) {
        self.buffer.truncate(length);
    }

    #[inline]
    pub(crate) fn tag(&mut self, number: u32, wire_type: u8) {
        self.varint(u64::from(number) << 3 | u64::from(wire_type));
    }

    #[inline]
    pub(crate) fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.buffer.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.buffer.push(value as u8);
    }

    pub(crate) fn fixed32(&mut self, value: u32) {
        self.buffer.extend_from_slice(&value.to_le_bytes());
    }

    pub(crate) fn fixed64(&mut self, value: u64) {
        self.buffer.extend_from_slice(&value.to_le_bytes());
    }

    /// Length and content.
    #[inline]
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.varint(bytes.len() as u64);
        self.buffer.extend_from_slice(bytes);
    }

    /// Begins something whose length is not known yet; give the result to `end`.
    #[inline]
    pub(crate) fn begin(&mut self) -> usize {
        self.buffer.push(0);
        self.buffer.len()
    }

    /// Ends what `begin` began. One byte was kept for the length; the content moves when it needs more.
    pub(crate) fn end(&mut self, start: usize) {
        let length = self.buffer.len() - start;
        if length < 0x80 {
            self.buffer[start - 1] = length as u8;
            return;
        }
        let mut prefix = [0u8; 10];
        let mut used = 0;
        let mut rest = length;
        while rest >= 0x80 {
            prefix[used] = rest as u8 | 0x80;
            rest >>= 7;
            used += 1;
        }
        prefix[used] = rest as u8;
        used += 1;
        self.buffer.resize(start + length + used - 1, 0);
        self.buffer.copy_within(start..start + length, start + used - 1);
        self.buffer[start - 1..start - 1 + used].copy_from_slice(&prefix[..used]);
    }
}
