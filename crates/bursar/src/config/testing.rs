//! How the tests of this room give an environment and look at the outcome.

use std::collections::BTreeMap;
use std::io;

use super::{Configuration, ConfigurationErrors, Source, load};

/// A source of these names, with no files.
pub(super) fn source(environment: &[(&str, &str)]) -> Source {
    with_files(environment, &[])
}

/// A source of these names that finds these files and no others.
pub(super) fn with_files(environment: &[(&str, &str)], files: &[(&str, &str)]) -> Source {
    let owned = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    };
    let files = owned(files);
    Source::new(owned(environment)).with_files(move |path| {
        let text = path.to_str().and_then(|path| files.get(path)).cloned();
        text.ok_or_else(|| io::ErrorKind::NotFound.into())
    })
}

/// The configuration of this environment, which must be accepted.
#[track_caller]
pub(super) fn accepted(environment: &[(&str, &str)]) -> Configuration {
    match load(&source(environment)) {
        Ok(configuration) => configuration,
        Err(errors) => panic!("{errors}"),
    }
}

/// The problems of this environment, which must be refused.
#[track_caller]
pub(super) fn refused(environment: &[(&str, &str)]) -> ConfigurationErrors {
    load(&source(environment)).expect_err("this environment should be refused")
}

/// The variables with problems, in order.
#[track_caller]
pub(super) fn refused_names(environment: &[(&str, &str)]) -> Vec<String> {
    refused(environment).problems.into_iter().map(|problem| problem.variable).collect()
}
