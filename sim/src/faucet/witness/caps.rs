//! Caps, counted by windows of the witness's own, and what they leave a player.

use bursar_faucet::rules::caps::CapMode;

use super::Witness;
use super::rows::{Accrual, Desk, Payout, State};
use crate::faucet::terms::{DAY_MS, Window};
use crate::invariant::{Breach, require};

impl Witness {
    /// No new payout takes its player above the caps.
    pub(super) fn check_caps(&self, desk: &Desk, payout: &Payout) -> Result<(), Breach> {
        for (cap, since_ms) in self.caps(desk).into_iter().zip(self.starts(payout.created_ms)) {
            let used = self.used(desk, payout.user, since_ms);
            require!(Caps, used <= cap, "{payout:?} takes its player to {used} of {cap} since {since_ms}");
        }
        Ok(())
    }

    /// What a payout would come to that takes all of a player's open rows that the caps leave, in e8.
    pub(super) fn payable(&self, desk: &Desk, user: i64) -> i64 {
        let windows = self.caps(desk).into_iter().zip(self.starts(desk.clock_ms));
        let left = windows.map(|(cap, since_ms)| (cap - self.used(desk, user, since_ms)).max(0)).min();
        let mut kills_left = match (self.terms.mode, left.unwrap_or(0)) {
            (CapMode::Payouts, left) if left > 0 => i64::MAX,
            (_, left) => left,
        };
        let is_open =
            |row: &&Accrual| row.user == user && !row.dry_run && row.state == State::Open && row.rate > 0;
        let mut rows: Vec<&Accrual> = desk.accruals.values().filter(is_open).collect();
        rows.sort_unstable_by_key(|row| (row.minute, row.from, row.id));
        let mut amount = 0;
        for row in rows {
            let taken = row.kills.min(kills_left);
            amount += taken * row.rate;
            kills_left -= taken;
        }
        amount
    }

    /// The day's and the week's cap that are in force.
    fn caps(&self, desk: &Desk) -> [i64; 2] {
        let live = [desk.live_caps.0, desk.live_caps.1];
        let file = [self.terms.caps.daily, self.terms.caps.weekly].map(i64::from);
        [0, 1].map(|window| if live[window] >= 0 { live[window] } else { file[window] })
    }

    /// What a player has used up since then.
    fn used(&self, desk: &Desk, user: i64, since_ms: i64) -> i64 {
        let counted = desk.payouts.values().filter(|payout| {
            payout.user == user
                && !payout.dry_run
                && payout.status != "failed"
                && payout.created_ms >= since_ms
        });
        match self.terms.mode {
            CapMode::Kills => counted.map(|payout| payout.kills).sum(),
            CapMode::Payouts => counted.map(|_| 1).sum(),
        }
    }

    /// Where the day's and the week's window that hold a time begin.
    fn starts(&self, at_ms: i64) -> [i64; 2] {
        match self.terms.window {
            Window::Rolling => [at_ms - DAY_MS, at_ms - 7 * DAY_MS],
            Window::Calendar(hours) => {
                let east_ms = i64::from(hours) * 3_600_000;
                let day = (at_ms + east_ms).div_euclid(DAY_MS);
                // Day 0 was a Thursday.
                let monday = (day + 3).div_euclid(7) * 7 - 3;
                [day * DAY_MS - east_ms, monday * DAY_MS - east_ms]
            }
        }
    }
}
