//! The witness of payouts: every intent and attempt as committed, every transaction as the chain has it.

mod deciding;
mod rest;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use bursar_chain::Attempt;
use parking_lot::ReentrantMutexGuard;
use rusqlite::Connection;

use super::cancels::Cancels;
use super::holdings;
use super::obligations::{Obligation, OrderReply};
use super::operators::{Act, Stop};
use super::orders::{self, InHand, Orders, Since, Stored};
use super::put_back::PutBack;
use super::rows::{Intent, Signed, Tables, fresh};
use crate::chain::Landed;
use crate::figures::Figures;
use crate::gate::Gate;
use crate::invariant::{Breach, require};
use crate::watching::Eye;

/// Names of intents' states by code.
const STATES: [&str; 7] = ["accepted", "held", "signed", "broadcast", "final", "failed", "cancelled"];
pub const ACCEPTED: i64 = 0;
pub const HELD: i64 = 1;
pub const SIGNED: i64 = 2;
pub const BROADCAST: i64 = 3;
pub const FINAL: i64 = 4;
pub const FAILED: i64 = 5;
pub const CANCELLED: i64 = 6;
/// Moves from state to state that may be seen between two looks.
pub const MOVES: &[(i64, i64, &str)] = &[
    (0, 1, "accepted > held"),
    (1, 0, "held > accepted"),
    (0, 2, "accepted > signed"),
    (0, 5, "accepted > failed"),
    (1, 5, "held > failed"),
    (0, 6, "accepted > cancelled"),
    (1, 6, "held > cancelled"),
    (2, 3, "signed > broadcast"),
    (2, 4, "signed > final"),
    (2, 0, "signed > accepted"),
    (2, 5, "signed > failed"),
    (3, 4, "broadcast > final"),
    (3, 0, "broadcast > accepted"),
    (3, 5, "broadcast > failed"),
];

/// Everything that was ever seen committed.
#[derive(Clone, Debug, Default)]
struct Seen {
    intents: BTreeMap<i64, Intent>,
    by_key: HashMap<String, i64>,
    attempts: BTreeMap<i64, Signed>,
    /// Bytes of attempts by the chain's id.
    bytes: HashMap<String, Vec<u8>>,
    /// Answers "accepted" by key, and how often it was called new.
    acknowledged: BTreeMap<String, (Obligation, u32)>,
    /// By which node's commit an intent came to be, and which of them it was by the witness's count.
    made: HashMap<i64, (Option<usize>, u64)>,
    cancels: Cancels,
}

/// What a witness knew at a moment.
pub struct Recollection {
    seen: Seen,
    gates: [Gate; 2],
    in_hand: InHand,
}

/// See the module.
pub struct Witness {
    /// Whether the desk's payouts, and all, are stopped.
    pub gates: [Gate; 2],
    /// Troubles of the chains since the last count.
    pub troubles: Vec<&'static str>,
    seen: Seen,
    orders: Orders,
    /// Every intent as it was first accepted, by its destination: no restore takes this back, nor what follows.
    accepted: BTreeMap<String, Intent>,
    /// The bytes of all that was ever seen signed, by the chain's id.
    signed: BTreeMap<String, Vec<u8>>,
    /// Transactions whose bytes have left.
    left: BTreeSet<String>,
    /// What the chain paid, by destination.
    paid: BTreeMap<String, (String, u128)>,
    /// Attempts that were ever called dead.
    dead: BTreeSet<String>,
    moves: BTreeMap<&'static str, u64>,
    restores: u64,
    put_back: PutBack,
    /// Whether a person has let a wallet run by its balance, so that what came in may have no receipt.
    is_matched_by_hand: bool,
    /// Whether nothing was looked at since a restore: a backup holds a commit that failed on disk too, which nobody saw then.
    is_first_look: bool,
    commits: u64,
    acts: u64,
    eye: Option<Eye>,
}

impl Witness {
    /// A witness that has seen nothing yet.
    pub fn new(put_back: PutBack) -> Witness {
        Witness {
            gates: [Gate::Open; 2],
            troubles: Vec::new(),
            seen: Seen::default(),
            orders: Orders::default(),
            accepted: BTreeMap::new(),
            signed: BTreeMap::new(),
            left: BTreeSet::new(),
            paid: BTreeMap::new(),
            dead: BTreeSet::new(),
            moves: BTreeMap::new(),
            restores: 0,
            put_back,
            is_matched_by_hand: false,
            is_first_look: false,
            commits: 0,
            acts: 0,
            eye: None,
        }
    }

    /// Looks through `eye` from now on.
    pub fn connect(&mut self, eye: &Eye) {
        self.eye = Some(eye.clone());
    }

    /// Closes its eye.
    pub fn disconnect(&mut self) {
        self.eye = None;
    }

    /// A lane takes orders in hand.
    pub fn take_in_hand<'a>(&mut self, orders: impl IntoIterator<Item = &'a Obligation>) -> Since {
        self.orders.take_in_hand(orders);
        Since { commits: self.commits, acts: self.acts }
    }

    /// Whether an obligation is on record as accepted.
    pub fn is_accepted(&self, obligation: &Obligation) -> bool {
        self.seen.by_key.contains_key(&obligation.key)
    }

    /// Whether an order that can be paid is neither on record nor paid. One under a key that was ever another's is refused.
    pub fn lacks(&self, obligation: &Obligation) -> bool {
        let is_others = |first: &Intent| first.key == obligation.key && !orders::is_same(obligation, first);
        orders::flaw(obligation).is_none()
            && !self.is_accepted(obligation)
            && !self.is_paid(obligation.to.as_str())
            && !self.accepted.values().any(is_others)
    }

    /// Intents that are not over.
    pub fn open(&self) -> Vec<i64> {
        self.seen.intents.values().filter(|intent| intent.state < FINAL).map(|intent| intent.id).collect()
    }

    /// Whether the chain has paid somebody, whatever the records say.
    pub fn is_paid(&self, to: &str) -> bool {
        self.paid.contains_key(to)
    }

    /// Intents in a state in which they are not over, although the chain has paid them.
    pub fn open_and_paid(&self, state: i64) -> Vec<i64> {
        let open = self.seen.intents.values().filter(|intent| intent.state == state);
        open.filter(|intent| self.is_paid(&intent.to)).map(|intent| intent.id).collect()
    }

    /// Whether somebody tried to give an intent up, and was not refused.
    pub fn may_end(&self, intent: i64) -> bool {
        self.seen.cancels.may_end(intent)
    }

    /// Intents that are held.
    pub fn held(&self) -> Vec<i64> {
        self.seen.intents.values().filter(|intent| intent.state == HELD).map(|intent| intent.id).collect()
    }

    fn gate(&mut self, stop: Stop) -> &mut Gate {
        let [desk, everything] = &mut self.gates;
        match stop {
            Stop::Desk => desk,
            Stop::Everything => everything,
        }
    }

    /// An operator tries something.
    pub fn begin(&mut self, act: &Act) {
        self.acts += 1;
        match act {
            Act::Stop(stop) => self.gate(*stop).begin_stop(None),
            Act::Resume(stop) => *self.gate(*stop) = Gate::Unknown,
            Act::Cancel(intent) => self.seen.cancels.begin(*intent),
            Act::Hold(_) | Act::Release(_) => {}
        }
    }

    /// The operator was told that it is done, or refused.
    pub fn done(&mut self, act: &Act, is_done: bool) -> Result<(), Breach> {
        self.acts += 1;
        match act {
            Act::Stop(stop) => *self.gate(*stop) = Gate::Stopped { until_ms: None },
            Act::Resume(stop) => *self.gate(*stop) = Gate::Open,
            Act::Cancel(intent) => {
                self.seen.cancels.end(*intent, is_done);
                return self.seen.cancels.check(*intent, self.seen.intents.get(intent), is_done);
            }
            Act::Hold(_) | Act::Release(_) => {}
        }
        Ok(())
    }

    /// Looks at what is new after a commit of `node`, or after a recovery.
    pub fn look(&mut self, node: Option<usize>) -> Result<(), Breach> {
        self.commits += 1;
        let fresh = fresh(&self.connected(), &self.seen.intents, &self.seen.attempts);
        let (intents, attempts) = fresh.expect("the witness can read");
        self.check_there(&intents, &attempts)?;
        for intent in intents {
            self.admit_intent(intent, node)?;
        }
        for (attempt, bytes) in attempts {
            self.admit_attempt(attempt, bytes)?;
        }
        self.is_first_look = false;
        Ok(())
    }

    /// What was not over is there still.
    fn check_there(&self, intents: &[Intent], attempts: &[(Signed, Vec<u8>)]) -> Result<(), Breach> {
        let is_there = |open: &Intent| intents.iter().any(|intent| intent.id == open.id);
        let gone = self.seen.intents.values().find(|intent| intent.state < FINAL && !is_there(intent));
        require!(Durable, gone.is_none(), "gone is {gone:?}");
        let is_there = |open: &Signed| attempts.iter().any(|(attempt, _)| attempt.id == open.id);
        let gone = self.seen.attempts.values().find(|attempt| attempt.state < 2 && !is_there(attempt));
        require!(Durable, gone.is_none(), "gone is {gone:?}");
        Ok(())
    }

    fn admit_intent(&mut self, intent: Intent, node: Option<usize>) -> Result<(), Breach> {
        let id = intent.id;
        self.check_final(&intent)?;
        let Some(before) = self.seen.intents.get(&id) else { return self.admit_new_intent(intent, node) };
        if before.state != intent.state {
            let (from, to) = (before.state, intent.state);
            let step = MOVES.iter().find(|(a, b, _)| (*a, *b) == (from, to));
            let name = |state: i64| usize::try_from(state).ok().and_then(|state| STATES.get(state));
            // After a restore the journal may know of a transaction that the restored state does not, and one that nobody knows
            // may have paid what came to nothing.
            let is_after_restore = (self.restores > 0 || self.is_matched_by_hand)
                && matches!((from, to), (HELD, SIGNED) | (SIGNED | BROADCAST, HELD));
            require!(
                Once,
                step.is_some() || is_after_restore,
                "{} went from {:?} to {:?}",
                intent.key,
                name(from),
                name(to)
            );
            if let Some((_, _, name)) = step {
                *self.moves.entry(name).or_default() += 1;
            }
            // Whoever gave up what was under way is told that it failed only where nothing paid it, whatever the records forgot.
            let is_freed = matches!((from, to), (ACCEPTED | SIGNED | BROADCAST, FAILED)) && intent.has_hold;
            let is_freed_though_paid = is_freed && self.is_paid(&intent.to);
            require!(PaidOnce, !is_freed_though_paid, "{intent:?} has failed, and the chain has paid it");
            let may_end = intent.state <= FINAL || !intent.has_hold || self.seen.cancels.may_end(id);
            require!(PaidOnce, may_end, "{intent:?} is owed, and nobody took it back");
        }
        let is_kept = before.is_of_same_order(&intent) && before.has_hold == intent.has_hold;
        require!(Durable, is_kept, "{before:?} became {intent:?}");
        self.seen.intents.insert(id, intent);
        Ok(())
    }

    fn admit_new_intent(&mut self, intent: Intent, node: Option<usize>) -> Result<(), Breach> {
        let id = intent.id;
        let known = self.seen.by_key.insert(intent.key.clone(), id);
        require!(Once, known.is_none(), "{} is accepted a second time, as {id}", intent.key);
        if intent.has_hold {
            let gates = self.gates;
            let is_stopped = gates.iter().any(|gate| gate.binds(i64::MIN));
            require!(StopBinds, !is_stopped, "{intent:?} was accepted under {gates:?}");
            self.orders.check_asked(&intent)?;
        } else {
            let first = self.accepted.get(&intent.to);
            let is_back = first.is_some_and(|first| first.is_back_as(&intent));
            require!(RefusedNoTrace, is_back, "{intent:?} came from a journal, and accepted was {first:?}");
        }
        self.accepted.entry(intent.to.clone()).or_insert_with(|| intent.clone());
        self.seen.made.insert(id, (node, self.commits));
        self.seen.intents.insert(id, intent);
        Ok(())
    }

    /// What is final in the book is on the chain.
    fn check_final(&self, intent: &Intent) -> Result<(), Breach> {
        let paid = self.paid.get(&intent.to).map(|(_, amount)| *amount);
        let is_true = intent.state != FINAL || paid == Some(intent.amount);
        require!(ChainIsBook, is_true, "{intent:?} is final, and the chain paid {paid:?}");
        Ok(())
    }

    fn connected(&self) -> ReentrantMutexGuard<'_, Connection> {
        self.eye.as_ref().expect("the witness is connected while nodes run").look()
    }

    fn admit_attempt(&mut self, attempt: Signed, bytes: Vec<u8>) -> Result<(), Breach> {
        let id = attempt.id;
        match self.seen.attempts.get(&id) {
            None => self.admit_signature(&attempt, &bytes)?,
            Some(before) => {
                let is_kept = before.is_of_same_transaction(&attempt)
                    && self.seen.bytes.get(&before.transaction) == Some(&bytes);
                require!(Durable, is_kept, "{before:?} became {attempt:?}");
            }
        }
        if attempt.state == 3 {
            self.dead.insert(attempt.transaction.clone());
        }
        self.seen.attempts.insert(id, attempt);
        Ok(())
    }

    /// Something was signed; or it was before, and comes from the journal.
    fn admit_signature(&mut self, attempt: &Signed, bytes: &[u8]) -> Result<(), Breach> {
        let first = self.signed.get(&attempt.transaction);
        if attempt.is_imported {
            let is_known = first.is_some_and(|first| first == bytes);
            require!(RestoreNeverRepays, is_known, "{attempt:?} counts as imported, and was never signed");
        } else {
            let gates = self.gates;
            let is_stopped = gates.iter().any(|gate| gate.binds(i64::MIN));
            require!(NoSignAfterStop, !is_stopped, "{attempt:?} was signed under {gates:?}");
            if !self.is_first_look {
                let told = if self.put_back == PutBack::Told { self.restores } else { 0 };
                holdings::check_matched(&self.connected(), attempt, told)?;
            }
            self.check_may_pay(attempt)?;
        }
        self.signed.entry(attempt.transaction.clone()).or_insert_with(|| bytes.to_vec());
        self.seen.bytes.insert(attempt.transaction.clone(), bytes.to_vec());
        Ok(())
    }

    /// A payment is signed while no other lives, and not after it was taken back.
    fn check_may_pay(&self, attempt: &Signed) -> Result<(), Breach> {
        let Some(intent) = attempt.intent.filter(|_| attempt.kind == 0) else { return Ok(()) };
        let own = self.seen.attempts.values().filter(|other| other.intent == Some(intent) && other.kind == 0);
        let lives = own.filter(|other| other.state != 3).count();
        require!(PaidOnce, lives == 0, "{attempt:?} was signed beside {lives} that live");
        let is_taken_back = self.seen.cancels.is_taken_back(intent);
        require!(PaidOnce, !is_taken_back, "{attempt:?} was signed after {intent} was taken back");
        Ok(())
    }

    /// Bytes are about to leave: they must have been seen committed.
    pub fn check_stored(&mut self, attempt: &Attempt) -> Result<(), Breach> {
        self.left.insert(attempt.id.to_string());
        let stored = self.seen.bytes.get(attempt.id.as_str());
        let is_stored = stored.is_some_and(|bytes| *bytes == attempt.bytes);
        require!(BytesFirst, is_stored, "{} leaves, and is not committed", attempt.id);
        Ok(())
    }

    /// Something became final.
    pub fn admit_landed(&mut self, landed: Landed) -> Result<(), Breach> {
        let is_dead = self.dead.contains(&landed.id);
        require!(PaidOnce, !is_dead, "{} was called dead and is final", landed.id);
        let Some((to, amount)) = landed.payment() else { return Ok(()) };
        let before = self.paid.insert(to.clone(), (landed.id.clone(), amount));
        if let Some((first, _)) = &before {
            let words = format!("{to} is paid by {first} and again by {}", landed.id);
            // What a restore forgot is not on record any more.
            let is_known = self.restores == 0 || self.seen.bytes.contains_key(first);
            require!(RestoreNeverRepays, is_known, "{words}");
            require!(PaidOnce, false, "{words}");
        }
        let owed = self.accepted.get(&to);
        let is_owed = owed.is_some_and(|owed| owed.amount == amount) && self.signed.contains_key(&landed.id);
        require!(PaidOnce, is_owed, "{to} is paid {amount} by {}, accepted is {owed:?}", landed.id);
        Ok(())
    }

    /// Whether the answers to a batch of `node`'s are true.
    pub fn check_answers(
        &mut self,
        node: usize,
        since: Since,
        batch: &[Obligation],
        replies: &[OrderReply],
    ) -> Result<(), Breach> {
        let is_open = since.is_open(self.gates, self.acts);
        for (order, reply) in batch.iter().zip(replies) {
            let id = self.seen.by_key.get(&order.key);
            let made = id.and_then(|id| self.seen.made.get(id));
            let intent = id.and_then(|id| self.seen.intents.get(id));
            // A batch holds what it accepts: what is not held came from the journal meanwhile.
            let is_made_here = intent.is_some_and(|intent| intent.has_hold)
                && made.is_some_and(|(by, commit)| *by == Some(node) && *commit > since.commits);
            let is_alone = batch.iter().filter(|other| other.key == order.key).count() == 1;
            orders::check_reply(order, reply, &Stored { intent, is_made_here, is_alone, is_open })?;
            self.orders.put_down(order, reply);
            if let Ok(Ok(accepted)) = reply {
                let known = self.seen.acknowledged.entry(order.key.clone());
                let (_, times) = known.or_insert_with(|| (order.clone(), 0));
                *times += u32::from(accepted.is_new);
                require!(Once, *times <= 1, "{} is called new {times} times", order.key);
            }
        }
        Ok(())
    }

    /// Looks at what is new and goes through everything that was ever seen. After a recovery nobody has an order in hand.
    pub fn examine(&mut self, wallets: &[String], after_recovery: bool) -> Result<(), Breach> {
        self.look(None)?;
        if after_recovery {
            self.orders.drop_all();
        }
        let connection = self.connected();
        let Tables { intents, attempts, held, owed } =
            Tables::read(&connection).expect("the witness can read everything");
        let same = intents.iter().eq(self.seen.intents.values());
        require!(Durable, same, "intents changed behind their commits");
        let differs = attempts.iter().zip(self.seen.attempts.values()).find(|((stored, bytes), seen)| {
            stored != *seen || self.seen.bytes.get(&seen.transaction) != Some(bytes)
        });
        let differs = differs.map(|((stored, _), seen)| (stored, seen));
        require!(Durable, differs.is_none(), "an attempt as stored, and as it was seen: {differs:?}");
        let (seen, stored) = (self.seen.attempts.len(), attempts.len());
        require!(Durable, seen == stored, "{seen} attempts were signed, {stored} are there");
        for (key, (obligation, _)) in &self.seen.acknowledged {
            let stored = self.seen.by_key.get(key).and_then(|id| self.seen.intents.get(id));
            let is_there = stored.is_some_and(|intent| orders::is_same(obligation, intent));
            require!(Durable, is_there, "{key} was acknowledged, and stored is {stored:?}");
        }
        require!(LedgerZero, held == owed, "{held} is held for intents of {owed}");
        intents.iter().try_for_each(|intent| self.check_final(intent))?;
        wallets.iter().try_for_each(|wallet| holdings::check_booked(&connection, wallet))
    }

    /// Payments that were ever signed.
    #[cfg(test)]
    pub fn signed_payments(&self) -> usize {
        self.seen.attempts.values().filter(|attempt| attempt.kind == 0).count()
    }

    /// What it knows now.
    pub fn remember(&self) -> Recollection {
        Recollection { seen: self.seen.clone(), gates: self.gates, in_hand: self.orders.in_hand() }
    }

    /// An older state has been restored: what was promised and seen since counts no more, but for what the chain has.
    pub fn go_back_to(&mut self, recollection: &Recollection) {
        self.seen = recollection.seen.clone();
        self.gates = recollection.gates;
        self.orders.go_back_to(&recollection.in_hand);
        self.is_first_look = true;
        self.restores += 1;
        self.acts += 1;
    }

    /// Adds what was seen to the figures of the run.
    pub fn count(&self, figures: &mut Figures) {
        figures.commits += self.commits;
        self.moves.iter().for_each(|(name, times)| figures.reach_times("intent", name, *times));
        self.troubles.iter().for_each(|trouble| figures.reach("chain", trouble));
        if self.restores > 0 {
            figures.reach("operator", self.put_back.word());
        }
        for _ in self.seen.intents.values().filter(|intent| !intent.has_hold) {
            figures.reach("intent", "back by the journal");
        }
        for attempt in self.seen.attempts.values() {
            let signed = match attempt.kind {
                2 => "receipt signed",
                1 => "signed to free a slot",
                _ => "signed",
            };
            figures.reach("attempt", signed);
            match attempt.state {
                2 => figures.reach("attempt", "final"),
                3 => figures.reach("attempt", "dead"),
                _ => {}
            }
        }
    }
}
