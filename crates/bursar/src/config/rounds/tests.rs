//! Defaults and rules of the rounds desk's settings.

use std::time::Duration;

use secrecy::ExposeSecret;

use super::*;
use crate::config::testing::{accepted, refused_names};

const WALLET_A: &str = "7ErxzRN1hpyMZC8gps7ANZFTGgeDG7cFmVZcMfE6oGrd";
const WALLET_B: &str = "52nguesHaBuF4psFr2uybVnW4angLW2ZtsBRSRmdF8k3";

#[test]
fn r14_without_an_environment_the_limits_are_those_of_the_specification() {
    let limits = accepted(&[]).rounds.limits;
    let table = [
        (RateBucket::SimEntriesIp, "sim-entries:ip", "PANCHO_RL_SIM_ENTRIES_IP_LIMIT", 150),
        (RateBucket::SimEntriesWallet, "sim-entries:wallet", "PANCHO_RL_SIM_ENTRIES_WALLET_LIMIT", 20),
        (RateBucket::SimResultsIp, "sim-results:ip", "PANCHO_RL_SIM_RESULTS_IP_LIMIT", 80),
        (RateBucket::SimResultsWallet, "sim-results:wallet", "PANCHO_RL_SIM_RESULTS_WALLET_LIMIT", 30),
        (RateBucket::OracleIp, "oracle:ip", "PANCHO_RL_ORACLE_IP_LIMIT", 100),
        (RateBucket::StatusIp, "status:ip", "PANCHO_RL_STATUS_IP_LIMIT", 80),
        (RateBucket::OpsHealthIp, "ops-health:ip", "PANCHO_RL_OPS_HEALTH_IP_LIMIT", 50),
        (RateBucket::OpsSummaryIp, "ops-summary:ip", "PANCHO_RL_OPS_SUMMARY_IP_LIMIT", 30),
    ];
    for (bucket, key, variable, limit) in table {
        assert_eq!(limits.of(bucket), RateLimit { limit, window_ms: 10_000 }, "{key}");
        assert_eq!((bucket.key(), bucket.limit_variable().as_str()), (key, variable));
    }
}

#[test]
fn every_bucket_is_set_by_its_own_two_variables() {
    for bucket in RateBucket::ALL {
        let (limit, window) = (bucket.limit_variable(), bucket.window_variable());
        let limits = accepted(&[(&limit, "3"), (&window, "2000")]).rounds.limits;
        for other in RateBucket::ALL {
            let expected = RateLimit { limit: 3, window_ms: 2_000 };
            assert_eq!(limits.of(other) == expected, other == bucket, "{limit} and {}", other.key());
        }
    }
}

#[test]
fn a_limit_that_is_no_number_is_refused_rather_than_switched_off() {
    for bad in ["abc", "0", "-1", "1.5", "NaN"] {
        assert_eq!(
            refused_names(&[("PANCHO_RL_STATUS_IP_LIMIT", bad)]),
            ["PANCHO_RL_STATUS_IP_LIMIT"],
            "{bad}"
        );
        assert_eq!(refused_names(&[("PANCHO_SIM_SETTLE_LIMIT", bad)]), ["PANCHO_SIM_SETTLE_LIMIT"], "{bad}");
    }
}

#[test]
fn other_defaults_are_those_of_the_specification() {
    let rounds = accepted(&[]).rounds;
    assert!(rounds.settle_key.is_none() && rounds.sim_settle_key.is_none() && rounds.ops_key.is_none());
    assert_eq!(rounds.pauses, PauseFlags { joins: false, sim_settlements: false, settle_api: false });
    assert_eq!(rounds.sim_settle_limit, 300);
    assert_eq!(rounds.alerts, AlertThresholds { pending_due_rounds: 25, settlement_lag_ms: 120_000 });
    assert_eq!(rounds.status_cache, Duration::from_millis(8_000));
    assert_eq!(rounds.treasury, Treasury { configured: None, expected: None });
    assert_eq!(rounds.confidence_bound_bps, 100);
    assert_eq!(rounds.void_deadline, Duration::from_mins(15));
    assert_eq!(rounds.max_stake_tier, 250);
    assert_eq!(rounds.hermes_url, "https://hermes.pyth.network");
    assert!(!rounds.real_deposits_enabled && rounds.solana_rpc_url.is_none());
    let commands = rounds.commands;
    assert_eq!(
        (commands.alert_max_lag_ms, commands.alert_pending_rounds, commands.summary_limit),
        (180_000, 3, 40)
    );
    assert_eq!(commands.canary_market, "SOL");
    assert_eq!(commands.canary_open_buffer, Duration::from_secs(8));
    assert_eq!(commands.canary_wait_timeout, Duration::from_secs(180));
}

#[test]
fn r6_to_r8_each_pause_flag_stops_its_own_flow() {
    let pauses = |name: &str| accepted(&[(name, "on")]).rounds.pauses;
    assert!(pauses("PANCHO_PAUSE_JOINS").joins);
    assert!(pauses("PANCHO_PAUSE_SIM_SETTLEMENTS").sim_settlements);
    assert!(pauses("PANCHO_PAUSE_SETTLE_API").settle_api);
    assert_eq!(
        pauses("PANCHO_PAUSE_JOINS"),
        PauseFlags { joins: true, sim_settlements: false, settle_api: false }
    );
}

#[test]
fn a_pause_flag_is_exactly_on_or_off_and_an_emptied_template_does_not_unpause() {
    for bad in ["ON", "true", "1", "", " "] {
        assert_eq!(refused_names(&[("PANCHO_PAUSE_JOINS", bad)]), ["PANCHO_PAUSE_JOINS"], "{bad:?}");
    }
}

#[test]
fn r4_treasury_wallet_wins_over_its_longer_name() {
    let treasury = |environment: &[(&str, &str)]| accepted(environment).rounds.treasury.configured;
    assert_eq!(treasury(&[("PANCHO_TREASURY_WALLET", WALLET_A)]).as_deref(), Some(WALLET_A));
    let both = [("PANCHO_TREASURY_WALLET", WALLET_A), ("TREASURY_WALLET", WALLET_B)];
    assert_eq!(treasury(&both).as_deref(), Some(WALLET_B));
    assert_eq!(accepted(&both).warnings.len(), 1);
    assert_eq!(refused_names(&[("TREASURY_WALLET", "not-a-wallet")]), ["TREASURY_WALLET"]);
}

#[test]
fn r5_a_treasury_other_than_the_expected_one_loads_and_is_seen_by_the_guard() {
    let expected = ("PANCHO_EXPECTED_TREASURY_WALLET", WALLET_A);
    let guard = |environment: &[(&str, &str)], signer| accepted(environment).rounds.treasury.guard(signer);
    assert_eq!(guard(&[("TREASURY_WALLET", WALLET_B)], None), TreasuryGuard::Off);
    assert_eq!(guard(&[expected, ("TREASURY_WALLET", WALLET_A)], None), TreasuryGuard::Matches);
    assert_eq!(guard(&[expected, ("TREASURY_WALLET", WALLET_B)], None), TreasuryGuard::Mismatch);
    assert_eq!(guard(&[expected, ("TREASURY_WALLET", WALLET_B)], Some(WALLET_A)), TreasuryGuard::Mismatch);
    assert_eq!(guard(&[expected], Some(WALLET_A)), TreasuryGuard::Matches);
    assert_eq!(guard(&[expected], None), TreasuryGuard::Mismatch);
}

#[test]
fn r27_the_highest_stake_tier_is_one_of_the_tiers() {
    assert_eq!(accepted(&[("PANCHO_MAX_STAKE_TIER", "25")]).rounds.max_stake_tier, 25);
    assert_eq!(refused_names(&[("PANCHO_MAX_STAKE_TIER", "20")]), ["PANCHO_MAX_STAKE_TIER"]);
}

#[test]
fn the_desks_own_solana_node_wins_and_the_pages_one_is_the_last_resort() {
    let node = |environment: &[(&str, &str)]| {
        accepted(environment).rounds.solana_rpc_url.map(|url| url.expose_secret().to_owned())
    };
    let (own, shared, page) = (
        ("PANCHO_SOLANA_RPC_URL", "http://own"),
        ("SOLANA_RPC_URL", "http://shared"),
        ("NEXT_PUBLIC_SOLANA_RPC_URL", "http://page"),
    );
    assert_eq!(node(&[own, shared, page]).as_deref(), Some("http://own"));
    assert_eq!(node(&[shared, page]).as_deref(), Some("http://shared"));
    assert_eq!(node(&[page]).as_deref(), Some("http://page"));
}

#[test]
fn the_summary_limit_is_held_between_10_and_120() {
    for (text, limit) in [("5", 10), ("10", 10), ("77", 77), ("500", 120)] {
        assert_eq!(accepted(&[("OPS_SUMMARY_LIMIT", text)]).rounds.commands.summary_limit, limit);
    }
}
