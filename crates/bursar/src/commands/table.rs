//! Tables for people: aligned columns, no line longer than its text.

/// Longest cell of free text, in characters; JSON has all of it.
const TEXT_CHARACTERS_MAX: usize = 80;

/// The rows under their heads, ending without a line break.
pub(super) fn table<const COLUMNS: usize>(
    heads: [&str; COLUMNS],
    rows: impl IntoIterator<Item = [String; COLUMNS]>,
) -> String {
    let mut lines = vec![heads.map(str::to_owned)];
    lines.extend(rows);
    let width = |column: usize| {
        let cells = lines.iter().filter_map(|line| line.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..COLUMNS).map(width).collect();
    let aligned = |line: &[String; COLUMNS]| {
        let cells = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    lines.iter().map(aligned).collect::<Vec<_>>().join("\n")
}

/// A free text as a cell: one short line; `-` = none.
pub(super) fn cell(text: &str) -> String {
    let one_line: String = text.chars().map(|mark| if mark.is_control() { ' ' } else { mark }).collect();
    match one_line.char_indices().nth(TEXT_CHARACTERS_MAX) {
        _ if one_line.is_empty() => "-".to_owned(),
        Some((end, _)) => format!("{}...", one_line.get(..end).unwrap_or_default()),
        None => one_line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell_and_lines_end_with_their_text() {
        let rows = [["é".to_owned(), "12".to_owned()], ["long".to_owned(), String::new()]];
        assert_eq!(table(["A", "B"], rows), "A     B\né     12\nlong");
    }

    #[test]
    fn a_cell_is_one_short_line_whatever_the_text_says() {
        assert_eq!(cell("a\nb\u{1b}[2J"), "a b [2J");
        assert_eq!(cell(""), "-");
        assert_eq!(cell(&"é".repeat(81)), format!("{}...", "é".repeat(80)));
    }
}
