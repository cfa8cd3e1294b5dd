//! The part of SPDY/3.1 that port-forwarding needs, as a client.
//!
//! Owns frames and the many conversations over one connection. How that connection came to be, and what it is wrapped
//! in, is left to [`super::upgrade`].

mod frame;
mod routes;
mod session;
mod stream;

pub use frame::{Decoder, Frame, FrameError};
pub(super) use session::Session;
