//! State blocks: one account's balance, representative and link after one step of its chain.

use bursar_money::{Amount, AmountError};
use serde::{Deserialize, Serialize};

use crate::digest::blake2b_256;
use crate::hexadecimal::hexadecimal_newtype;
use crate::keys::{PublicKey, SecretKey, Signature};
use crate::work::{Root, Work};

hexadecimal_newtype!(
    /// What a block is known by. All zeros stand for no block.
    BlockHash,
    32,
    BlockHashError
);

impl BlockHash {
    /// No block.
    pub const ZERO: BlockHash = BlockHash([0; 32]);

    /// Whether it stands for no block.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        *self == BlockHash::ZERO
    }
}

/// What sets the hash of a state block apart from that of older kinds.
const PREAMBLE: [u8; 32] = {
    let mut preamble = [0; 32];
    preamble[31] = 6;
    preamble
};

/// What a block does, as nodes want it named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Subtype {
    /// The first block of an account, which is a receive.
    Open,
    /// The balance falls; the link is the destination's key.
    Send,
    /// The balance rises; the link is the hash of the send.
    Receive,
    /// Nothing but the representative changes.
    Change,
}

impl Subtype {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Subtype::Open => "open",
            Subtype::Send => "send",
            Subtype::Receive => "receive",
            Subtype::Change => "change",
        }
    }
}

/// The part of a block that its hash covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateBlock {
    /// Whose chain it is in.
    pub account: PublicKey,
    /// The block before it; zero for the first.
    pub previous: BlockHash,
    /// Who votes with the account's weight.
    pub representative: PublicKey,
    /// The balance after this block, in raw.
    pub balance: Amount,
    /// See [`Subtype`].
    pub link: [u8; 32],
}

impl StateBlock {
    /// BLAKE2b-256 of the preamble and the fields.
    #[must_use]
    pub fn hash(&self) -> BlockHash {
        BlockHash(blake2b_256(&[
            &PREAMBLE,
            &self.account.0,
            &self.previous.0,
            &self.representative.0,
            &self.balance.to_be_bytes(),
            &self.link,
        ]))
    }

    /// What its work is computed for: the previous block, or the account when there is none.
    #[must_use]
    pub fn root(&self) -> Root {
        if self.previous.is_zero() { Root(self.account.0) } else { Root(self.previous.0) }
    }

    /// The first block of an account: receives `amount` raw from the send `source`.
    #[must_use]
    pub fn open(
        account: PublicKey,
        source: BlockHash,
        amount: Amount,
        representative: PublicKey,
    ) -> StateBlock {
        StateBlock { account, previous: BlockHash::ZERO, representative, balance: amount, link: source.0 }
    }

    /// The block with the key's signature and this work.
    #[must_use]
    pub fn signed(self, key: &SecretKey, work: Work) -> SignedBlock {
        let signature = key.sign(&self.hash().0);
        SignedBlock { block: self, signature, work }
    }
}

/// A block as the network takes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedBlock {
    /// What is signed.
    pub block: StateBlock,
    /// The account's signature over the hash.
    pub signature: Signature,
    /// Proof of work, which neither hash nor signature cover.
    pub work: Work,
}

impl SignedBlock {
    /// The hash that the signature covers.
    #[must_use]
    pub fn hash(&self) -> BlockHash {
        self.block.hash()
    }

    /// Whether the account signed exactly this. Says nothing about work, or about what came before.
    #[must_use]
    pub fn verifies(&self) -> bool {
        self.block.account.verifies(&self.hash().0, &self.signature)
    }
}

/// The newest block of an account, as the next one builds on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The account.
    pub account: PublicKey,
    /// Its newest block.
    pub frontier: BlockHash,
    /// Its balance in raw.
    pub balance: Amount,
    /// Its representative.
    pub representative: PublicKey,
}

impl Head {
    /// Sends `amount` raw to `destination`.
    pub fn send(&self, destination: PublicKey, amount: Amount) -> Result<StateBlock, AmountError> {
        Ok(self.next(self.balance.minus(amount)?, destination.0))
    }

    /// Receives `amount` raw from the send `source`.
    pub fn receive(&self, source: BlockHash, amount: Amount) -> Result<StateBlock, AmountError> {
        Ok(self.next(self.balance.plus(amount)?, source.0))
    }

    /// Changes the representative, or keeps it: a block that does nothing.
    #[must_use]
    pub fn change(&self, representative: PublicKey) -> StateBlock {
        StateBlock { representative, ..self.next(self.balance, [0; 32]) }
    }

    fn next(&self, balance: Amount, link: [u8; 32]) -> StateBlock {
        let Head { account, frontier, representative, .. } = *self;
        StateBlock { account, previous: frontier, representative, balance, link }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn a_block_with_any_bit_changed_never_verifies(seed: [u8; 32], previous: [u8; 32], representative: [u8; 32],
            balance: u128, link: [u8; 32], field in 0_usize..5, bit in 0_usize..128)
        {
            let key = SecretKey::from_bytes(&seed);
            let account = key.public_key();
            let block = StateBlock { account, previous: BlockHash(previous), representative: PublicKey(representative),
                balance: Amount::new(balance), link };
            let signed = block.signed(&key, Work(0));
            prop_assert!(signed.verifies());
            let mut bent = signed.clone();
            let flip = |bytes: &mut [u8; 32]| bytes[bit / 8] ^= 1 << (bit % 8);
            match field {
                0 => flip(&mut bent.block.account.0),
                1 => flip(&mut bent.block.previous.0),
                2 => flip(&mut bent.block.representative.0),
                3 => bent.block.balance = Amount::new(balance ^ (1 << bit)),
                _ => flip(&mut bent.block.link),
            }
            prop_assert_ne!(bent.hash(), signed.hash());
            prop_assert!(!bent.verifies());
        }

        #[test]
        fn a_step_moves_exactly_its_amount(balance: u128, amount: u128) {
            let head = Head { account: PublicKey([1; 32]), frontier: BlockHash([2; 32]), balance: Amount::new(balance),
                representative: PublicKey([3; 32]) };
            let amount = Amount::new(amount);
            match head.send(PublicKey([4; 32]), amount) {
                Ok(block) => prop_assert_eq!(block.balance.plus(amount), Ok(head.balance)),
                Err(error) => { prop_assert_eq!(error, AmountError::Underflow); prop_assert!(amount > head.balance) }
            }
            match head.receive(BlockHash([4; 32]), amount) {
                Ok(block) => prop_assert_eq!(block.balance.minus(amount), Ok(head.balance)),
                Err(error) => prop_assert_eq!(error, AmountError::Overflow),
            }
            let change = head.change(PublicKey([5; 32]));
            prop_assert_eq!((change.balance, change.link, change.representative), (head.balance, [0; 32], PublicKey([5; 32])));
        }
    }
}
