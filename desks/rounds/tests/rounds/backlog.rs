//! Many rounds that wait: none is forgotten, none holds up another (W2, docs/spec/rounds.md 4.4).

use bursar_rounds::market::Market;
use bursar_rounds::settings::{SETTLE_LIMIT, VOID_AFTER_MS};
use bursar_store::EngineKind;

use crate::fixture::{Desk, down, for_each_desk, round, up};

#[test]
fn a_thousand_rounds_that_wait_for_prices_do_not_hold_up_the_one_that_has_them() {
    for_each_desk(|desk| {
        let rounds: Vec<_> =
            (0..167).flat_map(|cycle| Market::ALL.map(|market| round(market, cycle))).take(1_001).collect();
        for rounds in rounds.chunks(6) {
            let bets = rounds.iter().flat_map(|round| [up(1, 5).round(*round), down(2, 5).round(*round)]);
            desk.at(rounds[0].start_ms()).accept(&bets.collect::<Vec<_>>());
        }
        let newest = rounds[1_000];
        desk.prices.rise(newest);
        desk.set(SETTLE_LIMIT, 400);
        desk.set(VOID_AFTER_MS, VOID_AFTER_MS.max);
        let settled: Vec<_> = (0..3).map(|_| desk.settle_at(newest.end_ms())).collect();
        assert_eq!(settled, [vec![], vec![], vec![newest.id()]]);
        assert_eq!(desk.settle_at(newest.end_ms()), Vec::<String>::new());
        assert_eq!(desk.next_due(), Some(newest.end_ms() + 5_000));
        assert_eq!(desk.status().pending_due_rounds, 1_000);
        assert_eq!(desk.status().max_settlement_lag_ms, newest.end_ms() - rounds[0].end_ms());
    });
}

#[test]
fn the_next_round_to_fall_due_is_seen_behind_any_number_of_rounds_that_wait_for_prices() {
    let desk = Desk::on(EngineKind::Sqlite);
    let waiting: Vec<_> = (0..100).flat_map(|cycle| Market::ALL.map(|market| round(market, cycle))).collect();
    for rounds in waiting.chunks(6) {
        let bets = rounds.iter().flat_map(|round| [up(1, 5).round(*round), down(2, 5).round(*round)]);
        desk.at(rounds[0].start_ms()).accept(&bets.collect::<Vec<_>>());
    }
    let running = round(Market::Sol, 103);
    desk.at(running.start_ms()).accept(&[up(1, 5).round(running)]);
    desk.set(SETTLE_LIMIT, 1_000);
    desk.set(VOID_AFTER_MS, VOID_AFTER_MS.max);
    desk.settle_at(running.end_ms() - 1_000);
    assert_eq!(desk.status().pending_due_rounds, 600);
    assert_eq!(desk.next_due(), Some(running.end_ms()));
}
