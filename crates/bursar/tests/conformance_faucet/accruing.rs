//! Kills that a live faucet counts.

use serde_json::{Value, json};

use crate::harness::{LiveFaucet, Place};

/// Kills of each accrual, oldest first.
fn kills(accruals: &[Value]) -> Vec<u64> {
    accruals.iter().rev().map(|accrual| accrual["kills"].as_u64().unwrap()).collect()
}

#[test]
fn f5_each_growth_of_7_kills_becomes_one_accrual_of_7_within_an_interval_and_is_counted() {
    let place = Place::sqlite();
    let faucet = LiveFaucet::start(&place);
    let player = faucet.player(1, 1_208);
    for growths in 1..=3 {
        let before = faucet.metric("accrual_rows_created_total");
        faucet.outside.stats.grow_kills(&player.epic, 7);
        // Two intervals of 30 s: a second growth within a minute waits for the next one.
        faucet.cycle();
        faucet.cycle();
        assert_eq!(kills(&faucet.accruals(&player)), vec![7; growths]);
        assert_eq!(faucet.metric("accrual_rows_created_total") - before, 1.0);
    }
}

#[test]
fn example_e12_only_growth_above_the_cursor_earns_and_two_growths_of_a_minute_are_two_accruals() {
    let place = Place::sqlite();
    let faucet = LiveFaucet::start(&place);
    let player = faucet.player(1, 1_208);
    let mut seen = Vec::new();
    for lifetime in [1_208, 1_215, 1_210, 1_220] {
        faucet.outside.stats.set_kills(&player.epic, lifetime);
        faucet.pass_ms(60_000);
        seen.push(kills(&faucet.accruals(&player)));
    }
    assert_eq!(seen, [vec![], vec![7], vec![7], vec![7, 5]]);

    // Growth by 3 and then by 2 within one minute: the clock stands while an administrator starts two runs.
    faucet.pass_ms(60_000);
    for (growth, expected) in [(3, [7, 5, 3]), (2, [7, 5, 3])] {
        faucet.outside.stats.grow_kills(&player.epic, growth);
        faucet.trigger();
        assert_eq!(kills(&faucet.accruals(&player)), expected);
    }
    faucet.pass_ms(60_000);
    assert_eq!(kills(&faucet.accruals(&player)), [7, 5, 3, 2]);
}

/// A player from the EU with 7 kills and one from nowhere with 4, both paid; the count of `name` in the two regions.
fn counted_by_region(name: &str) -> [Option<f64>; 2] {
    let place = Place::sqlite();
    let faucet = LiveFaucet::start(&place);
    let european = faucet.player_through(1, 0, &[("x-forwarded-for", "203.0.113.7"), ("x-region", " eu ")]);
    let nobody_knows = faucet.player_through(2, 0, &[("x-forwarded-for", "10.0.0.7")]);
    faucet.outside.stats.grow_kills(&european.epic, 7);
    faucet.outside.stats.grow_kills(&nobody_knows.epic, 4);
    faucet.cycle();
    faucet.cycle();
    ["EU", "unknown"].map(|region| faucet.series(&format!("{name}{{region=\"{region}\"}}")))
}

#[test]
fn f11_payouts_are_counted_by_region_and_unknown_without_one() {
    assert_eq!(counted_by_region("payouts_by_region_total"), [Some(1.0), Some(1.0)]);
}

#[test]
fn f12_kills_are_counted_by_region_and_unknown_without_one() {
    assert_eq!(counted_by_region("kills_by_region_total"), [Some(7.0), Some(4.0)]);
}

#[test]
fn f13_151_kills_within_15_minutes_flag_a_player_once_and_the_next_cycle_does_not() {
    let place = Place::sqlite();
    let faucet = LiveFaucet::start(&place);
    let player = faucet.player(1, 0);
    faucet.outside.stats.grow_kills(&player.epic, 150);
    faucet.pass_ms(60_000);
    assert_eq!(faucet.metric("flagged_users_total"), 0.0, "150 are within the rule");
    faucet.outside.stats.grow_kills(&player.epic, 1);
    faucet.pass_ms(60_000);
    assert_eq!(faucet.metric("flagged_users_total"), 1.0);
    faucet.outside.stats.grow_kills(&player.epic, 1);
    faucet.pass_ms(60_000);
    assert_eq!(faucet.metric("flagged_users_total"), 1.0);
    let flags = faucet.admin_get("/admin/flags");
    assert_eq!((&flags["count"], &flags["flags"][0]["flag_type"]), (&json!(1), &json!("kill_rate_spike")));
}
