//! After a restore: payments that the chain, or the journal, shows and the records lack are recorded as paid, so that nobody
//! is paid a second time (docs/spec/faucet.md 3.14).
//!
//! [`Adoption::run`] finds them, records each in a transaction of its own, and puts the findings right once nothing is left.

mod admission;
mod adopt;
mod find;
mod force;
mod refusal;

pub(crate) use adopt::paid_from_suspense;
pub use find::Payment;
pub use force::resumed_by_force;
pub use refusal::Refusal;

use bursar_access::{Actor, Admission, ApprovalId, Draft};
use bursar_audit::Recorder;
use bursar_chain::History;
use bursar_control::{ConfigTable, Switch, Switchboard};
use bursar_keys::KeyId;
use bursar_payouts::{Payouts, Wallet};
use bursar_store::{Store, StoreError, Timestamp, Tx};

use self::find::Lost;
use crate::CLOCK;
use crate::record::Finding;
use crate::rules::ban::BanE8;
use crate::switches::PAYOUTS_HALTED;

/// The finding of a wallet that was matched without its journals.
pub const BLIND: &str = "payout.blind";
/// The finding of payments that the journal brought back without their payouts.
pub const UNKNOWN: &str = "payout.unknown";
/// What stands beside an adopted payout, for administrators.
pub const MARK: &str = "adopted from the chain after a restore";

/// Why payouts stay stopped, and what to do.
pub const STAYS_STOPPED: &str = "Payments from before a restore may be missing here, so that paying on could pay them \
                                 twice. Record them with `bursar faucet adopt-payments --reason TEXT` first";

/// What an adoption ends in: the store's fault outside, the caller's doing inside.
pub type Outcome<T> = Result<Result<T, Refusal>, StoreError>;

/// With what an adoption works, and by whom.
pub struct Adoption<'a> {
    /// The database.
    pub store: &'a Store,
    /// The payouts room.
    pub payouts: &'a Payouts,
    /// Name of the operator's wallet.
    pub operator: &'a KeyId,
    /// The audit chain of this writer.
    pub recorder: &'a Recorder,
    /// Who.
    pub actor: &'a Actor,
    /// Other people's approval, where a policy asks for it. It is used up with the first payment that is recorded; what is
    /// left of the same hole is recorded under it, by the same caller and for the same reason, for a day and as long as no
    /// fewer people approve than the policy asks for; and nothing else.
    pub approval: Option<ApprovalId>,
    /// Where the act is written down instead of being done.
    pub draft: Option<&'a Draft>,
    /// Why: 1 to 200 characters.
    pub reason: &'a str,
    /// Nothing is written.
    pub is_dry_run: bool,
    /// Every send of the account counts as this faucet's, and the search goes down to its first block: where the records know
    /// no block from before the restore, or where those that they know lie above what is missing.
    pub is_whole_history: bool,
}

/// What became of a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It has a payout now.
    Adopted {
        /// Whom it paid.
        player: i64,
        /// The payout.
        payout: i64,
        /// The kills that it paid.
        kills: u64,
        /// How much.
        amount: BanE8,
    },
    /// It has one already.
    Known,
    /// The player's open accruals are worth less.
    WaitsForKills {
        /// Whom it paid.
        player: i64,
        /// How much less.
        missing: BanE8,
        /// How many kills that are, at the player's newest rate; `None` = the player has none.
        kills: Option<u64>,
    },
    /// No player whom it may have paid had linked its address when the wallet was matched.
    NoPlayer,
    /// So many players had, and nothing says which of them it paid.
    SeveralPlayers(Vec<i64>),
    /// It is no whole number of hundred-millionths, so it is no payout of the faucet's.
    NotWhole,
}

impl Verdict {
    /// Whether nothing is left to do about it.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        matches!(self, Verdict::Adopted { .. } | Verdict::Known)
    }
}

/// What an adoption came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Each payment that the records lacked, oldest first.
    pub payments: Vec<(Payment, Verdict)>,
}

impl Report {
    /// Whether nothing is left that the records lack.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.payments.iter().all(|(_, verdict)| verdict.is_settled())
    }
}

/// Whether payments may be missing here, so that paying on could pay them twice.
pub fn is_incomplete(tx: &mut Tx<'_>) -> Result<bool, StoreError> {
    Ok(Finding::is_open(tx, BLIND)? || Finding::is_open(tx, UNKNOWN)?)
}

/// Whether resuming what `switch` stops could pay somebody twice: it stops payouts, and payments may be missing here. Who
/// finds that out meanwhile and halts payouts comes after this transaction, or has come before the look.
pub fn keeps_stopped(tx: &mut Tx<'_>, switch: Switch) -> Result<bool, StoreError> {
    if switch.key != PAYOUTS_HALTED.key {
        return Ok(false);
    }
    Switchboard::take_turn(tx, ConfigTable::FAUCET)?;
    is_incomplete(tx)
}

/// One transaction of an adoption: admitted, in its turn, with the wallet locked.
struct Turn {
    admission: Option<Admission>,
    /// The approval that was used up when this adoption began.
    continued: Option<ApprovalId>,
    wallet: Wallet,
    lost: Lost,
    now: Timestamp,
}

impl Adoption<'_> {
    /// Records what is missing. Asks the chain before any transaction.
    pub fn run(&self, history: &dyn History) -> Outcome<Report> {
        let lost = self.store.read("faucet.lost", find::lost)?;
        let Some(lost) = lost else { return Ok(Ok(Report::default())) };
        if let Err(refusal) = self.store.transact("faucet.adopt", |tx| self.may(tx))? {
            return Ok(Err(refusal));
        }
        let found = match find::payments(self, history, &lost)? {
            Ok(found) => found,
            Err(refusal) => return Ok(Err(refusal)),
        };
        if self.is_dry_run {
            return self.rehearse(&found);
        }
        let mut report = Report::default();
        for payment in found {
            match self.store.transact("faucet.adopt", |tx| self.adopt_one(tx, &payment))? {
                Ok(verdict) => report.payments.push((payment, verdict)),
                Err(refusal) => return Ok(Err(refusal)),
            }
        }
        if report.is_complete() {
            let closed = self.store.transact("faucet.adopted", |tx| self.put_right(tx, &lost, &report))?;
            return Ok(closed.map(|()| report));
        }
        Ok(Ok(report))
    }

    /// Refuses at once whoever would be refused later, before the chain is asked.
    fn may(&self, tx: &mut Tx<'_>) -> Outcome<()> {
        Ok(self.begin(tx)?.map(|_| ()))
    }

    fn begin(&self, tx: &mut Tx<'_>) -> Outcome<Turn> {
        let Some(lost) = find::lost(tx)? else { return Ok(Err(Refusal::Changed)) };
        let (admission, continued) = match self.is_dry_run {
            true => (None, None),
            false => match self.admitted(tx, &lost)? {
                Ok((admission, continued)) => (Some(admission), continued),
                Err(refusal) => return Ok(Err(refusal)),
            },
        };
        let now = tx.open_clock(CLOCK)?;
        let Some(wallet) = self.payouts.lock_wallet(tx, self.operator)? else {
            return Ok(Err(Refusal::NoWallet));
        };
        if !self.payouts.is_paying(tx, &wallet)? {
            return Ok(Err(Refusal::WalletStill(wallet.why)));
        }
        // Whatever changes it takes the desk's turn.
        match find::lost(tx)? == Some(lost) {
            true => Ok(Ok(Turn { admission, continued, wallet, lost, now })),
            false => Ok(Err(Refusal::Changed)),
        }
    }

    fn adopt_one(&self, tx: &mut Tx<'_>, payment: &Payment) -> Outcome<Verdict> {
        let turn = match self.begin(tx)? {
            Ok(turn) => turn,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let looked = self.adopt(tx, &turn, payment)?;
        tx.close_clock(CLOCK, turn.now)?;
        if looked.is_changed {
            self.use_up(tx, turn, false)?;
        }
        Ok(Ok(looked.verdict))
    }

    /// Does everything in one transaction, and takes it back.
    fn rehearse(&self, found: &[Payment]) -> Outcome<Report> {
        let mut rehearsed = None;
        let ended = self.store.transact("faucet.rehearse", |tx| {
            rehearsed = Some(self.shown(tx, found)?);
            // Ends the transaction without a trace.
            Err::<(), _>(StoreError::Decode("a rehearsal leaves no trace".to_owned()))
        });
        match (rehearsed, ended) {
            (Some(outcome), _) => Ok(outcome),
            (None, Err(error)) => Err(error),
            (None, Ok(())) => Ok(Ok(Report::default())),
        }
    }

    fn shown(&self, tx: &mut Tx<'_>, found: &[Payment]) -> Outcome<Report> {
        let turn = match self.begin(tx)? {
            Ok(turn) => turn,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let mut report = Report::default();
        for payment in found {
            report.payments.push((payment.clone(), self.adopt(tx, &turn, payment)?.verdict));
        }
        Ok(Ok(report))
    }

    /// Nothing is left that the records lack, unless something new came up meanwhile.
    fn put_right(&self, tx: &mut Tx<'_>, seen: &Lost, report: &Report) -> Outcome<()> {
        let turn = match self.begin(tx)? {
            Ok(turn) => turn,
            Err(refusal) => return Ok(Err(refusal)),
        };
        if turn.lost != *seen || !self.is_all_adopted(tx, &turn.lost)? {
            return Ok(Err(Refusal::Changed));
        }
        let detail = format!("{} payments were adopted", report.payments.len());
        for kind in [BLIND, UNKNOWN] {
            if Finding::is_open(tx, kind)? {
                Finding::note(tx, kind, 0, &detail, turn.now)?;
            }
        }
        tx.close_clock(CLOCK, turn.now)?;
        self.recorder.record(tx, &[self.completed(&turn, report)], turn.now)?;
        self.use_up(tx, turn, true)?;
        Ok(Ok(()))
    }
}
