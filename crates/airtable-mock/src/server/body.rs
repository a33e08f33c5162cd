//! Bodies that arrive slowly, are cut off, or never end.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::Sleep;

use super::wire::Fuse;

/// A body with a fault.
pub(crate) struct FaultyBody {
    rest: Bytes,
    /// The length that the headers promise, which may be more than arrives.
    promised: u64,
    chunk: usize,
    pause: Duration,
    sleep: Option<Pin<Box<Sleep>>>,
    /// Blown when the body ends before its promised length.
    fuse: Option<Fuse>,
}

impl FaultyBody {
    /// The first `kept` bytes; then the connection breaks.
    pub(crate) fn truncated(bytes: &Bytes, kept: usize, fuse: Fuse) -> Self {
        let promised = bytes.len() as u64;
        let kept = kept.min(bytes.len());
        Self {
            rest: bytes.slice(..kept),
            promised,
            chunk: usize::MAX,
            pause: Duration::from_millis(20),
            sleep: None,
            fuse: (promised > kept as u64).then_some(fuse),
        }
    }

    /// All bytes, `chunk` at a time with pauses between.
    pub(crate) fn slow(bytes: Bytes, chunk: usize, pause: Duration) -> Self {
        Self { promised: bytes.len() as u64, rest: bytes, chunk: chunk.max(1), pause, sleep: None, fuse: None }
    }
}

impl Body for FaultyBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = self.get_mut();
        if let Some(sleep) = &mut this.sleep {
            if sleep.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            this.sleep = None;
        }
        if this.rest.is_empty() {
            // What was written so far has had a pause to reach the client; now break the connection.
            return match this.fuse.take() {
                Some(fuse) => {
                    fuse.blow();
                    cx.waker().wake_by_ref();
                    Poll::Pending
                }
                None => Poll::Ready(None),
            };
        }
        let piece = this.rest.split_to(this.chunk.min(this.rest.len()));
        this.sleep = (!this.rest.is_empty() || this.fuse.is_some()).then(|| Box::pin(tokio::time::sleep(this.pause)));
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.promised)
    }
}

/// A JSON body of about `left` bytes, made while it is sent.
pub(crate) struct GiganticBody {
    left: u64,
    started: bool,
}

impl GiganticBody {
    pub(crate) fn new(bytes: u64) -> Self {
        Self { left: bytes, started: false }
    }
}

impl Body for GiganticBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        const FILLER: &[u8] = &[b'a'; 65_536];
        let this = self.get_mut();
        let frame = |bytes| Poll::Ready(Some(Ok(Frame::data(bytes))));
        if !this.started {
            this.started = true;
            return frame(Bytes::from_static(b"{\"records\":[],\"padding\":\""));
        }
        match this.left {
            0 => Poll::Ready(None),
            left if left > FILLER.len() as u64 => {
                this.left -= FILLER.len() as u64;
                frame(Bytes::from_static(FILLER))
            }
            _ => {
                this.left = 0;
                frame(Bytes::from_static(b"\"}"))
            }
        }
    }
}
