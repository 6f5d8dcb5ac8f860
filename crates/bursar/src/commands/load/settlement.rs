//! Whether a round was settled right, recomputed from what was sent (docs/spec/rounds.md 3.3). Pure.
//!
//! The arithmetic is written out here a second time on purpose: a load that asked the desk's own code would find it
//! right.

use bursar_rounds::stake::Side;

use super::breach::{Breaches, Check};
use super::entries::Entry;
use super::reading::{EntryResult, PoolStats, Settled};

/// The fee in basis points of the pool.
const FEE_BPS: u128 = 600;
const WHOLE_BPS: u128 = 10_000;

/// A round as the load knows it.
pub struct Round<'a> {
    /// Its id.
    pub id: &'a str,
    /// The accepted entries.
    pub sent: &'a [&'a Entry],
    /// Those that were read and are in their wallets' results.
    pub seen: &'a [(&'a Entry, &'a EntryResult)],
    /// The fee that the server says it has booked, in cents.
    pub fee: Option<u64>,
}

/// What a round came to, in cents.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Money {
    /// All stakes.
    pub pool: u128,
    /// The recomputed fee.
    pub fee: u128,
    /// All payouts that were read.
    pub paid: u128,
}

impl Round<'_> {
    /// The stakes of one side in cents.
    fn cents(&self, side: Side) -> u128 {
        self.sent.iter().filter(|entry| entry.side == side).map(|entry| u128::from(entry.cents())).sum()
    }

    /// The pool that follows from what was sent. Every entry has a wallet of its own.
    pub fn expected_pool(&self) -> PoolStats {
        let bucks = |side| self.sent.iter().filter(|entry| entry.side == side).map(|entry| entry.bucks).sum();
        let (up_bucks, down_bucks): (u64, u64) = (bucks(Side::Up), bucks(Side::Down));
        let entries = u64::try_from(self.sent.len()).unwrap_or(u64::MAX);
        PoolStats { total_bucks: up_bucks + down_bucks, up_bucks, down_bucks, players: entries, entries }
    }

    /// Checks entries, settlement and money; what is pending was noted by the caller.
    pub fn check(&self, breaches: &mut Breaches) -> Money {
        for (entry, seen) in self.seen {
            self.check_entry(entry, seen, breaches);
        }
        let settled: Vec<(&Entry, &EntryResult, &Settled)> = self
            .seen
            .iter()
            .filter_map(|(entry, seen)| Some((*entry, *seen, seen.settlement.as_ref()?)))
            .collect();
        let Some((_, _, settlement)) = settled.first() else { return Money::default() };
        for (entry, _, other) in &settled {
            breaches.require(other == settlement, Check::SettlementsDiffer, Some(self.id), || {
                format!("{} shows {other:?}, another wallet {settlement:?}", entry.wallet)
            });
        }
        let fee = match self.winner(settlement, breaches) {
            None => {
                self.check_refund(&settled, breaches);
                0
            }
            Some(winner) => self.check_win(winner, &settled, breaches),
        };
        self.check_sums(fee, settled.len(), breaches)
    }

    /// The entry is shown as it was sent.
    fn check_entry(&self, entry: &Entry, seen: &EntryResult, breaches: &mut Breaches) {
        let is_same = seen.round_id == self.id
            && seen.direction == entry.side.word()
            && seen.stake_lamports == entry.cents();
        breaches.require(is_same, Check::EntryDiffers, Some(self.id), || {
            format!("{} of {} {} is shown as {seen:?}", entry.wallet, entry.side.word(), entry.bucks)
        });
    }

    /// The winning side, `None` = a refund, when the settlement follows from stakes and prices.
    fn winner(&self, settled: &Settled, breaches: &mut Breaches) -> Option<Side> {
        let is_one_sided = self.cents(Side::Up) == 0 || self.cents(Side::Down) == 0;
        let winner = settled.winner_side.as_deref().map(Side::from_word);
        let order = settled.end_price.as_f64().partial_cmp(&settled.start_price.as_f64());
        let by_price = match order {
            Some(std::cmp::Ordering::Greater) => Some(Side::Up),
            Some(std::cmp::Ordering::Less) => Some(Side::Down),
            Some(std::cmp::Ordering::Equal) | None => None,
        };
        let (winner, is_right) = match (settled.mode.as_str(), winner) {
            ("WIN", Some(Some(winner))) => (Some(winner), !is_one_sided && by_price == Some(winner)),
            ("REFUND", None) => {
                let is_right = match settled.reason.as_deref() {
                    Some("one_sided") => is_one_sided,
                    Some("tie") => !is_one_sided && by_price.is_none(),
                    Some("oracle_unavailable") => !is_one_sided,
                    _ => false,
                };
                (None, is_right)
            }
            (_, winner) => (winner.flatten(), false),
        };
        breaches.require(is_right, Check::SettlementWrong, Some(self.id), || {
            let (up, down) = (self.cents(Side::Up), self.cents(Side::Down));
            format!("{settled:?} with {up} cents up and {down} down")
        });
        winner
    }

    fn check_refund(&self, settled: &[(&Entry, &EntryResult, &Settled)], breaches: &mut Breaches) {
        for (entry, seen, _) in settled {
            let is_own = seen.status == "REFUND"
                && seen.payout_lamports == entry.cents()
                && seen.pnl_lamports == Some(0);
            breaches.require(is_own, Check::PayoutWrong, Some(self.id), || {
                paid_wrong(entry, seen, entry.cents())
            });
        }
    }

    /// Winners get their floored share of the pool less the fee, one of the newest of them the remainder, losers
    /// nothing. Returns the fee.
    fn check_win(
        &self,
        winner: Side,
        settled: &[(&Entry, &EntryResult, &Settled)],
        breaches: &mut Breaches,
    ) -> u128 {
        let (pool, winning) = (self.cents(Side::Up) + self.cents(Side::Down), self.cents(winner));
        let fee = pool * FEE_BPS / WHOLE_BPS;
        let distributable = pool - fee;
        // A winning side without stakes was noted already.
        let share = |entry: &Entry| distributable * u128::from(entry.cents()) / winning.max(1);
        let winners = self.sent.iter().filter(|entry| entry.side == winner);
        let remainder = distributable.saturating_sub(winners.map(|entry| share(entry)).sum());
        let newest = settled.iter().filter(|(entry, ..)| entry.side == winner);
        let newest = newest.map(|(_, seen, _)| seen.joined_at_ms).max();
        let mut remainder_is_due = remainder > 0;
        for (entry, seen, _) in settled {
            let is_winner = entry.side == winner;
            let due = if is_winner { share(entry) } else { 0 };
            let paid = u128::from(seen.payout_lamports);
            let takes_remainder =
                is_winner && remainder_is_due && paid == due + remainder && Some(seen.joined_at_ms) == newest;
            remainder_is_due &= !takes_remainder;
            let gain = i128::from(seen.payout_lamports) - i128::from(entry.cents());
            let is_right = (paid == due || takes_remainder)
                && seen.status == if is_winner { "WIN" } else { "LOSS" }
                && seen.pnl_lamports.map(i128::from) == Some(gain);
            breaches.require(is_right, Check::PayoutWrong, Some(self.id), || paid_wrong(entry, seen, due));
        }
        let all_seen = settled.len() == self.sent.len();
        breaches.require(!(all_seen && remainder_is_due), Check::PayoutWrong, Some(self.id), || {
            format!("no newest winning entry got the remainder of {remainder} cents")
        });
        fee
    }

    fn check_sums(&self, fee: u128, settled: usize, breaches: &mut Breaches) -> Money {
        let pool = self.cents(Side::Up) + self.cents(Side::Down);
        let paid = self.seen.iter().map(|(_, seen)| u128::from(seen.payout_lamports)).sum();
        let is_whole = settled == self.sent.len();
        breaches.require(!is_whole || paid + fee == pool, Check::PoolNotConserved, Some(self.id), || {
            format!("payouts {paid} and fee {fee} are not the pool of {pool} cents")
        });
        let booked = self.fee.map(u128::from);
        breaches.require(booked.is_none_or(|booked| booked == fee), Check::FeeDiffers, Some(self.id), || {
            format!("booked {booked:?}, recomputed {fee}")
        });
        Money { pool, fee, paid }
    }
}

fn paid_wrong(entry: &Entry, seen: &EntryResult, due: impl std::fmt::Display) -> String {
    format!(
        "{} staked {} cents on {}, is {} with {} cents (gain {:?}); due are {due}",
        entry.wallet,
        entry.cents(),
        entry.side.word(),
        seen.status,
        seen.payout_lamports,
        seen.pnl_lamports
    )
}

#[cfg(test)]
mod tests;
