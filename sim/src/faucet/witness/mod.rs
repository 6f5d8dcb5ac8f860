//! The witness of the faucet: every row, payout and signed payment as committed, every payment as the chain has it.

mod adoption;
mod caps;
mod follow;
mod outside;
mod payments;
mod rest;
mod rows;
mod signing;
mod sums;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use bursar_faucet::adoption::{Payment, Verdict};
use parking_lot::ReentrantMutexGuard;
use rusqlite::Connection;

use self::adoption::Adopted;
use self::outside::{Counted, Outside, Wallets};
use self::rows::Desk;
use super::operators::{Act, Stop};
use super::terms::Terms;
use super::wiring::operator;
use crate::figures::Figures;
use crate::gate::Gate;
use crate::invariant::{Breach, require};
use crate::payouts::rows::{Intent, Signed, fresh};
use crate::payouts::{FINAL, HELD, holdings};
use crate::watching::Eye;

/// A payment as it was signed: what nobody may be paid for again, whatever is restored.
#[derive(Clone, Debug)]
struct Promise {
    key: String,
    /// Whom it pays, by the id that Discord has.
    player: Option<String>,
    to: String,
    amount: u128,
    kills: Vec<Range>,
}

/// Lifetime kills of an account, and the baseline that they are counted from.
#[derive(Clone, Debug)]
struct Range {
    account: String,
    counted: Counted,
    from: i64,
    to: i64,
}

/// Everything that was ever seen committed.
#[derive(Clone, Debug, Default)]
struct Seen {
    desk: Desk,
    intents: BTreeMap<i64, Intent>,
    by_key: HashMap<String, i64>,
    attempts: BTreeMap<i64, Signed>,
    bytes: HashMap<String, Vec<u8>>,
    /// Whom each intent of a payout pays, pruned or not.
    payees: HashMap<i64, i64>,
    /// Players by number, with the ids that Discord has, erased or not.
    players: BTreeMap<i64, String>,
    /// The account that each accrual counts kills of, erased or not.
    accounts: HashMap<i64, String>,
    wallets: Wallets,
    /// Payments that were adopted after a restore, by transaction.
    adopted: BTreeMap<String, Adopted>,
    /// Transactions of confirmed payouts, pruned or not.
    recorded: BTreeMap<String, i64>,
    /// Whether payouts, accrual, and everything real are stopped in the rows.
    switches: [bool; 3],
}

/// What a witness knew at a moment.
pub struct Recollection {
    seen: Seen,
    gates: [Gate; 3],
}

/// See the module.
pub struct Witness {
    /// Whether payouts, accrual, and everything real are stopped.
    pub gates: [Gate; 3],
    /// Troubles outside since the last count.
    pub troubles: Vec<(&'static str, &'static str)>,
    /// What players and statistics did.
    pub outside: Outside,
    terms: Terms,
    seen: Seen,
    /// What was stopped in the rows before a commit and after it, whoever stopped it.
    stopped: [bool; 3],
    /// What was ever signed, by transaction: no restore takes it back.
    promises: BTreeMap<String, Promise>,
    /// Bytes of everything that was ever signed, by transaction; nor this.
    signed: BTreeMap<String, Vec<u8>>,
    /// Kills that the chain has paid, and by which transaction: for each account, whoever had it.
    paid: HashMap<String, Vec<(Range, String)>>,
    /// Orders that the chain has paid.
    paid_keys: BTreeMap<String, String>,
    /// Transactions that are final on the chain, with what they pay, in raw.
    landed: BTreeMap<String, u128>,
    dead: BTreeSet<String>,
    /// What the last adoption left, since the last restore.
    left: Vec<(Payment, Verdict)>,
    reached: BTreeMap<(&'static str, &'static str), u64>,
    restores: u64,
    /// Whether nothing was looked at since a restore: a backup holds a commit that failed on disk too, which nobody saw then.
    is_first_look: bool,
    commits: u64,
    eye: Option<Eye>,
}

impl Witness {
    /// A witness that has seen nothing yet.
    pub fn new(terms: &Terms) -> Witness {
        Witness {
            gates: [Gate::Open; 3],
            troubles: Vec::new(),
            outside: Outside::default(),
            terms: terms.clone(),
            seen: Seen::default(),
            stopped: [false; 3],
            promises: BTreeMap::new(),
            signed: BTreeMap::new(),
            paid: HashMap::new(),
            paid_keys: BTreeMap::new(),
            landed: BTreeMap::new(),
            dead: BTreeSet::new(),
            left: Vec::new(),
            reached: BTreeMap::new(),
            restores: 0,
            is_first_look: false,
            commits: 0,
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

    /// Intents that are not over.
    pub fn open_intents(&self) -> Vec<i64> {
        self.seen.intents.values().filter(|intent| intent.state < FINAL).map(|intent| intent.id).collect()
    }

    /// Intents that are held.
    pub fn held_intents(&self) -> Vec<i64> {
        self.seen.intents.values().filter(|intent| intent.state == HELD).map(|intent| intent.id).collect()
    }

    /// How many restores there were.
    pub fn restores(&self) -> u64 {
        self.restores
    }

    /// Whether the desk knows that payments are missing in its records.
    pub fn lacks_payments(&self) -> bool {
        let lacks = self.eye.as_ref().map(|eye| rows::lacks_payments(&eye.look()));
        lacks.is_some_and(|lacks| lacks.expect("the witness can read"))
    }

    /// Whether payouts are halted.
    pub fn is_halted(&self) -> bool {
        self.seen.switches[Stop::Payouts as usize]
    }

    /// Whether the operator's wallet does not run.
    pub fn wallet_stands_still(&self) -> bool {
        self.eye.as_ref().is_some_and(|eye| !holdings::wallets_run(&eye.look()))
    }

    fn connected(&self) -> ReentrantMutexGuard<'_, Connection> {
        self.eye.as_ref().expect("the witness is connected while nodes run").look()
    }

    /// An operator tries something.
    pub fn begin(&mut self, act: Act) {
        match act {
            Act::Stop(stop) => self.gates[stop as usize].begin_stop(None),
            Act::Resume(stop) => self.gates[stop as usize] = Gate::Unknown,
            Act::Erase(user) => {
                if let Some(player) = self.seen.players.get(&user) {
                    self.seen.wallets.doubt(player);
                }
            }
            _ => {}
        }
    }

    /// The operator was told that it is done.
    pub fn done(&mut self, act: Act) {
        match act {
            Act::Stop(stop) => self.gates[stop as usize] = Gate::Stopped { until_ms: None },
            Act::Resume(stop) => self.gates[stop as usize] = Gate::Open,
            _ => {}
        }
    }

    /// A player visits with an account and asks for a wallet; at which moment.
    pub fn visit(&mut self, player: &str, account: Option<&str>, wallet: &str) -> u64 {
        let moment = self.outside.moment();
        account.into_iter().for_each(|account| self.outside.has(player, account));
        self.seen.wallets.ask(player, moment, wallet);
        moment
    }

    /// What came of a visit.
    pub fn visited(&mut self, player: &str, moment: u64, is_linked: bool) {
        let ended = self.outside.moment();
        self.seen.wallets.answer(player, moment, ended, is_linked);
    }

    /// Whether nothing of a kind may be done: its stop was acknowledged, or the rows say so all along.
    fn binds(&self, stop: Stop) -> bool {
        self.gates[stop as usize].binds(i64::MIN) || self.stopped[stop as usize]
    }

    /// What is stopped, for people.
    fn stops(&self) -> String {
        format!("{:?}, in the rows {:?}", self.gates, self.stopped)
    }

    fn reach(&mut self, area: &'static str, what: &'static str) {
        *self.reached.entry((area, what)).or_default() += 1;
    }

    /// Looks at what is new after a commit, or after a recovery; at the desk's rows too if they may have changed.
    pub fn look(&mut self, is_of_desk: bool) -> Result<(), Breach> {
        self.commits += 1;
        let switches = rows::switches(&self.connected()).expect("the witness can read");
        let before = std::mem::replace(&mut self.seen.switches, switches);
        self.stopped = [0, 1, 2].map(|stop| before[stop] && switches[stop]);
        if self.stopped[Stop::Payouts as usize] && self.gates[Stop::Payouts as usize] == Gate::Open {
            self.reach("faucet", "halted by the desk itself");
        }
        let fresh = fresh(&self.connected(), &self.seen.intents, &self.seen.attempts);
        let (intents, attempts) = fresh.expect("the witness can read");
        let has_moved = intents.iter().any(|intent| {
            self.seen.intents.get(&intent.id).is_none_or(|before| before.state != intent.state)
        });
        let finals: Vec<i64> =
            intents.iter().filter(|intent| intent.state == FINAL).map(|intent| intent.id).collect();
        for intent in intents {
            self.admit_intent(intent)?;
        }
        let has_signed = attempts.iter().any(|(attempt, _)| !self.seen.attempts.contains_key(&attempt.id));
        if is_of_desk || has_moved || has_signed {
            let desk = Desk::read(&self.connected()).expect("the witness can read");
            sums::add_up(&desk)?;
            self.follow(&desk)?;
            self.seen.desk = desk;
        }
        for (attempt, bytes) in attempts {
            self.admit_attempt(attempt, bytes)?;
        }
        self.is_first_look = false;
        finals.iter().try_for_each(|intent| self.check_final(*intent))
    }

    /// Goes through everything that was ever seen; after a recovery also through what nobody was told.
    pub fn examine(&mut self) -> Result<(), Breach> {
        self.look(true)?;
        self.check_kept()?;
        let sql = "SELECT debits, credits, held FROM ledger_account";
        let read = || -> rusqlite::Result<Vec<(u128, u128, u128)>> {
            let amount = |row: &rusqlite::Row<'_>, at: usize| row.get(at).map(u128::from_be_bytes);
            let connection = self.connected();
            let mut accounts = connection.prepare_cached(sql)?;
            accounts.query_map([], |row| Ok((amount(row, 0)?, amount(row, 1)?, amount(row, 2)?)))?.collect()
        };
        let accounts = read().expect("the witness can read");
        let sum = |of: fn(&(u128, u128, u128)) -> u128| accounts.iter().map(of).sum::<u128>();
        let (debits, credits, held) = (sum(|a| a.0), sum(|a| a.1), sum(|a| a.2));
        require!(LedgerZero, debits == credits, "debits are {debits}, credits {credits}");
        let open = self.seen.intents.values().filter(|intent| intent.state < FINAL && intent.has_hold);
        let owed: u128 = open.map(|intent| intent.amount).sum();
        require!(LedgerZero, held == owed, "{held} is held for intents of {owed}");
        let finals = self.seen.intents.values().filter(|intent| intent.state == FINAL);
        finals.map(|intent| intent.id).try_for_each(|intent| self.check_final(intent))?;
        holdings::check_booked(&self.connected(), operator().as_str())
    }

    /// What it knows now.
    pub fn remember(&self) -> Recollection {
        Recollection { seen: self.seen.clone(), gates: self.gates }
    }

    /// An older state has been restored.
    pub fn go_back_to(&mut self, recollection: &Recollection) {
        self.seen = recollection.seen.clone();
        self.gates = recollection.gates;
        self.left.clear();
        self.is_first_look = true;
        self.restores += 1;
        let moment = self.outside.moment();
        self.seen.wallets.end_all(moment);
    }

    /// Adds what was seen to the figures of the run.
    pub fn count(&self, figures: &mut Figures) {
        figures.commits += self.commits;
        self.reached.iter().for_each(|((area, what), times)| figures.reach_times(area, what, *times));
        self.troubles.iter().for_each(|(area, trouble)| figures.reach(area, trouble));
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

/// The desk's own comparison must find nothing in what the witness holds to be whole.
pub fn check_reconciled(mismatches: &str) -> Result<(), Breach> {
    require!(KillsOnce, mismatches.is_empty(), "the desk finds {mismatches}");
    Ok(())
}
