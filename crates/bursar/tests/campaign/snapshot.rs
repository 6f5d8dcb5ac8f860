//! Everything that stood in a campaign's database at one moment, compared with what must stand there.

use std::collections::{BTreeMap, BTreeSet};

use bursar_store::{StoreError, Tx};

use super::money::{Due, Staked, due};
use super::rows::{
    self, Account, Entry, FEE, JOIN, MERGE, Moved, PAYOUT, Pool, REFUND, Settlement, Transfer,
};
use super::{Bet, Outcomes};
use crate::harness::wallet;

/// What stood in the database at one moment.
pub struct Snapshot {
    entries: Vec<Entry>,
    /// Where in `entries` those of each round are.
    places: BTreeMap<i64, Vec<usize>>,
    pools: Vec<Pool>,
    settlements: BTreeMap<i64, Settlement>,
    transfers: Vec<Transfer>,
    accounts: BTreeMap<i64, Account>,
    market_totals: [i64; 3],
    /// The entries that the audit log tells of.
    audited: Vec<String>,
}

impl Snapshot {
    /// Reads everything in one transaction.
    pub fn load(tx: &mut Tx<'_>) -> Result<Snapshot, StoreError> {
        let audited = "SELECT target_id FROM audit_events WHERE event = 'join.accepted' ORDER BY id";
        let totals = "SELECT entries, stake_bucks, rounds FROM rounds_market_total";
        let totals = tx.query(totals, &[], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?]))?;
        let entries = "SELECT e.sequence, e.id, e.round_key, e.wallet, e.side, e.stake_bucks, e.joined_at, w.address \
                       FROM rounds_entry e JOIN rounds_wallet w ON w.account = e.wallet ORDER BY e.sequence";
        let entries = tx.query(entries, &[], rows::read_entry)?;
        let mut places: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
        for (place, entry) in entries.iter().enumerate() {
            places.entry(entry.round_key).or_default().push(place);
        }
        Ok(Snapshot {
            entries,
            places,
            pools: tx.query(
                "SELECT round_key, round_id, state, entries, players, up_account, down_account FROM rounds_pool \
                 ORDER BY round_key",
                &[],
                rows::read_pool,
            )?,
            settlements: tx
                .query(
                    "SELECT round_key, mode, winner, total_cents, fee_cents, remainder_entry, settled_order, \
                     settled_at, completed_at, cursor FROM rounds_settlement",
                    &[],
                    rows::read_settlement,
                )?
                .into_iter()
                .collect(),
            transfers: tx.query(
                "SELECT id, debit_account, credit_account, amount, kind, cause FROM ledger_transfer ORDER BY id",
                &[],
                rows::read_transfer,
            )?,
            accounts: tx
                .query("SELECT id, path, debits, credits, postings FROM ledger_account", &[], rows::read_account)?
                .into_iter()
                .collect(),
            market_totals: [0, 1, 2].map(|field| totals.iter().map(|total: &[i64; 3]| total[field]).sum()),
            audited: tx.query(audited, &[], |row| row.get(0))?,
        })
    }

    /// The entries are exactly these, each once and as it was sent.
    #[track_caller]
    pub fn check_entries(&self, accepted: &[Bet]) {
        let stored: BTreeMap<&str, &Entry> = self.entries.iter().map(|entry| (&*entry.id, entry)).collect();
        assert_eq!(stored.len(), self.entries.len(), "an id stands twice");
        for bet in accepted {
            let Some(entry) = stored.get(&*bet.id) else {
                panic!("lost, although it was acknowledged: {bet:?}")
            };
            let cents = u128::try_from(bet.bucks * 100).unwrap();
            let staked = (entry.round_key, entry.staked.is_up, entry.staked.cents);
            assert_eq!(staked, (bet.round_key(), bet.is_up, cents), "{bet:?}");
            assert_eq!(entry.address, bs58::decode(wallet(bet.player)).into_vec().unwrap(), "{bet:?}");
        }
        let accepted: BTreeSet<&str> = accepted.iter().map(|bet| &*bet.id).collect();
        let unasked: Vec<_> = stored.keys().filter(|id| !accepted.contains(**id)).collect();
        assert!(unasked.is_empty(), "there, although they were refused: {unasked:?}");
    }

    /// The book as a whole: at `now_ms` every round that has ended is settled, once, and to the cent; no other round
    /// is; every transfer is accounted for, and the accounts are what their transfers make them.
    #[track_caller]
    pub fn check_settled(&self, outcomes: &Outcomes, now_ms: i64) {
        for pool in &self.pools {
            let is_due = pool.end_ms() <= now_ms;
            let state = (pool.state, self.settlements.contains_key(&pool.round_key));
            assert_eq!(state, if is_due { (2, true) } else { (0, false) }, "{}", pool.round_id);
        }
        assert!(self.settlements.values().all(|settlement| settlement.is_complete));
        self.check_consistent();
        let mut moved: Vec<Moved> = self.transfers.iter().map(|transfer| transfer.moved).collect();
        let mut expected = self.joins();
        expected.extend(
            self.pools.iter().filter(|pool| pool.state == 2).flat_map(|pool| self.payouts(pool, outcomes)),
        );
        moved.sort_unstable();
        expected.sort_unstable();
        let difference = moved.iter().zip(&expected).find(|(moved, expected)| moved != expected);
        assert_eq!(
            (difference, moved.len()),
            (None, expected.len()),
            "transfers of the ledger, and those expected"
        );
        for pool in self.pools.iter().filter(|pool| pool.state == 2) {
            for side in pool.sides {
                let account = &self.accounts[&side];
                assert_eq!(account.debits, account.credits, "{} is not empty", account.path);
            }
            self.check_settlement(pool, outcomes);
        }
    }

    /// What holds at every moment, also between a plan and its last payout.
    #[track_caller]
    pub fn check_consistent(&self) {
        let numbers: Vec<i64> = self.transfers.iter().map(|transfer| transfer.id).collect();
        assert!(numbers.iter().copied().eq(1..=i64::try_from(numbers.len()).unwrap()), "a number is missing");
        let mut totals: BTreeMap<i64, (u128, u128, i64)> = BTreeMap::new();
        for Transfer { moved: (debit, credit, cents, ..), .. } in &self.transfers {
            let total = totals.entry(*debit).or_default();
            (total.0, total.2) = (total.0 + cents, total.2 + 1);
            let total = totals.entry(*credit).or_default();
            (total.1, total.2) = (total.1 + cents, total.2 + 1);
        }
        for (id, account) in &self.accounts {
            let stored = (account.debits, account.credits, account.postings);
            assert_eq!(stored, totals.get(id).copied().unwrap_or_default(), "{}", account.path);
        }
        let kinds = |kind: i64| self.transfers.iter().filter(move |transfer| transfer.moved.3 == kind);
        let mut joins: Vec<Moved> = kinds(JOIN).map(|transfer| transfer.moved).collect();
        let mut expected = self.joins();
        joins.sort_unstable();
        expected.sort_unstable();
        assert_eq!(joins, expected, "joins of the ledger, and entries");
        let mut paid: Vec<(i64, i64)> =
            kinds(PAYOUT).chain(kinds(REFUND)).map(|paid| (0, paid.moved.4)).collect();
        paid.extend(kinds(FEE).chain(kinds(MERGE)).map(|taken| (taken.moved.3, taken.moved.4)));
        paid.sort_unstable();
        assert!(paid.is_sorted_by(|a, b| a < b), "something was paid twice");
        let audited: Vec<i64> = self.audited.iter().map(|target| target.parse().unwrap()).collect();
        assert!(audited.iter().copied().eq(self.entries.iter().map(|entry| entry.staked.sequence)));
        let bucks: u128 = self.entries.iter().map(|entry| entry.staked.cents / 100).sum();
        let counted = [self.entries.len(), usize::try_from(bucks).unwrap(), self.pools.len()];
        assert_eq!(self.market_totals.map(|total| usize::try_from(total).unwrap()), counted);
        let orders: BTreeSet<i64> = self.settlements.values().map(|settlement| settlement.order).collect();
        assert!(orders.into_iter().eq(1..=i64::try_from(self.settlements.len()).unwrap()));
    }

    /// What each entry is paid, by its client's id; rounds that are not settled are left out.
    pub fn paid(&self, outcomes: &Outcomes) -> BTreeMap<String, u128> {
        let mut paid = BTreeMap::new();
        for pool in self.pools.iter().filter(|pool| pool.state == 2) {
            let won: BTreeMap<i64, u128> = match due(&self.staked(pool), outcomes.of(pool.round_key)) {
                Due::Refund => self.staked(pool).iter().map(|entry| (entry.sequence, entry.cents)).collect(),
                Due::Win { payouts, .. } => payouts.into_iter().collect(),
            };
            for entry in self.of_round(pool) {
                paid.insert(entry.id.clone(), won.get(&entry.staked.sequence).copied().unwrap_or(0));
            }
        }
        paid
    }

    /// How many rounds are settled.
    pub fn settled_count(&self) -> usize {
        self.settlements.len()
    }

    fn of_round(&self, pool: &Pool) -> impl Iterator<Item = &Entry> {
        self.places[&pool.round_key].iter().map(|place| &self.entries[*place])
    }

    fn staked(&self, pool: &Pool) -> Vec<Staked> {
        self.of_round(pool).map(|entry| entry.staked).collect()
    }

    fn joins(&self) -> Vec<Moved> {
        let sides: BTreeMap<i64, [i64; 2]> =
            self.pools.iter().map(|pool| (pool.round_key, pool.sides)).collect();
        let join = |entry: &Entry| {
            let [up, down] = sides[&entry.round_key];
            let side = if entry.staked.is_up { up } else { down };
            (entry.wallet, side, entry.staked.cents, JOIN, entry.staked.sequence)
        };
        self.entries.iter().map(join).collect()
    }

    /// Every transfer that settling this round takes.
    fn payouts(&self, pool: &Pool, outcomes: &Outcomes) -> Vec<Moved> {
        let [up, down] = pool.sides;
        let wallets: BTreeMap<i64, i64> =
            self.of_round(pool).map(|entry| (entry.staked.sequence, entry.wallet)).collect();
        match due(&self.staked(pool), outcomes.of(pool.round_key)) {
            Due::Refund => self
                .of_round(pool)
                .map(|entry| {
                    let side = if entry.staked.is_up { up } else { down };
                    (side, entry.wallet, entry.staked.cents, REFUND, entry.staked.sequence)
                })
                .collect(),
            Due::Win { up_wins, fee, losing, payouts, .. } => {
                let (winners, losers) = if up_wins { (up, down) } else { (down, up) };
                let treasury = self.accounts.iter().find(|(_, account)| account.path == "rounds/treasury");
                let mut moved = vec![
                    (losers, winners, losing, MERGE, pool.round_key),
                    (winners, *treasury.expect("a treasury").0, fee, FEE, pool.round_key),
                ];
                let paid =
                    payouts.iter().map(|(entry, cents)| (winners, wallets[entry], *cents, PAYOUT, *entry));
                moved.extend(paid);
                moved
            }
        }
    }

    #[track_caller]
    fn check_settlement(&self, pool: &Pool, outcomes: &Outcomes) {
        let staked = self.staked(pool);
        let players: BTreeSet<i64> = self.of_round(pool).map(|entry| entry.wallet).collect();
        let counts = [staked.len(), players.len()].map(|count| i64::try_from(count).unwrap());
        assert_eq!(pool.counts, counts, "entries and players of {}", pool.round_id);
        let settlement = &self.settlements[&pool.round_key];
        let total = staked.iter().map(|entry| entry.cents).sum();
        let (mode, winner, fee, remainder) = match due(&staked, outcomes.of(pool.round_key)) {
            Due::Refund => (1, None, 0, None),
            Due::Win { up_wins, fee, newest, .. } => (0, Some(i64::from(!up_wins)), fee, Some(newest)),
        };
        let found = (
            settlement.mode,
            settlement.winner,
            settlement.total,
            settlement.fee,
            settlement.remainder_entry,
        );
        assert_eq!(found, (mode, winner, total, fee, remainder), "{}", pool.round_id);
        assert!(settlement.settled_at_ms >= pool.end_ms(), "{} is settled early", pool.round_id);
    }
}
