//! A connection against a peer that is nothing but frames, and against another connection.

mod frames;
mod limits;
mod windows;

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::time::timeout;

use super::frame::{HEADER_LEN, Header, Kind, flag};
use super::*;

/// Long enough for everything that is due at once.
const SOON: Duration = Duration::from_secs(5);

/// The other side, by hand.
struct Peer(UnixStream);

impl Peer {
    async fn send(&mut self, header: Header, payload: &[u8]) {
        let mut bytes = Vec::new();
        header.write(&mut bytes);
        bytes.extend_from_slice(payload);
        self.0.write_all(&bytes).await.unwrap();
    }

    async fn open(&mut self, id: u32) {
        self.send(Header::window_update(id, flag::SYN, 0), &[]).await;
        assert_eq!(self.receive().await, (Header::window_update(id, flag::ACK, 0), vec![]));
    }

    async fn receive(&mut self) -> (Header, Vec<u8>) {
        timeout(SOON, self.next()).await.expect("a frame in time").expect("a frame, not the end")
    }

    /// The next frame; `None` at the end.
    async fn next(&mut self) -> Option<(Header, Vec<u8>)> {
        let mut header = [0; HEADER_LEN];
        self.0.read_exact(&mut header).await.ok()?;
        let header = Header::parse(&header).unwrap();
        let mut payload = vec![0; if header.kind == Kind::Data { header.length as usize } else { 0 }];
        self.0.read_exact(&mut payload).await.ok()?;
        Some((header, payload))
    }

    /// Shows that the connection lives: a ping is answered, within the 100 ms that are promised, and nothing else comes before.
    async fn assert_alive(&mut self) {
        at_once(async {
            self.send(Header::ping(flag::SYN, 77), &[]).await;
            assert_eq!(self.receive().await, (Header::ping(flag::ACK, 77), vec![]));
        })
        .await;
    }
}

/// Does what has to be done within 100 ms. A machine that stands still for a while, and both sides with it, has no part in them.
async fn at_once(work: impl Future<Output = ()>) {
    let (mut work, mut took) = (std::pin::pin!(work), Duration::ZERO);
    loop {
        let begun = Instant::now();
        let done = timeout(Duration::from_millis(5), &mut work).await;
        took += begun.elapsed().min(Duration::from_millis(10));
        if done.is_ok() {
            break;
        }
    }
    assert!(took < Duration::from_millis(100), "{took:?}");
}

fn server(limits: Limits) -> (Connection, Peer) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let (read, write) = ours.into_split();
    (Connection::new(read, write, Role::Server, limits), Peer(theirs))
}

fn pair() -> (Connection, Connection) {
    let (left, right) = UnixStream::pair().unwrap();
    let (read, write) = left.into_split();
    let client = Connection::new(read, write, Role::Client, Limits::default());
    let (read, write) = right.into_split();
    (client, Connection::new(read, write, Role::Server, Limits::default()))
}

async fn ended(connection: &Connection) -> End {
    timeout(SOON, connection.closed()).await.expect("the connection to end")
}

async fn assert_protocol_error(connection: &Connection, peer: &mut Peer, expected: ProtocolError) {
    match ended(connection).await {
        End::Protocol(error) => assert_eq!(error, expected),
        other => panic!("{other}"),
    }
    // The other side is told, then the socket ends.
    loop {
        match timeout(SOON, peer.next()).await.unwrap() {
            Some((header, _)) if header.kind == Kind::GoAway => assert_eq!(header.length, 1),
            Some(_) => {}
            None => return,
        }
    }
}
