//! Which way of port-forwarding is taken, and what each of them can do.

use super::*;

#[tokio::test]
async fn a_host_without_spdy_is_reached_by_channels() {
    let mut tasks = JoinSet::new();
    let host = Host::new(echo(&mut tasks).await).await;
    host.no_tunnelling.store(true, Ordering::SeqCst);
    host.no_spdy.store(true, Ordering::SeqCst);
    let (port, _tunnel) = host.tunnel().await;
    for _ in 0..3 {
        let mut connection = connect(port).await;
        assert_eq!(exchange(&mut connection, b"hello").await.unwrap(), b"hello");
    }
    // The refused ways are tried once ahead of need and once for a client; then every connection has one of its own.
    let ways = host.ways.lock().unwrap();
    assert_eq!(ways[ways.len() - 3..], ["channels"; 3]);
    assert!(ways.len() <= 2 + 2 + 3, "{ways:?}");
}

/// The ways that were asked for until a connection was served, by a host that refuses the first requests so.
async fn ways_taken(refusals: &[u16]) -> Vec<&'static str> {
    let mut tasks = JoinSet::new();
    let host = Host::new(echo(&mut tasks).await).await;
    host.refusals.lock().unwrap().extend(refusals);
    let (port, _tunnel) = host.tunnel().await;
    // The connection that is made ahead of need is the one that is refused.
    let refused = async {
        while !host.refusals.lock().unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    timeout(LIMIT, refused)
        .await
        .expect("it is tried by itself");
    let mut connection = connect(port).await;
    assert_eq!(exchange(&mut connection, b"hello").await.unwrap(), b"hello");
    let ways = host.ways.lock().unwrap();
    ways.clone()
}

#[tokio::test]
async fn any_refusal_of_a_way_leads_to_the_next() {
    for status in [400, 403, 405, 426, 500, 502, 503] {
        assert_eq!(
            ways_taken(&[status]).await,
            ["tunnelled", "plain"],
            "{status}"
        );
    }
}

#[tokio::test]
async fn what_is_not_about_the_way_leads_to_no_other() {
    assert_eq!(ways_taken(&[404]).await, ["tunnelled", "tunnelled"]);
    assert_eq!(ways_taken(&[401]).await, ["tunnelled", "tunnelled"]);
}

#[tokio::test]
async fn what_is_forbidden_is_not_asked_for_over_and_over() {
    for refusals in [&[401; 2][..], &[403; 6]] {
        let mut tasks = JoinSet::new();
        let host = Host::new(echo(&mut tasks).await).await;
        host.refusals.lock().unwrap().extend(refusals);
        let (port, tunnel) = host.tunnel().await;
        let ended = timeout(LIMIT, connect(port).await.read(&mut [0; 1]))
            .await
            .unwrap();
        assert_eq!(ended.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
        assert!(host.upgrades.load(Ordering::SeqCst) <= refusals.len());
        let error = tunnel.status().last_error.unwrap();
        assert!(error.contains(&refusals[0].to_string()), "{error}");
    }
}

#[tokio::test]
async fn the_way_is_known_to_all_tunnels_to_a_host() {
    let mut tasks = JoinSet::new();
    let host = Host::new(echo(&mut tasks).await).await;
    host.no_tunnelling.store(true, Ordering::SeqCst);
    let upstream = host.upstream();
    for _ in 0..2 {
        let (port, _tunnel) = host.tunnel_through(upstream.clone()).await;
        let mut connection = connect(port).await;
        assert_eq!(exchange(&mut connection, b"hello").await.unwrap(), b"hello");
    }
    assert_eq!(*host.ways.lock().unwrap(), ["tunnelled", "plain", "plain"]);
}

#[tokio::test]
async fn channels_give_the_answer_to_a_client_that_has_said_all() {
    let mut tasks = JoinSet::new();
    let host = Host::new(echo(&mut tasks).await).await;
    host.no_tunnelling.store(true, Ordering::SeqCst);
    host.no_spdy.store(true, Ordering::SeqCst);
    let (port, _tunnel) = host.tunnel().await;
    let mut connection = connect(port).await;
    let sent: Vec<u8> = (0..2_000_000_u32)
        .map(|byte| byte.to_be_bytes()[3])
        .collect();
    let (mut read, mut write) = connection.split();
    let say = async {
        write.write_all(&sent).await?;
        write.shutdown().await
    };
    let mut answer = vec![0; sent.len()];
    let hear = read.read_exact(&mut answer);
    timeout(LIMIT, async { tokio::try_join!(say, hear) })
        .await
        .expect("an answer in time")
        .unwrap();
    assert!(answer == sent);
}

#[tokio::test]
async fn a_connection_that_channels_refuse_is_tried_again_with_what_was_said() {
    let mut tasks = JoinSet::new();
    let host = Host::new(echo(&mut tasks).await).await;
    host.no_tunnelling.store(true, Ordering::SeqCst);
    host.no_spdy.store(true, Ordering::SeqCst);
    host.faults.refuse.store(2, Ordering::SeqCst);
    let (port, _tunnel) = host.tunnel().await;
    let mut connection = connect(port).await;
    assert_eq!(exchange(&mut connection, b"hello").await.unwrap(), b"hello");
}
