//! Pieces that are there are passed on together: each way to the server costs a round trip.

use bytes::{Bytes, BytesMut};

/// Bytes that are sent at once at most. Half a window of yamux: the next ones can be on their way while the first are acknowledged.
pub(super) const MOST: usize = 128 * 1024;

/// Pieces in order, up to [`MOST`] bytes or one piece.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    first: Bytes,
    joined: BytesMut,
}

impl Pieces {
    pub(super) fn is_empty(&self) -> bool {
        self.first.is_empty() && self.joined.is_empty()
    }

    /// Whether so many bytes fit.
    pub(super) fn has_room(&self, count: usize) -> bool {
        self.is_empty() || self.first.len() + self.joined.len() + count <= MOST
    }

    /// Adds a piece at the end.
    pub(super) fn push(&mut self, piece: Bytes) {
        if self.is_empty() {
            self.first = piece;
            return;
        }
        if self.joined.is_empty() {
            self.joined.reserve(self.first.len() + piece.len());
            self.joined.extend_from_slice(&std::mem::take(&mut self.first));
        }
        self.joined.extend_from_slice(&piece);
    }

    /// Everything; nothing is left.
    pub(super) fn take(&mut self) -> Bytes {
        if self.joined.is_empty() { std::mem::take(&mut self.first) } else { self.joined.split().freeze() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_come_back_in_order_and_nothing_is_left() {
        let mut pieces = Pieces::default();
        for round in 0..3 {
            assert!(pieces.is_empty() && pieces.has_room(10 * MOST), "round {round}: one piece may be of any size");
            for piece in ["one ", "", "two ", "three"] {
                pieces.push(Bytes::from_static(piece.as_bytes()));
            }
            assert!(pieces.has_room(MOST - 13) && !pieces.has_room(MOST - 12));
            assert_eq!(pieces.take(), "one two three");
        }
    }

    #[test]
    fn a_piece_alone_is_not_copied() {
        let piece = Bytes::from(vec![1; 100]);
        let mut pieces = Pieces::default();
        pieces.push(piece.clone());
        assert_eq!(pieces.take().as_ptr(), piece.as_ptr());
    }
}
