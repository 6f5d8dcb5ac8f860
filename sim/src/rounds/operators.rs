//! Operators: they stop and resume by command and by hand-typed SQL, and change settings.

use std::sync::Arc;

use bursar_control::settings::{Setting, change};
use bursar_control::{ConfigTable, Switch, SwitchChange, Switchboard};
use bursar_rounds::settings::{
    JOINS_BY_WALLET, PAUSE_JOINS, PAUSE_SIM_SETTLEMENTS, SETTLE_LIMIT, STAKE_MAX, VOID_AFTER_MS,
};
use bursar_store::{Store, StoreError, Timestamp};
use rusqlite::{Connection, OpenFlags};

use super::Rounds;
use crate::event::Class;
use crate::gate::Gate;
use crate::random::Random;
use crate::scenario::Item;
use crate::template::DATABASE;
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

impl Act {
    /// For the count of what was reached.
    pub fn name(self) -> &'static str {
        match self {
            Act::Stop(_, None) => "stop",
            Act::Stop(_, Some(_)) => "stop for a while",
            Act::TypeStop(..) => "stop by SQL",
            Act::Resume(_) => "resume",
            Act::TypeResume(_) => "resume by SQL",
            Act::Set(..) => "change a setting",
        }
    }
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
    fn next(&mut self, now_ms: i64, gates: [Gate; 2], changes_settings: bool, random: &mut Random) -> Act {
        if let Some(act) = self.again.take() {
            return act;
        }
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

impl Rounds {
    /// Operators do their next thing.
    pub fn operate(self: &Arc<Rounds>, world: &Arc<World>) {
        let was_busy = self.operators.with(|operators| std::mem::replace(&mut operators.is_busy, true));
        if was_busy {
            self.plan_act(world, 2_000);
            return;
        }
        let pause_ms = match world.next_item(Item::Act) {
            Some(mut random) => self.act_by(world, &mut random),
            None => 30_000,
        };
        self.operators.with(|operators| operators.is_busy = false);
        self.plan_act(world, pause_ms);
    }

    fn plan_act(self: &Arc<Rounds>, world: &Arc<World>, pause_ms: i64) {
        let rounds = Arc::clone(self);
        world.plan_in(pause_ms, Class::People, move |world| rounds.operate(world));
    }

    /// One act, and how long until the next.
    fn act_by(self: &Arc<Rounds>, world: &Arc<World>, random: &mut Random) -> i64 {
        let gates = self.witness.with(|witness| witness.promises.gates());
        let (now_ms, changes) = (world.now_ms(), self.plan.settings_change);
        let act = self.operators.with(|operators| operators.next(now_ms, gates, changes, random));
        if self.act(world, act) {
            return self.pause_after_act();
        }
        self.operators.with(|operators| operators.again = Some(act));
        3_000
    }

    /// How long operators wait: not for long while something is stopped.
    fn pause_after_act(&self) -> i64 {
        let is_open = self.witness.with(|witness| witness.promises.gates() == [Gate::Open; 2]);
        let longest_ms = if is_open { 400_000 } else { 30_000 };
        self.operators.with(|operators| operators.random.between(2_000, longest_ms))
    }

    /// Resumes all and puts settings back, once nothing fails any more.
    pub fn resume_everything(self: &Arc<Rounds>, world: &Arc<World>) {
        let acts = [
            Act::Resume(Stoppable::Joins),
            Act::Resume(Stoppable::Settlements),
            Act::Set(SETTLE_LIMIT, SETTLE_LIMIT.default),
            Act::Set(STAKE_MAX, STAKE_MAX.default),
            Act::Set(JOINS_BY_WALLET.limit, JOINS_BY_WALLET.limit.default),
        ];
        for act in acts {
            assert!(world.is_broken() || self.act(world, act), "{act:?} fails although nothing is wrong");
        }
    }

    /// Does one thing; false when the operator saw an error and cannot know.
    pub fn act(self: &Arc<Rounds>, world: &Arc<World>, act: Act) -> bool {
        self.witness.with(|witness| witness.promises.begin(act));
        let done = match act {
            Act::TypeStop(what, value) => self.type_value(world, what, value),
            Act::TypeResume(what) => self.type_value(world, what, "off"),
            Act::Stop(..) | Act::Resume(_) | Act::Set(..) => self.command(world, act),
        };
        world.note(&format!("operator: {act:?}: {}", if done { "done" } else { "failed" }));
        world.reach("operator", if done { act.name() } else { "an act that fails" });
        if done {
            self.witness.with(|witness| witness.promises.done(act));
        }
        done
    }

    /// Through the console of a node that is up, or by the command line.
    fn command(self: &Arc<Rounds>, world: &Arc<World>, act: Act) -> bool {
        let node = self.operators.with(|operators| {
            let node = operators.random.index(world.serving);
            operators.random.chance(3, 4).then_some(node)
        });
        world.command(node, |process| write(&process.store, act)).is_some_and(|written| written.is_ok())
    }

    /// Runs one statement as somebody types it, beside everything of ours.
    fn type_value(self: &Arc<Rounds>, world: &Arc<World>, what: Stoppable, value: &str) -> bool {
        let sql = "UPDATE rounds_config SET value = ?1 WHERE key = ?2";
        let typed = self.operators.with(|operators| {
            let shell = operators.shell(world.disk.vfs_name())?;
            shell.prepare_cached(sql)?.execute([value, what.switch().key])
        });
        if world.disk.halted() {
            world.machine_crash(None);
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
