//! Any bytes are frames, or an error, whichever way they are cut up.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vc::tunnel::spdy::{Decoder, Frame, FrameError};
use vc_fuzz::{keep_panics, run};

fuzz_target!(init: keep_panics(), |bytes: &[u8]| {
    run(|| {
        let Some((&size, bytes)) = bytes.split_first() else {
            return;
        };
        let whole = decode(bytes, bytes.len().max(1));
        let in_pieces = decode(bytes, usize::from(size) + 1);
        assert_eq!(whole, in_pieces, "the same frames, however they come");
    });
});

/// The frames, with the data of a frame put together again.
fn decode(bytes: &[u8], size: usize) -> (Vec<Frame>, Option<FrameError>) {
    let mut decoder = Decoder::default();
    let mut frames: Vec<Frame> = Vec::new();
    for piece in bytes.chunks(size) {
        decoder.push(piece);
        loop {
            match decoder.next() {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break,
                Err(error) => return (joined(frames), Some(error)),
            }
        }
    }
    (joined(frames), None)
}

fn joined(frames: Vec<Frame>) -> Vec<Frame> {
    let mut joined: Vec<Frame> = Vec::new();
    for frame in frames {
        match (joined.last_mut(), frame) {
            (
                Some(Frame::Data {
                    stream: one,
                    bytes: before,
                    is_last: ended,
                }),
                Frame::Data {
                    stream: other,
                    bytes,
                    is_last,
                },
            ) if *one == other && !*ended => {
                *before = [before.as_ref(), bytes.as_ref()].concat().into();
                *ended = is_last;
            }
            (_, frame) => joined.push(frame),
        }
    }
    joined
}
