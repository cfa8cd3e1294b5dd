//! The order in which Go's YAML library writes the keys of a map.

use std::cmp::Ordering;

use serde_json::{Map, Value};

/// The entries as Go's library sorts them, the newer one if so wanted. Its order is not a consistent one for every set
/// of keys (`a1b`, `a10`, `a001`), and then another each time; `sort_by` does not forgive that, so this inserts one by one.
pub(super) fn in_go_order(entries: &Map<String, Value>, is_newer: bool) -> Vec<(&String, &Value)> {
    let mut sorted: Vec<(&String, &Value)> = Vec::with_capacity(entries.len());
    for entry in entries {
        let is_before = |known: &(&String, &Value)| {
            compare_keys(known.0, entry.0, is_newer) != Ordering::Greater
        };
        // Most come behind the last one.
        let place = match sorted.last() {
            Some(last) if !is_before(last) => sorted.partition_point(is_before),
            _ => sorted.len(),
        };
        sorted.insert(place, entry);
    }
    sorted
}

/// The order of map keys: letters after everything else, numbers by value. For the newer library letters behind a digit
/// come before everything else.
fn compare_keys(left: &str, right: &str, is_newer: bool) -> Ordering {
    let mut letters = left.chars().zip(right.chars()).enumerate();
    let Some((index, (one, other))) = letters.find(|(_, (one, other))| one != other) else {
        // One is the beginning of the other.
        return left.len().cmp(&right.len());
    };
    let is_behind_digit = || {
        let before = left.chars().take(index).last();
        is_newer && before.is_some_and(char::is_numeric)
    };
    match (one.is_alphabetic(), other.is_alphabetic()) {
        (true, true) => one.cmp(&other),
        (true, false) if is_behind_digit() => Ordering::Less,
        (false, true) if is_behind_digit() => Ordering::Greater,
        (true, false) => Ordering::Greater,
        (false, true) => Ordering::Less,
        (false, false) => {
            let letters = |text: &str| text.chars().collect::<Vec<_>>();
            compare_numbers(&letters(left), &letters(right), index)
        }
    }
}

fn compare_numbers(left: &[char], right: &[char], index: usize) -> Ordering {
    let mut start = 0;
    if left[index] == '0' || right[index] == '0' {
        let significant = left[..index]
            .iter()
            .rev()
            .take_while(|letter| letter.is_numeric())
            .any(|letter| *letter != '0');
        start = i64::from(significant);
    }
    let run = |letters: &[char]| {
        let mut value = start;
        let mut end = index;
        while end < letters.len() && letters[end].is_numeric() {
            let digit = i64::from(letters[end] as u32) - i64::from('0' as u32);
            value = value.wrapping_mul(10).wrapping_add(digit);
            end += 1;
        }
        (value, end)
    };
    run(left)
        .cmp(&run(right))
        .then_with(|| left[index].cmp(&right[index]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_count_and_letters_come_last() {
        let keys = json!({"a10": 1, "a2": 1, "B": 1, "_x": 1, "10": 1, "9": 1, "a": 1, "": 1});
        let sorted = |keys: &Value, is_newer| -> Vec<String> {
            let sorted = in_go_order(keys.as_object().unwrap(), is_newer);
            sorted.into_iter().map(|entry| entry.0.clone()).collect()
        };
        let expected = ["", "_x", "9", "10", "B", "a", "a2", "a10"];
        assert_eq!(sorted(&keys, false), expected);
        assert_eq!(sorted(&keys, true), expected);
        let keys = json!({"1e3": 1, "10": 1});
        assert_eq!(sorted(&keys, false), ["10", "1e3"]);
        assert_eq!(sorted(&keys, true), ["1e3", "10"]);
    }
}
