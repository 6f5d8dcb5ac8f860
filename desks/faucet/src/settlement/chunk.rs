//! One transaction of a settlement: some players decided, their accruals reserved, their payouts accepted.

use bursar_keys::KeyId;
use bursar_ledger::Book;
use bursar_payouts::{IdempotencyKey, IntentId, PayoutOrder};
use bursar_store::lease::Lease;
use bursar_store::{StoreError, Timestamp, Tx};

use super::cycle::{Cycle, SettlementParts, Skipped};
use super::load::{Candidate, candidates};
use super::save::{Decided, save};
use crate::adoption::{MARK, paid_from_suspense};
use crate::mode::Mode;
use crate::money::Accounts;
use crate::policy::{CapTerms, damaged, unusable_caps};
use crate::record::{PAYOUTS, Payout};
use crate::rules::ban::BanError;
use crate::rules::caps::CapStatus;
use crate::rules::payout_state::{PayoutState, dry_run_hash};
use crate::rules::settlement::{Candidate as Terms, NewPayout, Settlement, decide};
use crate::settings::Values;
use crate::{CLOCK, DESK};

/// The finding of payouts that nothing can hold.
pub const REFUSED: &str = "settlement.refused";
/// What it says.
pub const UNPAYABLE: &str = "payouts of so many players are more than can be paid at once, or the wallet's key does not pay them; \
                         the log says why, and their accruals stay open";

/// Some players of a cycle.
pub struct Chunk<'a> {
    pub parts: &'a SettlementParts,
    pub lease: &'a Lease,
    pub dry_run: bool,
}

/// What a look at some players found.
#[derive(Default)]
struct Looked {
    payable: Vec<(Candidate, NewPayout)>,
    /// Players that it came to.
    candidates: u64,
    /// Whom it ended with, as there was no room for more.
    last: Option<i64>,
    /// Players whose payout cannot be counted.
    refused: u64,
}

impl Chunk<'_> {
    /// Settles `users` in their order until `room` payouts are decided. Does nothing when the mode has changed since the
    /// cycle began.
    pub fn settle(&self, tx: &mut Tx<'_>, users: &[i64], room: usize) -> Result<Cycle, StoreError> {
        self.lease.check(tx)?;
        let now = tx.open_clock(CLOCK)?;
        let mode = Mode::locked(tx, &self.parts.switchboard, &self.parts.policy, now)?;
        if let Some(skipped) = self.outdated(mode) {
            return Ok(Cycle { skipped: Some(skipped), ..Cycle::default() });
        }
        let live = Values::read(tx)?;
        let terms = self.parts.policy.cap_terms(&live, now).map_err(|error| unusable_caps(&error))?;
        // The wallet is locked before accounts, and those before tallies, as the payouts room does when it tells of an end.
        let purse = match self.dry_run {
            true => None,
            false => match self.purse(tx)? {
                Ok(purse) => Some(purse),
                Err(skipped) => return Ok(Cycle { skipped: Some(skipped), ..Cycle::default() }),
            },
        };
        let loaded = candidates(tx, users, self.dry_run, terms.since())?;
        let Looked { payable, candidates, last, refused: uncountable } = self.look(loaded, terms, room);
        // Whoever comes after the last that there was room for waits for the next turn.
        let of_last = last.and_then(|last| users.iter().position(|user| *user == last));
        let looked_at = of_last.map_or(users.len(), |at| at.saturating_add(1));
        let mut cycle = Cycle { candidates, looked_at, ..Cycle::default() };
        let decided = self.number(tx, payable, now)?;
        let (accepted, refused) = match (self.dry_run, purse) {
            (true, _) => (decided, 0),
            (false, Some(purse)) => self.accept(tx, purse, decided, now)?,
            (false, None) => (Vec::new(), 0),
        };
        cycle.refused = uncountable + refused;
        for paid in &accepted {
            cycle.payouts += 1;
            cycle.accruals += count(paid.new.selection.taken.len());
            cycle.made.push((paid.payout.amount, paid.candidate.user.region_code.clone()));
        }
        save(tx, accepted, self.dry_run, now)?;
        tx.close_clock(CLOCK, now)?;
        Ok(cycle)
    }

    /// Why nothing may be settled, though the cycle began.
    fn outdated(&self, mode: Mode) -> Option<Skipped> {
        let has_changed = (mode.dry_run != self.dry_run).then_some(Skipped::ModeChanged);
        mode.payouts_halted.then_some(Skipped::Halted).or(has_changed)
    }

    /// The accounts that payouts are made from, locked, or why there are none: the operator's wallet is not there, or
    /// stands still.
    fn purse(&self, tx: &mut Tx<'_>) -> Result<Result<(Book, Accounts), Skipped>, StoreError> {
        let payouts = &self.parts.payouts;
        let Some(wallet) = payouts.lock_wallet(tx, &self.parts.operator)? else {
            return Ok(Err(Skipped::NoWallet));
        };
        if !payouts.is_paying(tx, &wallet)? {
            return Ok(Err(Skipped::WalletStill));
        }
        let mut book = Book::default();
        let accounts = Accounts::load_with(tx, &mut book, &[wallet.account])?;
        Ok(Ok((book, accounts)))
    }

    /// Whom to pay what, at most `room` of them.
    fn look(&self, loaded: Vec<Candidate>, terms: CapTerms, room: usize) -> Looked {
        let mut looked = Looked::default();
        for candidate in loaded {
            looked.candidates += 1;
            let used = terms.used(&candidate.recent);
            let status = CapStatus::new(terms.caps, used, candidate.tally.holdings.open);
            let open = candidate.open_accruals();
            let person = Terms {
                eligibility: candidate.user.eligibility,
                address: candidate.address.as_deref(),
                allowed_kills: status.allowed_kills(terms.mode),
                open: &open,
            };
            match decide(&person, self.parts.policy.minimum).and_then(sendable) {
                Ok(Settlement::Skip(_)) => {}
                Ok(Settlement::Pay(new)) => {
                    let user = candidate.user.id;
                    looked.payable.push((candidate, new));
                    if looked.payable.len() >= room {
                        looked.last = Some(user);
                        break;
                    }
                }
                // One player's payout that cannot be counted is nobody else's concern.
                Err(error) => {
                    tracing::error!(player = candidate.user.id, %error, "a payout would be more than can be paid");
                    looked.refused += 1;
                }
            }
        }
        looked
    }

    /// The payouts to make, each with its number.
    fn number(
        &self,
        tx: &mut Tx<'_>,
        payable: Vec<(Candidate, NewPayout)>,
        now: Timestamp,
    ) -> Result<Vec<Decided>, StoreError> {
        if payable.is_empty() {
            return Ok(Vec::new());
        }
        let first = tx.allocate(PAYOUTS, i64::try_from(payable.len()).unwrap_or(i64::MAX))?;
        let numbered = (first..).zip(payable);
        Ok(numbered.map(|(id, (candidate, new))| self.payout(id, candidate, new, now)).collect())
    }

    fn payout(&self, id: i64, candidate: Candidate, new: NewPayout, now: Timestamp) -> Decided {
        let payout = Payout {
            id,
            user_id: candidate.user.id,
            dry_run: self.dry_run,
            address: new.address.clone(),
            kills: new.selection.total.kills,
            amount: new.selection.total.amount,
            tx_hash: self.dry_run.then(|| dry_run_hash(id)),
            state: if self.dry_run { PayoutState::Confirmed } else { PayoutState::Created },
            error_detail: None,
            idempotency_key: new.idempotency_key.clone(),
            intent: None,
            attempt_count: 1,
            first_attempt_at: Some(now),
            last_attempt_at: Some(now),
            next_attempt_at: None,
            created_at: now,
        };
        Decided { candidate, new, payout }
    }

    /// Brings the payouts to the payouts room, in this transaction: those that are made, and how many it refuses. What is
    /// not made leaves its accruals open.
    fn accept(
        &self,
        tx: &mut Tx<'_>,
        (mut book, accounts): (Book, Accounts),
        decided: Vec<Decided>,
        now: Timestamp,
    ) -> Result<(Vec<Decided>, u64), StoreError> {
        if decided.is_empty() {
            return Ok((decided, 0));
        }
        let orders: Result<Vec<PayoutOrder>, StoreError> =
            decided.iter().map(|paid| order(paid, &self.parts.operator, accounts)).collect();
        let prepared = self.parts.payouts.prepare(tx, &mut book, &orders?, now)?;
        book.number(tx)?;
        book.write(tx, now)?;
        let replies = self.parts.payouts.save(tx, &book, prepared, &self.parts.recorder, now)?;
        let (mut accepted, mut refused) = (Vec::with_capacity(decided.len()), 0);
        for (mut paid, reply) in decided.into_iter().zip(replies) {
            match reply {
                Ok(intent) => {
                    paid.payout.intent = Some(intent.id.0);
                    paid.payout.state = PayoutState::of_intent(intent.state, false);
                    if intent.is_new || self.is_brought_back(tx, &mut paid.payout, now)? {
                        accepted.push(paid);
                    }
                }
                Err(rejection) => {
                    tracing::warn!(payout = paid.payout.id, %rejection, "payout not accepted; accruals stay open");
                    refused += 1;
                }
            }
        }
        Ok((accepted, refused))
    }

    /// Numbers go back with a restore, so the very same order may have been given since the backup, and be known from the
    /// journal alone: then it is this payout. One that has failed is not, and its number is used up.
    fn is_brought_back(
        &self,
        tx: &mut Tx<'_>,
        payout: &mut Payout,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let Some(intent) = payout.intent.filter(|_| payout.state != PayoutState::Failed) else {
            tracing::warn!(
                payout = payout.id,
                "the same order failed before the restore; another is given next"
            );
            return Ok(false);
        };
        payout.error_detail = Some(MARK.to_owned());
        let wallet = self.parts.payouts.wallet(tx, &self.parts.operator)?;
        let shown = self.parts.payouts.payout(tx, IntentId(intent))?;
        let (Some(wallet), Some(shown)) = (wallet, shown) else {
            return Err(StoreError::Decode(format!(
                "payout {intent} was accepted and can't be read, or its wallet"
            )));
        };
        payout.tx_hash = shown.paying().map(|attempt| attempt.transaction.to_string());
        if payout.state == PayoutState::Confirmed {
            let mut book = Book::default();
            let accounts = Accounts::load_with(tx, &mut book, &[wallet.suspense])?;
            paid_from_suspense(&mut book, &accounts, wallet.suspense, payout)?;
            book.number(tx)?;
            book.write(tx, now)?;
        }
        Ok(true)
    }
}

/// A payout that the chain's base units can hold.
fn sendable(settlement: Settlement) -> Result<Settlement, BanError> {
    if let Settlement::Pay(new) = &settlement {
        new.selection.total.amount.to_raw()?;
    }
    Ok(settlement)
}

/// The number of the payout is part of the key: once a payout has failed, its accruals may be paid by another. That they
/// are paid once is kept by their reservation in this very transaction.
fn order(paid: &Decided, wallet: &KeyId, accounts: Accounts) -> Result<PayoutOrder, StoreError> {
    let Decided { payout, .. } = paid;
    let key = format!("faucet/{}/{}/{}", payout.user_id, payout.idempotency_key, payout.id);
    let key = IdempotencyKey::parse(&key);
    Ok(PayoutOrder {
        desk: DESK,
        wallet: wallet.clone(),
        key: key.map_err(|error| StoreError::Decode(format!("payout key: {error}")))?,
        destination: bursar_chain::Address::from_canonical(payout.address.clone()),
        amount: payout.amount.to_raw().map_err(damaged)?,
        debit: accounts.owed,
        reference: payout.id,
        reason: format!("{} kills of player {}", payout.kills, payout.user_id),
    })
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
