//! One question at the socket and its answer.

use std::cmp::Ordering;
use std::io;
use std::pin::pin;
use std::sync::Arc;

use semver::Version;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::OwnedWriteHalf;
use tokio::sync::{Notify, mpsc};

use super::cluster::Cluster;
use super::tunnels::Tunnels;
use crate::error::Error;
use crate::tunnel::background::protocol::{PROTOCOL, Question, Reply, VERSION};
use crate::tunnel::background::{Answer, Ask, Failure, Opening, Server};

/// The longest question: an environment is part of it.
const LONGEST_QUESTION: u64 = 4 << 20;

/// Whether the same user asks. The folder of the socket keeps others out already, where the system heeds its mode.
pub(super) fn is_from_us(stream: &UnixStream) -> bool {
    stream
        .peer_cred()
        .is_ok_and(|peer| peer.uid() == rustix::process::geteuid().as_raw())
}

/// Reads one question and answers it.
pub(super) async fn answer(stream: UnixStream, tunnels: Arc<Tunnels>, leave: Arc<Notify>) {
    let (read, mut write) = stream.into_split();
    let mut line = Vec::new();
    let mut read = BufReader::new(read.take(LONGEST_QUESTION));
    // Whoever does not ask, or goes before the answer, needs none.
    if read.read_until(b'\n', &mut line).await.is_err() || line.is_empty() {
        return;
    }
    let ask = match understand(&line) {
        Ok(ask) => ask,
        Err(answer) => {
            let _ = send(&mut write, *answer).await;
            return;
        }
    };
    let is_leaving = matches!(ask, Ask::Leave { .. });
    let reply = respond(ask, &tunnels, &mut write).await;
    let _ = send(&mut write, reply).await;
    if is_leaving {
        leave.notify_one();
    }
}

/// What is asked, if we speak the same language; else what to say about that.
fn understand(line: &[u8]) -> Result<Ask, Box<Answer>> {
    let Question { vc, protocol, ask } = serde_json::from_slice(line).map_err(|_| {
        Box::new(refusal(
            "this is no question for the agent of `vc`",
            "ask with `vc`",
        ))
    })?;
    let ask = serde_json::from_value(ask);
    if let Ok(ask @ Ask::Leave { .. }) = ask {
        return Ok(ask);
    }
    match compare(&vc, VERSION) {
        Ordering::Greater => return Err(Box::new(Answer::Outdated)),
        Ordering::Less if protocol != PROTOCOL => {
            return Err(Box::new(refusal(
                &format!("the agent in the background is of `vc` {VERSION}, and this is `vc` {vc}"),
                "use the newer `vc`, or end the agent with `vc tunnels stop --all`",
            )));
        }
        Ordering::Less | Ordering::Equal => {}
    }
    ask.map_err(|_| {
        Box::new(refusal(
            "the agent in the background does not understand the question",
            "end it with `vc tunnels stop --all`, and try again",
        ))
    })
}

/// Which of two versions is newer; one that cannot be read counts as older.
fn compare(one: &str, other: &str) -> Ordering {
    Version::parse(one).ok().cmp(&Version::parse(other).ok())
}

fn refusal(message: &str, hint: &str) -> Answer {
    Answer::Failed(Failure {
        code: 1,
        message: message.to_owned(),
        causes: Vec::new(),
        hints: vec![hint.to_owned()],
    })
}

async fn respond(ask: Ask, tunnels: &Arc<Tunnels>, write: &mut OwnedWriteHalf) -> Answer {
    if !matches!(ask, Ask::List) {
        tunnels.is_asked();
    }
    let answer = match ask {
        Ask::Open(opening) => open(tunnels, &opening).await,
        Ask::Credential {
            key,
            uid,
            may_wake,
            server,
            opening,
        } => {
            let by_tunnel = server.is_none();
            let cluster = match opening {
                Some(opening) => tunnels.open_for_plugin(*opening, by_tunnel).await.map(Some),
                None => Ok(tunnels.ready_to_use(&key, by_tunnel)),
            };
            match cluster {
                Ok(None) => Ok(Answer::Unknown),
                Ok(Some(cluster)) => credential(&cluster, &uid, may_wake, server, write).await,
                Err(error) => Err(error),
            }
        }
        Ask::Keep { key, uid, user } => {
            if let Some(cluster) = tunnels.get(&key) {
                cluster.keep(&uid, user).await;
            }
            Ok(Answer::Kept)
        }
        Ask::Forget { key } => {
            if let Some(cluster) = tunnels.get(&key) {
                cluster.forget();
            }
            Ok(Answer::Forgotten)
        }
        Ask::List => Ok(Answer::Tunnels {
            tunnels: tunnels.views(),
        }),
        Ask::Stop { key } => Ok(Answer::Stopped {
            was_open: tunnels.stop(&key).await,
        }),
        Ask::Leave { is_final } => Ok(Answer::Left {
            openings: tunnels.leave(is_final).await,
        }),
    };
    answer.unwrap_or_else(|error| Answer::Failed(to_failure(error)))
}

/// Passes on what is waited for, until the cluster answers.
async fn credential(
    cluster: &Arc<Cluster>,
    uid: &str,
    may_wake: bool,
    server: Option<Server>,
    write: &mut OwnedWriteHalf,
) -> Result<Answer, Error> {
    let port = cluster.port().filter(|_| server.is_none());
    let (told, mut notes) = mpsc::unbounded_channel();
    let mut work = pin!(cluster.credential(uid, may_wake, server, told));
    let user = loop {
        tokio::select! {
            biased;
            Some(text) = notes.recv() => {
                // Nobody may be there any more to hear it.
                let _ = send(write, Answer::Note { text }).await;
            }
            result = &mut work => break result?,
        }
    };
    Ok(Answer::Credential { port, user })
}

async fn open(tunnels: &Arc<Tunnels>, opening: &Opening) -> Result<Answer, Error> {
    let (cluster, port) = tunnels.open(opening).await?;
    cluster.tunnel.begin();
    Ok(Answer::Opened { port })
}

fn to_failure(error: Error) -> Failure {
    Failure {
        code: error.kind.code(),
        message: error.message,
        causes: error.causes,
        hints: error.hints,
    }
}

async fn send(write: &mut OwnedWriteHalf, answer: Answer) -> io::Result<()> {
    let reply = Reply {
        vc: VERSION.to_owned(),
        answer,
    };
    let mut line = serde_json::to_vec(&reply)?;
    line.push(b'\n');
    write.write_all(&line).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(vc: &str, protocol: u32, ask: &str) -> String {
        let line = format!(r#"{{"vc":"{vc}","protocol":{protocol},"ask":{ask}}}"#);
        match understand(line.as_bytes()) {
            Ok(ask) => format!("{ask:?}"),
            Err(answer) => format!("{answer:?}"),
        }
    }

    #[test]
    fn a_newer_program_replaces_us_and_an_older_one_is_told() {
        let list = r#"{"what":"list"}"#;
        assert_eq!(ask(VERSION, PROTOCOL, list), "List");
        assert_eq!(ask("99.0.0", PROTOCOL + 1, r#"{"what":"new"}"#), "Outdated");
        assert_eq!(ask("0.0.1", PROTOCOL, list), "List");
        let told = ask("0.0.1", PROTOCOL + 1, list);
        assert!(told.contains("and this is `vc` 0.0.1"), "{told}");
        for version in ["0.0.1", VERSION, "99.0.0"] {
            let leave = ask(version, PROTOCOL + 1, r#"{"what":"leave"}"#);
            assert_eq!(leave, "Leave { is_final: false }");
        }
    }
}
