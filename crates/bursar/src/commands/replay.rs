//! `bursar replay`: a whole desk on recorded prices, in a database of its own unless one is named.

use serde_json::Value;

use super::CommandError;
use crate::replay::{ReplayOptions, run as play};

/// `bursar replay`.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum ReplayVerb {
    /// The rounds desk; exit 1 unless every total agrees to the cent.
    Rounds(ReplayOptions),
}

/// Does what `verb` says.
///
/// # Errors
/// Whatever makes the exit 1.
pub fn run(verb: &ReplayVerb) -> Result<Value, CommandError> {
    let ReplayVerb::Rounds(options) = verb;
    let answer = play(options)?;
    if answer["conserved"] == true {
        return Ok(answer);
    }
    let why =
        "The totals do not agree: money was made or lost on the way. See the figures on stdout.".to_owned();
    Err(CommandError::No { answer, why })
}
