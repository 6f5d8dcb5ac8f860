//! What stands in the opaque bytes: states, unsigned blocks and signed ones.

use bursar_chain::{
    Address, Attempt, BuildError, SenderState, SignError, Signer, Slot, TransactionId, Unsigned,
};
use bursar_money::Amount;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::block::{BlockHash, Head, SignedBlock, StateBlock, Subtype};
use crate::keys::{PublicKey, Signature};
use crate::wire::raw;
use crate::work::Work;

/// The slot after `previous` in the account's chain.
pub(super) fn slot_of(account: &PublicKey, previous: &BlockHash) -> Slot {
    Slot::from_canonical(format!("{}:{previous}", account.address()))
}

fn write<T: Serialize>(value: &T) -> Vec<u8> {
    // Maps with text keys and text values always serialize; empty bytes would be refused when read.
    serde_json::to_vec(value).unwrap_or_default()
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    serde_json::from_slice(bytes).map_err(|error| error.to_string())
}

/// An account with work for its next block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct State {
    pub(super) account: PublicKey,
    /// `None` for an account without blocks.
    pub(super) head: Option<Head>,
    pub(super) work: Work,
}

#[derive(Serialize, Deserialize)]
struct StateText {
    account: PublicKey,
    head: Option<HeadText>,
    work: Work,
}

#[derive(Serialize, Deserialize)]
struct HeadText {
    frontier: BlockHash,
    balance: String,
    representative: PublicKey,
}

impl State {
    pub(super) fn into_sender_state(self) -> SenderState {
        let text = StateText {
            account: self.account,
            head: self.head.as_ref().map(|head| HeadText {
                frontier: head.frontier,
                balance: head.balance.to_string(),
                representative: head.representative,
            }),
            work: self.work,
        };
        let frontier = self.head.as_ref().map_or(BlockHash::ZERO, |head| head.frontier);
        SenderState {
            account: Address::from_canonical(self.account.address()),
            slot: slot_of(&self.account, &frontier),
            newest: self.head.as_ref().map(|head| TransactionId::from_canonical(head.frontier.to_string())),
            spendable: self.head.map_or(Amount::ZERO, |head| head.balance),
            details: write(&text),
        }
    }

    pub(super) fn read(state: &SenderState) -> Result<State, BuildError> {
        let text: StateText = read(&state.details).map_err(BuildError::Unreadable)?;
        let account = text.account;
        let head = text.head.map(|head| {
            let balance =
                raw(&head.balance).ok_or_else(|| BuildError::Unreadable("the balance".to_owned()))?;
            Ok(Head { account, frontier: head.frontier, balance, representative: head.representative })
        });
        Ok(State { account, head: head.transpose()?, work: text.work })
    }
}

/// A block before it is signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Draft {
    pub(super) subtype: Subtype,
    pub(super) block: StateBlock,
    pub(super) work: Work,
}

impl Draft {
    pub(super) fn into_unsigned(self) -> Unsigned {
        let slot = slot_of(&self.block.account, &self.block.previous);
        Unsigned { slot, fee_max: Amount::ZERO, bytes: write(&self) }
    }

    pub(super) fn read(unsigned: &Unsigned) -> Result<Draft, SignError> {
        let draft: Draft = read(&unsigned.bytes).map_err(SignError::Unreadable)?;
        if unsigned.slot != slot_of(&draft.block.account, &draft.block.previous) {
            return Err(SignError::Unreadable("the slot is another".to_owned()));
        }
        Ok(draft)
    }

    pub(super) fn sign(self, signer: &dyn Signer) -> Result<Attempt, SignError> {
        let Draft { subtype, block, work } = self;
        if signer.address().as_str() != block.account.address() {
            return Err(SignError::OtherAccount);
        }
        let hash = block.hash();
        let signature = signer.sign(&hash.0)?.try_into().map_err(|_| SignError::BadSignature)?;
        let block = SignedBlock { block, signature: Signature(signature), work };
        if !block.verifies() {
            return Err(SignError::BadSignature);
        }
        Ok(Attempt {
            id: TransactionId::from_canonical(hash.to_string()),
            slot: slot_of(&block.block.account, &block.block.previous),
            fee_max: Amount::ZERO,
            bytes: write(&Stored { subtype, block }),
        })
    }
}

/// A signed block as it is stored and sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stored {
    pub(super) subtype: Subtype,
    pub(super) block: SignedBlock,
}

impl Stored {
    /// The block of an attempt, after checking that bytes, id, slot and signature still belong together.
    pub(super) fn read(attempt: &Attempt) -> Result<Stored, String> {
        let stored: Stored = read(&attempt.bytes)?;
        let block = &stored.block.block;
        if stored.block.hash().to_string() != attempt.id.as_str() {
            return Err("the bytes are of another transaction".to_owned());
        }
        if attempt.slot != slot_of(&block.account, &block.previous) {
            return Err("the slot is another".to_owned());
        }
        if !stored.block.verifies() {
            return Err("the signature does not verify".to_owned());
        }
        Ok(stored)
    }
}
