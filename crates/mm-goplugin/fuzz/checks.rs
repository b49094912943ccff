// What holds for any bytes of a peer. Included by the fuzz targets and by `tests/hostile.rs`, which runs it on the corpus.
//
// Time stands still but for timers, so that a connection that would wait for ever is seen at once.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use mm_gob::Decoder;
use mm_gob::codec::{Map, Slice, Str, Struct};
use mm_goplugin::rpc::{Args, Client, Closed, Empty, Limits, Refusal, Reply, Running, Server, Service};
use mm_goplugin::yamux::{self, Connection, Role};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, duplex, split};

/// Longer than anything that has to end by itself.
const FOR_EVER: Duration = Duration::from_secs(24 * 3600);

/// Longer than a connection may take to see that its peer is gone.
const AGES: Duration = Duration::from_secs(3600);

/// Bytes on their way in a pipe.
const PIPE: usize = 1 << 16;

fn run(check: impl Future<Output = ()>) {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().start_paused(true).build().expect("a runtime without sockets");
    runtime.block_on(check);
}

/// Says `bytes` in two pieces and no more; gives what the other side says until it is done.
async fn talk(peer: impl AsyncRead + AsyncWrite, bytes: &[u8]) -> Vec<u8> {
    let (mut read, mut write) = split(peer);
    let say = async {
        let (first, rest) = bytes.split_at(bytes.first().map_or(0, |it| usize::from(*it).min(bytes.len())));
        for piece in [first, rest] {
            // A side that gave the connection up reads no more.
            if write.write_all(piece).await.is_err() {
                return;
            }
            tokio::task::yield_now().await;
        }
        let _ = write.shutdown().await;
    };
    let mut answer = Vec::new();
    let listen = read.read_to_end(&mut answer);
    let talk = async { tokio::join!(say, listen) };
    let (_, heard) = tokio::time::timeout(AGES, talk).await.expect("the connection ends when its peer has ended it");
    heard.expect("a pipe that was closed");
    answer
}

/// Any bytes are frames that are acted on, or end the connection; what is answered are whole frames.
pub(crate) fn yamux(bytes: &[u8]) {
    run(async {
        let (ours, theirs) = duplex(PIPE);
        let (read, write) = split(theirs);
        let mut limits = yamux::Limits::default();
        limits.keep_alive_interval = FOR_EVER;
        let connection = Connection::new(read, write, Role::Server, limits);
        let accepting = connection.clone();
        tokio::spawn(async move {
            while let Some(stream) = accepting.accept().await {
                // Says everything again.
                tokio::spawn(async move {
                    let (mut read, mut write) = stream.into_split();
                    let _ = tokio::io::copy(&mut read, &mut write).await;
                    let _ = write.shutdown().await;
                });
            }
        });
        let answer = talk(ours, bytes).await;
        tokio::time::timeout(AGES, connection.closed()).await.expect("the connection knows that it is over");
        frames(&answer);
    });
}

/// Checks that these are whole frames.
fn frames(mut bytes: &[u8]) {
    while !bytes.is_empty() {
        assert!(bytes.len() >= 12, "half a header: {bytes:?}");
        let (header, rest) = bytes.split_at(12);
        assert!(header[0] == 0 && header[1] <= 3 && header[2] == 0 && header[3] < 16, "{header:?}");
        let length = u32::from_be_bytes(header[8..].try_into().expect("four bytes")) as usize;
        let payload = if header[1] == 0 { length } else { 0 };
        assert!(payload <= rest.len(), "{} of {payload} bytes", rest.len());
        bytes = &rest[payload..];
    }
}

/// Methods of every kind.
struct Everything;

impl Service for Everything {
    fn call(&self, method: &str, args: &mut Args<'_>) -> Result<Running, Refusal> {
        match method {
            "Greet" => {
                let name = args.read::<Str, String>()?;
                Ok(Box::pin(async move { Ok(Reply::new::<Str, String>(format!("Hello, {name}!"))) }))
            }
            "Sort" => {
                let mut names = args.read::<Slice<Str>, Vec<String>>()?;
                names.sort();
                Ok(Box::pin(async move { Ok(Reply::new::<Slice<Str>, Vec<String>>(names)) }))
            }
            "Look" => {
                let value = args.read_dynamic()?;
                Ok(Box::pin(async move { Err(format!("{value:?}")) }))
            }
            "Nothing" => {
                args.read::<Struct<Empty>, Empty>()?;
                Ok(Box::pin(async { Ok(Reply::empty()) }))
            }
            _ => Err(Refusal::NoSuchMethod),
        }
    }
}

/// Any bytes are requests that are answered in the form of net/rpc, or end the connection; and any bytes end the calls that wait for
/// an answer, well or not.
pub(crate) fn rpc(bytes: &[u8]) {
    run(async {
        let (ours, theirs) = duplex(PIPE);
        let (read, write) = split(theirs);
        let mut limits = Limits::default();
        limits.gob.max_message_bytes = 1 << 20;
        let server = Server::new().register("Plugin", Arc::new(Everything)).limits(limits.clone());
        let serving = tokio::spawn(server.serve(read, write));
        let answer = talk(ours, bytes).await;
        let _: Closed = serving.await.expect("nothing panics");
        replies(&answer);
    });
    run(async {
        let (ours, theirs) = duplex(PIPE);
        let (read, write) = split(theirs);
        let client = Client::new(read, write, Limits::default());
        let name = "Anna".to_owned();
        let calls = async {
            tokio::join!(
                client.call::<Str, _, Str, String>("Plugin.Greet", &name),
                client.call::<Str, _, Map<Str, Str>, std::collections::BTreeMap<String, String>>("Plugin.Map", &name),
                client.call::<Str, _, Struct<Empty>, Empty>("Plugin.Nothing", &name),
            )
        };
        let calls = tokio::time::timeout(AGES, calls);
        let (_, ended) = tokio::join!(talk(ours, bytes), calls);
        let _ = ended.expect("no call is left waiting");
        tokio::time::timeout(AGES, client.closed()).await.expect("the client knows that it is over");
    });
}

/// Checks that these are a header and a value, again and again.
fn replies(bytes: &[u8]) {
    let mut decoder = Decoder::new();
    decoder.push(bytes);
    let mut values = 0;
    while decoder.skip().expect("what is answered is gob").is_some() {
        values += 1;
    }
    assert_eq!((values % 2, decoder.buffered()), (0, 0), "a value follows each header");
}
