//! What a decoder accepts at most.

/// What a [`Decoder`](crate::Decoder) accepts at most. The defaults suit a peer that is trusted but may be broken; for
/// bytes from strangers lower `max_message_bytes`.
///
/// Memory stays in proportion to the bytes received: a count in a message is believed only as far as bytes are there to
/// back it.
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    /// Bytes of one message; a message is held whole. Default 1 GiB.
    pub max_message_bytes: usize,
    /// Levels of nesting of one value: structs, lists, maps, interfaces. Default 400, for which a
    /// mebibyte of stack is enough in a debug build.
    pub max_depth: u32,
    /// Type definitions on the whole stream. Default 10 000.
    pub max_types: usize,
    /// Further messages that one value goes on into, one for each new type in its interfaces. Default 1000. A value is
    /// read again from its start when such a message comes late.
    pub max_pieces: usize,
    /// Fields of one struct definition. Default 10 000.
    pub max_fields: usize,
    /// Bytes set aside for the elements of a list or map before the first of them is read. Default 64 KiB; more elements
    /// than fit make the list grow as they are read.
    pub max_preallocation: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_message_bytes: 1 << 30,
            max_depth: 400,
            max_types: 10_000,
            max_pieces: 1000,
            max_fields: 10_000,
            max_preallocation: 64 << 10,
        }
    }
}
