//! Checks on each new row, in the light of all before it.

use std::collections::BTreeSet;

use bursar_rounds::oracle::OFFSETS_S;
use bursar_rounds::settings::JOINS_BY_WALLET;
use bursar_rounds::stake::Side;
use bursar_rounds::timing::Round;
use bursar_rounds::wallet::Address;

use super::rows::{EntryRow, Evidence, SettlementRow, TransferRow};
use super::{SeenEntry, SeenSettlement, Witness};
use crate::invariant::{Breach, require};
use crate::rounds::wish::Content;

/// Transfer kinds of the rounds desk.
const JOIN: i64 = 100;
const PAYOUT: i64 = 101;
const REFUND: i64 = 102;
const FEE: i64 = 103;
const MERGE: i64 = 104;

/// How far from its instant a price may have been published, in seconds.
const PRICE_DISTANCE_MAX_S: u64 = 10;

impl Witness {
    /// A new entry.
    pub(super) fn admit_entry(&mut self, row: EntryRow, node: Option<usize>) -> Result<(), Breach> {
        let EntryRow { sequence, ref id, joined_at, .. } = row;
        let round = Round::from_key(row.round).expect("a stored round");
        require!(Once, !self.seen.by_id.contains_key(id), "id {id} is entered a second time as {sequence}");
        let content = self.content_of(&row);
        let asked = self.promises.asked.get(id);
        let wish = asked.and_then(|asked| asked.contents.iter().find(|(_, asked)| Some(*asked) == content));
        let Some((wish, _)) = wish.copied() else {
            require!(RefusedNoTrace, false, "nobody asked for entry {sequence}: {row:?}");
            return Ok(());
        };
        require!(
            Once,
            !self.seen.by_wish.contains_key(&wish),
            "wish {wish} is entered a second time as {sequence}"
        );
        let in_hand = asked.is_some_and(|asked| asked.in_hand > 0);
        require!(RefusedNoTrace, in_hand, "{id} was answered as not entered, and is entry {sequence}");
        let is_sealed = self.seen.settlements.contains_key(&row.round);
        require!(InWindow, !is_sealed, "entry {sequence} joined {} after its settlement", round.id());
        require!(
            TimeMonotone,
            joined_at >= self.seen.desk_ms,
            "entry {sequence} was accepted at {joined_at}, after a batch at {}",
            self.seen.desk_ms
        );
        let is_open = round.start_ms() <= joined_at && joined_at < round.lock_ms();
        require!(InWindow, is_open, "entry {sequence} of {} was accepted at {joined_at}", round.id());
        let gate = self.promises.joins;
        require!(
            StopBinds,
            !gate.binds(joined_at),
            "entry {sequence} was accepted at {joined_at} under {gate:?}"
        );
        let stake_max = self.promises.stake_max;
        require!(StopBinds, row.bucks <= stake_max, "entry {sequence} stakes {} over {stake_max}", row.bucks);
        self.take_from_limit(row.wallet, joined_at)?;
        self.seen.by_id.insert(id.clone(), sequence);
        self.seen.by_wish.insert(wish, sequence);
        self.seen.by_round.entry(row.round).or_default().push(sequence);
        self.seen.entries.insert(sequence, SeenEntry { row, node, commit: self.commits });
        Ok(())
    }

    /// One more join of a wallet in a window of its limit, counted without the desk's own counters.
    fn take_from_limit(&mut self, wallet: i64, joined_at: i64) -> Result<(), Breach> {
        let window_ms = JOINS_BY_WALLET.window_ms.default;
        let start_ms = joined_at - joined_at.rem_euclid(window_ms);
        let taken = self.seen.in_window.entry((wallet, start_ms)).or_default();
        *taken += 1;
        let (taken, limit) = (*taken, self.promises.wallet_joins_max);
        require!(
            Limits,
            taken <= limit,
            "wallet {wallet} joined {taken} times from {start_ms} on, the limit is {limit}"
        );
        Ok(())
    }

    /// A new settlement: decided as its entries and its own prices say.
    pub(super) fn admit_settlement(&mut self, row: SettlementRow) -> Result<(), Breach> {
        let round = Round::from_key(row.round).expect("a stored round");
        let (name, settled_at) = (round.id(), row.settled_at);
        let is_second = self.seen.settlements.contains_key(&row.round);
        require!(Once, !is_second, "{name} is settled a second time");
        let floor = self.seen.desk_ms;
        require!(
            TimeMonotone,
            settled_at >= floor,
            "{name} was settled at {settled_at}, after a batch at {floor}"
        );
        require!(
            InWindow,
            settled_at >= round.end_ms(),
            "{name} was settled at {settled_at}, before its end"
        );
        let gate = self.promises.settlements;
        require!(StopBinds, !gate.binds(settled_at), "{name} was settled at {settled_at} under {gate:?}");
        self.check_evidence(round, row.start, round.start_price_s())?;
        self.check_evidence(round, row.end, round.end_price_s())?;
        let prices = row.start.zip(row.end).map(|(start, end)| (start.quote, end.quote));
        let sequences = self.seen.by_round.get(&row.round).map_or(&[][..], Vec::as_slice);
        require!(RoundExact, !sequences.is_empty(), "{name} is settled without an entry");
        let entries: Vec<_> = sequences.iter().map(|sequence| &self.seen.entries[sequence].row).collect();
        let dues = super::round::dues(&entries, prices);
        let found = (row.winner, row.reason.as_deref(), row.total, row.winning, row.fee, row.remainder);
        let due = (dues.winner, dues.reason, dues.total, dues.winning, dues.fee, dues.remainder);
        require!(RoundExact, found == due, "{name} is settled as {found:?}, not {due:?}");
        let (found, due) = (row.remainder_entry, dues.remainder_entry);
        require!(RoundExact, found == due, "the remainder of {name} goes to {found:?}, not {due:?}");
        require!(RoundExact, row.is_refund == row.winner.is_none(), "{name} has no clear mode: {row:?}");
        if dues.reason == Some("oracle_unavailable") {
            let deadline = round.end_ms() + self.promises.void_after_min_ms;
            require!(
                Settles,
                settled_at >= deadline,
                "{name} was refunded for want of prices at {settled_at}, before its void deadline {deadline}"
            );
        }
        self.seen.last_order = row.order;
        let settlement =
            SeenSettlement { row, dues, paid: BTreeSet::new(), is_merged: false, is_fee_taken: false };
        self.seen.settlements.insert(round.key(), settlement);
        Ok(())
    }

    /// A price that decides a round was honestly published, for about the instant it stands for.
    fn check_evidence(&self, round: Round, evidence: Option<Evidence>, wanted_s: i64) -> Result<(), Breach> {
        let Some(Evidence { asked_s, quote }) = evidence else { return Ok(()) };
        let name = round.id();
        let is_asked = OFFSETS_S.contains(&(asked_s - wanted_s));
        require!(Settles, is_asked, "{name} was decided by the price of {asked_s}, wanted {wanted_s}");
        let published = self.walk.at(round.market(), asked_s);
        require!(
            Settles,
            published == Some(quote),
            "{name} was decided by {quote:?}, published was {published:?}"
        );
        let distance_s = quote.published_s.abs_diff(wanted_s);
        require!(
            Settles,
            distance_s <= PRICE_DISTANCE_MAX_S,
            "{name} was decided by a price {distance_s} s away"
        );
        Ok(())
    }

    /// A new transfer: a join's own, or one that a settlement owes.
    pub(super) fn admit_transfer(&mut self, row: TransferRow) -> Result<(), Breach> {
        let floor = self.seen.desk_ms;
        require!(
            TimeMonotone,
            row.at >= floor,
            "transfer {} is of {}, after a batch at {floor}",
            row.id,
            row.at
        );
        match row.kind {
            JOIN => self.admit_stake(&row)?,
            PAYOUT | REFUND => self.admit_payout(&row)?,
            FEE | MERGE => self.admit_side_money(&row)?,
            kind => require!(RoundExact, false, "transfer {} is of the unknown kind {kind}", row.id),
        }
        self.seen.transfers.insert(row.id, row);
        Ok(())
    }

    fn admit_stake(&mut self, row: &TransferRow) -> Result<(), Breach> {
        let TransferRow { id, debit, credit, amount, at, .. } = *row;
        let entry = self.seen.entries.get(&id).map(|entry| &entry.row);
        require!(RefusedNoTrace, entry.is_some(), "transfer {id} is a join's without an entry");
        let Some(entry) = entry else { return Ok(()) };
        let is_its = (debit, amount, at) == (entry.wallet, super::round::cents(entry), entry.joined_at);
        require!(RoundExact, is_its, "transfer {row:?} is not that of its entry {entry:?}");
        let pool = *self.seen.pools.entry((entry.round, entry.side)).or_insert(credit);
        require!(RoundExact, pool == credit, "entry {id} went to account {credit}, its side's is {pool}");
        Ok(())
    }

    fn admit_payout(&mut self, row: &TransferRow) -> Result<(), Breach> {
        let entry = self.seen.entries.get(&row.cause).map(|entry| entry.row.clone());
        require!(
            RoundExact,
            entry.is_some(),
            "transfer {} pays entry {}, which is not there",
            row.id,
            row.cause
        );
        let Some(entry) = entry else { return Ok(()) };
        let gate = self.promises.settlements;
        require!(
            StopBinds,
            !gate.binds(row.at),
            "entry {} was paid at {} under {gate:?}",
            entry.sequence,
            row.at
        );
        let settlement = self.seen.settlements.get_mut(&entry.round);
        require!(
            RoundExact,
            settlement.is_some(),
            "entry {} was paid before its round was settled",
            row.cause
        );
        let Some(settlement) = settlement else { return Ok(()) };
        let is_first = settlement.paid.insert(entry.sequence);
        require!(Once, is_first, "entry {} is paid a second time by transfer {}", entry.sequence, row.id);
        let due = settlement.dues.payouts.get(&entry.sequence).copied();
        let amount = row.amount;
        require!(
            RoundExact,
            due == Some(amount),
            "entry {} is paid {amount}, due was {due:?}",
            entry.sequence
        );
        let side = settlement.dues.winner.unwrap_or(entry.side);
        let kind = if settlement.dues.winner.is_some() { PAYOUT } else { REFUND };
        let pool = self.seen.pools.get(&(entry.round, side)).copied();
        let found = (row.kind, Some(row.debit), row.credit);
        let due = (kind, pool, entry.wallet);
        require!(RoundExact, found == due, "payout {} is {found:?}, not {due:?}", row.id);
        Ok(())
    }

    /// The fee of a won round, and the losing side's money that joins the winning side's.
    fn admit_side_money(&mut self, row: &TransferRow) -> Result<(), Breach> {
        let settlement = self.seen.settlements.get_mut(&row.cause);
        require!(RoundExact, settlement.is_some(), "transfer {} belongs to no settlement", row.id);
        let Some(settlement) = settlement else { return Ok(()) };
        let Some(winner) = settlement.dues.winner else {
            require!(RoundExact, false, "transfer {} is of a refunded round", row.id);
            return Ok(());
        };
        let pool = |side: i64| self.seen.pools.get(&(row.cause, side)).copied();
        let due = if row.kind == FEE {
            let treasury = *self.seen.treasury.get_or_insert(row.credit);
            (pool(winner), Some(treasury), settlement.dues.fee)
        } else {
            (pool(1 - winner), pool(winner), settlement.dues.total - settlement.dues.winning)
        };
        let found = (Some(row.debit), Some(row.credit), row.amount);
        require!(RoundExact, found == due, "transfer {} moves {found:?}, not {due:?}", row.id);
        let done = if row.kind == FEE { &mut settlement.is_fee_taken } else { &mut settlement.is_merged };
        require!(Once, !*done, "transfer {} is the second of its kind for one round", row.id);
        *done = true;
        Ok(())
    }

    /// What a client must have sent for this entry.
    pub(super) fn content_of(&self, row: &EntryRow) -> Option<Content> {
        let address = self.seen.wallets.get(&row.wallet)?.as_slice();
        Some(Content {
            round: Round::from_key(row.round)?,
            side: Side::from_code(row.side).ok()?,
            bucks: row.bucks,
            wallet: Address::from_bytes(address.try_into().ok()?),
        })
    }
}
