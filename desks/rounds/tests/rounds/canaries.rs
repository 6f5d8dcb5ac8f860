//! Joins that operators mark as canaries: counted in everything, and once more by themselves (docs/spec/rounds.md 4.1).

use bursar_rounds::canary::{CanaryPool, Mark};
use bursar_rounds::join::{JoinRejection, Joined};
use bursar_rounds::market::Market;
use bursar_rounds::settings::{JOINS_BY_ADDRESS, PAUSE_JOINS};
use bursar_rounds::settle::PAYOUT;
use serde_json::json;

use crate::fixture::{Bet, Desk, down, for_each_desk, round, up};

fn canary(bet: Bet) -> Bet {
    bet.marked(Mark::Canary)
}

/// Two players with 5 UP and 100 DOWN, two canaries with 10 UP and 25 DOWN.
fn play(desk: &Desk) {
    desk.accept(&[up(1, 5), canary(up(2, 10)), down(3, 100), canary(down(4, 25).id("canary"))]);
}

#[test]
fn a_pool_counts_canaries_and_shows_their_part_of_it() {
    for_each_desk(|desk| {
        play(desk);
        desk.accept(&[canary(up(2, 50))]);
        let stats = desk.stats(round(Market::Sol, 0));
        assert_eq!((stats.total_bucks, stats.up_bucks, stats.down_bucks), (190, 65, 125));
        assert_eq!((stats.players, stats.entries), (4, 5));
        let part = CanaryPool { total_bucks: 85, up_bucks: 60, down_bucks: 25, players: 2, entries: 3 };
        assert_eq!(stats.canary, part);
        assert_eq!(desk.stats(round(Market::Btc, 0)).canary, CanaryPool::default());
    });
}

#[test]
fn a_wallet_counts_as_what_its_first_entry_in_the_round_was() {
    for_each_desk(|desk| {
        desk.accept(&[up(1, 5), canary(up(1, 5)), canary(up(2, 5)), up(2, 5)]);
        let stats = desk.stats(round(Market::Sol, 0));
        assert_eq!((stats.players, stats.canary.players), (2, 1));
        assert_eq!((stats.entries, stats.canary.entries), (4, 2));
    });
}

#[test]
fn a_summary_has_the_canaries_part_beside_totals_that_include_it() {
    for_each_desk(|desk| {
        play(desk);
        desk.accept(&[
            canary(up(5, 250).round(round(Market::Eth, 0))),
            up(6, 5).round(round(Market::Btc, 0)),
        ]);
        let summary = serde_json::to_value(desk.summary(10)).unwrap();
        assert_eq!(summary["totals"]["entries"], 6);
        assert_eq!(summary["marketBreakdown"]["SOL"], json!({"entries": 4, "stakeBucks": 140}));
        let markets =
            json!({"SOL": {"entries": 2, "stakeBucks": 35}, "ETH": {"entries": 1, "stakeBucks": 250}});
        assert_eq!(summary["canary"], json!({"entries": 3, "stakeBucks": 285, "marketBreakdown": markets}));
    });
}

#[test]
fn canaries_win_and_lose_like_everybody_and_the_money_adds_up() {
    for_each_desk(|desk| {
        let sol = round(Market::Sol, 0);
        play(desk);
        desk.prices.rise(sol);
        assert_eq!(desk.settle_at(sol.end_ms()), [sol.id()]);
        // Pool 14000, fee 840; a third and two thirds of 13160, the odd cent to the newest winner.
        assert_eq!((desk.outcome(1), desk.outcome(2)), (("WIN", 4_386), ("WIN", 8_774)));
        assert_eq!((desk.outcome(3), desk.outcome(4)), (("LOSS", 0), ("LOSS", 0)));
        assert_eq!((desk.treasury(), desk.transfers(PAYOUT)), (840, 2));
        assert_eq!(desk.stats(sol).canary.total_bucks, 35);
        desk.assert_all_settled();
    });
}

#[test]
fn the_mark_stays_with_the_entry_and_is_audited() {
    for_each_desk(|desk| {
        play(desk);
        let sql =
            "SELECT id FROM rounds_entry e JOIN rounds_canary_entry c ON c.sequence = e.sequence ORDER BY 1";
        let marked: Vec<String> = desk.read(|tx| tx.query(sql, &[], |row| row.get(0)));
        assert_eq!((marked.len(), marked.contains(&"canary".to_owned())), (2, true));
        let payloads: Vec<_> = desk.events("join.accepted").into_iter().map(|event| event.payload).collect();
        let audited = payloads.iter().flatten().filter(|payload| payload.contains(r#""canary":true"#));
        assert_eq!(audited.count(), 2);
        // A repeat finds the entry whether it is marked or not, and counts nothing twice.
        let seen = Ok(Joined { created: false });
        assert_eq!(desk.join(&down(4, 25).id("canary")), seen);
        assert_eq!(desk.join(&canary(down(4, 25).id("canary"))), seen);
        assert_eq!(desk.stats(round(Market::Sol, 0)).canary.entries, 2);
    });
}

#[test]
fn a_wrong_canary_key_is_refused_after_the_pause_and_the_limit_and_before_the_body() {
    for_each_desk(|desk| {
        let bet = up(1, 7).marked(Mark::Refused);
        desk.stop(PAUSE_JOINS);
        assert_eq!(desk.join(&bet), Err(JoinRejection::Paused));
        desk.resume(PAUSE_JOINS);
        desk.set(JOINS_BY_ADDRESS.limit, 1);
        assert_eq!(desk.join(&bet), Err(JoinRejection::Unauthorized));
        assert!(matches!(desk.join(&bet), Err(JoinRejection::RateLimited { .. })));
        desk.set(JOINS_BY_ADDRESS.limit, 10);
        let before = desk.dump();
        assert_eq!(desk.join(&up(1, 5).marked(Mark::Refused)), Err(JoinRejection::Unauthorized));
        assert_eq!(desk.dump(), before);
        assert_eq!(desk.count_events("join.unauthorized"), 2);
    });
}
