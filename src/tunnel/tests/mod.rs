//! The tunnel against a host of our own making, in all its protocols and with things going wrong.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::Tunnel;
use host::{Host, pod};

mod host;
mod peer;
#[path = "../../../tests/support/pod_side.rs"]
mod pod_side;
mod readers;
mod ways;

const LIMIT: Duration = Duration::from_secs(20);

/// When nothing has moved for so long, every buffer on the way is taken to be full.
const STANDSTILL: Duration = Duration::from_millis(700);

/// Answers each connection with what it said, once it has said all.
async fn service_that_waits_for_the_end(tasks: &mut JoinSet<()>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tasks.spawn(async move {
        let mut connections = JoinSet::new();
        loop {
            let (mut connection, _) = listener.accept().await.unwrap();
            connections.spawn(async move {
                let mut bytes = Vec::new();
                if connection.read_to_end(&mut bytes).await.is_ok() {
                    let _ = connection.write_all(&bytes).await;
                }
            });
        }
    });
    address
}

/// Says what it hears, at once.
async fn echo(tasks: &mut JoinSet<()>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tasks.spawn(async move {
        let mut connections = JoinSet::new();
        loop {
            let (mut connection, _) = listener.accept().await.unwrap();
            connections.spawn(async move {
                let (mut read, mut write) = connection.split();
                let _ = tokio::io::copy(&mut read, &mut write).await;
            });
        }
    });
    address
}

async fn connect(port: u16) -> TcpStream {
    TcpStream::connect(("127.0.0.1", port)).await.unwrap()
}

/// Says all of `bytes`, closes its half, and hears the answer to the end.
async fn ask(port: u16, bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut connection = connect(port).await;
    let (mut read, mut write) = connection.split();
    let say = async {
        write.write_all(bytes).await?;
        write.shutdown().await
    };
    let mut answer = Vec::new();
    let hear = read.read_to_end(&mut answer);
    timeout(LIMIT, async { tokio::try_join!(say, hear) })
        .await
        .expect("an answer in time")?;
    Ok(answer)
}

/// Sends without ever hearing, until nothing moves for so long or the connection fails.
async fn flood(connection: &mut TcpStream, standstill: Duration) -> io::Result<()> {
    let bytes = vec![0; 1 << 20];
    for _ in 0..256 {
        match timeout(standstill, connection.write_all(&bytes)).await {
            Ok(result) => result?,
            Err(_) => return Ok(()),
        }
    }
    panic!("256 MiB were taken although nobody hears the answers");
}

/// Sends and hears once on an open connection.
async fn exchange(connection: &mut TcpStream, text: &[u8]) -> io::Result<Vec<u8>> {
    connection.write_all(text).await?;
    let mut answer = vec![0; text.len()];
    timeout(LIMIT, connection.read_exact(&mut answer))
        .await
        .expect("an answer in time")?;
    Ok(answer)
}

#[tokio::test]
async fn many_connections_share_one() {
    let mut tasks = JoinSet::new();
    let host = Host::new(echo(&mut tasks).await).await;
    let (port, _tunnel) = host.tunnel().await;
    let mut open = Vec::new();
    for _ in 0..20 {
        let mut connection = connect(port).await;
        assert_eq!(exchange(&mut connection, b"hello").await.unwrap(), b"hello");
        open.push(connection);
    }
    for connection in &mut open {
        assert_eq!(exchange(connection, b"again").await.unwrap(), b"again");
    }
    assert_eq!(host.upgrades.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_closed_half_leaves_the_other_open() {
    let mut tasks = JoinSet::new();
    let host = Host::new(service_that_waits_for_the_end(&mut tasks).await).await;
    let (port, _tunnel) = host.tunnel().await;
    assert_eq!(ask(port, b"all of it").await.unwrap(), b"all of it");
}

#[tokio::test]
async fn megabytes_arrive_whole_in_every_protocol() {
    let sent: Vec<u8> = (0..3_000_000_u32)
        .map(|byte| byte.to_be_bytes()[3])
        .collect();
    for (no_tunnelling, no_spdy) in [(false, false), (true, false)] {
        let mut tasks = JoinSet::new();
        let host = Host::new(echo(&mut tasks).await).await;
        host.no_tunnelling.store(no_tunnelling, Ordering::SeqCst);
        host.no_spdy.store(no_spdy, Ordering::SeqCst);
        let (port, _tunnel) = host.tunnel().await;
        assert!(
            ask(port, &sent).await.unwrap() == sent,
            "{no_tunnelling} {no_spdy}"
        );
    }
}

#[tokio::test]
async fn a_refused_connection_is_tried_again_with_what_was_said() {
    let mut tasks = JoinSet::new();
    let host = Host::new(echo(&mut tasks).await).await;
    host.faults.refuse.store(3, Ordering::SeqCst);
    let (port, _tunnel) = host.tunnel().await;
    let mut connection = connect(port).await;
    assert_eq!(exchange(&mut connection, b"hello").await.unwrap(), b"hello");
    assert_eq!(host.faults.asked.load(Ordering::SeqCst), 4);
}

#[tokio::test]
async fn a_refused_connection_leaves_the_others_alone() {
    let mut tasks = JoinSet::new();
    let host = Host::new(echo(&mut tasks).await).await;
    let (port, _tunnel) = host.tunnel().await;
    let mut other = connect(port).await;
    exchange(&mut other, b"hello").await.unwrap();
    host.faults.refuse.store(2, Ordering::SeqCst);
    exchange(&mut connect(port).await, b"hello").await.unwrap();
    assert_eq!(exchange(&mut other, b"again").await.unwrap(), b"again");
}

#[tokio::test]
async fn a_connection_waits_for_a_pod_to_be_ready() {
    let mut tasks = JoinSet::new();
    let host = Host::new(echo(&mut tasks).await).await;
    host.pods.send_replace(vec![pod("a", false)]);
    let (port, tunnel) = host.tunnel().await;
    let mut connection = connect(port).await;
    connection.write_all(b"hello").await.unwrap();
    timeout(Duration::from_millis(100), connection.readable())
        .await
        .unwrap_err();
    let mut pods = tunnel.pods.clone();
    timeout(LIMIT, pods.wait_for(|pods| pods.absent_since.is_some()))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(tunnel.status().pod, None);
    assert!(tunnel.status().without_pod.is_some());
    host.pods.send_replace(vec![pod("a", true)]);
    assert_eq!(exchange(&mut connection, b"").await.unwrap(), b"");
    let mut answer = [0; 5];
    timeout(LIMIT, connection.read_exact(&mut answer))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(&answer, b"hello");
    assert_eq!(tunnel.status().pod.as_deref(), Some("a"));
    assert_eq!(tunnel.status().without_pod, None);
}

#[tokio::test]
async fn a_lost_connection_resets_clients_and_the_next_one_is_served() {
    let mut tasks = JoinSet::new();
    let host = Host::new(echo(&mut tasks).await).await;
    let (port, _tunnel) = host.tunnel().await;
    let mut connection = connect(port).await;
    exchange(&mut connection, b"hello").await.unwrap();
    host.faults.cut_after.store(5, Ordering::SeqCst);
    let error = exchange(&mut connection, b"again").await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    host.faults.cut_after.store(0, Ordering::SeqCst);
    assert_eq!(
        exchange(&mut connect(port).await, b"hello").await.unwrap(),
        b"hello"
    );
    assert_eq!(host.upgrades.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_connection_that_the_host_does_not_take_is_made_anew() {
    let mut tasks = JoinSet::new();
    let host = Host::new(echo(&mut tasks).await).await;
    let (port, _tunnel) = host.tunnel().await;
    exchange(&mut connect(port).await, b"hello").await.unwrap();
    host.faults.freeze.store(true, Ordering::SeqCst);
    let mut connection = connect(port).await;
    connection.write_all(b"hello").await.unwrap();
    timeout(Duration::from_millis(300), connection.readable())
        .await
        .unwrap_err();
    // What is frozen stays so; only a new connection to the host helps.
    host.faults.freeze.store(false, Ordering::SeqCst);
    let mut answer = [0; 5];
    timeout(LIMIT, connection.read_exact(&mut answer))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(&answer, b"hello");
    assert_eq!(host.upgrades.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn new_connections_go_to_the_new_pod_and_old_ones_stay() {
    let mut tasks = JoinSet::new();
    let host = Host::new(echo(&mut tasks).await).await;
    let (port, tunnel) = host.tunnel().await;
    let mut old = connect(port).await;
    exchange(&mut old, b"hello").await.unwrap();
    host.pods
        .send_replace(vec![pod("a", false), pod("b", true)]);
    let mut pods = tunnel.pods.clone();
    let is_new =
        |followed: &super::pods::Followed| followed.pod.as_ref().is_some_and(|pod| pod.name == "b");
    timeout(LIMIT, pods.wait_for(is_new))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        exchange(&mut connect(port).await, b"hello").await.unwrap(),
        b"hello"
    );
    assert_eq!(exchange(&mut old, b"again").await.unwrap(), b"again");
    assert_eq!(host.upgrades.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn dropping_the_tunnel_ends_all_of_it() {
    let mut tasks = JoinSet::new();
    let host = Host::new(echo(&mut tasks).await).await;
    let (port, tunnel) = host.tunnel().await;
    let mut connection = connect(port).await;
    exchange(&mut connection, b"hello").await.unwrap();
    assert_eq!(tunnel.status().connections, 1);
    drop(tunnel);
    let ended = timeout(LIMIT, connection.read(&mut [0; 1])).await.unwrap();
    assert!(matches!(ended, Ok(0) | Err(_)));
    assert!(TcpStream::connect(("127.0.0.1", port)).await.is_err());
}

#[tokio::test]
async fn what_goes_through_is_counted() {
    let mut tasks = JoinSet::new();
    let host = Host::new(echo(&mut tasks).await).await;
    let (port, tunnel) = host.tunnel().await;
    exchange(&mut connect(port).await, b"hello").await.unwrap();
    let status = tunnel.status();
    assert_eq!((status.sent, status.received), (5, 5));
}
