//! The faucet's files against their promises (docs/spec/faucet.md 8).

use std::io;

use super::super::testing::{accepted, with_files};
use super::super::{Configuration, ConfigurationErrors, Layer, Source, load};
use super::*;

const PAYOUT: &str = include_str!("../../../../../configs/payout.yaml");
const INTEGRATIONS: &str = include_str!("../../../../../configs/integrations.yaml");
const PRODUCT: &str = include_str!("../../../../../configs/product.yaml");
const FOLDER: (&str, &str) = ("CONFIG_DIR", "c");
const FAUCET: (&str, &str) = ("BURSAR_DESKS", "faucet");

/// The shipped files in the folder `c`, with these in place of theirs.
fn source(environment: &[(&str, &str)], other: &[(&str, &str)]) -> Source {
    let mut environment = environment.to_vec();
    environment.extend([FOLDER, FAUCET]);
    let shipped = [("payout.yaml", PAYOUT), ("integrations.yaml", INTEGRATIONS), ("product.yaml", PRODUCT)];
    let files: Vec<(String, String)> = shipped
        .iter()
        .map(|(name, text)| {
            let text = other.iter().find(|(file, _)| file == name).map_or(*text, |(_, text)| *text);
            (format!("c/{name}"), text.to_owned())
        })
        .collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    with_files(&environment, &files)
}

#[track_caller]
fn loaded(environment: &[(&str, &str)], other: &[(&str, &str)]) -> Configuration {
    match load(&source(environment, other)) {
        Ok(configuration) => configuration,
        Err(errors) => panic!("{errors}"),
    }
}

#[track_caller]
fn refused(environment: &[(&str, &str)], other: &[(&str, &str)]) -> ConfigurationErrors {
    load(&source(environment, other)).expect_err("these files should be refused")
}

fn names(errors: &ConfigurationErrors) -> Vec<&str> {
    errors.problems.iter().map(|problem| problem.variable.as_str()).collect()
}

#[test]
fn the_files_that_come_with_bursar_say_what_is_built_in() {
    let (with, without) = (loaded(&[], &[]), accepted(&[FAUCET]));
    let kills = CapMode::Kills.default_caps();
    let caps = NamedCaps { daily: Some(kills.daily), weekly: Some(kills.weekly) };
    assert_eq!(with.faucet, FaucetConfiguration { caps, ..without.faucet.clone() });
    assert_eq!(with.warnings, []);
    for name in [
        "P2S_DRY_RUN",
        "P2S_MIN_OPERATOR_BALANCE_BAN",
        "RATE_LIMIT_GLOBAL_PER_MINUTE",
        "RATE_LIMIT_PER_IP_PER_MINUTE",
        "HODL_BOOST_TOKEN_CA",
        "DISCORD_CLIENT_ID",
        "YUNITE_BASE_URL",
    ] {
        assert_eq!(with.value(name), without.value(name), "{name}");
    }
    assert_eq!(with.values.flag("P2S_LUNAR_NEW_YEAR"), Some(false));
}

const EVERY_PAYOUT: &str = "payout_amount_ban_per_kill: 2.1\ndaily_payout_cap: 7\nweekly_payout_cap: \"9\"\nreset_tz: Europe/Berlin\n\
    settlement_order: random\nbatch_size: 5\nseed_fund_ban: 0.00000001\nhodl_boost_enabled: no\n\
    hodl_boost_token_ca: 11111111111111111111111111111111\nhodl_boost_solana_rpc: https://solana.example\n\
    donation_exclude_addresses: [ban_3rrf6cus8pye6o1kzi5n6wwjof8bjb7ff4xcgesi3njxid6x64pms6onw1f9]\n";
const EVERY_INTEGRATION: &str = "node_rpc: https://node.example\nmin_operator_balance_ban: 12.5\ndry_run: off\nyunite_api_key: y\n\
    yunite_guild_id: 5\nyunite_base_url: https://y.example\ndiscord_guild_id: 6\ndiscord_oauth_client_id: 8\n\
    discord_oauth_client_secret: d\ndiscord_redirect_uri: https://f.example/cb\noauth_scopes: [identify, guilds, email]\n\
    fortnite_api_key: f\nfortnite_base_url: https://s.example\n\
    rate_limits: {fortnite_per_minute: 30, global_per_minute: 3, per_ip_per_minute: 0}\n\
    abuse_heuristics:\n  kill_rate_per_min: 0\n";
const EVERY_TEXT: &str = "app_name: A\norg_name: ${ORG:-O}\nbanner_url: https://pictures.example:8443/b.png\nmedia_kit_url: https://kit.example/k\n\
    default_locale: de\ndiscord_invite_url: https://discord.example/i\nfeature_flags: {lunar_new_year: true}\n";

#[test]
fn every_key_of_the_files_goes_where_it_belongs() {
    let files = [
        ("payout.yaml", EVERY_PAYOUT),
        ("integrations.yaml", EVERY_INTEGRATION),
        ("product.yaml", EVERY_TEXT),
    ];
    let secret = ("SESSION_SECRET", "0123456789abcdef0123456789abcdef");
    let configuration = loaded(&[secret, ("FAUCET_CAP_WINDOW", "calendar")], &files);
    let expected = FaucetConfiguration {
        base_rate: "2.1".parse().unwrap(),
        caps: NamedCaps { daily: Some(7), weekly: Some(9) },
        reset_tz: "Europe/Berlin".to_owned(),
        batch_size: 5,
        seed_fund: BanE8::new(1).unwrap(),
        is_boost_on: false,
        donation_exclude_addresses: vec![
            "ban_3rrf6cus8pye6o1kzi5n6wwjof8bjb7ff4xcgesi3njxid6x64pms6onw1f9".to_owned(),
        ],
        discord_guild_id: Some("6".to_owned()),
        oauth_scopes: ["identify", "guilds", "email"].map(str::to_owned).into(),
        stats_per_minute: 30,
        kill_rate_per_minute: 0,
        product: ProductTexts {
            app_name: "A".to_owned(),
            org_name: "O".to_owned(),
            banner_url: "https://pictures.example:8443/b.png".to_owned(),
            media_kit_url: "https://kit.example/k".to_owned(),
            default_locale: "de".to_owned(),
        },
    };
    assert_eq!(configuration.faucet, expected);
    assert_eq!(
        configuration.faucet.picture_origins(),
        ["https://pictures.example:8443", "https://kit.example"]
    );
    for (name, text) in [
        ("HODL_BOOST_TOKEN_CA", "11111111111111111111111111111111"),
        ("P2S_MIN_OPERATOR_BALANCE_BAN", "12.5"),
        ("P2S_DRY_RUN", "false"),
        ("YUNITE_GUILD_ID", "5"),
        ("YUNITE_BASE_URL", "https://y.example"),
        ("DISCORD_CLIENT_ID", "8"),
        ("DISCORD_REDIRECT_URI", "https://f.example/cb"),
        ("FORTNITE_BASE_URL", "https://s.example"),
        ("RATE_LIMIT_GLOBAL_PER_MINUTE", "3"),
        ("RATE_LIMIT_PER_IP_PER_MINUTE", "0"),
        ("DISCORD_INVITE_URL", "https://discord.example/i"),
        ("P2S_LUNAR_NEW_YEAR", "true"),
    ] {
        assert_eq!(
            (configuration.value(name), configuration.values.layer(name)),
            (Some(text), Layer::File),
            "{name}"
        );
    }
    for name in [
        "BANANO_NODE_RPC",
        "YUNITE_API_KEY",
        "DISCORD_CLIENT_SECRET",
        "FORTNITE_API_KEY",
        "FAUCET_SOLANA_RPC_URL",
    ] {
        assert!(configuration.values.secret(name).is_some(), "{name}");
    }
    assert!(configuration.faucet_is_live());
}

#[test]
fn the_environment_wins_over_a_file_under_either_name() {
    let integrations = "dry_run: false\nmin_operator_balance_ban: 12\n";
    let environment = [
        ("P2S_DRY_RUN", "on"),
        ("MIN_OPERATOR_BALANCE_BAN", "7"),
        ("SOLANA_RPC_URL", "https://mine.example"),
    ];
    let configuration = loaded(&environment, &[("integrations.yaml", integrations)]);
    assert!(!configuration.faucet_is_live());
    assert_eq!(configuration.value("P2S_MIN_OPERATOR_BALANCE_BAN"), Some("7"));
    assert!(
        configuration.values.secret("FAUCET_SOLANA_RPC_URL").is_none(),
        "the shared node wins over the file's"
    );
}

#[test]
fn everything_that_is_wrong_is_named_at_once_and_no_value_is_shown() {
    let payout = "payout_amount_ban_per_kill: -s3cret\nbatch_sise: 3\nreset_tz: Berlin\nsettlement_order: fifo\nbatch_size: [1]\nseed_fund_ban: 0.000000001\n";
    let integrations = "dry_run: perhaps\noauth_scopes: [identify]\nrate_limits:\n  fortnite_per_min: 10\n  fortnite_per_minute: 20\n  per_day: 1\nabuse_heuristics: 7\nnode_rpc: ${NODE\n";
    let product = "banner_url: javascript:s3cret\nfeature_flags:\n  other: true\n: [\n";
    let errors = refused(
        &[],
        &[("payout.yaml", payout), ("integrations.yaml", integrations), ("product.yaml", product)],
    );
    let expected = [
        "payout.yaml payout_amount_ban_per_kill",
        "payout.yaml batch_sise",
        "payout.yaml reset_tz",
        "payout.yaml settlement_order",
        "payout.yaml batch_size",
        "payout.yaml seed_fund_ban",
        "integrations.yaml dry_run",
        "integrations.yaml oauth_scopes",
        "integrations.yaml rate_limits.fortnite_per_minute",
        "integrations.yaml rate_limits.per_day",
        "integrations.yaml abuse_heuristics",
        "integrations.yaml node_rpc",
        "product.yaml",
    ];
    assert_eq!(names(&errors), expected);
    assert!(!errors.to_string().contains("s3cret"), "{errors}");
    assert_eq!(errors.problems[1].rule, "on line 2 is no key of this file");
}

#[test]
fn all_three_files_are_required_where_a_folder_is_named_or_stands_there() {
    let only = with_files(&[FOLDER, FAUCET], &[("c/payout.yaml", PAYOUT)]);
    assert_eq!(names(&load(&only).unwrap_err()), ["integrations.yaml", "product.yaml"]);
    let environment = [("BURSAR_DESKS".to_owned(), "faucet".to_owned())].into();
    let found = Source::new(environment).with_files(|path| match path.to_str() {
        Some("configs") => Err(io::ErrorKind::IsADirectory.into()),
        Some("configs/payout.yaml") => Ok("batch_size: 9".to_owned()),
        Some("configs/integrations.yaml" | "configs/product.yaml") => Ok(String::new()),
        _ => Err(io::ErrorKind::NotFound.into()),
    });
    assert_eq!(load(&found).unwrap().faucet.batch_size, 9);
}

#[test]
fn the_files_are_not_looked_at_while_the_desk_is_off() {
    let off = with_files(&[FOLDER, ("BURSAR_DESKS", "rounds")], &[]);
    assert_eq!(load(&off).unwrap().faucet, FaucetConfiguration::default());
}

#[test]
fn a_setting_that_decides_nothing_is_said_to() {
    let files = [
        ("payout.yaml", "scheduler_minutes: 1\nreset_tz: Europe/Berlin\n"),
        ("integrations.yaml", "chain_env: testnet\n"),
        ("product.yaml", "feature_flags:\n  dry_run_banner: true\n"),
    ];
    let configuration = loaded(&[], &files);
    let warned: Vec<&str> = configuration.warnings.iter().map(|warning| warning.variable.as_str()).collect();
    let expected = [
        "payout.yaml scheduler_minutes",
        "integrations.yaml chain_env",
        "product.yaml feature_flags.dry_run_banner",
        "payout.yaml reset_tz",
    ];
    assert_eq!(warned, expected);
}

#[test]
fn caps_of_kills_are_not_taken_for_numbers_of_payouts() {
    let counting = ("FAUCET_CAP_MODE", "payouts");
    assert_eq!(
        names(&refused(&[counting], &[])),
        ["payout.yaml daily_payout_cap", "payout.yaml weekly_payout_cap"]
    );
    loaded(&[counting, ("P2S_DAILY_CAP", "2"), ("P2S_WEEKLY_CAP", "4")], &[]);
    let blank = loaded(&[counting], &[("payout.yaml", "daily_payout_cap:\nweekly_payout_cap: 3\n")]);
    assert_eq!(blank.faucet.caps, NamedCaps { daily: None, weekly: Some(3) });
}

#[test]
fn an_origin_that_would_change_the_policy_is_left_out() {
    assert_eq!(origin("https://Pictures.example/x?y"), Some("https://Pictures.example".to_owned()));
    assert_eq!(origin("https://u:p@pictures.example/x"), Some("https://pictures.example".to_owned()));
    for bad in ["", "https://a;b/", "https://a'b/", "/local.png"] {
        assert_eq!(origin(bad), None, "{bad}");
    }
}
