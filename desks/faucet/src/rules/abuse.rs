//! Flags on players whose kills or wallets look odd (docs/spec/faucet.md 3.8).

use bursar_store::Timestamp;

use super::eligibility::Eligibility;

/// Minutes that the kill rate is taken over.
pub const WINDOW_MINUTES: u32 = 15;
const WINDOW_MS: i64 = 900_000;

/// What is odd.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlagType {
    /// More kills in 15 minutes than a person makes.
    KillRateSpike,
    /// One wallet on several accounts.
    SharedWallet,
}

/// How odd it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Above the threshold.
    Low,
    /// At least twice the threshold.
    Medium,
    /// At least four times the threshold.
    High,
}

/// How far the review of a flag is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlagState {
    /// Not reviewed.
    Open,
    /// Reviewed: nothing to it. Final.
    FalsePositive,
    /// Reviewed: abuse. Final.
    Confirmed,
}

/// What a flag does (`FAUCET_ABUSE_ACTION`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AbuseAction {
    /// Nothing: people look at it.
    None,
    /// Payouts wait for the review; kills accrue on.
    Hold,
}

/// A reviewer's verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing to it.
    FalsePositive,
    /// Abuse.
    Confirmed,
}

/// The player's newest flag of one type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flag {
    /// How odd it was at its worst.
    pub severity: Severity,
    /// How far its review is.
    pub state: FlagState,
    /// When the kill rate last exceeded the threshold.
    pub last_excess_at: Timestamp,
}

/// What an accrual means for the player's spike flag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SpikeDecision {
    /// The rate is within its bounds, or the rule is off.
    Nothing,
    /// Insert an open flag and count it.
    Raise {
        /// Its severity.
        severity: Severity,
        /// Its detail: `kills=<n> window_min=15`.
        detail: String,
    },
    /// The same spike goes on: move `last_excess_at` to now and keep the worse severity. No new flag, no count.
    Continue {
        /// The severity from now on.
        severity: Severity,
    },
}

/// Whether a player's kills of the last 15 minutes, the new accrual included, are too many.
///
/// `kills` are those of accruals created at `now - 15 min` or later; `rate_per_minute` 0 switches the rule off; `newest` is
/// the player's newest flag of this type. One spike is one flag, reviewed or not, until 15 minutes pass without excess.
#[must_use]
pub fn spike(kills: u64, rate_per_minute: u32, newest: Option<Flag>, now: Timestamp) -> SpikeDecision {
    let threshold = u64::from(rate_per_minute) * u64::from(WINDOW_MINUTES);
    if threshold == 0 || kills <= threshold {
        return SpikeDecision::Nothing;
    }
    let severity = match kills / threshold {
        0..=1 => Severity::Low,
        2..=3 => Severity::Medium,
        _ => Severity::High,
    };
    match newest {
        Some(flag) if now.ms().saturating_sub(flag.last_excess_at.ms()) < WINDOW_MS => {
            SpikeDecision::Continue { severity: severity.max(flag.severity) }
        }
        Some(_) | None => {
            SpikeDecision::Raise { severity, detail: format!("kills={kills} window_min={WINDOW_MINUTES}") }
        }
    }
}

/// Where the window that [`spike`] looks at begins, itself included.
#[must_use]
pub const fn window_start(now: Timestamp) -> Timestamp {
    now.after_ms(-WINDOW_MS)
}

/// The flag that linking a wallet raises when another account has the same one: `low`, and only one open at a time.
#[must_use]
pub fn shared_wallet(is_on_another_account: bool, newest: Option<FlagState>) -> Option<Severity> {
    let is_flagged = newest == Some(FlagState::Open);
    (is_on_another_account && !is_flagged).then_some(Severity::Low)
}

/// The standing after a flag was raised.
#[must_use]
pub const fn after_flag(standing: Eligibility, action: AbuseAction) -> Eligibility {
    match (action, standing) {
        // Also who is revoked: a verification would else make them eligible with the flag unseen. Membership and account
        // are asked for apart, so that a hold lets nobody earn.
        (AbuseAction::Hold, _) => Eligibility::Held,
        (AbuseAction::None, _) => standing,
    }
}

/// The standing once nothing holds the player any more. `is_verified` tells whether guild membership and Epic account are
/// still there.
#[must_use]
pub const fn lifted(standing: Eligibility, is_verified: bool) -> Eligibility {
    match (standing, is_verified) {
        (Eligibility::Held, true) => Eligibility::Eligible,
        (Eligibility::Held, false) => Eligibility::Revoked,
        (Eligibility::Eligible | Eligibility::Revoked, _) => standing,
    }
}

/// The standing after a review: a hold ends when the flag was nothing and no other flag is open or confirmed.
/// `is_verified` tells whether the player still has guild membership and Epic account.
#[must_use]
pub const fn after_review(
    standing: Eligibility,
    verdict: Verdict,
    has_other_flags: bool,
    is_verified: bool,
) -> Eligibility {
    match verdict {
        Verdict::FalsePositive if !has_other_flags => lifted(standing, is_verified),
        Verdict::FalsePositive | Verdict::Confirmed => standing,
    }
}

impl FlagState {
    /// The word in records.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            FlagState::Open => "open",
            FlagState::FalsePositive => "false_positive",
            FlagState::Confirmed => "confirmed",
        }
    }

    /// The state of a stored word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<FlagState> {
        let all = [FlagState::Open, FlagState::FalsePositive, FlagState::Confirmed];
        all.into_iter().find(|state| state.word() == word)
    }

    /// The state after a review; `None` when there was one already.
    #[must_use]
    pub const fn reviewed(self, verdict: Verdict) -> Option<FlagState> {
        match (self, verdict) {
            (FlagState::Open, Verdict::FalsePositive) => Some(FlagState::FalsePositive),
            (FlagState::Open, Verdict::Confirmed) => Some(FlagState::Confirmed),
            (FlagState::FalsePositive | FlagState::Confirmed, _) => None,
        }
    }
}

impl FlagType {
    /// The word in records.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            FlagType::KillRateSpike => "kill_rate_spike",
            FlagType::SharedWallet => "shared_wallet",
        }
    }
}

impl Severity {
    /// The word in records.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Severity::Low => "low",
            Severity::Medium => "med",
            Severity::High => "high",
        }
    }

    /// The severity of a stored word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Severity> {
        [Severity::Low, Severity::Medium, Severity::High].into_iter().find(|severity| severity.word() == word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_ms(1_800_000_000_000);
    const MINUTE_MS: i64 = 60_000;

    fn flag(severity: Severity, state: FlagState, minutes_ago: i64) -> Option<Flag> {
        Some(Flag { severity, state, last_excess_at: NOW.after_ms(-minutes_ago * MINUTE_MS) })
    }

    #[test]
    fn more_than_rate_times_window_is_a_spike_and_twice_and_four_times_are_worse() {
        for (kills, severity) in [
            (12, None),
            (150, None),
            (151, Some("low")),
            (299, Some("low")),
            (300, Some("med")),
            (599, Some("med")),
            (600, Some("high")),
            (u64::MAX, Some("high")),
        ] {
            match (spike(kills, 10, None, NOW), severity) {
                (SpikeDecision::Raise { severity, detail }, Some(expected)) => {
                    assert_eq!((severity.word(), detail), (expected, format!("kills={kills} window_min=15")));
                    assert_eq!(Severity::from_word(expected), Some(severity));
                }
                (decision, expected) => {
                    assert_eq!((decision, expected), (SpikeDecision::Nothing, None), "{kills}")
                }
            }
        }
        assert_eq!(spike(u64::MAX, 0, None, NOW), SpikeDecision::Nothing, "0 switches the rule off");
        assert_eq!(window_start(NOW), NOW.after_ms(-900_000));
    }

    #[test]
    fn one_spike_is_one_flag_until_fifteen_minutes_pass_without_excess() {
        use FlagState::{Confirmed, FalsePositive, Open};
        use Severity::{High, Low, Medium};
        for state in [Open, FalsePositive, Confirmed] {
            let going_on = |severity| SpikeDecision::Continue { severity };
            assert_eq!(spike(151, 10, flag(Low, state, 14), NOW), going_on(Low));
            assert_eq!(spike(300, 10, flag(Low, state, 14), NOW), going_on(Medium));
            assert_eq!(spike(151, 10, flag(High, state, 0), NOW), going_on(High));
            assert!(matches!(
                spike(151, 10, flag(High, state, 15), NOW),
                SpikeDecision::Raise { severity: Low, .. }
            ));
        }
    }

    #[test]
    fn a_wallet_on_two_accounts_is_flagged_once() {
        assert_eq!(shared_wallet(false, None), None);
        assert_eq!(shared_wallet(true, None), Some(Severity::Low));
        assert_eq!(shared_wallet(true, Some(FlagState::Open)), None);
        assert_eq!(shared_wallet(true, Some(FlagState::FalsePositive)), Some(Severity::Low));
    }

    #[test]
    fn a_flag_holds_payouts_only_when_told_to() {
        use Eligibility::{Eligible, Held, Revoked};
        for (standing, held) in [(Eligible, Held), (Held, Held), (Revoked, Held)] {
            assert_eq!(after_flag(standing, AbuseAction::None), standing);
            assert_eq!(after_flag(standing, AbuseAction::Hold), held);
        }
    }

    #[test]
    fn a_review_ends_a_hold_when_there_was_nothing_to_it_and_nothing_else() {
        use Eligibility::{Eligible, Held, Revoked};
        use Verdict::{Confirmed, FalsePositive};
        for (standing, verdict, has_other_flags, is_verified, after) in [
            (Held, FalsePositive, false, true, Eligible),
            (Held, FalsePositive, false, false, Revoked),
            (Held, FalsePositive, true, true, Held),
            (Held, Confirmed, false, true, Held),
            (Eligible, FalsePositive, false, true, Eligible),
            (Eligible, Confirmed, false, true, Eligible),
            (Revoked, FalsePositive, false, true, Revoked),
        ] {
            assert_eq!(
                after_review(standing, verdict, has_other_flags, is_verified),
                after,
                "{standing:?} {verdict:?}"
            );
        }
    }

    #[test]
    fn a_flag_is_reviewed_once() {
        for verdict in [Verdict::FalsePositive, Verdict::Confirmed] {
            let reviewed = FlagState::Open.reviewed(verdict).unwrap();
            assert_eq!(reviewed.reviewed(verdict), None);
            assert_eq!(FlagState::from_word(reviewed.word()), Some(reviewed));
        }
        assert_eq!(FlagState::Open.reviewed(Verdict::Confirmed), Some(FlagState::Confirmed));
        assert_eq!(FlagType::KillRateSpike.word(), "kill_rate_spike");
        assert_eq!(FlagType::SharedWallet.word(), "shared_wallet");
    }
}
