//! A reader on the other side, as Go plugins pass `io.Reader`s over the broker (Mattermost's plugins do; it is no part of
//! go-plugin itself).
//!
//! Whoever reads asks for a number of bytes, as a signed varint (zig-zag, groups of seven bits, the lowest first), and the owner of
//! the reader copies up to that many, raw, as they come. Requests add up. The end of the source is the end of the stream; when the
//! source fails Go ends the stream too, which the reading side cannot tell apart, and this side resets it. The reading side ends it by
//! closing the stream.
//!
//! Both ends take a short cut that Go's understand. [`RemoteReader`] asks once for everything there can be, and [`serve`] sends
//! without waiting to be asked; the window of the yamux stream is the flow control.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, ReadBuf};

use crate::broker::{Broker, BrokerError, Confirmed};
use crate::yamux::{Stream, WriteHalf};

/// Longest varint of 64 bits.
const MAX_VARINT: usize = 10;

/// Bytes copied at a time.
const COPY_SIZE: usize = 32 * 1024;

/// Reads what the other side owns.
pub struct RemoteReader {
    read: Confirmed,
    /// Held open: its end would tell the owner that nobody reads any more.
    _write: WriteHalf,
}

impl RemoteReader {
    /// Asks for everything. `stream` is fresh from the broker.
    pub async fn new(stream: Stream) -> io::Result<Self> {
        let (read, mut write) = stream.into_split();
        write_request(&mut write, i64::MAX).await?;
        Ok(Self { read: Confirmed::already(read), _write: write })
    }

    /// Dials `id` and asks for everything in the same moment; see [`Broker::dial_ahead`].
    pub fn dial(broker: &Broker, id: u32) -> Result<Self, BrokerError> {
        let mut request = Vec::with_capacity(MAX_VARINT);
        put_varint(i64::MAX, &mut request);
        let (read, write) = broker.dial_ahead(id, &request)?;
        Ok(Self { read, _write: write })
    }
}

impl AsyncRead for RemoteReader {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.read).poll_read(cx, buf)
    }
}

/// Lets the other side read `source` over `stream`, until the source ends or the other side stops reading. Returns the number of
/// bytes sent.
///
/// When the source fails, or the future is dropped before the source's end, the stream is reset. Go's reader then gets an error; an end
/// would tell it that what it has is all there is.
pub async fn serve(source: impl AsyncRead + Unpin, stream: Stream) -> io::Result<u64> {
    let (mut requests, write) = stream.into_split();
    // What is asked for is read, or the requests would fill the window; it need not be understood.
    let given_up = async {
        let mut buffer = [0; 256];
        while requests.read(&mut buffer).await.is_ok_and(|count| count > 0) {}
    };
    let mut write = Unfinished(Some(write));
    let mut sent = 0;
    tokio::select! {
        copied = copy(source, &mut write, &mut sent) => copied?,
        // Nobody reads: an ordinary end will do.
        () = given_up => drop(write.0.take()),
    }
    Ok(sent)
}

/// Resets the stream unless it was taken out.
struct Unfinished(Option<WriteHalf>);

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(write) = self.0.take() {
            write.reset();
        }
    }
}

async fn copy(mut source: impl AsyncRead + Unpin, unfinished: &mut Unfinished, sent: &mut u64) -> io::Result<()> {
    let mut buffer = vec![0; COPY_SIZE];
    loop {
        let count = source.read(&mut buffer).await?;
        let Some(write) = &mut unfinished.0 else { return Ok(()) };
        if count == 0 {
            // Requests that still come are dropped by the connection until the other side closes too.
            drop(unfinished.0.take());
            return Ok(());
        }
        write.write_all(&buffer[..count]).await?;
        *sent += count as u64;
    }
}

/// Asks the owner of a reader for `count` more bytes.
pub async fn write_request(writer: &mut (impl tokio::io::AsyncWrite + Unpin), count: i64) -> io::Result<()> {
    let mut bytes = Vec::with_capacity(MAX_VARINT);
    put_varint(count, &mut bytes);
    writer.write_all(&bytes).await
}

/// Reads a request for bytes; `None` at the end of the stream.
pub async fn read_request(reader: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<i64>> {
    let mut value = 0;
    for index in 0..MAX_VARINT {
        let mut byte = [0];
        if reader.read(&mut byte).await? == 0 {
            return if index == 0 { Ok(None) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
        }
        let [byte] = byte;
        // The tenth byte has room for one bit.
        if index == MAX_VARINT - 1 && byte > 1 {
            break;
        }
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte < 0x80 {
            return Ok(Some(((value >> 1) as i64) ^ -((value & 1) as i64)));
        }
    }
    Err(io::Error::new(io::ErrorKind::InvalidData, "a varint of more than 64 bits"))
}

fn put_varint(value: i64, out: &mut Vec<u8>) {
    let mut rest = ((value << 1) ^ (value >> 63)) as u64;
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn requests_are_zig_zag_varints() {
        for (count, expected) in [
            (0, &[0][..]),
            (1, &[2]),
            (-1, &[1]),
            (64, &[0x80, 1]),
            (4096, &[0x80, 0x40]),
            (i64::MAX, &[0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]),
            (i64::MIN, &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]),
        ] {
            let mut bytes = Vec::new();
            write_request(&mut bytes, count).await.unwrap();
            assert_eq!(bytes, expected);
            assert_eq!(read_request(&mut &bytes[..]).await.unwrap(), Some(count));
        }
    }

    #[tokio::test]
    async fn what_is_no_request_is_an_error() {
        assert_eq!(read_request(&mut &[][..]).await.unwrap(), None);
        let cut_off = read_request(&mut &[0x80][..]).await.unwrap_err();
        assert_eq!(cut_off.kind(), io::ErrorKind::UnexpectedEof);
        for bytes in [&[0xff; 11][..], &[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 2]] {
            assert_eq!(read_request(&mut &bytes[..]).await.unwrap_err().kind(), io::ErrorKind::InvalidData);
        }
    }
}
