//! The witness of the faucet: every row, payout and signed payment as committed, every payment as the chain has it.

mod payments;
mod rest;
mod rows;
mod sums;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use bursar_disk_faults::Disk;
use bursar_faucet::rules::caps::CapMode;
use rusqlite::Connection;

use self::rows::{Accrual, Desk, Payout, State};
use super::operators::{Act, Stop};
use super::terms::{DAY_MS, Terms, Window};
use super::wiring::operator;
use crate::figures::Figures;
use crate::gate::Gate;
use crate::invariant::{Breach, require};
use crate::payouts::rows::{Intent, Signed, fresh};
use crate::payouts::{FINAL, HELD, MOVES, SIGNED, holdings};
use crate::watching::watch;

/// Kills of an account since a baseline: whose, which account, which baseline.
type Counted = (i64, Option<String>, i64);

/// A payment as it was signed: what nobody may be paid for again, whatever is restored.
#[derive(Clone, Debug)]
struct Promise {
    key: String,
    kills: Vec<(Counted, i64, i64)>,
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
    terms: Terms,
    seen: Seen,
    /// What was ever signed, by transaction: no restore takes it back.
    promises: BTreeMap<String, Promise>,
    /// Kills that the chain has paid, and by which transaction.
    paid: HashMap<Counted, Vec<(i64, i64, String)>>,
    /// Orders that the chain has paid.
    paid_keys: BTreeMap<String, String>,
    /// Transactions that are final on the chain, with what they pay, in raw.
    landed: BTreeMap<String, u128>,
    dead: BTreeSet<String>,
    reached: BTreeMap<(&'static str, &'static str), u64>,
    restores: u64,
    commits: u64,
    connection: Option<Connection>,
}

impl Witness {
    /// A witness that has seen nothing yet.
    pub fn new(terms: &Terms) -> Witness {
        Witness {
            gates: [Gate::Open; 3],
            troubles: Vec::new(),
            terms: terms.clone(),
            seen: Seen::default(),
            promises: BTreeMap::new(),
            paid: HashMap::new(),
            paid_keys: BTreeMap::new(),
            landed: BTreeMap::new(),
            dead: BTreeSet::new(),
            reached: BTreeMap::new(),
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
        self.connection.is_some()
            && Desk::read(self.connected()).expect("the witness can read").lacks_payments
    }

    /// Whether payouts are halted.
    pub fn is_halted(&self) -> bool {
        self.seen.desk.is_halted
    }

    /// Whether the operator's wallet does not run.
    pub fn wallet_stands_still(&self) -> bool {
        self.connection.as_ref().is_some_and(|connection| !holdings::wallets_run(connection))
    }

    fn connected(&self) -> &Connection {
        self.connection.as_ref().expect("the witness is connected while nodes run")
    }

    fn gate(&mut self, stop: Stop) -> &mut Gate {
        let [payouts, accrual, reality] = &mut self.gates;
        match stop {
            Stop::Payouts => payouts,
            Stop::Accrual => accrual,
            Stop::Reality => reality,
        }
    }

    /// An operator tries something.
    pub fn begin(&mut self, act: Act) {
        match act {
            Act::Stop(stop) => self.gate(stop).begin_stop(None),
            Act::Resume(stop) => *self.gate(stop) = Gate::Unknown,
            _ => {}
        }
    }

    /// The operator was told that it is done.
    pub fn done(&mut self, act: Act) {
        match act {
            Act::Stop(stop) => *self.gate(stop) = Gate::Stopped { until_ms: None },
            Act::Resume(stop) => *self.gate(stop) = Gate::Open,
            _ => {}
        }
    }

    fn binds(&self, stop: Stop) -> bool {
        let [payouts, accrual, reality] = self.gates;
        let gate = match stop {
            Stop::Payouts => payouts,
            Stop::Accrual => accrual,
            Stop::Reality => reality,
        };
        gate.binds(i64::MIN)
    }

    fn reach(&mut self, area: &'static str, what: &'static str) {
        *self.reached.entry((area, what)).or_default() += 1;
    }

    /// Looks at what is new after a commit, or after a recovery; at the desk's rows too if they may have changed.
    pub fn look(&mut self, is_of_desk: bool) -> Result<(), Breach> {
        self.commits += 1;
        let fresh = fresh(self.connected(), &self.seen.intents, &self.seen.attempts);
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
            let desk = Desk::read(self.connected()).expect("the witness can read");
            sums::add_up(&desk)?;
            self.follow(&desk)?;
            self.seen.desk = desk;
        }
        for (attempt, bytes) in attempts {
            self.admit_attempt(attempt, bytes)?;
        }
        finals.iter().try_for_each(|intent| self.check_final(*intent))
    }

    /// What is final in the book is on the chain.
    fn check_final(&self, intent: i64) -> Result<(), Breach> {
        let mut own = self.seen.attempts.values().filter(|attempt| attempt.intent == Some(intent));
        let is_paid = own.any(|attempt| attempt.kind == 0 && self.landed.contains_key(&attempt.transaction));
        require!(
            ChainIsBook,
            is_paid,
            "{:?} is final, and the chain paid nothing for it",
            self.seen.intents[&intent]
        );
        Ok(())
    }

    fn admit_intent(&mut self, intent: Intent) -> Result<(), Breach> {
        let id = intent.id;
        if let Some(before) = self.seen.intents.get(&id) {
            let is_step = before.state == intent.state
                || MOVES.iter().any(|(from, to, _)| (*from, *to) == (before.state, intent.state))
                || (self.restores > 0 && (before.state, intent.state) == (HELD, SIGNED));
            require!(Once, is_step, "{} went from {} to {}", intent.key, before.state, intent.state);
            let is_kept =
                (&before.key, &before.to, before.amount) == (&intent.key, &intent.to, intent.amount);
            require!(Durable, is_kept, "{before:?} became {intent:?}");
        } else {
            let known = self.seen.by_key.insert(intent.key.clone(), id);
            require!(Once, known.is_none(), "{} is accepted a second time, as {id}", intent.key);
        }
        self.seen.intents.insert(id, intent);
        Ok(())
    }

    fn admit_attempt(&mut self, attempt: Signed, bytes: Vec<u8>) -> Result<(), Breach> {
        let id = attempt.id;
        if !self.seen.attempts.contains_key(&id) {
            let is_stopped = !attempt.is_imported && (self.binds(Stop::Payouts) || self.binds(Stop::Reality));
            require!(NoSignAfterStop, !is_stopped, "{attempt:?} was signed under {:?}", self.gates);
            holdings::check_matched(self.connected(), &attempt, self.restores)?;
            let others = self.seen.attempts.values().filter(|other| {
                other.intent.is_some()
                    && other.intent == attempt.intent
                    && other.kind == 0
                    && other.state != 3
            });
            let lives = others.count();
            let is_alone = attempt.kind != 0 || attempt.is_imported || lives == 0;
            require!(PaidOnce, is_alone, "{attempt:?} was signed beside {lives} that live");
            self.seen.bytes.insert(attempt.transaction.clone(), bytes);
            if attempt.kind == 0 {
                self.note_promise(&attempt)?;
            }
        }
        if attempt.state == 3 {
            self.dead.insert(attempt.transaction.clone());
        }
        self.seen.attempts.insert(id, attempt);
        Ok(())
    }

    /// What may become of the desk from one look to the next.
    fn follow(&mut self, desk: &Desk) -> Result<(), Breach> {
        let before = std::mem::take(&mut self.seen.desk);
        require!(TimeMonotone, desk.clock_ms >= before.clock_ms, "the desk's clock went back");
        for (id, was) in &before.accruals {
            match desk.accruals.get(id) {
                Some(is) => follow_row(was, is)?,
                None => require!(Accrued, was.state == State::Settled, "{was:?} is gone"),
            }
        }
        for row in desk.accruals.values().filter(|row| !before.accruals.contains_key(&row.id)) {
            self.admit_row(row)?;
        }
        for payout in desk.payouts.values() {
            self.seen.payees.extend(payout.intent.map(|intent| (intent, payout.user)));
            match before.payouts.get(&payout.id) {
                None => self.admit_payout(desk, payout)?,
                Some(was) if was.status != payout.status => {
                    let is_over = was.status == "confirmed" || was.status == "failed";
                    require!(Once, !is_over, "{was:?} became {payout:?}");
                    if payout.status == "failed" {
                        self.reach("faucet", "a payout failed");
                    }
                }
                Some(was) => {
                    let is_kept =
                        (was.user, &was.address, was.amount) == (payout.user, &payout.address, payout.amount);
                    require!(Durable, is_kept, "{was:?} became {payout:?}");
                }
            }
        }
        let is_split =
            desk.accruals.values().any(|row| row.part > 0 && !before.accruals.contains_key(&row.id));
        let is_written_off = desk.tallies.iter().any(|tally| tally.written_off.0 > 0);
        for (is_reached, what) in [
            (is_split, "a row split by a cap"),
            (is_written_off, "rows written off"),
            (desk.lacks_payments, "payments missing after a restore"),
        ] {
            if is_reached {
                self.reach("faucet", what);
            }
        }
        Ok(())
    }

    fn admit_row(&mut self, row: &Accrual) -> Result<(), Breach> {
        // The rest of a row that a cap split is no new kill.
        let is_counted = row.part == 0;
        require!(
            StopBinds,
            !(is_counted && self.binds(Stop::Accrual)),
            "{row:?} was counted under {:?}",
            self.gates
        );
        let is_real = is_counted && !row.dry_run && self.binds(Stop::Reality);
        require!(StopBinds, !is_real, "{row:?} is real under {:?}", self.gates);
        if row.dry_run && row.state == State::Settled {
            self.reach("faucet", "dry-run rows settled");
        }
        Ok(())
    }

    fn admit_payout(&mut self, desk: &Desk, payout: &Payout) -> Result<(), Breach> {
        require!(StopBinds, !self.binds(Stop::Payouts), "{payout:?} was made under {:?}", self.gates);
        if payout.dry_run {
            self.reach("faucet", "dry-run rows settled");
            return Ok(());
        }
        require!(StopBinds, !self.binds(Stop::Reality), "{payout:?} was made under {:?}", self.gates);
        let caps = [desk.live_caps.0, desk.live_caps.1];
        let file = [self.terms.caps.daily, self.terms.caps.weekly];
        let starts = self.starts(payout.created_ms);
        for ((live, file), start_ms) in caps.into_iter().zip(file).zip(starts) {
            let cap = if live >= 0 { live } else { i64::from(file) };
            let counted = desk.payouts.values().filter(|other| {
                other.user == payout.user
                    && !other.dry_run
                    && other.status != "failed"
                    && other.created_ms >= start_ms
            });
            let used: i64 = match self.terms.mode {
                CapMode::Kills => counted.map(|other| other.kills).sum(),
                CapMode::Payouts => counted.map(|_| 1).sum(),
            };
            require!(Caps, used <= cap, "{payout:?} takes its player to {used} of {cap} since {start_ms}");
        }
        Ok(())
    }

    /// Where the day's and the week's window that hold a time begin.
    fn starts(&self, at_ms: i64) -> [i64; 2] {
        match self.terms.window {
            Window::Rolling => [at_ms - DAY_MS, at_ms - 7 * DAY_MS],
            Window::Calendar(hours) => {
                let east_ms = i64::from(hours) * 3_600_000;
                let day = (at_ms + east_ms).div_euclid(DAY_MS);
                // Day 0 was a Thursday.
                let monday = (day + 3).div_euclid(7) * 7 - 3;
                [day * DAY_MS - east_ms, monday * DAY_MS - east_ms]
            }
        }
    }

    /// Goes through everything that was ever seen; after a recovery also through what nobody was told.
    pub fn examine(&mut self) -> Result<(), Breach> {
        self.look(true)?;
        let sql = "SELECT debits, credits, held FROM ledger_account";
        let read = || -> rusqlite::Result<Vec<(u128, u128, u128)>> {
            let amount = |row: &rusqlite::Row<'_>, at: usize| row.get(at).map(u128::from_be_bytes);
            let mut accounts = self.connected().prepare_cached(sql)?;
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
        holdings::check_booked(self.connected(), operator().as_str())
    }

    /// What it knows now.
    pub fn remember(&self) -> Recollection {
        Recollection { seen: self.seen.clone(), gates: self.gates }
    }

    /// An older state has been restored.
    pub fn go_back_to(&mut self, recollection: &Recollection) {
        self.seen = recollection.seen.clone();
        self.gates = recollection.gates;
        self.restores += 1;
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

fn follow_row(was: &Accrual, is: &Accrual) -> Result<(), Breach> {
    require!(DryRunApart, was.dry_run == is.dry_run, "{was:?} became {is:?}");
    let is_kept = (was.user, was.baseline, was.from, was.rate) == (is.user, is.baseline, is.from, is.rate);
    require!(Durable, is_kept, "{was:?} became {is:?}");
    let is_final = matches!(was.state, State::Settled | State::WrittenOff);
    let stays = (was.state, was.payout, was.kills) == (is.state, is.payout, is.kills);
    require!(PaidOnce, !is_final || stays, "{was:?} became {is:?}");
    let changes_hands = was.state == State::Reserved && is.payout.is_some() && is.payout != was.payout;
    require!(PaidOnce, !changes_hands, "{was:?} became {is:?}");
    Ok(())
}

/// The desk's own comparison must find nothing in what the witness holds to be whole.
pub fn check_reconciled(mismatches: &str) -> Result<(), Breach> {
    require!(KillsOnce, mismatches.is_empty(), "the desk finds {mismatches}");
    Ok(())
}
