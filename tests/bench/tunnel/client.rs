//! A client of the pod, on sockets of its own, so that nothing but the forwarder takes time.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use super::LARGE;
use crate::measure::milliseconds;

const PATIENCE: Duration = Duration::from_mins(1);

/// Fetches a file over a new connection: the milliseconds it took, and its length.
///
/// Reads as far as the length that the head tells: the end of the stream is the pod's to announce, and it takes its time.
pub(super) fn get(port: u16, file: &str) -> Result<(f64, u64), String> {
    let begin = Instant::now();
    let length = ask(port, file).and_then(read)?;
    Ok((milliseconds(begin.elapsed()), length))
}

fn failed(error: &std::io::Error) -> String {
    format!("no answer through the forwarder: {error}")
}

fn ask(port: u16, file: &str) -> Result<TcpStream, String> {
    let ask = || {
        let mut connection = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        connection.set_nodelay(true)?;
        connection.set_read_timeout(Some(PATIENCE))?;
        let request = format!("GET /{file} HTTP/1.0\r\nHost: bytes\r\n\r\n");
        connection.write_all(request.as_bytes())?;
        Ok(connection)
    };
    ask().map_err(|error| failed(&error))
}

/// Reads an answer, and gives its length.
fn read(mut connection: TcpStream) -> Result<u64, String> {
    let mut buffer = vec![0; 256 * 1024];
    let (mut head, mut length, mut have) = (Vec::new(), None, 0_u64);
    while length.is_none_or(|length| have < length) {
        let count = connection
            .read(&mut buffer)
            .map_err(|error| failed(&error))?;
        if count == 0 {
            return Err(format!("the answer ended after {have} bytes of {length:?}"));
        }
        if length.is_some() {
            have += count as u64;
            continue;
        }
        head.extend_from_slice(&buffer[..count]);
        if let Some(end) = head.windows(4).position(|four| four == b"\r\n\r\n") {
            have = (head.len() - end - 4) as u64;
            let text = String::from_utf8_lossy(&head[..end]).to_ascii_lowercase();
            let told = text
                .lines()
                .find_map(|line| line.strip_prefix("content-length:"));
            let told = told.and_then(|told| told.trim().parse().ok());
            length = Some(told.ok_or_else(|| format!("the answer was {text}"))?);
        }
    }
    Ok(have)
}

/// The milliseconds that a gigabyte takes over so many connections at once.
pub(super) fn rate(port: u16, streams: usize) -> Result<f64, String> {
    let begin = Instant::now();
    let downloads: Vec<_> = (0..streams)
        .map(|_| thread::spawn(move || get(port, "large")))
        .collect();
    for download in downloads {
        let (_, length) = download.join().map_err(|_| "a download panicked")??;
        if length != LARGE {
            return Err(format!("a download had {length} bytes instead of {LARGE}"));
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "far fewer bytes than that")]
    let gigabytes = (LARGE * streams as u64) as f64 / 1e9;
    Ok(milliseconds(begin.elapsed()) / gigabytes)
}

/// The milliseconds that small answers take while another connection copies much.
pub(super) fn beside_a_copy(port: u16) -> Result<Vec<f64>, String> {
    let copy = thread::spawn(move || get(port, "large"));
    let mut times = Vec::new();
    while !copy.is_finished() {
        times.push(get(port, "small")?.0);
    }
    copy.join().map_err(|_| "a download panicked")??;
    Ok(times)
}

/// How many of so many connections get no answer when all of them are open at once.
pub(super) fn unanswered(port: u16, count: usize) -> usize {
    let connections: Vec<_> = (0..count).map(|_| ask(port, "small")).collect();
    let answers = connections.into_iter().map(|connection| read(connection?));
    answers.filter(Result::is_err).count()
}
