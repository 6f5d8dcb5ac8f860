//! What must hold at every moment: rows, tallies, totals and the ledger say the same.

use std::collections::BTreeMap;

use bursar_faucet::record::{Tally, Totals};
use bursar_faucet::rules::ban::BanE8;
use bursar_faucet::rules::holdings::{AccrualState, Holdings, Share};
use bursar_ledger::account_by_path;
use bursar_money::{Amount, Asset, Balance};

use crate::scene::Scene;

impl Scene {
    /// Checks both modes, and for live rows the ledger.
    pub fn check(&self) {
        for dry_run in [false, true] {
            self.check_mode(dry_run);
        }
        let live = self.sums(false);
        let owed = live.open.amount.plus(live.reserved.amount).unwrap().to_raw().unwrap();
        // For what was adopted under way the book holds nothing: it is paid out of suspense.
        let sql = "SELECT CAST(COALESCE(SUM(amount_e8), 0) AS BIGINT) FROM faucet_payout \
                   WHERE error_detail LIKE 'adopted%' AND status <> 'confirmed'";
        let adopted = BanE8::new(self.count(sql)).unwrap();
        let held = live.reserved.amount.minus(adopted).unwrap().to_raw().unwrap();
        assert_eq!(self.account("faucet/owed"), (Balance::between(owed, Amount::ZERO), held));
        let payouts = self.sums_of_payouts();
        assert_eq!(payouts, (live.reserved, live.settled), "payouts are what is reserved and settled");
    }

    fn check_mode(&self, dry_run: bool) {
        let ids = self.read(|tx| Tally::users_after(tx, dry_run, 0, i64::MAX));
        let rows = self.rows(dry_run);
        for tally in self.read(|tx| Tally::peek(tx, &ids, dry_run)) {
            let mut of_rows = rows.get(&tally.user_id).copied().unwrap_or_default();
            of_rows.settled = of_rows.settled.plus(tally.folded.settled).unwrap();
            assert_eq!(tally.holdings, of_rows, "player {}", tally.user_id);
            assert_eq!(tally.open_since.is_some(), of_rows.open.kills > 0, "player {}", tally.user_id);
        }
        let sums = self.sums(dry_run);
        let totals = self.read(|tx| Totals::peek(tx, dry_run));
        assert_eq!(
            (totals.open, totals.reserved, totals.paid),
            (sums.open.amount, sums.reserved.amount, sums.settled.amount)
        );
        let accrued = sums.accrued().unwrap();
        assert_eq!((totals.accrued_kills, totals.accrued), (accrued.kills, accrued.amount));
    }

    fn rows(&self, dry_run: bool) -> BTreeMap<i64, Holdings> {
        let sql =
            "SELECT user_id, state, kills, amount_e8, rate_e8 FROM faucet_reward_accrual WHERE dry_run = $1";
        let rows: Vec<(i64, String, i64, i64, i64)> = self.read(|tx| {
            tx.query(sql, &[dry_run.into()], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
            })
        });
        let mut sums: BTreeMap<i64, Holdings> = BTreeMap::new();
        for (user, state, kills, amount, rate) in rows {
            assert_eq!(amount, kills * rate, "an accrual is its kills at its rate");
            let share = Share { kills: u64::try_from(kills).unwrap(), amount: BanE8::new(amount).unwrap() };
            let state = AccrualState::from_word(&state).unwrap();
            let one = Holdings::of_rows([(state, share)]).unwrap();
            let sum = sums.entry(user).or_default();
            *sum = plus(*sum, one);
        }
        sums
    }

    pub fn sums(&self, dry_run: bool) -> Holdings {
        let ids = self.read(|tx| Tally::users_after(tx, dry_run, 0, i64::MAX));
        let tallies = self.read(|tx| Tally::peek(tx, &ids, dry_run));
        tallies.iter().fold(Holdings::default(), |sum, tally| plus(sum, tally.holdings))
    }

    /// What live payouts under way and sent ones add up to; pruned ones are not there any more.
    fn sums_of_payouts(&self) -> (Share, Share) {
        let sql = "SELECT status, kills, amount_e8 FROM faucet_payout WHERE NOT dry_run";
        let rows: Vec<(String, i64, i64)> =
            self.read(|tx| tx.query(sql, &[], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))));
        let sum = |wanted: &dyn Fn(&str) -> bool| {
            let of = rows.iter().filter(|(status, ..)| wanted(status)).map(|(_, kills, amount)| Share {
                kills: u64::try_from(*kills).unwrap(),
                amount: BanE8::new(*amount).unwrap(),
            });
            Share::sum(of).unwrap()
        };
        let ids = self.read(|tx| Tally::users_after(tx, false, 0, i64::MAX));
        let folded =
            self.read(|tx| Tally::peek(tx, &ids, false)).into_iter().map(|tally| tally.folded.settled);
        let settled = sum(&|status| status == "confirmed");
        let is_pruned =
            self.count("SELECT COUNT(*) FROM faucet_payout WHERE status = 'confirmed' AND NOT dry_run") == 0;
        let settled = if is_pruned { Share::sum(folded).unwrap() } else { settled };
        (sum(&|status| status != "confirmed" && status != "failed"), settled)
    }

    /// Balance and holds of an account of the book.
    pub fn account(&self, path: &str) -> (Balance, Amount) {
        let view = self.read(|tx| account_by_path(tx, path, Asset::Banano)).unwrap();
        (view.balance(), view.held)
    }
}

fn plus(one: Holdings, other: Holdings) -> Holdings {
    Holdings {
        open: one.open.plus(other.open).unwrap(),
        reserved: one.reserved.plus(other.reserved).unwrap(),
        settled: one.settled.plus(other.settled).unwrap(),
        written_off: one.written_off.plus(other.written_off).unwrap(),
    }
}
