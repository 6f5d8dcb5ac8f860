//! The account that owns the whole supply at first, and gives money to whoever a test wants to have some.

use std::num::NonZeroUsize;
use std::sync::atomic::AtomicBool;

use bursar_banano::work::{Root, Threshold, Work, generate};
use bursar_banano::{BlockHash, PublicKey, SecretKey, Seed, SignedBlock, StateBlock};
use bursar_money::Amount;

/// The key that owns the supply, from the node's seed.
pub(crate) fn key(seed: u64) -> SecretKey {
    let mut bytes = *b"bursar devnet banano genesis....";
    for (place, byte) in bytes.iter_mut().rev().zip(seed.to_be_bytes().into_iter().rev()) {
        *place = byte;
    }
    Seed::from_bytes(bytes).secret_key(0)
}

/// The first block: the whole supply, received from nowhere.
pub(crate) fn block(key: &SecretKey) -> SignedBlock {
    let account = key.public_key();
    StateBlock::open(account, BlockHash(account.0), Amount::MAX, account).signed(key, Work(0))
}

/// A send of the genesis account's.
pub(crate) fn send(
    key: &SecretKey,
    head: &bursar_banano::Head,
    destination: PublicKey,
    amount: Amount,
    threshold: Threshold,
) -> Option<SignedBlock> {
    let block = head.send(destination, amount).ok()?;
    let root: Root = block.root();
    let work = generate(&root, threshold, NonZeroUsize::MIN, &AtomicBool::new(false))?;
    Some(block.signed(key, work))
}
