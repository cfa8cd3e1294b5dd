//! Which known path was probably meant by one that is not known.

use std::collections::BTreeSet;

/// The known path, or map on the way to one, that is most like `path`: first among its neighbours, then anywhere.
pub(super) fn nearest(path: &str, known: &BTreeSet<&'static str>) -> Option<String> {
    let (above, last) = path.rsplit_once('.').unwrap_or(("", path));
    let neighbour = known
        .iter()
        .filter_map(|candidate| {
            let (its_above, its_last) = candidate.rsplit_once('.').unwrap_or(("", candidate));
            (its_above == above).then(|| (distance(last, its_last), *candidate))
        })
        .filter(|(distance, _)| *distance <= last.chars().count().div_ceil(3))
        .min();
    // Somebody who leaves out a level, or knows the key but not where it lives.
    let is_below = |candidate: &str| {
        let below = candidate.strip_prefix(above);
        below.is_some_and(|below| below.starts_with('.'))
    };
    let elsewhere = || {
        known
            .iter()
            .filter(|candidate| candidate.rsplit('.').next() == Some(last))
            .map(|candidate| (!is_below(candidate), distance(path, candidate), *candidate))
            .min()
            .map(|(_, distance, candidate)| (distance, candidate))
    };
    neighbour
        .or_else(elsewhere)
        .map(|(_, candidate)| candidate.to_owned())
}

/// How many single-character edits lie between two texts, without regard to case.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.to_lowercase().chars().collect();
    let mut previous: Vec<usize> = (0..=right.len()).collect();
    for (row, from) in left.to_lowercase().chars().enumerate() {
        let mut current = vec![row + 1];
        for (column, to) in right.iter().enumerate() {
            let replaced = previous[column] + usize::from(from != *to);
            current.push(
                replaced
                    .min(previous[column + 1] + 1)
                    .min(current[column] + 1),
            );
        }
        previous = current;
    }
    previous[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        for (left, right, expected) in [
            ("", "abc", 3),
            ("ingreses", "ingresses", 1),
            ("CoreDNS", "coredns", 0),
            ("ab", "ba", 2),
        ] {
            assert_eq!(distance(left, right), expected, "{left} {right}");
        }
    }

    #[test]
    fn a_neighbour_comes_before_a_namesake_elsewhere() {
        let known = BTreeSet::from(["a.enabled", "b.enable", "b.size"]);
        assert_eq!(nearest("b.enabled", &known).as_deref(), Some("b.enable"));
        assert_eq!(nearest("c.enabled", &known).as_deref(), Some("a.enabled"));
        assert_eq!(nearest("c.unlike", &known), None);
        let known = BTreeSet::from(["a.b.of.many.size", "a.c.d.size"]);
        assert_eq!(
            nearest("a.b.size", &known).as_deref(),
            Some("a.b.of.many.size")
        );
    }
}
