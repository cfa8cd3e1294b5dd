//! Borderless columns, as kubectl prints them.

/// Space between columns.
const GAP: usize = 3;

/// Lays out the first `columns` of the rows below their headings.
pub(super) fn render(headings: &[&str], rows: &[Vec<String>], columns: usize) -> String {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([headings[column].len()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    line(&mut text, headings.iter().copied(), &widths);
    for row in rows {
        line(&mut text, row.iter().map(String::as_str), &widths);
    }
    text
}

fn line<'a>(text: &mut String, cells: impl Iterator<Item = &'a str>, widths: &[usize]) {
    let start = text.len();
    for (cell, width) in cells.zip(widths) {
        text.push_str(cell);
        text.extend(std::iter::repeat_n(' ', width + GAP - cell.chars().count()));
    }
    text.truncate(start + text[start..].trim_end().len());
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell_and_lines_end_without_blanks() {
        let rows = [
            vec!["dev".to_owned(), "a".to_owned(), "x".to_owned()],
            vec!["longer".to_owned(), String::new(), "y".to_owned()],
        ];
        insta::assert_snapshot!(render(&["NAME", "B", "C"], &rows, 2), @r"
        NAME     B
        dev      a
        longer
        ");
    }
}
