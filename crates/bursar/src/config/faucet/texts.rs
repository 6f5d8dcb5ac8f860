//! From the three files to checked texts, one for each key.

use std::collections::BTreeMap;
use std::io;
use std::str::FromStr;

use super::super::desks::{DeskName, Owner};
use super::super::problem::{Problem, Warning};
use super::super::registry::{self, Variable};
use super::super::source::{Layer, Merged, Source};
use super::super::values::Values;
use super::expand::expand;
use super::keys::{FILES, FileKeys, Key, Meaning, Shape};
use super::yaml::{self, Entry, Value};

/// The folder that is looked for when `CONFIG_DIR` is unset.
const USUAL_FOLDER: &str = "configs";
const OWNER: Owner = Owner::Desk(DeskName::Faucet);

/// The values of keys that no variable carries, in their canonical spelling.
#[derive(Debug, Default)]
pub(super) struct Texts(BTreeMap<&'static str, Vec<String>>);

impl Texts {
    pub fn text(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.first().map(String::as_str)
    }

    /// A value whose text was checked to be one.
    pub fn parsed<T: FromStr>(&self, key: &str) -> Option<T> {
        self.text(key)?.parse().ok()
    }

    pub fn list(&self, key: &str) -> Option<Vec<String>> {
        self.0.get(key).cloned()
    }
}

/// Where the files have to be; `None` = there need not be any.
pub(super) fn folder(source: &Source, values: &Values) -> Option<String> {
    let named = values.value("CONFIG_DIR").map(str::to_owned);
    let usual = || source.has_folder(USUAL_FOLDER).then(|| USUAL_FOLDER.to_owned());
    named.or_else(usual)
}

/// Reads all three. What has a problem keeps its built-in value.
pub(super) fn read(
    source: &Source,
    merged: &Merged,
    folder: &str,
    values: &mut Values,
    problems: &mut Vec<Problem>,
    warnings: &mut Vec<Warning>,
) -> Texts {
    let mut reader = Reader { merged, values, problems, warnings, file: "", texts: Texts::default() };
    for FileKeys { file, keys } in &FILES {
        reader.file = file;
        match source.read(&format!("{}/{file}", folder.trim_end_matches('/'))) {
            Ok(text) => reader.read(&text, keys),
            Err(error) => reader.missing(folder, &error),
        }
    }
    reader.texts
}

struct Reader<'a> {
    merged: &'a Merged,
    values: &'a mut Values,
    problems: &'a mut Vec<Problem>,
    warnings: &'a mut Vec<Warning>,
    file: &'static str,
    texts: Texts,
}

impl Reader<'_> {
    fn refuse(&mut self, key: &str, rule: impl Into<String>, fix: impl Into<String>) {
        let name = format!("{} {key}", self.file);
        self.problems.push(Problem::new(OWNER, name.trim_end(), rule, fix));
    }

    fn missing(&mut self, folder: &str, error: &io::Error) {
        let rule = format!("cannot be read in the folder {folder} ({})", error.kind());
        let fix = "put all three files there, as they come with Bursar, or remove CONFIG_DIR and the folder configs";
        self.refuse("", rule, fix);
    }

    fn read(&mut self, text: &str, keys: &'static [Key]) {
        let (entries, unreadable) = yaml::read(text);
        for fault in unreadable {
            let rule = format!("cannot be read: line {} {}", fault.line, fault.what);
            self.refuse("", rule, "write KEY: VALUE lines, as in the file that comes with Bursar");
        }
        for entry in entries {
            match keys.iter().find(|key| key.name == entry.key) {
                Some(key) => self.take(key, entry),
                None => self.unknown(&entry, keys),
            }
        }
    }

    fn unknown(&mut self, entry: &Entry, keys: &[Key]) {
        let section = format!("{}.", entry.key);
        let is_section = keys.iter().any(|key| key.name.starts_with(&section));
        match &entry.value {
            Value::Text(text) if is_section && text.is_empty() => {}
            _ if is_section => self.refuse(
                &entry.key,
                format!("on line {} holds keys, not a value", entry.line),
                "indent its keys below it",
            ),
            _ => self.refuse(
                &entry.key,
                format!("on line {} is no key of this file", entry.line),
                "correct its name, or remove it",
            ),
        }
    }

    fn take(&mut self, key: &'static Key, entry: Entry) {
        let Entry { line, value, .. } = entry;
        let is_list = matches!(value, Value::List(_));
        let written = match value {
            Value::Text(text) => vec![text],
            Value::List(items) => items,
        };
        let mut texts = Vec::new();
        for text in &written {
            match expand(text, |name| self.merged.filled(name).map(|(text, _)| text)) {
                Ok(text) => texts.push(text),
                Err(error) => {
                    let fix = "write ${NAME} or ${NAME:-default}";
                    return self.refuse(key.name, format!("on line {line} {error}"), fix);
                }
            }
        }
        match key.meaning {
            Meaning::Variable(name, others) => {
                let Some(variable) = registry::variable(name) else { return };
                match texts.first().filter(|_| !is_list) {
                    Some(text) => self.give(key, line, variable, others, text),
                    None => self.unfit(key, line, &variable.kind.expectation()),
                }
            }
            Meaning::Own(shape) => self.keep(key, line, shape, key.name, is_list, &texts),
            Meaning::OtherName(name, shape) => self.keep(key, line, shape, name, is_list, &texts),
            Meaning::Nothing(instead) => {
                let text = format!("decides nothing: {instead}");
                self.warnings.push(Warning::new(OWNER, format!("{} {}", self.file, key.name), text));
            }
        }
    }

    fn unfit(&mut self, key: &Key, line: usize, expected: &str) {
        let fix = format!("set it to {expected}, or leave it blank");
        self.refuse(key.name, format!("on line {line} is not {expected}"), fix);
    }

    /// To a variable that nobody sets.
    fn give(&mut self, key: &Key, line: usize, variable: &'static Variable, others: &[&str], text: &str) {
        if text.trim().is_empty() {
            return;
        }
        let Some(canonical) = variable.kind.check(text) else {
            return self.unfit(key, line, &variable.kind.expectation());
        };
        let mut names = std::iter::once(variable.name).chain(others.iter().copied());
        if names.all(|name| !self.values.is_set(name)) {
            self.values.set(variable, canonical, Layer::File);
        }
    }

    fn keep(
        &mut self,
        key: &Key,
        line: usize,
        shape: Shape,
        name: &'static str,
        is_list: bool,
        texts: &[String],
    ) {
        let is_blank = !is_list && texts.iter().all(|text| text.trim().is_empty());
        if is_blank && !shape.keeps_blank() {
            return;
        }
        let checked: Option<Vec<String>> = texts.iter().map(|text| shape.check(text)).collect();
        let has_all = |texts: &Vec<String>| match shape {
            Shape::Scopes => {
                ["identify", "guilds"].iter().all(|scope| texts.iter().any(|text| text == scope))
            }
            _ => true,
        };
        match checked.filter(|texts| is_list == shape.is_list() && has_all(texts)) {
            None => self.unfit(key, line, &shape.expectation()),
            Some(checked) => match self.texts.0.insert(name, checked.clone()) {
                Some(other) if other != checked => {
                    let rule = format!(
                        "on line {line} says something else than the same setting under another name"
                    );
                    self.refuse(key.name, rule, format!("keep {name} alone"));
                }
                _ => {}
            },
        }
    }
}
