//! The faucet's kill switches (docs/spec/faucet.md 3.7): they bind the next write, on every process.

use bursar_control::Switch;

/// Nothing more is signed or sent, and no payout is made. What is signed already stays as it is.
pub const PAYOUTS_HALTED: Switch =
    Switch { desk: "faucet", key: "payouts_halted", variable: "FAUCET_PAYOUTS_HALTED" };
/// Kills are not counted. Growth is picked up once it runs again.
pub const ACCRUAL_HALTED: Switch =
    Switch { desk: "faucet", key: "accrual_halted", variable: "FAUCET_ACCRUAL_HALTED" };
/// No cycle starts.
pub const SCHEDULER_HALTED: Switch =
    Switch { desk: "faucet", key: "scheduler_halted", variable: "FAUCET_SCHEDULER_HALTED" };
/// Everything runs in dry-run, whatever the configuration says.
pub const FORCE_DRY_RUN: Switch =
    Switch { desk: "faucet", key: "force_dry_run", variable: "FAUCET_FORCE_DRY_RUN" };

/// All of them.
pub const SWITCHES: [Switch; 4] = [PAYOUTS_HALTED, ACCRUAL_HALTED, SCHEDULER_HALTED, FORCE_DRY_RUN];

/// The switches by the words of the command line and of the console.
pub const WORDS: [(&str, Switch); 4] = [
    ("payouts", PAYOUTS_HALTED),
    ("accrual", ACCRUAL_HALTED),
    ("scheduler", SCHEDULER_HALTED),
    ("real-money", FORCE_DRY_RUN),
];

/// The switch of this word.
#[must_use]
pub fn named(text: &str) -> Option<Switch> {
    WORDS.into_iter().find(|(word, _)| *word == text).map(|(_, switch)| switch)
}

/// The word of a switch.
#[must_use]
pub fn word(switch: Switch) -> &'static str {
    WORDS.into_iter().find(|(_, known)| *known == switch).map_or(switch.key, |(word, _)| word)
}
