//! Messages in a WebSocket, as its client: what RFC 6455 asks of binary messages, and no more.
//!
//! Payloads are handed on as they come, in parts: the protocols within have their own limits, and nothing is held
//! back until a message is whole.

use std::hash::{BuildHasher, Hasher, RandomState};

use base64::{Engine, engine::general_purpose::STANDARD};
use sha1::{Digest, Sha1};
use tokio_util::bytes::{Buf, BufMut, Bytes, BytesMut};

/// What a server adds to the key of a client before it answers with the digest of both.
const HANDSHAKE: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

const LAST: u8 = 0x80;
const RESERVED: u8 = 0x70;
const MASKED: u8 = 0x80;
const LONGEST_CONTROL: u64 = 125;

/// In place of a length: it follows, in two bytes or in eight.
const SHORT: u8 = 0x7e;
const LONG: u8 = 0x7f;

const CONTINUATION: u8 = 0x0;
const TEXT: u8 = 0x1;
const BINARY: u8 = 0x2;
const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;
const PONG: u8 = 0xa;

/// What a server sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// Some bytes of a message; the first of it if it `begins`.
    Message { bytes: BytesMut, begins: bool },
    /// The wish for a sign of life, to be answered with the same bytes.
    Ping(Bytes),
    /// A sign of life.
    Pong,
    /// Nothing more will come.
    Close,
}

/// The server does not keep to the protocol.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the host broke the rules of WebSockets: {0}")]
pub(super) struct WebSocketError(&'static str);

/// Takes payloads out of bytes as they come.
#[derive(Debug, Default)]
pub(super) struct Unwrapper {
    /// How much of the current frame of data is still to come.
    rest: u64,
    /// Whether nothing of the current message was handed on yet.
    begins: bool,
}

struct Header {
    kind: u8,
    is_last: bool,
    size: usize,
    length: u64,
}

impl Unwrapper {
    /// The next piece at the front of `bytes`, or `None` until there are more.
    pub(super) fn next(&mut self, bytes: &mut BytesMut) -> Result<Option<Piece>, WebSocketError> {
        loop {
            if self.rest > 0 {
                if bytes.is_empty() {
                    return Ok(None);
                }
                return Ok(Some(self.part(bytes)));
            }
            let Some(header) = header(bytes)? else {
                return Ok(None);
            };
            if header.kind & 0x8 == 0 {
                bytes.advance(header.size);
                self.rest = header.length;
                self.begins |= header.kind != CONTINUATION;
                continue;
            }
            if header.length > LONGEST_CONTROL || !header.is_last {
                return Err(WebSocketError("a control frame is too long"));
            }
            let length = usize::try_from(header.length).expect("at most 125");
            if bytes.len() < header.size + length {
                return Ok(None);
            }
            bytes.advance(header.size);
            let payload = bytes.split_to(length);
            return Ok(Some(match header.kind {
                CLOSE => Piece::Close,
                PING => Piece::Ping(payload.freeze()),
                _ => Piece::Pong,
            }));
        }
    }

    fn part(&mut self, bytes: &mut BytesMut) -> Piece {
        let length = usize::try_from(self.rest).map_or(bytes.len(), |rest| rest.min(bytes.len()));
        self.rest -= length as u64;
        Piece::Message {
            bytes: bytes.split_to(length),
            begins: std::mem::take(&mut self.begins),
        }
    }
}

/// The header at the front of `bytes`, once all of it is there.
fn header(bytes: &[u8]) -> Result<Option<Header>, WebSocketError> {
    let &[first, second, ref more @ ..] = bytes else {
        return Ok(None);
    };
    if first & RESERVED != 0 {
        return Err(WebSocketError("an extension that was not agreed on"));
    }
    if second & MASKED != 0 {
        return Err(WebSocketError("a masked frame"));
    }
    let kind = first & 0xf;
    if !matches!(kind, CONTINUATION | TEXT | BINARY | CLOSE | PING | PONG) {
        return Err(WebSocketError("a frame of an unknown kind"));
    }
    let (size, length) = match second {
        SHORT => match more.first_chunk() {
            Some(length) => (4, u64::from(u16::from_be_bytes(*length))),
            None => return Ok(None),
        },
        LONG => match more.first_chunk() {
            Some(length) => (10, u64::from_be_bytes(*length)),
            None => return Ok(None),
        },
        length => (2, u64::from(length)),
    };
    Ok(Some(Header {
        kind,
        is_last: first & LAST != 0,
        size,
        length,
    }))
}

/// Adds a message.
pub(super) fn put_message(out: &mut BytesMut, bytes: &[u8]) {
    put_frame(out, BINARY, bytes);
}

/// Adds the wish for a sign of life.
pub(super) fn put_ping(out: &mut BytesMut) {
    put_frame(out, PING, &[]);
}

/// Adds the answer to a ping.
pub(super) fn put_pong(out: &mut BytesMut, payload: &[u8]) {
    put_frame(out, PONG, payload);
}

/// Adds the announcement that nothing more will come.
pub(super) fn put_close(out: &mut BytesMut) {
    const NORMAL: u16 = 1000;
    put_frame(out, CLOSE, &NORMAL.to_be_bytes());
}

fn put_frame(out: &mut BytesMut, kind: u8, bytes: &[u8]) {
    let length = bytes.len();
    out.reserve(14 + length);
    out.put_u8(LAST | kind);
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(short @ ..=125), _) => out.put_u8(MASKED | short),
        (_, Ok(medium)) => {
            out.put_u8(MASKED | SHORT);
            out.put_u16(medium);
        }
        _ => {
            out.put_u8(MASKED | LONG);
            out.put_u64(length as u64);
        }
    }
    // The keys of each `RandomState` are not to be guessed, which is all that is asked of a mask.
    let mask = RandomState::new().build_hasher().finish().to_be_bytes();
    let mask = [mask[0], mask[1], mask[2], mask[3]];
    out.put_slice(&mask);
    let begin = out.len();
    out.put_slice(bytes);
    apply(&mut out[begin..], mask);
}

/// Masks or unmasks, which is the same.
fn apply(bytes: &mut [u8], [a, b, c, d]: [u8; 4]) {
    let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let mut words = bytes.chunks_exact_mut(8);
    for word in &mut words {
        let masked = u64::from_ne_bytes(word.try_into().expect("eight bytes")) ^ wide;
        word.copy_from_slice(&masked.to_ne_bytes());
    }
    for (byte, mask) in words.into_remainder().iter_mut().zip([a, b, c, d, a, b, c]) {
        *byte ^= mask;
    }
}

/// A key for the request that opens a WebSocket.
pub(super) fn generate_key() -> String {
    let random = || RandomState::new().build_hasher().finish().to_be_bytes();
    STANDARD.encode([random(), random()].concat())
}

/// What a server answers to that key.
pub(super) fn answer_to(key: &str) -> String {
    STANDARD.encode(Sha1::digest(format!("{key}{HANDSHAKE}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tokio_tungstenite::tungstenite::protocol::frame::coding::{Control, Data, OpCode};
    use tokio_tungstenite::tungstenite::protocol::frame::{Frame, FrameSocket};

    fn unwrap_all(bytes: &[u8], chunk: usize) -> Result<Vec<Piece>, WebSocketError> {
        let (mut unwrapper, mut buffer) = (Unwrapper::default(), BytesMut::new());
        let mut pieces = Vec::new();
        for chunk in bytes.chunks(chunk) {
            buffer.extend_from_slice(chunk);
            while let Some(piece) = unwrapper.next(&mut buffer)? {
                pieces.push(piece);
            }
        }
        Ok(pieces)
    }

    /// A frame as the library that others use writes it for a server.
    fn written(frame: Frame) -> Vec<u8> {
        let mut out = Vec::new();
        frame.format(&mut out).unwrap();
        out
    }

    fn data(bytes: &[u8], kind: Data, is_last: bool) -> Vec<u8> {
        written(Frame::message(bytes.to_vec(), OpCode::Data(kind), is_last))
    }

    proptest! {
        #[test]
        fn what_the_library_writes_is_read(
            first in prop::collection::vec(any::<u8>(), 1..70_000), second: Vec<u8>, chunk in 1_usize..9000
        ) {
            let sent = [
                data(&first, Data::Binary, false),
                written(Frame::ping("ping")),
                data(&second, Data::Continue, true),
            ];
            let pieces = unwrap_all(&sent.concat(), chunk).unwrap();
            let mut whole = Vec::new();
            for (index, piece) in pieces.iter().enumerate() {
                match piece {
                    Piece::Message { bytes, begins } => {
                        prop_assert_eq!(*begins, index == 0);
                        whole.extend_from_slice(bytes);
                    }
                    Piece::Ping(payload) => prop_assert_eq!(&payload[..], b"ping"),
                    other => prop_assert!(false, "{other:?}"),
                }
            }
            prop_assert_eq!(whole, [first, second].concat());
        }

        #[test]
        fn the_library_reads_what_is_written(bytes in prop::collection::vec(any::<u8>(), 0..70_000)) {
            let mut out = BytesMut::new();
            put_message(&mut out, &bytes);
            put_close(&mut out);
            let mut socket = FrameSocket::new(&out[..]);
            let message = socket.read(None).unwrap().unwrap();
            let mask = message.header().mask.unwrap();
            let mut payload = message.into_payload().to_vec();
            apply(&mut payload, mask);
            prop_assert_eq!(payload, bytes);
            let close = socket.read(None).unwrap().unwrap();
            prop_assert_eq!(close.header().opcode, OpCode::Control(Control::Close));
        }

        #[test]
        fn any_bytes_are_pieces_or_an_error(bytes: Vec<u8>) {
            let _ = unwrap_all(&bytes, 3);
        }
    }

    #[test]
    fn what_breaks_the_rules_is_refused() {
        for bytes in [
            &[0x82, 0x81, 1, 2, 3, 4, 5][..],
            &[0xc2, 1, 1],
            &[0x83, 1, 1],
            &[0x89, 126, 0, 126],
            &[0x09, 0],
        ] {
            unwrap_all(bytes, 99).unwrap_err();
        }
    }

    #[test]
    fn the_answer_to_a_key_is_that_of_the_standard() {
        assert_eq!(
            answer_to("dGhlIHNhbXBsZSBub25jZQ=="),
            "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        );
    }
}
