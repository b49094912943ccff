//! Bounds of time and number, and the end of a connection.

use super::*;

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

/// The time in which nobody had a turn, of either side, is no time in which the other one was silent.
#[tokio::test]
async fn a_machine_that_stands_still_ends_no_connection() {
    let limits = Limits {
        keep_alive_interval: Duration::from_millis(100),
        keep_alive_timeout: Duration::from_millis(50),
        ..Limits::default()
    };
    let (_connection, mut peer) = server(limits);
    let (first, _) = peer.receive().await;
    std::thread::sleep(Duration::from_millis(90));
    // The timer has its turn before the answer is there.
    tokio::time::sleep(Duration::from_millis(1)).await;
    peer.send(Header::ping(flag::ACK, first.length), &[]).await;
    assert_eq!(peer.receive().await.0, Header::ping(flag::SYN, first.length + 1));
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
