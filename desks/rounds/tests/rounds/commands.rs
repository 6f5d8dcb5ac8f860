//! Any commands in any order: equal ones have equal answers on both engines, and in the end everything is settled.

use std::cell::Cell;

use bursar_rounds::market::Market;
use bursar_rounds::oracle::UpstreamError;
use bursar_rounds::settings::{PAUSE_JOINS, PAUSE_SIM_SETTLEMENTS};
use bursar_rounds::settle::SettleError;
use bursar_rounds::stake::Side;
use proptest::prelude::*;

use crate::fixture::{Bet, Desk, START, round, up};
use crate::properties::{Outcome, decide, desks, next, runner, wallet_of};

#[derive(Clone, Debug)]
enum Act {
    Join { bets: Vec<(u8, u32, usize, Side, i64, bool)> },
    Wait { ms: i64 },
    Settle { limit: i64, chunk: i64 },
    PauseJoins(bool),
    PauseSettlement(bool),
    OracleDown(bool),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let side = prop_oneof![Just(Side::Up), Just(Side::Down)];
    let bucks = prop::sample::select(vec![5, 10, 25, 250, 7]);
    let bet = (0_u8..40, 0_u32..5, 0_usize..3, side, bucks, prop::bool::weighted(0.1));
    let waits = prop::sample::select(vec![1, 4_999, 10_000, 59_999, 60_000, 240_000, 900_000]);
    let act = prop_oneof![
        6 => proptest::collection::vec(bet, 1..8).prop_map(|bets| Act::Join { bets }),
        4 => waits.prop_map(|ms| Act::Wait { ms }),
        4 => (1_i64..4, 1_i64..6).prop_map(|(limit, chunk)| Act::Settle { limit, chunk }),
        1 => any::<bool>().prop_map(Act::PauseJoins),
        1 => any::<bool>().prop_map(Act::PauseSettlement),
        1 => any::<bool>().prop_map(Act::OracleDown),
    ];
    proptest::collection::vec(act, 1..40)
}

/// Prices that follow from market and start, so that both desks and every case see the same.
fn announce(desk: &Desk, cycle: i64) {
    for (index, market) in (0_i64..).zip(Market::ALL) {
        let outcomes = [Outcome::Rise, Outcome::Fall, Outcome::Tie, Outcome::NoPrice, Outcome::Rise];
        let pick = usize::try_from((cycle * 7 + index * 3).rem_euclid(5)).unwrap();
        decide(desk, round(market, cycle), outcomes[pick]);
    }
}

fn run(desk: &Desk, act: &Act, case: u32, now_ms: i64) -> String {
    desk.at(now_ms);
    match act {
        Act::Join { bets } => {
            let bet = |(id, wallet, market, side, bucks, is_late): &(u8, u32, usize, Side, i64, bool)| {
                let cycle = (now_ms - START).div_euclid(120_000) - i64::from(*is_late);
                announce(desk, cycle);
                let bet = Bet { side: *side, ..up(wallet_of(case, *wallet), *bucks) };
                bet.round(round(Market::ALL[*market], cycle)).id(&format!("{case}-{id}")).command()
            };
            format!("{:?}", desk.batch(&bets.iter().map(bet).collect::<Vec<_>>()))
        }
        Act::Wait { .. } => String::new(),
        Act::Settle { limit, chunk } => {
            match desk.settler().paying_in_chunks_of(*chunk).run_due(Some(*limit)) {
                Err(SettleError::Store(error)) => panic!("{error}"),
                ended => format!("{ended:?}"),
            }
        }
        Act::PauseJoins(true) => format!("{:?}", desk.stop(PAUSE_JOINS)),
        Act::PauseJoins(false) => format!("{:?}", desk.resume(PAUSE_JOINS)),
        Act::PauseSettlement(true) => format!("{:?}", desk.stop(PAUSE_SIM_SETTLEMENTS)),
        Act::PauseSettlement(false) => format!("{:?}", desk.resume(PAUSE_SIM_SETTLEMENTS)),
        Act::OracleDown(true) => format!("{:?}", desk.prices.fail(&Market::ALL, &UpstreamError::Status(503))),
        Act::OracleDown(false) => format!("{:?}", desk.prices.recover()),
    }
}

/// Everything that shows from outside, wallets of the case included.
fn view(desk: &Desk, case: u32) -> Vec<String> {
    let mut view = desk.readings(wallet_of(case, 0)..wallet_of(case, 5));
    view.push(format!("{:?} {:?} {:?}", desk.status(), desk.health(), desk.summary(20)));
    view.push(format!("{:?}", desk.next_due()));
    view
}

#[test]
fn equal_commands_have_equal_answers_refusals_included_and_equal_readings_on_both_engines() {
    let desks = desks();
    let (cases, clock) = (Cell::new(0), Cell::new(START));
    let ran = runner(12).run(&acts(), |acts| {
        let case = next(&cases);
        let mut now_ms = (clock.get() / 120_000 + 10) * 120_000;
        for act in &acts {
            if let Act::Wait { ms } = act {
                now_ms += ms;
            }
            let answers: Vec<_> = desks.iter().map(|desk| run(desk, act, case, now_ms)).collect();
            prop_assert_eq!(&answers[0], &answers[1], "{:?}", act);
            let views: Vec<_> = desks.iter().map(|desk| view(desk, case)).collect();
            prop_assert_eq!(&views[0], &views[1], "after {:?}", act);
        }
        let rest = [Act::PauseJoins(false), Act::PauseSettlement(false), Act::OracleDown(false)];
        rest.iter().for_each(|act| desks.iter().for_each(|desk| drop(run(desk, act, case, now_ms))));
        for _ in 0..10 {
            now_ms += 960_000;
            desks.iter().for_each(|desk| drop(desk.settle_at(now_ms)));
        }
        clock.set(now_ms);
        prop_assert!(desks.iter().all(|desk| desk.next_due().is_none()), "everything is settled in the end");
        for desk in &desks {
            desk.assert_all_settled();
            (wallet_of(case, 0)..wallet_of(case, 5)).for_each(|wallet| desk.assert_totals(wallet));
        }
        let audits = desks.iter().map(|desk| {
            let events = desk.events("").into_iter();
            events.map(|event| (event.id, event.at, event.event, event.payload)).collect::<Vec<_>>()
        });
        let audits: Vec<_> = audits.collect();
        prop_assert_eq!(&audits[0], &audits[1]);
        Ok(())
    });
    ran.unwrap();
}
