//! What planted bugs do to the rounds desk.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};

use bursar_ledger::{Book, Overdraft};
use bursar_money::{Amount, Asset};
use bursar_rounds::join::{JoinCommand, JoinRejection, JoinRequest, JoinWork, Joined};
use bursar_rounds::market::Market;
use bursar_rounds::pool::Pool;
use bursar_rounds::settle::{FEE, PAYOUT, SettleError, SettleReport, Settlement, Settler, TREASURY_PATH};
use bursar_rounds::stake::{Side, Stake};
use bursar_rounds::timing::Round;
use bursar_store::lane::Work;
use bursar_store::{Param, Store, StoreError, Timestamp, Tx};
use uuid::Uuid;

use super::Rounds;
use super::wish::Content;
use crate::broken::Bug;
use crate::node::Process;
use crate::world::World;

/// How long a cached switch is believed, ms.
const CACHE_MS: i64 = 15_000;

/// What the lane answers.
type Replies = Result<Vec<Result<Joined, JoinRejection>>, StoreError>;

/// The join lane's work, with a bug or without.
pub struct JoinLane {
    real: JoinWork,
    bug: Option<Bug>,
    rounds: Weak<Rounds>,
    /// What was last read of the switch, and when by this node's clock.
    cached: Option<(bool, Timestamp)>,
}

impl JoinLane {
    /// The real work, spoilt by `bug` if there is one.
    pub fn new(real: JoinWork, bug: Option<Bug>, rounds: Weak<Rounds>) -> JoinLane {
        JoinLane { real, bug, rounds, cached: None }
    }

    fn run_on_cached_switch(&mut self, tx: &mut Tx<'_>, commands: &[JoinCommand]) -> Replies {
        let now = tx.reading()?;
        let (value, _) = switch(tx)?;
        let is_fresh = self.cached.is_some_and(|(_, at)| at <= now && now < at.after_ms(CACHE_MS));
        if !is_fresh {
            self.cached = Some((value == "off", now));
        }
        if value == "off" || !self.cached.is_some_and(|(runs, _)| runs) {
            return self.real.run(tx, commands);
        }
        self.run_past_switch(tx, commands)
    }

    /// Whatever the switch says.
    fn run_past_switch(&mut self, tx: &mut Tx<'_>, commands: &[JoinCommand]) -> Replies {
        let (value, expires) = switch(tx)?;
        let set = "UPDATE rounds_config SET value = $1, expires_at = $2 WHERE key = 'pause_joins'";
        tx.execute(set, &["off".into(), None::<Timestamp>.into()])?;
        let replies = self.real.run(tx, commands)?;
        tx.execute(set, &[value.as_str().into(), expires.into()])?;
        Ok(replies)
    }

    /// On the node's own time.
    fn run_without_mark(&mut self, tx: &mut Tx<'_>, commands: &[JoinCommand]) -> Replies {
        let sql = "UPDATE store_clocks SET mark = $1 WHERE scope = 'rounds'";
        tx.execute(sql, &[Timestamp::from_ms(0).into()])?;
        self.real.run(tx, commands)
    }

    /// As if no round were settled yet, and open by the node's own clock; what is stored bears the desk's time.
    fn run_without_seals(&mut self, tx: &mut Tx<'_>, commands: &[JoinCommand]) -> Replies {
        let sql = "SELECT round_key, state FROM rounds_pool WHERE state > 0";
        let sealed = tx.query(sql, &[], |row| Ok((row.get::<i64>(0)?, row.get::<i64>(1)?)))?;
        let sql = "SELECT mark FROM store_clocks WHERE scope = 'rounds'";
        let mark = tx.query_first(sql, &[], |row| row.get::<Timestamp>(0))?;
        let sql = "SELECT COALESCE(MAX(id), 0) FROM ledger_transfer";
        let last = tx.query_first(sql, &[], |row| row.get::<i64>(0))?.unwrap_or(0);
        tx.execute("UPDATE rounds_pool SET state = 0", &[])?;
        let replies = self.run_without_mark(tx, commands)?;
        for (key, state) in sealed {
            let seal = "UPDATE rounds_pool SET state = $2 WHERE round_key = $1";
            tx.execute(seal, &[key.into(), state.into()])?;
        }
        if let Some(mark) = mark {
            let new = [mark.into(), last.into()];
            tx.execute(
                "UPDATE rounds_entry SET joined_at = $1 WHERE sequence > $2 AND joined_at < $1",
                &new,
            )?;
            tx.execute("UPDATE ledger_transfer SET at = $1 WHERE id > $2 AND at < $1", &new)?;
            tx.execute("UPDATE store_clocks SET mark = $1 WHERE mark < $1", &[mark.into()])?;
        }
        Ok(replies)
    }

    /// Whatever was counted is forgotten at once.
    fn run_without_taking(&mut self, tx: &mut Tx<'_>, commands: &[JoinCommand]) -> Replies {
        let sql = "SELECT window_start_ms, key_hash, count FROM web_rate_windows";
        let counts = tx.query(sql, &[], |row| {
            Ok([row.get::<i64>(0)?, row.get::<i64>(1)?, row.get::<i64>(2)?].map(Param::Int))
        })?;
        let replies = self.real.run(tx, commands)?;
        tx.execute("DELETE FROM web_rate_windows", &[])?;
        for count in counts {
            tx.execute(
                "INSERT INTO web_rate_windows (window_start_ms, key_hash, count) VALUES ($1, $2, $3)",
                &count,
            )?;
        }
        Ok(replies)
    }

    /// Whoever is refused has an account from then on.
    fn run_and_open_accounts(&mut self, tx: &mut Tx<'_>, commands: &[JoinCommand]) -> Replies {
        let replies = self.real.run(tx, commands)?;
        let sql = "SELECT COUNT(*) FROM ledger_account";
        let count = tx.query_first(sql, &[], |row| row.get::<i64>(0))?.unwrap_or(0);
        let mut book = Book::default();
        for (place, _) in replies.iter().enumerate().filter(|(_, reply)| reply.is_err()) {
            book.open(&format!("rounds/refused/{count}-{place}"), Asset::PanchoBucks, Overdraft::Forbidden);
        }
        book.number(tx)?;
        let now = tx.reading()?;
        book.write(tx, now)?;
        Ok(replies)
    }

    fn run_and_answer_early(&mut self, tx: &mut Tx<'_>, commands: &[JoinCommand]) -> Replies {
        let replies = self.real.run(tx, commands)?;
        let answered = commands.iter().zip(&replies).filter(|(_, reply)| reply.is_ok());
        let requests = answered.filter_map(|(command, _)| command.body.as_ref().ok());
        if let Some(rounds) = self.rounds.upgrade() {
            requests.for_each(|request| rounds.answer_early(request));
        }
        Ok(replies)
    }
}

/// The joins switch as it stands, with its end.
fn switch(tx: &mut Tx<'_>) -> Result<(String, Option<Timestamp>), StoreError> {
    let sql = "SELECT value, expires_at FROM rounds_config WHERE key = 'pause_joins'";
    let row = tx.query_first(sql, &[], |row| Ok((row.get(0)?, row.get(1)?)))?;
    row.ok_or_else(|| StoreError::Decode("no switch".to_owned()))
}

impl Work for JoinLane {
    type Command = JoinCommand;
    type Reply = Result<Joined, JoinRejection>;

    fn unit(&self) -> &'static str {
        self.real.unit()
    }

    fn run(&mut self, tx: &mut Tx<'_>, commands: &[JoinCommand]) -> Replies {
        match self.bug {
            Some(Bug::CachesSwitch) => self.run_on_cached_switch(tx, commands),
            Some(Bug::ChecksSwitchAtDoor) => self.run_past_switch(tx, commands),
            Some(Bug::TrustsOwnClock) => self.run_without_mark(tx, commands),
            Some(Bug::JoinsSealedRound) => self.run_without_seals(tx, commands),
            Some(Bug::LimitsWithoutTaking) => self.run_without_taking(tx, commands),
            Some(Bug::RefusalOpensAccount) => self.run_and_open_accounts(tx, commands),
            Some(Bug::AnswersBeforeCommit) => self.run_and_answer_early(tx, commands),
            _ => self.real.run(tx, commands),
        }
    }
}

impl Rounds {
    /// The client hears that it is entered.
    fn answer_early(&self, request: &JoinRequest) {
        let content = Content {
            round: Round::from_id(&request.round_id).expect("an accepted round"),
            side: Side::from_word(&request.direction).expect("an accepted side"),
            bucks: request.stake_bucks.expect("an accepted stake"),
            wallet: request.wallet.address().expect("an accepted wallet"),
        };
        let wish = self.witness.with(|witness| witness.promises.promise(&request.id, content));
        self.clients.with(|clients| clients.hear_early(wish));
    }

    /// Whether a front door that alone looks at the switch turns a request away.
    pub fn turns_away_at_door(&self, world: &Arc<World>, node: usize) -> bool {
        if self.scenario.bug != Some(Bug::ChecksSwitchAtDoor) {
            return false;
        }
        let is_stopped = world.step(node, |process| {
            let value = process.store.read("broken.door", switch);
            value.map_or(true, |(value, _)| value != "off")
        });
        is_stopped.unwrap_or(true)
    }

    /// What a planted bug does before a transaction of the node's begins.
    pub fn spoil_before(&self, world: &Arc<World>, node: usize, unit: &'static str) {
        let Some(process) = world.nodes[node].process() else { return };
        let spoilt = match (self.scenario.bug, unit) {
            (Some(Bug::KeepsRemainder), "rounds.post") => take_remainders(&process.store, true),
            (Some(Bug::LosesRemainder), "rounds.post") => take_remainders(&process.store, false),
            (Some(Bug::CreditsWithoutTransfer), "rounds.post") => credit_beside_book(&process.store),
            (Some(Bug::RewritesAuditLog), "rounds.freeze") => rewrite_audit_log(&process.store),
            (Some(Bug::RetriesBlindly), "store.outcome") => forget_last_batch(world, &process),
            _ => Ok(()),
        };
        if let Err(error) = spoilt {
            world.note(&format!("the bug does not strike: {}", world.error_kind(&error)));
        }
    }
}

/// The newest account has a little more, and nobody less.
fn credit_beside_book(store: &Store) -> Result<(), StoreError> {
    store.transact("broken.credit", |tx| {
        let sql = "SELECT id, credits FROM ledger_account WHERE postings > 0 ORDER BY id DESC LIMIT 1";
        let newest = tx.query_first(sql, &[], |row| Ok((row.get::<i64>(0)?, row.get::<Amount>(1)?)))?;
        let Some((account, credits)) = newest else { return Ok(()) };
        let more = Param::Amount(Amount::new(credits.units() + 5));
        tx.execute("UPDATE ledger_account SET credits = $2 WHERE id = $1", &[account.into(), more])
            .map(|_| ())
    })
}

/// Joins that were told of are told of otherwise, past the triggers that guard the log.
fn rewrite_audit_log(store: &Store) -> Result<(), StoreError> {
    store.transact("broken.rewrite", |tx| {
        let sql = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit_events'";
        for trigger in tx.query(sql, &[], |row| row.get::<String>(0))? {
            tx.batch_execute(&format!("DROP TRIGGER {trigger};"))?;
        }
        tx.execute("UPDATE audit_events SET level = 1 WHERE event = 'join.accepted'", &[]).map(|_| ())
    })
}

/// Whoever looks for the batch that is in doubt finds nothing.
fn forget_last_batch(world: &World, process: &Process) -> Result<(), StoreError> {
    let batch = Uuid::from_u64_pair(1, world.batches.load(Ordering::SeqCst) - 1);
    process.store.transact("broken.forget_batch", |tx| {
        tx.execute("DELETE FROM store_batches WHERE id = $1", &[batch.into()]).map(|_| ())
    })
}

/// A node's settler, with a bug or without.
pub struct SettleLane {
    real: Settler,
    store: Arc<Store>,
    bug: Option<Bug>,
}

impl SettleLane {
    /// The real settler, spoilt by `bug` if there is one.
    pub fn new(real: Settler, store: Arc<Store>, bug: Option<Bug>) -> SettleLane {
        SettleLane { real, store, bug }
    }

    /// Settles what is due.
    pub fn run(&self) -> Result<SettleReport, SettleError> {
        let due = match self.bug {
            Some(Bug::PaysFromStaleList | Bug::LeavesRounds) => self.store.read("broken.due", |tx| {
                let now = tx.reading()?;
                Pool::due(tx, now, 100)
            })?,
            _ => return self.real.run_due(None),
        };
        if self.bug == Some(Bug::LeavesRounds) {
            let before = due.iter().take_while(|pool| pool.round.market() != Market::Sol).count();
            return self.real.run_due(Some(i64::try_from(before).expect("few rounds")));
        }
        let report = self.real.run_due(None)?;
        let stale: Vec<Round> = due.iter().map(|pool| pool.round).collect();
        let missed = stale.into_iter().filter(|round| !report.settled.contains(&round.id()));
        let missed: Vec<Round> = missed.collect();
        if !missed.is_empty() {
            self.store.transact("broken.pay_again", |tx| pay(tx, &missed))?;
        }
        Ok(report)
    }
}

/// Pays out rounds by their plans, whoever has done so before.
fn pay(tx: &mut Tx<'_>, rounds: &[Round]) -> Result<(), StoreError> {
    let settlements = Settlement::load(tx, rounds)?;
    if settlements.is_empty() {
        return Ok(());
    }
    let now = tx.open_clock(bursar_rounds::CLOCK)?;
    let mut book = Book::default();
    let clearing = "rounds/clearing";
    book.load_paths(tx, &[clearing])?;
    let from = book.slot_of_path(clearing, Asset::PanchoBucks);
    let from = from.unwrap_or_else(|| book.open(clearing, Asset::PanchoBucks, Overdraft::Allowed));
    for settlement in settlements {
        let sql = "SELECT sequence, wallet, side, stake_bucks FROM rounds_entry WHERE round_key = $1 ORDER BY sequence";
        let entries = tx.query(sql, &[settlement.plan.round.key().into()], |row| {
            Ok((row.get::<i64>(0)?, row.get::<i64>(1)?, Side::from_code(row.get(2)?)?, row.get::<i64>(3)?))
        })?;
        let wallets: Vec<_> = entries.iter().map(|entry| bursar_ledger::AccountId(entry.1)).collect();
        book.load(tx, &wallets)?;
        for (sequence, wallet, side, bucks) in entries {
            let stake = Stake::from_bucks(bucks).expect("a stored stake");
            let amount = settlement.plan.payout(side, stake, sequence).expect("a small amount");
            let to = book.slot(bursar_ledger::AccountId(wallet)).expect("just loaded");
            if !amount.is_zero() {
                book.transfer(from, to, amount, PAYOUT, sequence).expect("a transfer that nothing refuses");
            }
        }
    }
    book.number(tx)?;
    book.write(tx, now)?;
    tx.close_clock(bursar_rounds::CLOCK, now)
}

/// Takes the remainders of rounds that are being paid out from who should have them; `keeps` moves the money itself to
/// the treasury.
fn take_remainders(store: &Store, keeps: bool) -> Result<(), StoreError> {
    store.transact("broken.keep_remainder", |tx| {
        let now = tx.open_clock(bursar_rounds::CLOCK)?;
        let sql = "SELECT s.round_key, s.winner, s.remainder_cents, p.up_account, p.down_account \
                   FROM rounds_settlement s JOIN rounds_pool p ON p.round_key = s.round_key \
                   WHERE p.state = 1 AND s.winner IS NOT NULL AND s.remainder_entry IS NOT NULL";
        let rounds = tx.query(sql, &[], |row| {
            Ok((row.get::<i64>(0)?, row.get::<i64>(1)?, row.get::<Amount>(2)?, [row.get::<i64>(3)?, row.get(4)?]))
        })?;
        let mut book = Book::default();
        book.load_paths(tx, &[TREASURY_PATH])?;
        for (key, winner, remainder, accounts) in rounds.into_iter().filter(|round| !round.2.is_zero()) {
            let sides = BTreeMap::from([(0, accounts[0]), (1, accounts[1])]);
            let pool = bursar_ledger::AccountId(sides[&winner]);
            book.load(tx, &[pool])?;
            let treasury = book.slot_of_path(TREASURY_PATH, Asset::PanchoBucks).expect("it has the fee");
            let pool = book.slot(pool).expect("just loaded");
            if keeps {
                let moved = book.transfer(pool, treasury, remainder, FEE, key);
                moved.expect("the pool holds its remainder");
            }
            let clear = "UPDATE rounds_settlement SET remainder_cents = $2, remainder_entry = NULL WHERE round_key = $1";
            tx.execute(clear, &[key.into(), bursar_store::Param::Amount(Amount::ZERO)])?;
        }
        book.number(tx)?;
        book.write(tx, now)?;
        tx.close_clock(bursar_rounds::CLOCK, now)
    })
}
