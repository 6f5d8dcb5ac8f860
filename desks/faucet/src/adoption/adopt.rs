//! One payment that the records lack, in one transaction: whose it was, what it paid, and everything that follows.

use bursar_access::Cleared;
use bursar_audit::{Actor, Event, Level, Target};
use bursar_ledger::{AccountId, Book};
use bursar_payouts::IntentId;
use bursar_store::{StoreError, Tx};
use serde_json::{Value, json};

use super::{Adoption, MARK, Payment, Report, Turn, Verdict, find};
use crate::DESK;
use crate::money::{ADOPTED, Accounts, REVALUED};
use crate::policy::damaged;
use crate::record::{ACCRUALS, Accrual, PAYOUTS, Payout, Tally, Totals, User, WalletLink};
use crate::rules::adoption::{Cover, Paid, Part, cover};
use crate::rules::ban::BanE8;
use crate::rules::holdings::AccrualState;
use crate::rules::payout_state::PayoutState;
use crate::rules::settlement::idempotency_key;
use crate::settlement::{Candidate, candidates};

/// What became of a payment, and whether anything was written for it.
pub(super) struct Looked {
    pub verdict: Verdict,
    pub is_changed: bool,
}

impl From<Verdict> for Looked {
    /// Of a payment for which nothing was written.
    fn from(verdict: Verdict) -> Looked {
        Looked { verdict, is_changed: false }
    }
}

impl Adoption<'_> {
    /// Records the payment, or says why not; then nothing is written but payouts that were taken back.
    pub(super) fn adopt(
        &self,
        tx: &mut Tx<'_>,
        turn: &Turn,
        payment: &Payment,
    ) -> Result<Looked, StoreError> {
        let Some(payment) = &find::anew(tx, self, payment)? else {
            return Ok(Verdict::Known.into());
        };
        let amount = match BanE8::from_raw_floor(payment.raw) {
            Ok((amount, rest)) if rest.is_zero() && !amount.is_zero() => amount,
            Ok(_) | Err(_) => return Ok(Verdict::NotWhole.into()),
        };
        let player = match player(tx, turn, payment)? {
            Ok(player) => player,
            Err(verdict) => return Ok(verdict.into()),
        };
        let mut taken_back = Vec::new();
        let (candidate, covered) = self.cover(tx, turn, payment, (player, amount), &mut taken_back)?;
        let (Some(candidate), Cover::Paid(paid)) = (candidate, &covered) else {
            let missing = if let Cover::Short(missing) = covered { missing } else { amount };
            let rate = Accrual::newest_rate(tx, player, false)?;
            let kills = rate.map(|rate| missing.units().div_ceil(rate.units()));
            let is_changed = !taken_back.is_empty();
            if is_changed {
                let event = self.taken_back(turn, payment, player, &taken_back);
                self.recorder.record(tx, &[event], turn.now)?;
            }
            return Ok(Looked { verdict: Verdict::WaitsForKills { player, missing, kills }, is_changed });
        };
        let payout = save(tx, turn, payment, candidate, paid)?;
        if let Some(intent) = payment.intent {
            // Whatever becomes of it, its payout follows.
            self.payouts.refer(tx, intent, payout.id)?;
        }
        self.recorder.record(tx, &[self.adopted(turn, payment, &payout)], turn.now)?;
        let verdict = Verdict::Adopted { player, payout: payout.id, kills: payout.kills, amount };
        Ok(Looked { verdict, is_changed: true })
    }

    /// What of the player's accruals the payment paid. A payout that waited in the backup was this payment if it says the
    /// same; otherwise it is taken back as far as open accruals do not reach. Notes what was taken back.
    fn cover(
        &self,
        tx: &mut Tx<'_>,
        turn: &Turn,
        payment: &Payment,
        (player, amount): (i64, BanE8),
        taken_back: &mut Vec<i64>,
    ) -> Result<(Option<Candidate>, Cover), StoreError> {
        let under_way = Payout::under_way(tx, player)?;
        let waits = |payout: &Payout| matches!(payout.state, PayoutState::Created | PayoutState::Held);
        let waiting: Vec<&Payout> = under_way.iter().filter(|payout| waits(payout)).collect();
        let same = waiting.iter().find(|payout| payout.address == payment.to && payout.amount == amount);
        if let Some(same) = same {
            let rows: Vec<i64> = Accrual::of_payouts(tx, &[same.id])?.iter().map(|row| row.id).collect();
            if self.take_back(tx, turn, same, payment)? {
                taken_back.push(same.id);
                return covered(tx, turn, player, amount, |row| rows.contains(&row));
            }
        }
        let (candidate, open) = covered(tx, turn, player, amount, |_| true)?;
        let Cover::Short(missing) = open else { return Ok((candidate, open)) };
        let reserved = BanE8::sum(waiting.iter().map(|payout| payout.amount)).map_err(damaged)?;
        if reserved < missing || waiting.is_empty() {
            return Ok((candidate, open));
        }
        for payout in waiting {
            if self.take_back(tx, turn, payout, payment)? {
                taken_back.push(payout.id);
            }
        }
        covered(tx, turn, player, amount, |_| true)
    }

    /// Takes back a payout for which nothing was signed here: its accruals are open again, and its money is owed.
    fn take_back(
        &self,
        tx: &mut Tx<'_>,
        turn: &Turn,
        payout: &Payout,
        payment: &Payment,
    ) -> Result<bool, StoreError> {
        let Some(intent) = payout.intent else { return Ok(false) };
        let why = match payment.state {
            PayoutState::Confirmed => "the chain shows that it was paid before the restore",
            _ => "the journal shows that it was signed before the restore",
        };
        let by = self.audited();
        let done = self.payouts.cancel_as_paid(tx, IntentId(intent), &by, why, self.recorder, turn.now)?;
        Ok(done.is_ok_and(bursar_payouts::IntentState::is_ended))
    }

    fn audited(&self) -> Actor {
        Actor { kind: "operator", id: self.actor.audit_id() }
    }

    fn adopted(&self, turn: &Turn, payment: &Payment, payout: &Payout) -> Event {
        let mut payload = json!({
            "reason": self.reason, "transaction": payment.transaction, "to": payment.to,
            "player": payout.user_id, "kills": payout.kills, "ban": payout.amount,
            "raw": payment.raw.to_string(), "intent": payout.intent, "state": payout.state.word(),
        });
        approved(&mut payload, turn);
        self.event("faucet.payment_adopted", ("payout", payout.id.to_string()), &payload)
    }

    /// The audit row of payouts that were taken back for a payment which is not covered all the same.
    fn taken_back(&self, turn: &Turn, payment: &Payment, player: i64, payouts: &[i64]) -> Event {
        let mut payload = json!({
            "reason": self.reason, "transaction": payment.transaction, "to": payment.to, "payouts": payouts,
            "raw": payment.raw.to_string(),
        });
        approved(&mut payload, turn);
        self.event("faucet.payouts_taken_back", ("player", player.to_string()), &payload)
    }

    /// The audit row of an adoption that left nothing.
    pub(super) fn completed(&self, turn: &Turn, report: &Report) -> Event {
        let mut payload = json!({ "reason": self.reason, "payments": report.payments.len() });
        approved(&mut payload, turn);
        self.event("faucet.payments_complete", ("wallet", self.operator.to_string()), &payload)
    }

    fn event(&self, name: &'static str, (kind, id): (&'static str, String), payload: &Value) -> Event {
        Event {
            level: Level::Warn,
            desk: DESK,
            name,
            actor: self.audited(),
            target: Target { kind, id },
            request_id: None,
            correlation_id: None,
            payload: payload.to_string(),
        }
    }
}

/// Adds with whose approval it is done; the first row under it names who gave it.
fn approved(payload: &mut Value, turn: &Turn) {
    if let Some(Cleared { approval, approvers, .. }) = turn.admission.as_ref().map(|one| one.cleared()) {
        payload["approval"] = json!(approval.or(turn.continued));
        payload["approvers"] = json!(approvers);
    }
}

/// Whose address it went to: a link of the time before the wallet was matched, primary or not. Kills of whoever linked it
/// since are counted from then on, so that none of them was paid before. Where the lost order names a player, it paid
/// nobody else: whoever has the address here earned other kills.
fn player(tx: &mut Tx<'_>, turn: &Turn, payment: &Payment) -> Result<Result<i64, Verdict>, StoreError> {
    let links = WalletLink::of_address(tx, &payment.to)?;
    let old = links.iter().filter(|link| link.is_verified && link.id <= turn.lost.hole.link);
    let mut players: Vec<i64> = old.map(|link| link.user_id).collect();
    players.sort_unstable();
    players.dedup();
    Ok(match (payment.named, players.as_slice()) {
        (Some(named), players) if players.contains(&named) => Ok(named),
        (Some(_), _) | (None, []) => Err(Verdict::NoPlayer),
        (None, [player]) => Ok(*player),
        (None, _) => Err(Verdict::SeveralPlayers(players)),
    })
}

/// The player, locked, with what of their open accruals the payment paid out of those whose ids pass.
fn covered(
    tx: &mut Tx<'_>,
    turn: &Turn,
    player: i64,
    amount: BanE8,
    passes: impl Fn(i64) -> bool,
) -> Result<(Option<Candidate>, Cover), StoreError> {
    let Some(candidate) = candidates(tx, &[player], false, turn.now)?.pop() else {
        return Ok((None, Cover::Short(amount)));
    };
    let mut open = candidate.open_accruals();
    open.retain(|row| passes(row.id));
    let covered = cover(&open, amount).map_err(damaged)?;
    Ok((Some(candidate), covered))
}

/// Writes the payout, its accruals, all sums and the book.
fn save(
    tx: &mut Tx<'_>,
    turn: &Turn,
    payment: &Payment,
    mut candidate: Candidate,
    paid: &Paid,
) -> Result<Payout, StoreError> {
    let mut book = Book::default();
    let accounts = Accounts::load_with(tx, &mut book, &[turn.wallet.suspense])?;
    let id = tx.allocate(PAYOUTS, 1)?;
    let taken = Taken { payout: id, state: payment.state.accruals() };
    let mut rows = Rows { open: &candidate.open, kept: Vec::new(), new: Vec::new() };
    for part in &paid.settled {
        rows.add(part, Some(taken), turn)?;
    }
    if let Some(left) = &paid.left {
        rows.add(left, None, turn)?;
    }
    let Rows { kept, mut new, .. } = rows;
    if !new.is_empty() {
        let first = tx.allocate(ACCRUALS, i64::try_from(new.len()).unwrap_or(i64::MAX))?;
        (first..).zip(&mut new).for_each(|(id, row)| row.id = id);
    }
    let paid_for = || kept.iter().chain(&new).filter(|row| row.payout_id.is_some());
    let payout = payout(id, candidate.user.id, payment, paid, paid_for().map(|row| row.id), turn);
    Payout::insert(tx, std::slice::from_ref(&payout), turn.now)?;
    Accrual::update(tx, &kept, turn.now)?;
    Accrual::insert(tx, &new, turn.now)?;
    post(tx, turn, book, accounts, &payout, paid)?;
    let untouched = candidate.open.iter().filter(|row| kept.iter().all(|kept| kept.id != row.id));
    let left = untouched.chain(new.iter().filter(|row| row.state == AccrualState::Open));
    candidate.tally.open_since = left.map(|row| row.created_at).min();
    total(tx, &mut candidate.tally, paid, taken.state)?;
    User::note_settled(tx, &[payout.user_id], turn.now)?;
    Ok(payout)
}

/// What takes an accrual, and how far that is.
#[derive(Clone, Copy)]
struct Taken {
    payout: i64,
    state: AccrualState,
}

/// The accruals that a payment changes and adds.
struct Rows<'a> {
    open: &'a [Accrual],
    kept: Vec<Accrual>,
    new: Vec<Accrual>,
}

impl Rows<'_> {
    /// Adds a part: taken by a payout, or open.
    fn add(&mut self, part: &Part, taken: Option<Taken>, turn: &Turn) -> Result<(), StoreError> {
        let whole = self.open.iter().find(|row| row.id == part.accrual_id);
        let whole =
            whole.ok_or_else(|| StoreError::Decode(format!("accrual {} is gone", part.accrual_id)))?;
        let row = Accrual {
            seq: part.seq.unwrap_or(whole.seq),
            kills: part.kills,
            rate: part.rate,
            amount: part.amount().map_err(damaged)?,
            cursor_from: part.cursor_from,
            cursor_to: part.cursor_to,
            state: taken.map_or(AccrualState::Open, |taken| taken.state),
            payout_id: taken.map(|taken| taken.payout),
            settled_at: taken.filter(|taken| taken.state == AccrualState::Settled).map(|_| turn.now),
            ..whole.clone()
        };
        if part.seq.is_some() {
            self.new.push(row)
        } else {
            self.kept.push(row)
        }
        Ok(())
    }
}

fn payout(
    id: i64,
    player: i64,
    payment: &Payment,
    paid: &Paid,
    accruals: impl Iterator<Item = i64>,
    turn: &Turn,
) -> Payout {
    let at = payment.paid_at.min(turn.now);
    Payout {
        id,
        user_id: player,
        dry_run: false,
        address: payment.to.clone(),
        kills: paid.total.kills,
        amount: paid.total.amount,
        tx_hash: Some(payment.transaction.clone()).filter(|transaction| !transaction.is_empty()),
        state: payment.state,
        error_detail: Some(MARK.to_owned()),
        idempotency_key: idempotency_key(accruals),
        intent: payment.intent.map(|intent| intent.0),
        attempt_count: 1,
        first_attempt_at: Some(at),
        last_attempt_at: Some(at),
        next_attempt_at: None,
        created_at: at,
    }
}

/// Books what the payment changes in what is owed; of one that is final, also that it was paid.
fn post(
    tx: &mut Tx<'_>,
    turn: &Turn,
    mut book: Book,
    accounts: Accounts,
    payout: &Payout,
    paid: &Paid,
) -> Result<(), StoreError> {
    let accrual = paid.settled.last().map_or(0, |part| part.accrual_id);
    let (amount, worth) = (paid.total.amount, paid.worth);
    let revalued = match (amount.minus(worth), worth.minus(amount)) {
        (Ok(more), _) => (accounts.expense, accounts.owed, more),
        (Err(_), less) => (accounts.owed, accounts.expense, less.map_err(damaged)?),
    };
    if !revalued.2.is_zero() {
        let raw = revalued.2.to_raw().map_err(damaged)?;
        let posted = book.transfer(revalued.0, revalued.1, raw, REVALUED, accrual);
        posted.map_err(|refusal| StoreError::Decode(format!("payout {}: {refusal}", payout.id)))?;
    }
    if payout.state == PayoutState::Confirmed {
        paid_from_suspense(&mut book, &accounts, turn.wallet.suspense, payout)?;
    }
    book.number(tx)?;
    book.write(tx, turn.now)
}

/// What was owed was paid: the wallet's suspense account was debited for it when the wallet was matched, or when the payout
/// that the journal brought back became final. The accounts are loaded in the book.
pub(crate) fn paid_from_suspense(
    book: &mut Book,
    accounts: &Accounts,
    suspense: AccountId,
    payout: &Payout,
) -> Result<(), StoreError> {
    let refused =
        |refusal: &dyn std::fmt::Display| StoreError::Decode(format!("payout {}: {refusal}", payout.id));
    let suspense = book.slot(suspense).ok_or_else(|| refused(&"no suspense account"))?;
    let raw = payout.amount.to_raw().map_err(damaged)?;
    let posted = book.transfer(accounts.owed, suspense, raw, ADOPTED, payout.id);
    posted.map(|_| ()).map_err(|refusal| refused(&refusal))
}

/// Moves the player's totals and everybody's from open to what the payment has made of it.
fn total(tx: &mut Tx<'_>, tally: &mut Tally, paid: &Paid, state: AccrualState) -> Result<(), StoreError> {
    let (amount, worth) = (paid.total.amount, paid.worth);
    let revalue = |sum: BanE8| sum.plus(amount).and_then(|sum| sum.minus(worth)).map_err(damaged);
    tally.holdings.open.amount = revalue(tally.holdings.open.amount)?;
    tally.holdings = tally.holdings.shift(paid.total, AccrualState::Open, state).map_err(damaged)?;
    Tally::save(tx, [&*tally])?;
    let mut totals = Totals::locked(tx, false)?;
    totals.accrued = revalue(totals.accrued)?;
    totals.open = totals.open.minus(worth).map_err(damaged)?;
    let sum = if state == AccrualState::Settled { &mut totals.paid } else { &mut totals.reserved };
    *sum = sum.plus(amount).map_err(damaged)?;
    totals.save(tx, false)
}
