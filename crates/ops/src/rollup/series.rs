//! A series as /metrics writes it, taken apart.

use std::collections::BTreeMap;

/// A name with its labels.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Series {
    /// The metric.
    pub name: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
}

impl Series {
    /// Reads `name{label="value",...}`; `None` = it is no series.
    #[must_use]
    pub fn parse(text: &str) -> Option<Series> {
        let Some((name, rest)) = text.split_once('{') else {
            return Some(Series { name: text.to_owned(), labels: BTreeMap::new() });
        };
        let mut labels = BTreeMap::new();
        let mut rest = rest.strip_suffix('}')?;
        while !rest.is_empty() {
            let (label, after) = rest.split_once("=\"")?;
            let (value, after) = quoted(after)?;
            labels.insert(label.to_owned(), value);
            rest = after.strip_prefix(',').unwrap_or(after);
        }
        Some(Series { name: name.to_owned(), labels })
    }

    /// The value of a label; empty when it has none.
    #[must_use]
    pub fn label(&self, label: &str) -> &str {
        self.labels.get(label).map_or("", String::as_str)
    }
}

/// The text up to the closing quote with its escapes undone, and what comes after.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut marks = text.char_indices();
    while let Some((at, mark)) = marks.next() {
        match mark {
            '"' => return Some((value, text.get(at.saturating_add(1)..)?)),
            '\\' => match marks.next()?.1 {
                'n' => value.push('\n'),
                escaped => value.push(escaped),
            },
            other => value.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_labels_and_escapes_are_read() {
        let series = Series::parse("a_total{b=\"c,d=\\\"e\\\"\",f=\"g\\\\h\\n\"}").unwrap();
        assert_eq!(series.name, "a_total");
        assert_eq!((series.label("b"), series.label("f"), series.label("x")), ("c,d=\"e\"", "g\\h\n", ""));
        assert_eq!(Series::parse("plain").unwrap().labels, BTreeMap::new());
        for bad in ["a{", "a{b}", "a{b=\"c}", "a{b=\"c\\"] {
            assert_eq!(Series::parse(bad), None, "{bad}");
        }
    }
}
