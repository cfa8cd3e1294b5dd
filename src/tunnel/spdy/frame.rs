//! Frames as bytes.

use tokio_util::bytes::{Buf, BufMut, Bytes, BytesMut};

const CONTROL_BIT: u16 = 0x8000;
const VERSION: u16 = 3;
const HEADER: usize = 8;

const SYN_STREAM: u16 = 1;
const SYN_REPLY: u16 = 2;
const RST_STREAM: u16 = 3;
const PING: u16 = 6;
const GOAWAY: u16 = 7;

const FIN: u8 = 0x01;
const STATUS_CANCEL: u32 = 5;

/// Longer control frames are none that a port-forward has a use for.
const LONGEST_CONTROL: usize = 64 * 1024;

/// The most bytes of data that one frame of ours carries.
pub(super) const LONGEST_DATA: usize = 64 * 1024;

/// A frame from the other side, as far as it concerns us.
#[derive(Debug, PartialEq, Eq)]
pub enum Frame {
    /// Bytes of a stream. A long frame comes in several, and only the last one says that the stream ends.
    Data {
        /// Which stream.
        stream: u32,
        /// Its next bytes.
        bytes: Bytes,
        /// Whether no more will come.
        is_last: bool,
    },
    /// The other side accepts a stream.
    Reply {
        /// Which stream.
        stream: u32,
    },
    /// A stream ended abnormally.
    Reset {
        /// Which stream.
        stream: u32,
    },
    /// A sign of life, or the wish for one.
    Ping {
        /// Odd if we sent it.
        id: u32,
    },
    /// No new streams will be accepted.
    GoAway,
}

/// The other side does not speak SPDY/3.1.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Another version.
    #[error("the host speaks version {0} of SPDY")]
    Version(u16),
    /// A control frame that cannot be meant.
    #[error("the host sent a control frame of {0} bytes")]
    Length(usize),
}

/// Takes frames out of bytes as they come.
#[derive(Debug, Default)]
pub struct Decoder {
    bytes: BytesMut,
    data: Option<RestOfData>,
}

#[derive(Debug)]
struct RestOfData {
    stream: u32,
    length: usize,
    is_last: bool,
}

impl Decoder {
    /// Adds what was received.
    pub fn push(&mut self, bytes: impl Into<BytesMut>) {
        let bytes = bytes.into();
        if self.bytes.is_empty() {
            // Taken over instead of copied, which is most of the time.
            self.bytes = bytes;
        } else {
            self.bytes.extend_from_slice(&bytes);
        }
    }

    /// The next frame, or `None` until more is received.
    #[expect(
        clippy::should_implement_trait,
        reason = "an iterator would end where this one only waits for more"
    )]
    pub fn next(&mut self) -> Result<Option<Frame>, FrameError> {
        loop {
            if let Some(frame) = self.next_data() {
                return Ok(Some(frame));
            }
            if self.data.is_some() || self.bytes.len() < HEADER {
                return Ok(None);
            }
            let mut header = &self.bytes[..HEADER];
            let first = header.get_u32();
            let flags_and_length = header.get_u32();
            let flags = flags_and_length.to_be_bytes()[0];
            let length = (flags_and_length & 0x00ff_ffff) as usize;
            if first & 0x8000_0000 == 0 {
                self.bytes.advance(HEADER);
                self.data = Some(RestOfData {
                    stream: first,
                    length,
                    is_last: flags & FIN != 0,
                });
                continue;
            }
            let [_, _, kind @ ..] = first.to_be_bytes();
            let version = (first >> 16) as u16 & !CONTROL_BIT;
            if version != VERSION {
                return Err(FrameError::Version(version));
            }
            if length > LONGEST_CONTROL {
                return Err(FrameError::Length(length));
            }
            if self.bytes.len() < HEADER + length {
                return Ok(None);
            }
            self.bytes.advance(HEADER);
            let mut body = self.bytes.split_to(length);
            if let Some(frame) = control(u16::from_be_bytes(kind), &mut body)? {
                return Ok(Some(frame));
            }
        }
    }

    fn next_data(&mut self) -> Option<Frame> {
        let rest = self.data.as_mut()?;
        if self.bytes.is_empty() && rest.length > 0 {
            return None;
        }
        let bytes = self
            .bytes
            .split_to(rest.length.min(self.bytes.len()))
            .freeze();
        rest.length -= bytes.len();
        let (stream, is_whole) = (rest.stream, rest.length == 0);
        let is_last = rest.is_last && is_whole;
        if is_whole {
            self.data = None;
        }
        Some(Frame::Data {
            stream,
            bytes,
            is_last,
        })
    }
}

/// The meaning of a control frame; `None` for the many kinds that are not for us.
fn control(kind: u16, body: &mut BytesMut) -> Result<Option<Frame>, FrameError> {
    if !matches!(kind, SYN_REPLY | RST_STREAM | PING | GOAWAY) {
        return Ok(None);
    }
    if body.len() < 4 {
        return Err(FrameError::Length(body.len()));
    }
    let number = body.get_u32();
    Ok(Some(match kind {
        SYN_REPLY => Frame::Reply { stream: number },
        RST_STREAM => Frame::Reset { stream: number },
        PING => Frame::Ping { id: number },
        _ => Frame::GoAway,
    }))
}

/// Writes header blocks, which share one zlib stream over the life of a connection.
///
/// The protocol has a dictionary for compression, but a stream need not use it, nor compress: header blocks of a
/// port-forward are a hundred bytes for each connection, and stored as they are.
#[derive(Debug, Default)]
pub(super) struct HeaderWriter {
    has_begun: bool,
}

impl HeaderWriter {
    /// A frame that opens `stream`. Names must be in lower case.
    pub(super) fn open(&mut self, stream: u32, headers: &[(&str, &str)]) -> Bytes {
        let mut block = BytesMut::new();
        block.put_u32(length(headers.len()));
        for text in headers.iter().flat_map(|(name, value)| [name, value]) {
            block.put_u32(length(text.len()));
            block.put_slice(text.as_bytes());
        }
        let mut body = BytesMut::new();
        body.put_u32(stream);
        body.put_u32(0); // no associated stream
        body.put_u16(0); // highest priority, no credential slot
        if !self.has_begun {
            self.has_begun = true;
            body.put_slice(&[0x78, 0x01]);
        }
        put_stored(&mut body, &block);
        // An empty block makes the reader hand over what it has, instead of looking for more.
        put_stored(&mut body, &[]);
        control_frame(SYN_STREAM, &body)
    }
}

/// One stored block of a deflate stream, at a byte border.
fn put_stored(out: &mut BytesMut, bytes: &[u8]) {
    let length = u16::try_from(bytes.len()).expect("headers of a port-forward are short");
    out.put_u8(0);
    out.put_u16_le(length);
    out.put_u16_le(!length);
    out.put_slice(bytes);
}

/// At most [`LONGEST_DATA`] bytes of a stream.
pub(super) fn data(stream: u32, bytes: &[u8], is_last: bool) -> Bytes {
    let mut frame = BytesMut::with_capacity(HEADER + bytes.len());
    frame.put_u32(stream);
    frame.put_u32(length(bytes.len()) | u32::from(if is_last { FIN } else { 0 }) << 24);
    frame.put_slice(bytes);
    frame.freeze()
}

/// The abnormal end of a stream that nobody wants any more.
pub(super) fn reset(stream: u32) -> Bytes {
    let mut body = BytesMut::new();
    body.put_u32(stream);
    body.put_u32(STATUS_CANCEL);
    control_frame(RST_STREAM, &body)
}

/// A wish for a sign of life, or the answer to one.
pub(super) fn ping(id: u32) -> Bytes {
    control_frame(PING, &id.to_be_bytes())
}

fn control_frame(kind: u16, body: &[u8]) -> Bytes {
    let mut frame = BytesMut::with_capacity(HEADER + body.len());
    frame.put_u16(CONTROL_BIT | VERSION);
    frame.put_u16(kind);
    frame.put_u32(length(body.len()));
    frame.put_slice(body);
    frame.freeze()
}

fn length(bytes: usize) -> u32 {
    u32::try_from(bytes).expect("frames are short")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Read as _;

    fn decode_all(bytes: &[u8], chunk: usize) -> Vec<Frame> {
        let mut decoder = Decoder::default();
        let mut frames = Vec::new();
        for chunk in bytes.chunks(chunk) {
            decoder.push(chunk);
            while let Some(frame) = decoder.next().unwrap() {
                frames.push(frame);
            }
        }
        frames
    }

    /// Puts the parts of data frames together again.
    fn joined(frames: Vec<Frame>) -> Vec<(u32, Vec<u8>, bool)> {
        let mut all: Vec<(u32, Vec<u8>, bool)> = Vec::new();
        for frame in frames {
            let Frame::Data {
                stream,
                bytes,
                is_last,
            } = frame
            else {
                panic!("not data")
            };
            match all.last_mut() {
                Some((last, whole, false)) if *last == stream => {
                    whole.extend_from_slice(&bytes);
                    all.last_mut().unwrap().2 = is_last;
                }
                _ => all.push((stream, bytes.to_vec(), is_last)),
            }
        }
        all
    }

    proptest! {
        #[test]
        fn data_survives_any_split(bytes: Vec<u8>, is_last: bool, chunk in 1_usize..40) {
            let frame = data(3, &bytes, is_last);
            let expected = vec![(3, bytes, is_last)];
            prop_assert_eq!(joined(decode_all(&frame, chunk)), expected);
        }

        #[test]
        fn any_bytes_are_frames_or_an_error(bytes: Vec<u8>) {
            let mut decoder = Decoder::default();
            decoder.push(&bytes[..]);
            while let Ok(Some(_)) = decoder.next() {}
        }
    }

    #[test]
    fn control_frames_come_back_as_sent() {
        let bytes = [ping(7), reset(5), ping(9)].concat();
        let expected = [
            Frame::Ping { id: 7 },
            Frame::Reset { stream: 5 },
            Frame::Ping { id: 9 },
        ];
        assert_eq!(decode_all(&bytes, 3), expected);
    }

    #[test]
    fn unknown_frames_are_passed_over() {
        let bytes = [
            control_frame(9, &[0; 8]),
            control_frame(4, &[0; 12]),
            ping(1),
        ]
        .concat();
        assert_eq!(decode_all(&bytes, 64), [Frame::Ping { id: 1 }]);
    }

    #[test]
    fn another_version_is_refused() {
        let mut decoder = Decoder::default();
        decoder.push(&[0x80, 2, 0, 6, 0, 0, 0, 4, 0, 0, 0, 1][..]);
        assert_eq!(decoder.next(), Err(FrameError::Version(2)));
    }

    #[test]
    fn header_blocks_are_one_zlib_stream() {
        let mut writer = HeaderWriter::default();
        let first = writer.open(1, &[("port", "8443")]);
        let second = writer.open(3, &[("a", "b")]);
        let blocks = [&first[HEADER + 10..], &second[HEADER + 10..]].concat();
        let mut inflated = Vec::new();
        // The stream has no end, so reading it to the end fails after everything was read.
        let _ = flate2::read::ZlibDecoder::new(&blocks[..]).read_to_end(&mut inflated);
        assert_eq!(
            inflated,
            b"\0\0\0\x01\0\0\0\x04port\0\0\0\x048443\0\0\0\x01\0\0\0\x01a\0\0\0\x01b"
        );
    }
}
