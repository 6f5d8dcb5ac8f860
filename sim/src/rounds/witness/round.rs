//! What a round must pay: docs/spec/rounds.md 3.3 read a second time, without the desk's code.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::rows::EntryRow;
use crate::rounds::upstream::Quote;

const CENTS: u128 = 100;
/// Prices of one market differ by few powers of ten.
const SCALE: i32 = 12;

/// The money of one round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dues {
    /// The winning side; `None` = everybody gets the own stake back.
    pub winner: Option<i64>,
    /// Why everybody gets the own stake back.
    pub reason: Option<&'static str>,
    /// All stakes, cents.
    pub total: u128,
    /// The winning side's stakes.
    pub winning: u128,
    /// What the treasury gets.
    pub fee: u128,
    /// What rounding leaves, and who gets it.
    pub remainder: u128,
    /// See `remainder`.
    pub remainder_entry: Option<i64>,
    /// What each entry gets, by its sequence; who gets nothing is absent.
    pub payouts: BTreeMap<i64, u128>,
}

/// The dues of a round with these entries, in order of acceptance, and these prices of its lock and end.
pub fn dues(entries: &[&EntryRow], prices: Option<(Quote, Quote)>) -> Dues {
    let sum = |side: i64| -> u128 { entries.iter().filter(|e| e.side == side).map(|e| cents(e)).sum() };
    let sums = [sum(0), sum(1)];
    let reason = match prices {
        _ if sums.contains(&0) => Some("one_sided"),
        None => Some("oracle_unavailable"),
        Some((start, end)) if compare(start, end) == Ordering::Equal => Some("tie"),
        Some(_) => None,
    };
    let total = sums[0] + sums[1];
    let (None, Some((start, end))) = (reason, prices) else {
        let payouts = entries.iter().map(|entry| (entry.sequence, cents(entry))).collect();
        let (winner, remainder_entry) = (None, None);
        return Dues { winner, reason, total, winning: 0, fee: 0, remainder: 0, remainder_entry, payouts };
    };
    let (winner, winning) = if compare(start, end) == Ordering::Less { (0, sums[0]) } else { (1, sums[1]) };
    let fee = total * 600 / 10_000;
    let shared = total - fee;
    let winners = entries.iter().filter(|entry| entry.side == winner);
    let mut payouts: BTreeMap<i64, u128> =
        winners.map(|entry| (entry.sequence, shared * cents(entry) / winning)).collect();
    let remainder = shared - payouts.values().sum::<u128>();
    let remainder_entry = payouts.keys().next_back().copied();
    if let Some(mut newest) = payouts.last_entry() {
        *newest.get_mut() += remainder;
    }
    let winner = Some(winner);
    Dues { winner, reason: None, total, winning, fee, remainder, remainder_entry, payouts }
}

/// An entry's stake in cents.
pub fn cents(entry: &EntryRow) -> u128 {
    u128::from(entry.bucks.unsigned_abs()) * CENTS
}

fn compare(a: Quote, b: Quote) -> Ordering {
    let value = |quote: Quote| {
        let power = u32::try_from(quote.exponent + SCALE).expect("an exponent of the walk");
        i128::from(quote.mantissa) * 10_i128.pow(power)
    };
    value(a).cmp(&value(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(sequence: i64, side: i64, bucks: i64) -> EntryRow {
        let (id, round, wallet, joined_at) = (sequence.to_string(), 0, 1, 0);
        EntryRow { sequence, id, round, wallet, side, bucks, joined_at, wallet_previous: None }
    }

    fn quote(mantissa: i64, exponent: i32) -> Quote {
        Quote { published_s: 0, mantissa, exponent, confidence: 0 }
    }

    #[test]
    fn example_c1_pays_to_the_cent() {
        let bucks = [25, 10, 100, 100, 10, 5].map(|bucks| (0, bucks)).into_iter();
        let bucks = bucks.chain([50, 25, 10, 5].map(|bucks| (1, bucks)));
        let entries: Vec<_> = (1..).zip(bucks).map(|(at, (side, bucks))| entry(at, side, bucks)).collect();
        let entries: Vec<_> = entries.iter().collect();
        let dues = dues(&entries, Some((quote(100, -2), quote(1_001, -3))));
        assert_eq!((dues.winner, dues.total, dues.fee, dues.remainder), (Some(0), 34_000, 2_040, 1));
        let paid: Vec<u128> = dues.payouts.into_values().collect();
        assert_eq!(paid, [3_196, 1_278, 12_784, 12_784, 1_278, 640]);
    }

    #[test]
    fn equal_prices_in_two_exponents_are_a_tie() {
        let (up, down) = (entry(1, 0, 5), entry(2, 1, 10));
        let dues = dues(&[&up, &down], Some((quote(30, -2), quote(3, -1))));
        assert_eq!((dues.reason, dues.fee), (Some("tie"), 0));
        assert_eq!(dues.payouts, BTreeMap::from([(1, 500), (2, 1_000)]));
    }
}
