//! The trait that each chain implements.

use bursar_money::{Amount, Asset};

use crate::{
    AccountBalance, Address, AddressError, Attempt, BuildError, ChainError, DeathProof, Evidence, Finality,
    History, Incoming, NotProven, Payment, SenderState, SignError, Signer, Standing, Unsigned,
};

/// A chain that payments go out on. Methods marked *asks* do network I/O and block within the time limits that the chain
/// was configured with; call them from a worker thread and never inside a database transaction. Methods marked *pure*
/// depend on their arguments alone.
///
/// One account has one open [`Slot`](crate::Slot) at a time, and one writer (a lease) works on it.
pub trait Chain: Send + Sync {
    /// The chain's name in records, settings and metrics, such as `banano`. Never changes.
    fn name(&self) -> &'static str;

    /// What it pays in; all amounts here are in this asset's base unit.
    fn asset(&self) -> Asset;

    /// *Pure.* The address that `text` names, in canonical form, checksum verified. Refuses addresses that nobody can
    /// hold the key of: money sent there is lost.
    fn parse_address(&self, text: &str) -> Result<Address, AddressError>;

    /// *Asks.* All that building on `sender`'s open slot takes, agreed on by as many nodes as must agree and checked
    /// against signatures where the chain has them. Fails while an earlier transaction of the account is not final, so
    /// that two attempts are never stacked on each other. Failing commits nobody to anything.
    fn sender_state(&self, sender: &Address) -> Result<SenderState, ChainError>;

    /// *Pure.* A transaction that pays exactly `payment`, in the slot that `state` shows as open. The same arguments
    /// give the same transaction.
    fn build(&self, payment: &Payment, state: &SenderState) -> Result<Unsigned, BuildError>;

    /// *Pure*, but for what the signer does. The attempt that the caller must commit to its records before anything
    /// else happens to it (invariant BYTES-FIRST). The signature is verified here: a faulty signer yields an error, never
    /// an attempt.
    fn sign(&self, unsigned: &Unsigned, signer: &dyn Signer) -> Result<Attempt, SignError>;

    /// *Asks.* Sends the attempt's bytes, and no others, to every node. May be repeated without limit, also for an
    /// attempt that is final. Returns no error on purpose: whatever goes wrong, the attempt may be on its way.
    fn broadcast(&self, attempt: &Attempt) -> Evidence;

    /// *Asks.* What every node says of the attempt and of its slot. Sends nothing that could change the chain.
    fn look_up(&self, attempt: &Attempt) -> Evidence;

    /// *Pure.* How the attempt stands by this evidence. Evidence of another attempt, or such that cannot be read, is
    /// [`Standing::Unknown`].
    fn classify(&self, attempt: &Attempt, evidence: &Evidence) -> Standing;

    /// *Pure.* Proof that the attempt can never become final, whatever anyone sends from now on: the only thing that
    /// permits another attempt of the same intent (invariant PAID-ONCE). Needs the word of as many nodes as must agree, each
    /// showing that its final history covers the slot, and not one that shows the attempt as final.
    fn prove_dead(&self, attempt: &Attempt, evidence: &Evidence) -> Result<DeathProof, NotProven>;

    /// *Pure.* The same by the word of fewer nodes than must agree, where none shows the attempt at all. It permits
    /// nothing by itself: a person may vouch for the rest. By default what is proven.
    fn hint_dead(&self, attempt: &Attempt, evidence: &Evidence) -> Result<DeathProof, NotProven> {
        self.prove_dead(attempt, evidence)
    }

    /// *Pure.* A transaction that moves no money and takes the attempt's slot, so that one of the two becomes final and
    /// the other provably dead. The result is signed, stored and broadcast like a payment. Until then the attempt stays
    /// what it was: it may yet win. Refused when the slot is no longer open.
    fn free_slot(&self, attempt: &Attempt, state: &SenderState) -> Result<Unsigned, BuildError>;

    /// *Asks.* What an account holds, agreed on by as many nodes as must agree. An account that the chain has never
    /// seen holds nothing.
    fn balance(&self, account: &Address) -> Result<AccountBalance, ChainError>;

    /// *Asks.* How far the chain is final by the word of as many nodes as must agree: the sign that it can be asked at
    /// all.
    fn finality(&self) -> Result<Finality, ChainError>;

    /// *Asks.* At most `most` sends of `least` base units or more to the account that have to be accepted, of which as
    /// many nodes as must agree know: the largest first. By default none: on most chains what is sent has arrived.
    fn incoming(
        &self,
        _account: &Address,
        _least: Amount,
        _most: usize,
    ) -> Result<Vec<Incoming>, ChainError> {
        Ok(Vec::new())
    }

    /// *Asks.* Like [`Chain::sender_state`], to accept what came in: also for an account that the chain has never seen.
    fn receiver_state(&self, account: &Address) -> Result<SenderState, ChainError> {
        self.sender_state(account)
    }

    /// *Pure.* A transaction that accepts what came in and takes the open slot like a payment; it is signed, stored and
    /// broadcast like one.
    fn build_receipt(&self, _incoming: &Incoming, _state: &SenderState) -> Result<Unsigned, BuildError> {
        Err(BuildError::NothingToAccept)
    }

    /// What accounts did so far, where the chain tells; such a chain names an account's newest transaction in each
    /// [`SenderState`], wherever the account has any.
    fn history(&self) -> Option<&dyn History> {
        None
    }

    /// *Pure.* What the chain took beyond the payment, in base units, by the evidence that confirmed the attempt. By
    /// default nothing.
    fn fee_paid(&self, _attempt: &Attempt, _evidence: &Evidence) -> Amount {
        Amount::ZERO
    }
}
