//! The chain as one run of one process reaches it: every question takes time, in which others act.

use std::sync::{Arc, Weak};

use bursar_chain::{
    AccountBalance, Address, AddressError, Attempt, BuildError, Chain, ChainError, DeathProof, Evidence,
    Finality, History, Incoming, NotProven, Past, Payment, SenderState, SignError, Signer, Slot, Standing,
    TransactionId, Unsigned,
};
use bursar_money::{Amount, Asset};

use super::evidence::{classify, evidence, prove_dead};
use super::network::{AccountState, Landed, slot_of};
use super::scheme::{is_address, is_signed};
use super::transaction::{Kind, Transaction};
use super::{AGREE, Family, NODES, Network};
use crate::world::World;

/// Heights for which a transaction stays good: half a minute.
const VALID_FOR: u64 = 60;

/// What a chain belongs to: it is told before bytes leave, and of whatever becomes final.
pub trait Bench: Send + Sync {
    /// The truth of this family.
    fn with_network<T>(&self, family: Family, work: impl FnOnce(&mut Network) -> T) -> T;
    /// These bytes are about to leave a process.
    fn leaves(&self, world: &World, family: Family, attempt: &Attempt);
    /// Time has passed on the chain.
    fn observe(&self, world: &World);
    /// Whether signing also sends, as it must not.
    fn sends_when_signing(&self) -> bool;
    /// Whether silence is taken for death, as it must not be.
    fn takes_silence_for_death(&self) -> bool;
    /// Whether a payment that some node has is taken for final, as it must not be.
    fn takes_word_for_final(&self) -> bool;
}

/// See the module.
pub struct SimChain<B: Bench> {
    /// By which rules.
    pub family: Family,
    /// The world it is in.
    pub world: Weak<World>,
    /// The room whose chain it is.
    pub bench: Weak<B>,
    /// Which node of ours asks.
    pub node: usize,
    /// In which run of it.
    pub generation: u64,
}

impl<B: Bench> SimChain<B> {
    fn there(&self) -> (Arc<World>, Arc<B>) {
        let both = self.world.upgrade().zip(self.bench.upgrade());
        both.expect("nobody asks after the world has ended")
    }

    /// A question is on its way; whoever asked may be dead when the answer comes.
    fn ask<T>(&self, work: impl FnOnce(&mut Network) -> T) -> T {
        let (world, bench) = self.there();
        let is_slow = world.random.with(|random| random.chance(1, 40));
        let spent_ms = world.random.with(|random| random.between(5, if is_slow { 25_000 } else { 150 }));
        world.go_to(world.now_ms() + spent_ms);
        world.let_others_run(1, 4);
        world.check_alive(self.node, self.generation);
        let answer = bench.with_network(self.family, |network| {
            network.advance(world.now_ms());
            work(network)
        });
        bench.observe(&world);
        answer
    }

    fn hand_over(&self, attempt: &Attempt) -> Evidence {
        let (world, bench) = self.there();
        bench.leaves(&world, self.family, attempt);
        let words = self.ask(|network| {
            let took: Vec<bool> = (0..NODES).map(|node| network.hand(node, &attempt.bytes)).collect();
            let ask = |node: usize| network.ask(node, attempt.id.as_str(), attempt.slot.as_str());
            (0..NODES).map(|node| if took[node] { ask(node) } else { None }).collect()
        });
        evidence(attempt, words)
    }

    /// The account on which as many nodes agree as must, and the height that they have finalized.
    fn agreed(&self, account: &Address) -> Result<(AccountState, u64), ChainError> {
        let (shown, heights) = self.ask(|network| {
            let shown: Vec<_> = (0..NODES).filter_map(|node| network.show(node, account.as_str())).collect();
            let heights: Vec<u64> = (0..NODES).filter_map(|node| network.height(node)).collect();
            (shown, heights)
        });
        let answered = shown.len();
        if answered < AGREE {
            return Err(ChainError::TooFewNodes { answered, needed: AGREE, problem: "no answer".to_owned() });
        }
        if shown.iter().any(|(_, is_moving)| *is_moving) {
            return Err(ChainError::Unsettled);
        }
        let votes = |state: &AccountState| shown.iter().filter(|(other, _)| other == state).count();
        let agreed = shown.iter().map(|(state, _)| state).find(|state| votes(state) >= AGREE);
        let agreed = agreed.ok_or_else(|| ChainError::Disagreement("on the account's state".to_owned()))?;
        Ok((agreed.clone(), heights.into_iter().max().unwrap_or(0)))
    }

    fn state_of(&self, account: &Address, state: &AccountState, height: u64) -> SenderState {
        let slot = match self.family {
            Family::Ordered => slot_of(account.as_str(), &state.head),
            Family::Expiring => format!("{account}@{height}"),
        };
        let tells_newest = self.family == Family::Ordered && state.is_open;
        SenderState {
            account: account.clone(),
            slot: Slot::from_canonical(slot),
            newest: tells_newest.then(|| TransactionId::from_canonical(state.head.clone())),
            spendable: Amount::new(state.balance),
            details: height.to_be_bytes().to_vec(),
        }
    }

    fn unsigned(&self, state: &SenderState, kind: Kind) -> Unsigned {
        let height = state.details.as_slice().try_into().map_or(0, u64::from_be_bytes);
        let valid_until = (self.family == Family::Expiring).then_some(height + VALID_FOR);
        let (from, slot) = (state.account.to_string(), state.slot.to_string());
        let bytes = Transaction { from, slot, valid_until, kind }.bytes();
        Unsigned { slot: state.slot.clone(), fee_max: Amount::new(self.family.fee()), bytes }
    }
}

impl<B: Bench> Chain for SimChain<B> {
    fn name(&self) -> &'static str {
        self.family.chain()
    }

    fn asset(&self) -> Asset {
        Asset::Banano
    }

    fn parse_address(&self, text: &str) -> Result<Address, AddressError> {
        if is_address(text) {
            Ok(Address::from_canonical(text.to_owned()))
        } else {
            Err(AddressError::Malformed)
        }
    }

    fn sender_state(&self, sender: &Address) -> Result<SenderState, ChainError> {
        let (state, height) = self.agreed(sender)?;
        if !state.is_open {
            return Err(ChainError::Unopened);
        }
        Ok(self.state_of(sender, &state, height))
    }

    fn build(&self, payment: &Payment, state: &SenderState) -> Result<Unsigned, BuildError> {
        let needed = Amount::new(payment.amount.units() + self.family.fee());
        match () {
            () if payment.amount.is_zero() => Err(BuildError::ZeroAmount),
            () if payment.from != state.account => Err(BuildError::OtherAccount),
            () if needed > state.spendable => {
                Err(BuildError::Insufficient { needed, spendable: state.spendable })
            }
            () => {
                let (to, amount) = (payment.to.to_string(), payment.amount.units());
                Ok(self.unsigned(state, Kind::Pay { to, amount }))
            }
        }
    }

    fn sign(&self, unsigned: &Unsigned, signer: &dyn Signer) -> Result<Attempt, SignError> {
        let unreadable = || SignError::Unreadable("not a transaction".to_owned());
        let transaction = Transaction::read(&unsigned.bytes).ok_or_else(unreadable)?;
        if transaction.from != signer.address().as_str() {
            return Err(SignError::OtherAccount);
        }
        let signature = signer.sign(&unsigned.bytes)?;
        if !is_signed(&transaction.from, &unsigned.bytes, &signature) {
            return Err(SignError::BadSignature);
        }
        let attempt = Attempt {
            id: TransactionId::from_canonical(transaction.id()),
            slot: unsigned.slot.clone(),
            fee_max: unsigned.fee_max,
            bytes: transaction.signed(signature),
        };
        let (world, bench) = self.there();
        if bench.sends_when_signing() {
            bench.leaves(&world, self.family, &attempt);
            bench.with_network(self.family, |network| network.hand(0, &attempt.bytes));
        }
        Ok(attempt)
    }

    fn broadcast(&self, attempt: &Attempt) -> Evidence {
        self.hand_over(attempt)
    }

    fn look_up(&self, attempt: &Attempt) -> Evidence {
        let (id, slot) = (attempt.id.as_str(), attempt.slot.as_str());
        let words = self.ask(|network| (0..NODES).map(|node| network.ask(node, id, slot)).collect());
        evidence(attempt, words)
    }

    fn classify(&self, attempt: &Attempt, evidence: &Evidence) -> Standing {
        let standing = classify(attempt, evidence);
        let takes_word = self.bench.upgrade().is_some_and(|bench| bench.takes_word_for_final());
        if takes_word && standing == Standing::Pending { Standing::Confirmed } else { standing }
    }

    fn prove_dead(&self, attempt: &Attempt, evidence: &Evidence) -> Result<DeathProof, NotProven> {
        let proven = prove_dead(self.family, attempt, evidence);
        let takes_silence = self.bench.upgrade().is_some_and(|bench| bench.takes_silence_for_death());
        if takes_silence
            && matches!(classify(attempt, evidence), Standing::NotFound | Standing::Unknown { .. })
        {
            let (attempt, evidence) = (attempt.id.clone(), evidence.clone());
            return Ok(DeathProof { attempt, taken_by: None, nodes: AGREE, evidence });
        }
        proven
    }

    fn free_slot(&self, attempt: &Attempt, state: &SenderState) -> Result<Unsigned, BuildError> {
        match self.family {
            Family::Ordered if state.slot == attempt.slot => Ok(self.unsigned(state, Kind::Free)),
            Family::Ordered | Family::Expiring => Err(BuildError::SlotClosed),
        }
    }

    fn balance(&self, account: &Address) -> Result<AccountBalance, ChainError> {
        let (state, _) = self.agreed(account)?;
        let incoming = self.ask(|network| network.arrivals(account.as_str()));
        let incoming = incoming.iter().map(|(_, arrival)| arrival.amount).sum();
        Ok(AccountBalance { settled: Amount::new(state.balance), incoming: Amount::new(incoming) })
    }

    fn finality(&self) -> Result<Finality, ChainError> {
        let mut heights: Vec<u64> =
            self.ask(|network| (0..NODES).filter_map(|node| network.height(node)).collect());
        heights.sort_unstable();
        let answered = heights.len();
        let problem = || "no answer".to_owned();
        let agreed = heights.iter().rev().nth(AGREE - 1).copied();
        let height =
            agreed.ok_or_else(|| ChainError::TooFewNodes { answered, needed: AGREE, problem: problem() })?;
        Ok(Finality { height, nodes: answered })
    }

    fn incoming(&self, account: &Address, least: Amount, most: usize) -> Result<Vec<Incoming>, ChainError> {
        let mut arrivals = self.ask(|network| network.arrivals(account.as_str()));
        arrivals.retain(|(_, arrival)| arrival.amount >= least.units());
        arrivals.sort_by_key(|(_, arrival)| std::cmp::Reverse(arrival.amount));
        let incoming = arrivals.into_iter().take(most).map(|(id, arrival)| Incoming {
            id: TransactionId::from_canonical(id),
            from: Address::from_canonical(arrival.from),
            amount: Amount::new(arrival.amount),
        });
        Ok(incoming.collect())
    }

    fn receiver_state(&self, account: &Address) -> Result<SenderState, ChainError> {
        let (state, height) = self.agreed(account)?;
        Ok(self.state_of(account, &state, height))
    }

    fn build_receipt(&self, incoming: &Incoming, state: &SenderState) -> Result<Unsigned, BuildError> {
        if self.family == Family::Expiring {
            return Err(BuildError::NothingToAccept);
        }
        let (source, amount) = (incoming.id.to_string(), incoming.amount.units());
        Ok(self.unsigned(state, Kind::Accept { source, amount }))
    }

    fn history(&self) -> Option<&dyn History> {
        (self.family == Family::Ordered).then_some(self as &dyn History)
    }

    fn fee_paid(&self, _attempt: &Attempt, _evidence: &Evidence) -> Amount {
        Amount::new(self.family.fee())
    }
}

impl<B: Bench> History for SimChain<B> {
    fn past(
        &self,
        account: &Address,
        from: Option<&TransactionId>,
        most: usize,
    ) -> Result<Vec<Past>, ChainError> {
        let head = match from {
            Some(id) => id.to_string(),
            None => self.agreed(account)?.0.head,
        };
        if head.is_empty() {
            return Ok(Vec::new());
        }
        let told: Vec<Vec<Landed>> = self.ask(|network| {
            (0..NODES).filter_map(|node| network.past(node, account.as_str(), &head, most)).collect()
        });
        let answered = told.len();
        if answered < AGREE {
            return Err(ChainError::TooFewNodes { answered, needed: AGREE, problem: "no answer".to_owned() });
        }
        let votes = |page: &Vec<Landed>| told.iter().filter(|other| *other == page).count();
        let agreed = told.iter().find(|page| votes(page) >= AGREE);
        let agreed = agreed.ok_or_else(|| ChainError::Disagreement("on the account's past".to_owned()))?;
        Ok(agreed.iter().map(past_of).collect())
    }
}

fn past_of(landed: &Landed) -> Past {
    let id = |text: &str| TransactionId::from_canonical(text.to_owned());
    let sent = landed.payment();
    Past {
        id: id(&landed.id),
        previous: landed.previous().map(id),
        sent: sent.map(|(to, amount)| (Address::from_canonical(to), Amount::new(amount))),
    }
}
