//! Windows: what may be sent, what is credited, and that a full one holds nothing else up.

use super::*;

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
async fn a_window_that_overflows_ends_the_connection() {
    let (connection, mut peer) = server(Limits::default());
    peer.open(1).await;
    peer.send(Header::window_update(1, 0, u32::MAX), &[]).await;
    assert_protocol_error(&connection, &mut peer, ProtocolError::WindowOverflow(1)).await;
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
