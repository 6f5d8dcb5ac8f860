//! Going through the whole database: everything that was ever seen is there, and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::Connection;

use super::Witness;
use super::rows::{self, AccountRow, EntryRow, PoolRow, SettlementRow, TransferRow, WalletRow};
use crate::invariant::{Breach, require};
use crate::watching::Snapshot;

/// All rows that the witness compares, from one snapshot.
struct Tables {
    entries: Vec<EntryRow>,
    transfers: Vec<TransferRow>,
    settlements: Vec<SettlementRow>,
    completed: BTreeSet<i64>,
    pools: Vec<PoolRow>,
    wallets: Vec<WalletRow>,
    accounts: Vec<AccountRow>,
    market_totals: Vec<(i64, i64, i64, i64)>,
    accepted_events: Vec<i64>,
}

impl Witness {
    /// Compares everything.
    pub fn examine(&self) -> Result<(), Breach> {
        let tables = read(&self.connected()).expect("the witness can read everything");
        self.check_kept(&tables)?;
        self.check_accounts(&tables)?;
        self.check_pools(&tables)?;
        self.check_wallets(&tables)?;
        self.check_market_totals(&tables)?;
        let entries: Vec<i64> = self.seen.entries.keys().copied().collect();
        let told = &tables.accepted_events;
        require!(
            AuditChain,
            *told == entries,
            "the audit log tells of entries {told:?}, there are {entries:?}"
        );
        Ok(())
    }

    /// Every entry, transfer and settlement that was seen is there unchanged; every acknowledged join is among them.
    fn check_kept(&self, tables: &Tables) -> Result<(), Breach> {
        let entries: Vec<&EntryRow> = self.seen.entries.values().map(|entry| &entry.row).collect();
        let differs = entries.iter().zip(&tables.entries).find(|(seen, stored)| *seen != stored);
        require!(Durable, differs.is_none(), "an entry and what is stored in its place: {differs:?}");
        let (seen, stored) = (entries.len(), tables.entries.len());
        require!(Durable, seen == stored, "{seen} entries were committed, {stored} are there");
        let transfers: Vec<&TransferRow> = self.seen.transfers.values().collect();
        let differs = transfers.iter().zip(&tables.transfers).find(|(seen, stored)| *seen != stored);
        require!(Durable, differs.is_none(), "a transfer and what is stored in its place: {differs:?}");
        let (seen, stored) = (transfers.len(), tables.transfers.len());
        require!(Durable, seen == stored, "{seen} transfers were committed, {stored} are there");
        let mut settlements: Vec<&SettlementRow> = self.seen.settlements.values().map(|s| &s.row).collect();
        settlements.sort_unstable_by_key(|row| row.order);
        require!(
            Durable,
            tables.settlements.iter().eq(settlements),
            "settlements changed after their commit"
        );
        for (id, asked) in &self.promises.asked {
            let (promised, stored) = (asked.acknowledged, self.stored(id));
            let holds = promised.is_none() || promised == stored;
            require!(Durable, holds, "{id} was acknowledged as {promised:?}, and stored is {stored:?}");
        }
        Ok(())
    }

    /// Nothing is held, and each account is there for somebody. That the book adds up the world itself looks at.
    fn check_accounts(&self, tables: &Tables) -> Result<(), Breach> {
        for account in &tables.accounts {
            require!(LedgerZero, account.held == 0, "{} holds {} for nobody", account.path, account.held);
        }
        let mut owners: BTreeSet<i64> = tables.wallets.iter().map(|wallet| wallet.account).collect();
        owners.extend(tables.pools.iter().flat_map(|pool| pool.accounts));
        owners.extend(self.seen.treasury);
        let accounts: BTreeSet<i64> = tables.accounts.iter().map(|account| account.id).collect();
        let strays: Vec<_> = accounts.symmetric_difference(&owners).collect();
        require!(RefusedNoTrace, strays.is_empty(), "accounts without wallet, pool or treasury: {strays:?}");
        Ok(())
    }

    /// Each pool is that of its entries, sealed and emptied as its settlement says.
    fn check_pools(&self, tables: &Tables) -> Result<(), Breach> {
        let rounds: Vec<i64> = tables.pools.iter().map(|pool| pool.round).collect();
        let with_entries: Vec<i64> = self.seen.by_round.keys().copied().collect();
        require!(
            RefusedNoTrace,
            rounds == with_entries,
            "there are pools of {rounds:?}, entries of {with_entries:?}"
        );
        for pool in &tables.pools {
            let entries: Vec<&EntryRow> = self.seen.by_round[&pool.round]
                .iter()
                .map(|sequence| &self.seen.entries[sequence].row)
                .collect();
            let players: BTreeSet<i64> = entries.iter().map(|entry| entry.wallet).collect();
            let last = |side: i64| entries.iter().rev().find(|e| e.side == side).map(|e| e.sequence);
            let found = (pool.entries, pool.players, pool.last_entries, pool.stakes.as_str());
            let stakes = stakes_of(&entries);
            let due = (entries.len(), players.len(), [last(0), last(1)], stakes.as_str());
            require!(RoundExact, found == due, "pool {} is {found:?}, its entries give {due:?}", pool.round);
            let settlement = self.seen.settlements.get(&pool.round);
            let is_paid = settlement.is_some_and(|s| s.paid.len() == s.dues.payouts.len());
            let state = i64::from(settlement.is_some()) + i64::from(tables.completed.contains(&pool.round));
            require!(
                RoundExact,
                pool.state == state,
                "pool {} is in state {}, not {state}",
                pool.round,
                pool.state
            );
            let is_complete = state == 2;
            require!(
                RoundExact,
                is_paid == is_complete,
                "pool {}: paid {is_paid}, complete {is_complete}",
                pool.round
            );
            let balance = |id: i64| tables.accounts.iter().find(|a| a.id == id).map(|a| a.credits - a.debits);
            let left = pool.accounts.map(balance);
            let is_empty = left == [Some(0), Some(0)];
            require!(
                RoundExact,
                !is_complete || is_empty,
                "pool {} is settled, and holds {left:?}",
                pool.round
            );
        }
        Ok(())
    }

    /// Each wallet is there because of its entries, which hang on one chain.
    fn check_wallets(&self, tables: &Tables) -> Result<(), Breach> {
        let mut of_wallet: BTreeMap<i64, Vec<&EntryRow>> = BTreeMap::new();
        self.seen.entries.values().for_each(|e| of_wallet.entry(e.row.wallet).or_default().push(&e.row));
        let wallets: Vec<i64> = tables.wallets.iter().map(|wallet| wallet.account).collect();
        let owners: Vec<i64> = of_wallet.keys().copied().collect();
        require!(RefusedNoTrace, wallets == owners, "there are wallets {wallets:?}, entries of {owners:?}");
        for wallet in &tables.wallets {
            let entries = &of_wallet[&wallet.account];
            let last = entries.last().map(|entry| entry.sequence);
            let found = (wallet.entries, Some(wallet.last_entry), &wallet.address);
            let due = (entries.len(), last, &self.seen.wallets[&wallet.account]);
            require!(
                RoundExact,
                found == due,
                "wallet {} is {found:?}, its entries give {due:?}",
                wallet.account
            );
            let previous = std::iter::once(None).chain(entries.iter().map(|entry| Some(entry.sequence)));
            let is_chain =
                entries.iter().zip(previous).all(|(entry, previous)| entry.wallet_previous == previous);
            require!(RoundExact, is_chain, "the entries of wallet {} hang on no chain", wallet.account);
        }
        Ok(())
    }

    fn check_market_totals(&self, tables: &Tables) -> Result<(), Breach> {
        let mut due: BTreeMap<i64, (i64, i64, BTreeSet<i64>)> = BTreeMap::new();
        for entry in self.seen.entries.values() {
            let total = due.entry(entry.row.round % 16).or_default();
            total.0 += 1;
            total.1 += entry.row.bucks;
            total.2.insert(entry.row.round);
        }
        let count = |rounds: &BTreeSet<i64>| i64::try_from(rounds.len()).expect("few rounds");
        let due: Vec<_> = due
            .iter()
            .map(|(market, (entries, bucks, rounds))| (*market, *entries, *bucks, count(rounds)))
            .collect();
        let found = &tables.market_totals;
        require!(RoundExact, *found == due, "the markets' totals are {found:?}, their entries give {due:?}");
        Ok(())
    }

    /// Once trouble has ended, nothing is left to settle.
    pub fn check_settled(&self) -> Result<(), Breach> {
        for round in self.seen.by_round.keys() {
            let settlement = self.seen.settlements.get(round);
            let is_paid = settlement.is_some_and(|s| s.paid.len() == s.dues.payouts.len());
            require!(Settles, is_paid, "round {round} is not settled although nothing stands in its way");
        }
        Ok(())
    }
}

/// The stakes of a pool as it stores them: entries per side and tier.
fn stakes_of(entries: &[&EntryRow]) -> String {
    let tiers = [5, 10, 25, 50, 100, 250];
    let side = |side: i64| {
        let of_tier = |tier: &i64| entries.iter().filter(|e| e.side == side && e.bucks == *tier).count();
        tiers.iter().map(|tier| of_tier(tier).to_string()).collect::<Vec<_>>().join(",")
    };
    format!("[[{}],[{}]]", side(0), side(1))
}

fn read(connection: &Connection) -> rusqlite::Result<Tables> {
    let snapshot = Snapshot::of(connection)?;
    let totals = "SELECT market, entries, stake_bucks, rounds FROM rounds_market_total WHERE market > ?1 \
                  ORDER BY market";
    let accepted = "SELECT CAST(target_id AS INTEGER) FROM audit_events WHERE id > ?1 AND event = 'join.accepted' \
                    ORDER BY CAST(target_id AS INTEGER)";
    Ok(Tables {
        entries: rows::all(&snapshot, rows::ENTRIES, 0, rows::entry)?,
        transfers: rows::all(&snapshot, rows::TRANSFERS, 0, rows::transfer)?,
        settlements: rows::all(&snapshot, rows::SETTLEMENTS, 0, rows::settlement)?,
        completed: rows::all(&snapshot, rows::COMPLETED, 0, |row| row.get(0))?.into_iter().collect(),
        pools: rows::all(&snapshot, rows::POOLS, 0, rows::pool)?,
        wallets: rows::all(&snapshot, rows::WALLETS, 0, rows::wallet)?,
        accounts: rows::all(&snapshot, rows::ACCOUNTS, 0, rows::account)?,
        market_totals: rows::all(&snapshot, totals, -1, |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })?,
        accepted_events: rows::all(&snapshot, accepted, 0, |row| row.get(0))?,
    })
}
