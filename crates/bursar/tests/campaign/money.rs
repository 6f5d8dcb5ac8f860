//! What a settled round owes, worked out anew from docs/spec/rounds.md 3.3.

/// The fee on a won round, in ten-thousandths.
const FEE_BPS: u128 = 600;

/// One entry of a round: its number, stake in cents, side, and when it was accepted.
#[derive(Clone, Copy, Debug)]
pub struct Staked {
    pub sequence: i64,
    pub cents: u128,
    pub is_up: bool,
    pub joined_at_ms: i64,
}

/// What becomes of a round's money, in cents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Due {
    /// Every stake goes back.
    Refund,
    /// The winners share the pool less the fee; what the shares leave over is the `newest` winner's, in `payouts` too.
    Win { up_wins: bool, fee: u128, losing: u128, newest: i64, payouts: Vec<(i64, u128)> },
}

/// `outcome` is `Some(up wins)`, or a tie.
pub fn due(entries: &[Staked], outcome: Option<bool>) -> Due {
    let sum =
        |is_up: bool| entries.iter().filter(|entry| entry.is_up == is_up).map(|entry| entry.cents).sum();
    let (up, down): (u128, u128) = (sum(true), sum(false));
    let Some(up_wins) = outcome.filter(|_| up > 0 && down > 0) else { return Due::Refund };
    let (total, winning) = (up + down, if up_wins { up } else { down });
    let fee = total * FEE_BPS / 10_000;
    let winners: Vec<&Staked> = entries.iter().filter(|entry| entry.is_up == up_wins).collect();
    let share = |entry: &&Staked| (entry.sequence, (total - fee) * entry.cents / winning);
    let mut payouts: Vec<(i64, u128)> = winners.iter().map(share).collect();
    let newest = winners.iter().max_by_key(|entry| (entry.joined_at_ms, entry.sequence)).unwrap().sequence;
    let left = total - fee - payouts.iter().map(|(_, cents)| cents).sum::<u128>();
    payouts.iter_mut().find(|(sequence, _)| *sequence == newest).unwrap().1 += left;
    Due::Win { up_wins, fee, losing: total - winning, newest, payouts }
}
