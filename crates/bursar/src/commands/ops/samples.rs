//! Reading a server's metrics: the samples of the text that Prometheus reads.

use std::collections::BTreeMap;

use serde_json::Value;

/// One sample.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sample {
    /// Its name, `_bucket`, `_sum` or `_count` included.
    pub name: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its number as the server wrote it.
    pub value: Value,
}

/// Every sample of `text`; lines that are none are passed over.
pub(super) fn samples(text: &str) -> Vec<Sample> {
    text.lines().filter(|line| !line.starts_with('#')).filter_map(sample).collect()
}

fn sample(line: &str) -> Option<Sample> {
    let (head, value) = line.trim().rsplit_once(' ')?;
    let value = serde_json::from_str(value).ok().filter(Value::is_number)?;
    let (name, labels) = match head.split_once('{') {
        None => (head, BTreeMap::new()),
        Some((name, labels)) => (name, labels_of(labels.strip_suffix('}')?)?),
    };
    Some(Sample { name: name.to_owned(), labels, value })
}

/// `a="1",b="2"`; a quote, a backslash and a line's end inside a value are escaped by a backslash.
fn labels_of(text: &str) -> Option<BTreeMap<String, String>> {
    let mut labels = BTreeMap::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (name, quoted) = rest.split_once("=\"")?;
        let (mut value, mut is_escaped, mut end) = (String::new(), false, None);
        for (index, mark) in quoted.char_indices() {
            match (is_escaped, mark) {
                (true, 'n') => value.push('\n'),
                (true, mark) => value.push(mark),
                (false, '\\') => {}
                (false, '"') => {
                    end = Some(index);
                    break;
                }
                (false, mark) => value.push(mark),
            }
            is_escaped = !is_escaped && mark == '\\';
        }
        labels.insert(name.trim_start_matches(',').to_owned(), value);
        rest = quoted.get(end? + 1..)?;
    }
    Some(labels)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_labels_and_numbers_are_read_and_comments_are_not() {
        let text =
            "# HELP a b\n# TYPE a counter\na 3\nb{desk=\"rounds\",path=\"/x\"} 0.25\nc NaN\nd{x=\"1\" 2\n";
        let read: Vec<_> =
            samples(text).into_iter().map(|one| (one.name, one.labels.len(), one.value)).collect();
        assert_eq!(read, [("a".to_owned(), 0, json!(3)), ("b".to_owned(), 2, json!(0.25))]);
    }

    #[test]
    fn escaped_label_values_are_read_as_they_were_meant() {
        let labels = labels_of(r#"a="1,\"2\"",b="x\\y\n""#).unwrap();
        assert_eq!((&*labels["a"], &*labels["b"]), ("1,\"2\"", "x\\y\n"));
    }
}
