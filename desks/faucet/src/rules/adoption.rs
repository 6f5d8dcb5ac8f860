//! Which of a player's open accruals a payment has paid that the records lack (docs/spec/faucet.md 3.14).
//!
//! The chain says how much was paid and not for which kills. Kills that were counted again since a restore may have another
//! rate than the one they were paid at, so that the payment ends inside a kill. It then ends at the nearer whole kill, and
//! that last kill is worth what was paid for it: no hundred-millionth is lost, and none is paid twice.

use std::cmp::Reverse;

use super::ban::{BanE8, BanError};
use super::holdings::Share;
use super::settlement::{OpenAccrual, Selection, select};

/// A part of an accrual, as it stands afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// The accrual that it is, or was split off.
    pub accrual_id: i64,
    /// The `seq` of a new row; `None` = it keeps the row.
    pub seq: Option<u32>,
    /// Its kills.
    pub kills: u32,
    /// BAN per kill.
    pub rate: BanE8,
    /// The cursor before it.
    pub cursor_from: u32,
    /// The cursor after it.
    pub cursor_to: u32,
}

/// What a payment paid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paid {
    /// Settled by it, oldest first.
    pub settled: Vec<Part>,
    /// What stays open of the last row, if that was split.
    pub left: Option<Part>,
    /// What is settled: the payment's amount.
    pub total: Share,
    /// What the same kills were worth before.
    pub worth: BanE8,
}

/// Whether open accruals cover a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cover {
    /// They do.
    Paid(Paid),
    /// They are worth so much less.
    Short(BanE8),
}

impl Part {
    /// What it is worth.
    pub fn amount(&self) -> Result<BanE8, BanError> {
        self.rate.times(u64::from(self.kills))
    }
}

/// Takes open accruals, oldest first, for a payment of `amount`, which is not zero.
pub fn cover(open: &[OpenAccrual], amount: BanE8) -> Result<Cover, BanError> {
    match reach(open, amount)? {
        Reach::Kills(kills) => Ok(Cover::Paid(paid(open, &select(open, kills)?, amount)?)),
        Reach::Short(missing) => Ok(Cover::Short(missing)),
    }
}

enum Reach {
    Kills(u64),
    Short(BanE8),
}

/// How many kills the payment comes nearest to; one at least.
fn reach(open: &[OpenAccrual], amount: BanE8) -> Result<Reach, BanError> {
    let mut rows: Vec<&OpenAccrual> = open.iter().filter(|row| !row.rate.is_zero()).collect();
    rows.sort_unstable_by_key(|row| Reverse((row.epoch_minute, row.cursor_from, row.id)));
    let (mut left, mut kills, mut rate) = (amount, 0_u64, BanE8::ZERO);
    while let Some(row) = rows.pop() {
        let value = row.rate.times(u64::from(row.kills))?;
        if let Ok(rest) = left.minus(value) {
            (left, kills, rate) = (rest, kills + u64::from(row.kills), row.rate);
            continue;
        }
        let whole = left.units() / row.rate.units();
        let part = left.units() % row.rate.units();
        let rounds_up = part > 0 && (part * 2 >= row.rate.units() || kills + whole == 0);
        return Ok(Reach::Kills(kills + whole + u64::from(rounds_up)));
    }
    // Less than half a kill too much is a difference of rates, and more are kills that are not counted yet.
    let is_near = left.units() * 2 < rate.units() || left.is_zero();
    Ok(if is_near { Reach::Kills(kills) } else { Reach::Short(left) })
}

/// The rows of a selection, the last kill of which is worth what is left of `amount` for it.
fn paid(open: &[OpenAccrual], selection: &Selection, amount: BanE8) -> Result<Paid, BanError> {
    let mut settled = Vec::with_capacity(selection.taken.len() + 1);
    for taken in &selection.taken {
        let row = row(open, taken.accrual_id)?;
        settled.push(Part {
            accrual_id: row.id,
            seq: None,
            kills: taken.kills,
            rate: row.rate,
            cursor_from: row.cursor_from,
            cursor_to: taken.cursor_to,
        });
    }
    let mut seq =
        settled.last().map(|part| row(open, part.accrual_id)).transpose()?.map(|row| row.highest_seq);
    let mut next = || {
        seq = seq.and_then(|seq| seq.checked_add(1));
        seq.ok_or(BanError::Overflow)
    };
    let worth = selection.total.amount;
    if let Some(last) = settled.pop() {
        let price = last.rate.plus(amount)?.minus(worth)?;
        if price == last.rate {
            settled.push(last);
        } else if last.kills == 1 {
            settled.push(Part { rate: price, ..last });
        } else {
            let edge = last.cursor_to.checked_sub(1).ok_or(BanError::Negative)?;
            settled.push(Part { kills: last.kills - 1, cursor_to: edge, ..last });
            settled.push(Part { seq: Some(next()?), kills: 1, rate: price, cursor_from: edge, ..last });
        }
    }
    let left = match selection.remainder {
        None => None,
        Some(rest) => Some(Part {
            accrual_id: rest.accrual_id,
            seq: Some(next()?),
            kills: rest.kills,
            rate: row(open, rest.accrual_id)?.rate,
            cursor_from: rest.cursor_from,
            cursor_to: rest.cursor_to,
        }),
    };
    Ok(Paid { settled, left, total: Share { kills: selection.total.kills, amount }, worth })
}

fn row(open: &[OpenAccrual], id: i64) -> Result<&OpenAccrual, BanError> {
    open.iter().find(|row| row.id == id).ok_or(BanError::Negative)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ban(text: &str) -> BanE8 {
        text.parse().unwrap()
    }

    fn row(id: i64, cursor_from: u32, kills: u32, rate: &str) -> OpenAccrual {
        let rate = ban(rate);
        OpenAccrual { id, epoch_minute: 1_000 + id, highest_seq: 0, kills, rate, cursor_from }
    }

    fn covered(open: &[OpenAccrual], amount: &str) -> Paid {
        match cover(open, ban(amount)).unwrap() {
            Cover::Paid(paid) => paid,
            Cover::Short(missing) => panic!("{missing} short"),
        }
    }

    fn parts(paid: &Paid) -> Vec<(i64, Option<u32>, u32, String)> {
        let shown = |part: &Part| (part.accrual_id, part.seq, part.kills, part.rate.to_string());
        paid.settled.iter().map(shown).collect()
    }

    #[test]
    fn whole_rows_are_settled_while_they_fit_and_the_last_is_split() {
        let open = [row(1, 0, 4, "0.05"), row(2, 4, 10, "0.05")];
        let paid = covered(&open, "0.35");
        assert_eq!(
            parts(&paid),
            [(1, None, 4, "0.05000000".to_owned()), (2, None, 3, "0.05000000".to_owned())]
        );
        let left = paid.left.unwrap();
        assert_eq!((left.accrual_id, left.seq, left.kills), (2, Some(1), 7));
        assert_eq!((left.cursor_from, left.cursor_to), (7, 14));
        assert_eq!((paid.total.kills, paid.total.amount, paid.worth), (7, ban("0.35"), ban("0.35")));
        assert_eq!(covered(&open, "0.7").left, None);
        assert_eq!(covered(&open[..1], "0.2").total.kills, 4);
    }

    #[test]
    fn what_is_missing_is_named_and_nothing_is_settled() {
        let open = [row(1, 0, 4, "0.05")];
        assert_eq!(cover(&open, ban("0.3")), Ok(Cover::Short(ban("0.1"))));
        assert_eq!(cover(&[], ban("0.3")), Ok(Cover::Short(ban("0.3"))));
        assert_eq!(cover(&[row(1, 0, 9, "0")], ban("0.3")), Ok(Cover::Short(ban("0.3"))));
        assert_eq!(cover(&open, ban("0.225")), Ok(Cover::Short(ban("0.025"))), "half a kill is not near");
    }

    #[test]
    fn kills_counted_again_at_another_rate_are_worth_what_was_paid_for_them() {
        // Four kills at 0.0998 were paid; they count as 0.0999 now, or as 0.0997.
        for (rate, last) in [("0.0999", "0.09950000"), ("0.0997", "0.10010000")] {
            let paid = covered(&[row(1, 0, 4, rate)], "0.3992");
            let rate = ban(rate).to_string();
            assert_eq!(parts(&paid), [(1, None, 3, rate), (1, Some(1), 1, last.to_owned())]);
            assert_eq!((paid.left, paid.total.kills), (None, 4));
        }
        let single = covered(&[row(1, 0, 1, "0.0999")], "0.0998");
        assert_eq!(parts(&single), [(1, None, 1, "0.09980000".to_owned())]);
    }

    #[test]
    fn new_kills_beside_those_that_were_paid_stay_open() {
        let paid = covered(&[row(1, 0, 6, "0.0999")], "0.3992");
        assert_eq!(parts(&paid)[1], (1, Some(1), 1, "0.09950000".to_owned()));
        let left = paid.left.unwrap();
        assert_eq!((left.seq, left.kills, left.rate, left.cursor_from), (Some(2), 2, ban("0.0999"), 4));
        // Nearer to three kills than to four.
        assert_eq!(covered(&[row(1, 0, 6, "0.1")], "0.34").total.kills, 3);
        assert_eq!(covered(&[row(1, 0, 6, "0.1")], "0.35").total.kills, 4);
        assert_eq!(
            covered(&[row(1, 0, 6, "0.1")], "0.01").total.kills,
            1,
            "what was paid was paid for a kill"
        );
    }

    fn rows() -> impl Strategy<Value = Vec<OpenAccrual>> {
        proptest::collection::vec((1_u32..300, 0_i64..30_000_000), 0..12).prop_map(|rows| {
            let mut cursor = 0;
            let row = |(id, (kills, rate)): (i64, (u32, i64))| {
                let row = OpenAccrual { rate: BanE8::new(rate).unwrap(), ..row(id, cursor, kills, "0") };
                cursor += kills;
                row
            };
            (1..).zip(rows).map(row).collect()
        })
    }

    proptest! {
        #[test]
        fn the_rows_settled_are_worth_the_payment_and_no_kill_is_lost(open in rows(), e8 in 1_i64..9_000_000_000) {
            let amount = BanE8::new(e8).unwrap();
            let worth = |row: &OpenAccrual| row.rate.times(u64::from(row.kills)).unwrap();
            let all = BanE8::sum(open.iter().map(worth)).unwrap();
            match cover(&open, amount).unwrap() {
                Cover::Short(missing) => prop_assert_eq!(all.plus(missing).unwrap(), amount),
                Cover::Paid(paid) => {
                    let settled = BanE8::sum(paid.settled.iter().map(|part| part.amount().unwrap())).unwrap();
                    prop_assert_eq!(settled, amount);
                    let kills: u64 = paid.settled.iter().map(|part| u64::from(part.kills)).sum();
                    prop_assert_eq!(kills, paid.total.kills);
                    let dearest = open.iter().map(|row| row.rate.units()).max().unwrap_or_default();
                    prop_assert!(paid.worth.units().abs_diff(amount.units()) < dearest.max(1));
                    for part in paid.settled.iter().chain(&paid.left) {
                        prop_assert_eq!(part.cursor_to - part.cursor_from, part.kills);
                    }
                    for row in &open {
                        let of = |part: &&Part| part.accrual_id == row.id;
                        let of_row: Vec<&Part> = paid.settled.iter().chain(&paid.left).filter(of).collect();
                        let kept: u32 = of_row.iter().map(|part| part.kills).sum();
                        prop_assert!(of_row.is_empty() || kept == row.kills);
                        prop_assert!(of_row.windows(2).all(|pair| pair[0].cursor_to == pair[1].cursor_from));
                        prop_assert_eq!(of_row.iter().filter(|part| part.seq.is_none()).count(), usize::from(!of_row.is_empty()));
                    }
                }
            }
        }
    }
}
