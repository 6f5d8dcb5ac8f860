//! The YAML that the faucet's files are written in: keys with a text or a list, in sections one level deep.
//!
//! Scalars keep the text that was written, so that a decimal stays exact and a check can name its line.

use std::collections::BTreeSet;
use std::iter::Peekable;
use std::vec::IntoIter;

use granit_parser::{Event, Parser, ScalarStyle};

/// One key and what it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// With its section: `rate_limits.fortnite_per_min`.
    pub key: String,
    /// Where it stands, from 1.
    pub line: usize,
    /// What it holds.
    pub value: Value,
}

/// What a key holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// A scalar; empty when nothing or `null` was written.
    Text(String),
    /// A list of scalars.
    List(Vec<String>),
}

/// What cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unreadable {
    /// Where, from 1.
    pub line: usize,
    /// What is wrong there, to be read after "line N".
    pub what: &'static str,
}

/// Every key of `text` that can be read, and what cannot.
pub(super) fn read(text: &str) -> (Vec<Entry>, Vec<Unreadable>) {
    let mut reader = Reader {
        events: Vec::new().into_iter().peekable(),
        seen: BTreeSet::new(),
        entries: vec![],
        unreadable: vec![],
    };
    let mut events = Vec::new();
    for event in Parser::new_from_str(text) {
        match event {
            Ok((event, span)) => events.push((event, span.start.line())),
            // The error's own text may show what was written there.
            Err(error) => {
                reader.note(error.marker().line(), "is no YAML");
                return (Vec::new(), reader.unreadable);
            }
        }
    }
    reader.events = events.into_iter().peekable();
    reader.document();
    (reader.entries, reader.unreadable)
}

struct Reader<'a> {
    events: Peekable<IntoIter<(Event<'a>, usize)>>,
    seen: BTreeSet<String>,
    entries: Vec<Entry>,
    unreadable: Vec<Unreadable>,
}

impl Reader<'_> {
    fn note(&mut self, line: usize, what: &'static str) {
        self.unreadable.push(Unreadable { line, what });
    }

    fn document(&mut self) {
        let mut documents = 0;
        while let Some((event, line)) = self.events.next() {
            match event {
                Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
                Event::DocumentStart(..) => {
                    documents += 1;
                    if documents > 1 {
                        return self.note(line, "begins a second document");
                    }
                }
                Event::MappingStart(..) => self.mapping(""),
                Event::Scalar(text, style, ..) if is_blank(&text, style) => {}
                other => {
                    self.note(line, "is no mapping of keys");
                    self.skip(&other);
                }
            }
        }
    }

    /// The keys of a mapping that has begun; `section` is empty at the top and ends with a dot below.
    fn mapping(&mut self, section: &str) {
        while let Some((event, line)) = self.events.next() {
            let key = match event {
                Event::MappingEnd => return,
                Event::Scalar(text, _, _, None) => format!("{section}{text}"),
                other => {
                    self.note(line, "has a key that is no plain text");
                    self.skip(&other);
                    self.skip_next();
                    continue;
                }
            };
            let is_first = self.seen.insert(key.clone());
            if !is_first {
                self.note(line, "repeats a key");
            }
            self.value(key, line, section.is_empty());
        }
    }

    fn value(&mut self, key: String, line: usize, may_nest: bool) {
        let Some((event, at)) = self.events.next() else { return };
        if event.tag().is_some() {
            self.note(at, "has a tag, which says nothing here");
        }
        match event {
            Event::Scalar(text, style, ..) => {
                let text = if is_blank(&text, style) { String::new() } else { text.into_owned() };
                self.entries.push(Entry { key, line, value: Value::Text(text) });
            }
            Event::SequenceStart(..) => {
                let value = Value::List(self.list());
                self.entries.push(Entry { key, line, value });
            }
            Event::MappingStart(..) if may_nest => self.mapping(&format!("{key}.")),
            Event::Alias(_) => self.note(at, "has an alias; write the value out"),
            other => {
                self.note(at, "is nested too deeply");
                self.skip(&other);
            }
        }
    }

    fn list(&mut self) -> Vec<String> {
        let mut items = Vec::new();
        while let Some((event, line)) = self.events.next() {
            match event {
                Event::SequenceEnd => break,
                Event::Scalar(text, _, _, None) => items.push(text.into_owned()),
                other => {
                    self.note(line, "has a list whose items are no plain texts");
                    self.skip(&other);
                }
            }
        }
        items
    }

    fn skip_next(&mut self) {
        if let Some((event, _)) = self.events.next() {
            self.skip(&event);
        }
    }

    /// Passes over what is left of the node that began with `event`.
    fn skip(&mut self, event: &Event<'_>) {
        let mut open = depth(event);
        while open > 0 {
            let Some((event, _)) = self.events.next() else { return };
            open += depth(&event);
        }
    }
}

fn depth(event: &Event<'_>) -> i32 {
    match event {
        Event::MappingStart(..) | Event::SequenceStart(..) => 1,
        Event::MappingEnd | Event::SequenceEnd => -1,
        _ => 0,
    }
}

fn is_blank(text: &str, style: ScalarStyle) -> bool {
    matches!(style, ScalarStyle::Plain) && matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(text: &str) -> Vec<(String, Value)> {
        let (entries, unreadable) = read(text);
        assert_eq!(unreadable, []);
        entries.into_iter().map(|entry| (entry.key, entry.value)).collect()
    }

    #[track_caller]
    fn unreadable(text: &str) -> Vec<(usize, &'static str)> {
        read(text).1.into_iter().map(|fault| (fault.line, fault.what)).collect()
    }

    fn text(text: &str) -> Value {
        Value::Text(text.to_owned())
    }

    #[test]
    fn scalars_keep_the_text_that_was_written() {
        let yaml = "a: 0.10\nb: \"true\"\nc: 123456789012345678901\nd: ~\ne:\nf: '~'\ng: # note\n";
        let expected = [
            ("a", text("0.10")),
            ("b", text("true")),
            ("c", text("123456789012345678901")),
            ("d", text("")),
            ("e", text("")),
            ("f", text("~")),
            ("g", text("")),
        ];
        assert_eq!(entries(yaml), expected.map(|(key, value)| (key.to_owned(), value)));
        assert_eq!(entries(""), []);
        assert_eq!(entries("# only a note\n---\n"), []);
    }

    #[test]
    fn sections_and_lists_are_one_level_deep() {
        let yaml = "a: [x, y]\nb:\n  c: 1\n  d:\n    - z\n";
        let list = |items: &[&str]| Value::List(items.iter().map(|item| (*item).to_owned()).collect());
        let expected = [("a", list(&["x", "y"])), ("b.c", text("1")), ("b.d", list(&["z"]))];
        assert_eq!(entries(yaml), expected.map(|(key, value)| (key.to_owned(), value)));
    }

    #[test]
    fn everything_that_cannot_be_read_is_named_by_line_and_the_rest_counts() {
        let yaml = "a: 1\na: 2\nb:\n  c:\n    d: 1\ne: [[1], 2]\nf: !x 1\n? [k]\n: v\nz: 9\n";
        let expected = [
            (2, "repeats a key"),
            (5, "is nested too deeply"),
            (6, "has a list whose items are no plain texts"),
            (7, "has a tag, which says nothing here"),
            (8, "has a key that is no plain text"),
        ];
        assert_eq!(unreadable(yaml), expected);
        assert_eq!(read(yaml).0.last().map(|entry| entry.key.clone()), Some("z".to_owned()));
        assert_eq!(unreadable("a: &x 1\nb: *x\n"), [(2, "has an alias; write the value out")]);
        assert_eq!(unreadable("- a\n"), [(1, "is no mapping of keys")]);
        assert_eq!(unreadable("a: 1\n---\nb: 2\n"), [(2, "begins a second document")]);
        assert_eq!(unreadable("a: [1\n").len(), 1);
        assert_eq!(unreadable("a: \"s3cret\nb: 1\n")[0].1, "is no YAML");
    }
}
