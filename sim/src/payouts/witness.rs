//! The witness of payouts: every intent and attempt as committed, every transaction as the chain has it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use bursar_chain::Attempt;
use bursar_disk_faults::Disk;
use rusqlite::Connection;

use super::holdings;
use super::obligations::{Obligation, OrderReply};
use super::operators::{Act, Stop};
use super::rows::{Intent, Signed, amount, fresh, intent};
use crate::chain::{Landed, Truth};
use crate::figures::Figures;
use crate::gate::Gate;
use crate::invariant::{Breach, require};
use crate::watching::watch;

/// Names of intents' states by code.
const STATES: [&str; 7] = ["accepted", "held", "signed", "broadcast", "final", "failed", "cancelled"];
pub const ACCEPTED: i64 = 0;
pub const HELD: i64 = 1;
pub const SIGNED: i64 = 2;
pub const BROADCAST: i64 = 3;
pub const FINAL: i64 = 4;
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
    /// Answers "accepted" by key.
    acknowledged: BTreeMap<String, Obligation>,
    cancelled: BTreeSet<i64>,
}

/// What a witness knew at a moment.
pub struct Recollection {
    seen: Seen,
    gates: [Gate; 2],
}

/// See the module.
pub struct Witness {
    /// Whether the desk's payouts, and all, are stopped.
    pub gates: [Gate; 2],
    /// Troubles of the chains since the last count.
    pub troubles: Vec<&'static str>,
    seen: Seen,
    /// Everything that was ever asked for, by key.
    asked: HashMap<String, Vec<Obligation>>,
    /// What the chain paid, by destination: no restore takes that back.
    paid: BTreeMap<String, (String, u128)>,
    /// Attempts that were ever called dead.
    dead: BTreeSet<String>,
    moves: BTreeMap<&'static str, u64>,
    restores: u64,
    commits: u64,
    connection: Option<Connection>,
}

impl Witness {
    /// A witness that has seen nothing yet.
    pub fn new() -> Witness {
        Witness {
            gates: [Gate::Open; 2],
            troubles: Vec::new(),
            seen: Seen::default(),
            asked: HashMap::new(),
            paid: BTreeMap::new(),
            dead: BTreeSet::new(),
            moves: BTreeMap::new(),
            restores: 0,
            commits: 0,
            connection: None,
        }
    }

    /// Opens its connection.
    pub fn connect(&mut self, disk: &Disk) -> rusqlite::Result<()> {
        self.connection = Some(watch(disk, "payout_wallet")?);
        Ok(())
    }

    /// Closes its connection.
    pub fn disconnect(&mut self) {
        self.connection = None;
    }

    /// Something is asked for.
    pub fn ask(&mut self, obligation: &Obligation) {
        let asked = self.asked.entry(obligation.key.clone()).or_default();
        if !asked.contains(obligation) {
            asked.push(obligation.clone());
        }
    }

    /// Whether an obligation is on record as accepted.
    pub fn is_accepted(&self, obligation: &Obligation) -> bool {
        self.seen.by_key.contains_key(&obligation.key)
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
        match act {
            Act::Stop(stop) => self.gate(*stop).begin_stop(None),
            Act::Resume(stop) => *self.gate(*stop) = Gate::Unknown,
            Act::Cancel(intent) => drop(self.seen.cancelled.insert(*intent)),
            Act::Hold(_) | Act::Release(_) => {}
        }
    }

    /// The operator was told that it is done, or refused.
    pub fn done(&mut self, act: &Act, _is_done: bool) {
        match act {
            Act::Stop(stop) => *self.gate(*stop) = Gate::Stopped { until_ms: None },
            Act::Resume(stop) => *self.gate(*stop) = Gate::Open,
            Act::Cancel(_) | Act::Hold(_) | Act::Release(_) => {}
        }
    }

    /// Looks at what is new after a commit, or after a recovery.
    pub fn look(&mut self) -> Result<(), Breach> {
        self.commits += 1;
        let connection = self.connection.as_ref().expect("the witness is connected while nodes run");
        let fresh = fresh(connection, &self.seen.intents, &self.seen.attempts);
        let (intents, attempts) = fresh.expect("the witness can read");
        for intent in intents {
            self.admit_intent(intent)?;
        }
        for (attempt, bytes) in attempts {
            self.admit_attempt(attempt, bytes)?;
        }
        Ok(())
    }

    fn admit_intent(&mut self, intent: Intent) -> Result<(), Breach> {
        let id = intent.id;
        self.check_final(&intent)?;
        let Some(before) = self.seen.intents.get(&id) else {
            let known = self.seen.by_key.insert(intent.key.clone(), id);
            require!(Once, known.is_none(), "{} is accepted a second time, as {id}", intent.key);
            let is_recovered = intent.key.starts_with("recovered/");
            let asked = is_recovered
                || self.asked.get(&intent.key).is_some_and(|asked| {
                    asked.iter().any(|o| {
                        o.to.as_str() == intent.to
                            && o.amount == intent.amount
                            && o.wallet.as_str() == intent.wallet
                    })
                });
            require!(RefusedNoTrace, asked, "nobody asked for {intent:?}");
            self.seen.intents.insert(id, intent);
            return Ok(());
        };
        if before.state != intent.state {
            let (from, to) = (before.state, intent.state);
            let step = MOVES.iter().find(|(a, b, _)| (*a, *b) == (from, to));
            let name = |state: i64| usize::try_from(state).ok().and_then(|state| STATES.get(state));
            // After a restore the journal may know of a transaction that the restored state does not.
            let is_from_journal = self.restores > 0 && (from, to) == (HELD, SIGNED);
            require!(
                Once,
                step.is_some() || is_from_journal,
                "{} went from {:?} to {:?}",
                intent.key,
                name(from),
                name(to)
            );
            if let Some((_, _, name)) = step {
                *self.moves.entry(name).or_default() += 1;
            }
        }
        let is_kept = (&before.key, &before.to, before.amount) == (&intent.key, &intent.to, intent.amount);
        require!(Durable, is_kept, "{before:?} became {intent:?}");
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

    fn connected(&self) -> &Connection {
        self.connection.as_ref().expect("the witness is connected while nodes run")
    }

    fn admit_attempt(&mut self, attempt: Signed, bytes: Vec<u8>) -> Result<(), Breach> {
        let id = attempt.id;
        if !self.seen.attempts.contains_key(&id) {
            let gates = self.gates;
            let is_stopped = !attempt.is_imported && gates.iter().any(|gate| gate.binds(i64::MIN));
            require!(NoSignAfterStop, !is_stopped, "{attempt:?} was signed under {gates:?}");
            holdings::check_matched(self.connected(), &attempt, self.restores)?;
            let others =
                self.seen.attempts.values().filter(|other| other.intent == attempt.intent && other.kind == 0);
            let lives = others.filter(|other| other.intent.is_some() && other.state != 3).count();
            let is_alone = attempt.kind != 0 || attempt.is_imported || lives == 0;
            require!(PaidOnce, is_alone, "{attempt:?} was signed beside {lives} that live");
            self.seen.bytes.insert(attempt.transaction.clone(), bytes);
        }
        if attempt.state == 3 {
            self.dead.insert(attempt.transaction.clone());
        }
        self.seen.attempts.insert(id, attempt);
        Ok(())
    }

    /// Bytes are about to leave: they must have been seen committed.
    pub fn check_stored(&self, attempt: &Attempt) -> Result<(), Breach> {
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
        let is_owed =
            self.asked.values().flatten().any(|owed| owed.to.as_str() == to && owed.amount == amount);
        require!(PaidOnce, is_owed, "{to} is paid {amount}, which nobody owes");
        Ok(())
    }

    /// Whether an answer is true.
    pub fn check_answer(&mut self, obligation: &Obligation, reply: &OrderReply) -> Result<(), Breach> {
        let Ok(Ok(accepted)) = reply else { return Ok(()) };
        let key = &obligation.key;
        let stored = self.seen.by_key.get(key).and_then(|id| self.seen.intents.get(id));
        let is_true = stored.is_some_and(|intent| {
            intent.id == accepted.id.0
                && intent.to == obligation.to.as_str()
                && intent.amount == obligation.amount
        });
        require!(Durable, is_true, "{key} is acknowledged as {accepted:?}, and stored is {stored:?}");
        self.seen.acknowledged.insert(key.clone(), obligation.clone());
        Ok(())
    }

    /// Goes through everything that was ever seen.
    pub fn examine(&self, wallets: &[String]) -> Result<(), Breach> {
        let connection = self.connected();
        let read = || -> rusqlite::Result<_> {
            let snapshot = connection.unchecked_transaction()?;
            let sql = "SELECT id, idempotency_key, wallet, destination, amount, state, hold IS NOT NULL FROM payout_intent ORDER BY id";
            let intents =
                snapshot.prepare_cached(sql)?.query_map([], intent)?.collect::<Result<Vec<_>, _>>()?;
            let sql = "SELECT i.amount FROM payout_intent i WHERE i.state < 4 AND i.hold IS NOT NULL";
            let owed = snapshot
                .prepare_cached(sql)?
                .query_map([], |row| amount(row, 0))?
                .sum::<Result<u128, _>>()?;
            let sql = "SELECT asset, debits, credits, held FROM ledger_account";
            let accounts = snapshot
                .prepare_cached(sql)?
                .query_map([], |row| {
                    Ok((row.get::<_, i64>(0)?, amount(row, 1)?, amount(row, 2)?, amount(row, 3)?))
                })?
                .collect::<Result<Vec<_>, _>>()?;
            Ok((intents, accounts, owed))
        };
        let (intents, accounts, owed) = read().expect("the witness can read everything");
        require!(
            Durable,
            intents.iter().eq(self.seen.intents.values()),
            "intents changed behind their commits"
        );
        for (key, obligation) in &self.seen.acknowledged {
            let stored = self.seen.by_key.get(key).and_then(|id| self.seen.intents.get(id));
            let is_there = stored.is_some_and(|intent| intent.to == obligation.to.as_str());
            require!(Durable, is_there, "{key} was acknowledged, and stored is {stored:?}");
        }
        let mut sums: BTreeMap<i64, (u128, u128, u128)> = BTreeMap::new();
        for (asset, debits, credits, held) in accounts {
            let sum = sums.entry(asset).or_default();
            *sum = (sum.0 + debits, sum.1 + credits, sum.2 + held);
        }
        for (asset, (debits, credits, _)) in &sums {
            require!(
                LedgerZero,
                debits == credits,
                "asset {asset} has debits {debits} and credits {credits}"
            );
        }
        let held: u128 = sums.values().map(|sum| sum.2).sum();
        require!(LedgerZero, held == owed, "{held} is held for intents of {owed}");
        intents.iter().try_for_each(|intent| self.check_final(intent))?;
        wallets.iter().try_for_each(|wallet| holdings::check_booked(connection, wallet))
    }

    /// Whether nothing is left to do.
    pub fn is_at_rest(&self) -> bool {
        let is_over = self.seen.intents.values().all(|intent| intent.state >= FINAL);
        is_over && self.wallets_run() && holdings::live(self.connected()).is_empty()
    }

    /// Whether no wallet stands still: after a restore one may wait for somebody to look at its chain.
    pub fn wallets_run(&self) -> bool {
        holdings::wallets_run(self.connected())
    }

    /// Everything accepted is paid, or was taken back; the book says what the chain says.
    pub fn check_rest(&self, truths: &[(String, Truth)]) -> Result<(), Breach> {
        let live = holdings::live(self.connected());
        require!(PaidOnce, live.is_empty(), "nothing stands in its way, and it is not over: {live:?}");
        for (wallet, truth) in truths {
            holdings::check_rest(self.connected(), (wallet, truth), self.restores)?;
        }
        for intent in self.seen.intents.values() {
            let paid = self.paid.get(&intent.to).map(|(transaction, _)| transaction);
            let may_end = self.seen.cancelled.contains(&intent.id) || !intent.has_hold;
            // What was paid by a transaction that a restore forgot may only be taken back.
            let is_forgotten = paid.is_some_and(|paid| !self.seen.bytes.contains_key(paid));
            let is_right = match intent.state {
                FINAL => paid.is_some(),
                state => state > FINAL && may_end && (paid.is_none() || is_forgotten),
            };
            require!(PaidOnce, is_right, "{intent:?} is not over as it should be; paid by {paid:?}");
        }
        Ok(())
    }

    /// Payments that were ever signed.
    #[cfg(test)]
    pub fn signed_payments(&self) -> usize {
        self.seen.attempts.values().filter(|attempt| attempt.kind == 0).count()
    }

    /// What it knows now.
    pub fn remember(&self) -> Recollection {
        Recollection { seen: self.seen.clone(), gates: self.gates }
    }

    /// An older state has been restored: what was promised and seen since counts no more, but for what the chain has.
    pub fn go_back_to(&mut self, recollection: &Recollection) {
        self.seen = recollection.seen.clone();
        self.gates = recollection.gates;
        self.restores += 1;
    }

    /// Adds what was seen to the figures of the run.
    pub fn count(&self, figures: &mut Figures) {
        figures.commits += self.commits;
        self.moves.iter().for_each(|(name, times)| figures.reach_times("intent", name, *times));
        self.troubles.iter().for_each(|trouble| figures.reach("chain", trouble));
        for attempt in self.seen.attempts.values() {
            figures.reach("attempt", if attempt.kind == 2 { "receipt signed" } else { "signed" });
            match attempt.state {
                2 => figures.reach("attempt", "final"),
                3 => figures.reach("attempt", "dead"),
                _ => {}
            }
        }
    }
}
