//! `bursar payouts reconcile`: what each wallet's chain holds, beside what the records and the book say.

use std::thread;
use std::time::Duration;

use bursar_chain::TransactionId;
use bursar_money::{Amount, Balance};
use bursar_payouts::{IntentState, PayoutFilter, ReceiptState, Rejection, Wallet};
use bursar_store::{StoreError, Tx};
use serde_json::{Value, json};

use super::room::{Room, refused, rejected};
use super::wallet_name;
use crate::commands::CommandError;
use crate::commands::table::{cell, table};

/// A wallet is compared while nothing of it is under way; this often is looked for such a moment.
const LOOKS: u32 = 5;
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// How a comparison ended.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Verdict {
    Equal,
    /// The chain holds more, or less, than the records say.
    Differs {
        holds: Amount,
    },
    /// The book and the wallet's row do not say the same.
    BookDiffers {
        book: String,
    },
    /// Something is on its way all the time, so that both may be right. What the chain holds is known when the records did
    /// not move while it was asked.
    UnderWay {
        holds: Option<Amount>,
    },
    /// Nobody could be asked.
    Unknown {
        why: String,
    },
}

/// What the records say at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Recorded {
    expected: Amount,
    book: Balance,
    is_quiet: bool,
}

pub(super) fn reconcile(room: &Room, name: Option<&str>, json: bool) -> Result<Value, CommandError> {
    let name = name.map(wallet_name).transpose()?;
    let mut wallets = room.store.read("command.wallets", |tx| room.payouts().wallets(tx))?;
    if let Some(name) = &name {
        wallets.retain(|wallet| wallet.name == *name);
        if wallets.is_empty() {
            return Err(rejected(&Rejection::WalletUnknown));
        }
    }
    let mut compared = Vec::with_capacity(wallets.len());
    for wallet in wallets {
        let verdict = compare(room, &wallet)?;
        compared.push((wallet, verdict));
    }
    let complaints: Vec<String> = compared.iter().filter_map(complaint).collect();
    let answer = if json { document(&compared, complaints.is_empty()) } else { shown(&compared).into() };
    match complaints.is_empty() {
        true => Ok(answer),
        false => Err(CommandError::No { answer, why: complaints.join("\n") }),
    }
}

/// What the chain says that the wallet holds.
pub(super) fn ask(room: &Room, wallet: &Wallet) -> Result<Amount, CommandError> {
    let chain = &room.payments.banano;
    if chain.name() != wallet.chain {
        let why = format!(
            "No node of the chain {} is set up here, so nobody can be asked. Set one up.",
            wallet.chain
        );
        return Err(refused("chain_unknown", why));
    }
    let balance = chain.balance(&wallet.address).map_err(|error| {
        refused(
            "chain_silent",
            format!("The chain gave no answer: {error}. Look at the nodes, and ask again."),
        )
    })?;
    Ok(balance.settled)
}

/// What the chain says that the wallet's account ends in, if it says.
pub(super) fn newest_of(room: &Room, wallet: &Wallet) -> Option<TransactionId> {
    let past = room.payments.banano.history()?.past(&wallet.address, None, 1).ok()?;
    past.into_iter().next().map(|newest| newest.id)
}

fn compare(room: &Room, wallet: &Wallet) -> Result<Verdict, CommandError> {
    let mut seen = None;
    for look in 0..LOOKS {
        if look > 0 {
            thread::sleep(LOOK_AGAIN);
        }
        let before = recorded(room, wallet)?;
        let holds = match ask(room, wallet) {
            Ok(holds) => holds,
            Err(CommandError::No { why, .. }) => return Ok(Verdict::Unknown { why }),
            Err(error) => return Err(error),
        };
        // The two looks at the records say that nothing moved while the chain was asked.
        let is_still = before == recorded(room, wallet)?;
        if is_still && before.is_quiet {
            return Ok(judge(&before, holds));
        }
        seen = is_still.then_some(holds);
    }
    Ok(Verdict::UnderWay { holds: seen })
}

fn judge(recorded: &Recorded, holds: Amount) -> Verdict {
    match recorded {
        // The book has what the chain holds as the wallet's debt.
        Recorded { expected, book, .. } if *book != Balance::between(Amount::ZERO, *expected) => {
            Verdict::BookDiffers { book: book.to_string() }
        }
        Recorded { expected, .. } if *expected == holds => Verdict::Equal,
        Recorded { .. } => Verdict::Differs { holds },
    }
}

fn recorded(room: &Room, wallet: &Wallet) -> Result<Recorded, CommandError> {
    let found = room.store.read("command.recorded", |tx| {
        let payouts = room.payouts();
        let Some(now) = payouts.wallet(tx, &wallet.name)? else { return Ok(None) };
        let path = format!("payouts/{}", wallet.name);
        let account = bursar_ledger::account_by_path(tx, &path, wallet.asset)?;
        let book = account.map_or(Balance::ZERO, |account| account.balance());
        Ok(Some(Recorded { expected: now.expected, book, is_quiet: is_quiet(room, tx, wallet)? }))
    })?;
    found.ok_or_else(|| rejected(&Rejection::WalletUnknown))
}

/// Whether nothing of the wallet is on its way, out or in.
fn is_quiet(room: &Room, tx: &mut Tx<'_>, wallet: &Wallet) -> Result<bool, StoreError> {
    for state in [IntentState::Signed, IntentState::Broadcast] {
        let filter =
            PayoutFilter { wallet: Some(wallet.name.clone()), state: Some(state), ..PayoutFilter::default() };
        if !room.payouts().list(tx, &filter, None, 1)?.is_empty() {
            return Ok(false);
        }
    }
    let mut after = 0;
    loop {
        let page = room.payouts().receipts(tx, &wallet.name, after, i64::MAX)?;
        if page.iter().any(|receipt| receipt.state == ReceiptState::Accepting) {
            return Ok(false);
        }
        match page.last() {
            Some(last) => after = last.id,
            None => return Ok(true),
        }
    }
}

fn complaint((wallet, verdict): &(Wallet, Verdict)) -> Option<String> {
    let name = &wallet.name;
    match verdict {
        Verdict::Equal => None,
        Verdict::Differs { holds } => Some(format!(
            "{name} holds {holds} and must hold {}. Look at its history on the chain before anything else; \
             `bursar payouts stop {name}` stops it.",
            wallet.expected
        )),
        Verdict::BookDiffers { book } => Some(format!(
            "The book says {book} of {name}, its records {}: one of them was changed by other means. Stop payouts and \
             compare with the newest backup.",
            wallet.expected
        )),
        Verdict::UnderWay { .. } => Some(format!(
            "Something of {name} was on its way all the time, so it was not compared. Ask again, unless it waits for a \
             match after a restore: `bursar payouts wallets` says so."
        )),
        Verdict::Unknown { why } => Some(format!("{name} was not compared. {why}")),
    }
}

fn word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Equal => "equal",
        Verdict::Differs { .. } => "differs",
        Verdict::BookDiffers { .. } => "book_differs",
        Verdict::UnderWay { .. } => "under_way",
        Verdict::Unknown { .. } => "unknown",
    }
}

fn holds(wallet: &Wallet, verdict: &Verdict) -> Option<String> {
    match verdict {
        Verdict::Equal => Some(wallet.expected.to_string()),
        Verdict::Differs { holds } => Some(holds.to_string()),
        Verdict::UnderWay { holds } => holds.map(|holds| holds.to_string()),
        Verdict::BookDiffers { .. } | Verdict::Unknown { .. } => None,
    }
}

fn document(compared: &[(Wallet, Verdict)], ok: bool) -> Value {
    let one = |(wallet, verdict): &(Wallet, Verdict)| {
        json!({
            "wallet": wallet.name, "chain": wallet.chain, "asset": wallet.asset.symbol(),
            "address": wallet.address.as_str(), "standing": wallet.standing.name(),
            "expected": wallet.expected.to_string(), "holds": holds(wallet, verdict), "verdict": word(verdict),
        })
    };
    let wallets: Vec<Value> = compared.iter().map(one).collect();
    if ok {
        json!({"ok": true, "wallets": wallets})
    } else {
        json!({"ok": false, "code": "not_reconciled", "wallets": wallets})
    }
}

fn shown(compared: &[(Wallet, Verdict)]) -> String {
    let rows = compared.iter().map(|(wallet, verdict)| {
        [
            wallet.name.to_string(),
            word(verdict).to_owned(),
            wallet.expected.to_string(),
            cell(&holds(wallet, verdict).unwrap_or_default()),
            wallet.asset.symbol().to_owned(),
            wallet.address.to_string(),
        ]
    });
    table(["WALLET", "VERDICT", "MUST HOLD", "HOLDS", "ASSET", "ADDRESS"], rows)
}
