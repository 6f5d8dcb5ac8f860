//! The rules of a whole environment: what is accepted, what is refused, and that all of it is said at once.

use crate::config::testing::{accepted, refused, refused_names};
use crate::config::{ClockChoice, DeskName, Layer};

/// A deployment that runs all five desks, as an operator would write it.
const OPERATOR: &[(&str, &str)] = &[
    ("PATH", "/usr/bin"),
    ("LANG", "C.UTF-8"),
    ("BURSAR_ENV", "production"),
    ("NODE_ENV", "production"),
    ("APP_ENV", "prod"),
    ("SERVER_NAME", "prod"),
    ("BURSAR_DESKS", "rounds, faucet, commitments, trades, arena"),
    ("PORT", "8080"),
    ("DATABASE_URL", "\"postgresql://bursar:pw@db.internal:5432/bursar?sslmode=require\""),
    ("TRADES_DATABASE_URL", "postgres://trades:pw@db.internal/bursar"),
    ("PG_POOL_MAX", "12"),
    ("TRUSTED_PROXIES", "10.0.0.0/8"),
    ("TRUSTED_PROXY_COUNT", "1"),
    ("BURSAR_CLIENT_IP_HEADER", "CF-Connecting-IP"),
    ("METRICS_TOKEN", "metrics-token-0123456789"),
    ("BACKUP_DIR", "/var/backups/bursar"),
    ("PANCHO_D1_BACKUP_DIR", "/var/backups/bursar/"),
    ("BACKUP_MINUTE_INTERVAL", "240"),
    ("AUDIT_WEBHOOK_URL", "https://alerts.example.org/audit"),
    ("SETTLE_API_KEY", "settle-0123456789abcdef"),
    ("SIM_SETTLE_API_KEY", "sim-0123456789abcdef"),
    ("OPS_API_KEY", "ops-0123456789abcdef"),
    ("TREASURY_WALLET", "7ErxzRN1hpyMZC8gps7ANZFTGgeDG7cFmVZcMfE6oGrd"),
    ("PANCHO_EXPECTED_TREASURY_WALLET", "7ErxzRN1hpyMZC8gps7ANZFTGgeDG7cFmVZcMfE6oGrd"),
    ("PANCHO_PAUSE_JOINS", "off"),
    ("PANCHO_RL_SIM_ENTRIES_IP_LIMIT", "900"),
    ("STRESS_RESULTS_WALLET_LIMIT", "0"),
    ("CANARY_BASE", "https://play.example.org"),
    ("P2S_DRY_RUN", "off"),
    ("SESSION_SECRET", "session-0123456789abcdef0123456789"),
    ("SESSION_SECRET_PREVIOUS", "session-old-0123456789abcdef012345"),
    ("FAUCET_SEAL_KEY", "seal-0123456789abcdef"),
    ("BANANO_NODE_RPC", "https://node.example.org"),
    ("MIN_OPERATOR_BALANCE_BAN", "75.5"),
    ("P2S_HEARTBEAT_FILE", "/run/heartbeat.json"),
    ("DISCORD_CLIENT_SECRET", "discord-0123456789"),
    ("ESCROW_DB_SECRET", "escrow-0123456789abcdef"),
    (
        "ADMIN_WALLET_PUBKEYS",
        "52nguesHaBuF4psFr2uybVnW4angLW2ZtsBRSRmdF8k3, 7ErxzRN1hpyMZC8gps7ANZFTGgeDG7cFmVZcMfE6oGrd",
    ),
    ("APP_ORIGIN", "https://ship.example.org"),
    ("SOLANA_RPC_URL", "https://rpc.example.org/?api-key=1"),
    ("CRON_SECRET", "cron-0123456789abcdef"),
    ("CTS_MOCK_MODE", "false"),
    ("CTS_ENABLE_REWARD_PAYOUTS", "true"),
    ("TRADES_ENABLED", "true"),
    ("TRADES_PAUSED", "false"),
    ("TRADES_RPC_URL", "https://api.example.org"),
    ("TRADES_SWAP_ESCROW_ADDRESS", "0x52908400098527886E0F7030069857D2E4169EE7"),
    ("ADMIN_TOKEN", "admin-0123456789abcdef"),
    ("TRADES_LOG_FILE", "/var/log/trades-api.log"),
    ("CORS_ORIGIN", "https://game.example.org,https://web.telegram.org"),
    ("JSON_BODY_LIMIT", "1mb"),
    ("TELEGRAM_BOT_TOKEN", "123456:telegram-token"),
    ("TELEGRAM_INITDATA_MAX_AGE_SECONDS", "600"),
    ("ADMIN_JWT_SECRET", "jwt-0123456789abcdef0123456789abcdef"),
    ("ADMIN_EMAIL", "ops@example.org"),
    ("ADMIN_PASSWORD_HASH", "$2b$10$abcdefghijklmnopqrstuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu"),
    ("BATTLE_SEED_SECRET", "battle-0123456789abcdef0123456789"),
    ("CLAIM_MAX_PER_CLAIM", "100000"),
    ("CREATED_BROKERS_WALLET", ""),
    ("LOG_LEVEL", "INFO"),
];

#[test]
fn a_whole_operator_environment_is_accepted() {
    let configuration = accepted(OPERATOR);
    assert_eq!(configuration.desks, DeskName::ALL);
    assert_eq!(configuration.listen.to_string(), "0.0.0.0:8080");
    assert_eq!(configuration.proxies.header, "CF-Connecting-IP");
    assert_eq!(configuration.proxies.count, 1);
    assert_eq!(configuration.value("P2S_MIN_OPERATOR_BALANCE_BAN"), Some("75.5"));
    assert_eq!(configuration.value("JSON_BODY_LIMIT"), Some("1048576"));
    assert_eq!(configuration.value("CREATED_BROKERS_WALLET"), None);
    assert_eq!(configuration.values.flag("TRADES_ENABLED"), Some(true));
    assert_eq!(configuration.values.flag("TRADES_PAUSED"), Some(false));
    assert!(configuration.faucet_is_live());
    assert_eq!(crate::config::production_failures(&configuration), []);
}

#[test]
fn no_secret_of_it_can_be_printed() {
    let configuration = accepted(OPERATOR);
    let shown: String = configuration.values.shown().map(|setting| format!("{setting:?}\n")).collect();
    let printed = format!("{configuration:?}\n{shown}");
    for planted in ["0123456789", "pw@", "api-key", "telegram-token", "$2b$10"] {
        assert!(!printed.contains(planted), "{planted}");
    }
    let token = configuration.values.shown().find(|setting| setting.name == "METRICS_TOKEN").unwrap();
    assert_eq!((token.shown.as_deref(), token.layer), (Some("***"), Layer::Environment));
}

#[test]
fn v2_several_problems_are_reported_at_once_and_platform_first() {
    let names = refused_names(&[
        ("PANCHO_PAUSE_JOINS", "ON"),
        ("PANCHO_RL_ORACLE_IP_LIMIT", "many"),
        ("PANCHO_RL_ORCALE_IP_LIMIT", "5"),
        ("P2S_DRY_RUN", "maybe"),
        ("FAUCET_RETENTION_DAYS", "7"),
        ("TRADES_RISK_SCORE_HIGH_THRESHOLD", "101"),
        ("ADMIN_WALLET_PUBKEYS", "nobody"),
        ("DATABASE_URL", "mysql://h/d"),
        ("BURSAR_CLOCK", "sundial"),
        ("SETTLE_API_KEY", "a"),
        ("SETTLE_API_KEY_FILE", "/run/a"),
    ]);
    assert_eq!(
        names,
        [
            "BURSAR_CLOCK",
            "DATABASE_URL",
            "PANCHO_RL_ORCALE_IP_LIMIT",
            "SETTLE_API_KEY",
            "PANCHO_PAUSE_JOINS",
            "PANCHO_RL_ORACLE_IP_LIMIT",
            "P2S_DRY_RUN",
            "FAUCET_RETENTION_DAYS",
            "ADMIN_WALLET_PUBKEYS",
            "TRADES_RISK_SCORE_HIGH_THRESHOLD",
        ]
    );
}

#[test]
fn each_problem_is_one_line_that_says_what_and_what_to_do() {
    let errors = refused(&[("PANCHO_RL_ORCALE_IP_LIMIT", "5"), ("P2S_DRY_RUN", "maybe")]);
    assert_eq!(
        errors.to_string().lines().collect::<Vec<_>>(),
        [
            "The configuration is refused:",
            "- rounds: PANCHO_RL_ORCALE_IP_LIMIT is not a name that Bursar knows. \
             To fix: did you mean PANCHO_RL_ORACLE_IP_LIMIT?",
            "- faucet: P2S_DRY_RUN is not one of true, 1, yes, on, false, 0, no, off. \
             To fix: set it to one of true, 1, yes, on, false, 0, no, off, or remove it for true",
        ]
    );
}

#[test]
fn v1_unknown_names_stop_the_start_only_inside_our_prefixes() {
    for name in [
        "BURSAR_X",
        "PANCHO_X",
        "P2S_X",
        "PAY2SLAY_X",
        "FAUCET_X",
        "CTS_X",
        "TRADES_X",
        "ARENA_X",
        "CLAIM_X",
        "CLAIMS_X",
    ] {
        assert_eq!(refused_names(&[(name, "1")]), [name]);
    }
    accepted(&[("HOME", "/root"), ("SETLE_API_KEY", "x"), ("STRESS_X", "1"), ("BURSARY", "x")]);
}

#[test]
fn v1_an_unknown_name_elsewhere_in_the_config_file_is_only_warned_about() {
    let files = [("b.toml", "SETLE_API_KEY = \"x\"\n")];
    let source = crate::config::testing::with_files(&[("BURSAR_CONFIG", "b.toml")], &files);
    let warnings = crate::config::load(&source).unwrap().warnings;
    assert_eq!(warnings.len(), 1);
    assert_eq!(
        warnings[0].to_string(),
        "platform: SETLE_API_KEY stands in the config file and is read by nothing; did you mean SETTLE_API_KEY?"
    );
}

#[test]
fn h2_variables_of_a_desk_that_is_off_are_accepted_and_ignored() {
    let off = [
        ("BURSAR_DESKS", "rounds"),
        ("P2S_DRY_RUN", "maybe"),
        ("FAUCET_SEAL_KEY", "a"),
        ("FAUCET_SEAL_KEY_FILE", "/missing"),
        ("CLAIM_MAX_PER_CLAIM", "lots"),
        ("TRADES_PAUSED", "true"),
    ];
    let configuration = accepted(&off);
    assert_eq!(configuration.desks, [DeskName::Rounds]);
    assert_eq!(configuration.value("TRADES_PAUSED"), Some("false"));
    assert!(configuration.values.secret("FAUCET_SEAL_KEY").is_none());
    assert_eq!(refused_names(&[("BURSAR_DESKS", "rounds"), ("FAUCET_X", "1")]), ["FAUCET_X"]);
}

#[test]
fn h2_all_desks_run_unless_some_are_named_and_a_bad_list_is_refused() {
    assert_eq!(accepted(&[]).desks, DeskName::ALL);
    assert_eq!(accepted(&[("BURSAR_DESKS", "arena,rounds")]).desks, [DeskName::Rounds, DeskName::Arena]);
    for bad in ["", "rounds,", "casino"] {
        assert_eq!(refused_names(&[("BURSAR_DESKS", bad)]), ["BURSAR_DESKS"], "{bad:?}");
    }
}

#[test]
fn v2_the_two_trades_gates_stop_on_anything_unclear_and_never_refuse() {
    let gate = |name: &str, text: &str| accepted(&[(name, text)]).values.flag(name);
    assert_eq!(accepted(&[]).values.flag("TRADES_ENABLED"), None);
    assert_eq!(accepted(&[]).values.flag("TRADES_PAUSED"), Some(false));
    assert_eq!(gate("TRADES_ENABLED", "true"), Some(true));
    assert_eq!(gate("TRADES_PAUSED", "false"), Some(false));
    for unclear in ["TRUE", "1", "yes", "on", "", " true"] {
        assert_eq!(gate("TRADES_ENABLED", unclear), Some(false), "{unclear:?}");
        assert_eq!(gate("TRADES_PAUSED", unclear), Some(true), "{unclear:?}");
    }
}

#[test]
fn an_alias_stands_in_when_the_proper_name_is_unset() {
    use secrecy::ExposeSecret;
    let secret = |environment: &[(&str, &str)], name: &str| {
        accepted(environment).values.secret(name).map(|secret| secret.expose_secret().to_owned())
    };
    assert_eq!(secret(&[], "TRADES_RPC_URL").as_deref(), Some("https://api.mainnet.abs.xyz"));
    assert_eq!(secret(&[("EVM_RPC_URL", "http://e")], "TRADES_RPC_URL").as_deref(), Some("http://e"));
    let both = [("EVM_RPC_URL", "http://e"), ("TRADES_RPC_URL", "http://t")];
    assert_eq!(secret(&both, "TRADES_RPC_URL").as_deref(), Some("http://t"));
    assert_eq!(secret(&[("TON_API_URL", "http://t")], "TON_PROVIDER_URL").as_deref(), Some("http://t"));
    let rotated = [("ADMIN_API_KEY", "new"), ("ADMIN_API_KEY_PREVIOUS", "old")];
    let token = accepted(&rotated).values.caller_secret("ADMIN_TOKEN").unwrap();
    assert_eq!((token.current.expose_secret(), token.previous.unwrap().expose_secret()), ("new", "old"));
    assert!(accepted(&[("EVM_RPC_URL", "http://e")]).values.is_set("TRADES_RPC_URL"));
}

#[test]
fn blank_values_are_unset() {
    let configuration =
        accepted(&[("PANCHO_SIM_SETTLE_LIMIT", ""), ("P2S_DRY_RUN", " "), ("HERMES_URL", "")]);
    assert_eq!(configuration.rounds.sim_settle_limit, 300);
    assert_eq!(configuration.values.flag("P2S_DRY_RUN"), Some(true));
    assert!(!configuration.values.is_set("HERMES_URL"));
}

#[test]
fn the_manual_and_the_fast_clock_are_refused_in_production() {
    assert_eq!(accepted(&[]).clock, ClockChoice::System);
    assert_eq!(accepted(&[("BURSAR_CLOCK", "x20")]).clock, ClockChoice::Fast { factor: 20 });
    let base = [("BURSAR_ENV", "production"), ("DATABASE_URL", "sqlite:x")];
    for clock in ["manual:1700000040000", "x2"] {
        assert_eq!(refused_names(&[base[0], base[1], ("BURSAR_CLOCK", clock)]), ["BURSAR_CLOCK"]);
    }
    accepted(&[base[0], base[1], ("BURSAR_CLOCK", "system")]);
}

#[test]
fn h7_nobody_is_trusted_unless_named() {
    let proxies = accepted(&[]).proxies;
    assert!(proxies.networks.is_empty());
    assert_eq!((proxies.count, proxies.header.as_str()), (0, "X-Forwarded-For"));
    assert_eq!(refused_names(&[("TRUSTED_PROXIES", "10.0.0.0/33")]), ["TRUSTED_PROXIES"]);
    assert_eq!(refused_names(&[("TRUSTED_PROXY_COUNT", "-1")]), ["TRUSTED_PROXY_COUNT"]);
}

#[test]
fn h9_origins_of_the_platform_are_a_list() {
    assert_eq!(accepted(&[]).cors_origins, Vec::<String>::new());
    let listed = accepted(&[("BURSAR_CORS_ORIGINS", "https://a, https://b")]);
    assert_eq!(listed.cors_origins, ["https://a", "https://b"]);
}
