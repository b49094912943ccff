//! A connection against a peer that is nothing but frames, and against another connection.

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
        let asked = Instant::now();
        self.send(Header::ping(flag::SYN, 77), &[]).await;
        assert_eq!(self.receive().await, (Header::ping(flag::ACK, 77), vec![]));
        assert!(asked.elapsed() < Duration::from_millis(100), "{:?}", asked.elapsed());
    }
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

#[tokio::test]
async fn an_incoming_stream_is_acknowledged_though_nobody_accepts_it() {
    let (_connection, mut peer) = server(Limits::default());
    let asked = Instant::now();
    for id in [1, 3, 5] {
        peer.open(id).await;
    }
    assert!(asked.elapsed() < Duration::from_millis(100));
}

#[tokio::test]
async fn opening_sends_syn_and_the_first_bytes_at_once() {
    let (connection, mut peer) = server(Limits::default());
    let stream = connection.open_with(b"\x01\0\0\0").unwrap();
    assert_eq!(stream.id(), 2);
    assert_eq!(peer.receive().await, (Header::window_update(2, flag::SYN, 0), vec![]));
    assert_eq!(peer.receive().await, (Header::data(2, 0, 4), b"\x01\0\0\0".to_vec()));
    assert_eq!(connection.open().unwrap().id(), 4);
}

#[tokio::test]
async fn flags_on_data_frames_count_too() {
    let (connection, mut peer) = server(Limits::default());
    peer.send(Header::data(1, flag::SYN | flag::FIN, 5), b"hello").await;
    let mut stream = connection.accept().await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    assert_eq!(text, "hello");
    assert_eq!(peer.receive().await.0, Header::window_update(1, flag::ACK, 0));
}

#[tokio::test]
async fn bytes_may_come_one_at_a_time() {
    let (connection, mut peer) = server(Limits::default());
    let mut bytes = Vec::new();
    Header::data(1, flag::SYN, 2).write(&mut bytes);
    bytes.extend_from_slice(b"ab");
    Header::data(1, flag::FIN, 1).write(&mut bytes);
    bytes.extend_from_slice(b"c");
    for byte in bytes {
        peer.0.write_all(&[byte]).await.unwrap();
        tokio::task::yield_now().await;
    }
    let mut text = String::new();
    connection.accept().await.unwrap().read_to_string(&mut text).await.unwrap();
    assert_eq!(text, "abc");
}

// What ends a connection when we do it to HashiCorp's library: we recognise it from the other side, and never do it.

#[tokio::test]
async fn a_second_fin_ends_the_connection() {
    let (connection, mut peer) = server(Limits::default());
    peer.open(1).await;
    peer.send(Header::window_update(1, flag::FIN, 0), &[]).await;
    peer.send(Header::window_update(1, flag::FIN, 0), &[]).await;
    assert_protocol_error(&connection, &mut peer, ProtocolError::SecondFin(1)).await;
}

#[tokio::test]
async fn we_never_send_a_second_fin() {
    let (connection, mut peer) = server(Limits::default());
    peer.open(1).await;
    let mut stream = connection.accept().await.unwrap();
    stream.shutdown().await.unwrap();
    stream.shutdown().await.unwrap();
    assert_eq!(stream.write(b"x").await.unwrap_err().kind(), ErrorKind::BrokenPipe);
    drop(stream);
    assert_eq!(peer.receive().await.0, Header::window_update(1, flag::FIN, 0));
    peer.assert_alive().await;
}

#[tokio::test]
async fn opening_an_existing_stream_ends_the_connection() {
    let (connection, mut peer) = server(Limits::default());
    peer.open(1).await;
    peer.send(Header::window_update(1, flag::SYN, 0), &[]).await;
    assert_protocol_error(&connection, &mut peer, ProtocolError::DuplicateStream(1)).await;
}

#[tokio::test]
async fn more_data_than_the_window_ends_the_connection() {
    let (connection, mut peer) = server(Limits::default());
    peer.open(1).await;
    peer.send(Header::data(1, 0, WINDOW), &vec![0; WINDOW as usize]).await;
    peer.assert_alive().await;
    peer.send(Header::data(1, 0, 1), &[0]).await;
    let expected = ProtocolError::WindowExceeded { stream: 1, bytes: 1, granted: 0 };
    assert_protocol_error(&connection, &mut peer, expected).await;
}

#[tokio::test]
async fn we_never_send_more_than_the_window() {
    let (connection, mut peer) = server(Limits::default());
    peer.open(1).await;
    let (_read, mut write) = connection.accept().await.unwrap().into_split();
    let writing = tokio::spawn(async move { write.write_all(&vec![7; WINDOW as usize + 1000]).await });
    let mut got = 0;
    while got < WINDOW {
        got += peer.receive().await.0.length;
    }
    assert_eq!(got, WINDOW);
    peer.assert_alive().await;
    peer.send(Header::window_update(1, 0, 999), &[]).await;
    assert_eq!(peer.receive().await.0, Header::data(1, 0, 999));
    peer.send(Header::window_update(1, 0, 100), &[]).await;
    assert_eq!(peer.receive().await.0, Header::data(1, 0, 1));
    writing.await.unwrap().unwrap();
}

#[tokio::test]
async fn another_version_or_frame_type_ends_the_connection() {
    for (bytes, expected) in [
        ([9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], ProtocolError::Version(9)),
        ([0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], ProtocolError::FrameType(9)),
    ] {
        let (connection, mut peer) = server(Limits::default());
        peer.0.write_all(&bytes).await.unwrap();
        assert_protocol_error(&connection, &mut peer, expected).await;
    }
}

#[tokio::test]
async fn what_belongs_to_no_stream_is_dropped() {
    let (_connection, mut peer) = server(Limits::default());
    peer.send(Header::data(9, 0, 3), b"abc").await;
    peer.send(Header::window_update(9, flag::FIN, 0), &[]).await;
    peer.send(Header::window_update(9, flag::RST, 0), &[]).await;
    peer.send(Header::window_update(9, 0, 1000), &[]).await;
    peer.assert_alive().await;
}

#[tokio::test]
async fn an_acknowledgement_that_nobody_waits_for_does_no_harm() {
    let (_connection, mut peer) = server(Limits::default());
    peer.send(Header::window_update(1, flag::ACK, 0), &[]).await;
    peer.open(1).await;
    peer.send(Header::window_update(1, flag::ACK, 0), &[]).await;
    peer.send(Header::ping(flag::ACK, 5), &[]).await;
    peer.assert_alive().await;
}

#[tokio::test]
async fn ids_of_the_wrong_side_are_refused() {
    for id in [0, 2] {
        let (connection, mut peer) = server(Limits::default());
        peer.send(Header::window_update(id, flag::SYN, 0), &[]).await;
        assert_protocol_error(&connection, &mut peer, ProtocolError::WrongParity(id)).await;
    }
}

#[tokio::test]
async fn after_a_go_away_streams_live_on_and_none_is_opened() {
    let (connection, mut peer) = server(Limits::default());
    peer.open(1).await;
    peer.send(Header::go_away(0), &[]).await;
    peer.assert_alive().await;
    assert!(matches!(connection.open(), Err(OpenError::GoingAway)));
    let mut stream = connection.accept().await.unwrap();
    stream.write_all(b"still").await.unwrap();
    assert_eq!(peer.receive().await.1, b"still");
    peer.send(Header::go_away(2), &[]).await;
    assert!(matches!(ended(&connection).await, End::PeerError(2)));
}

#[tokio::test]
async fn a_window_that_overflows_ends_the_connection() {
    let (connection, mut peer) = server(Limits::default());
    peer.open(1).await;
    peer.send(Header::window_update(1, 0, u32::MAX), &[]).await;
    assert_protocol_error(&connection, &mut peer, ProtocolError::WindowOverflow(1)).await;
}

#[tokio::test]
async fn data_after_the_end_of_a_stream_ends_the_connection() {
    let (connection, mut peer) = server(Limits::default());
    peer.open(1).await;
    peer.send(Header::data(1, flag::FIN, 1), b"a").await;
    peer.send(Header::data(1, 0, 1), b"b").await;
    assert_protocol_error(&connection, &mut peer, ProtocolError::DataAfterFin(1)).await;
}

#[tokio::test]
async fn credit_comes_back_when_half_a_window_is_read() {
    let (connection, mut peer) = server(Limits::default());
    peer.open(1).await;
    let mut stream = connection.accept().await.unwrap();
    peer.send(Header::data(1, 0, WINDOW), &vec![1; WINDOW as usize]).await;
    let half = WINDOW as usize / 2;
    let mut buffer = vec![0; half];
    stream.read_exact(&mut buffer[..half - 1]).await.unwrap();
    peer.assert_alive().await;
    stream.read_exact(&mut buffer[..1]).await.unwrap();
    assert_eq!(peer.receive().await.0, Header::window_update(1, 0, WINDOW / 2));
}

#[tokio::test]
async fn pings_are_answered_whatever_the_application_does() {
    let (connection, mut peer) = server(Limits::default());
    for id in [1, 3, 5] {
        peer.open(id).await;
    }
    let _never_read = connection.accept().await.unwrap();
    peer.send(Header::data(1, 0, WINDOW), &vec![0; WINDOW as usize]).await;
    let mut writer = connection.accept().await.unwrap();
    let flood = tokio::spawn(async move { while writer.write_all(&[0; 8192]).await.is_ok() {} });
    let mut got = 0;
    while got < WINDOW {
        got += peer.receive().await.0.length;
    }
    for _ in 0..10 {
        peer.assert_alive().await;
    }
    assert!(!flood.is_finished());
}

#[tokio::test]
async fn a_stream_let_go_of_is_drained_until_the_other_side_is_through() {
    let (connection, mut peer) = server(Limits::default());
    peer.open(1).await;
    drop(connection.accept().await.unwrap());
    assert_eq!(peer.receive().await.0, Header::window_update(1, flag::FIN, 0));
    // Twice the window: what is dropped is credited.
    for _ in 0..4 {
        peer.send(Header::data(1, 0, WINDOW / 2), &vec![0; WINDOW as usize / 2]).await;
        assert_eq!(peer.receive().await.0, Header::window_update(1, 0, WINDOW / 2));
    }
    peer.send(Header::window_update(1, flag::FIN, 0), &[]).await;
    peer.assert_alive().await;
    // Known no more: the id is free for another stream.
    peer.open(1).await;
}

#[tokio::test]
async fn a_stream_that_the_other_side_never_closes_is_reset_in_the_end() {
    let limits = Limits {
        keep_alive_interval: Duration::from_millis(50),
        keep_alive_timeout: Duration::from_secs(60),
        stream_close_timeout: Duration::from_millis(60),
        ..Limits::default()
    };
    let (connection, mut peer) = server(limits);
    peer.open(1).await;
    drop(connection.accept().await.unwrap());
    assert_eq!(peer.receive().await.0, Header::window_update(1, flag::FIN, 0));
    loop {
        let (header, _) = peer.receive().await;
        if header.kind != Kind::Ping {
            assert_eq!(header, Header::window_update(1, flag::RST, 0));
            return;
        }
    }
}

#[tokio::test]
async fn a_reset_is_an_error_at_both_sides() {
    let (connection, mut peer) = server(Limits::default());
    peer.open(1).await;
    let mut stream = connection.accept().await.unwrap();
    peer.send(Header::data(1, 0, 2), b"ab").await;
    peer.send(Header::window_update(1, flag::RST, 0), &[]).await;
    peer.assert_alive().await;
    let mut buffer = [0; 2];
    stream.read_exact(&mut buffer).await.unwrap();
    assert_eq!(stream.read(&mut buffer).await.unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert_eq!(stream.write(b"x").await.unwrap_err().kind(), ErrorKind::ConnectionReset);
    drop(stream);
    peer.assert_alive().await;
    connection.open().unwrap().reset();
    assert_eq!(peer.receive().await.0, Header::window_update(2, flag::SYN, 0));
    assert_eq!(peer.receive().await.0, Header::window_update(2, flag::RST, 0));
    peer.assert_alive().await;
}

#[tokio::test]
async fn more_streams_than_allowed_are_reset() {
    let (connection, mut peer) = server(Limits { max_streams: 3, accept_backlog: 2, ..Limits::default() });
    peer.open(1).await;
    peer.open(3).await;
    peer.send(Header::window_update(5, flag::SYN, 0), &[]).await;
    assert_eq!(peer.receive().await.0, Header::window_update(5, flag::RST, 0));
    let _held = connection.accept().await.unwrap();
    peer.open(7).await;
    assert!(matches!(connection.open(), Err(OpenError::TooManyStreams)));
    peer.send(Header::window_update(9, flag::SYN, 0), &[]).await;
    assert_eq!(peer.receive().await.0, Header::window_update(9, flag::RST, 0));
}

#[tokio::test]
async fn a_peer_that_asks_and_does_not_read_is_given_up() {
    let (connection, mut peer) = server(Limits { max_write_backlog: 64 * 1024, ..Limits::default() });
    let mut pings = Vec::new();
    for id in 0..1000 {
        Header::ping(flag::SYN, id).write(&mut pings);
    }
    while peer.0.write_all(&pings).await.is_ok() {}
    assert!(matches!(ended(&connection).await, End::WriteBacklog));
}

#[tokio::test]
async fn an_unanswered_ping_ends_the_connection() {
    let limits = Limits {
        keep_alive_interval: Duration::from_millis(40),
        keep_alive_timeout: Duration::from_millis(30),
        ..Limits::default()
    };
    let (connection, mut peer) = server(limits);
    let (header, _) = peer.receive().await;
    assert_eq!((header.kind, header.flags), (Kind::Ping, flag::SYN));
    peer.send(Header::ping(flag::ACK, header.length), &[]).await;
    assert_eq!(peer.receive().await.0.length, header.length + 1);
    assert!(matches!(ended(&connection).await, End::KeepAliveTimeout));
}

#[tokio::test]
async fn the_end_of_the_socket_is_seen_by_everyone() {
    let (connection, mut peer) = server(Limits::default());
    peer.open(1).await;
    let mut stream = connection.accept().await.unwrap();
    let waiting = tokio::spawn(async move { stream.read(&mut [0; 1]).await });
    let accepting = tokio::spawn({
        let connection = connection.clone();
        async move { connection.accept().await.is_none() }
    });
    tokio::time::sleep(Duration::from_millis(20)).await;
    drop(peer);
    assert!(matches!(ended(&connection).await, End::PeerClosed));
    assert_eq!(waiting.await.unwrap().unwrap_err().kind(), ErrorKind::ConnectionAborted);
    assert!(accepting.await.unwrap());
    assert!(matches!(connection.open(), Err(OpenError::Ended(End::PeerClosed))));
}

#[tokio::test]
async fn closing_writes_what_streams_took() {
    let (connection, mut peer) = server(Limits::default());
    let mut stream = connection.open().unwrap();
    stream.write_all(b"last words").await.unwrap();
    connection.close().await;
    peer.receive().await;
    assert_eq!(peer.receive().await.1, b"last words");
    assert!(peer.next().await.is_none(), "the socket ends, without a GoAway");
    assert!(matches!(connection.end(), Some(End::Closed)));
}

#[tokio::test]
async fn the_connection_ends_with_its_last_handle_or_stream() {
    let (connection, mut peer) = server(Limits::default());
    peer.open(1).await;
    let mut stream = connection.accept().await.unwrap();
    drop(connection);
    stream.write_all(b"x").await.unwrap();
    assert_eq!(peer.receive().await.1, b"x");
    drop(stream);
    assert_eq!(peer.receive().await.0, Header::window_update(1, flag::FIN, 0));
    assert!(timeout(SOON, peer.next()).await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_megabytes_go_both_ways_on_many_streams() {
    let (client, server) = pair();
    tokio::spawn(async move {
        while let Some(stream) = server.accept().await {
            tokio::spawn(async move {
                let (mut read, mut write) = stream.into_split();
                tokio::io::copy(&mut read, &mut write).await.unwrap();
                write.shutdown().await.unwrap();
            });
        }
    });
    let data: Vec<u8> = (0..10_000_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let data = std::sync::Arc::new(data);
    let mut echoes = Vec::new();
    for _ in 0..4 {
        let (mut read, mut write) = client.open().unwrap().into_split();
        let data = data.clone();
        let sent = data.clone();
        tokio::spawn(async move {
            write.write_all(&sent).await.unwrap();
        });
        echoes.push(tokio::spawn(async move {
            let mut got = Vec::new();
            read.read_to_end(&mut got).await.unwrap();
            assert!(got == *data);
        }));
    }
    for echo in echoes {
        timeout(Duration::from_secs(60), echo).await.unwrap().unwrap();
    }
}

/// A generator of numbers that look random: tests need no more.
fn noise(seed: u64) -> impl FnMut() -> u8 {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    }
}

#[tokio::test]
async fn noise_is_an_error_and_never_a_panic() {
    for seed in 0..300 {
        let (connection, mut peer) = server(Limits { max_write_backlog: 64 * 1024, ..Limits::default() });
        let mut noise = noise(seed);
        let mut bytes = Vec::new();
        for _ in 0..200 {
            // Mostly well-formed headers, or the first byte would end every run.
            let kind = noise() % 4;
            let length = if noise() < 32 { u32::from(noise()) << 24 } else { u32::from(noise() % 32) };
            let payload = if kind == 0 { length.min(64) } else { 0 };
            bytes.extend_from_slice(&[u8::from(noise() == 0), kind, 0, noise() % 16, 0, 0, 0, noise() % 8]);
            bytes.extend_from_slice(&length.to_be_bytes());
            bytes.extend((0..payload).map(|_| noise()));
        }
        let _ = peer.0.write_all(&bytes).await;
        drop(peer);
        ended(&connection).await;
    }
}
