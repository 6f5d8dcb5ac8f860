//! A chain that looks over the sender's shoulder: nothing is broadcast that does not stand in the store, byte for byte.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bursar_banano::Banano;
use bursar_chain::{
    AccountBalance, Address, AddressError, Attempt, BuildError, Chain, ChainError, DeathProof, Evidence,
    Finality, History, Incoming, NotProven, Payment, SenderState, SignError, Signer, Standing, Unsigned,
};
use bursar_money::{Amount, Asset};
use bursar_store::Store;
use parking_lot::Mutex;

/// What was seen.
#[derive(Default)]
pub struct Watching {
    pub violations: Mutex<Vec<String>>,
    pub broadcasts: Mutex<Vec<String>>,
    /// Nodes say that accounts have no transaction, while it is set.
    pub hides_end: AtomicBool,
}

pub struct Watched {
    chain: Banano,
    store: Arc<Store>,
    watching: Arc<Watching>,
}

impl Watched {
    pub fn new(chain: Banano, store: &Arc<Store>, watching: &Arc<Watching>) -> Watched {
        Watched { chain, store: Arc::clone(store), watching: Arc::clone(watching) }
    }

    fn told(&self, mut state: SenderState) -> SenderState {
        if self.watching.hides_end.load(Ordering::SeqCst) {
            state.newest = None;
        }
        state
    }
}

impl Chain for Watched {
    fn name(&self) -> &'static str {
        self.chain.name()
    }

    fn asset(&self) -> Asset {
        self.chain.asset()
    }

    fn parse_address(&self, text: &str) -> Result<Address, AddressError> {
        self.chain.parse_address(text)
    }

    fn sender_state(&self, sender: &Address) -> Result<SenderState, ChainError> {
        self.chain.sender_state(sender).map(|state| self.told(state))
    }

    fn build(&self, payment: &Payment, state: &SenderState) -> Result<Unsigned, BuildError> {
        self.chain.build(payment, state)
    }

    fn sign(&self, unsigned: &Unsigned, signer: &dyn Signer) -> Result<Attempt, SignError> {
        self.chain.sign(unsigned, signer)
    }

    fn broadcast(&self, attempt: &Attempt) -> Evidence {
        let sql = "SELECT bytes FROM payout_attempt WHERE transaction_id = $1";
        let id = attempt.id.as_str();
        let stored = self
            .store
            .read("test.watch", |tx| tx.query_first(sql, &[id.into()], |row| row.get::<Vec<u8>>(0)));
        if stored.unwrap().as_ref() != Some(&attempt.bytes) {
            self.watching.violations.lock().push(format!("{id} was sent and is not stored"));
        }
        self.watching.broadcasts.lock().push(id.to_owned());
        self.chain.broadcast(attempt)
    }

    fn look_up(&self, attempt: &Attempt) -> Evidence {
        self.chain.look_up(attempt)
    }

    fn classify(&self, attempt: &Attempt, evidence: &Evidence) -> Standing {
        self.chain.classify(attempt, evidence)
    }

    fn prove_dead(&self, attempt: &Attempt, evidence: &Evidence) -> Result<DeathProof, NotProven> {
        self.chain.prove_dead(attempt, evidence)
    }

    fn hint_dead(&self, attempt: &Attempt, evidence: &Evidence) -> Result<DeathProof, NotProven> {
        self.chain.hint_dead(attempt, evidence)
    }

    fn free_slot(&self, attempt: &Attempt, state: &SenderState) -> Result<Unsigned, BuildError> {
        self.chain.free_slot(attempt, state)
    }

    fn balance(&self, account: &Address) -> Result<AccountBalance, ChainError> {
        self.chain.balance(account)
    }

    fn finality(&self) -> Result<Finality, ChainError> {
        self.chain.finality()
    }

    fn incoming(&self, account: &Address, least: Amount, most: usize) -> Result<Vec<Incoming>, ChainError> {
        Chain::incoming(&self.chain, account, least, most)
    }

    fn receiver_state(&self, account: &Address) -> Result<SenderState, ChainError> {
        Chain::receiver_state(&self.chain, account).map(|state| self.told(state))
    }

    fn build_receipt(&self, incoming: &Incoming, state: &SenderState) -> Result<Unsigned, BuildError> {
        self.chain.build_receipt(incoming, state)
    }

    fn history(&self) -> Option<&dyn History> {
        self.chain.history()
    }
}
