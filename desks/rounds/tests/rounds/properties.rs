//! What holds for any round on both engines, however it is joined, settled and read.

use std::cell::Cell;

use bursar_rounds::join::Joined;
use bursar_rounds::market::Market;
use bursar_rounds::stake::{Side, TIERS_BUCKS};
use bursar_rounds::timing::Round;
use bursar_store::EngineKind;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::fixture::{Bet, Desk, round, up};

/// The databases outlive a case, so a case that fails is told as it is and not shrunk.
pub fn runner(cases: u32) -> TestRunner {
    TestRunner::new(Config { cases, failure_persistence: None, max_shrink_iters: 0, ..Config::default() })
}

pub fn next(cases: &Cell<u32>) -> u32 {
    cases.set(cases.get() + 1);
    cases.get()
}

pub fn desks() -> [Desk; 2] {
    [Desk::on(EngineKind::Sqlite), Desk::on(EngineKind::Postgres)]
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Rise,
    Fall,
    Tie,
    NoPrice,
}

/// When an overdue round without prices is asked for, from the first time on; the last try refunds it.
const TRIES_MS: [i64; 5] = [0, 5_000, 15_000, 35_000, 75_000];

/// Who stakes what on which side, in the order of joining.
type Stakes = Vec<(u32, Side, i64)>;

fn outcomes() -> impl Strategy<Value = Outcome> {
    prop_oneof![4 => Just(Outcome::Rise), 4 => Just(Outcome::Fall), 1 => Just(Outcome::Tie), 1 => Just(Outcome::NoPrice)]
}

fn stakes() -> impl Strategy<Value = Stakes> {
    let side = prop_oneof![Just(Side::Up), Just(Side::Down)];
    proptest::collection::vec((0_u32..5, side, prop::sample::select(TIERS_BUCKS.to_vec())), 1..24)
}

/// The payouts of all entries and the fee, in cents, by the plainest arithmetic there is (docs/spec/rounds.md 3.3).
fn expected(stakes: &Stakes, outcome: Outcome) -> (Vec<u128>, u128) {
    let cents = |bucks: i64| u128::try_from(bucks).unwrap() * 100;
    let sum = |of: Side| {
        stakes.iter().filter(|(_, side, _)| *side == of).map(|(.., bucks)| cents(*bucks)).sum::<u128>()
    };
    let winner = match outcome {
        Outcome::Rise => Side::Up,
        Outcome::Fall => Side::Down,
        Outcome::Tie | Outcome::NoPrice => {
            return (stakes.iter().map(|(.., bucks)| cents(*bucks)).collect(), 0);
        }
    };
    let (up, down) = (sum(Side::Up), sum(Side::Down));
    if up == 0 || down == 0 {
        return (stakes.iter().map(|(.., bucks)| cents(*bucks)).collect(), 0);
    }
    let (total, winning) = (up + down, sum(winner));
    let fee = total * 600 / 10_000;
    let share =
        |side: Side, bucks: i64| if side == winner { (total - fee) * cents(bucks) / winning } else { 0 };
    let mut payouts: Vec<u128> = stakes.iter().map(|(_, side, bucks)| share(*side, *bucks)).collect();
    let newest = stakes.iter().rposition(|(_, side, _)| *side == winner).unwrap();
    payouts[newest] += total - fee - payouts.iter().sum::<u128>();
    (payouts, fee)
}

fn bets(stakes: &Stakes, round: Round, case: u32) -> Vec<Bet> {
    let bet = |(index, (wallet, side, bucks)): (usize, &(u32, Side, i64))| {
        let id = format!("{}-{case}-{index}", round.id());
        Bet { side: *side, ..up(wallet_of(case, *wallet), *bucks) }.round(round).id(&id)
    };
    stakes.iter().enumerate().map(bet).collect()
}

/// Every case has its own five wallets.
pub fn wallet_of(case: u32, wallet: u32) -> u32 {
    case * 5 + wallet
}

pub fn decide(desk: &Desk, round: Round, outcome: Outcome) {
    match outcome {
        Outcome::Rise => desk.prices.rise(round),
        Outcome::Fall => desk.prices.fall(round),
        Outcome::Tie => desk.prices.tie(round),
        Outcome::NoPrice => {}
    }
}

#[test]
fn any_round_pays_out_its_pool_exactly_once_reads_the_same_throughout_and_alike_on_both_engines() {
    let desks = desks();
    let cases = Cell::new(0);
    let inputs = (stakes(), outcomes(), 1..5_usize, 1..9_i64, 0..4_usize);
    let ran = runner(24).run(&inputs, |(stakes, outcome, batch, chunk, chunks)| {
        let case = next(&cases);
        let round = round(Market::Sol, i64::from(case) * 20);
        let bets = bets(&stakes, round, case);
        let read: Vec<_> = desks
            .iter()
            .map(|desk| play(desk, &bets, (&stakes, outcome), (batch, chunk, chunks), case))
            .collect();
        prop_assert_eq!(&read[0], &read[1]);
        Ok(())
    });
    ran.unwrap();
    desks.iter().for_each(Desk::assert_all_settled);
}

/// One round from its first join to long after its settlement; what can be read of it in the end.
fn play(
    desk: &Desk,
    bets: &[Bet],
    (stakes, outcome): (&Stakes, Outcome),
    (batch, chunk, chunks): (usize, i64, usize),
    case: u32,
) -> Vec<String> {
    let round = Round::starting(bets[0].market, bets[0].start_ms).unwrap();
    let wallets = wallet_of(case, 0)..wallet_of(case, 5);
    desk.at(round.start_ms());
    bets.chunks(batch).for_each(|bets| desk.accept(bets));
    let players = bets.iter().map(|bet| bet.wallet).collect::<std::collections::BTreeSet<_>>().len();
    assert_eq!(desk.stats(round).players, i64::try_from(players).unwrap());
    decide(desk, round, outcome);
    let is_one_sided = [Side::Up, Side::Down].iter().any(|one| stakes.iter().all(|(_, side, _)| side == one));
    let due = if outcome == Outcome::NoPrice { round.end_ms() + 900_000 } else { round.end_ms() };
    if outcome == Outcome::NoPrice && !is_one_sided {
        TRIES_MS[..4].iter().for_each(|late_ms| drop(desk.settle_at(round.end_ms() + late_ms)));
    }
    desk.at(due);
    let fees = desk.treasury();

    let entries = i64::try_from(bets.len()).unwrap();
    let paid = if outcome == Outcome::Rise || outcome == Outcome::Fall { 1 } else { entries };
    if i64::try_from(chunks).unwrap() * chunk < if is_one_sided { entries } else { paid } {
        desk.settle_partly(chunk, chunks);
    } else {
        desk.settler().paying_in_chunks_of(chunk).run_due(None).unwrap();
    }
    let readings = desk.readings(wallets.clone());
    wallets.clone().for_each(|wallet| desk.assert_totals(wallet));
    desk.settle().unwrap();
    assert_eq!(desk.readings(wallets.clone()), readings);

    let (payouts, fee) = expected(stakes, outcome);
    let outcomes: Vec<_> = wallets.flat_map(|wallet| desk.outcomes(wallet)).collect();
    for (bet, payout) in bets.iter().zip(&payouts) {
        let (.., paid) = outcomes.iter().find(|(id, ..)| *id == bet.id).unwrap();
        assert_eq!(paid, payout, "{}", bet.id);
    }
    let pool: i64 = bets.iter().map(|bet| bet.bucks * 100).sum();
    assert_eq!(payouts.iter().sum::<u128>() + fee, u128::try_from(pool).unwrap());
    assert_eq!((desk.treasury() - fees, desk.pools(round)), (i128::try_from(fee).unwrap(), [0, 0]));

    let before = desk.dump();
    assert_eq!(desk.settle().unwrap().settled, Vec::<String>::new());
    let replays = desk.batch(&bets.iter().map(Bet::command).collect::<Vec<_>>());
    assert!(replays.iter().all(|reply| *reply == Ok(Joined { created: false })), "{replays:?}");
    assert_eq!(desk.dump(), before);
    desk.assert_books();
    readings
}

/// The same rounds settled in one go, and one by one in small chunks with readings in between.
#[test]
fn the_order_and_size_of_steps_in_which_rounds_are_settled_and_read_makes_no_difference() {
    let desks = [Desk::on(EngineKind::Sqlite), Desk::on(EngineKind::Sqlite)];
    let cases = Cell::new(0);
    let inputs = proptest::collection::vec((stakes(), outcomes()), 1..4);
    let ran = runner(10).run(&inputs, |rounds| {
        let case = next(&cases);
        let start = i64::from(case) * 20;
        let placed = (0..).zip(Market::ALL).zip(&rounds);
        let plan: Vec<_> = placed
            .map(|((index, market), (stakes, outcome))| {
                let round = round(market, start + index);
                (round, bets(stakes, round, case), *outcome)
            })
            .collect();
        for desk in &desks {
            for (round, bets, outcome) in &plan {
                desk.at(round.start_ms()).accept(bets);
                decide(desk, *round, *outcome);
            }
        }
        let wallets = wallet_of(case, 0)..wallet_of(case, 5);
        let settler = desks[1].settler().paying_in_chunks_of(1);
        for late_ms in TRIES_MS {
            let now = plan[plan.len() - 1].0.end_ms() + 900_000 + late_ms;
            desks[0].settle_at(now);
            desks[1].at(now);
            while settler.run_due(Some(1)).unwrap().checked > 0 {
                wallets.clone().rev().for_each(|wallet| desks[1].assert_totals(wallet));
            }
        }
        prop_assert_eq!(desks[0].readings(wallets.clone()), desks[1].readings(wallets));
        Ok(())
    });
    ran.unwrap();
    desks.iter().for_each(Desk::assert_all_settled);
}
