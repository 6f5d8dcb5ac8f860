//! The config file: TOML lines `NAME = "value"`, without tables.

use std::collections::BTreeMap;

use toml::de::{DeTable, DeValue};

use super::desks::Owner;
use super::problem::Problem;
use super::source::Source;

/// Reads the file that `BURSAR_CONFIG` names. What can't be read is a problem; the rest still counts.
pub(super) fn read(source: &Source, path: &str, problems: &mut Vec<Problem>) -> BTreeMap<String, String> {
    match source.read(path) {
        Ok(text) => parse(&text, problems),
        Err(error) => {
            let rule = format!("names a file that cannot be read ({})", error.kind());
            problem(problems, rule, "name a readable TOML file, or remove it");
            BTreeMap::new()
        }
    }
}

/// Numbers keep their written text: a decimal must stay exact.
fn parse(text: &str, problems: &mut Vec<Problem>) -> BTreeMap<String, String> {
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        // The error's own Display would print the line, and with it a secret.
        let line = line_of(text, error.span().map_or(0, |span| span.start));
        problem(problems, format!("names a file with broken TOML on line {line}"), "write NAME = \"value\"");
    }
    let mut values = BTreeMap::new();
    for (name, value) in table.into_inner() {
        let plain = match value.get_ref() {
            DeValue::String(text) => Some(text.to_string()),
            DeValue::Integer(number) if number.radix() == 10 => Some(number.as_str().to_owned()),
            DeValue::Float(number) => Some(number.as_str().to_owned()),
            DeValue::Boolean(flag) => Some(flag.to_string()),
            DeValue::Integer(_) | DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => None,
        };
        let line = line_of(text, name.span().start);
        match plain {
            Some(_) if name.get_ref() == "BURSAR_CONFIG" => {
                problem(
                    problems,
                    format!("stands in the config file itself, on line {line}"),
                    "remove that line",
                );
            }
            Some(plain) => _ = values.insert(name.into_inner().into_owned(), plain),
            None => problem(
                problems,
                format!("names a file whose line {line} is no plain value"),
                "write NAME = \"value\"; lists are one text with commas",
            ),
        }
    }
    values
}

fn problem(problems: &mut Vec<Problem>, rule: String, fix: &str) {
    problems.push(Problem::new(Owner::Platform, "BURSAR_CONFIG", rule, fix));
}

fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> (Vec<(String, String)>, Vec<String>) {
        let mut problems = Vec::new();
        let values = parse(text, &mut problems).into_iter().collect();
        (values, problems.into_iter().map(|problem| problem.rule).collect())
    }

    #[test]
    fn plain_values_become_the_text_that_was_written() {
        let (values, problems) = parsed("A = \"x\"\nB = 3000\nC = 1.10\nD = true\n# note\n");
        let expected = [("A", "x"), ("B", "3000"), ("C", "1.10"), ("D", "true")];
        assert_eq!(values, expected.map(|(name, text)| (name.to_owned(), text.to_owned())));
        assert_eq!(problems, Vec::<String>::new());
    }

    #[test]
    fn tables_lists_and_broken_lines_are_named_by_line_and_the_rest_counts() {
        let (values, problems) = parsed("A = \"x\"\nB = [1]\nC = oops-secret\nD = \"y\"\n[T]\nE = \"z\"\n");
        for kept in [("A", "x"), ("D", "y")] {
            assert!(values.iter().any(|(name, text)| (name.as_str(), text.as_str()) == kept), "{values:?}");
        }
        for line in ["line 2", "line 3", "line 5"] {
            assert!(problems.iter().any(|rule| rule.contains(line)), "{line}: {problems:?}");
        }
        assert!(!problems.concat().contains("secret"));
    }

    #[test]
    fn a_file_cannot_name_another_file() {
        let (values, problems) = parsed("BURSAR_CONFIG = \"other.toml\"\n");
        assert_eq!(values, []);
        assert_eq!(problems, ["stands in the config file itself, on line 1"]);
    }
}
