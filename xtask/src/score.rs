//! Shares of a whole, by room: how much of each crate is covered, or how many of its mutants are caught.

use std::collections::BTreeMap;
use std::path::Path;

/// So many of so many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// How many are good.
    pub good: u64,
    /// How many there are.
    pub all: u64,
}

impl Share {
    /// Counts one.
    pub fn count(&mut self, is_good: bool) {
        self.good += u64::from(is_good);
        self.all += 1;
    }

    /// Tenths of a percent, rounded down: 950 is 95 %. Nothing at all counts as whole.
    pub fn permille(self) -> u64 {
        (self.good * 1_000).checked_div(self.all).unwrap_or(1_000)
    }

    /// As `95.0 % (19 of 20)`.
    pub fn text(self) -> String {
        let permille = self.permille();
        format!("{}.{} % ({} of {})", permille / 10, permille % 10, self.good, self.all)
    }
}

/// Shares by room, in order of their names.
pub type Shares = BTreeMap<String, Share>;

/// The room of a source file, relative to the root: its crate, and for the deciding modules of a desk these alone.
/// `None` for what is no product code.
pub fn room(file: &str) -> Option<String> {
    let (folder, within) = file.split_once("/src/")?;
    let is_test = within.ends_with("tests.rs") || within.contains("/tests/") || within.starts_with("tests/");
    let is_product = ["crates/", "chains/", "desks/"].iter().any(|place| folder.starts_with(place));
    if is_test || !is_product || folder.ends_with("/disk-faults") || folder.ends_with("/test-stores") {
        return None;
    }
    let decides = folder.starts_with("desks/")
        && (Path::new(within).ends_with("decide.rs") || within.starts_with("rules/"));
    Some(if decides { format!("{folder} (decide)") } else { folder.to_owned() })
}

/// Prints `shares` under a heading and says whether every room of `demanded` that was measured reaches `least` permille.
pub fn report(heading: &str, shares: &Shares, demanded: &[&str], least: u64) -> bool {
    println!("{heading}");
    let mut is_enough = true;
    for (room, share) in shares {
        let is_demanded = demanded.iter().any(|demanded| demanded == room || room.ends_with(demanded));
        let falls_short = is_demanded && share.permille() < least;
        let note = if falls_short { format!("  below {} %", least / 10) } else { String::new() };
        println!("  {room:<28} {}{note}", share.text());
        is_enough &= !falls_short;
    }
    is_enough
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_rounded_down_and_nothing_is_whole() {
        let mut share = Share::default();
        assert_eq!(share.permille(), 1_000);
        [true, true, false].into_iter().for_each(|good| share.count(good));
        assert_eq!(share.text(), "66.6 % (2 of 3)");
    }

    #[test]
    fn product_code_has_a_room_and_tests_have_none() {
        assert_eq!(room("crates/money/src/amount.rs").as_deref(), Some("crates/money"));
        assert_eq!(room("desks/rounds/src/join/decide.rs").as_deref(), Some("desks/rounds (decide)"));
        assert_eq!(room("desks/faucet/src/rules/caps.rs").as_deref(), Some("desks/faucet (decide)"));
        assert_eq!(room("desks/rounds/src/join/work.rs").as_deref(), Some("desks/rounds"));
        for file in ["crates/keys/src/seal/tests.rs", "crates/store/tests/store/main.rs", "sim/src/lib.rs"] {
            assert_eq!(room(file), None, "{file}");
        }
    }

    #[test]
    fn a_demanded_room_below_the_mark_is_not_enough_and_others_do_not_matter() {
        let shares = |good| Shares::from([("crates/money".to_owned(), Share { good, all: 100 })]);
        assert!(!report("", &shares(94), &["crates/money"], 950));
        assert!(report("", &shares(95), &["crates/money"], 950));
        assert!(report("", &shares(1), &["crates/ledger"], 950));
    }
}
