//! What a container said, as the host keeps it: line by line, each with its time.

use futures_util::{AsyncBufRead, AsyncBufReadExt};
use http::Request;
use jiff::Timestamp;

use super::{Collection, Host, HostError};

/// Which part of a container's log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogPart {
    /// The container.
    pub container: String,
    /// Go on with what it says from now on, until it ends.
    pub follow: bool,
    /// What it said before its last start.
    pub previous: bool,
    /// Only what it said in these last seconds.
    pub since_seconds: Option<u64>,
    /// Only what it said from then on.
    pub since: Option<Timestamp>,
    /// Only this many of the last lines.
    pub tail: Option<usize>,
}

/// One line of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// When it was said; `None` where the host does not tell.
    pub time: Option<Timestamp>,
    /// What was said, with its line end; not all programs write UTF-8.
    pub text: Vec<u8>,
}

/// The lines of a log, as they come.
pub struct Log {
    reader: Box<dyn AsyncBufRead + Send + Unpin>,
}

impl Log {
    /// The next line; `None` at the end.
    ///
    /// Not cancel safe: of a line that was half read, the rest alone would come next.
    pub async fn next(&mut self) -> std::io::Result<Option<LogLine>> {
        let mut line = Vec::new();
        let length = self.reader.read_until(b'\n', &mut line).await?;
        Ok((length > 0).then(|| LogLine::parse(line)))
    }
}

impl LogLine {
    fn parse(line: Vec<u8>) -> Self {
        let blank = line.iter().position(|byte| *byte == b' ');
        let time = blank
            .and_then(|blank| std::str::from_utf8(&line[..blank]).ok())
            .and_then(|time| time.parse().ok());
        match (time, blank) {
            (Some(time), Some(blank)) => Self {
                time: Some(time),
                text: line[blank + 1..].to_vec(),
            },
            _ => Self {
                time: None,
                text: line,
            },
        }
    }
}

impl Host {
    /// Opens the log of a container.
    pub async fn open_log(
        &self,
        namespace: &str,
        pod: &str,
        part: &LogPart,
    ) -> Result<Log, HostError> {
        let pods = Collection::of("Pod", Some(namespace));
        let mut call = pods.call("get").named(pod);
        call.resource.push_str("/log");
        let mut path = format!(
            "{}/log?timestamps=true&container={}",
            pods.item(pod),
            super::request::escape(&part.container)
        );
        for (key, value) in [
            ("follow", part.follow.then(|| "true".to_owned())),
            ("previous", part.previous.then(|| "true".to_owned())),
            (
                "sinceSeconds",
                part.since_seconds.map(|seconds| seconds.to_string()),
            ),
            ("sinceTime", part.since.map(|time| time.to_string())),
            ("tailLines", part.tail.map(|lines| lines.to_string())),
        ] {
            if let Some(value) = value {
                path.extend(["&", key, "=", &super::request::escape(&value)]);
            }
        }
        let request =
            Request::get(path)
                .body(Vec::new())
                .map_err(|error| HostError::Unexpected {
                    call: Box::new(call.clone()),
                    problem: error.to_string(),
                })?;
        let reader = self.open_bytes(request, &call).await?;
        Ok(Log { reader })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_its_time_apart_and_is_kept_byte_for_byte() {
        let line = LogLine::parse(b"2026-01-02T03:04:05.123456789Z a \xff b\r\n".to_vec());
        assert_eq!(line.text, b"a \xff b\r\n");
        assert_eq!(line.time, "2026-01-02T03:04:05.123456789Z".parse().ok());
        let empty = LogLine::parse(b"2026-01-02T03:04:05Z \n".to_vec());
        assert_eq!((empty.time.is_some(), empty.text), (true, b"\n".to_vec()));
        let bare = LogLine::parse(b"no time\n".to_vec());
        assert_eq!((bare.time, bare.text), (None, b"no time\n".to_vec()));
    }
}
