//! The wallets: listing them, stopping one, letting one run again, and assigning what came in.

use bursar_faucet::adoption::{STAYS_STOPPED, is_incomplete};
use bursar_keys::KeyId;
use bursar_payouts::{Funding, Outcome, Receipt, ReceiptState, Rejection, Wallet, WalletSight};
use bursar_store::{StoreError, Timestamp, Tx};
use serde_json::{Value, json};

use super::compare::{ask, newest_of};
use super::room::{Room, refused, rejected};
use super::{AssignOptions, FundOptions, MatchOptions, StopOptions, wallet_name};
use crate::commands::table::{cell, table};
use crate::commands::{CommandError, Context};

/// Receipts that are shown of one wallet.
const RECEIPTS_SHOWN: i64 = 200;

pub(super) fn list(room: &Room, json: bool) -> Result<Value, CommandError> {
    let found = room.store.read("command.wallets", |tx| {
        let wallets = room.payouts().wallets(tx)?;
        wallets.into_iter().map(|wallet| with_receipts(room, tx, wallet)).collect()
    });
    let found: Vec<(Wallet, Vec<Receipt>)> = found?;
    if json {
        let wallets: Vec<Value> = found.iter().map(document).collect();
        return Ok(json!({"ok": true, "wallets": wallets}));
    }
    Ok(shown(&found).into())
}

pub(super) fn stop(
    room: &Room,
    options: &StopOptions,
    json: bool,
    context: &Context,
) -> Result<Value, CommandError> {
    let (name, who) = (wallet_name(&options.wallet)?, options.who.signed(room, context)?);
    change(room, &name, json, |tx| {
        let by = who.by(tx)?;
        room.payouts().stop_wallet(tx, &by, &name, &who.reason, &room.recorder)
    })
}

pub(super) fn match_wallet(
    room: &Room,
    options: &MatchOptions,
    json: bool,
    context: &Context,
) -> Result<Value, CommandError> {
    let (name, who) = (wallet_name(&options.wallet)?, options.who.signed(room, context)?);
    let wallet = room.store.read("command.wallet", |tx| room.payouts().wallet(tx, &name))?;
    let wallet = wallet.ok_or_else(|| rejected(&Rejection::WalletUnknown))?;
    // What the records said before the chain was asked: if they move meanwhile, the match is refused. What the account ends
    // in is asked before what it holds, which the person named: what leaves between the two is not taken for known.
    let (expected, newest) = (wallet.expected, newest_of(room, &wallet));
    let holds = ask(room, &wallet)?;
    if holds != options.holds {
        let why = format!(
            "The chain says that {name} holds {holds}, and not {}. Find out what moved, then look again with `bursar \
             payouts reconcile {name}`.",
            options.holds
        );
        return Err(refused("chain_says_otherwise", why));
    }
    let sight = WalletSight { holds, expected, newest, journals_are_lost: options.journals_are_lost };
    let shown = change(room, &name, json, |tx| {
        let by = who.by(tx)?;
        room.payouts().match_wallet(tx, &by, &name, &sight, &who.reason, &room.recorder)
    })?;
    if wallet.desk == bursar_faucet::DESK && room.store.read("command.incomplete", is_incomplete)? {
        context.say(&format!("{STAYS_STOPPED}; until then payouts stay halted."));
    }
    Ok(shown)
}

pub(super) fn assign(
    room: &Room,
    options: &AssignOptions,
    json: bool,
    context: &Context,
) -> Result<Value, CommandError> {
    let who = options.who.signed(room, context)?;
    let AssignOptions { receipt, account, .. } = options;
    let done = room.store.transact("command.assign", |tx| {
        let by = who.by(tx)?;
        room.payouts().assign(tx, &by, *receipt, account, &who.reason, &room.recorder)
    })?;
    done.map_err(|rejection| rejected(&rejection))?;
    match json {
        true => Ok(json!({"ok": true, "receipt": receipt, "account": account})),
        false => Ok(format!("receipt {receipt} is assigned to {account}").into()),
    }
}

pub(super) fn fund(
    room: &Room,
    options: &FundOptions,
    json: bool,
    context: &Context,
) -> Result<Value, CommandError> {
    let (name, who) = (wallet_name(&options.wallet)?, options.who.signed(room, context)?);
    let way = if options.take_back { Funding::TakeBack } else { Funding::Fill };
    let done = room.store.transact("command.fund", |tx| {
        let by = who.by(tx)?;
        room.payouts().fund(tx, &by, &name, options.amount, way, &who.reason, &room.recorder)
    })?;
    let funds = done.map_err(|rejection| rejected(&rejection))?;
    match json {
        true => Ok(json!({"ok": true, "wallet": name, "funds": funds.to_string()})),
        false => Ok(format!("the funds of {name} are {funds} now").into()),
    }
}

/// Does something to a wallet and shows it.
fn change(
    room: &Room,
    name: &KeyId,
    json: bool,
    mut act: impl FnMut(&mut Tx<'_>) -> Outcome<()>,
) -> Result<Value, CommandError> {
    let changed = room.store.transact("command.wallet", |tx| {
        if let Err(rejection) = act(tx)? {
            return Ok(Err(rejection));
        }
        match room.payouts().wallet(tx, name)? {
            Some(wallet) => Ok(Ok(with_receipts(room, tx, wallet)?)),
            None => Ok(Err(Rejection::WalletUnknown)),
        }
    })?;
    let changed = changed.map_err(|rejection| rejected(&rejection))?;
    match json {
        true => Ok(json!({"ok": true, "wallet": document(&changed)})),
        false => Ok(shown(&[changed]).into()),
    }
}

fn with_receipts(room: &Room, tx: &mut Tx<'_>, wallet: Wallet) -> Result<(Wallet, Vec<Receipt>), StoreError> {
    let receipts = room.payouts().receipts(tx, &wallet.name, 0, RECEIPTS_SHOWN)?;
    Ok((wallet, receipts))
}

/// Times are Unix milliseconds.
fn document((wallet, receipts): &(Wallet, Vec<Receipt>)) -> Value {
    let receipt = |one: &Receipt| {
        json!({
            "receipt": one.id, "source": one.source, "sender": one.sender, "amount": one.amount.to_string(),
            "state": word(one.state), "seenAtMs": one.seen_at.ms(),
        })
    };
    json!({
        "wallet": wallet.name, "desk": wallet.desk, "chain": wallet.chain, "asset": wallet.asset.symbol(),
        "address": wallet.address.as_str(), "standing": wallet.standing.name(), "why": wallet.why,
        "sinceMs": wallet.since.ms(), "expected": wallet.expected.to_string(),
        "matchedAtMs": wallet.matched_at.map(Timestamp::ms),
        "receipts": receipts.iter().map(receipt).collect::<Vec<_>>(),
    })
}

fn word(state: ReceiptState) -> &'static str {
    match state {
        ReceiptState::Accepting => "accepting",
        ReceiptState::Suspense => "suspense",
        ReceiptState::Assigned => "assigned",
    }
}

fn shown(wallets: &[(Wallet, Vec<Receipt>)]) -> String {
    let rows = wallets.iter().map(|(wallet, _)| {
        [
            wallet.name.to_string(),
            wallet.desk.clone(),
            wallet.standing.name().to_owned(),
            wallet.expected.to_string(),
            wallet.asset.symbol().to_owned(),
            wallet.address.to_string(),
            cell(&wallet.why),
        ]
    });
    let mut text = table(["WALLET", "DESK", "STANDING", "MUST HOLD", "ASSET", "ADDRESS", "WHY"], rows);
    let receipts: Vec<&Receipt> = wallets.iter().flat_map(|(_, receipts)| receipts).collect();
    if !receipts.is_empty() {
        let rows = receipts.iter().map(|one| {
            [
                one.id.to_string(),
                one.wallet.to_string(),
                word(one.state).to_owned(),
                one.amount.to_string(),
                cell(&one.sender),
            ]
        });
        text.push('\n');
        text.push_str(&table(["RECEIPT", "WALLET", "STATE", "AMOUNT", "FROM"], rows));
    }
    text
}
