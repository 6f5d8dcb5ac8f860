//! What production refuses, and what it leaves to readiness.

use super::*;
use crate::config::testing::{accepted, refused};
use crate::config::{Mode, load};

fn failed(environment: &[(&str, &str)]) -> Vec<String> {
    let mut all = vec![("BURSAR_ENV", "production"), ("DATABASE_URL", "sqlite:data/x.db")];
    all.extend(environment);
    production_failures(&accepted(&all)).into_iter().map(|failure| failure.variable).collect()
}

#[test]
fn v5_the_platform_demands_a_database_url_and_nothing_else() {
    let bare = accepted(&[("BURSAR_ENV", "production")]);
    let failures = production_failures(&bare);
    assert_eq!(failures.len(), 1);
    assert_eq!(
        failures[0].to_string(),
        "platform: DATABASE_URL is required in production. To fix: set it to \
        postgres://USER:PASSWORD@HOST/DATABASE or sqlite:PATH"
    );
    assert_eq!(failed(&[]), Vec::<String>::new());
    assert_eq!(production_failures(&accepted(&[("APP_ENV", "prod"), ("DB_PATH", "/x.db")])), []);
}

#[test]
fn r1_r3_r5_missing_keys_and_treasuries_are_served_rather_than_refused() {
    let other = "52nguesHaBuF4psFr2uybVnW4angLW2ZtsBRSRmdF8k3";
    let wallet = "7ErxzRN1hpyMZC8gps7ANZFTGgeDG7cFmVZcMfE6oGrd";
    assert_eq!(failed(&[("BURSAR_DESKS", "rounds")]), Vec::<String>::new());
    let mismatch = [("TREASURY_WALLET", wallet), ("PANCHO_EXPECTED_TREASURY_WALLET", other)];
    assert_eq!(failed(&mismatch), Vec::<String>::new());
}

#[test]
fn v3_secrets_are_pairwise_different_over_all_desks() {
    let environment = [
        ("SETTLE_API_KEY", "one"),
        ("SIM_SETTLE_API_KEY", "one"),
        ("OPS_API_KEY", "two"),
        ("CRON_SECRET", "two"),
        ("SESSION_SECRET", "three"),
    ];
    assert_eq!(failed(&environment), ["SIM_SETTLE_API_KEY", "CRON_SECRET"]);
    let rounds_only = [&environment[..], &[("BURSAR_DESKS", "rounds")]].concat();
    assert_eq!(failed(&rounds_only), ["SIM_SETTLE_API_KEY"]);
}

#[test]
fn v3_a_predecessor_counts_as_a_secret() {
    let environment = [("OPS_API_KEY", "new"), ("OPS_API_KEY_PREVIOUS", "old"), ("SETTLE_API_KEY", "old")];
    assert_eq!(failed(&environment), ["OPS_API_KEY_PREVIOUS"]);
}

#[test]
fn v3_an_alias_is_the_same_secret_and_no_clash() {
    assert_eq!(failed(&[("ADMIN_TOKEN", "t"), ("ADMIN_API_KEY", "t")]), Vec::<String>::new());
    assert_eq!(failed(&[("JWT_SECRET", "t"), ("ADMIN_TOKEN", "t")]), Vec::<String>::new());
}

#[test]
fn v3_a_chain_key_belongs_to_one_desk_however_it_is_written() {
    let pair: Vec<u8> = (1..=64).collect();
    let json = format!("{pair:?}");
    let base58 = bs58::encode(&pair).into_string();
    let seed_hex: String = pair[..32].iter().map(|byte| format!("{byte:02X}")).collect();
    let environment = [
        ("PANCHO_KEEPER_SECRET_KEY", json.as_str()),
        ("ESCROW_FEE_PAYER_SECRET_KEY", base58.as_str()),
        ("ORACLE_PRIVATE_KEY_HEX", seed_hex.as_str()),
    ];
    assert_eq!(failed(&environment), ["ESCROW_FEE_PAYER_SECRET_KEY", "ORACLE_PRIVATE_KEY_HEX"]);
    let other = bs58::encode(&pair[1..]).into_string();
    let different =
        [("PANCHO_KEEPER_SECRET_KEY", json.as_str()), ("ESCROW_FEE_PAYER_SECRET_KEY", other.as_str())];
    assert_eq!(failed(&different), Vec::<String>::new());
}

#[test]
fn flags_for_play_are_refused_and_each_touches_its_own_desk_only() {
    for (name, desk) in [
        ("DEMO_MODE", "faucet"),
        ("FAUCET_ALLOW_LOOPBACK_NODE", "faucet"),
        ("CTS_MOCK_MODE", "commitments"),
        ("CTS_CANARY_REWARD_VOTING", "commitments"),
    ] {
        assert_eq!(failed(&[(name, "yes"), ("BURSAR_DESKS", desk)]), [name]);
        assert_eq!(failed(&[(name, "no"), ("BURSAR_DESKS", desk)]), Vec::<String>::new(), "{name}");
        assert_eq!(failed(&[(name, "yes"), ("BURSAR_DESKS", "rounds")]), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn a_signing_key_of_the_command_line_is_refused_where_its_desk_runs() {
    let keys = [("OWNER_PRIVATE_KEY", "a"), ("PRIVATE_KEY", "b"), ("ADMIN_MNEMONIC", "c")];
    assert_eq!(failed(&keys), ["OWNER_PRIVATE_KEY", "PRIVATE_KEY", "ADMIN_MNEMONIC"]);
    let rounds_only = [&keys[..], &[("BURSAR_DESKS", "rounds")]].concat();
    assert_eq!(failed(&rounds_only), Vec::<String>::new());
}

#[test]
fn v5_unreadable_values_and_failures_are_one_report_in_production() {
    let errors = refused(&[
        ("NODE_ENV", "production"),
        ("BURSAR_CLOCK", "manual:0"),
        ("PANCHO_RL_STATUS_IP_LIMIT", "abc"),
        ("SETTLE_API_KEY", "same"),
        ("OPS_API_KEY", "same"),
    ]);
    let names: Vec<&str> = errors.problems.iter().map(|problem| problem.variable.as_str()).collect();
    assert_eq!(names, ["BURSAR_CLOCK", "DATABASE_URL", "PANCHO_RL_STATUS_IP_LIMIT", "OPS_API_KEY"]);
    let report = errors.to_string();
    assert!(report.starts_with("Production readiness checks failed:\n- platform: BURSAR_CLOCK "), "{report}");
    assert!(report.contains("\nPROD_READINESS_FAILED\n{\"level\":\"error\""), "{report}");
    assert!(!report.contains("same\"") && !report.contains("abc"), "{report}");
}

#[test]
fn an_invalid_database_url_is_listed_once() {
    let errors = refused(&[("BURSAR_ENV", "production"), ("DATABASE_URL", "mysql://h/d")]);
    assert_eq!(errors.problems.len(), 1, "{errors}");
    let errors = refused(&[("BURSAR_ENV", "production"), ("DATABASE_URL_FILE", "/missing")]);
    assert_eq!(errors.problems.len(), 1, "{errors}");
}

#[test]
fn a_check_of_the_production_profile_is_a_flag_away() {
    let source = crate::config::testing::source(&[]).with_flag("BURSAR_ENV", "production");
    let configuration = load(&source).unwrap();
    assert_eq!(configuration.mode, Mode::Production);
    assert_eq!(production_failures(&configuration).len(), 1);
}
