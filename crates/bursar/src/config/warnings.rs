//! Settings that are harmless here but surely meant otherwise.

use super::desks::{DeskName, Owner};
use super::mode::Mode;
use super::problem::Warning;
use super::registry;
use super::source::Merged;
use super::values::Values;

/// Names that hold a signing key no server should see, and whose command line they belong to
/// (docs/spec/platform.md).
pub(super) const COMMAND_LINE_KEYS: [(&str, DeskName); 3] = [
    ("OWNER_PRIVATE_KEY", DeskName::Trades),
    ("PRIVATE_KEY", DeskName::Trades),
    ("ADMIN_MNEMONIC", DeskName::Arena),
];

const DESKS: &str = "BURSAR_DESKS";

/// Names that people still set for something that Bursar does otherwise.
const REPLACED: [(&str, &str); 5] = [
    ("MONGO_URI", "is read by nothing: Bursar keeps everything in DATABASE_URL"),
    ("MONGODB_URI", "is read by nothing: Bursar keeps everything in DATABASE_URL"),
    ("REDIS_URL", "is read by nothing: limits are shared through the database"),
    ("JWT_SECRET", "is read by nothing"),
    ("RESTIC_REPO_PATH", "is not read yet: backups stay in the backup folder"),
];

/// The commitments' switches that stop when unset in production (V7).
const ENABLE_SWITCHES: [&str; 7] = [
    "CTS_ENABLE_REWARD_PAYOUTS",
    "CTS_ENABLE_FAILURE_DISTRIBUTION_PAYOUTS",
    "CTS_ENABLE_PARTICIPATION_WEIGHTED_FAILURE_PAYOUTS",
    "CTS_ENABLE_VOTE_REWARD_DISTRIBUTIONS",
    "CTS_ENABLE_VOTE_REWARD_PAYOUTS",
    "CTS_ENABLE_MARKETCAP_MILESTONES",
    "CTS_ASD_ENABLE_SWAPS",
];

pub(super) fn find(
    merged: &Merged,
    values: &Values,
    mode: Mode,
    desks: &[DeskName],
    warnings: &mut Vec<Warning>,
) {
    for (name, text) in REPLACED {
        if merged.filled(name).is_some() {
            let owner = registry::variable(name).map_or(Owner::Platform, |variable| variable.desk);
            warnings.push(Warning::new(owner, name, text));
        }
    }
    for (name, desk) in COMMAND_LINE_KEYS {
        if merged.filled(name).is_some() {
            let text =
                "is a signing key that only the command line needs; take it out of the server's environment";
            warnings.push(Warning::new(Owner::Desk(desk), name, text));
        }
    }
    if merged.filled(DESKS).is_some() {
        for desk in desks.iter().filter(|desk| !desk.is_built()) {
            let text = format!("names {desk}, which this build does not have: nothing of it runs");
            warnings.push(Warning::new(Owner::Platform, DESKS, text));
        }
    }
    if mode == Mode::Production && desks.contains(&DeskName::Commitments) {
        for name in ENABLE_SWITCHES.into_iter().filter(|name| !values.is_set(name)) {
            let text = "is unset, so this stays stopped in production";
            warnings.push(Warning::new(Owner::Desk(DeskName::Commitments), name, text));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::accepted;

    fn warned(environment: &[(&str, &str)]) -> Vec<String> {
        accepted(environment).warnings.into_iter().map(|warning| warning.variable).collect()
    }

    #[test]
    fn names_that_nothing_reads_are_warned_about_and_accepted() {
        let environment = [("MONGO_URI", "mongodb://h/d"), ("REDIS_URL", "redis://h"), ("JWT_SECRET", "x")];
        assert_eq!(warned(&environment), ["MONGO_URI", "REDIS_URL", "JWT_SECRET"]);
        assert_eq!(warned(&[]), Vec::<String>::new());
    }

    #[test]
    fn h2_a_desk_that_is_asked_for_and_not_in_this_build_is_warned_about() {
        assert_eq!(warned(&[("BURSAR_DESKS", "rounds,arena")]), ["BURSAR_DESKS"]);
        assert_eq!(warned(&[("BURSAR_DESKS", "rounds,faucet")]), Vec::<String>::new());
    }

    #[test]
    fn signing_keys_of_the_command_line_are_warned_about_even_when_their_desk_is_off() {
        let environment = [("OWNER_PRIVATE_KEY", "a"), ("ADMIN_MNEMONIC", "b"), ("BURSAR_DESKS", "rounds")];
        assert_eq!(warned(&environment), ["OWNER_PRIVATE_KEY", "ADMIN_MNEMONIC"]);
    }

    #[test]
    fn v7_unset_enable_switches_are_warned_about_in_production_only() {
        let production = [("BURSAR_ENV", "production"), ("CTS_ENABLE_REWARD_PAYOUTS", "on")];
        let names = warned(&production);
        assert_eq!(names.len(), 6, "{names:?}");
        assert!(!names.contains(&"CTS_ENABLE_REWARD_PAYOUTS".to_owned()));
        assert_eq!(warned(&[("BURSAR_ENV", "production"), ("BURSAR_DESKS", "rounds")]), Vec::<String>::new());
    }

    #[test]
    fn an_alias_that_disagrees_is_warned_about_and_loses() {
        let environment = [("ADMIN_TOKEN", "winner"), ("ADMIN_API_KEY", "loser")];
        assert_eq!(warned(&environment), ["ADMIN_API_KEY"]);
        assert_eq!(warned(&[("ADMIN_TOKEN", "same"), ("ADMIN_API_KEY", "same")]), Vec::<String>::new());
    }
}
