//! Listening on one port of both loopback families.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::net::TcpListener;

/// How often a port that only one family can have is exchanged for another.
const ATTEMPTS: usize = 16;

/// Listens on `127.0.0.1` and `::1`, on `port` or on a free one of the system's choice.
///
/// `localhost` may mean either family, so both get the same port; a machine without IPv6 gets
/// the first alone.
pub async fn bind(port: Option<u16>) -> io::Result<(u16, Vec<TcpListener>)> {
    let Some(port) = port else {
        for _ in 1..ATTEMPTS {
            match bind_both(0).await {
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
                bound => return bound,
            }
        }
        return bind_both(0).await;
    };
    bind_both(port).await
}

async fn bind_both(port: u16) -> io::Result<(u16, Vec<TcpListener>)> {
    let first = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await?;
    let port = first.local_addr()?.port();
    let second = TcpListener::bind(SocketAddr::from((Ipv6Addr::LOCALHOST, port))).await;
    match second {
        Ok(second) => Ok((port, vec![first, second])),
        // Someone else would answer half of the clients: not the same as having no IPv6.
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => Err(error),
        Err(_) => Ok((port, vec![first])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_family_gets_the_same_port() {
        let (port, listeners) = bind(None).await.unwrap();
        assert!(!listeners.is_empty());
        for listener in &listeners {
            assert_eq!(listener.local_addr().unwrap().port(), port);
        }
    }

    #[tokio::test]
    async fn a_taken_port_is_refused() {
        let (port, _listeners) = bind(None).await.unwrap();
        let error = bind(Some(port)).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    }
}
