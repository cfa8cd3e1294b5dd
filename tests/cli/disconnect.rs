//! `vc disconnect`.

use insta::assert_snapshot;

use crate::support::{
    api_server::{Fault, Nth},
    cluster::running,
    sandbox::Sandbox,
};

#[test]
fn all_is_as_before_connecting() {
    let vc = Sandbox::new().with(running("dev"));
    let before = vc.kubeconfig();
    vc.run("connect dev");
    vc.host.forget_calls();
    assert_snapshot!(vc.run("disconnect"));
    assert_snapshot!(vc.calls());
    assert_eq!((vc.kubeconfig(), vc.tunnels()), (before, Vec::new()));
}

#[test]
fn a_host_that_is_gone_does_not_hinder_it() {
    let vc = Sandbox::new().with(running("dev"));
    vc.run("connect dev");
    vc.host.fault("*", Nth::Every, Fault::Reset);
    assert_snapshot!(vc.run("disconnect dev"));
    assert_eq!(vc.tunnels(), Vec::<u64>::new());
}

#[test]
fn another_current_context_stays() {
    let vc = Sandbox::new().with(running("dev"));
    vc.run("connect dev --no-switch");
    assert_snapshot!(vc.run("disconnect dev -o json"));
    assert!(vc.kubeconfig().contains("current-context: host\n"));
}

#[test]
fn where_nothing_is_connected_it_says_so() {
    let vc = Sandbox::new().with(running("dev"));
    assert_snapshot!(vc.run("disconnect"));
    assert_snapshot!(vc.run("disconnect dev"));
    assert_eq!(vc.each_call().len(), 0);
}
