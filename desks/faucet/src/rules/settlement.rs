//! Which accruals of a player a payout pays (docs/spec/faucet.md 3.4, 3.5).

use sha2::{Digest, Sha256};

use super::ban::{BanE8, BanError};
use super::eligibility::Eligibility;
use super::holdings::Share;

/// An open accrual.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenAccrual {
    /// Its id.
    pub id: i64,
    /// When it was accrued, in minutes since the Unix epoch.
    pub epoch_minute: i64,
    /// The highest `seq` among all rows of its player and minute, in any state: a split takes the next.
    pub highest_seq: u32,
    /// Its kills.
    pub kills: u32,
    /// BAN per kill; the row's amount is this times its kills.
    pub rate: BanE8,
    /// The kill cursor before it.
    pub cursor_from: u32,
}

/// A row as a payout takes it: whole, or cut down to what fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// The accrual, which keeps its id and `seq`.
    pub accrual_id: i64,
    /// Its kills from now on.
    pub kills: u32,
    /// Its amount from now on.
    pub amount: BanE8,
    /// Its `cursor_to` from now on.
    pub cursor_to: u32,
}

/// What a split leaves open: a new row of the same player, minute, rate and baseline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remainder {
    /// The accrual that was split.
    pub accrual_id: i64,
    /// The `seq` of the new row.
    pub seq: u32,
    /// Its kills.
    pub kills: u32,
    /// Its amount.
    pub amount: BanE8,
    /// Its `cursor_from`, which is the `cursor_to` of the part that was taken.
    pub cursor_from: u32,
    /// Its `cursor_to`, which was that of the row.
    pub cursor_to: u32,
}

/// What a payout pays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// The rows it reserves, oldest first.
    pub taken: Vec<Taken>,
    /// The rest of the last of them, if that was split.
    pub remainder: Option<Remainder>,
    /// The sum of what is taken.
    pub total: Share,
}

/// Takes open accruals, oldest first, up to `allowed_kills`: whole rows while they fit, then a part of the next.
///
/// Rows that are worth nothing stay open: there is nothing to send for them, and they use up no cap.
pub fn select(open: &[OpenAccrual], allowed_kills: u64) -> Result<Selection, BanError> {
    let mut oldest_first: Vec<&OpenAccrual> = open.iter().filter(|row| !row.rate.is_zero()).collect();
    oldest_first.sort_unstable_by_key(|row| (row.epoch_minute, row.cursor_from, row.id));
    let mut selection = Selection::default();
    for row in oldest_first {
        let left = allowed_kills.saturating_sub(selection.total.kills);
        // What does not fit 32 bits is more than any row has.
        let kills = u32::try_from(left).unwrap_or(u32::MAX).min(row.kills);
        if kills == 0 {
            break;
        }
        let taken = row.part(kills)?;
        selection.total = selection.total.plus(Share { kills: u64::from(kills), amount: taken.amount })?;
        selection.taken.push(taken);
        if kills < row.kills {
            selection.remainder = Some(row.remainder(kills)?);
            break;
        }
    }
    Ok(selection)
}

impl OpenAccrual {
    fn part(&self, kills: u32) -> Result<Taken, BanError> {
        Ok(Taken {
            accrual_id: self.id,
            kills,
            amount: self.rate.times(u64::from(kills))?,
            cursor_to: self.cursor_from.checked_add(kills).ok_or(BanError::Overflow)?,
        })
    }

    fn remainder(&self, taken: u32) -> Result<Remainder, BanError> {
        let kills = self.kills.checked_sub(taken).ok_or(BanError::Negative)?;
        Ok(Remainder {
            accrual_id: self.id,
            seq: self.highest_seq.checked_add(1).ok_or(BanError::Overflow)?,
            kills,
            amount: self.rate.times(u64::from(kills))?,
            cursor_from: self.part(taken)?.cursor_to,
            cursor_to: self.part(self.kills)?.cursor_to,
        })
    }
}

/// A player with open accruals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate<'a> {
    /// The standing.
    pub eligibility: Eligibility,
    /// The primary wallet.
    pub address: Option<&'a str>,
    /// What the caps allow; see [`super::caps::CapStatus::allowed_kills`].
    pub allowed_kills: u64,
    /// The open accruals.
    pub open: &'a [OpenAccrual],
}

/// A payout to create: reserve its rows, insert it, write the remainder, all in one transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPayout {
    /// Where to, as linked now; a wallet linked later changes nothing about this payout.
    pub address: String,
    /// What it pays.
    pub selection: Selection,
    /// See [`idempotency_key`].
    pub idempotency_key: String,
}

/// What becomes of a candidate in this cycle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settlement {
    /// Nothing; the accruals stay open.
    Skip(Skip),
    /// A payout.
    Pay(NewPayout),
}

/// Why a candidate is passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Skip {
    /// Held for review, or revoked.
    NotEligible,
    /// No primary wallet.
    NoWallet,
    /// No open accrual that is worth anything.
    NothingOpen,
    /// The caps leave nothing.
    AtCap,
    /// What could be paid is less than the smallest payout.
    BelowMinimum,
}

/// Decides one candidate; `minimum` is the smallest payout, zero for none.
pub fn decide(candidate: &Candidate<'_>, minimum: BanE8) -> Result<Settlement, BanError> {
    if !candidate.eligibility.may_be_paid() {
        return Ok(Settlement::Skip(Skip::NotEligible));
    }
    let Some(address) = candidate.address else {
        return Ok(Settlement::Skip(Skip::NoWallet));
    };
    let selection = select(candidate.open, candidate.allowed_kills)?;
    if selection.taken.is_empty() {
        let skip = if candidate.allowed_kills == 0 { Skip::AtCap } else { Skip::NothingOpen };
        return Ok(Settlement::Skip(skip));
    }
    if selection.total.amount < minimum {
        return Ok(Settlement::Skip(Skip::BelowMinimum));
    }
    let idempotency_key = idempotency_key(selection.taken.iter().map(|taken| taken.accrual_id));
    Ok(Settlement::Pay(NewPayout { address: address.to_owned(), selection, idempotency_key }))
}

/// The key of a set of accruals: SHA-256, in lower-case hex, of their ids in numerical order joined with commas.
#[must_use]
pub fn idempotency_key(accrual_ids: impl IntoIterator<Item = i64>) -> String {
    let mut ids: Vec<i64> = accrual_ids.into_iter().collect();
    ids.sort_unstable();
    let joined = ids.iter().map(i64::to_string).collect::<Vec<_>>().join(",");
    hex::encode(Sha256::digest(joined))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ban(text: &str) -> BanE8 {
        text.parse().unwrap()
    }

    /// A row in a minute of its own, whose kills follow those of the rows before it.
    fn row(id: i64, cursor_from: u32, kills: u32) -> OpenAccrual {
        OpenAccrual { id, epoch_minute: 1_000 + id, highest_seq: 0, kills, rate: ban("0.05"), cursor_from }
    }

    fn ids(selection: &Selection) -> Vec<(i64, u32)> {
        selection.taken.iter().map(|taken| (taken.accrual_id, taken.kills)).collect()
    }

    #[test]
    fn a_hundred_and_a_hundred_kills_at_a_cap_of_150_pay_exactly_150() {
        let open = [row(1, 0, 100), row(2, 100, 100)];
        let selection = select(&open, 150).unwrap();
        assert_eq!(ids(&selection), [(1, 100), (2, 50)]);
        assert_eq!(selection.total, Share { kills: 150, amount: ban("7.50") });
        let remainder = Remainder {
            accrual_id: 2,
            seq: 1,
            kills: 50,
            amount: ban("2.50"),
            cursor_from: 150,
            cursor_to: 200,
        };
        assert_eq!(selection.remainder, Some(remainder));
        assert_eq!(selection.taken[1].cursor_to, 150);
        assert_eq!(
            select(&[OpenAccrual { kills: 50, cursor_from: 150, ..row(3, 0, 0) }], 0),
            Ok(Selection::default())
        );
    }

    #[test]
    fn what_fits_is_paid_whole() {
        let open = [row(1, 0, 100), row(2, 100, 50)];
        for allowed in [150, 151, u64::MAX] {
            let selection = select(&open, allowed).unwrap();
            assert_eq!((ids(&selection), selection.remainder), (vec![(1, 100), (2, 50)], None));
        }
        assert_eq!(ids(&select(&open, 100).unwrap()), [(1, 100)]);
        assert_eq!(select(&open, 100).unwrap().remainder, None);
    }

    #[test]
    fn each_row_is_paid_at_its_own_rate_oldest_first_in_whatever_order_they_are_loaded() {
        let cheap = OpenAccrual { rate: ban("0.01"), ..row(1, 0, 10) };
        let dear = OpenAccrual { rate: ban("2.1"), ..row(2, 10, 10) };
        for open in [[cheap, dear], [dear, cheap]] {
            let selection = select(&open, 15).unwrap();
            assert_eq!(ids(&selection), [(1, 10), (2, 5)]);
            assert_eq!(selection.total.amount, ban("10.6"));
        }
        let same_minute = [
            OpenAccrual { id: 9, epoch_minute: 5, ..row(0, 0, 10) },
            OpenAccrual { id: 3, epoch_minute: 5, ..row(0, 10, 10) },
        ];
        assert_eq!(ids(&select(&same_minute, 11).unwrap()), [(9, 10), (3, 1)]);
    }

    #[test]
    fn a_second_split_in_one_minute_takes_the_next_seq() {
        let again = OpenAccrual { highest_seq: 4, ..row(1, 0, 10) };
        assert_eq!(select(&[again], 3).unwrap().remainder.unwrap().seq, 5);
    }

    #[test]
    fn rows_worth_nothing_stay_open_and_use_no_cap() {
        let worthless = OpenAccrual { rate: BanE8::ZERO, ..row(1, 0, 500) };
        let selection = select(&[worthless, row(2, 500, 10)], 10).unwrap();
        assert_eq!(ids(&selection), [(2, 10)]);
    }

    #[test]
    fn a_candidate_is_paid_or_skipped_with_a_reason() {
        let open = [row(1, 0, 10)];
        let candidate = Candidate {
            eligibility: Eligibility::Eligible,
            address: Some("ban_1"),
            allowed_kills: 150,
            open: &open,
        };
        let skipped = |candidate: Candidate<'_>, minimum: &str| decide(&candidate, ban(minimum)).unwrap();
        for (candidate, minimum, skip) in [
            (Candidate { eligibility: Eligibility::Held, ..candidate }, "0", Skip::NotEligible),
            (Candidate { eligibility: Eligibility::Revoked, ..candidate }, "0", Skip::NotEligible),
            (Candidate { address: None, ..candidate }, "0", Skip::NoWallet),
            (Candidate { open: &[], ..candidate }, "0", Skip::NothingOpen),
            (Candidate { allowed_kills: 0, ..candidate }, "0", Skip::AtCap),
            (candidate, "0.50000001", Skip::BelowMinimum),
        ] {
            assert_eq!(skipped(candidate, minimum), Settlement::Skip(skip));
        }
        let Settlement::Pay(payout) = skipped(candidate, "0.5") else { panic!("at the minimum it is paid") };
        assert_eq!((payout.address.as_str(), payout.selection.total.amount), ("ban_1", ban("0.5")));
        assert_eq!(payout.idempotency_key, idempotency_key([1]));
    }

    #[test]
    fn example_e7_keys_are_made_of_ids_in_numerical_order() {
        for (ids, key) in [
            (vec![1], "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b"),
            (vec![1, 2], "17f8af97ad4a7f7639a4c9171d5185cbafb85462877a4746c21bdb0a4f940ca0"),
            (vec![10, 9], "69c37d73f38de14c86035211434b780645c046f331a70bb6da9db9ba15400a7f"),
        ] {
            assert_eq!(idempotency_key(ids.clone()), key, "{ids:?}");
        }
    }

    fn rows() -> impl Strategy<Value = Vec<OpenAccrual>> {
        proptest::collection::vec((1_u32..300, 0_i64..30_000_000), 0..20).prop_map(|rows| {
            let mut cursor = 0;
            let row = |(at, (kills, rate)): (i64, (u32, i64))| {
                let rate = BanE8::new(rate).unwrap();
                let row = OpenAccrual { rate, ..row(at, cursor, kills) };
                cursor += kills;
                row
            };
            (1..).zip(rows).map(row).collect()
        })
    }

    proptest! {
        #[test]
        fn a_selection_takes_what_is_allowed_and_splits_without_loss(open in rows(), allowed in 0_u64..4_000) {
            let selection = select(&open, allowed).unwrap();
            let payable: u64 = open.iter().filter(|row| !row.rate.is_zero()).map(|row| u64::from(row.kills)).sum();
            prop_assert_eq!(selection.total.kills, allowed.min(payable));
            let of = |id: i64| open.iter().find(|row| row.id == id).unwrap();
            for (index, taken) in selection.taken.iter().enumerate() {
                let row = of(taken.accrual_id);
                let is_last = index + 1 == selection.taken.len();
                let rest = selection.remainder.filter(|_| is_last);
                prop_assert_eq!(taken.kills + rest.map_or(0, |rest| rest.kills), row.kills);
                let whole = row.rate.times(u64::from(row.kills)).unwrap();
                prop_assert_eq!(taken.amount.plus(rest.map_or(BanE8::ZERO, |rest| rest.amount)).unwrap(), whole);
                if let Some(rest) = rest {
                    prop_assert_eq!((rest.accrual_id, rest.cursor_from), (row.id, taken.cursor_to));
                    prop_assert_eq!(rest.cursor_to, row.cursor_from + row.kills);
                }
            }
        }

        #[test]
        fn the_order_of_ids_does_not_change_the_key(
            (ids, shuffled) in proptest::collection::hash_set(1_i64..100_000, 1..40)
                .prop_map(Vec::from_iter)
                .prop_flat_map(|ids| (Just(ids.clone()), Just(ids).prop_shuffle())),
        ) {
            prop_assert_eq!(idempotency_key(ids), idempotency_key(shuffled));
        }
    }
}
