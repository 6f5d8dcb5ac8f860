//! Configuration: the file, and each variable's own reading.

use std::collections::BTreeMap;
use std::path::Path;

use bursar::config::{Source, load, registry};

use crate::input::{first, text};

/// Whatever the file holds, loading ends in a configuration or in problems that name what to do.
pub fn file(bytes: &[u8]) {
    let Some(content) = text(bytes).map(str::to_owned) else { return };
    let environment = BTreeMap::from([("BURSAR_CONFIG".to_owned(), "bursar.toml".to_owned())]);
    let source = Source::new(environment).with_files(move |path: &Path| match path.to_str() {
        Some("bursar.toml") => Ok(content.clone()),
        _ => Err(std::io::ErrorKind::NotFound.into()),
    });
    if let Err(errors) = load(&source) {
        assert!(!errors.problems.is_empty());
        assert!(
            errors.problems.iter().all(|problem| !problem.variable.is_empty() && !problem.fix.is_empty())
        );
    }
}

/// What a variable accepts it accepts again in the form that it keeps, and no message repeats a secret.
pub fn value(bytes: &[u8]) {
    let (choice, rest) = first(bytes);
    let (more, rest) = first(rest);
    let Some(text) = text(rest) else { return };
    let index = usize::from(u16::from_be_bytes([choice, more])) % registry::all().count();
    let variable = registry::all().nth(index).unwrap();
    if let Some(kept) = variable.kind.check(text) {
        assert_eq!(variable.kind.check(&kept).as_ref(), Some(&kept), "{} {text:?}", variable.name);
    }
    let environment = BTreeMap::from([(variable.name.to_owned(), text.to_owned())]);
    let nothing = |_: &Path| Err(std::io::ErrorKind::NotFound.into());
    let loaded = load(&Source::new(environment).with_files(nothing));
    let shown = match loaded {
        Ok(configuration) => format!("{configuration:?}"),
        Err(errors) => format!("{errors} {errors:?}"),
    };
    let is_telling = text.trim().len() >= 12 && !text.trim().contains([' ', '"', '\\']);
    let is_ours = shown_without_value().contains(text.trim());
    assert!(
        !variable.is_secret() || !is_telling || is_ours || !shown.contains(text.trim()),
        "{}",
        variable.name
    );
}

/// What is shown of an empty environment, so that its own words are not taken for a secret's.
fn shown_without_value() -> String {
    let nothing = |_: &Path| Err(std::io::ErrorKind::NotFound.into());
    format!("{:?}", load(&Source::new(BTreeMap::new()).with_files(nothing)).ok())
}
