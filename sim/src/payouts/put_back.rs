//! How an older state comes back in a world, and what then shows that it did.

use crate::broken::Bug;
use crate::chain::Family;
use crate::random::Random;
use crate::scenario::Scenario;

/// What is put back with the database, and whether the platform is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PutBack {
    /// By the command for it: a restore is counted.
    Told,
    /// By hand: the journal alone shows it.
    Untold,
    /// By hand and with the journal, as when a whole disk is put back: the chain alone shows it.
    WithJournal,
}

impl PutBack {
    /// That of a scenario, in whose world there is a journal or none.
    pub fn of(scenario: &Scenario, has_journal: bool) -> PutBack {
        let drawn = *Random::of(scenario.seed, "put back").pick(&[
            PutBack::Told,
            PutBack::Told,
            PutBack::Untold,
            PutBack::WithJournal,
        ]);
        let is_blind = scenario.bug == Some(Bug::RepaysAfterRestore);
        if has_journal && !is_blind { drawn } else { PutBack::Told }
    }

    /// The chains that are paid on: an untold put-back of everything shows only where a chain tells what an account did.
    pub fn families(self) -> &'static [Family] {
        match self {
            PutBack::Told | PutBack::Untold => &Family::ALL,
            PutBack::WithJournal => &[Family::Ordered],
        }
    }

    /// Its name in the catalogue.
    pub fn word(self) -> &'static str {
        match self {
            PutBack::Told => "restores, and the platform is told",
            PutBack::Untold => "puts the database back untold",
            PutBack::WithJournal => "puts database and journal back untold",
        }
    }
}
