//! A connection that the host has switched from HTTP to streams: bytes both ways, plain or in a WebSocket.
//!
//! Owns the buffers on the way. What the bytes mean is left to the protocols on top.

use std::io;

use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::sync::mpsc;
use tokio_util::bytes::{Bytes, BytesMut};

use super::websocket::{self, Piece, Unwrapper};

/// The least and the most room for one read. A record of TLS has at most 16 KiB.
const ROOM: std::ops::RangeInclusive<usize> = 4 * 1024..=32 * 1024;

/// The most bytes written at once, and about the most that is kept for the next time.
const BATCH: usize = 128 * 1024;
const KEPT: usize = 16 * 1024;

type Io = TokioIo<Upgraded>;

/// Both directions of a connection.
pub(super) struct Transport {
    pub(super) receiver: Receiver,
    pub(super) sender: Sender,
}

impl Transport {
    /// Bytes by themselves.
    pub(super) fn plain(io: Upgraded) -> Self {
        Self::over(io, None)
    }

    /// Bytes in binary messages of a WebSocket.
    pub(super) fn web_socket(io: Upgraded) -> Self {
        Self::over(io, Some(Unwrapper::default()))
    }

    fn over(io: Upgraded, unwrapper: Option<Unwrapper>) -> Self {
        let (read, write) = tokio::io::split(TokioIo::new(io));
        Self {
            sender: Sender {
                write,
                is_wrapped: unwrapper.is_some(),
                out: BytesMut::new(),
            },
            receiver: Receiver {
                read,
                buffer: BytesMut::new(),
                room: *ROOM.start(),
                unwrapper,
            },
        }
    }
}

/// Something from the host.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Received {
    /// Bytes, and whether they are the first of a message; plain bytes are all one.
    Bytes { bytes: BytesMut, begins: bool },
    /// The wish for a sign of life.
    Ping(Bytes),
    /// A sign of life.
    Pong,
}

/// The direction from the host.
pub(super) struct Receiver {
    read: ReadHalf<Io>,
    buffer: BytesMut,
    room: usize,
    unwrapper: Option<Unwrapper>,
}

impl Receiver {
    /// What comes next, or `None` at the end.
    pub(super) async fn receive(&mut self) -> io::Result<Option<Received>> {
        loop {
            match self.take()? {
                Some(Piece::Message { bytes, begins }) => {
                    return Ok(Some(Received::Bytes { bytes, begins }));
                }
                Some(Piece::Ping(bytes)) => return Ok(Some(Received::Ping(bytes))),
                Some(Piece::Pong) => return Ok(Some(Received::Pong)),
                Some(Piece::Close) => return Ok(None),
                None => {}
            }
            if self.fill().await? == 0 {
                return Ok(None);
            }
        }
    }

    fn take(&mut self) -> io::Result<Option<Piece>> {
        if let Some(unwrapper) = &mut self.unwrapper {
            let piece = unwrapper.next(&mut self.buffer);
            return piece.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error));
        }
        let bytes = self.buffer.split();
        Ok((!bytes.is_empty()).then_some(Piece::Message {
            bytes,
            begins: false,
        }))
    }

    async fn fill(&mut self) -> io::Result<usize> {
        // What waits for bytes that may never come should be small, and what moves many of them large.
        self.buffer.reserve(self.room);
        let length = self.read.read_buf(&mut self.buffer).await?;
        if length >= self.room {
            self.room = (self.room * 2).min(*ROOM.end());
        } else if length < self.room / 4 {
            self.room = (self.room / 2).max(*ROOM.start());
        }
        Ok(length)
    }
}

/// Something for the host.
pub(super) enum Outgoing {
    /// Bytes, which are one message if there are messages.
    Bytes(Bytes),
    /// The wish for a sign of life, below the protocol on top. Plain bytes have none.
    Ping,
    /// The answer to one.
    Pong(Bytes),
}

/// The direction to the host.
pub(super) struct Sender {
    write: WriteHalf<Io>,
    is_wrapped: bool,
    out: BytesMut,
}

impl Sender {
    /// Sends what comes through `queue` until it closes or sending fails.
    pub(super) async fn send_all(mut self, mut queue: mpsc::Receiver<Outgoing>) -> io::Error {
        while let Some(first) = queue.recv().await {
            self.put(first);
            while self.out.len() < BATCH
                && let Ok(next) = queue.try_recv()
            {
                self.put(next);
            }
            if let Err(error) = self.write().await {
                return error;
            }
        }
        if self.is_wrapped {
            websocket::put_close(&mut self.out);
        }
        // The other side learns of the end either way.
        let _ = self.write().await;
        let _ = self.write.shutdown().await;
        io::Error::new(io::ErrorKind::NotConnected, "nobody uses it any more")
    }

    fn put(&mut self, outgoing: Outgoing) {
        match outgoing {
            Outgoing::Bytes(bytes) if self.is_wrapped => {
                websocket::put_message(&mut self.out, &bytes);
            }
            Outgoing::Bytes(bytes) => self.out.extend_from_slice(&bytes),
            Outgoing::Ping if self.is_wrapped => websocket::put_ping(&mut self.out),
            Outgoing::Pong(bytes) if self.is_wrapped => {
                websocket::put_pong(&mut self.out, &bytes);
            }
            Outgoing::Ping | Outgoing::Pong(_) => {}
        }
    }

    async fn write(&mut self) -> io::Result<()> {
        self.write.write_all(&self.out).await?;
        self.write.flush().await?;
        if self.out.capacity() > KEPT {
            self.out = BytesMut::new();
        } else {
            self.out.clear();
        }
        Ok(())
    }
}
