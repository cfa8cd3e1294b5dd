//! What flags name, and what they do not.

use super::*;

fn named<'f>(
    chart: Option<&'f str>,
    repository: Option<&'f str>,
    version: Option<&'f str>,
) -> Result<Option<Reference>, ReferenceError> {
    let upstream = Address::parse("https://charts.example").unwrap();
    let named = Named {
        chart,
        repository,
        version,
    };
    Reference::of(named, &upstream)
}

fn shown(chart: Option<&str>, repository: Option<&str>, version: Option<&str>) -> String {
    let reference = named(chart, repository, version)
        .unwrap()
        .expect("not built in");
    reference.kind.to_string()
}

#[test]
fn nothing_means_the_built_in_chart() {
    assert!(named(None, None, None).unwrap().is_none());
}

#[test]
fn every_way_to_name_a_chart_is_understood() {
    let digest = format!("sha256:{}", "a".repeat(64));
    let by_digest = format!("oci://r.example/a/b:1.0.0@{digest}");
    for (chart, repository, version, expected) in [
        (
            Some("upstream"),
            None,
            None,
            "`vcluster` 0.36.1 of `https://charts.example`",
        ),
        (
            None,
            None,
            Some("latest"),
            "`vcluster` of `https://charts.example`",
        ),
        (
            None,
            None,
            Some("^0.35"),
            "`vcluster` ^0.35 of `https://charts.example`",
        ),
        (
            None,
            Some("https://m.example"),
            None,
            "`vcluster` 0.36.1 of `https://m.example`",
        ),
        (
            Some("upstream"),
            Some("oci://m.example/x"),
            None,
            "`oci://m.example/x/vcluster` 0.36.1",
        ),
        (
            Some("upstream"),
            Some("oci://m.example/vcluster"),
            None,
            "`oci://m.example/vcluster` 0.36.1",
        ),
        (Some("./upstream"), None, None, "`./upstream`"),
        (Some("my charts/x"), None, None, "`my charts/x`"),
        (
            Some("https://a.example/x.tgz?k=1"),
            None,
            None,
            "`https://a.example/x.tgz`",
        ),
        (
            Some("https://u:p@a.example  x"),
            None,
            None,
            "`x` of `https://a.example`",
        ),
        (
            Some("x"),
            Some("https://a.example"),
            Some("1.x"),
            "`x` 1.x of `https://a.example`",
        ),
        (
            Some("oci://r.example:5000/a/b"),
            None,
            None,
            "`oci://r.example:5000/a/b`",
        ),
        (
            Some("oci://r.example/a/b"),
            None,
            Some("1.2.3"),
            "`oci://r.example/a/b` 1.2.3",
        ),
        (
            Some("oci://r.example/a/b:1.2.3_x"),
            None,
            Some("1.2.3+x"),
            "`oci://r.example/a/b` 1.2.3+x",
        ),
        (
            Some("oci://r.example/a/b:main"),
            None,
            None,
            "`oci://r.example/a/b:main`",
        ),
        (
            Some("oci://r.example/a b"),
            None,
            None,
            "`oci://r.example/a/b`",
        ),
    ] {
        assert_eq!(
            shown(chart, repository, version),
            expected,
            "{chart:?} {repository:?}"
        );
    }
    assert_eq!(
        shown(Some(&by_digest), None, None),
        format!("`oci://r.example/a/b@{digest}`")
    );
}

#[test]
fn flags_name_the_same_again_without_secrets() {
    let flags = |chart, version| named(Some(chart), None, version).unwrap().unwrap().flags;
    assert_eq!(
        flags("https://u:p@a.example/c?k=1 x", Some("^1")),
        "--chart 'https://a.example/c x' --chart-version '^1'"
    );
    assert_eq!(
        flags("upstream", None),
        "--chart upstream --chart-version 0.36.1"
    );
}

#[test]
fn what_cannot_be_meant_is_refused() {
    use ReferenceError as Wrong;
    let wrong = |chart, repository, version| named(chart, repository, version).unwrap_err();
    assert!(matches!(
        wrong(Some("x.tgz"), None, Some("1.0.0")),
        Wrong::OneVersion(_)
    ));
    assert!(matches!(
        wrong(Some("https://a/x"), None, Some("1")),
        Wrong::OneVersion(_)
    ));
    assert!(matches!(
        wrong(Some("ftp://a/x"), None, None),
        Wrong::Address(..)
    ));
    assert!(matches!(
        wrong(Some("x"), Some("a.example"), None),
        Wrong::Address(..)
    ));
    assert!(matches!(
        wrong(Some("oci://a/x"), Some("https://b"), None),
        Wrong::TwoPlaces
    ));
    assert!(matches!(
        wrong(Some("upstream"), None, Some("new")),
        Wrong::Version(_)
    ));
    assert!(matches!(
        wrong(Some("../x"), Some("https://b"), None),
        Wrong::Name(_)
    ));
    for registry in [
        "oci://a",
        "oci://a/",
        "oci://a/B",
        "oci://a/b:",
        "oci://a/b@sha256:1",
        "oci://a/../b",
    ] {
        assert!(
            matches!(wrong(Some(registry), None, None), Wrong::Registry(_)),
            "{registry}"
        );
    }
    let two = wrong(Some("oci://a/b:1.0.0"), None, Some("2.0.0"));
    assert!(matches!(two, Wrong::TwoVersions { .. }));
    let secret = wrong(Some("https://me:secret@/x"), None, None);
    assert!(!format!("{secret:?} {secret}").contains("secret"));
}
