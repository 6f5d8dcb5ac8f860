//! Blocks that are handed over, and blocks that are made to order.

use bursar_banano::work::Work;
use bursar_banano::{BlockHash, PublicKey, SecretKey, SignedBlock, StateBlock, Subtype};
use bursar_money::Amount;
use serde_json::{Value, json};

use super::{Answer, Request};
use crate::node::Node;
use crate::refusal::Refusal;

/// Checks in the order of real nodes: the subtype against the account's present balance, then work, then all the rest.
/// So a send that is in the ledger already is refused for its balance when a subtype is named, and as old when not.
pub(super) fn process(node: &mut Node, request: &Request) -> Answer {
    let block = block_of(request).ok_or(Refusal::Invalid.to_string())?;
    let hash = block.hash();
    let result = match request.text("subtype") {
        Some(subtype) => check_subtype(node, &block.block, subtype),
        None => Ok(()),
    };
    let result = result.and_then(|()| check_work(node, &block)).and_then(|()| node.take_in(block));
    match result {
        Ok(()) => Ok(json!({ "hash": hash })),
        Err(refusal) => Err(refusal.to_string()),
    }
}

/// The block, as an object or, without `json_block`, as text of one.
fn block_of(request: &Request) -> Option<SignedBlock> {
    let block = request.fields.get("block")?;
    if request.truth("json_block") {
        return serde_json::from_value(block.clone()).ok();
    }
    serde_json::from_str(block.as_str()?).ok()
}

fn check_subtype(node: &Node, block: &StateBlock, subtype: &str) -> Result<(), Refusal> {
    let first = block.previous.is_zero();
    if !first && node.ledger().block(&block.previous).is_none() {
        return Err(Refusal::GapPrevious);
    }
    let now = node.ledger().balance(&block.account);
    let balance_fits = match subtype {
        "send" => block.balance < now,
        "receive" => block.balance >= now,
        "open" => true,
        "change" => block.balance == now,
        _ => return Err(Refusal::Subtype),
    };
    let previous_fits = match subtype {
        "open" => first,
        "change" => !first,
        _ => true,
    };
    if !balance_fits {
        return Err(Refusal::SubtypeBalance);
    }
    if previous_fits { Ok(()) } else { Err(Refusal::SubtypePrevious) }
}

/// The least that any block needs comes first; what this one needs depends on what it does.
fn check_work(node: &Node, block: &SignedBlock) -> Result<(), Refusal> {
    let thresholds = node.settings.thresholds;
    let before = node.ledger().block(&block.block.previous).map(|entry| entry.block.block.balance);
    let receives = before.is_none_or(|before| block.block.balance > before);
    let threshold = if receives { thresholds.receive } else { thresholds.send };
    if threshold.admits(&block.block.root(), block.work) { Ok(()) } else { Err(Refusal::WorkLow) }
}

/// `block_create`: signs a state block with the key given, and adds work when none is given.
pub(super) fn create(node: &Node, request: &Request) -> Answer {
    let (block, key) = drafted(request).ok_or("Block create attributes are invalid")?;
    let root = block.root();
    let work = match request.text("work") {
        Some(text) => text.parse::<Work>().map_err(|error| error.to_string())?,
        None => super::work::generate(&root, node.settings.thresholds.hardest()).ok_or("Cancelled")?,
    };
    let before = node.ledger().balance(&block.account);
    let subtype = match block.balance.cmp(&before) {
        _ if block.previous.is_zero() => Subtype::Open,
        std::cmp::Ordering::Less => Subtype::Send,
        std::cmp::Ordering::Greater => Subtype::Receive,
        std::cmp::Ordering::Equal => Subtype::Change,
    };
    let difficulty = format!("{:016x}", work.value(&root));
    let block = block.signed(&key, work);
    let hash = block.hash();
    let block =
        if request.truth("json_block") { json!(block) } else { Value::from(json!(block).to_string()) };
    Ok(json!({ "hash": hash, "difficulty": difficulty, "block": block, "subtype": subtype.as_str() }))
}

fn drafted(request: &Request) -> Option<(StateBlock, SecretKey)> {
    let key: PublicKey = request.text("key")?.parse().ok()?;
    let key = SecretKey::from_bytes(&key.0);
    let link = request.text("link")?;
    let link = link
        .parse::<BlockHash>()
        .map(|hash| hash.0)
        .or_else(|_| PublicKey::from_address(link).map(|key| key.0));
    let block = StateBlock {
        account: key.public_key(),
        previous: request.text("previous")?.parse().ok()?,
        representative: PublicKey::from_address(request.text("representative")?).ok()?,
        balance: request.text("balance")?.parse::<Amount>().ok()?,
        link: link.ok()?,
    };
    let named = request.text("account");
    named.is_none_or(|text| text == block.account.address()).then_some((block, key))
}
