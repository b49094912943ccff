//! Takes the incoming bytes apart and acts on each frame. Nothing here waits.

use std::sync::Arc;

use super::cell::Cell;
use super::connection::{Inner, Role};
use super::end::{End, ProtocolError};
use super::frame::{HEADER_LEN, Header, Kind, flag};

/// Takes bytes in pieces of any size.
pub(super) struct Reader {
    header: [u8; HEADER_LEN],
    /// How much of `header` is there.
    filled: usize,
    payload: Option<Payload>,
    answered: bool,
}

/// The rest of a data frame.
struct Payload {
    /// `None`: for a stream that does not exist (any more); dropped.
    cell: Option<Arc<Cell>>,
    remaining: usize,
    fin: bool,
}

impl Reader {
    pub(super) fn new() -> Self {
        Self { header: [0; HEADER_LEN], filled: 0, payload: None, answered: false }
    }

    /// Acts on `bytes`. Answers stand in the outbox afterwards and are not written yet: see [`Reader::has_answered`].
    pub(super) fn feed(&mut self, inner: &Inner, mut bytes: &[u8]) -> Result<(), End> {
        while !bytes.is_empty() {
            if let Some(payload) = &mut self.payload {
                let count = payload.remaining.min(bytes.len());
                let (piece, rest) = bytes.split_at(count);
                payload.remaining -= count;
                self.answered |= payload.deliver(inner, piece)?;
                bytes = rest;
            } else {
                let count = (HEADER_LEN - self.filled).min(bytes.len());
                let (piece, rest) = bytes.split_at(count);
                self.header[self.filled..self.filled + count].copy_from_slice(piece);
                self.filled += count;
                bytes = rest;
                if self.filled < HEADER_LEN {
                    return Ok(());
                }
                self.filled = 0;
                let header = Header::parse(&self.header).map_err(ProtocolError::from)?;
                // Whatever the frame is about may call for an answer; data does only when its stream is opened by it.
                self.answered |= header.kind != Kind::Data || header.has(flag::SYN);
                self.payload = act(inner, header)?;
            }
            // Also for a frame without payload, whose FIN is due at once.
            if let Some(payload) = self.payload.take_if(|payload| payload.remaining == 0)
                && let (Some(cell), true) = (&payload.cell, payload.fin)
            {
                finished(inner, cell)?;
            }
        }
        Ok(())
    }

    /// Whether there may be answers to be written since this was last asked.
    pub(super) fn has_answered(&mut self) -> bool {
        std::mem::take(&mut self.answered)
    }
}

impl Payload {
    /// Returns whether it answered.
    fn deliver(&self, inner: &Inner, piece: &[u8]) -> Result<bool, End> {
        let Some(cell) = &self.cell else { return Ok(false) };
        match cell.deliver(piece) {
            Some(credit) => send(inner, Header::window_update(cell.id, 0, credit)).map(|()| true),
            None => Ok(false),
        }
    }
}

fn act(inner: &Inner, header: Header) -> Result<Option<Payload>, End> {
    match header.kind {
        Kind::Ping if header.has(flag::SYN) => send(inner, Header::ping(flag::ACK, header.length)).map(|()| None),
        Kind::Ping => {
            *inner.pong.lock().expect("nothing panics under this lock") = Some(header.length);
            Ok(None)
        }
        Kind::GoAway if header.length == 0 => {
            inner.table().going_away = true;
            Ok(None)
        }
        Kind::GoAway => Err(End::PeerError(header.length)),
        Kind::Data | Kind::WindowUpdate => act_on_stream(inner, header),
    }
}

fn act_on_stream(inner: &Inner, header: Header) -> Result<Option<Payload>, End> {
    if header.has(flag::SYN) {
        incoming(inner, header.stream)?;
    }
    // What belongs to no stream is dropped: the other side may not know yet that this side has reset it.
    let mut cell = inner.table().streams.get(&header.stream).cloned();
    if header.has(flag::RST)
        && let Some(gone) = cell.take()
    {
        inner.forget(gone.id);
        gone.reset();
    }
    let fin = header.has(flag::FIN);
    let mut remaining = 0;
    match (header.kind, &cell) {
        (Kind::Data, Some(cell)) => {
            cell.charge(header.length)?;
            remaining = header.length as usize;
        }
        (Kind::Data, None) => remaining = header.length as usize,
        (_, Some(cell)) => cell.grant(header.length)?,
        (_, None) => {}
    }
    Ok(Some(Payload { cell, remaining, fin }))
}

/// The other side opens a stream: it is acknowledged at once, whether or not anyone accepts it.
fn incoming(inner: &Inner, id: u32) -> Result<(), End> {
    let parity = if inner.role == Role::Client { 0 } else { 1 };
    if id == 0 || id % 2 != parity {
        return Err(ProtocolError::WrongParity(id).into());
    }
    let refused = {
        let mut table = inner.table();
        if table.streams.contains_key(&id) {
            return Err(ProtocolError::DuplicateStream(id).into());
        }
        let full =
            table.streams.len() >= inner.limits.max_streams || table.backlog.len() >= inner.limits.accept_backlog;
        if !full {
            let cell = Arc::new(Cell::new(id));
            table.streams.insert(id, cell.clone());
            table.backlog.push_back(cell);
        }
        full
    };
    if refused {
        return send(inner, Header::window_update(id, flag::RST, 0));
    }
    send(inner, Header::window_update(id, flag::ACK, 0))?;
    inner.announce();
    Ok(())
}

fn finished(inner: &Inner, cell: &Arc<Cell>) -> Result<(), End> {
    if cell.remote_finished()? {
        inner.forget(cell.id);
    }
    Ok(())
}

/// Puts a frame without payload into the outbox, unless too much waits there already.
fn send(inner: &Inner, header: Header) -> Result<(), End> {
    let limit = inner.limits.max_write_backlog;
    let fits = inner.out.append(|out, ()| {
        header.write(out);
        out.len() <= limit
    });
    match fits {
        Ok(true) => Ok(()),
        Ok(false) => Err(End::WriteBacklog),
        Err(error) => Err(End::Io(Arc::new(error))),
    }
}
