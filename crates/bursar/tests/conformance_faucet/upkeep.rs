//! Pruning and reconciliation.

use bursar_devnet_banano::Command;
use serde_json::{Value, json};

use crate::evidence::Evidence;
use crate::harness::faucet::Player;
use crate::harness::{LiveFaucet, Place, Setup, Tool};

const DAY_MS: i64 = 86_400_000;

/// Both cycles every 20 minutes.
fn every_20_minutes(setup: Setup) -> Setup {
    setup.env("P2S_INTERVAL_SECONDS", "1200")
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

/// Makes everything of one player's that is on record so many days older.
fn age(place: &Place, player: &Player, days: i64) {
    let older = |column: &str| {
        if place.is_embedded() {
            format!("{column} = {column} - {}", days * DAY_MS)
        } else {
            format!("{column} = {column} - INTERVAL '{days} days'")
        }
    };
    let of_player = format!("(SELECT id FROM faucet_user WHERE discord_user_id = '{}')", player.id);
    for (table, columns) in [
        ("faucet_reward_accrual", &["settled_at", "created_at", "updated_at"][..]),
        ("faucet_payout", &["last_attempt_at", "created_at", "updated_at"]),
    ] {
        let set = columns.iter().map(|column| older(column)).collect::<Vec<_>>().join(", ");
        let sql = format!("UPDATE {table} SET {set} WHERE user_id = {of_player}");
        Evidence::of(place).execute(&sql);
    }
}

#[test]
fn f40_settled_rows_of_91_days_go_and_those_of_89_days_and_open_ones_stay_and_no_total_changes() {
    Place::for_each_engine(|place| {
        let faucet = LiveFaucet::start_with(place, 99, every_20_minutes);
        let [old, newer, reserved, open] = [1, 2, 3, 4].map(|number| faucet.player(number, 0));
        pay(&faucet, &old, 7);
        pay(&faucet, &newer, 5);
        faucet.outside.node.command(Command::ConfirmationLag(None)).unwrap();
        pay(&faucet, &reserved, 4);
        faucet.switch("payouts_halted", "on");
        pay(&faucet, &open, 3);
        assert_eq!(faucet.outside.paid_e8(&reserved), [40_000_000]);
        for (player, days) in [(&old, 91), (&newer, 89), (&reserved, 91), (&open, 91)] {
            age(place, player, days);
        }
        let rows = || {
            let of = |player: &Player| (faucet.accruals(player).len(), faucet.payouts(player).len());
            [&old, &newer, &reserved, &open].map(of)
        };
        assert_eq!(rows(), [(1, 1), (1, 1), (1, 1), (1, 0)]);
        let before = totals(&faucet);
        let prune = |wish: Value| faucet.admin_post("/admin/prune", &wish);
        let wish =
            |days: u32, dry_run: bool| json!({"reason": "space", "retention_days": days, "dry_run": dry_run});
        assert_eq!(prune(wish(7, false)).expect_code(400), "retention_too_short");
        for (dry_run, status, left) in [(true, "dry_run", (1, 1)), (false, "pruned", (0, 0))] {
            let answer = prune(wish(90, dry_run)).expect(200);
            assert_eq!(answer["status"], status);
            assert_eq!((&answer["accruals"], &answer["payouts"]), (&json!(1), &json!(1)), "{answer}");
            assert_eq!(rows(), [left, (1, 1), (1, 1), (1, 0)]);
        }
        assert_eq!(totals(&faucet), before);
        assert_eq!(prune(wish(90, false)).expect(200)["accruals"], 0);
        assert_eq!(faucet.admin_get("/admin/audit?action=prune")["count"], 3);
        // What stayed is paid, and to the whole.
        faucet.outside.node.command(Command::ConfirmAll).unwrap();
        faucet.outside.node.command(Command::ConfirmationLag(Some(0))).unwrap();
        faucet.switch("payouts_halted", "off");
        faucet.trigger();
        faucet.pass_ms(60_000);
        let sent = [&old, &newer, &reserved, &open].map(|player| faucet.outside.paid_e8(player));
        assert_eq!(sent, [[70_000_000], [50_000_000], [40_000_000], [30_000_000]]);
    });
}

#[test]
fn f47_pruning_runs_at_3_30_by_itself_and_leaves_a_metric_and_an_audit_row() {
    let place = Place::sqlite();
    // 2023-11-15T03:25:00Z.
    let faucet =
        LiveFaucet::start_with(&place, 99, |setup| every_20_minutes(setup).manual_clock(1_700_018_700_000));
    let player = faucet.player(1, 0);
    pay(&faucet, &player, 7);
    age(&place, &player, 91);
    let pruned = || {
        ["reward_accrual", "payout"]
            .map(|table| faucet.metric(&format!("faucet_pruned_rows_total{{table=\"{table}\"}}")))
    };
    let runs = || {
        let tool = Tool::beside(&faucet.server);
        let listed = tool.json(&["audit", "list", "--event", "faucet.pruned"]);
        listed["events"].as_array().unwrap().clone()
    };
    faucet.server.move_clock(1_700_018_999_999);
    assert_eq!((runs().len(), pruned()), (0, [0.0, 0.0]), "a moment before 03:30");
    faucet.server.move_clock(1_700_019_001_000);
    assert_eq!((runs().len(), pruned()), (1, [1.0, 1.0]));
    let run = &runs()[0];
    assert_eq!((&run["actor"], &run["desk"]), (&json!("faucet.prune"), &json!("faucet")), "{run}");
    assert_eq!((&run["payload"]["accruals"], &run["payload"]["payouts"]), (&json!(1), &json!(1)));
    assert!(faucet.accruals(&player).is_empty());
    faucet.pass_ms(60_000);
    assert_eq!(runs().len(), 1, "once a day");
}

#[test]
fn f49_a_missing_a_doubled_and_a_backward_row_are_told_by_kind_with_their_kills() {
    Place::for_each_engine(|place| {
        let faucet = LiveFaucet::start_with(place, 99, every_20_minutes);
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
            "UPDATE faucet_reward_accrual SET cursor_from = 1012, cursor_to = 1007 WHERE user_id = {} AND cursor_from = 1007",
            ids[2]
        ));
        let found = kinds();
        assert_eq!(found["mismatches"], json!({"missing": 1, "duplicate": 1, "regress": 1, "stale": 0}));
        assert_eq!((&found["missing_kills"], &found["duplicate_kills"]), (&json!(7), &json!(5)));
        assert_eq!(found["users"], json!([ids[0], ids[1], ids[2]]));
    });
}

#[test]
fn f49_the_hourly_run_counts_each_kind_and_who_was_not_read_for_two_cycles() {
    let place = Place::sqlite();
    let faucet = LiveFaucet::start_with(&place, 99, every_20_minutes);
    let players = [1, 2].map(|number| faucet.player(number, 1_000));
    pay(&faucet, &players[0], 7);
    Evidence::of(&place).execute("DELETE FROM faucet_reward_accrual");
    faucet.switch("accrual_halted", "on");
    faucet.pass_ms(3_600_000);
    let counted = |kind: &str| faucet.metric(&format!("faucet_reconcile_mismatch{{kind=\"{kind}\"}}"));
    assert_eq!(["missing", "duplicate", "regress", "stale"].map(counted), [1.0, 0.0, 0.0, 2.0]);
    faucet.switch("accrual_halted", "off");
    faucet.trigger();
    let found = faucet.admin_get("/admin/reconcile");
    assert_eq!(found["mismatches"], json!({"missing": 1, "duplicate": 0, "regress": 0, "stale": 0}));
    assert_eq!(found["missing_kills"], 7);
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
    baselines
        .into_iter()
        .zip(kills)
        .zip(cursors)
        .map(|((baseline, kills), cursor)| (baseline, kills, cursor))
        .collect()
}
