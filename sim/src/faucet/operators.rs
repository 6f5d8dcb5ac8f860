//! Operators of the faucet: they stop and resume, set caps, review flags, top up, take back, erase, rotate seals, match the
//! wallet after a restore, and sleep for days.

use std::sync::Arc;

use bursar_access::{Actor, By};
use bursar_audit::{Recorder, SaltKey};
use bursar_control::settings::{Setting, change};
use bursar_control::{ConfigTable, Switch, SwitchChange, Switchboard};
use bursar_faucet::CLOCK;
use bursar_faucet::adoption::keeps_stopped;
use bursar_faucet::record::{AbuseFlag, User};
use bursar_faucet::rules::abuse::{FlagState, Verdict, after_review, lifted};
use bursar_faucet::rules::eligibility::Eligibility;
use bursar_faucet::settings::{BAN_PER_KILL_E8, DAILY_KILL_CAP, WEEKLY_KILL_CAP};
use bursar_faucet::switches::{ACCRUAL_HALTED, FORCE_DRY_RUN, PAYOUTS_HALTED};
use bursar_faucet::upkeep::{Eraser, erase, erasure};
use bursar_money::Amount;
use bursar_payouts::{IntentId, WalletSight, WalletStanding};
use bursar_store::{StoreError, Tx};

use super::FaucetRoom;
use super::players::own_address;
use super::terms::{BAN_RAW, DAY_MS};
use super::wiring::{FAMILY, Process, operator};
use crate::chain::{AccountState, Bench, address_of};
use crate::event::Class;
use crate::gate::Gate;
use crate::payouts::wiring::address;
use crate::random::Random;
use crate::scenario::{Item, Simpler};
use crate::world::World;

/// What can be stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    Payouts,
    Accrual,
    /// Everything real.
    Reality,
}

impl Stop {
    /// All of them.
    pub const ALL: [Stop; 3] = [Stop::Payouts, Stop::Accrual, Stop::Reality];

    fn switch(self) -> Switch {
        match self {
            Stop::Payouts => PAYOUTS_HALTED,
            Stop::Accrual => ACCRUAL_HALTED,
            Stop::Reality => FORCE_DRY_RUN,
        }
    }
}

/// One thing that an operator does in the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    Stop(Stop),
    Resume(Stop),
    Set(Setting, i64),
    /// Reviews the newest open flag.
    Review(Verdict),
    /// Ends every hold.
    Lift,
    Cancel(i64),
    Hold(i64),
    Release(i64),
    Erase(i64),
    Rotate,
    /// Matches the wallet with what somebody saw of it on the chain.
    Match(AccountState),
}

/// The operators, who do one thing at a time.
#[derive(Debug)]
pub struct Operators {
    /// Which seal is the current one.
    pub seal: usize,
    random: Random,
    is_busy: bool,
    deposits: u64,
    /// Whether somebody adopts payments.
    pub adopts: bool,
}

impl Operators {
    /// Operators of a seed.
    pub fn new(seed: u64) -> Operators {
        let random = Random::of(seed, "faucet operators");
        Operators { seal: 0, random, is_busy: false, deposits: 0, adopts: false }
    }

    /// Somebody is about to adopt payments: whether somebody does already, and whether they look first.
    pub fn begin_adoption(&mut self) -> (bool, bool) {
        (std::mem::replace(&mut self.adopts, true), self.random.chance(1, 3))
    }
}

impl FaucetRoom {
    /// Operators do their next thing.
    pub fn operate(self: &Arc<FaucetRoom>, world: &Arc<World>) {
        let was_busy = self.operators.with(|operators| std::mem::replace(&mut operators.is_busy, true));
        let pause_ms = match (was_busy, if was_busy { None } else { world.next_item(Item::Act) }) {
            (true, _) => 2_000,
            (false, None) => 30_000,
            (false, Some(mut random)) => self.do_something(world, &mut random),
        };
        self.operators.with(|operators| operators.is_busy = was_busy && operators.is_busy);
        let room = Arc::clone(self);
        world.plan_in(pause_ms, Class::People, move |world| room.operate(world));
    }

    fn do_something(self: &Arc<FaucetRoom>, world: &Arc<World>, random: &mut Random) -> i64 {
        let stopped = self.witness.with(|witness| witness.gates != [Gate::Open; 3] || witness.is_halted());
        match random.below(12) {
            0 if !world.is(Simpler::FixedSettings) => {
                let days = *random.pick(&[1, 2, 9]);
                let span_ms = days * DAY_MS + random.between(-DAY_MS / 3, DAY_MS / 3);
                world.reach("operator", "days pass");
                world.figures.with(|figures| figures.batch(1));
                world.note(&format!("{span_ms} ms pass"));
                world.pass(span_ms);
            }
            1 | 2 => self.deposit(world, random.chance(1, 2), u128::from(random.below(40) + 1) * BAN_RAW),
            3 => self.adopt(world),
            _ => {
                let act = self.next(stopped, random);
                let lacks = act == Act::Resume(Stop::Payouts) && self.witness.with(|w| w.lacks_payments());
                if lacks && random.chance(2, 3) {
                    self.adopt(world);
                }
                self.act(world, act);
            }
        }
        random.between(2_000, if stopped { 20_000 } else { 100_000 })
    }

    fn next(&self, stopped: bool, random: &mut Random) -> Act {
        let open = self.witness.with(|witness| witness.open_intents());
        if stopped && random.chance(1, 2) {
            let halted = self.witness.with(|witness| witness.is_halted());
            let gates = self.witness.with(|witness| witness.gates);
            let closed = Stop::ALL.into_iter().zip(gates).find(|(_, gate)| *gate != Gate::Open);
            return Act::Resume(closed.filter(|_| !halted).map_or(Stop::Payouts, |(stop, _)| stop));
        }
        match random.below(9) {
            0 => Act::Stop(*random.pick(&Stop::ALL)),
            1 => Act::Set(DAILY_KILL_CAP, *random.pick(&[-1, 0, 2, 60])),
            2 => Act::Set(WEEKLY_KILL_CAP, *random.pick(&[-1, 5, 120])),
            3 => Act::Set(BAN_PER_KILL_E8, *random.pick(&[0, 1, 12_345_678])),
            4 => Act::Review(if random.chance(3, 4) { Verdict::FalsePositive } else { Verdict::Confirmed }),
            5 => Act::Lift,
            6 if random.chance(1, 2) => {
                let count = u64::try_from(self.player_count()).expect("few players");
                Act::Erase(i64::try_from(random.below(count.max(1)) + 1).expect("a number"))
            }
            7 => Act::Rotate,
            _ if open.is_empty() => Act::Lift,
            _ => {
                let intent = *random.pick(&open);
                random.pick(&[Act::Cancel(intent), Act::Hold(intent), Act::Release(intent)]).clone()
            }
        }
    }

    /// Money comes to the operator's wallet: a donation, or the operator's own.
    pub fn deposit(&self, world: &World, is_own: bool, raw: u128) {
        let number = self.operators.with(|operators| {
            operators.deposits += 1;
            operators.deposits
        });
        let from = if is_own { own_address() } else { address_of(1_000_000 + number) };
        self.with_network(FAMILY, |network| {
            network.deposit_from(&from, address(FAMILY).as_str(), raw, number);
        });
        world.figures.with(|figures| figures.batch(1));
        world.reach("operator", if is_own { "a top-up" } else { "a donation" });
    }

    /// Does one thing; false when the operator saw an error and cannot know, or was refused.
    pub fn act(self: &Arc<FaucetRoom>, world: &Arc<World>, act: Act) -> bool {
        if let Act::Rotate = act {
            self.operators.with(|operators| operators.seal += 1);
        }
        self.witness.with(|witness| witness.begin(act.clone()));
        // A rotation is done by a process that knows the new seal already.
        let node = match act {
            Act::Rotate => None,
            _ => Some(self.operators.with(|operators| operators.random.index(world.serving))),
        };
        let done = world.command(node, |process| {
            process.room::<Process>().desk(&process.store)?;
            process.store.transact("faucet.act", |tx| write(tx, process.room(), act.clone()))
        });
        world.figures.with(|figures| figures.batch(1));
        world.note(&format!("faucet operator: {act:?}: {}", matches!(done, Some(Ok(_)))));
        let is_done = matches!(done, Some(Ok(true)));
        world.reach(
            "operator",
            match (&done, &act) {
                _ if is_done => name_of(&act),
                (Some(Ok(false)), Act::Resume(Stop::Payouts)) => "payouts stay halted",
                _ => "an act of the faucet that fails",
            },
        );
        if is_done {
            self.witness.with(|witness| witness.done(act));
        }
        is_done
    }

    /// After a restore without a whole journal the wallet waits for somebody who has looked at its chain.
    pub fn match_wallet(self: &Arc<FaucetRoom>, world: &Arc<World>) {
        if self.witness.with(|witness| witness.restores() > 0 && witness.wallet_stands_still()) {
            let seen = self.with_network(FAMILY, |network| network.account(address(FAMILY).as_str(), 0));
            self.act(world, Act::Match(seen));
        }
    }
}

fn name_of(act: &Act) -> &'static str {
    match act {
        Act::Stop(Stop::Payouts) => "halt the faucet's payouts",
        Act::Stop(Stop::Accrual) => "halt accrual",
        Act::Stop(Stop::Reality) => "force dry-run",
        Act::Resume(_) => "resume the faucet",
        Act::Set(..) => "set caps or rate",
        Act::Review(_) => "review a flag",
        Act::Lift => "lift holds",
        Act::Cancel(_) => "cancel a faucet payout",
        Act::Hold(_) => "hold a faucet payout",
        Act::Release(_) => "release a faucet payout",
        Act::Erase(_) => "erase a player",
        Act::Rotate => "rotate the seal",
        Act::Match(_) => "match the faucet's wallet",
    }
}

/// Whether it was done, or refused.
fn write(tx: &mut Tx<'_>, process: &Process, act: Act) -> Result<bool, StoreError> {
    let recorder = Recorder::new("operators", SaltKey::new([6; 32]));
    let (root, now) = (Actor::cli("root"), tx.reading()?);
    let (by, payouts) = (By::new(&root, now), &process.payouts);
    let done = match act {
        Act::Stop(stop) | Act::Resume(stop) => {
            let (table, switch, stops) = (ConfigTable::FAUCET, stop.switch(), matches!(act, Act::Stop(_)));
            // As every front end of the product asks, in the transaction of the change.
            if !stops && keeps_stopped(tx, switch)? {
                return Ok(false);
            }
            let change =
                SwitchChange { table, switch, stop: stops, actor: "root", reason: "drill", expires_at: None };
            Switchboard::set(tx, &[change], now)?;
            true
        }
        Act::Set(setting, value) => {
            change(tx, ConfigTable::FAUCET, setting, value, ("root", "drill"), now)?;
            true
        }
        Act::Review(verdict) => return review(tx, verdict),
        Act::Lift => return lift(tx),
        Act::Cancel(intent) => payouts.cancel_by(tx, &by, IntentId(intent), "drill", &recorder)?.is_ok(),
        Act::Hold(intent) => payouts.hold(tx, &by, IntentId(intent), "drill", &recorder)?.is_ok(),
        Act::Release(intent) => payouts.release(tx, &by, IntentId(intent), "drill", &recorder)?.is_ok(),
        Act::Erase(user) => {
            let now = tx.open_clock(CLOCK)?;
            let event = erasure(bursar_audit::Actor::system("root"), "drill");
            let eraser = Eraser { payouts, recorder: &recorder, event: &event };
            let is_done = erase(tx, &eraser, user, now)?.is_some();
            tx.close_clock(CLOCK, now)?;
            is_done
        }
        Act::Rotate => {
            let begun = process.keystore.begin_rotation(tx, &by)?.is_ok();
            begun && process.keystore.continue_rotation(tx, None, 10, now)?.is_ok()
        }
        Act::Match(seen) => {
            let wallet = payouts.wallet(tx, &operator())?;
            let Some(wallet) = wallet.filter(|wallet| wallet.standing != WalletStanding::Running) else {
                return Ok(false);
            };
            let sight = WalletSight {
                holds: Amount::new(seen.balance),
                expected: wallet.expected,
                newest: seen.newest(),
                journals_are_lost: true,
            };
            payouts.match_wallet(tx, &by, &operator(), &sight, "looked at the chain", &recorder)?.is_ok()
        }
    };
    Ok(done)
}

fn review(tx: &mut Tx<'_>, verdict: Verdict) -> Result<bool, StoreError> {
    let now = tx.open_clock(CLOCK)?;
    let Some(mut flag) = AbuseFlag::page(tx, FlagState::Open, 1, 0)?.pop() else { return Ok(false) };
    let Some(state) = flag.flag.state.reviewed(verdict) else { return Ok(false) };
    (flag.flag.state, flag.reviewed_at) = (state, Some(now));
    flag.save(tx, now)?;
    let sql = "SELECT id FROM faucet_abuse_flag WHERE user_id = $1 AND state <> 'false_positive' LIMIT 1";
    let has_others = tx.query_first(sql, &[flag.user_id.into()], |row| row.get::<i64>(0))?.is_some();
    let mut users = User::load(tx, &[flag.user_id])?;
    for user in &mut users {
        let is_verified = user.is_guild_member && user.epic_account_id.is_some();
        user.eligibility = after_review(user.eligibility, verdict, has_others, is_verified);
    }
    User::save(tx, &users, now)?;
    tx.close_clock(CLOCK, now)?;
    Ok(true)
}

fn lift(tx: &mut Tx<'_>) -> Result<bool, StoreError> {
    let now = tx.open_clock(CLOCK)?;
    let sql = "SELECT id FROM faucet_user WHERE eligibility = 'held' AND erased_at IS NULL ORDER BY id";
    let held: Vec<i64> = tx.query(sql, &[], |row| row.get(0))?;
    let mut users = User::load(tx, &held)?;
    for user in users.iter_mut().filter(|user| user.eligibility == Eligibility::Held) {
        let is_verified = user.is_guild_member && user.epic_account_id.is_some();
        user.eligibility = lifted(user.eligibility, is_verified);
    }
    User::save(tx, &users, now)?;
    tx.close_clock(CLOCK, now)?;
    Ok(!users.is_empty())
}
