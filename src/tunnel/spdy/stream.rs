//! The half of a conversation that goes to the pod.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::AsyncWrite;
use tokio::sync::mpsc;
use tokio_util::bytes::Bytes;
use tokio_util::sync::PollSender;

use super::super::inbox::Inbox;
use super::super::transport::Outgoing;
use super::frame;
use super::routes::{Ids, Routes};

/// How long a connection stays open for streams that are not accepted, and that nobody wants any more.
const ABANDONED_LIMIT: Duration = Duration::from_secs(30);

/// Writes to the data stream. Dropping it before the end of both halves resets the conversation, once
/// the other side has accepted it.
pub(super) struct Writer {
    ids: Ids,
    inbox: Arc<Inbox>,
    outgoing: PollSender<Outgoing>,
    routes: Arc<Routes>,
    has_ended: bool,
}

impl Writer {
    pub(super) fn new(
        ids: Ids,
        inbox: Arc<Inbox>,
        outgoing: mpsc::Sender<Outgoing>,
        routes: Arc<Routes>,
    ) -> Self {
        Self {
            ids,
            inbox,
            outgoing: PollSender::new(outgoing),
            routes,
            has_ended: false,
        }
    }

    fn poll_send(
        &mut self,
        context: &mut Context<'_>,
        frame: impl FnOnce() -> Bytes,
    ) -> Poll<io::Result<()>> {
        if self.inbox.is_over() {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let gone = |_| io::Error::from(io::ErrorKind::BrokenPipe);
        ready!(self.outgoing.poll_reserve(context)).map_err(gone)?;
        Poll::Ready(
            self.outgoing
                .send_item(Outgoing::Bytes(frame()))
                .map_err(gone),
        )
    }
}

impl AsyncWrite for Writer {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let bytes = &bytes[..bytes.len().min(frame::LONGEST_DATA)];
        let id = self.ids.data;
        ready!(self.poll_send(context, || frame::data(id, bytes, false)))?;
        self.inbox.sent();
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // The session sends whatever it has as soon as it can.
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.has_ended {
            let id = self.ids.data;
            ready!(self.poll_send(context, || frame::data(id, &[], true)))?;
            self.has_ended = true;
        }
        Poll::Ready(Ok(()))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let streams = self.routes.remove(self.ids);
        // The other side keeps a stream until both have ended it.
        let is_done = self.inbox.is_over() && self.has_ended;
        self.inbox
            .fail(io::ErrorKind::ConnectionAborted, "nobody reads it any more");
        let Some(outgoing) = self.outgoing.get_ref().filter(|_| !is_done) else {
            return;
        };
        reset(outgoing, &streams);
        // One task for each conversation that is not accepted; what others left behind has its own.
        if streams.len() < 2
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            let (open, routes) = (outgoing.clone(), self.routes.clone());
            runtime.spawn(async move {
                tokio::select! {
                    () = routes.until_none_abandoned() => {}
                    () = open.closed() => {}
                    () = tokio::time::sleep(ABANDONED_LIMIT) => {}
                }
            });
        }
    }
}

/// Resets streams that the other side has accepted, as soon as there is room.
pub(super) fn reset(outgoing: &mpsc::Sender<Outgoing>, streams: &[u32]) {
    if streams.is_empty() {
        return;
    }
    let resets: Vec<Bytes> = streams.iter().map(|stream| frame::reset(*stream)).collect();
    if let Err(full) = outgoing.try_send(Outgoing::Bytes(resets.concat().into()))
        && let Ok(runtime) = tokio::runtime::Handle::try_current()
    {
        let outgoing = outgoing.clone();
        runtime.spawn(async move { outgoing.send(full.into_inner()).await });
    }
}
