//! How many kills of a player may be paid now, and what pages show of it: one function for both (docs/spec/faucet.md 3.4).

use bursar_store::Timestamp;
use serde::Serialize;

use super::ban::BanE8;
use super::cap_window::WindowStarts;
use super::holdings::Share;
use super::payout_state::PayoutState;
use super::promo::Promo;

/// What the caps count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CapMode {
    /// Kills: of those above the caps the rest waits.
    Kills,
    /// Payouts: below the caps everything is paid, at them nothing.
    Payouts,
}

/// The most that is paid in a day and in a week, in the unit of the mode. 0 pays nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caps {
    /// In a daily window.
    pub daily: u32,
    /// In a weekly window.
    pub weekly: u32,
}

/// Caps that one source names; each may be left to the source below.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NamedCaps {
    /// The daily one.
    pub daily: Option<u32>,
    /// The weekly one.
    pub weekly: Option<u32>,
}

/// Where caps come from, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CapSources {
    /// The payout file; see [`CapMode::default_caps`].
    pub file: Caps,
    /// `P2S_DAILY_CAP` and `P2S_WEEKLY_CAP`.
    pub environment: NamedCaps,
    /// What an administrator set while running.
    pub live: NamedCaps,
}

impl CapMode {
    /// 150 and 750 kills, or 1 and 3 payouts.
    #[must_use]
    pub const fn default_caps(self) -> Caps {
        match self {
            CapMode::Kills => Caps { daily: 150, weekly: 750 },
            CapMode::Payouts => Caps { daily: 1, weekly: 3 },
        }
    }
}

impl CapSources {
    /// The caps in force: the strongest source that names one, then raised by a promotion, never lowered.
    ///
    /// A cap of 0 stays 0 whatever runs: who sets it wants nothing paid. A promotion's caps are kills, so they say nothing
    /// about a number of payouts.
    #[must_use]
    pub fn effective(&self, mode: CapMode, promo: Option<&Promo>) -> Caps {
        let daily = self.live.daily.or(self.environment.daily).unwrap_or(self.file.daily);
        let weekly = self.live.weekly.or(self.environment.weekly).unwrap_or(self.file.weekly);
        let raised = |cap: u32, promoted: u32| if cap == 0 { 0 } else { cap.max(promoted) };
        match (mode, promo) {
            (CapMode::Kills, Some(promo)) => {
                Caps { daily: raised(daily, promo.daily_cap), weekly: raised(weekly, promo.weekly_cap) }
            }
            (CapMode::Kills, None) | (CapMode::Payouts, _) => Caps { daily, weekly },
        }
    }
}

/// A payout as the caps see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CountedPayout {
    /// When it was created.
    pub created_at: Timestamp,
    /// Kills of the accruals that it reserves or has paid.
    pub kills: u64,
    /// How far it is; a failed one counts nothing, one in flight counts.
    pub state: PayoutState,
    /// Dry-run payouts count nothing.
    pub dry_run: bool,
}

/// What has been used of the caps, in the unit of the mode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Used {
    /// In the daily window.
    pub daily: u64,
    /// In the weekly window.
    pub weekly: u64,
}

/// What a player's payouts use of the windows that begin at `starts`.
#[must_use]
pub fn used(mode: CapMode, starts: WindowStarts, payouts: &[CountedPayout]) -> Used {
    let counts = |payout: &&CountedPayout| !payout.dry_run && payout.state != PayoutState::Failed;
    let worth = |payout: &CountedPayout| match mode {
        CapMode::Kills => payout.kills,
        CapMode::Payouts => 1,
    };
    payouts.iter().filter(counts).fold(Used::default(), |used, payout| {
        let within = |start: Timestamp| if payout.created_at >= start { worth(payout) } else { 0 };
        Used {
            daily: used.daily.saturating_add(within(starts.daily)),
            weekly: used.weekly.saturating_add(within(starts.weekly)),
        }
    })
}

/// A player's standing against the caps, with the keys that the API shows.
///
/// In the mode of payouts the `_used`, `_cap` and `_remaining` figures are numbers of payouts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct CapStatus {
    /// Used of the daily cap, payouts in flight included.
    pub daily_kills_used: u64,
    /// The daily cap in force.
    pub daily_kill_cap: u64,
    /// What it leaves.
    pub daily_remaining: u64,
    /// Whether it leaves nothing.
    pub daily_at_cap: bool,
    /// Used of the weekly cap, payouts in flight included.
    pub weekly_kills_used: u64,
    /// The weekly cap in force.
    pub weekly_kill_cap: u64,
    /// What it leaves.
    pub weekly_remaining: u64,
    /// Whether it leaves nothing.
    pub weekly_at_cap: bool,
    /// Whether either leaves nothing.
    pub at_cap: bool,
    /// Kills of open accruals.
    pub unsettled_kills: u64,
    /// Kills settled without a payout: there are none; the key is kept.
    pub orphan_kills: u64,
    /// BAN short-paid: there is none; the key is kept.
    pub underpaid_ban: BanE8,
    /// Kills that wait for a payout.
    pub pending_kills: u64,
    /// BAN that waits for a payout.
    pub pending_ban: BanE8,
}

impl CapStatus {
    /// The standing of a player with `open` accruals.
    #[must_use]
    pub fn new(caps: Caps, used: Used, open: Share) -> CapStatus {
        let (daily_kill_cap, weekly_kill_cap) = (u64::from(caps.daily), u64::from(caps.weekly));
        let daily_remaining = daily_kill_cap.saturating_sub(used.daily);
        let weekly_remaining = weekly_kill_cap.saturating_sub(used.weekly);
        CapStatus {
            daily_kills_used: used.daily,
            daily_kill_cap,
            daily_remaining,
            daily_at_cap: daily_remaining == 0,
            weekly_kills_used: used.weekly,
            weekly_kill_cap,
            weekly_remaining,
            weekly_at_cap: weekly_remaining == 0,
            at_cap: daily_remaining == 0 || weekly_remaining == 0,
            unsettled_kills: open.kills,
            orphan_kills: 0,
            underpaid_ban: BanE8::ZERO,
            pending_kills: open.kills,
            pending_ban: open.amount,
        }
    }

    /// How many of the open kills may be paid now (invariant CAPS).
    #[must_use]
    pub fn allowed_kills(&self, mode: CapMode) -> u64 {
        match mode {
            CapMode::Kills => self.daily_remaining.min(self.weekly_remaining).min(self.pending_kills),
            CapMode::Payouts if self.at_cap => 0,
            CapMode::Payouts => self.pending_kills,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::cap_window::CapWindow;
    use crate::rules::promo::REGISTRY;

    const HOUR_MS: i64 = 3_600_000;
    const NOW: Timestamp = Timestamp::from_ms(1_800_000_000_000);

    fn payout(hours_ago: i64, kills: u64) -> CountedPayout {
        let created_at = NOW.after_ms(-hours_ago * HOUR_MS);
        CountedPayout { created_at, kills, state: PayoutState::Confirmed, dry_run: false }
    }

    fn used_of(mode: CapMode, payouts: &[CountedPayout]) -> Used {
        used(mode, CapWindow::Rolling.starts(NOW).unwrap(), payouts)
    }

    fn allowed(mode: CapMode, caps: Caps, payouts: &[CountedPayout], open_kills: u64) -> u64 {
        let open = Share { kills: open_kills, amount: BanE8::ZERO };
        CapStatus::new(caps, used_of(mode, payouts), open).allowed_kills(mode)
    }

    #[test]
    fn the_least_of_day_week_and_open_kills_is_allowed() {
        let caps = CapMode::Kills.default_caps();
        assert_eq!(caps, Caps { daily: 150, weekly: 750 });
        for (payouts, open, kills) in [
            (vec![], 100, 100),
            (vec![], 200, 150),
            (vec![payout(1, 100)], 100, 50),
            (vec![payout(1, 150)], 100, 0),
            (vec![payout(25, 150)], 200, 150),
            (
                vec![payout(30, 150), payout(60, 150), payout(90, 150), payout(120, 150), payout(150, 120)],
                200,
                30,
            ),
            (vec![payout(30, 750)], 200, 0),
            (vec![payout(169, 750)], 200, 150),
            (vec![payout(1, 200)], 10, 0),
        ] {
            assert_eq!(allowed(CapMode::Kills, caps, &payouts, open), kills, "{payouts:?} {open}");
        }
    }

    #[test]
    fn a_payout_counts_up_to_the_very_end_of_its_window() {
        let caps = Caps { daily: 150, weekly: 750 };
        let at_edge = payout(24, 150);
        assert_eq!(allowed(CapMode::Kills, caps, &[at_edge], 10), 0);
        let past_edge = CountedPayout { created_at: at_edge.created_at.after_ms(-1), ..at_edge };
        assert_eq!(allowed(CapMode::Kills, caps, &[past_edge], 10), 10);
    }

    #[test]
    fn kills_in_flight_are_used_and_those_of_failed_or_dry_run_payouts_are_not() {
        use PayoutState::{Confirmed, Created, Failed, Held, Published, Signed};
        let in_state = |state| CountedPayout { state, ..payout(1, 70) };
        for state in [Created, Held, Signed, Published, Confirmed] {
            assert_eq!(
                used_of(CapMode::Kills, &[in_state(state)]),
                Used { daily: 70, weekly: 70 },
                "{state:?}"
            );
            assert_eq!(used_of(CapMode::Payouts, &[in_state(state)]), Used { daily: 1, weekly: 1 });
        }
        let dry = CountedPayout { dry_run: true, ..payout(1, 70) };
        for mode in [CapMode::Kills, CapMode::Payouts] {
            assert_eq!(used_of(mode, &[in_state(Failed), dry]), Used::default());
        }
    }

    #[test]
    fn in_the_mode_of_payouts_everything_or_nothing_is_paid() {
        let caps = CapMode::Payouts.default_caps();
        assert_eq!(caps, Caps { daily: 1, weekly: 3 });
        for (payouts, kills) in [
            (vec![], 5_000),
            (vec![payout(1, 3)], 0),
            (vec![payout(25, 3), payout(50, 3)], 5_000),
            (vec![payout(25, 3), payout(50, 3), payout(75, 3)], 0),
        ] {
            assert_eq!(allowed(CapMode::Payouts, caps, &payouts, 5_000), kills, "{payouts:?}");
        }
    }

    #[test]
    fn file_then_environment_then_live_then_the_promotion_raises() {
        let named = |daily, weekly| NamedCaps { daily, weekly };
        let promo = Some(&REGISTRY[0]);
        let file = Caps { daily: 150, weekly: 750 };
        for (environment, live, promo, daily, weekly) in [
            (named(None, None), named(None, None), None, 150, 750),
            (named(Some(100), None), named(None, None), None, 100, 750),
            (named(Some(100), Some(500)), named(Some(50), None), None, 50, 500),
            (named(None, None), named(None, None), promo, 200, 1_000),
            (named(None, None), named(Some(50), Some(5_000)), promo, 200, 5_000),
            (named(None, None), named(Some(0), None), promo, 0, 1_000),
            (named(Some(0), None), named(None, Some(0)), None, 0, 0),
        ] {
            let caps = CapSources { file, environment, live }.effective(CapMode::Kills, promo);
            assert_eq!(caps, Caps { daily, weekly }, "{environment:?} {live:?} {promo:?}");
        }
        let payouts = CapMode::Payouts.default_caps();
        let sources = CapSources { file: payouts, environment: named(None, None), live: named(None, None) };
        assert_eq!(sources.effective(CapMode::Payouts, promo), payouts);
    }

    #[test]
    fn a_cap_of_zero_pays_nothing() {
        for caps in [Caps { daily: 0, weekly: 750 }, Caps { daily: 150, weekly: 0 }] {
            assert_eq!(allowed(CapMode::Kills, caps, &[], 10), 0);
            assert_eq!(allowed(CapMode::Payouts, caps, &[], 10), 0);
        }
    }

    #[test]
    fn what_is_shown_is_what_is_paid_by() {
        let open = Share { kills: 100, amount: "5".parse().unwrap() };
        let used = used_of(CapMode::Kills, &[payout(1, 100), payout(30, 50)]);
        let status = CapStatus::new(CapMode::Kills.default_caps(), used, open);
        let shown = serde_json::json!({
            "daily_kills_used": 100, "daily_kill_cap": 150, "daily_remaining": 50, "daily_at_cap": false,
            "weekly_kills_used": 150, "weekly_kill_cap": 750, "weekly_remaining": 600, "weekly_at_cap": false,
            "at_cap": false, "unsettled_kills": 100, "orphan_kills": 0, "underpaid_ban": "0.00000000",
            "pending_kills": 100, "pending_ban": "5.00000000",
        });
        assert_eq!(serde_json::to_value(status).unwrap(), shown);
        assert_eq!(status.allowed_kills(CapMode::Kills), 50);
    }
}
