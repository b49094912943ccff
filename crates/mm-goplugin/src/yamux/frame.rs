//! The twelve bytes in front of everything that a yamux connection carries.

use bytes::BufMut;

/// Length of a frame's header in bytes.
pub(crate) const HEADER_LEN: usize = 12;

/// What a frame is for; the second byte of its header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Payload of a stream; the length field counts the bytes that follow.
    Data,
    /// Credit for the other side; the length field is the number of bytes granted.
    WindowUpdate,
    /// A keep-alive; the length field is an opaque id that the answer repeats.
    Ping,
    /// The sender wants no more new streams; the length field says why.
    GoAway,
}

/// The flags of a header.
pub(crate) mod flag {
    /// Opens a stream, or asks for an answer to a ping.
    pub(crate) const SYN: u16 = 1;
    /// Accepts a stream, or answers a ping.
    pub(crate) const ACK: u16 = 2;
    /// Nothing more will be written by the sender.
    pub(crate) const FIN: u16 = 4;
    /// The stream is gone, in both directions.
    pub(crate) const RST: u16 = 8;
}

/// A frame's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) kind: Kind,
    pub(crate) flags: u16,
    pub(crate) stream: u32,
    /// Bytes, credit, ping id or reason, depending on `kind`.
    pub(crate) length: u32,
}

/// Why twelve bytes are no header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BadHeader {
    Version(u8),
    Kind(u8),
}

impl Header {
    pub(crate) fn data(stream: u32, flags: u16, length: u32) -> Self {
        Self { kind: Kind::Data, flags, stream, length }
    }

    pub(crate) fn window_update(stream: u32, flags: u16, credit: u32) -> Self {
        Self { kind: Kind::WindowUpdate, flags, stream, length: credit }
    }

    pub(crate) fn ping(flags: u16, id: u32) -> Self {
        Self { kind: Kind::Ping, flags, stream: 0, length: id }
    }

    pub(crate) fn go_away(reason: u32) -> Self {
        Self { kind: Kind::GoAway, flags: 0, stream: 0, length: reason }
    }

    /// Whether all bits of `flag` are set.
    pub(crate) fn has(self, flag: u16) -> bool {
        self.flags & flag == flag
    }

    /// Reads a header.
    pub(crate) fn parse(bytes: &[u8; HEADER_LEN]) -> Result<Self, BadHeader> {
        let [version, kind, f0, f1, s0, s1, s2, s3, l0, l1, l2, l3] = *bytes;
        if version != 0 {
            return Err(BadHeader::Version(version));
        }
        let kind = match kind {
            0 => Kind::Data,
            1 => Kind::WindowUpdate,
            2 => Kind::Ping,
            3 => Kind::GoAway,
            other => return Err(BadHeader::Kind(other)),
        };
        Ok(Self {
            kind,
            flags: u16::from_be_bytes([f0, f1]),
            stream: u32::from_be_bytes([s0, s1, s2, s3]),
            length: u32::from_be_bytes([l0, l1, l2, l3]),
        })
    }

    /// Appends the header to `out`.
    pub(crate) fn write(self, out: &mut Vec<u8>) {
        out.put_u8(0);
        out.put_u8(match self.kind {
            Kind::Data => 0,
            Kind::WindowUpdate => 1,
            Kind::Ping => 2,
            Kind::GoAway => 3,
        });
        out.put_u16(self.flags);
        out.put_u32(self.stream);
        out.put_u32(self.length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_reads_back_as_it_was_written() {
        for kind in [Kind::Data, Kind::WindowUpdate, Kind::Ping, Kind::GoAway] {
            let header = Header { kind, flags: flag::SYN | flag::FIN, stream: 0x0102_0304, length: 0xfffe_fdfc };
            let mut bytes = Vec::new();
            header.write(&mut bytes);
            let bytes: [u8; HEADER_LEN] = bytes.as_slice().try_into().expect("twelve bytes");
            assert_eq!(Header::parse(&bytes), Ok(header));
        }
    }

    #[test]
    fn fields_are_big_endian_and_where_yamux_has_them() {
        let mut bytes = Vec::new();
        Header::window_update(7, flag::ACK, 256).write(&mut bytes);
        assert_eq!(bytes, [0, 1, 0, 2, 0, 0, 0, 7, 0, 0, 1, 0]);
    }

    #[test]
    fn other_versions_and_kinds_are_refused() {
        assert_eq!(Header::parse(&[1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), Err(BadHeader::Version(1)));
        assert_eq!(Header::parse(&[0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), Err(BadHeader::Kind(4)));
    }
}
