//! Writing attempts down in the journal before they leave, and taking over from it what the records lack.

use bursar_chain::{Address, Attempt, Slot, TransactionId};
use bursar_keys::KeyId;
use bursar_money::Amount;
use bursar_store::fault::Step;
use bursar_store::lease::Lease;
use bursar_store::{StoreError, Timestamp, Tx};

use super::{Sender, Turn};
use crate::case::{Case, Particulars, payment_order};
use crate::journal::{IntentFacts, Page, ReceiptFacts, Record};
use crate::life::{AttemptKind, AttemptState, Event, Wish};
use crate::outside::recovered_key;
use crate::receipts::{Receipt, ReceiptState};
use crate::sql::attempts::{self, AttemptRow};
use crate::sql::intents::{self, IntentRow};
use crate::sql::journals::{self, JournalRow};
use crate::wallet::{UNMATCHED_MARK, Wallet};
use crate::{IntentId, IntentState, sql};

/// Lines of the journal that one transaction compares.
pub(crate) const LINES: usize = 256;

impl Sender {
    /// Writes the attempt down outside the database. Without that it does not leave.
    pub(super) fn note_in_journal(&self, attempt: &AttemptRow) -> Result<(), StoreError> {
        let Some(journal) = &self.payouts.parts.journal else { return Ok(()) };
        self.payouts.fault("payouts.journal", Step::Begin)?;
        let record = self.payouts.parts.store.read("payouts.journal_facts", |tx| record_of(tx, attempt))?;
        journal.append(&record).map_err(|error| {
            StoreError::Unavailable(format!(
                "the journal of payouts cannot be written, so nothing leaves: {error}"
            ))
        })?;
        self.payouts.fault("payouts.journal", Step::Committed)
    }

    /// Compares what the journal holds since the last time with the records, and takes over what they lack
    /// (RESTORE-NEVER-REPAYS); `None` = it holds nothing new.
    pub(super) fn read_journal(&self, lease: &Lease) -> Result<Option<Turn>, StoreError> {
        let Some(journal) = &self.payouts.parts.journal else { return Ok(None) };
        let store = &self.payouts.parts.store;
        let rows = store.read("payouts.journals", |tx| journals::of_wallet(tx, &self.wallet))?;
        let row = rows.into_iter().find(|row| row.journal == journal.id());
        let row = row.unwrap_or_else(|| JournalRow::unread(journal.id()));
        let position = u64::try_from(row.position).unwrap_or(0);
        if position > journal.length().map_err(unreadable)? {
            return self.read_anew(lease, journal.id()).map(Some);
        }
        let page = journal.page(position, LINES).map_err(unreadable)?;
        if page.next == position && page.damaged == 0 {
            return Ok(None);
        }
        store.transact("payouts.import", |tx| {
            lease.check(tx)?;
            let now = tx.reading()?;
            let wallet = self.locked(tx)?;
            // A line that cannot be read may be a payment: from then on the journal is not known to be whole.
            let is_known = row.is_known && page.damaged == 0;
            journals::put(tx, &self.wallet, &JournalRow { is_known, ..row.at(page.next) })?;
            self.take_over(tx, wallet, &page, now)
        })?;
        Ok(Some(self.worked()))
    }

    /// The journal was cut short: it is compared from its beginning, and an operator has to look.
    fn read_anew(&self, lease: &Lease, journal: &str) -> Result<Turn, StoreError> {
        let why = "the journal is shorter than it was when it was last compared";
        tracing::error!(wallet = %self.wallet, why, "a wallet is not matched with its chain");
        self.payouts.parts.store.transact("payouts.unmatch", |tx| {
            lease.check(tx)?;
            let now = tx.reading()?;
            let mut wallet = self.locked(tx)?;
            wallet.distrust(why.to_owned(), now);
            wallet.restored_mark = UNMATCHED_MARK;
            journals::put(tx, &self.wallet, &JournalRow::unread(journal))?;
            self.note_distrust(tx, &wallet, &serde_json::json!({ "journal": why }), now)
        })?;
        Ok(self.worked())
    }

    fn take_over(
        &self,
        tx: &mut Tx<'_>,
        wallet: Wallet,
        page: &Page,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut missing = Vec::new();
        for record in page.records.iter().filter(|record| record.wallet == self.wallet.as_str()) {
            let id = TransactionId::from_canonical(record.transaction.clone());
            if attempts::by_transaction(tx, &id)?.is_none() {
                self.import(tx, &wallet, record, now)?;
                missing.push(record.transaction.as_str());
            }
        }
        // What was imported may have changed the wallet's row.
        let mut wallet = self.locked(tx)?;
        if !missing.is_empty() {
            let count = missing.len();
            wallet.distrust(format!("{count} transactions were missing here and came from the journal"), now);
            // The records are older than the journal, whoever put them back and whether or not anybody told: another journal
            // may know more.
            wallet.doubt_records();
            while self.payouts.hold_back(tx, &wallet, &self.hand(now))? {}
        }
        if page.damaged > 0 {
            let count = page.damaged;
            wallet.distrust(
                format!("{count} lines of the journal cannot be read; an operator has to look"),
                now,
            );
            wallet.restored_mark = UNMATCHED_MARK;
        }
        if missing.is_empty() && page.damaged == 0 {
            return Ok(());
        }
        let seen = serde_json::json!({ "missing": missing, "damagedLines": page.damaged });
        self.note_distrust(tx, &wallet, &seen, now)
    }

    /// Takes one attempt over: to its intent if that is known, else with the intent.
    fn import(
        &self,
        tx: &mut Tx<'_>,
        wallet: &Wallet,
        record: &Record,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut row = row_of(record, &self.wallet, now)?;
        let Some(facts) = &record.intent else { return self.import_receipt(tx, &mut row, record, now) };
        let known = intents::by_key(tx, &[(&facts.desk, &facts.key)])?.into_iter().next();
        let request_hash = hex::decode(&facts.request_hash).map_err(|error| damaged(&error))?;
        let intent = match known {
            Some(known) if !known.state.is_ended() && known.request_hash == request_hash => known.id,
            // Its key is another order's by now, or that of one that is over: what was paid is no part of that.
            known => recover(tx, wallet, facts, record, known.is_some(), now)?,
        };
        let case = Case::under(tx, wallet.clone(), intent)?;
        let mut case = case.ok_or_else(|| StoreError::Decode(format!("payout {intent} is gone")))?;
        row.intent = Some(intent);
        if row.kind == AttemptKind::Payment {
            // It left, so it counts against the limits, above them if need be.
            let order = payment_order(&case.intent);
            self.payouts.parts.keystore.charge_recovered(tx, &order, row.signed_at, now)?;
        }
        let (id, slot, kind) = (row.transaction.id.clone(), row.transaction.slot.clone(), row.kind);
        let event = Event::Import { id, slot, kind };
        let particulars = Particulars::why("found in the journal");
        let done = self.payouts.change(tx, &mut case, event, Some(row), particulars, &self.hand(now))?;
        bursar_store::invariant!(
            done.is_ok(),
            "payout {intent}: what the journal holds cannot be taken over"
        );
        Ok(())
    }

    fn import_receipt(
        &self,
        tx: &mut Tx<'_>,
        row: &mut AttemptRow,
        record: &Record,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        attempts::insert(tx, row)?;
        let Some(facts) = &record.receipt else { return Ok(()) };
        if let Some(known) = sql::receipts::by_source(tx, &self.wallet, &facts.source)? {
            return match known.state {
                ReceiptState::Accepting => {
                    sql::receipts::update(tx, &Receipt { attempt: Some(row.id), ..known })
                }
                ReceiptState::Suspense | ReceiptState::Assigned => Ok(()),
            };
        }
        let mut receipt = Receipt {
            id: 0,
            wallet: self.wallet.clone(),
            source: facts.source.clone(),
            sender: facts.sender.clone(),
            amount: amount_of(&facts.amount)?,
            attempt: Some(row.id),
            state: ReceiptState::Accepting,
            assigned_to: None,
            seen_at: now,
            ended_at: None,
        };
        sql::receipts::insert(tx, &mut receipt)
    }
}

/// The journal cannot be read now.
pub(crate) fn unreadable(error: std::io::Error) -> StoreError {
    StoreError::Unavailable(format!("the journal of payouts: {error}"))
}

/// An intent that the records lack, without a hold. Its key is its own again, so that whoever gives the order anew gets
/// this one; unless an intent that is over, or another order's, has the key.
fn recover(
    tx: &mut Tx<'_>,
    wallet: &Wallet,
    facts: &IntentFacts,
    record: &Record,
    is_taken: bool,
    now: Timestamp,
) -> Result<IntentId, StoreError> {
    let digest = blake3::hash(record.transaction.as_bytes()).to_hex();
    let key = if is_taken { recovered_key(&facts.key, &digest) } else { facts.key.clone() };
    let mut public_id = uuid::Uuid::parse_str(&facts.public_id).map_err(|error| damaged(&error))?;
    if intents::by_public_id(tx, public_id)?.is_some() {
        let mut random = [0; 10];
        random.copy_from_slice(&blake3::hash(record.transaction.as_bytes()).as_bytes()[..10]);
        let ms = u64::try_from(now.ms()).unwrap_or(0);
        public_id = uuid::Builder::from_unix_timestamp_millis(ms, &random).into_uuid();
    }
    let id = IntentId(tx.allocate(intents::INTENTS, 1)?);
    let row = IntentRow {
        id,
        public_id,
        desk: facts.desk.clone(),
        wallet: wallet.name.clone(),
        destination: Address::from_canonical(facts.destination.clone()),
        amount: amount_of(&facts.amount)?,
        asset: wallet.asset,
        reference: facts.reference,
        reason: facts.reason.clone(),
        key,
        request_hash: hex::decode(&facts.request_hash).map_err(|error| damaged(&error))?,
        state: IntentState::Accepted,
        why: String::new(),
        // Nothing is held for it, so it gets no further attempt.
        wish: Wish::GiveUp,
        hold: None,
        attempts: 0,
        created_at: Timestamp::from_ms(facts.created_at_ms),
        next_at: None,
        broadcast_at: None,
        stuck_at: None,
        changed_at: now,
        ended_at: None,
    };
    intents::insert(tx, &[row])?;
    Ok(id)
}

fn record_of(tx: &mut Tx<'_>, attempt: &AttemptRow) -> Result<Record, StoreError> {
    let intent = match attempt.intent {
        Some(id) => intents::by_id(tx, id)?.map(|row| IntentFacts {
            public_id: row.public_id.to_string(),
            desk: row.desk,
            key: row.key,
            request_hash: hex::encode(row.request_hash),
            destination: row.destination.to_string(),
            amount: row.amount.to_string(),
            reference: row.reference,
            reason: row.reason,
            created_at_ms: row.created_at.ms(),
        }),
        None => None,
    };
    let receipt = match attempt.kind {
        AttemptKind::Receipt => sql::receipts::by_attempt(tx, &attempt.wallet, attempt.id)?,
        AttemptKind::Payment | AttemptKind::Freeing => None,
    };
    Ok(Record {
        transaction: attempt.transaction.id.to_string(),
        slot: attempt.transaction.slot.to_string(),
        bytes: hex::encode(&attempt.transaction.bytes),
        fee_max: attempt.transaction.fee_max.to_string(),
        kind: attempt.kind.name().to_owned(),
        wallet: attempt.wallet.to_string(),
        signed_at_ms: attempt.signed_at.ms(),
        intent,
        receipt: receipt.map(|row| ReceiptFacts {
            source: row.source,
            sender: row.sender,
            amount: row.amount.to_string(),
        }),
    })
}

/// The attempt that a record tells of.
pub(crate) fn row_of(record: &Record, wallet: &KeyId, now: Timestamp) -> Result<AttemptRow, StoreError> {
    let kind = AttemptKind::from_name(&record.kind).ok_or_else(|| damaged(&"the kind of a transaction"))?;
    Ok(AttemptRow {
        id: 0,
        intent: None,
        wallet: wallet.clone(),
        number: 0,
        kind,
        transaction: Attempt {
            id: TransactionId::from_canonical(record.transaction.clone()),
            slot: Slot::from_canonical(record.slot.clone()),
            fee_max: amount_of(&record.fee_max)?,
            bytes: hex::decode(&record.bytes).map_err(|error| damaged(&error))?,
        },
        state: AttemptState::Signed,
        is_imported: true,
        signed_at: Timestamp::from_ms(record.signed_at_ms),
        first_broadcast_at: None,
        broadcasts: 0,
        next_at: Some(now),
        standing: String::new(),
        evidence: None,
        death_proof: None,
        changed_at: now,
    })
}

fn amount_of(text: &str) -> Result<Amount, StoreError> {
    text.parse().map_err(|_| damaged(&"an amount"))
}

fn damaged(what: &dyn std::fmt::Display) -> StoreError {
    StoreError::Decode(format!("a record of the journal: {what}"))
}
