//! What rounds pay, and when they are settled (docs/spec/rounds.md 3.3, 4.4, section 12).

use bursar_devnet::prices::{Failing, Faults};
use serde_json::{Value, json};

use crate::evidence::Evidence;
use crate::harness::{Join, START_MS, Server};
use crate::scene::{END_MS, ROUND, Scene, play, play_one_sided, round_id};

const TREASURY: &str = "rounds/treasury";
const WALLET_A: &str = "7ErxzRN1hpyMZC8gps7ANZFTGgeDG7cFmVZcMfE6oGrd";
const WALLET_B: &str = "52nguesHaBuF4psFr2uybVnW4angLW2ZtsBRSRmdF8k3";

fn outcome(status: &str, payout: i64) -> (String, i64) {
    (status.to_owned(), payout)
}

fn newest_settlement(server: &Server) -> Value {
    server.ops("/api/ops/summary")["recentSettlements"][0].clone()
}

#[test]
fn example_c1_winners_share_31960_of_34000_and_the_newest_of_them_gets_the_odd_cent() {
    Scene::for_each_engine(|scene| {
        scene.rises("SOL", START_MS);
        let server = scene.start();
        let ups =
            (1..).zip([25, 10, 100, 100, 10, 5]).map(|(player, bucks)| (player, Join::new("").up(bucks)));
        let downs = (7..).zip([50, 25, 10, 5]).map(|(player, bucks)| (player, Join::new("").down(bucks)));
        for (player, join) in ups.chain(downs) {
            join.wallet(player).with("id", format!("entry-{player}")).accepted(&server);
        }
        let evidence = Evidence::of(&scene.place);
        let pools = || ["up", "down"].map(|side| evidence.balance(&format!("rounds/pool/{ROUND}/{side}")));
        assert_eq!(pools(), [25_000, 9_000]);
        server.move_clock(END_MS);
        let won = [3_196, 1_278, 12_784, 12_784, 1_278, 640];
        (1..).zip(won).for_each(|(player, cents)| assert_eq!(server.outcome(player), outcome("WIN", cents)));
        (7..=10).for_each(|player| assert_eq!(server.outcome(player), outcome("LOSS", 0)));
        assert_eq!(newest_settlement(&server)["feeCents"], 2_040);
        assert_eq!((evidence.balance(TREASURY), pools()), (2_040, [0, 0]));
    });
}

#[test]
fn example_c3_ten_up_against_twenty_five_down_pays_3290_to_whoever_wins() {
    Scene::for_each_engine(|scene| {
        scene.rises("SOL", START_MS);
        scene.falls("BTC", START_MS);
        let server = scene.start();
        play(&server, "SOL", START_MS);
        play(&server, "BTC", START_MS);
        server.move_clock(END_MS);
        let of = |player: u64, market: &str| {
            let results = server.results(player);
            let entries = results["rounds"].as_array().unwrap();
            let entry = entries.iter().find(|entry| entry["roundId"] == round_id(market, START_MS)).unwrap();
            json!([entry["status"], entry["payoutLamports"], entry["pnlLamports"]])
        };
        assert_eq!([of(1, "SOL"), of(2, "SOL")], [json!(["WIN", 3_290, 2_290]), json!(["LOSS", 0, -2_500])]);
        assert_eq!([of(1, "BTC"), of(2, "BTC")], [json!(["LOSS", 0, -1_000]), json!(["WIN", 3_290, 790])]);
        assert_eq!(Evidence::of(&scene.place).balance(TREASURY), 2 * 210);
    });
}

#[test]
fn example_c8_one_side_alone_is_refunded_without_a_price_also_while_the_feed_is_down() {
    let down = Faults { fail: Some(Failing { status: 500, requests: u32::MAX }), ..Faults::default() };
    for faults in [Faults::default(), down] {
        let scene = Scene::sqlite();
        scene.prices.set_faults(faults);
        let server = scene.start();
        Join::new("five").wallet(1).up(5).accepted(&server);
        Join::new("ten").wallet(2).up(10).accepted(&server);
        server.move_clock(END_MS);
        for (player, stake) in [(1, 500), (2, 1_000)] {
            assert_eq!(server.outcome(player), outcome("REFUND", stake));
            let entry = &server.results(player)["rounds"][0];
            assert_eq!(entry["pnlLamports"], 0);
            let settlement = json!({"mode": "REFUND", "winnerSide": null, "reason": "one_sided", "startPrice": 0,
                                    "endPrice": 0, "settledAtMs": END_MS});
            assert_eq!(entry["settlement"], settlement);
        }
        assert_eq!(newest_settlement(&server)["feeCents"], 0);
        assert_eq!(scene.prices.feed().request_count(), 0);
    }
}

#[test]
fn r15_a_settle_call_takes_two_rounds_under_a_limit_of_two_oldest_first() {
    let scene = Scene::sqlite();
    let server = scene.setup().env("PANCHO_SIM_SETTLE_LIMIT", "2").start();
    server.switch("sim-settlement", "on").expect(200);
    let starts: Vec<i64> = (0..5).map(|cycle| START_MS + cycle * 120_000).collect();
    for start_ms in &starts {
        server.move_clock(*start_ms);
        play(&server, "ETH", *start_ms);
    }
    server.move_clock(starts[4] + 360_000);
    server.switch("sim-settlement", "off").expect(200);
    let ids: Vec<String> = starts.iter().map(|start_ms| round_id("ETH", *start_ms)).collect();
    for expected in [&ids[0..2], &ids[2..4], &ids[4..5], &[]] {
        let count = expected.len();
        let answer = json!({"ok": true, "checked": count, "settled": count, "rounds": expected});
        assert_eq!(server.settle().expect(200), answer);
    }
}

#[test]
fn example_c23_301_due_rounds_settle_as_300_then_1_then_none() {
    let scene = Scene::sqlite();
    let ids = play_one_sided(&scene, 301);
    let server = scene.setup().manual_clock(START_MS + 50 * 120_000 + 360_000).start();
    assert_eq!(server.ops("/api/ops/health")["totals"]["pendingDueRounds"], 301);
    server.switch("sim-settlement", "off").expect(200);
    for expected in [&ids[..300], &ids[300..], &[]] {
        let answer = server.settle().expect(200);
        assert_eq!((&answer["settled"], &answer["rounds"]), (&json!(expected.len()), &json!(expected)));
    }
    let health = server.ops("/api/ops/health");
    assert_eq!((&health["ok"], &health["status"]), (&json!(true), &json!("ok")));
    assert_eq!(health["totals"]["dueRoundCount"], 301);
}

#[test]
fn r7_a_paused_settlement_leaves_entries_pending_past_the_end_and_a_resumed_one_settles_them() {
    let scene = Scene::sqlite();
    scene.rises("SOL", START_MS);
    let server = scene.start();
    play(&server, "SOL", START_MS);
    server.settle().expect(200);
    server.switch("sim-settlement", "on").expect(200);
    server.move_clock(END_MS + 60_000);
    assert_eq!(server.settle().expect_code(503), "settlement_paused");
    assert_eq!(server.outcome(1), outcome("PENDING", 0));
    server.switch("sim-settlement", "off").expect(200);
    assert_eq!(server.settle().expect(200)["rounds"], json!([ROUND]));
    assert_eq!(server.outcome(1), outcome("WIN", 3_290));
}

#[test]
fn r25_three_seconds_after_the_end_nothing_is_pending_and_nothing_is_missing() {
    let scene = Scene::sqlite();
    let server = scene.start();
    // One market rises, one falls, one stands still, one has a single side.
    scene.rises("SOL", START_MS);
    scene.falls("BTC", START_MS);
    let sides =
        |market: &str, player: u64| if market == "XRP" || player.is_multiple_of(2) { "UP" } else { "DOWN" };
    for player in 1..=10 {
        for market in ["SOL", "BTC", "ETH", "XRP"] {
            let join = Join::new(&format!("{market}-{player}")).round(market, START_MS).wallet(player);
            join.with("direction", sides(market, player)).accepted(&server);
        }
    }
    server.move_clock(END_MS + 3_000);
    let results: Vec<Value> = (1..=10).map(|player| server.results(player)).collect();
    let statuses = results.iter().flat_map(|results| results["rounds"].as_array().unwrap());
    let statuses: Vec<&str> = statuses.map(|entry| entry["status"].as_str().unwrap()).collect();
    let count = |status: &str| statuses.iter().filter(|found| **found == status).count();
    assert_eq!((statuses.len(), count("PENDING")), (40, 0));
    assert_eq!((count("WIN"), count("LOSS"), count("REFUND")), (10, 10, 20));
}

/// A server whose treasury is not the expected one, with a round that is over.
fn with_a_wrong_treasury(scene: &Scene) -> Server {
    scene.rises("SOL", START_MS);
    let setup = scene.setup().env("TREASURY_WALLET", WALLET_A);
    let server = setup.env("PANCHO_EXPECTED_TREASURY_WALLET", WALLET_B).start();
    play(&server, "SOL", START_MS);
    server.move_clock(END_MS + 5_000);
    server
}

#[test]
fn example_c28_a_treasury_other_than_expected_settles_nothing_until_it_is_corrected() {
    Scene::for_each_engine(|scene| {
        let server = with_a_wrong_treasury(scene);
        let evidence = Evidence::of(&scene.place);
        assert_eq!(server.settle().expect_code(500), "treasury_mismatch");
        assert_eq!(evidence.transfers(), 2);
        assert_eq!(server.outcome(1), outcome("PENDING", 0));
        assert_eq!(server.ops("/api/ops/health")["totals"]["pendingDueRounds"], 1);
        drop(server);

        let setup = scene.setup().env("TREASURY_WALLET", WALLET_B);
        let server = setup.env("PANCHO_EXPECTED_TREASURY_WALLET", WALLET_B).start();
        assert_eq!(server.settle().expect(200)["rounds"], json!([ROUND]));
        assert_eq!((server.outcome(1), evidence.balance(TREASURY)), (outcome("WIN", 3_290), 210));
    });
}

#[test]
fn r5_a_treasury_other_than_expected_refuses_settlement_turns_readiness_red_and_is_recorded_as_an_error() {
    let scene = Scene::sqlite();
    let server = with_a_wrong_treasury(&scene);
    let evidence = Evidence::of(&scene.place);
    let before = evidence.domain();
    assert_eq!(server.settle().expect_code(500), "treasury_mismatch");
    assert_eq!(evidence.domain(), before);
    assert!(server.get("/readyz").expect(503).to_string().contains("rounds.treasury"));
    let sql = "SELECT level FROM rounds_audit_events WHERE event = 'sim_settle.treasury_mismatch'";
    // One of the timer, which has nobody to answer to, and one of the call.
    assert_eq!(evidence.column::<String>(sql, &[]), ["ERROR", "ERROR"]);
}
