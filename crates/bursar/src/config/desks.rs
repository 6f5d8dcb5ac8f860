//! The five desks by name, which of them run (`BURSAR_DESKS`, H2), and who owns a variable.

use std::fmt;

use serde::{Serialize, Serializer};

/// A desk of this host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeskName {
    /// UP/DOWN price rounds.
    Rounds,
    /// Kills earn Banano.
    Faucet,
    /// Escrow against a promise.
    Commitments,
    /// Signed peer-to-peer swaps.
    Trades,
    /// Battle game with withdrawable rewards.
    Arena,
}

impl DeskName {
    /// Every desk, in the order in which they are listed everywhere.
    pub const ALL: [DeskName; 5] =
        [DeskName::Rounds, DeskName::Faucet, DeskName::Commitments, DeskName::Trades, DeskName::Arena];

    /// Whether this build has it. What it does not have can be configured, and does nothing.
    #[must_use]
    pub const fn is_built(self) -> bool {
        match self {
            DeskName::Rounds | DeskName::Faucet => true,
            DeskName::Commitments | DeskName::Trades | DeskName::Arena => false,
        }
    }

    /// The name as written in `BURSAR_DESKS`, routes and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            DeskName::Rounds => "rounds",
            DeskName::Faucet => "faucet",
            DeskName::Commitments => "commitments",
            DeskName::Trades => "trades",
            DeskName::Arena => "arena",
        }
    }
}

impl fmt::Display for DeskName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Whose variable it is: the platform's, or one desk's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Owner {
    /// Read by the host itself; always in force.
    Platform,
    /// Read for one desk; without effect while that desk is off (H2).
    Desk(DeskName),
}

impl Owner {
    /// `platform` or the desk's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Owner::Platform => "platform",
            Owner::Desk(desk) => desk.as_str(),
        }
    }

    /// Whether variables of this owner have effect when `desks` run.
    #[must_use]
    pub fn is_active(self, desks: &[DeskName]) -> bool {
        match self {
            Owner::Platform => true,
            Owner::Desk(desk) => desks.contains(&desk),
        }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for Owner {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Reads a comma list of desk names; each name once, in the fixed order. `None`: an empty or unknown name.
pub(super) fn parse(list: &str) -> Option<Vec<DeskName>> {
    let mut chosen = list
        .split(',')
        .map(|name| DeskName::ALL.into_iter().find(|desk| desk.as_str() == name.trim()))
        .collect::<Option<Vec<_>>>()?;
    chosen.sort();
    chosen.dedup();
    Some(chosen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn h2_a_list_of_desks_is_read_in_the_fixed_order() {
        assert_eq!(parse("arena, rounds,arena"), Some(vec![DeskName::Rounds, DeskName::Arena]));
        assert_eq!(parse("trades"), Some(vec![DeskName::Trades]));
    }

    #[test]
    fn h2_an_empty_or_unknown_name_is_refused() {
        for bad in ["", " ", "rounds,", ",rounds", "rounds,,arena", "Rounds", "casino"] {
            assert_eq!(parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn h2_a_variable_of_a_desk_that_is_off_has_no_effect() {
        let on = [DeskName::Rounds];
        assert!(Owner::Platform.is_active(&on));
        assert!(Owner::Desk(DeskName::Rounds).is_active(&on));
        assert!(!Owner::Desk(DeskName::Arena).is_active(&on));
    }
}
