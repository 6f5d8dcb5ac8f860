//! Whole histories of commands, from players, operators and the book itself, have equal outcomes on both engines.
//!
//! Each case has databases of its own, so a history that fails is shrunk to the few steps that matter.

use bursar_audit::{Recorder, SaltKey};
use bursar_control::{ConfigTable, settings};
use bursar_desk::control_fold::fold;
use bursar_ledger::{Book, HoldId, LedgerRefusal, Overdraft, TransferKind, account_by_path, history};
use bursar_money::{Amount, Asset};
use bursar_rounds::canary::Mark;
use bursar_rounds::join::{BodyFault, ClaimedWallet, JoinCommand, JoinRejection, Joined};
use bursar_rounds::market::Market;
use bursar_rounds::operate::{Toggle, WORDS, toggle};
use bursar_rounds::oracle::UpstreamError;
use bursar_rounds::settings::{JOINS_BY_ADDRESS, JOINS_BY_WALLET, SETTINGS};
use bursar_rounds::settle::SettleError;
use bursar_rounds::stake::Side;
use bursar_store::EngineKind;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestError, TestRunner};
use serde_json::Value;

use crate::fixture::{Bet, Desk, START, round, up};
use crate::properties::{Outcome, decide};

const WALLETS: u32 = 4;
/// Accounts outside the desk that money is moved between; the first may owe.
const ACCOUNTS: [(&str, Overdraft); 3] = [
    ("history/world", Overdraft::Allowed),
    ("history/ann", Overdraft::Forbidden),
    ("history/bob", Overdraft::Forbidden),
];

/// What is wrong with a join, if anything.
#[derive(Clone, Copy, Debug)]
enum Bend {
    Nothing,
    Late,
    Feed,
    RoundId,
    End,
    Wallet,
    Direction,
    Market,
    LongId,
    NoStake,
    Shape,
    NotJson,
}

#[derive(Clone, Debug)]
struct Join {
    id: u8,
    wallet: u32,
    client: u8,
    market: usize,
    side: Side,
    bucks: i64,
    mark: Mark,
    bend: Bend,
}

/// An operation on the book. Holds are named by the order in which they were made.
#[derive(Clone, Debug)]
enum Booking {
    Transfer { debit: usize, credit: usize, amount: u128 },
    Hold { debit: usize, credit: usize, amount: u128 },
    Post(usize),
    Void(usize),
}

#[derive(Clone, Debug)]
enum Step {
    Join(Vec<Join>),
    Wait { ms: i64 },
    Settle { limit: i64, chunk: i64 },
    Toggle { word: usize, stop: bool, force: bool, for_ms: Option<i64> },
    Set { setting: usize, text: String },
    Oracle { is_down: bool },
    Book(Vec<Booking>),
}

fn joins() -> impl Strategy<Value = Join> {
    let side = prop_oneof![Just(Side::Up), Just(Side::Down)];
    let bucks = prop_oneof![8 => prop::sample::select(vec![5, 10, 25, 250]), 1 => Just(7), 1 => Just(-5)];
    let mark = prop_oneof![6 => Just(Mark::None), 1 => Just(Mark::Canary), 1 => Just(Mark::Refused)];
    let bend = prop_oneof![
        12 => Just(Bend::Nothing),
        1 => Just(Bend::Late), 1 => Just(Bend::Feed), 1 => Just(Bend::RoundId), 1 => Just(Bend::End),
        1 => Just(Bend::Wallet), 1 => Just(Bend::Direction), 1 => Just(Bend::Market), 1 => Just(Bend::LongId),
        1 => Just(Bend::NoStake), 1 => Just(Bend::Shape), 1 => Just(Bend::NotJson),
    ];
    (0_u8..16, 0..WALLETS, 0_u8..3, 0_usize..3, side, bucks, mark, bend).prop_map(
        |(id, wallet, client, market, side, bucks, mark, bend)| Join {
            id,
            wallet,
            client,
            market,
            side,
            bucks,
            mark,
            bend,
        },
    )
}

fn bookings() -> impl Strategy<Value = Booking> {
    let account = || 0..ACCOUNTS.len();
    let amount = || prop_oneof![6 => 0_u128..40, 1 => Just(u128::MAX)];
    prop_oneof![
        4 => (account(), account(), amount()).prop_map(|(debit, credit, amount)| Booking::Transfer { debit, credit, amount }),
        3 => (account(), account(), amount()).prop_map(|(debit, credit, amount)| Booking::Hold { debit, credit, amount }),
        2 => (0_usize..5).prop_map(Booking::Post),
        2 => (0_usize..5).prop_map(Booking::Void),
    ]
}

/// Settings that change what happens in a short history: two limits and everything that is no limit.
fn changeable() -> Vec<settings::Setting> {
    let limits = [JOINS_BY_ADDRESS, JOINS_BY_WALLET];
    limits.iter().flat_map(|limit| [limit.limit, limit.window_ms]).chain(SETTINGS).collect()
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let waits = prop::sample::select(vec![1, 4_999, 10_000, 59_999, 60_000, 240_000, 900_000]);
    let texts =
        prop::sample::select(vec!["0", "1", "2", "5", "25", "10000", "60000", "-1", "ten", "99999999999999"]);
    let for_ms = prop::option::weighted(0.3, 1_000_i64..120_000);
    let step = prop_oneof![
        8 => prop::collection::vec(joins(), 1..6).prop_map(Step::Join),
        4 => waits.prop_map(|ms| Step::Wait { ms }),
        3 => (1_i64..4, 1_i64..6).prop_map(|(limit, chunk)| Step::Settle { limit, chunk }),
        2 => (0..WORDS.len(), any::<bool>(), any::<bool>(), for_ms)
            .prop_map(|(word, stop, force, for_ms)| Step::Toggle { word, stop, force, for_ms }),
        2 => (0..changeable().len(), texts).prop_map(|(setting, text)| Step::Set { setting, text: text.to_owned() }),
        1 => any::<bool>().prop_map(|is_down| Step::Oracle { is_down }),
        3 => prop::collection::vec(bookings(), 1..5).prop_map(Step::Book),
    ];
    prop::collection::vec(step, 1..30)
}

/// One engine with the history that it has had.
struct Played {
    desk: Desk,
    recorder: Recorder,
    holds: Vec<HoldId>,
    now_ms: i64,
}

impl Played {
    fn on(kind: EngineKind) -> Played {
        let desk = Desk::on(kind);
        desk.write(|tx| {
            let mut book = Book::default();
            for (path, overdraft) in ACCOUNTS {
                book.open(path, Asset::Sol, overdraft);
            }
            book.number(tx)?;
            book.write(tx, bursar_store::Timestamp::from_ms(START))
        });
        let recorder = Recorder::new("ops", SaltKey::new([3; 32]));
        Played { desk, recorder, holds: Vec::new(), now_ms: START }
    }

    /// Does one step and tells its outcome, refusals with their codes included.
    fn play(&mut self, step: &Step) -> String {
        self.desk.at(self.now_ms);
        match step {
            Step::Join(joins) => {
                let commands: Vec<_> = joins.iter().map(|join| self.command(join)).collect();
                format!("{:?}", self.desk.batch(&commands).iter().map(told).collect::<Vec<_>>())
            }
            Step::Wait { ms } => {
                self.now_ms += ms;
                self.desk.at(self.now_ms);
                String::new()
            }
            Step::Settle { limit, chunk } => {
                match self.desk.settler().paying_in_chunks_of(*chunk).run_due(Some(*limit)) {
                    Err(SettleError::Store(error)) => panic!("{error}"),
                    ended => format!("{ended:?}"),
                }
            }
            Step::Toggle { word, stop, force, for_ms } => self.toggle(*word, *stop, *force, *for_ms),
            Step::Set { setting, text } => self.set(changeable()[*setting], text),
            Step::Oracle { is_down: true } => {
                self.desk.prices.fail(&Market::ALL, &UpstreamError::Status(503));
                String::new()
            }
            Step::Oracle { is_down: false } => {
                self.desk.prices.recover();
                String::new()
            }
            Step::Book(bookings) => self.book(bookings),
        }
    }

    fn command(&self, join: &Join) -> JoinCommand {
        let cycle = (self.now_ms - START).div_euclid(120_000) - i64::from(matches!(join.bend, Bend::Late));
        announce(&self.desk, cycle);
        let bet = Bet { side: join.side, ..up(join.wallet, join.bucks) }
            .round(round(Market::ALL[join.market], cycle))
            .id(&join.id.to_string())
            .from(&format!("192.0.2.{}", join.client))
            .marked(join.mark);
        match join.bend {
            Bend::NotJson => bet.with_body(Err(BodyFault::Malformed)),
            Bend::Shape => bet.with_body(Err(BodyFault::Shape("wallet"))),
            bend => bet.bent(|request| match bend {
                Bend::Feed => request.feed_id = "00".repeat(32),
                Bend::RoundId => request.round_id.push('x'),
                Bend::End => request.round_end_ms += 1,
                Bend::Wallet => request.wallet = ClaimedWallet::new("not-an-address"),
                Bend::Direction => request.direction = "SIDEWAYS".into(),
                Bend::Market => request.market = "DOGE".into(),
                Bend::LongId => request.id = "x".repeat(129),
                Bend::NoStake => request.stake_bucks = None,
                Bend::Nothing | Bend::Late | Bend::Shape | Bend::NotJson => {}
            }),
        }
    }

    fn toggle(&self, word: usize, stop: bool, force: bool, for_ms: Option<i64>) -> String {
        let now = self.desk.test.now();
        let expires_at = for_ms.filter(|_| stop).map(|ms| now.after_ms(ms));
        let wish =
            Toggle { switches: WORDS[word].1, stop, actor: "tester", reason: "test", expires_at, force };
        format!("{:?}", self.desk.write(|tx| toggle(tx, &wish, &self.recorder, now)))
    }

    fn set(&self, setting: settings::Setting, text: &str) -> String {
        let now = self.desk.test.now();
        match setting.parse(text) {
            Err(refusal) => refusal.to_string(),
            Ok(value) => self.desk.write(|tx| {
                let before =
                    settings::change(tx, ConfigTable::ROUNDS, setting, value, ("tester", "test"), now)?;
                fold(tx, &self.recorder, now)?;
                Ok(before)
            }),
        }
    }

    /// Books everything in one batch, as a desk does.
    fn book(&mut self, bookings: &[Booking]) -> String {
        let (now, holds) = (self.desk.test.now(), self.holds.clone());
        let (outcomes, new) = self.desk.write(|tx| {
            let mut book = Book::default();
            book.load_paths(tx, &ACCOUNTS.map(|(path, _)| path))?;
            book.load_holds(tx, &holds)?;
            let mut new = Vec::new();
            let outcomes: Vec<_> =
                bookings.iter().map(|booking| decided(&mut book, booking, &holds, &mut new)).collect();
            book.number(tx)?;
            book.write(tx, now)?;
            let new: Vec<HoldId> = new.into_iter().map(|slot| book.hold_id(slot)).collect();
            Ok((format!("{outcomes:?}"), new))
        });
        self.holds.extend(new);
        outcomes
    }

    /// Everything that can be read from outside.
    fn view(&self) -> Vec<String> {
        let mut view = self.desk.readings(0..WALLETS);
        view.push(format!("{:?} {:?}", self.desk.status(), self.desk.health()));
        view.push(format!("{:?} {:?}", self.desk.summary(20), self.desk.next_due()));
        for (path, _) in ACCOUNTS {
            view.push(self.desk.read(|tx| {
                let account = account_by_path(tx, path, Asset::Sol)?.expect("opened at first");
                let postings = history(tx, account.id, None, 1_000)?;
                Ok(format!("{path} {} {} {postings:?}", account.balance(), account.held))
            }));
        }
        view
    }

    fn audit(&self) -> Vec<String> {
        let events = self.desk.events("").into_iter();
        events
            .map(|event| {
                let mut payload: Value = event.payload.map_or(Value::Null, |text| text.parse().unwrap());
                // The embedded engine knows no roles.
                payload.as_object_mut().map(|fields| fields.remove("dbRole"));
                format!("{} {} {} {payload}", event.id, event.at, event.event)
            })
            .collect()
    }

    /// Ends every trouble and settles what is left.
    fn finish(&mut self) {
        for step in [
            Step::Oracle { is_down: false },
            Step::Toggle { word: 3, stop: false, force: true, for_ms: None },
        ] {
            self.play(&step);
        }
        for _ in 0..6 {
            self.now_ms += 700_000_000;
            self.desk.settle_at(self.now_ms);
        }
        self.desk.assert_all_settled();
        (0..WALLETS).for_each(|wallet| self.desk.assert_totals(wallet));
    }
}

fn told(reply: &Result<Joined, JoinRejection>) -> String {
    match reply {
        Ok(joined) => format!("{joined:?}"),
        Err(rejection) => format!("{} {} {rejection}", rejection.status(), rejection.code()),
    }
}

fn decided(
    book: &mut Book,
    booking: &Booking,
    holds: &[HoldId],
    new: &mut Vec<bursar_ledger::HoldSlot>,
) -> Result<(), Option<LedgerRefusal>> {
    let kind = TransferKind(7);
    let slot = |book: &Book, index: usize| book.slot_of_path(ACCOUNTS[index].0, Asset::Sol).unwrap();
    let held =
        |book: &Book, index: usize| holds.get(index).and_then(|hold| book.hold_slot(*hold)).ok_or(None);
    match booking {
        Booking::Transfer { debit, credit, amount } => {
            let (debit, credit) = (slot(book, *debit), slot(book, *credit));
            book.transfer(debit, credit, Amount::new(*amount), kind, 0).map(drop)
        }
        Booking::Hold { debit, credit, amount } => {
            let (debit, credit) = (slot(book, *debit), slot(book, *credit));
            book.hold(debit, credit, Amount::new(*amount), kind, 0).map(|hold| new.push(hold))
        }
        Booking::Post(index) => book.post_hold(held(book, *index)?).map(drop),
        Booking::Void(index) => book.void_hold(held(book, *index)?),
    }
    .map_err(Some)
}

/// Prices that follow from market and start, so that both engines see the same.
fn announce(desk: &Desk, cycle: i64) {
    for (index, market) in (0_i64..).zip(Market::ALL) {
        let outcomes = [Outcome::Rise, Outcome::Fall, Outcome::Tie, Outcome::NoPrice, Outcome::Rise];
        let pick = usize::try_from((cycle * 7 + index * 3).rem_euclid(5)).unwrap();
        decide(desk, round(market, cycle), outcomes[pick]);
    }
}

/// Plays `steps` on both; `second` may leave a step out, as an engine does that forgets.
fn play(mut pair: [Played; 2], steps: &[Step], second: impl Fn(&Step) -> bool) -> Result<(), TestCaseError> {
    for step in steps {
        let expected = pair[0].play(step);
        let found = if second(step) { pair[1].play(step) } else { expected.clone() };
        prop_assert_eq!(expected, found, "{:?}", step);
        same(&pair, Played::view)?;
    }
    pair.iter_mut().for_each(Played::finish);
    same(&pair, Played::view)?;
    same(&pair, Played::audit)
}

/// Both read the same; of what differs, the first line alone is told.
fn same(pair: &[Played; 2], read: impl Fn(&Played) -> Vec<String>) -> Result<(), TestCaseError> {
    let [expected, found] = [&pair[0], &pair[1]].map(&read);
    for (expected, found) in expected.iter().zip(&found) {
        prop_assert_eq!(expected, found);
    }
    prop_assert_eq!(expected.len(), found.len());
    Ok(())
}

fn runner(cases: u32, shrinks: u32) -> TestRunner {
    TestRunner::new(Config {
        cases,
        failure_persistence: None,
        max_shrink_iters: shrinks,
        ..Config::default()
    })
}

#[test]
fn any_history_has_equal_outcomes_readings_and_audit_on_both_engines() {
    let ran = runner(12, 200).run(&steps(), |steps| {
        play([EngineKind::Sqlite, EngineKind::Postgres].map(Played::on), &steps, |_| true)
    });
    ran.unwrap();
}

#[test]
fn an_engine_that_forgets_stops_is_found_and_the_history_shrunk_to_the_stop_alone() {
    let remembers = |step: &Step| !matches!(step, Step::Toggle { stop: true, .. });
    let ran = runner(64, 2_000)
        .run(&steps(), |steps| play([(); 2].map(|()| Played::on(EngineKind::Sqlite)), &steps, remembers));
    let Err(TestError::Fail(_, least)) = ran else { panic!("not found: {ran:?}") };
    assert!(matches!(least[..], [Step::Toggle { stop: true, .. }]), "{least:?}");
}
