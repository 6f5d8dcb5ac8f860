//! Operators of payouts: they stop and resume, cancel, hold and release.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bursar_access::{Actor, By};
use bursar_audit::Recorder;
use bursar_control::{ConfigTable, Switch, SwitchChange, Switchboard};
use bursar_keys::KeyId;
use bursar_money::Amount;
use bursar_payouts::{IntentId, Payouts, WalletSight, WalletStanding};
use bursar_store::{Store, StoreError, Timestamp, Tx};

use super::PayoutsRoom;
use super::put_back::PutBack;
use super::sending::Process;
use super::wiring::{self, ALL, DESK, HALTED};
use super::witness::{ACCEPTED, BROADCAST, HELD, SIGNED};
use crate::broken::Bug;
use crate::chain::{AccountState, Bench, Family};
use crate::event::Class;
use crate::gate::Gate;
use crate::random::Random;
use crate::scenario::Item;
use crate::world::World;

/// One thing that an operator does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Stops the desk's payouts, or all.
    Stop(Stop),
    /// Resumes them.
    Resume(Stop),
    /// Takes an intent back.
    Cancel(i64),
    /// Lets an intent wait.
    Hold(i64),
    /// Lets it go on.
    Release(i64),
}

/// Refused matches of wallets that stand still after which a person says that journals are lost.
const REFUSED_MAX: u32 = 12;

/// What can be stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    Desk,
    Everything,
}

impl Stop {
    fn switch(self) -> (ConfigTable, Switch) {
        match self {
            Stop::Desk => (ConfigTable::FAUCET, HALTED),
            Stop::Everything => (ConfigTable::PLATFORM, ALL),
        }
    }
}

/// The operators, who do one thing at a time.
#[derive(Debug)]
pub struct Operators {
    random: Random,
    is_busy: bool,
    again: Option<Act>,
    /// Whether trouble has ended.
    is_calm: bool,
    /// Matches that were refused since then, with a wallet standing still.
    refused: u32,
}

impl Operators {
    /// Operators of a seed.
    pub fn new(seed: u64) -> Operators {
        let random = Random::of(seed, "payout operators");
        Operators { random, is_busy: false, again: None, is_calm: false, refused: 0 }
    }

    /// Whether trouble has ended.
    pub fn is_calm(&self) -> bool {
        self.is_calm
    }
}

impl PayoutsRoom {
    /// Operators do their next thing.
    pub fn operate(self: &Arc<PayoutsRoom>, world: &Arc<World>) {
        let was_busy = self.operators.with(|operators| std::mem::replace(&mut operators.is_busy, true));
        let pause_ms = match (was_busy, if was_busy { None } else { world.next_item(Item::Act) }) {
            (true, _) => 2_000,
            (false, None) => 30_000,
            (false, Some(mut random)) => self.act_by(world, &mut random),
        };
        self.operators.with(|operators| operators.is_busy = was_busy && operators.is_busy);
        let room = Arc::clone(self);
        world.plan_in(pause_ms, Class::People, move |world| room.operate(world));
    }

    fn act_by(self: &Arc<PayoutsRoom>, world: &Arc<World>, random: &mut Random) -> i64 {
        let again = self.operators.with(|operators| operators.again.take());
        let act = again
            .unwrap_or_else(|| self.witness.with(|witness| next(witness.gates, &witness.open(), random)));
        let act = self.careful(act);
        if self.act(world, &act) {
            let is_open = self.witness.with(|witness| witness.gates == [Gate::Open; 2]);
            return random.between(2_000, if is_open { 300_000 } else { 40_000 });
        }
        self.operators.with(|operators| operators.again = Some(act));
        3_000
    }

    /// Nobody lets go on what the chain shows as paid.
    fn careful(&self, act: Act) -> Act {
        match act {
            Act::Release(intent) if self.is_held_and_paid(intent) => Act::Cancel(intent),
            act => act,
        }
    }

    fn is_held_and_paid(&self, intent: i64) -> bool {
        self.witness.with(|witness| witness.open_and_paid(HELD).contains(&intent))
    }

    /// Resumes all and releases what is held, once nothing fails any more.
    pub fn resume_everything(self: &Arc<PayoutsRoom>, world: &Arc<World>) {
        self.operators.with(|operators| operators.is_calm = true);
        let held = self.witness.with(|witness| witness.held());
        let resumes = [Act::Resume(Stop::Desk), Act::Resume(Stop::Everything)];
        for act in
            resumes.into_iter().chain(held.into_iter().map(|intent| self.careful(Act::Release(intent))))
        {
            assert!(world.is_broken() || self.act(world, &act), "{act:?} fails although nothing is wrong");
        }
    }

    /// Somebody looks at wallets that stand still since a restore, compares them with their chains, and lets them run. With a
    /// journal of what was signed that is done at any time. Without one nobody here knows what was paid since the backup: it
    /// is done once all trouble has ended, after what the chain shows as paid was put aside.
    pub fn match_wallets(self: &Arc<PayoutsRoom>, world: &Arc<World>) {
        // The planted bug: nobody knows what was signed, and the wallet runs all the same.
        let is_blind = self.scenario.bug == Some(Bug::RepaysAfterRestore);
        if !self.is_quiet() {
            return;
        }
        if self.operators.with(|operators| operators.is_calm) {
            self.decide_on_held(world);
        }
        if world.restores.load(Ordering::SeqCst) == 0 {
            return;
        }
        // A journal that the restored records do not know as whole is no better than none: that takes a person's word.
        let is_distrusted = self.operators.with(|operators| operators.refused >= REFUSED_MAX);
        let is_lost = self.journal.is_none() || self.put_back == PutBack::WithJournal || is_distrusted;
        if is_lost && !is_blind {
            if !self.operators.with(|operators| operators.is_calm) {
                return;
            }
            if self.witness.with(|witness| witness.wallets_run()) {
                return;
            }
            if !self.has_put_paid_aside(world) {
                return;
            }
        }
        for family in Family::ALL {
            let name = wiring::wallet(family);
            let seen =
                self.with_network(family, |network| network.account(wiring::address(family).as_str(), 0));
            let done = world.command(Some(0), |process| {
                let recorder = Recorder::new("operators", bursar_audit::SaltKey::new([6; 32]));
                let payouts = &process.room::<Process>().payouts;
                match_wallet(&process.store, payouts, &name, (&seen, is_blind || is_lost), &recorder)
            });
            world.note(&format!("payout operator: match {name}: {done:?}"));
            let stands_still = !self.witness.with(|witness| witness.wallets_run());
            if matches!(done, Some(Ok(false))) && stands_still {
                self.operators.with(|operators| operators.refused += u32::from(operators.is_calm));
            }
            if let Some(Ok(true)) = done {
                world.reach("operator", if is_lost { "match without a journal" } else { "match a wallet" });
            }
        }
    }

    /// Somebody goes through the chain's history by hand: the desk hears what is paid and asks for it no more, and what
    /// waits here to be paid again is held. Whether all of that is done.
    pub fn has_put_paid_aside(self: &Arc<PayoutsRoom>, world: &Arc<World>) -> bool {
        let is_paid = |to: &str| self.witness.with(|witness| witness.is_paid(to));
        if self.desk.with(|desk| desk.hear_of_paid(is_paid)) {
            // Orders for it may still be on their way.
            return false;
        }
        for intent in self.witness.with(|witness| witness.open_and_paid(ACCEPTED)) {
            self.act(world, &Act::Hold(intent));
        }
        self.witness.with(|witness| {
            [ACCEPTED, SIGNED, BROADCAST].iter().all(|state| witness.open_and_paid(*state).is_empty())
        })
    }

    /// What is held once wallets run is taken back where the chain has paid it, and else goes on.
    fn decide_on_held(self: &Arc<PayoutsRoom>, world: &Arc<World>) {
        if !self.witness.with(|witness| witness.wallets_run()) {
            return;
        }
        let paid = self.witness.with(|witness| witness.open_and_paid(HELD));
        for intent in self.witness.with(|witness| witness.held()) {
            let is_paid = paid.contains(&intent) || self.witness.with(|witness| witness.may_end(intent));
            self.act(world, &if is_paid { Act::Cancel(intent) } else { Act::Release(intent) });
            let word =
                if is_paid { "take back what the chain has paid" } else { "release what came to nothing" };
            world.reach("operator", word);
        }
    }

    /// Does one thing; false when the operator saw an error and cannot know.
    pub fn act(self: &Arc<PayoutsRoom>, world: &Arc<World>, act: &Act) -> bool {
        self.witness.with(|witness| witness.begin(act));
        let node = self.operators.with(|operators| operators.random.index(world.serving));
        let done = world.command(Some(node), |process| {
            let recorder = Recorder::new("operators", bursar_audit::SaltKey::new([6; 32]));
            // Somebody may have held it since they looked, as it was paid.
            let may_do = || !matches!(act, Act::Release(intent) if self.is_held_and_paid(*intent));
            write(&process.store, &process.room::<Process>().payouts, (act, &may_do), &recorder)
        });
        let is_done = matches!(done, Some(Ok(_)));
        world.note(&format!("payout operator: {act:?}: {done:?}"));
        let word = match (&done, act) {
            (Some(Ok(false)), _) => "payout act refused",
            (Some(Ok(true)), Act::Stop(_)) => "stop payouts",
            (Some(Ok(true)), Act::Resume(_)) => "resume payouts",
            (Some(Ok(true)), Act::Cancel(_)) => "cancel a payout",
            (Some(Ok(true)), Act::Hold(_)) => "hold a payout",
            (Some(Ok(true)), Act::Release(_)) => "release a payout",
            _ => "an act that fails",
        };
        world.reach("operator", word);
        if is_done {
            let checked = self.witness.with(|witness| witness.done(act, matches!(done, Some(Ok(true)))));
            world.hold(checked);
        }
        is_done
    }
}

/// What they do next, seeing what is stopped and which intents are open.
fn next(gates: [Gate; 2], open: &[i64], random: &mut Random) -> Act {
    if !open.is_empty() && random.chance(1, 2) {
        let intent = *random.pick(open);
        return match random.below(3) {
            0 => Act::Cancel(intent),
            1 => Act::Hold(intent),
            _ => Act::Release(intent),
        };
    }
    let (stop, gate) =
        if random.chance(2, 3) { (Stop::Desk, gates[0]) } else { (Stop::Everything, gates[1]) };
    let stops = match gate {
        Gate::Open => random.chance(3, 4),
        Gate::Unknown | Gate::Stopped { .. } => random.chance(1, 6),
    };
    if stops { Act::Stop(stop) } else { Act::Resume(stop) }
}

/// Whether it was done, or refused; or left, as `may_do` says by then.
fn write(
    store: &Store,
    payouts: &Payouts,
    (act, may_do): (&Act, &dyn Fn() -> bool),
    recorder: &Recorder,
) -> Result<bool, StoreError> {
    let root = Actor::cli("root");
    store.transact("payouts.act", |tx| {
        if !may_do() {
            return Ok(false);
        }
        let now = tx.reading()?;
        let by = By::new(&root, now);
        let outcome = match act {
            Act::Stop(stop) => return switch(tx, *stop, true, now),
            Act::Resume(stop) => return switch(tx, *stop, false, now),
            Act::Cancel(intent) => payouts.cancel_by(tx, &by, IntentId(*intent), "drill", recorder)?,
            Act::Hold(intent) => payouts.hold(tx, &by, IntentId(*intent), "drill", recorder)?,
            Act::Release(intent) => payouts.release(tx, &by, IntentId(*intent), "drill", recorder)?,
        };
        Ok(outcome.is_ok())
    })
}

/// Matches a wallet that awaits an operator's word; whether it was done.
fn match_wallet(
    store: &Store,
    payouts: &Payouts,
    name: &KeyId,
    (seen, journals_are_lost): (&AccountState, bool),
    recorder: &Recorder,
) -> Result<bool, StoreError> {
    let root = Actor::cli("root");
    store.transact("payouts.act", |tx| {
        let by = By::new(&root, tx.reading()?);
        let wallet = payouts.wallet(tx, name)?;
        let awaits = wallet.filter(|wallet| wallet.standing != WalletStanding::Running);
        let Some(wallet) = awaits else { return Ok(false) };
        let sight = WalletSight {
            holds: Amount::new(seen.balance),
            expected: wallet.expected,
            newest: seen.newest(),
            journals_are_lost,
        };
        let done = payouts.match_wallet(tx, &by, name, &sight, "looked at the chain", recorder)?;
        Ok(done.is_ok())
    })
}

fn switch(tx: &mut Tx<'_>, stop: Stop, stops: bool, now: Timestamp) -> Result<bool, StoreError> {
    let (table, switch) = stop.switch();
    let change = SwitchChange { table, switch, stop: stops, actor: DESK, reason: "drill", expires_at: None };
    Switchboard::set(tx, &[change], now).map(|()| true)
}
