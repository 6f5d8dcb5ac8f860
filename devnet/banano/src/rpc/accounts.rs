//! Questions about accounts.

use std::cmp::Reverse;

use bursar_banano::{BlockHash, PublicKey, Subtype};
use bursar_money::Amount;
use serde_json::{Map, Value, json};

use super::{Answer, Request};
use crate::ledger::Entry;
use crate::node::Node;

/// An account's newest block as this node tells it, which may leave out what is not final.
fn newest<'a>(node: &'a Node, account: &PublicKey) -> Option<&'a Entry> {
    let ledger = node.ledger();
    let mut entry = ledger.block(&ledger.account(account)?.frontier)?;
    while node.hides_open_blocks && !entry.confirmed {
        entry = ledger.block(&entry.block.block.previous)?;
    }
    Some(entry)
}

/// A balance as this node tells it.
fn told(node: &Node, balance: Amount) -> String {
    let lie = i128::from(node.balance_lie);
    balance.units().saturating_add_signed(lie).to_string()
}

pub(super) fn balance(node: &Node, request: &Request) -> Answer {
    let account = request.account()?;
    let balance = newest(node, &account).map_or(Amount::ZERO, |entry| entry.block.block.balance);
    let waiting = Amount::sum(node.ledger().waiting(&account).map(|(_, waiting)| waiting.amount));
    let waiting = waiting.map_err(|error| error.to_string())?.to_string();
    Ok(json!({ "balance": told(node, balance), "pending": waiting, "receivable": waiting }))
}

pub(super) fn info(node: &Node, request: &Request) -> Answer {
    let account = request.account()?;
    let known = node.ledger().account(&account).zip(newest(node, &account));
    let (known, newest) = known.ok_or("Account not found")?;
    let block = &newest.block.block;
    let mut answer = json!({
        "frontier": newest.block.hash(),
        "open_block": known.open_block,
        "balance": told(node, block.balance),
        "modified_timestamp": (newest.arrived_ms / 1_000).to_string(),
        "block_count": newest.height.to_string(),
        "confirmation_height": known.final_height.to_string(),
    });
    if request.truth("representative") {
        answer["representative"] = Value::from(block.representative.address());
    }
    Ok(answer)
}

pub(super) fn receivable(node: &Node, request: &Request) -> Answer {
    let account = request.account()?;
    let count = request.count(usize::MAX)?;
    let threshold: Option<Amount> = match request.text("threshold") {
        Some(text) => Some(text.parse().map_err(|_| "Bad threshold number")?),
        None => None,
    };
    let least = threshold.unwrap_or(Amount::ZERO);
    // Nodes offer final sends only.
    let is_final = |send: &BlockHash| node.ledger().block(send).is_some_and(|entry| entry.confirmed);
    let sends =
        node.ledger().waiting(&account).filter(|(send, waiting)| waiting.amount >= least && is_final(send));
    let mut sends: Vec<_> = sends.collect();
    if request.truth("sorting") {
        sends.sort_by_key(|(_, waiting)| Reverse(waiting.amount));
    }
    sends.truncate(count);
    let described = |(send, waiting): &(BlockHash, crate::ledger::Waiting)| {
        let amount = waiting.amount.to_string();
        let value = if request.truth("source") {
            json!({ "amount": amount, "source": waiting.sender.address() })
        } else {
            Value::from(amount)
        };
        (send.to_string(), value)
    };
    if sends.is_empty() {
        return Ok(json!({ "blocks": "" }));
    }
    if threshold.is_none() && !request.truth("source") {
        let hashes: Vec<String> = sends.iter().map(|(send, _)| send.to_string()).collect();
        return Ok(json!({ "blocks": hashes }));
    }
    Ok(json!({ "blocks": sends.iter().map(described).collect::<Map<String, Value>>() }))
}

pub(super) fn history(node: &Node, request: &Request) -> Answer {
    let account = request.account()?;
    let count = request.count(usize::MAX)?;
    let reverse = request.truth("reverse");
    let ledger = node.ledger();
    let start = match request.text("head") {
        Some(text) => Some(text.parse::<BlockHash>().map_err(|_| "Invalid block hash")?),
        None if reverse => ledger.account(&account).map(|known| known.open_block),
        None => newest(node, &account).map(|entry| entry.block.hash()),
    };
    let mut next = start.unwrap_or(BlockHash::ZERO);
    let mut history = Vec::new();
    while history.len() < count {
        let Some(entry) = ledger.block(&next).filter(|entry| entry.block.block.account == account) else {
            break;
        };
        history.extend(line(node, entry));
        next = if reverse { entry.successor } else { entry.block.block.previous };
    }
    Ok(json!({ "account": account.address(), "history": history }))
}

/// One line of a history; changes have none.
fn line(node: &Node, entry: &Entry) -> Option<Value> {
    let link = entry.block.block.link;
    let (kind, other) = match entry.subtype {
        Subtype::Change => return None,
        Subtype::Send => ("send", PublicKey(link)),
        Subtype::Open | Subtype::Receive => {
            let source = node.ledger().block(&BlockHash(link));
            ("receive", source.map_or(entry.block.block.account, |send| send.block.block.account))
        }
    };
    Some(json!({
        "type": kind,
        "account": other.address(),
        "amount": entry.amount.to_string(),
        "local_timestamp": (entry.arrived_ms / 1_000).to_string(),
        "height": entry.height.to_string(),
        "hash": entry.block.hash(),
        "confirmed": entry.confirmed.to_string(),
    }))
}
