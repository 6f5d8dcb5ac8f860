//! Operators: they stop and resume by command and by hand-typed SQL, and change settings.

use std::sync::Arc;

use bursar_control::settings::{Setting, change};
use bursar_control::{ConfigTable, Switch, SwitchChange, Switchboard};
use bursar_rounds::settings::{
    JOINS_BY_WALLET, PAUSE_JOINS, PAUSE_SIM_SETTLEMENTS, SETTLE_LIMIT, STAKE_MAX, VOID_AFTER_MS,
};
use bursar_store::{Store, StoreError, Timestamp};
use rusqlite::{Connection, OpenFlags};

use crate::event::Event;
use crate::node::kind_of;
use crate::random::Random;
use crate::template::DATABASE;
use crate::witness::Gate;
use crate::world::World;

/// What can be stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stoppable {
    /// Joins.
    Joins,
    /// Settlement of play-money rounds.
    Settlements,
}

impl Stoppable {
    fn switch(self) -> Switch {
        match self {
            Stoppable::Joins => PAUSE_JOINS,
            Stoppable::Settlements => PAUSE_SIM_SETTLEMENTS,
        }
    }
}

/// One thing that an operator does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Stops, for good or until a moment (Unix ms), by command.
    Stop(Stoppable, Option<i64>),
    /// Stops by a hand-typed statement; the text becomes the row's value.
    TypeStop(Stoppable, &'static str),
    /// Resumes by command.
    Resume(Stoppable),
    /// Resumes by a hand-typed statement.
    TypeResume(Stoppable),
    /// Changes a setting.
    Set(Setting, i64),
}

/// The operators, who do one thing at a time.
#[derive(Debug)]
pub struct Operators {
    random: Random,
    is_busy: bool,
    /// What did not work and is tried again.
    again: Option<Act>,
    /// A shell on the database that somebody left open.
    shell: Option<Connection>,
}

impl Operators {
    /// Operators of a seed.
    pub fn new(seed: u64) -> Operators {
        Operators { random: Random::of(seed, "operators"), is_busy: false, again: None, shell: None }
    }

    /// The machine is going down, and the shell with it.
    pub fn leave(&mut self) {
        self.shell = None;
    }

    fn shell(&mut self, disk: &str) -> rusqlite::Result<&Connection> {
        if self.shell.is_none() {
            let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            self.shell = Some(Connection::open_with_flags_and_vfs(DATABASE, flags, disk)?);
        }
        self.shell.as_ref().ok_or(rusqlite::Error::InvalidQuery)
    }

    /// What they do next, seeing what is stopped.
    fn next(&mut self, now_ms: i64, gates: [Gate; 2], changes_settings: bool) -> Act {
        if let Some(act) = self.again.take() {
            return act;
        }
        let random = &mut self.random;
        if changes_settings && random.chance(1, 3) {
            let (setting, values): (Setting, &[i64]) = match random.below(4) {
                0 => (STAKE_MAX, &[25, 100, 250]),
                1 => (JOINS_BY_WALLET.limit, &[3, 20]),
                2 => (SETTLE_LIMIT, &[1, 2, 300]),
                _ => (VOID_AFTER_MS, &[60_000, 300_000, 900_000]),
            };
            return Act::Set(setting, *random.pick(values));
        }
        let (what, gate) = if random.chance(2, 3) {
            (Stoppable::Joins, gates[0])
        } else {
            (Stoppable::Settlements, gates[1])
        };
        let stops = match gate {
            Gate::Open => random.chance(3, 4),
            Gate::Unknown | Gate::Stopped { .. } => random.chance(1, 5),
        };
        match (stops, random.below(4)) {
            (true, 0) => Act::Stop(what, None),
            (true, 1) => Act::Stop(what, Some(now_ms + random.between(1_000, 90_000))),
            (true, 2) => Act::TypeStop(what, "on"),
            // Whatever is neither `on` nor `off` counts as stopped.
            (true, _) => Act::TypeStop(what, if random.chance(1, 2) { "ON" } else { "yes please" }),
            (false, 0 | 1) => Act::Resume(what),
            (false, _) => Act::TypeResume(what),
        }
    }
}

impl World {
    /// Operators do their next thing.
    pub fn operate(self: &Arc<World>) {
        let was_busy = self.operators.with(|operators| std::mem::replace(&mut operators.is_busy, true));
        if was_busy {
            self.plan_in(2_000, Event::Operator);
            return;
        }
        let gates = self.witness.with(|witness| witness.promises.gates());
        let (now_ms, changes) = (self.now_ms(), self.plan.settings_change);
        let act = self.operators.with(|operators| operators.next(now_ms, gates, changes));
        let pause_ms = match self.act(act) {
            true => self.pause_after_act(),
            false => {
                self.operators.with(|operators| operators.again = Some(act));
                3_000
            }
        };
        self.operators.with(|operators| operators.is_busy = false);
        self.plan_in(pause_ms, Event::Operator);
    }

    /// How long operators wait: not for long while something is stopped.
    fn pause_after_act(&self) -> i64 {
        let is_open = self.witness.with(|witness| witness.promises.gates() == [Gate::Open; 2]);
        let longest_ms = if is_open { 400_000 } else { 30_000 };
        self.operators.with(|operators| operators.random.between(2_000, longest_ms))
    }

    /// Resumes all and puts settings back, once nothing fails any more.
    pub fn resume_everything(self: &Arc<World>) {
        let acts = [
            Act::Resume(Stoppable::Joins),
            Act::Resume(Stoppable::Settlements),
            Act::Set(SETTLE_LIMIT, SETTLE_LIMIT.default),
            Act::Set(STAKE_MAX, STAKE_MAX.default),
        ];
        for act in acts {
            assert!(self.is_broken() || self.act(act), "{act:?} fails although nothing is wrong");
        }
    }

    /// Does one thing; false when the operator saw an error and cannot know.
    fn act(self: &Arc<World>, act: Act) -> bool {
        self.witness.with(|witness| witness.promises.begin(act));
        let done = match act {
            Act::TypeStop(what, value) => self.type_value(what, value),
            Act::TypeResume(what) => self.type_value(what, "off"),
            Act::Stop(..) | Act::Resume(_) | Act::Set(..) => self.command(act),
        };
        self.note(&format!("operator: {act:?}: {}", if done { "done" } else { "failed" }));
        if done {
            self.witness.with(|witness| witness.promises.done(act));
        }
        done
    }

    /// Through the console of a node that is up, or by the command line.
    fn command(self: &Arc<World>, act: Act) -> bool {
        let node = self.operators.with(|operators| operators.random.index(self.serving));
        let has_console = self.operators.with(|operators| operators.random.chance(3, 4));
        if has_console && self.nodes[node].process().is_some() {
            let done = self.step(node, |process| write(&process.store, act));
            return done.is_some_and(|written| written.is_ok());
        }
        self.command_line(act)
    }

    /// A process of its own beside the nodes.
    fn command_line(self: &Arc<World>, act: Act) -> bool {
        let place = self.serving;
        if let Err(error) = self.start(place) {
            self.note(&format!("the command line does not start: {}", kind_of(&error)));
            if self.disk.halted() {
                self.machine_crash(None);
            }
            return false;
        }
        let done = self.step(place, |process| write(&process.store, act));
        drop(self.nodes[place].end());
        done.is_some_and(|written| written.is_ok())
    }

    /// Runs one statement as somebody types it, beside everything of ours.
    fn type_value(self: &Arc<World>, what: Stoppable, value: &str) -> bool {
        let sql = "UPDATE rounds_config SET value = ?1 WHERE key = ?2";
        let typed = self.operators.with(|operators| {
            let shell = operators.shell(self.disk.vfs_name())?;
            shell.prepare_cached(sql)?.execute([value, what.switch().key])
        });
        if self.disk.halted() {
            self.machine_crash(None);
            return false;
        }
        typed.is_ok_and(|rows| rows == 1)
    }
}

fn write(store: &Store, act: Act) -> Result<(), StoreError> {
    let switch = |what: Stoppable, stop: bool, until: Option<i64>| SwitchChange {
        table: ConfigTable::ROUNDS,
        switch: what.switch(),
        stop,
        actor: "operator",
        reason: "drill",
        expires_at: until.map(Timestamp::from_ms),
    };
    store.transact("ops.act", |tx| {
        let now = tx.reading()?;
        match act {
            Act::Stop(what, until) => Switchboard::set(tx, &[switch(what, true, until)], now),
            Act::Resume(what) => Switchboard::set(tx, &[switch(what, false, None)], now),
            Act::Set(setting, value) => {
                change(tx, ConfigTable::ROUNDS, setting, value, ("operator", "drill"), now).map(|_| ())
            }
            Act::TypeStop(..) | Act::TypeResume(_) => Ok(()),
        }
    })
}
