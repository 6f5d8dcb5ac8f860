//! A wallet that payouts leave from: where it stands, and what the chain must hold for it.

use bursar_audit::Recorder;
use bursar_chain::Address;
use bursar_keys::KeyId;
use bursar_ledger::{AccountId, Book, Overdraft};
use bursar_money::{Amount, Asset};
use bursar_store::{StoreError, Timestamp, Tx};

use crate::{IntentId, Payouts, events, sql};

/// Whether anything may leave a wallet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It may.
    Running,
    /// It may not: something is not as it must be, or an operator said so.
    Stopped,
    /// It may not: since a restore, or a hole in its records, it has not been matched with its chain.
    Unmatched,
}

impl Standing {
    /// Its name for people and machines.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Standing::Running => "running",
            Standing::Stopped => "stopped",
            Standing::Unmatched => "unmatched",
        }
    }

    pub(crate) const fn code(self) -> i64 {
        match self {
            Standing::Running => 0,
            Standing::Stopped => 1,
            Standing::Unmatched => 2,
        }
    }

    pub(crate) fn from_code(code: i64) -> Result<Standing, StoreError> {
        match code {
            0 => Ok(Standing::Running),
            1 => Ok(Standing::Stopped),
            2 => Ok(Standing::Unmatched),
            other => Err(StoreError::Decode(format!("wallet standing {other}"))),
        }
    }
}

/// What of a wallet's past is in doubt until what its account ends in is compared with the records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doubt {
    /// Nothing.
    Nothing,
    /// What counts as unpaid may have been paid; what is signed goes on.
    Unpaid,
    /// Everything: nothing leaves either.
    All,
}

impl Doubt {
    /// As it is stored in `is_doubted`, which began as yes or no.
    pub(crate) const fn code(self) -> i64 {
        match self {
            Doubt::Nothing => 0,
            Doubt::All => 1,
            Doubt::Unpaid => 2,
        }
    }

    pub(crate) fn from_code(code: i64) -> Result<Doubt, StoreError> {
        match code {
            0 => Ok(Doubt::Nothing),
            1 => Ok(Doubt::All),
            2 => Ok(Doubt::Unpaid),
            other => Err(StoreError::Decode(format!("wallet doubt {other}"))),
        }
    }
}

/// A wallet as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wallet {
    /// Name of its signing key.
    pub name: KeyId,
    /// The desk that it belongs to.
    pub desk: String,
    /// Its chain.
    pub chain: String,
    /// What it pays in.
    pub asset: Asset,
    /// Its account on the chain.
    pub address: Address,
    /// Whether anything may leave it.
    pub standing: Standing,
    /// Why.
    pub why: String,
    /// Since when.
    pub since: Timestamp,
    /// The wallet in the book: below zero by what the chain holds.
    pub account: AccountId,
    /// Money that came unasked.
    pub suspense: AccountId,
    /// What orders from outside any desk are paid from.
    pub funds: AccountId,
    /// What the chain took for itself.
    pub fees: AccountId,
    /// What the chain must hold, in base units.
    pub expected: Amount,
    /// How many restores it has been matched after.
    pub restored_mark: i64,
    /// When it was last compared with its chain.
    pub matched_at: Option<Timestamp>,
    /// What of its past is in doubt.
    pub(crate) doubt: Doubt,
    /// The newest payout that may have been paid unknown to the records: up to it what is held is taken back by an operator
    /// alone, and what dies on its way is held.
    pub unclear_through: IntentId,
}

impl Wallet {
    /// Takes what left the chain off the expected balance. More than was there is nothing that we can explain: the
    /// wallet stops.
    pub(crate) fn pay(&mut self, gone: Amount) {
        match self.expected.minus(gone) {
            Ok(left) => self.expected = left,
            Err(_) => {
                self.expected = Amount::ZERO;
                self.standing = Standing::Stopped;
                self.why = "more was paid than the chain can have held by these records".to_owned();
            }
        }
    }
}

impl Wallet {
    /// Lets nothing leave until the wallet is matched.
    pub(crate) fn distrust(&mut self, why: String, now: Timestamp) {
        if self.standing != Standing::Stopped {
            (self.standing, self.why, self.since) = (Standing::Unmatched, why, now);
        }
    }

    /// It runs by a person's word on what it holds, in data that has been restored `generation` times, as far as `doubt` lets
    /// it until what its account ends in is compared.
    pub(crate) fn run_by_word(&mut self, generation: i64, doubt: Doubt, now: Timestamp) {
        let why = match doubt {
            Doubt::All => COMPARING,
            Doubt::Nothing | Doubt::Unpaid => "",
        };
        (self.standing, self.why, self.since) = (Standing::Running, why.to_owned(), now);
        (self.restored_mark, self.matched_at, self.doubt) = (generation, Some(now), doubt);
    }

    /// Its records fell back, or may have, and no restore was counted; stricter marks stay.
    pub(crate) fn doubt_records(&mut self) {
        if !self.needs_word() {
            self.restored_mark = FALLEN_MARK;
        }
    }

    /// Whether it runs again by an operator's word alone.
    pub(crate) fn needs_word(&self) -> bool {
        matches!(self.restored_mark, UNMATCHED_MARK | OUTRUN_MARK)
    }

    /// Whether anything may be signed and sent from it in data that has been restored `generation` times.
    pub(crate) fn is_running(&self, generation: i64) -> bool {
        self.is_matched(generation) && self.doubt != Doubt::All
    }

    /// Whether it runs once what its account ends in is compared.
    pub(crate) fn is_matched(&self, generation: i64) -> bool {
        self.standing == Standing::Running && self.restored_mark == generation
    }

    /// Why nothing leaves a wallet that does not run.
    pub(crate) fn still(&self, generation: i64) -> &'static str {
        match self.restored_mark {
            FALLEN_MARK | OUTRUN_MARK => "not matched since its records fell back",
            mark if mark != generation => "not matched since a restore",
            _ if self.doubt == Doubt::All => "not compared with what its account ends in",
            _ => self.standing.name(),
        }
    }

    /// Whether the records hold all that was ever signed for it, in data that has been restored `generation` times: else
    /// what counts as unpaid here may have been paid. A stop alone takes nothing from that.
    pub(crate) fn knows_its_past(&self, generation: i64) -> bool {
        self.standing != Standing::Unmatched
            && self.restored_mark == generation
            && self.doubt == Doubt::Nothing
    }
}

/// A mark that no number of restores has: such a wallet runs again by an operator's word alone.
pub(crate) const UNMATCHED_MARK: i64 = -1;
/// The same, of a wallet whose account paid without the records: what they call unpaid may have been paid.
pub(crate) const OUTRUN_MARK: i64 = -2;
/// A mark of a wallet whose records fell back without anybody counting a restore, or may have: what is asked after a
/// restore is asked of it too.
pub(crate) const FALLEN_MARK: i64 = -3;

/// Why nothing leaves yet once a person has matched a wallet.
const COMPARING: &str = "what its account ends in is compared with the records; ask again in a moment";

/// What keys of payout wallets are for.
const PURPOSE: &str = "payouts";

/// Why a wallet stands still that is opened in data that has been restored.
const REOPENED: &str = "it was opened here after a restore, and may have paid before; compare its history on the chain with \
                        the payouts, then match it by hand";

/// Makes the wallets that are missing. RESTORE-NEVER-REPAYS: in data that has been restored a wallet may be missing
/// because the backup is older than it, so what it paid is not known here, and nothing leaves it without a person's word.
pub(crate) fn open_all(
    payouts: &Payouts,
    tx: &mut Tx<'_>,
    recorder: &Recorder,
    now: Timestamp,
) -> Result<Vec<KeyId>, StoreError> {
    let keys = payouts.parts.keystore.keys(tx)?;
    let ids: Vec<&KeyId> = keys.iter().map(|record| &record.key.id).collect();
    let known: Vec<KeyId> = sql::wallets::load(tx, &ids)?.into_iter().map(|wallet| wallet.name).collect();
    let wanted = keys
        .iter()
        .map(|record| &record.key)
        .filter(|key| key.purpose == PURPOSE && key.retired.is_none() && !known.contains(&key.id));
    let (standing, why, restored_mark) = match (payouts.parts.generation)(tx)? {
        0 => (Standing::Running, "", 0),
        _ => (Standing::Unmatched, REOPENED, UNMATCHED_MARK),
    };
    let mut book = Book::default();
    let mut opened = Vec::new();
    for key in wanted {
        let Some(rules) = payouts.chain(&key.chain) else { continue };
        let asset = rules.chain.asset();
        let mut open =
            |part: &str, overdraft| book.open(&format!("payouts/{}{part}", key.id), asset, overdraft);
        let accounts = [
            open("", Overdraft::Allowed),
            open("/suspense", Overdraft::Allowed),
            open("/funds", Overdraft::Forbidden),
            open("/fees", Overdraft::Allowed),
        ];
        opened.push((key, asset, accounts));
    }
    book.number(tx)?;
    book.write(tx, now)?;
    let wallets: Vec<Wallet> = opened
        .into_iter()
        .map(|(key, asset, accounts)| {
            let [account, suspense, funds, fees] = accounts.map(|slot| book.account_id(slot));
            Wallet {
                name: key.id.clone(),
                desk: key.desk.clone(),
                chain: key.chain.clone(),
                asset,
                address: key.address.clone(),
                standing,
                why: why.to_owned(),
                since: now,
                account,
                suspense,
                funds,
                fees,
                expected: Amount::ZERO,
                restored_mark,
                matched_at: None,
                doubt: Doubt::Nothing,
                unclear_through: IntentId(0),
            }
        })
        .collect();
    sql::wallets::insert(tx, &wallets)?;
    let events: Vec<_> = wallets.iter().map(|wallet| events::wallet_opened(payouts, wallet)).collect();
    recorder.record(tx, &events, now)?;
    Ok(wallets.into_iter().map(|wallet| wallet.name).collect())
}

#[cfg(test)]
mod tests {
    use super::{FALLEN_MARK, OUTRUN_MARK, UNMATCHED_MARK};

    #[test]
    fn no_number_of_restores_is_a_mark_and_no_mark_is_another() {
        let mut marks = [UNMATCHED_MARK, OUTRUN_MARK, FALLEN_MARK];
        marks.sort_unstable();
        assert_eq!(marks, [-3, -2, -1]);
    }
}
