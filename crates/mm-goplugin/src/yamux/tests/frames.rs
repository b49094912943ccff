//! What single frames do, and which ones end the connection.

use super::*;
use crate::noise::noise;

#[tokio::test]
async fn an_incoming_stream_is_acknowledged_though_nobody_accepts_it() {
    let (_connection, mut peer) = server(Limits::default());
    at_once(async {
        for id in [1, 3, 5] {
            peer.open(id).await;
        }
    })
    .await;
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
async fn data_after_the_end_of_a_stream_ends_the_connection() {
    let (connection, mut peer) = server(Limits::default());
    peer.open(1).await;
    peer.send(Header::data(1, flag::FIN, 1), b"a").await;
    peer.send(Header::data(1, 0, 1), b"b").await;
    assert_protocol_error(&connection, &mut peer, ProtocolError::DataAfterFin(1)).await;
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
