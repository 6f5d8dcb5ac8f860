//! What wallets, the public and operators read (docs/spec/rounds.md 4.2, 4.3, 4.9 to 4.11).

use bursar_rounds::market::Market;
use bursar_rounds::results::WalletTotals;
use bursar_rounds::timing::Round;
use serde_json::json;

use crate::fixture::{START, address, down, for_each_desk, round, up};

const NONE: [String; 0] = [];

#[test]
fn r39_an_entry_is_told_with_the_names_of_the_original_and_prices_as_exact_numbers() {
    for_each_desk(|desk| {
        let sol = round(Market::Sol, 0);
        desk.at(START + 59_999).accept(&[up(1, 10).id("mine"), down(2, 25)]);
        let pending = json!({
            "wallet": address(1).to_text(),
            "rounds": [{
                "roundId": "SOL-1700000040-5m", "roundStartMs": 1_700_000_040_000_i64,
                "roundEndMs": 1_700_000_400_000_i64, "joinedAtMs": 1_700_000_099_999_i64, "direction": "UP",
                "entrySignature": "mine", "stakeLamports": 1_000, "stakeUsd": 10, "status": "PENDING",
                "payoutLamports": 0, "payoutSignatures": [], "pnlLamports": null, "settlement": null,
            }],
            "totals": {"stakedLamports": 1_000, "paidLamports": 0, "pnlLamports": 0},
            "mode": "SIM", "unit": "PANCHO_BUCKS",
            "paging": {"limit": 100_000, "offset": 0, "total": 1},
        });
        assert_eq!(serde_json::to_value(desk.results(1)).unwrap(), pending);
        desk.prices.rise(sol);
        desk.settle_at(sol.end_ms() + 1);
        let settled = serde_json::to_value(desk.results(1)).unwrap();
        let settlement = json!({
            "mode": "WIN", "winnerSide": "UP", "reason": null, "startPrice": 100, "endPrice": 100.01,
            "settledAtMs": 1_700_000_400_001_i64,
        });
        assert_eq!(settled["rounds"][0]["settlement"], settlement);
        assert_eq!(
            settled["totals"],
            json!({"stakedLamports": 1_000, "paidLamports": 3_290, "pnlLamports": 2_290})
        );
    });
}

#[test]
fn sums_cover_settled_settling_waiting_and_running_rounds_each_in_its_own_way() {
    for_each_desk(|desk| {
        let [settled, settling, waiting] =
            [Market::Sol, Market::Btc, Market::Eth].map(|market| round(market, 0));
        let running = round(Market::Sol, 3);
        for round in [settled, settling, waiting] {
            let of = |wallet| [up(wallet, 10).round(round), down(wallet, 25).round(round)];
            desk.accept(&[of(1), of(2)].concat());
        }
        desk.prices.rise(settled);
        assert_eq!(desk.settle_at(settled.end_ms()), [settled.id()]);
        desk.prices.fall(settling);
        desk.at(running.start_ms()).accept(&[up(1, 250).round(running)]);
        desk.at(running.start_ms() + 10_000);
        desk.settle_partly(1, 1);
        let statuses: Vec<_> = desk.outcomes(1).into_iter().map(|(_, status, _)| status).collect();
        assert_eq!(statuses, ["PENDING", "PENDING", "PENDING", "WIN", "LOSS", "LOSS", "WIN"]);
        // Pool 7000, fee 420: each winner of 10 gets 3290 and each of 25 as well.
        let totals = WalletTotals { staked_lamports: 35_500, paid_lamports: 6_580, pnl_lamports: -420 };
        assert_eq!(desk.results(1).totals, totals);
        (1..=2).for_each(|wallet| desk.assert_totals(wallet));
        assert_eq!(desk.settle().unwrap().settled, [settling.id()]);
        assert_eq!(desk.results(1).totals, totals);
    });
}

#[test]
fn sums_are_right_for_a_wallet_with_hundreds_of_entries_in_markets_of_which_one_still_waits() {
    for_each_desk(|desk| {
        let (btc, sol) = (round(Market::Btc, 0), round(Market::Sol, 0));
        let many = |of: Round, count| (0..count).map(move |_| up(1, 5).round(of)).collect::<Vec<_>>();
        desk.accept(&[many(btc, 30), vec![down(2, 5).round(btc)]].concat());
        desk.accept(&many(sol, 300));
        assert_eq!(desk.settle_at(sol.end_ms()), [sol.id()]);
        let totals = WalletTotals { staked_lamports: 165_000, paid_lamports: 150_000, pnl_lamports: 0 };
        assert_eq!(desk.results(1).totals, totals);
        desk.assert_totals(1);
    });
}

#[test]
fn a_page_is_a_slice_of_the_whole_history_newest_first_and_its_sums_are_of_everything() {
    for_each_desk(|desk| {
        let bets: Vec<_> = (0..300).map(|_| up(1, 5)).collect();
        bets.chunks(100).for_each(|bets| desk.accept(bets));
        let newest_first: Vec<&str> = bets.iter().rev().map(|bet| bet.id.as_str()).collect();
        let page = |limit, offset| {
            let page = desk.page(1, limit, offset);
            assert_eq!(page.totals.staked_lamports, 150_000);
            page.rounds.into_iter().map(|entry| entry.entry_signature).collect::<Vec<_>>()
        };
        assert_eq!(page(50, 0), newest_first[..50]);
        assert_eq!(page(50, 250), newest_first[250..]);
        assert_eq!(page(50, 299), newest_first[299..]);
        assert_eq!(page(200, 100), newest_first[100..]);
        assert_eq!(page(1, 256), newest_first[256..257]);
        for offset in [300, 1_000_000, i64::MAX] {
            assert_eq!(page(50, offset), Vec::<String>::new());
        }
        assert_eq!(page(0, 0), Vec::<String>::new());
    });
}

#[test]
fn a_page_far_back_is_found_without_walking_over_the_newer_entries_also_when_they_are_older_than_the_marks() {
    for_each_desk(|desk| {
        let bets: Vec<_> = (0..600).map(|_| up(1, 5)).collect();
        bets.chunks(100).for_each(|bets| desk.accept(bets));
        let expected: Vec<String> = bets.iter().rev().skip(300).take(50).map(|bet| bet.id.clone()).collect();
        let page = || -> Vec<String> {
            desk.page(1, 50, 300).rounds.into_iter().map(|entry| entry.entry_signature).collect()
        };
        // Nothing leads back from the newest entry any more.
        let cut = "UPDATE rounds_entry SET wallet_previous = NULL \
                   WHERE sequence = (SELECT MAX(sequence) FROM rounds_entry)";
        desk.write(|tx| tx.execute(cut, &[]));
        assert_eq!(page(), expected);
        desk.write(|tx| tx.execute("DELETE FROM rounds_wallet_mark", &[]));
        assert_eq!(page(), NONE);
        let migration = include_str!("../../migrations/0002_wallet_mark.sql");
        let backfill = migration[migration.find("INSERT").unwrap()..].trim_end().trim_end_matches(';');
        desk.write(|tx| tx.execute(backfill, &[]));
        assert_eq!(page(), expected);
    });
}

#[test]
fn nobody_knows_anything_about_a_round_or_wallet_that_never_was() {
    for_each_desk(|desk| {
        desk.accept(&[up(1, 5)]);
        for id in ["BTC-1700000040-5m", "nonsense", ""] {
            let stats = desk.read(|tx| bursar_rounds::pool::stats(tx, id));
            let told = serde_json::to_value(stats).unwrap();
            let none = json!({"totalBucks": 0, "upBucks": 0, "downBucks": 0, "players": 0, "entries": 0});
            let mut zeros = json!({"roundId": id, "market": "", "canary": none});
            none.as_object().unwrap().iter().for_each(|(name, zero)| zeros[name] = zero.clone());
            assert_eq!(told, zeros);
        }
        let results = desk.results(2);
        assert_eq!((results.rounds.len(), results.totals), (0, WalletTotals::default()));
    });
}

#[test]
fn health_and_status_count_rounds_that_are_past_their_end_and_not_settled() {
    for_each_desk(|desk| {
        let [sol, btc] = [Market::Sol, Market::Btc].map(|market| round(market, 0));
        desk.accept(&[up(1, 5), up(1, 5).round(btc)]);
        desk.accept(&[down(2, 5).round(btc)]);
        let counts = || {
            let health = desk.health();
            let totals = health.totals;
            (totals.entries, totals.due_round_count, totals.pending_due_rounds, health.status)
        };
        assert_eq!(counts(), (3, 0, 0, "ok"));
        desk.at(sol.end_ms() - 1);
        assert_eq!(counts(), (3, 0, 0, "ok"));
        desk.at(sol.end_ms());
        assert_eq!(counts(), (3, 2, 2, "degraded"));
        assert_eq!((desk.status().status, desk.status().max_settlement_lag_ms), ("degraded", 0));
        assert_eq!(desk.settle_at(sol.end_ms() + 2_500), [sol.id()]);
        assert_eq!(counts(), (3, 2, 1, "degraded"));
        assert_eq!(desk.health().settlement.max_settlement_lag_ms, 2_500);
        desk.prices.rise(btc);
        assert_eq!(desk.settle_at(sol.end_ms() + 7_500), [btc.id()]);
        assert_eq!(counts(), (3, 2, 0, "ok"));
        assert_eq!((desk.status().status, desk.status().max_settlement_lag_ms), ("ok", 0));
    });
}

#[test]
fn r39_the_summary_tells_totals_markets_and_the_newest_settlements() {
    for_each_desk(|desk| {
        let [sol, btc, next] = [round(Market::Sol, 0), round(Market::Btc, 0), round(Market::Sol, 1)];
        desk.accept(&[up(1, 10), down(2, 25), up(3, 5).round(btc)]);
        desk.prices.rise(sol);
        desk.at(next.start_ms()).accept(&[up(1, 100).round(next), down(1, 250).round(next)]);
        desk.settle_at(sol.end_ms());
        desk.prices.tie(next);
        desk.settle_at(next.end_ms());
        let told = serde_json::to_value(desk.summary(2)).unwrap();
        let settlement = |round: Round, mode: &str, reason: &str, price: i64| {
            json!({"roundId": round.id(), "mode": mode, "winnerSide": null, "reason": reason, "startPrice": price,
                   "endPrice": price, "feeCents": 0, "settledAtMs": round.end_ms()})
        };
        let expected = json!({
            "ok": true, "nowMs": next.end_ms(),
            "totals": {"entries": 5, "distinctRoundsInLedger": 3, "pendingDueRounds": 0, "maxSettlementLagMs": 0},
            "marketBreakdown": {"SOL": {"entries": 4, "stakeBucks": 385}, "BTC": {"entries": 1, "stakeBucks": 5}},
            "recentSettlements": [
                settlement(next, "REFUND", "tie", 100), desk_newest_but_one(&desk.summary(10), 1),
            ],
            "canary": {"entries": 0, "stakeBucks": 0, "marketBreakdown": {}},
        });
        assert_eq!(told, expected);
        let all = desk.summary(10).recent_settlements;
        let fees: Vec<_> = all.iter().map(|recent| (recent.round_id.clone(), recent.fee_cents)).collect();
        assert_eq!((fees.len(), fees[0].clone()), (3, (next.id(), 0)));
        assert!(fees.contains(&(sol.id(), 210)) && fees.contains(&(btc.id(), 0)));
    });
}

/// The settlement at `index` as the longer list tells it.
fn desk_newest_but_one(summary: &bursar_rounds::summary::Summary, index: usize) -> serde_json::Value {
    serde_json::to_value(&summary.recent_settlements[index]).unwrap()
}

#[test]
fn reading_changes_nothing_also_when_rounds_are_due() {
    for_each_desk(|desk| {
        let sol = round(Market::Sol, 0);
        desk.accept(&[up(1, 10), down(2, 25)]);
        desk.prices.rise(sol);
        desk.at(sol.end_ms());
        let before = desk.dump();
        let _ = (desk.readings(1..3), desk.stats(sol), desk.status(), desk.health(), desk.summary(10));
        assert_eq!((desk.dump(), desk.outcome(1)), (before, ("PENDING", 0)));
        assert_eq!(desk.prices.take_asked(), []);
    });
}
