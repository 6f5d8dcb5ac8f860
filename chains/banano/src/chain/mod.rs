//! The chain as payouts use it: [`Banano`] asks nodes and leaves every judgement to the pure functions beside it.

mod account;
mod draft;
mod judge;
mod past;
mod report;
mod sighting;

use std::cmp::Reverse;
use std::sync::Arc;
use std::time::Duration;

use bursar_chain::{
    AccountBalance, Address, AddressError, Attempt, BuildError, Chain, ChainError, DeathProof, Evidence,
    Finality, History, Incoming, NotProven, Payment, SenderState, SignError, Signer, Standing, TransactionId,
    Unsigned,
};
use bursar_money::{Amount, Asset};

use self::account::{AccountSight, agreed_account};
use self::draft::{Draft, Stored, slot_of};
use self::report::{Report, Sighting};
use crate::block::{BlockHash, BlockHashError, StateBlock, Subtype};
use crate::keys::PublicKey;
use crate::nodes::NodeSet;
use crate::rpc::{PastReceipt, Publication, Receivable};
use crate::work::{Root, Thresholds, WorkSource};

/// What an operator decides about the chain.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// What the network asks of work.
    pub thresholds: Thresholds,
    /// How long building may wait for work that is not ready.
    pub work_wait: Duration,
    /// The representative that our blocks name; `None` keeps an account's own, and names the account itself when it is
    /// opened.
    pub representative: Option<PublicKey>,
}

impl Default for Settings {
    /// Banano's thresholds, 30 s for work, representatives as they are.
    fn default() -> Settings {
        Settings { thresholds: Thresholds::BANANO, work_wait: Duration::from_secs(30), representative: None }
    }
}

/// Banano by way of its nodes.
pub struct Banano {
    nodes: NodeSet,
    work: Arc<dyn WorkSource>,
    settings: Settings,
}

impl Banano {
    /// The chain as these nodes show it, with work from `work`.
    #[must_use]
    pub fn new(nodes: NodeSet, work: Arc<dyn WorkSource>, settings: Settings) -> Banano {
        Banano { nodes, work, settings }
    }

    /// *Asks.* At most `most` sends of `least` raw or more that wait for the account, of which as many nodes as must agree
    /// know: the largest first.
    pub fn receivable(
        &self,
        account: &Address,
        least: Amount,
        most: usize,
    ) -> Result<Vec<Receivable>, ChainError> {
        let key = PublicKey::from_address(account.as_str())?;
        let lists = self.nodes.ask_enough(|node| node.receivable(&key, least, most))?;
        let known = |item: &Receivable| lists.iter().filter(|list| list.contains(item)).count();
        let mut agreed: Vec<Receivable> = lists
            .iter()
            .flatten()
            .filter(|item| item.amount >= least && known(item) >= self.nodes.agree())
            .copied()
            .collect();
        agreed.sort_by_key(|item| (Reverse(item.amount), item.source));
        agreed.dedup();
        agreed.truncate(most);
        Ok(agreed)
    }

    /// *Asks.* What the account has received and is final, newest first, out of its newest `most` sends and receives: all
    /// that as many nodes as must agree tell alike.
    pub fn receipts(&self, account: &Address, most: usize) -> Result<Vec<PastReceipt>, ChainError> {
        let key = PublicKey::from_address(account.as_str())?;
        let lists = self.nodes.ask_enough(|node| node.receipts(&key, most))?;
        let told = |receipt: &PastReceipt| lists.iter().filter(|list| list.contains(receipt)).count();
        let mut agreed: Vec<PastReceipt> =
            lists.iter().flatten().filter(|receipt| told(receipt) >= self.nodes.agree()).cloned().collect();
        agreed.sort_by_key(|receipt| std::cmp::Reverse(receipt.height));
        agreed.dedup();
        Ok(agreed)
    }

    /// *Asks.* Like [`Chain::sender_state`], and for an account without blocks too: to receive, which opens it.
    pub fn receiver_state(&self, account: &Address) -> Result<SenderState, ChainError> {
        self.state(account, true)
    }

    /// *Pure.* A block that receives `receivable` in the open slot. It takes the slot like a payment, and is signed,
    /// stored and broadcast like one.
    pub fn build_receive(
        &self,
        receivable: &Receivable,
        state: &SenderState,
    ) -> Result<Unsigned, BuildError> {
        let state = draft::State::read(state)?;
        let block = match &state.head {
            Some(head) => head.receive(receivable.source, receivable.amount),
            None => Ok(StateBlock::open(
                state.account,
                receivable.source,
                receivable.amount,
                self.opening(&state),
            )),
        };
        let subtype = if state.head.is_some() { Subtype::Receive } else { Subtype::Open };
        let block = block.map_err(|error| BuildError::Unreadable(error.to_string()))?;
        Ok(Draft { subtype, block: self.represented(block), work: state.work }.into_unsigned())
    }

    fn opening(&self, state: &draft::State) -> PublicKey {
        self.settings.representative.unwrap_or(state.account)
    }

    fn represented(&self, block: StateBlock) -> StateBlock {
        let representative = self.settings.representative.unwrap_or(block.representative);
        StateBlock { representative, ..block }
    }

    fn state(&self, account: &Address, may_open: bool) -> Result<SenderState, ChainError> {
        let key = PublicKey::from_address(account.as_str())?;
        let sights = self.nodes.ask_enough(|node| AccountSight::of(node, &key))?;
        let head = agreed_account(sights, self.nodes.agree())?;
        let root = match &head {
            Some(head) => Root(head.frontier.0),
            None if may_open => Root(key.0),
            None => return Err(ChainError::Unopened),
        };
        let threshold = self.settings.thresholds.hardest();
        let work = self.work.work(&key, &root, threshold, self.settings.work_wait);
        let work = work.map_err(|error| ChainError::NotReady(error.to_string()))?;
        Ok(draft::State { account: key, head, work }.into_sender_state())
    }

    /// Lets work begin for the block after `hash`.
    fn work_ahead(&self, account: &PublicKey, hash: &BlockHash) {
        self.work.prefetch(account, &Root(hash.0), self.settings.thresholds.hardest());
    }
}

impl Chain for Banano {
    fn name(&self) -> &'static str {
        "banano"
    }

    fn asset(&self) -> Asset {
        Asset::Banano
    }

    fn parse_address(&self, text: &str) -> Result<Address, AddressError> {
        let key = PublicKey::from_address(text)?;
        if key.can_sign() {
            Ok(Address::from_canonical(key.address()))
        } else {
            Err(AddressError::Unspendable)
        }
    }

    fn sender_state(&self, sender: &Address) -> Result<SenderState, ChainError> {
        self.state(sender, false)
    }

    fn build(&self, payment: &Payment, state: &SenderState) -> Result<Unsigned, BuildError> {
        let state = draft::State::read(state)?;
        if payment.from.as_str() != state.account.address() {
            return Err(BuildError::OtherAccount);
        }
        if payment.amount.is_zero() {
            return Err(BuildError::ZeroAmount);
        }
        let spendable = state.head.as_ref().map_or(Amount::ZERO, |head| head.balance);
        let insufficient = BuildError::Insufficient { needed: payment.amount, spendable };
        let destination = PublicKey::from_address(payment.to.as_str())
            .map_err(|error| BuildError::Unreadable(error.to_string()))?;
        let Some(head) = state.head else { return Err(insufficient) };
        let block = head.send(destination, payment.amount).map_err(|_| insufficient)?;
        Ok(Draft { subtype: Subtype::Send, block: self.represented(block), work: state.work }.into_unsigned())
    }

    fn sign(&self, unsigned: &Unsigned, signer: &dyn Signer) -> Result<Attempt, SignError> {
        Draft::read(unsigned)?.sign(signer)
    }

    fn broadcast(&self, attempt: &Attempt) -> Evidence {
        let stored = match Stored::read(attempt) {
            Ok(stored) => stored,
            Err(problem) => return Report::unreadable(attempt, problem).into_evidence(),
        };
        let hash = stored.block.hash();
        let answers = self.nodes.ask(|node| {
            let answer = node.publish(&stored.block, stored.subtype);
            if answer == Publication::AlreadyThere {
                // A block that a node has is not sent on again; only a new vote moves it. Failing to ask loses nothing.
                let _ = node.request_confirmation(&hash);
            }
            answer
        });
        // Not when it was there before: it may be an old block, and the work on the newest one would be dropped for it.
        if answers.iter().any(|(_, answer)| *answer == Publication::Accepted) {
            self.work_ahead(&stored.block.block.account, &hash);
        }
        Report::of_broadcast(attempt, answers).into_evidence()
    }

    fn look_up(&self, attempt: &Attempt) -> Evidence {
        match Stored::read(attempt) {
            Ok(stored) => {
                let sightings = self.nodes.ask(|node| Sighting::of(node, &stored.block.block));
                Report::of_look_up(attempt, sightings).into_evidence()
            }
            Err(problem) => Report::unreadable(attempt, problem).into_evidence(),
        }
    }

    fn classify(&self, attempt: &Attempt, evidence: &Evidence) -> Standing {
        judge::classify(attempt, evidence, self.nodes.agree())
    }

    fn prove_dead(&self, attempt: &Attempt, evidence: &Evidence) -> Result<DeathProof, NotProven> {
        judge::prove_dead(attempt, evidence, self.nodes.agree())
    }

    fn hint_dead(&self, attempt: &Attempt, evidence: &Evidence) -> Result<DeathProof, NotProven> {
        judge::hint_dead(attempt, evidence)
    }

    fn free_slot(&self, attempt: &Attempt, state: &SenderState) -> Result<Unsigned, BuildError> {
        let stored = Stored::read(attempt).map_err(BuildError::Unreadable)?;
        let state = draft::State::read(state)?;
        let Some(head) = state.head else { return Err(BuildError::SlotClosed) };
        if attempt.slot != slot_of(&head.account, &head.frontier) {
            return Err(BuildError::SlotClosed);
        }
        let block = head.change(self.settings.representative.unwrap_or(head.representative));
        if block.hash() == stored.block.hash() {
            return Err(BuildError::NothingToFree);
        }
        Ok(Draft { subtype: Subtype::Change, block, work: state.work }.into_unsigned())
    }

    fn balance(&self, account: &Address) -> Result<AccountBalance, ChainError> {
        let key = PublicKey::from_address(account.as_str())?;
        let balances = self.nodes.ask_alike(|node| node.account_balance(&key))?;
        Ok(AccountBalance { settled: balances.balance, incoming: balances.receivable })
    }

    fn finality(&self) -> Result<Finality, ChainError> {
        let mut heights = self.nodes.ask_enough(|node| node.cemented_count())?;
        heights.sort_unstable_by(|a, b| b.cmp(a));
        let height = heights.get(self.nodes.agree() - 1).copied().unwrap_or_default();
        Ok(Finality { height, nodes: heights.len() })
    }

    fn incoming(&self, account: &Address, least: Amount, most: usize) -> Result<Vec<Incoming>, ChainError> {
        let incoming = |item: Receivable| Incoming {
            id: TransactionId::from_canonical(item.source.to_string()),
            from: Address::from_canonical(item.sender.address()),
            amount: item.amount,
        };
        Ok(self.receivable(account, least, most)?.into_iter().map(incoming).collect())
    }

    fn receiver_state(&self, account: &Address) -> Result<SenderState, ChainError> {
        self.state(account, true)
    }

    fn build_receipt(&self, incoming: &Incoming, state: &SenderState) -> Result<Unsigned, BuildError> {
        let unreadable = |problem: &dyn std::fmt::Display| BuildError::Unreadable(problem.to_string());
        let source = incoming.id.as_str().parse().map_err(|error: BlockHashError| unreadable(&error))?;
        let sender = PublicKey::from_address(incoming.from.as_str()).map_err(|error| unreadable(&error))?;
        self.build_receive(&Receivable { source, sender, amount: incoming.amount }, state)
    }

    fn history(&self) -> Option<&dyn History> {
        Some(self)
    }
}
