//! The pod's side of a port-forward, in the three protocols that hosts speak.
//!
//! Owns what happens after a connection was upgraded; answering the request before that is the API server's. It is
//! written from the protocols alone and shares nothing with the client in `src/tunnel`, so that the two check each other.

use std::collections::HashMap;
use std::io;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use flate2::{Decompress, FlushDecompress};
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;

/// How a client wants its ports forwarded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// `SPDY/3.1+portforward.k8s.io` in a WebSocket.
    SpdyInWebSocket,
    /// `SPDY/3.1` by itself.
    Spdy,
    /// `v4.channel.k8s.io`, for these ports.
    Channels(Vec<u16>),
}

/// What goes wrong, shared with the test that wants it so.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    /// How many of the next connections into the pod are refused, whoever listens.
    pub(crate) refuse: AtomicU32,
    /// Stops answering, reading and sending, and keeps the connection open.
    pub(crate) freeze: AtomicBool,
    /// Closes the whole connection after this many more bytes to the client, in the midst of a frame; 0 is never.
    pub(crate) cut_after: AtomicUsize,
    /// How many connections into the pod were asked for.
    pub(crate) asked: AtomicUsize,
    /// How many of the next data streams are reset once the client has sent something on them.
    pub(crate) reset: AtomicU32,
    /// Accepts no stream; those that were opened meanwhile are accepted with the next frame after that.
    pub(crate) accept_none: AtomicBool,
    /// How many streams the client has reset before they were accepted: each spoils a connection to a real host.
    pub(crate) reset_early: AtomicUsize,
    /// How many it has reset after that.
    pub(crate) reset_late: AtomicUsize,
    /// Bytes that are sent to the client ahead of the next that are, as they are.
    pub(crate) inject: Mutex<Vec<u8>>,
}

/// Serves one upgraded connection until either side closes it; `connect` reaches a port inside the pod.
pub(crate) async fn serve_upgraded<C, F>(
    io: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    protocol: Protocol,
    connect: C,
    faults: Arc<Faults>,
) where
    C: Fn(u16) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = io::Result<TcpStream>> + Send + 'static,
{
    let (from_client, incoming) = mpsc::channel::<Vec<u8>>(16);
    let (to_client, outgoing) = mpsc::channel::<Vec<u8>>(16);
    let mut tasks = JoinSet::new();
    if protocol == Protocol::Spdy {
        let (mut read, write) = tokio::io::split(io);
        tasks.spawn(async move {
            let mut buffer = vec![0; 32 * 1024];
            while let Ok(length @ 1..) = read.read(&mut buffer).await {
                if from_client.send(buffer[..length].to_vec()).await.is_err() {
                    break;
                }
            }
        });
        tasks.spawn(write_bytes(write, outgoing, faults.clone()));
    } else {
        let socket = WebSocketStream::from_raw_socket(io, Role::Server, None).await;
        let (sink, mut messages) = socket.split();
        tasks.spawn(async move {
            while let Some(Ok(message)) = messages.next().await {
                if let Message::Binary(bytes) = message
                    && from_client.send(bytes.to_vec()).await.is_err()
                {
                    break;
                }
            }
        });
        tasks.spawn(write_messages(sink, outgoing, faults.clone()));
    }
    match protocol {
        Protocol::Channels(ports) => {
            tasks.spawn(channels(ports, incoming, to_client, connect, faults));
        }
        Protocol::Spdy | Protocol::SpdyInWebSocket => {
            tasks.spawn(spdy(incoming, to_client, connect, faults));
        }
    }
    // Whichever ends first ends the connection.
    tasks.join_next().await;
}

async fn write_bytes(
    mut write: impl AsyncWrite + Unpin,
    mut outgoing: mpsc::Receiver<Vec<u8>>,
    faults: Arc<Faults>,
) {
    while let Some(mut bytes) = outgoing.recv().await {
        faults.prepend(&mut bytes);
        let is_last = faults.shorten(&mut bytes);
        faults.stand_still().await;
        if write.write_all(&bytes).await.is_err() || write.flush().await.is_err() || is_last {
            return;
        }
    }
}

async fn write_messages(
    mut sink: impl futures_util::Sink<Message> + Unpin,
    mut outgoing: mpsc::Receiver<Vec<u8>>,
    faults: Arc<Faults>,
) {
    while let Some(mut bytes) = outgoing.recv().await {
        faults.prepend(&mut bytes);
        let is_last = faults.shorten(&mut bytes);
        faults.stand_still().await;
        if sink.send(Message::Binary(bytes.into())).await.is_err() || is_last {
            return;
        }
    }
}

impl Faults {
    async fn stand_still(&self) {
        if self.freeze.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
    }

    fn prepend(&self, bytes: &mut Vec<u8>) {
        let mut injected = std::mem::take(&mut *self.inject.lock().expect("never poisoned"));
        injected.append(bytes);
        *bytes = injected;
    }

    /// Whether one more of a limited number of faults is due.
    fn is_due(fault: &AtomicU32) -> bool {
        let less = |left: u32| left.checked_sub(1);
        fault
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, less)
            .is_ok()
    }

    /// Cuts off what should not be sent any more; `true` if these bytes are the last.
    fn shorten(&self, bytes: &mut Vec<u8>) -> bool {
        let left = self.cut_after.load(Ordering::SeqCst);
        if left == 0 {
            return false;
        }
        let is_last = bytes.len() >= left;
        bytes.truncate(left);
        self.cut_after
            .store((left - bytes.len()).max(1), Ordering::SeqCst);
        is_last
    }

    fn refuses(&self) -> bool {
        self.asked.fetch_add(1, Ordering::SeqCst);
        Self::is_due(&self.refuse)
    }
}

async fn dial<F>(
    connect: impl Fn(u16) -> F,
    port: u16,
    faults: &Faults,
) -> Result<TcpStream, String>
where
    F: Future<Output = io::Result<TcpStream>>,
{
    let result = if faults.refuses() {
        Err(io::Error::new(
            io::ErrorKind::ConnectionRefused,
            "connect: connection refused",
        ))
    } else {
        connect(port).await
    };
    result.map_err(|error| {
        let error = error.to_string().to_lowercase();
        format!(
            "error forwarding port {port} to pod 0123, uid : failed to execute portforward in network namespace: \
             failed to connect to localhost:{port} inside namespace: dial tcp4 127.0.0.1:{port}: {error}"
        )
    })
}

// --- SPDY/3.1 ---

/// Frames that wait for one pod. More hold up the whole connection, as on a real host: there is no flow control.
const WAITING: usize = 16;

/// What reaches a data stream from the client.
enum FromClient {
    Bytes(Vec<u8>),
    End,
}

#[derive(Default)]
struct Pair {
    error: Option<u32>,
    data: Option<(u32, mpsc::Receiver<FromClient>)>,
}

async fn spdy<C, F>(
    mut incoming: mpsc::Receiver<Vec<u8>>,
    to_client: mpsc::Sender<Vec<u8>>,
    connect: C,
    faults: Arc<Faults>,
) where
    C: Fn(u16) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = io::Result<TcpStream>> + Send + 'static,
{
    let mut bytes = Vec::new();
    let mut headers = Headers(Decompress::new(true));
    let mut streams: HashMap<u32, mpsc::Sender<FromClient>> = HashMap::new();
    let mut pairs: HashMap<String, Pair> = HashMap::new();
    let mut unaccepted = Vec::new();
    let mut forwards = JoinSet::new();
    while let Some(more) = incoming.recv().await {
        bytes.extend(more);
        faults.stand_still().await;
        while let Some((first, flags, body)) = take_frame(&mut bytes) {
            accept(&mut unaccepted, &faults, &to_client).await;
            if first >> 31 == 0 {
                let Some(stream) = streams.get(&first) else {
                    continue;
                };
                if !body.is_empty() && Faults::is_due(&faults.reset) {
                    streams.remove(&first);
                    let _ = to_client.send(reset_frame(first)).await;
                    continue;
                }
                if !body.is_empty() {
                    let _ = stream.send(FromClient::Bytes(body)).await;
                }
                if flags & 1 == 1 {
                    let _ = stream.send(FromClient::End).await;
                }
                continue;
            }
            let number = |at: usize| u32::from_be_bytes(body[at..at + 4].try_into().expect("four"));
            match first & 0xffff {
                1 => {
                    assert_eq!(
                        flags, 0,
                        "the kubelet refuses an end within the opening frame"
                    );
                    let id = number(0);
                    let fields = headers.read(&body[10..]);
                    unaccepted.push(id);
                    accept(&mut unaccepted, &faults, &to_client).await;
                    let pair = pairs.entry(fields["requestid"].clone()).or_default();
                    if fields["streamtype"] == "error" {
                        pair.error = Some(id);
                    } else {
                        let (send, receive) = mpsc::channel(WAITING);
                        streams.insert(id, send);
                        pair.data = Some((id, receive));
                    }
                    if let (Some(error), Some((data, receive))) = (pair.error, pair.data.take()) {
                        let port = fields["port"].parse().expect("a port");
                        let (connect, faults) = (connect.clone(), faults.clone());
                        let to_client = to_client.clone();
                        forwards.spawn(async move {
                            match dial(&connect, port, &faults).await {
                                Ok(pod) => forward(pod, error, data, receive, to_client).await,
                                Err(message) => {
                                    // In the order that was seen of a real host.
                                    let frames = [
                                        data_frame(data, &[], 1),
                                        data_frame(error, message.as_bytes(), 0),
                                        data_frame(error, &[], 1),
                                    ];
                                    for frame in frames {
                                        let _ = to_client.send(frame).await;
                                    }
                                }
                            }
                        });
                    }
                }
                // Dropping the sender is how the forward learns of it.
                3 => {
                    let id = number(0);
                    drop(streams.remove(&id));
                    let resets = if unaccepted.contains(&id) {
                        &faults.reset_early
                    } else {
                        &faults.reset_late
                    };
                    resets.fetch_add(1, Ordering::SeqCst);
                }
                6 => {
                    let mut pong = vec![0x80, 3, 0, 6, 0, 0, 0, 4];
                    pong.extend(&body);
                    let _ = to_client.send(pong).await;
                }
                _ => {}
            }
        }
    }
}

async fn accept(streams: &mut Vec<u32>, faults: &Faults, to_client: &mpsc::Sender<Vec<u8>>) {
    if faults.accept_none.load(Ordering::SeqCst) {
        return;
    }
    for stream in streams.drain(..) {
        let mut reply = vec![0x80, 3, 0, 2, 0, 0, 0, 8];
        reply.extend(stream.to_be_bytes());
        reply.extend([0; 4]);
        let _ = to_client.send(reply).await;
    }
}

/// The first word, the flags and the body of the next whole frame.
fn take_frame(bytes: &mut Vec<u8>) -> Option<(u32, u8, Vec<u8>)> {
    let head: [u8; 8] = bytes.get(..8)?.try_into().ok()?;
    let length = usize::from(head[5]) << 16 | usize::from(head[6]) << 8 | usize::from(head[7]);
    if bytes.len() < 8 + length {
        return None;
    }
    let body = bytes[8..8 + length].to_vec();
    bytes.drain(..8 + length);
    Some((
        u32::from_be_bytes([head[0], head[1], head[2], head[3]]),
        head[4],
        body,
    ))
}

fn data_frame(stream: u32, bytes: &[u8], flags: u8) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).expect("short").to_be_bytes();
    let head = [&stream.to_be_bytes()[..], &[flags], &length[1..]].concat();
    [&head, bytes].concat()
}

fn reset_frame(stream: u32) -> Vec<u8> {
    const INTERNAL_ERROR: u32 = 6;
    let body = [stream, INTERNAL_ERROR].map(u32::to_be_bytes).concat();
    [&[0x80, 3, 0, 3, 0, 0, 0, 8][..], &body].concat()
}

/// One zlib stream over all header blocks of a connection.
struct Headers(Decompress);

impl Headers {
    fn read(&mut self, block: &[u8]) -> HashMap<String, String> {
        let mut text = Vec::with_capacity(4096);
        self.0
            .decompress_vec(block, &mut text, FlushDecompress::Sync)
            .expect("a zlib stream");
        let mut rest = &text[..];
        let number = |rest: &mut &[u8]| {
            let (head, tail) = rest.split_at(4);
            *rest = tail;
            u32::from_be_bytes(head.try_into().expect("four")) as usize
        };
        let count = number(&mut rest);
        let mut word = || {
            let length = number(&mut rest);
            let (head, tail) = rest.split_at(length);
            rest = tail;
            String::from_utf8(head.to_vec()).expect("text")
        };
        (0..count).map(|_| (word(), word())).collect()
    }
}

async fn forward(
    mut pod: TcpStream,
    error: u32,
    data: u32,
    from_client: mpsc::Receiver<FromClient>,
    to_client: mpsc::Sender<Vec<u8>>,
) {
    let (mut read, mut write) = pod.split();
    let up = async move {
        // Owned here, so that nothing queues up once nobody takes it.
        let mut from_client = from_client;
        loop {
            match from_client.recv().await {
                Some(FromClient::Bytes(bytes)) if write.write_all(&bytes).await.is_ok() => {}
                Some(FromClient::End) => {
                    let _ = write.shutdown().await;
                    return true;
                }
                // The pod takes no more: reading from it tells the client why.
                Some(FromClient::Bytes(_)) => return true,
                // Reset by the client.
                None => return false,
            }
        }
    };
    let down = async {
        let mut buffer = vec![0; 32 * 1024];
        loop {
            match read.read(&mut buffer).await {
                Ok(0) => break,
                Ok(length) => {
                    let _ = to_client.send(data_frame(data, &buffer[..length], 0)).await;
                }
                Err(reset) => {
                    let message = format!("error forwarding port: {reset}");
                    let _ = to_client
                        .send(data_frame(error, message.as_bytes(), 0))
                        .await;
                    let _ = to_client.send(data_frame(error, &[], 1)).await;
                    break;
                }
            }
        }
        let _ = to_client.send(data_frame(data, &[], 1)).await;
    };
    let (mut up, mut down) = (pin!(up), pin!(down));
    tokio::select! {
        // The pod's half may be closed long before the client's.
        () = &mut down => drop(up.await),
        is_open = &mut up => if is_open { down.await } else { return },
    }
    let _ = to_client.send(data_frame(error, &[], 1)).await;
}

// --- v4.channel.k8s.io ---

async fn channels<C, F>(
    ports: Vec<u16>,
    mut incoming: mpsc::Receiver<Vec<u8>>,
    to_client: mpsc::Sender<Vec<u8>>,
    connect: C,
    faults: Arc<Faults>,
) where
    C: Fn(u16) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = io::Result<TcpStream>> + Send + 'static,
{
    let mut writers = HashMap::new();
    let mut readers = JoinSet::new();
    for (index, port) in ports.into_iter().enumerate() {
        let data = u8::try_from(index * 2).expect("few ports");
        for channel in [data, data + 1] {
            let _ = to_client
                .send([&[channel][..], &port.to_le_bytes()].concat())
                .await;
        }
        match dial(&connect, port, &faults).await {
            Ok(pod) => {
                let (mut read, write) = pod.into_split();
                writers.insert(data, write);
                let to_client = to_client.clone();
                readers.spawn(async move {
                    let mut buffer = vec![0; 32 * 1024];
                    while let Ok(length @ 1..) = read.read(&mut buffer).await {
                        let _ = to_client.send([&[data], &buffer[..length]].concat()).await;
                    }
                });
            }
            Err(message) => {
                let _ = to_client
                    .send([&[data + 1], message.as_bytes()].concat())
                    .await;
                readers.spawn(tokio::time::sleep(Duration::from_millis(20)));
            }
        }
    }
    loop {
        tokio::select! {
            message = incoming.recv() => {
                let Some(message) = message else { return };
                let Some((channel, bytes)) = message.split_first() else { continue };
                if let Some(write) = writers.get_mut(channel) {
                    let _ = write.write_all(bytes).await;
                }
            }
            // There is no closing one channel: the end of all of them is the end of the connection.
            _ = readers.join_next(), if !readers.is_empty() => {}
        }
        if readers.is_empty() {
            return;
        }
    }
}
