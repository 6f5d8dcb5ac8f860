//! Pruning and reconciliation.

use serde_json::{Value, json};

use crate::evidence::Evidence;
use crate::harness::faucet::Player;
use crate::harness::{LiveFaucet, Place, Setup, Tool};

const DAY_MS: i64 = 86_400_000;

/// Both cycles every six hours.
fn every_6_hours(setup: Setup) -> Setup {
    setup.env("P2S_INTERVAL_SECONDS", "21600")
}

/// Lets a player earn, and be paid.
fn pay(faucet: &LiveFaucet, player: &Player, kills: u64) {
    faucet.outside.stats.grow_kills(&player.epic, kills);
    faucet.trigger();
    faucet.pass_ms(60_000);
}

/// Everything that must not change when old rows go.
fn totals(faucet: &LiveFaucet) -> Value {
    let stats = faucet.admin_get("/admin/stats");
    let figures = ["payouts_sent_ban", "payouts_pending_ban", "accruals_total_ban", "accruals_pending_ban"];
    json!({
        "stats": figures.map(|figure| stats[figure].clone()),
        "board": faucet.server.get("/api/leaderboard").expect(200)["players"],
        "economics": faucet.server.get("/api/donations").expect(200)["economics"],
        "reconciled": faucet.admin_get("/admin/reconcile")["mismatches"],
    })
}

/// A player whose session has not ended.
fn again(faucet: &LiveFaucet, player: &Player) -> Player {
    Player { cookie: faucet.sign_in(player.id, &[]), ..player.clone() }
}

#[test]
fn f40_settled_rows_of_91_days_go_and_those_of_89_days_and_open_ones_stay_and_no_total_changes() {
    Place::for_each_engine(|place| {
        let faucet = LiveFaucet::start_with(place, 99, every_6_hours);
        // No nightly run comes first.
        let [paid, waits] = [1, 2].map(|number| faucet.player(number, 0));
        faucet.switch("payouts_halted", "on");
        pay(&faucet, &waits, 3);
        faucet.switch("scheduler_halted", "on");
        faucet.switch("payouts_halted", "off");
        // Only the one is settled: the other is held back by name.
        hold(place, &waits);
        pay(&faucet, &paid, 7);
        faucet.pass_ms(2 * DAY_MS);
        pay(&faucet, &again(&faucet, &paid), 5);
        faucet.pass_ms(89 * DAY_MS);
        assert_eq!(faucet.outside.paid_e8(&paid), [70_000_000, 50_000_000]);
        let (paid, waits) = (again(&faucet, &paid), again(&faucet, &waits));
        let kills = |player: &Player| {
            faucet.accruals(player).iter().map(|row| row["kills"].as_u64().unwrap()).collect::<Vec<_>>()
        };
        assert_eq!((kills(&paid), kills(&waits)), (vec![5, 7], vec![3]));
        let before = totals(&faucet);
        let prune = |wish: Value| faucet.admin_post("/admin/prune", &wish);
        assert_eq!(prune(json!({"reason": "space", "retention_days": 7})).status, 422);
        let wish = json!({"reason": "space", "retention_days": 90});
        let mut dry = wish.clone();
        dry["dry_run"] = json!(true);
        for (wish, status) in [(dry, "dry_run"), (wish.clone(), "pruned")] {
            let answer = prune(wish).expect(200);
            assert_eq!(answer["status"], status);
            assert_eq!((&answer["accruals"], &answer["payouts"]), (&json!(1), &json!(1)), "{answer}");
        }
        assert_eq!((kills(&paid), kills(&waits)), (vec![5], vec![3]));
        assert_eq!(faucet.payouts(&paid).len(), 1);
        assert_eq!(totals(&faucet), before);
        assert_eq!(prune(wish).expect(200)["accruals"], 0);
        let events = faucet.admin_get("/admin/audit?action=prune");
        assert_eq!(events["count"], 3);
    });
}

/// An administrator waits for a review of this player.
fn hold(place: &Place, player: &Player) {
    let sql = format!("UPDATE faucet_user SET eligibility = 'held' WHERE discord_user_id = '{}'", player.id);
    Evidence::of(place).execute(&sql);
}

#[test]
fn f47_pruning_runs_at_3_30_by_itself_and_leaves_a_metric_and_an_audit_row() {
    let faucet = LiveFaucet::start_with(&Place::sqlite(), 99, every_6_hours);
    let player = faucet.player(1, 0);
    pay(&faucet, &player, 7);
    let gone = |table: &str| faucet.metric(&format!("faucet_pruned_rows_total{{table=\"{table}\"}}"));
    let runs = || {
        let tool = Tool::beside(&faucet.server);
        let listed = tool.json(&["audit", "list", "--event", "faucet.pruned", "--limit", "200"]);
        listed["events"].as_array().unwrap().clone()
    };
    // The first minute of a day 90 days on: the row is not older than 90 days yet.
    let midnight = (faucet.server.now_ms() / DAY_MS + 90) * DAY_MS;
    faucet.server.move_clock(midnight + 3 * 3_600_000 + 29 * 60_000 + 59_000);
    assert_eq!((gone("reward_accrual"), gone("payout")), (0.0, 0.0));
    let before = runs().len();
    faucet.server.move_clock(midnight + DAY_MS + 3 * 3_600_000 + 29 * 60_000 + 59_000);
    let ran = runs().len();
    assert_eq!(ran, before + 1, "once a day");
    assert_eq!((gone("reward_accrual"), gone("payout")), (0.0, 0.0), "at 03:30 it was 89 days and some hours old");
    faucet.pass_ms(1_000);
    assert_eq!((gone("reward_accrual"), gone("payout")), (1.0, 1.0));
    let newest = runs();
    assert_eq!(newest.len(), ran + 1);
    assert_eq!((&newest[0]["actor"], &newest[0]["payload"]["accruals"]), (&json!("system:faucet.prune"), &json!(1)));
    assert!(faucet.accruals(&again(&faucet, &player)).is_empty());
}

#[test]
fn f49_a_missing_a_doubled_and_a_backward_row_are_told_by_kind_with_their_kills_and_the_unread_as_stale() {
    Place::for_each_engine(|place| {
        let faucet = LiveFaucet::start_with(place, 99, every_6_hours);
        let players = [1, 2, 3, 4].map(|number| faucet.player(number, 1_000));
        for growth in [7, 5] {
            for player in &players {
                faucet.outside.stats.grow_kills(&player.epic, growth);
            }
            faucet.trigger();
            faucet.pass_ms(60_000);
        }
        let kinds = || faucet.admin_get("/admin/reconcile");
        let none = json!({"missing": 0, "duplicate": 0, "regress": 0, "stale": 0});
        // The fifth is the administrator.
        assert_eq!((&kinds()["players"], &kinds()["mismatches"]), (&json!(5), &none));
        assert_eq!(identity(place), [(1_000, 12, 1_012); 4]);

        let ids = ids(place);
        let rows = Evidence::of(place);
        rows.execute(&format!(
            "DELETE FROM faucet_reward_accrual WHERE user_id = {} AND cursor_from = 1000",
            ids[0]
        ));
        rows.execute(&format!(
            "INSERT INTO faucet_reward_accrual (id, user_id, dry_run, kills, amount_e8, rate_e8, epoch_minute, seq, \
             epic_account_id, baseline_number, cursor_from, cursor_to, state, payout_id, settled_at, created_at, updated_at) \
             SELECT 1000000, user_id, dry_run, kills, amount_e8, rate_e8, epoch_minute, 9, epic_account_id, \
             baseline_number, cursor_from, cursor_to, state, payout_id, settled_at, created_at, updated_at \
             FROM faucet_reward_accrual WHERE user_id = {} AND cursor_from = 1007",
            ids[1]
        ));
        rows.execute(&format!(
            "UPDATE faucet_reward_accrual SET cursor_to = 1002 WHERE user_id = {} AND cursor_from = 1007",
            ids[2]
        ));
        let found = kinds();
        // The row that runs backwards covers nothing: what it stood for is missing as well.
        assert_eq!(found["mismatches"], json!({"missing": 2, "duplicate": 1, "regress": 1, "stale": 0}));
        assert_eq!((&found["missing_kills"], &found["duplicate_kills"]), (&json!(12), &json!(5)));
        assert_eq!(found["users"], json!([ids[0], ids[1], ids[2]]));

        // Nobody is read for more than two cycles; the job's figures follow within the hour.
        faucet.switch("accrual_halted", "on");
        faucet.pass_ms(12 * 3_600_000 + 3_600_000);
        let mismatch = |kind: &str| faucet.metric(&format!("faucet_reconcile_mismatch{{kind=\"{kind}\"}}"));
        assert_eq!(["missing", "duplicate", "regress", "stale"].map(mismatch), [2.0, 1.0, 1.0, 4.0]);
        faucet.switch("accrual_halted", "off");
        faucet.trigger();
        assert_eq!(kinds()["mismatches"]["stale"], 0);
    });
}

/// The players' ids, in the order in which they came.
fn ids(place: &Place) -> Vec<i64> {
    let sql = "SELECT u.id FROM faucet_user u JOIN faucet_wallet_link l ON l.user_id = u.id ORDER BY u.id";
    Evidence::of(place).column(sql, &[])
}

/// Baseline, kills of all accruals and cursor of each player.
fn identity(place: &Place) -> Vec<(i64, i64, i64)> {
    let numbers = |sql: &str| Evidence::of(place).column::<i64>(sql, &[]);
    let whose = "FROM faucet_tally t JOIN faucet_wallet_link l ON l.user_id = t.user_id WHERE t.dry_run = FALSE \
                 ORDER BY t.user_id";
    let baselines = numbers(&format!("SELECT t.baseline_kills {whose}"));
    let cursors = numbers(&format!("SELECT t.last_settled_kill_count {whose}"));
    let kills = numbers(&format!(
        "SELECT (SELECT CAST(SUM(a.kills) AS BIGINT) FROM faucet_reward_accrual a WHERE a.user_id = t.user_id) {whose}"
    ));
    baselines.into_iter().zip(kills).zip(cursors).map(|((baseline, kills), cursor)| (baseline, kills, cursor)).collect()
}
