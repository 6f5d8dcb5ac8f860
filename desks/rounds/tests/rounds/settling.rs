//! Between the frozen plan and the last payout: one decision, paid out in chunks, read as if it were done.

use bursar_rounds::join::{JoinRejection, Joined};
use bursar_rounds::market::Market;
use bursar_rounds::oracle::UpstreamError;
use bursar_rounds::settle::{FEE, MERGE, PAYOUT, REFUND};
use bursar_rounds::timing::Round;

use crate::fixture::{Desk, down, for_each_desk, round, up};

/// Seven entries on each side by wallets 1 to 7, who stand on both.
fn busy(desk: &Desk, round: Round) -> Round {
    let sides = |wallet| [up(wallet, 5).round(round), down(wallet, 10).round(round)];
    desk.at(round.start_ms()).accept(&(1..=7).flat_map(sides).collect::<Vec<_>>());
    round
}

#[test]
fn readings_while_payouts_are_under_way_are_those_after_the_last_one() {
    for_each_desk(|desk| {
        let rounds = [busy(desk, round(Market::Sol, 0)), busy(desk, round(Market::Btc, 0))];
        let alone = round(Market::Eth, 0);
        desk.accept(&(1..=7).map(|wallet| up(wallet, 25).round(alone)).collect::<Vec<_>>());
        desk.prices.rise(rounds[0]);
        desk.prices.tie(rounds[1]);
        desk.at(alone.end_ms());
        let mut readings = Vec::new();
        for chunks in [0, 1, 2, 3] {
            desk.settle_partly(3, chunks);
            assert!(desk.status().pending_due_rounds > 0);
            (1..8).for_each(|wallet| desk.assert_totals(wallet));
            readings.push(desk.readings(1..8));
        }
        desk.settle().unwrap();
        (1..8).for_each(|wallet| desk.assert_totals(wallet));
        let last = desk.readings(1..8);
        // The refund of the round that needs no price came first, the others were decided in a later run.
        assert!(readings.iter().rev().take(2).all(|reading| *reading == last));
        desk.assert_all_settled();
    });
}

#[test]
fn every_entry_is_paid_once_whatever_the_size_of_a_chunk() {
    for_each_desk(|desk| {
        for (cycle, chunk) in (0..).step_by(3).zip([1, 2, 3, 6, 7, 8, 100]) {
            let (won, tied) = (busy(desk, round(Market::Sol, cycle)), busy(desk, round(Market::Btc, cycle)));
            desk.prices.fall(won);
            desk.prices.tie(tied);
            desk.at(won.end_ms());
            let report = desk.settler().paying_in_chunks_of(chunk).run_due(None).unwrap();
            assert_eq!(report.settled, [won.id(), tied.id()], "chunks of {chunk}");
        }
        let counts = [PAYOUT, REFUND, FEE, MERGE].map(|kind| desk.transfers(kind));
        assert_eq!(counts, [7 * 7, 7 * 14, 7, 7]);
        desk.assert_all_settled();
    });
}

#[test]
fn a_chunk_smaller_than_the_number_of_rounds_still_pays_out_all_of_them_in_one_run() {
    for_each_desk(|desk| {
        let rounds = Market::ALL.map(|market| round(market, 0));
        desk.accept(&rounds.map(|round| up(1, 5).round(round)));
        desk.at(rounds[0].end_ms());
        let report = desk.settler().paying_in_chunks_of(1).run_due(None).unwrap();
        assert_eq!(report.settled, rounds.map(Round::id));
        desk.assert_all_settled();
    });
}

#[test]
fn a_settling_round_is_sealed_against_a_clock_that_lags_and_knows_its_entries() {
    for_each_desk(|desk| {
        let sol = round(Market::Sol, 0);
        let bet = up(1, 5);
        desk.accept(&[bet.clone(), down(2, 5)]);
        desk.prices.rise(sol);
        desk.at(sol.end_ms());
        desk.settle_partly(1, 0);
        // A clock mark that was lost must not reopen the round either.
        desk.write(|tx| tx.execute("DELETE FROM store_clocks", &[]));
        desk.at(sol.start_ms());
        assert_eq!(desk.join(&up(3, 5)), Err(JoinRejection::OutsideOpenWindow));
        assert_eq!(desk.join(&bet), Ok(Joined { created: false }));
        assert_eq!(desk.settle_at(sol.end_ms()), [sol.id()]);
        desk.assert_all_settled();
    });
}

#[test]
fn once_frozen_a_round_needs_the_oracle_no_more_and_later_prices_change_nothing() {
    for_each_desk(|desk| {
        let sol = busy(desk, round(Market::Sol, 0));
        desk.prices.rise(sol);
        desk.at(sol.end_ms());
        desk.settle_partly(2, 1);
        let (readings, plan) = (desk.readings(1..8), desk.settlement(sol).unwrap().plan);
        desk.prices.fall(sol);
        desk.prices.fail(&Market::ALL, &UpstreamError::Timeout);
        desk.prices.take_asked();
        assert_eq!(desk.settle_at(sol.end_ms() + 60_000), [sol.id()]);
        assert_eq!((desk.readings(1..8), desk.settlement(sol).unwrap().plan), (readings, plan));
        assert_eq!(desk.prices.take_asked(), []);
    });
}

#[test]
fn the_audit_log_has_every_completed_round_once_in_the_transaction_that_completed_it() {
    for_each_desk(|desk| {
        let rounds = Market::ALL.map(|market| round(market, 0));
        desk.accept(&rounds.map(|round| up(1, 5).round(round)));
        desk.at(rounds[0].end_ms());
        desk.settle_partly(2, 2);
        let told = || -> Vec<String> {
            let payload =
                |text: Option<String>| serde_json::from_str::<serde_json::Value>(&text.unwrap()).unwrap();
            let events = desk.events("sim_settle.batch_completed").into_iter();
            let rounds =
                events.flat_map(|event| payload(event.payload)["rounds"].as_array().unwrap().clone());
            rounds.map(|id| id.as_str().unwrap().to_owned()).collect()
        };
        let ids = rounds.map(Round::id);
        assert_eq!(told(), ids[..4]);
        desk.settle().unwrap();
        assert_eq!(told(), ids);
        desk.assert_all_settled();
    });
}
