//! Every environment name that Bursar knows, and the names that follow from the secret ones (V1).

mod arena;
mod check;
mod commitments;
mod faucet;
mod kind;
mod platform;
mod rounds;
mod trades;
mod variable;

pub use kind::Kind;
pub use variable::{Reload, Status, Variable};

use super::desks::{DeskName, Owner};

/// The beginnings of names that are ours: an unknown name with one of them stops the start.
pub const PREFIXES: [(&str, Owner); 10] = [
    ("BURSAR_", Owner::Platform),
    ("PANCHO_", Owner::Desk(DeskName::Rounds)),
    ("P2S_", Owner::Desk(DeskName::Faucet)),
    ("PAY2SLAY_", Owner::Desk(DeskName::Faucet)),
    ("FAUCET_", Owner::Desk(DeskName::Faucet)),
    ("CTS_", Owner::Desk(DeskName::Commitments)),
    ("TRADES_", Owner::Desk(DeskName::Trades)),
    ("ARENA_", Owner::Desk(DeskName::Arena)),
    ("CLAIM_", Owner::Desk(DeskName::Arena)),
    ("CLAIMS_", Owner::Desk(DeskName::Arena)),
];

/// What a known name carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The value itself.
    Value,
    /// `<NAME>_FILE`: the path of a file that holds the secret.
    File,
    /// `<NAME>_PREVIOUS`: the secret that is being replaced.
    Previous,
    /// `<NAME>_PREVIOUS_FILE`: the path of a file that holds that one.
    PreviousFile,
}

/// Every variable: the platform's, then each desk's.
pub fn all() -> impl Iterator<Item = &'static Variable> {
    [
        platform::VARIABLES,
        rounds::VARIABLES,
        faucet::VARIABLES,
        commitments::VARIABLES,
        trades::VARIABLES,
        arena::VARIABLES,
    ]
    .into_iter()
    .flatten()
}

/// The variable of exactly this name, without the names that follow from secrets.
#[must_use]
pub fn variable(name: &str) -> Option<&'static Variable> {
    all().find(|variable| variable.name == name)
}

/// The variable to which `name` belongs, and what the name carries. An ordinary name that merely ends in
/// `_FILE` is itself.
#[must_use]
pub fn lookup(name: &str) -> Option<(&'static Variable, Part)> {
    if let Some(found) = variable(name) {
        return Some((found, Part::Value));
    }
    let secret = |name: &str| variable(name).filter(|found| found.is_secret());
    if let Some(base) = name.strip_suffix("_PREVIOUS_FILE") {
        return secret(base).filter(|found| found.has_previous()).map(|found| (found, Part::PreviousFile));
    }
    if let Some(base) = name.strip_suffix("_PREVIOUS") {
        return secret(base).filter(|found| found.has_previous()).map(|found| (found, Part::Previous));
    }
    name.strip_suffix("_FILE").and_then(secret).map(|found| (found, Part::File))
}

/// Whose prefix `name` begins with, if it is one of ours.
#[must_use]
pub fn prefix_owner(name: &str) -> Option<Owner> {
    PREFIXES.iter().find(|(prefix, _)| name.starts_with(prefix)).map(|(_, owner)| *owner)
}

#[cfg(test)]
mod tests;
