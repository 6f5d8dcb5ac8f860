//! Questions about blocks.

use bursar_banano::BlockHash;
use serde_json::{Map, Value, json};

use super::{Answer, Request};
use crate::ledger::Entry;
use crate::node::Node;

/// A block as this node tells it, which may leave out what is not final.
fn shown<'a>(node: &'a Node, hash: &BlockHash) -> Option<&'a Entry> {
    node.ledger().block(hash).filter(|entry| entry.confirmed || !node.hides_open_blocks)
}

fn described(node: &Node, entry: &Entry) -> Value {
    let block = &entry.block;
    let successor = shown(node, &entry.successor).map_or(BlockHash::ZERO, |next| next.block.hash());
    json!({
        "block_account": block.block.account.address(),
        "amount": entry.amount.to_string(),
        "balance": block.block.balance.to_string(),
        "height": entry.height.to_string(),
        "local_timestamp": (entry.arrived_ms / 1_000).to_string(),
        "successor": successor,
        "confirmed": entry.confirmed.to_string(),
        "contents": block,
        "subtype": entry.subtype.as_str(),
    })
}

pub(super) fn info(node: &Node, request: &Request) -> Answer {
    let entry = shown(node, &request.hash()?).ok_or("Block not found")?;
    let mut answer = described(node, entry);
    if !request.truth("json_block") {
        answer["contents"] = Value::from(answer["contents"].to_string());
    }
    Ok(answer)
}

pub(super) fn infos(node: &Node, request: &Request) -> Answer {
    let hashes = request.fields.get("hashes").and_then(Value::as_array).ok_or("Invalid block hash")?;
    let (mut there, mut missing) = (Map::new(), Vec::new());
    for hash in hashes {
        let hash: BlockHash = hash.as_str().and_then(|text| text.parse().ok()).ok_or("Invalid block hash")?;
        match shown(node, &hash) {
            Some(entry) => {
                there.insert(hash.to_string(), described(node, entry));
            }
            None if request.truth("include_not_found") => missing.push(hash),
            None => return Err("Block not found".to_owned()),
        }
    }
    let there = if there.is_empty() { Value::from("") } else { Value::Object(there) };
    if request.truth("include_not_found") {
        return Ok(json!({ "blocks": there, "blocks_not_found": missing }));
    }
    Ok(json!({ "blocks": there }))
}

pub(super) fn count(node: &Node) -> Value {
    json!({
        "count": node.ledger().block_count().to_string(),
        "unchecked": "0",
        "cemented": node.ledger().final_count().to_string(),
    })
}

/// Starts a vote, which here ends when the block's time has come anyway.
pub(super) fn confirm(node: &Node, request: &Request) -> Answer {
    shown(node, &request.hash()?).ok_or("Block not found")?;
    Ok(json!({ "started": "1" }))
}
