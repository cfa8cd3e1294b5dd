//! A host that misbehaves in the midst of a conversation.

use super::*;
use std::sync::atomic::AtomicUsize;

/// A connection that has worked, and a host that is about to misbehave.
async fn with_open_connection(tasks: &mut JoinSet<()>) -> (Host, u16, Tunnel, TcpStream) {
    let host = Host::new(echo(tasks).await).await;
    let (port, tunnel) = host.tunnel().await;
    let mut connection = connect(port).await;
    exchange(&mut connection, b"hello").await.unwrap();
    (host, port, tunnel, connection)
}

#[tokio::test]
async fn a_stream_that_is_reset_ends_alone() {
    let mut tasks = JoinSet::new();
    let (host, port, _tunnel, mut other) = with_open_connection(&mut tasks).await;
    host.faults.reset.store(1, Ordering::SeqCst);
    let error = exchange(&mut connect(port).await, b"hello")
        .await
        .unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    assert_eq!(exchange(&mut other, b"again").await.unwrap(), b"again");
    exchange(&mut connect(port).await, b"hello").await.unwrap();
    assert_eq!(host.upgrades.load(Ordering::SeqCst), 1);
}

async fn until(holds: impl Fn() -> bool) {
    let poll = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(LIMIT, poll).await.expect("it comes to hold");
}

#[tokio::test]
async fn a_stream_that_was_not_accepted_is_reset_once_it_is() {
    let mut tasks = JoinSet::new();
    let (host, port, _tunnel, mut other) = with_open_connection(&mut tasks).await;
    let count = |resets: &AtomicUsize| resets.load(Ordering::SeqCst);
    host.faults.accept_none.store(true, Ordering::SeqCst);
    let given_up = connect(port).await;
    until(|| count(&host.faults.asked) == 2).await;
    given_up.set_zero_linger().unwrap();
    drop(given_up);
    tokio::time::sleep(Duration::from_millis(100)).await;
    exchange(&mut other, b"again").await.unwrap();
    let faults = &host.faults;
    assert_eq!(
        (count(&faults.reset_early), count(&faults.reset_late)),
        (0, 0)
    );

    faults.accept_none.store(false, Ordering::SeqCst);
    exchange(&mut connect(port).await, b"hello").await.unwrap();
    until(|| count(&faults.reset_late) >= 2).await;
    assert_eq!(count(&faults.reset_early), 0);
    assert_eq!(host.upgrades.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn frames_of_no_use_are_passed_over() {
    let mut tasks = JoinSet::new();
    let (host, _port, _tunnel, mut connection) = with_open_connection(&mut tasks).await;
    let settings = [0x80, 3, 0, 4, 0, 0, 0, 4, 0, 0, 0, 0];
    let window = [0x80, 3, 0, 9, 0, 0, 0, 8, 0, 0, 0, 1, 0, 0, 0, 9];
    let unknown = [0x80, 3, 0x7f, 0xff, 1, 0, 0, 2, 7, 7];
    let for_nobody = [0, 0, 0x12, 0x34, 0, 0, 0, 3, 1, 2, 3];
    let frames = [&settings[..], &window, &unknown, &for_nobody].concat();
    *host.faults.inject.lock().unwrap() = frames;
    assert_eq!(exchange(&mut connection, b"again").await.unwrap(), b"again");
}

#[tokio::test]
async fn frames_that_cannot_be_meant_end_the_connection_and_the_next_is_served() {
    let oversized = [0x80, 3, 0, 6, 0, 0xff, 0xff, 0xff];
    let too_short = [0x80, 3, 0, 2, 0, 0, 0, 1, 0];
    let other_version = [0x80, 2, 0, 6, 0, 0, 0, 4, 0, 0, 0, 1];
    for frame in [&oversized[..], &too_short, &other_version] {
        let mut tasks = JoinSet::new();
        let (host, port, _tunnel, mut connection) = with_open_connection(&mut tasks).await;
        *host.faults.inject.lock().unwrap() = frame.to_vec();
        let error = exchange(&mut connection, b"again").await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        exchange(&mut connect(port).await, b"hello").await.unwrap();
        assert_eq!(host.upgrades.load(Ordering::SeqCst), 2);
    }
}

#[tokio::test]
async fn a_host_that_goes_away_finishes_what_is_open() {
    let mut tasks = JoinSet::new();
    let (host, port, _tunnel, mut connection) = with_open_connection(&mut tasks).await;
    let go_away = [0x80, 3, 0, 7, 0, 0, 0, 8, 0, 0, 0, 1, 0, 0, 0, 0];
    *host.faults.inject.lock().unwrap() = go_away.to_vec();
    assert_eq!(exchange(&mut connection, b"again").await.unwrap(), b"again");
    exchange(&mut connect(port).await, b"hello").await.unwrap();
    assert_eq!(exchange(&mut connection, b"still").await.unwrap(), b"still");
    assert_eq!(host.upgrades.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_host_that_is_gone_when_the_machine_wakes_is_found_out_at_once() {
    let mut tasks = JoinSet::new();
    let host = Host::new(echo(&mut tasks).await).await;
    let upstream = host.upstream();
    let (port, _tunnel) = host.tunnel_through(upstream.clone()).await;
    let mut open = connect(port).await;
    exchange(&mut open, b"hello").await.unwrap();
    host.faults.freeze.store(true, Ordering::SeqCst);
    upstream.jump();
    let ended = timeout(LIMIT, open.read(&mut [0; 1])).await.unwrap();
    assert_eq!(ended.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
    host.faults.freeze.store(false, Ordering::SeqCst);
    exchange(&mut connect(port).await, b"hello").await.unwrap();
}

#[tokio::test]
async fn many_connections_at_once_are_all_served() {
    let mut tasks = JoinSet::new();
    let host = Host::new(echo(&mut tasks).await).await;
    let (port, _tunnel) = host.tunnel().await;
    let mut clients = JoinSet::new();
    for _ in 0..200 {
        clients.spawn(async move { exchange(&mut connect(port).await, b"hello").await });
    }
    while let Some(answer) = clients.join_next().await {
        assert_eq!(answer.unwrap().unwrap(), b"hello");
    }
    assert!(host.upgrades.load(Ordering::SeqCst) <= 8);
}
