//! What Banano nodes write: blocks and answers.

use bursar_banano::rpc::{Answer, NodeClient, Transport, TransportError};
use bursar_banano::work::{Root, Threshold};
use bursar_banano::{BlockHash, PublicKey, SignedBlock, Subtype};
use bursar_money::Amount;

use crate::input::first;

/// A block that is read is written and read as the same one.
pub fn block(bytes: &[u8]) {
    let Ok(block) = serde_json::from_slice::<SignedBlock>(bytes) else { return };
    let written = serde_json::to_vec(&block).unwrap();
    let again: SignedBlock = serde_json::from_slice(&written).unwrap();
    assert_eq!((&again, again.hash()), (&block, block.hash()));
    let _ = block.verifies();
}

/// A node that gives one answer to every question.
struct Parrot {
    status: u16,
    body: Vec<u8>,
}

impl Transport for Parrot {
    fn name(&self) -> &str {
        "parrot"
    }

    fn call(&self, _: &str) -> Result<Answer, TransportError> {
        Ok(Answer { status: self.status, body: self.body.clone() })
    }
}

/// Whatever a node answers, a block that is believed has the hash that was asked for and its account's signature, and
/// work that is believed reaches its threshold.
pub fn answer(bytes: &[u8]) {
    let (status, body) = first(bytes);
    let status = if status & 1 == 0 { 200 } else { 500 };
    let node = NodeClient::new(Parrot { status, body: body.to_vec() });
    let account = PublicKey([7; 32]);
    // The block inside, if there is one, is what is asked for: only then can an answer be believed.
    let inside = contents(body);
    let hash = inside.as_ref().map_or(BlockHash([1; 32]), SignedBlock::hash);
    let _ = node.account_info(&account);
    let _ = node.account_balance(&account);
    let _ = node.request_confirmation(&hash);
    let _ = node.cemented_count();
    if let Ok(Some(info)) = node.block_info(&hash) {
        assert!(info.block.hash() == hash && info.block.verifies());
    }
    if let Ok(found) = node.blocks_info(&[hash]) {
        assert!(found.iter().all(|(asked, info)| {
            info.as_ref().is_none_or(|info| info.block.hash() == *asked && info.block.verifies())
        }));
    }
    if let Ok(waiting) = node.receivable(&account, Amount::new(1), 5) {
        assert!(waiting.len() <= 5 && waiting.is_sorted_by_key(|item| item.source));
    }
    if let Ok(work) = node.work_generate(&Root([3; 32]), Threshold::BANANO) {
        assert!(Threshold::BANANO.admits(&Root([3; 32]), work));
    }
    if let Some(block) = inside {
        let _ = node.publish(&block, Subtype::Send);
    }
}

/// The block in an answer to `block_info`.
fn contents(body: &[u8]) -> Option<SignedBlock> {
    let answer: serde_json::Value = serde_json::from_slice(body).ok()?;
    serde_json::from_value(answer.get("contents")?.clone()).ok()
}
