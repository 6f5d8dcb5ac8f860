//! What can stop a chore before it has a verdict.

use std::io;
use std::path::PathBuf;

/// A chore could not be carried out; its verdict is unknown.
#[derive(Debug, thiserror::Error)]
pub enum ChoreError {
    /// A file could not be read or written.
    #[error("{path}: {source}. Check that the file exists and that you may use it.")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A program could not be started.
    #[error("could not start `{program}`: {source}. Install it or put it on the path.")]
    Start {
        /// The command line.
        program: String,
        /// What the system said.
        source: io::Error,
    },
    /// A program ended badly; its own words are above on stderr.
    #[error("`{program}` failed ({status}). Its own output above says why.")]
    Program {
        /// The command line.
        program: String,
        /// Its exit status, in words.
        status: String,
    },
    /// A program's answer could not be understood.
    #[error("could not read the answer of `{program}`: {reason}.")]
    Answer {
        /// The command line.
        program: String,
        /// What was wrong with it.
        reason: String,
    },
    /// Something is not installed that no chore installs.
    #[error("{what} is missing: {fix}.")]
    Missing {
        /// The program.
        what: String,
        /// What to do.
        fix: String,
    },
    /// As things stand, whoever checks a release could not rely on it.
    #[error("No release was made: {0}")]
    Unreleasable(String),
    /// A specification page breaks its own table rules.
    #[error("{page}:{line}: {reason}.")]
    Page {
        /// The page's file name.
        page: String,
        /// Line number, from 1.
        line: usize,
        /// What is wrong there.
        reason: String,
    },
}
