//! This process as the agent: the lock, the socket, and the word that it is ready.

use std::fs;
use std::io::{self, Seek, Write};
use std::path::PathBuf;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::lock::Lock;
use super::protocol::VERSION;
use super::start::READY;
use super::{LOOK_LIMIT, Place, process, record};

/// What the lock's file says about who holds it; only the lock says whether anybody does.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Holder {
    pub(super) pid: u32,
    pub(super) socket: PathBuf,
    pub(super) vc: String,
}

impl Holder {
    /// Who holds, or held, the lock; `None` if nobody did or it is being written just now.
    pub(super) fn read(place: &Place) -> Option<Self> {
        serde_json::from_slice(&fs::read(place.lock()).ok()?).ok()
    }
}

/// This process as the agent, until dropped.
#[derive(Debug)]
pub struct Serving {
    socket: PathBuf,
    listener: Option<process::Listener>,
    _lock: Lock,
}

impl Place {
    /// Makes this process the agent, or returns `None` if another one is.
    pub fn serve(&self) -> io::Result<Option<Serving>> {
        record::make_folder(&self.folder)?;
        let mut lock = Lock::open(&self.lock())?;
        // A look at the lock holds it for a moment too, and must not be taken for an agent.
        if !lock.take_until(Instant::now() + LOOK_LIMIT)? {
            return Ok(None);
        }
        let socket = self.socket();
        if let Some(folder) = socket.parent() {
            record::make_folder(folder)?;
        }
        // Left by an agent that was killed: nobody listens there, as we have the lock.
        match fs::remove_file(&socket) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = process::listen(&socket)?;
        let holder = Holder {
            pid: std::process::id(),
            socket: socket.clone(),
            vc: VERSION.to_owned(),
        };
        let file = lock.file();
        file.set_len(0)?;
        file.rewind()?;
        file.write_all(&serde_json::to_vec(&holder)?)?;
        Ok(Some(Serving {
            socket,
            listener: Some(listener),
            _lock: lock,
        }))
    }
}

impl Serving {
    /// The socket at which questions come; the first call gets it.
    pub fn listener(&mut self) -> Option<process::Listener> {
        self.listener.take()
    }

    /// Tells whoever started this process that questions are answered, and lets go of all that it gave us.
    pub fn ready(&self) {
        let mut starter = io::stdout();
        // Whoever started us may have gone since, which is no reason to end.
        let _ = writeln!(starter, "{READY}").and_then(|()| starter.flush());
        process::close_streams();
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // The next agent removes it too; until then a connection is refused, and that is all.
        let _ = fs::remove_file(&self.socket);
    }
}
