//! Which of several blocks in one slot becomes final.

use std::collections::BTreeMap;

use bursar_banano::{BlockHash, PublicKey, SignedBlock};
use serde::{Deserialize, Serialize};

/// Most blocks that contend for a slot; a node keeps no more.
const CANDIDATES_MAX: usize = 8;

/// How the network votes on a fork.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Election {
    /// For the block that this node saw first.
    #[default]
    FirstSeen,
    /// For any of them, as the seed has it.
    Seeded,
}

/// The slot of a block: its account and previous block.
pub(crate) type SlotKey = (PublicKey, BlockHash);

/// Blocks that were refused as forks of a block that is not final, by their slot.
#[derive(Clone, Debug, Default)]
pub(crate) struct Candidates(BTreeMap<SlotKey, Vec<SignedBlock>>);

pub(crate) fn slot_of(block: &SignedBlock) -> SlotKey {
    (block.block.account, block.block.previous)
}

impl Candidates {
    pub(crate) fn add(&mut self, block: &SignedBlock) {
        let contenders = self.0.entry(slot_of(block)).or_default();
        let known = contenders.iter().any(|other| other.hash() == block.hash());
        if !known && contenders.len() < CANDIDATES_MAX {
            contenders.push(block.clone());
        }
    }

    /// The contender of this hash.
    pub(crate) fn find(&self, hash: &BlockHash) -> Option<SignedBlock> {
        self.0.values().flatten().find(|block| block.hash() == *hash).cloned()
    }

    /// Ends the election of a slot: the contender that beats the holder, if one does.
    pub(crate) fn elect(&mut self, slot: &SlotKey, election: Election, seed: u64) -> Option<SignedBlock> {
        let mut contenders = self.0.remove(slot)?;
        if election == Election::FirstSeen {
            return None;
        }
        let (account, previous) = slot;
        let draw =
            account.0.iter().chain(&previous.0).fold(mix(seed), |draw, byte| mix(draw ^ u64::from(*byte)));
        let voters = u64::try_from(contenders.len()).unwrap_or(u64::MAX).saturating_add(1);
        let winner = usize::try_from(draw % voters).ok()?.checked_sub(1)?;
        (winner < contenders.len()).then(|| contenders.swap_remove(winner))
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    pub(crate) fn forget_slot(&mut self, slot: &SlotKey) {
        self.0.remove(slot);
    }
}

/// SplitMix64's finisher.
fn mix(bits: u64) -> u64 {
    let mut mixed = bits.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
