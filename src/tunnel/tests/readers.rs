//! Local readers that are slow, stand still or go away.

use super::*;

#[tokio::test]
async fn a_reader_that_stands_still_is_reset_for_the_others() {
    let mut tasks = JoinSet::new();
    let host = Host::new(echo(&mut tasks).await).await;
    let (port, _tunnel) = host.tunnel().await;
    let mut idle = connect(port).await;
    let mut other = connect(port).await;
    exchange(&mut other, b"hello").await.unwrap();
    flood(&mut idle, LIMIT)
        .await
        .expect_err("the idle reader is reset");
    assert_eq!(exchange(&mut other, b"again").await.unwrap(), b"again");
}

#[tokio::test]
async fn a_reader_that_goes_away_frees_the_others() {
    let mut tasks = JoinSet::new();
    let host = Host::new(echo(&mut tasks).await).await;
    let (port, _tunnel) = host.tunnel().await;
    let mut other = connect(port).await;
    exchange(&mut other, b"hello").await.unwrap();
    let mut idle = connect(port).await;
    // On a slow machine it may be reset before nothing moves, which frees the others too.
    let _ = flood(&mut idle, STANDSTILL).await;
    idle.set_zero_linger().unwrap();
    drop(idle);
    assert_eq!(exchange(&mut other, b"again").await.unwrap(), b"again");
}

#[tokio::test]
async fn a_reader_that_stands_still_alone_is_held_back_and_others_may_come() {
    let mut tasks = JoinSet::new();
    let host = Host::new(echo(&mut tasks).await).await;
    let (port, _tunnel) = host.tunnel().await;
    let mut idle = connect(port).await;
    flood(&mut idle, STANDSTILL)
        .await
        .expect("it is in nobody's way");
    for _ in 0..2 {
        let mut other = connect(port).await;
        assert_eq!(exchange(&mut other, b"hello").await.unwrap(), b"hello");
    }
    assert_eq!(host.upgrades.load(Ordering::SeqCst), 2);
}
