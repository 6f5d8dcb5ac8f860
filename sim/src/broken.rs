//! Planted bugs: the platform as it would be with a rule forgotten, to see that the simulator finds each.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use bursar_ledger::{Book, Overdraft};
use bursar_money::{Amount, Asset};
use bursar_rounds::join::{JoinCommand, JoinRejection, JoinRequest, JoinWork, Joined};
use bursar_rounds::pool::Pool;
use bursar_rounds::settle::{FEE, PAYOUT, SettleError, SettleReport, Settlement, Settler, TREASURY_PATH};
use bursar_rounds::stake::{Side, Stake};
use bursar_rounds::timing::Round;
use bursar_store::lane::Work;
use bursar_store::{Store, StoreError, Timestamp, Tx};

use crate::wish::Content;
use crate::world::World;

/// How long a cached switch is believed, ms.
const CACHE_MS: i64 = 15_000;

/// A rule of the platform that is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// A join is answered once it is decided, before its batch is committed.
    AnswersBeforeCommit,
    /// Whoever got no answer asks again with a new id.
    RetriesWithNewId,
    /// A settler pays the rounds it found due, without looking whether another has settled them meanwhile.
    PaysFromStaleList,
    /// The joins switch is read now and then, and not in the transaction that it should bind.
    CachesSwitch,
    /// What rounding leaves goes to the treasury.
    KeepsRemainder,
    /// A batch takes the node's time as it is, without the mark below which the desk's time never falls.
    TrustsOwnClock,
}

impl Bug {
    /// Every planted bug with its name on the command line.
    pub const ALL: [(&'static str, Bug); 6] = [
        ("answers-before-commit", Bug::AnswersBeforeCommit),
        ("retries-with-new-id", Bug::RetriesWithNewId),
        ("pays-from-stale-list", Bug::PaysFromStaleList),
        ("caches-switch", Bug::CachesSwitch),
        ("keeps-remainder", Bug::KeepsRemainder),
        ("trusts-own-clock", Bug::TrustsOwnClock),
    ];
}

/// The join lane's work, with a bug or without.
pub struct JoinLane {
    real: JoinWork,
    bug: Option<Bug>,
    world: Weak<World>,
    /// What was last read of the switch, and when by this node's clock.
    cached: Option<(bool, Timestamp)>,
}

impl JoinLane {
    /// The real work of `world`, spoilt by `bug` if there is one.
    pub fn new(real: JoinWork, bug: Option<Bug>, world: Weak<World>) -> JoinLane {
        JoinLane { real, bug, world, cached: None }
    }

    fn run_on_cached_switch(
        &mut self,
        tx: &mut Tx<'_>,
        commands: &[JoinCommand],
    ) -> Result<Vec<Result<Joined, JoinRejection>>, StoreError> {
        let now = tx.reading()?;
        let sql = "SELECT value, expires_at FROM rounds_config WHERE key = 'pause_joins'";
        let row =
            tx.query_first(sql, &[], |row| Ok((row.get::<String>(0)?, row.get::<Option<Timestamp>>(1)?)))?;
        let (value, expires) = row.ok_or_else(|| StoreError::Decode("no switch".to_owned()))?;
        let is_fresh = self.cached.is_some_and(|(_, at)| at <= now && now < at.after_ms(CACHE_MS));
        if !is_fresh {
            self.cached = Some((value == "off", now));
        }
        if value == "off" || !self.cached.is_some_and(|(runs, _)| runs) {
            return self.real.run(tx, commands);
        }
        let set = "UPDATE rounds_config SET value = $1, expires_at = $2 WHERE key = 'pause_joins'";
        tx.execute(set, &["off".into(), None::<Timestamp>.into()])?;
        let replies = self.real.run(tx, commands)?;
        tx.execute(set, &[value.as_str().into(), expires.into()])?;
        Ok(replies)
    }
}

impl Work for JoinLane {
    type Command = JoinCommand;
    type Reply = Result<Joined, JoinRejection>;

    fn unit(&self) -> &'static str {
        self.real.unit()
    }

    fn run(&mut self, tx: &mut Tx<'_>, commands: &[JoinCommand]) -> Result<Vec<Self::Reply>, StoreError> {
        match self.bug {
            Some(Bug::CachesSwitch) => self.run_on_cached_switch(tx, commands),
            Some(Bug::TrustsOwnClock) => {
                tx.execute(
                    "UPDATE store_clocks SET mark = $1 WHERE scope = 'rounds'",
                    &[Timestamp::from_ms(0).into()],
                )?;
                self.real.run(tx, commands)
            }
            Some(Bug::AnswersBeforeCommit) => {
                let replies = self.real.run(tx, commands)?;
                let answered = commands.iter().zip(&replies).filter(|(_, reply)| reply.is_ok());
                let requests = answered.filter_map(|(command, _)| command.body.as_ref().ok());
                if let Some(world) = self.world.upgrade() {
                    requests.for_each(|request| world.answer_early(request));
                }
                Ok(replies)
            }
            _ => self.real.run(tx, commands),
        }
    }
}

impl World {
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

    /// What a planted bug does before a transaction of the node's begins.
    pub fn spoil_before(&self, node: usize, unit: &'static str) {
        if self.bug == Some(Bug::KeepsRemainder) && unit == "rounds.post" {
            let process = self.nodes[node].process();
            if let Some(Err(error)) = process.map(|process| keep_remainders(&process.store)) {
                self.note(&format!("the remainder is not kept: {}", crate::node::kind_of(&error)));
            }
        }
    }
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
        if self.bug != Some(Bug::PaysFromStaleList) {
            return self.real.run_due(None);
        }
        let due = self.store.read("broken.due", |tx| {
            let now = tx.reading()?;
            Pool::due(tx, now, 100)
        })?;
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

/// Moves the remainders of rounds that are being paid out from their pools to the treasury.
fn keep_remainders(store: &Store) -> Result<(), StoreError> {
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
            let moved = book.transfer(pool, treasury, remainder, FEE, key);
            moved.expect("the pool holds its remainder");
            let clear = "UPDATE rounds_settlement SET remainder_cents = $2, remainder_entry = NULL WHERE round_key = $1";
            tx.execute(clear, &[key.into(), bursar_store::Param::Amount(Amount::ZERO)])?;
        }
        book.number(tx)?;
        book.write(tx, now)?;
        tx.close_clock(bursar_rounds::CLOCK, now)
    })
}
