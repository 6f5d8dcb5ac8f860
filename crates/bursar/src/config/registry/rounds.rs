//! Variables of the rounds desk: keys, treasury, switches, limits, thresholds, commands and scripts.

use super::super::desks::{DeskName, Owner};
use super::{Kind, Variable};

const fn var(name: &'static str, kind: Kind, default: Option<&'static str>, doc: &'static str) -> Variable {
    Variable::new(name, Owner::Desk(DeskName::Rounds), kind, default, doc)
}

const COUNT: Kind = Kind::Integer { min: 1, max: 1_000_000 };
const LIMIT: Kind = Kind::Integer { min: 1, max: 10_000_000 };
const WINDOW: Kind = Kind::Millis { min: 1, max: 86_400_000 };
const MILLIS: Kind = Kind::Millis { min: 0, max: 86_400_000 };
const SECONDS: Kind = Kind::Seconds { min: 1, max: 86_400 };
const MARKETS: Kind = Kind::Choice(&["SOL", "BTC", "ETH", "XRP", "PEPE", "BONK"]);
const TIERS: Kind = Kind::Choice(&["5", "10", "25", "50", "100", "250"]);

const fn limit(name: &'static str, default: &'static str) -> Variable {
    var(name, LIMIT, Some(default), "Requests that pass in one window of this bucket.")
}

const fn window(name: &'static str) -> Variable {
    var(name, WINDOW, Some("10000"), "Length of this bucket's window.")
}

pub(super) static VARIABLES: &[Variable] = &[
    // Keys and money.
    var("SETTLE_API_KEY", Kind::Secret, None, "Key of real settlement. Unset: that route answers 503.")
        .live(),
    var(
        "SIM_SETTLE_API_KEY",
        Kind::Secret,
        None,
        "Key of play-money settlement. Unset: that route answers 401.",
    )
    .live(),
    var("OPS_API_KEY", Kind::Secret, None, "Key of health, summary and switches. Unset: 401 in production.")
        .live(),
    var(
        "TREASURY_WALLET",
        Kind::SolanaAddress,
        None,
        "Where fees go. Unset: the payout signer's own wallet.",
    ),
    var("PANCHO_TREASURY_WALLET", Kind::SolanaAddress, None, "Where fees go when TREASURY_WALLET is unset.")
        .alias_of("TREASURY_WALLET"),
    var(
        "PANCHO_EXPECTED_TREASURY_WALLET",
        Kind::SolanaAddress,
        None,
        "The treasury that must be configured; settlement refuses another. Required for readiness in production.",
    ),
    var("NEXT_PUBLIC_ESCROW_WALLET", Kind::SolanaAddress, None, "Where players send real deposits.")
        .not_yet(),
    var("ESCROW_WALLET", Kind::SolanaAddress, None, "The same when the name above is unset.")
        .alias_of("NEXT_PUBLIC_ESCROW_WALLET")
        .not_yet(),
    var("PAYOUT_KEYPAIR_PATH", Kind::Path, None, "Key file of the wallet that pays real winnings.").not_yet(),
    // Switches.
    var("PANCHO_PAUSE_JOINS", Kind::OnOff, Some("off"), "on stops joins, play and real."),
    var("PANCHO_PAUSE_SIM_SETTLEMENTS", Kind::OnOff, Some("off"), "on stops play-money settlement."),
    var("PANCHO_PAUSE_SETTLE_API", Kind::OnOff, Some("off"), "on stops real settlement."),
    // Limits of the specification's table.
    limit("PANCHO_RL_SIM_ENTRIES_IP_LIMIT", "150"),
    window("PANCHO_RL_SIM_ENTRIES_IP_WINDOW_MS"),
    limit("PANCHO_RL_SIM_ENTRIES_WALLET_LIMIT", "20"),
    window("PANCHO_RL_SIM_ENTRIES_WALLET_WINDOW_MS"),
    limit("PANCHO_RL_SIM_RESULTS_IP_LIMIT", "80"),
    window("PANCHO_RL_SIM_RESULTS_IP_WINDOW_MS"),
    limit("PANCHO_RL_SIM_RESULTS_WALLET_LIMIT", "30"),
    window("PANCHO_RL_SIM_RESULTS_WALLET_WINDOW_MS"),
    limit("PANCHO_RL_ORACLE_IP_LIMIT", "100"),
    window("PANCHO_RL_ORACLE_IP_WINDOW_MS"),
    limit("PANCHO_RL_STATUS_IP_LIMIT", "80"),
    window("PANCHO_RL_STATUS_IP_WINDOW_MS"),
    limit("PANCHO_RL_OPS_HEALTH_IP_LIMIT", "50"),
    window("PANCHO_RL_OPS_HEALTH_IP_WINDOW_MS"),
    limit("PANCHO_RL_OPS_SUMMARY_IP_LIMIT", "30"),
    window("PANCHO_RL_OPS_SUMMARY_IP_WINDOW_MS"),
    // Limits of routes that had none.
    limit("PANCHO_RL_OPS_SWITCHES_IP_LIMIT", "50"),
    window("PANCHO_RL_OPS_SWITCHES_IP_WINDOW_MS"),
    limit("PANCHO_RL_SIM_POOL_IP_LIMIT", "150"),
    window("PANCHO_RL_SIM_POOL_IP_WINDOW_MS"),
    limit("PANCHO_RL_RESULTS_IP_LIMIT", "80"),
    window("PANCHO_RL_RESULTS_IP_WINDOW_MS"),
    limit("PANCHO_RL_SETTLE_IP_LIMIT", "60"),
    window("PANCHO_RL_SETTLE_IP_WINDOW_MS"),
    limit("PANCHO_RL_SIM_SETTLE_IP_LIMIT", "60"),
    window("PANCHO_RL_SIM_SETTLE_IP_WINDOW_MS"),
    // Rules.
    var(
        "PANCHO_MAX_STAKE_TIER",
        TIERS,
        Some("250"),
        "Highest stake tier that may be joined, in whole bucks.",
    ),
    var("PANCHO_SIM_SETTLE_LIMIT", COUNT, Some("300"), "Rounds that one settlement call settles at most."),
    var("HERMES_URL", Kind::Url, Some("https://hermes.pyth.network"), "Price service."),
    var(
        "PANCHO_PRICE_CONFIDENCE_BPS",
        Kind::Integer { min: 0, max: 10_000 },
        Some("100"),
        "Widest confidence interval of a usable price, in basis points of the price. 0: not looked at.",
    ),
    var(
        "PANCHO_VOID_DEADLINE_MS",
        Kind::Millis { min: 60_000, max: 604_800_000 },
        Some("900000"),
        "A round without a usable price is refunded this long after its end.",
    ),
    var(
        "PANCHO_SOLANA_RPC_URL",
        Kind::SecretUrl,
        None,
        "Solana node of this desk; overrides SOLANA_RPC_URL.",
    )
    .not_yet(),
    var(
        "NEXT_PUBLIC_SOLANA_RPC_URL",
        Kind::SecretUrl,
        None,
        "Solana node when neither of the other two is set.",
    )
    .not_yet(),
    // Thresholds and views.
    var(
        "PANCHO_ALERT_PENDING_DUE_ROUNDS",
        Kind::Integer { min: 0, max: 1_000_000 },
        Some("25"),
        "Warn from this many overdue rounds on.",
    ),
    var("PANCHO_ALERT_SETTLEMENT_LAG_MS", MILLIS, Some("120000"), "Warn from this settlement lag on."),
    var(
        "PANCHO_ALERT_PRICE_FEED_MS",
        Kind::Millis { min: 0, max: 86_400_000 },
        Some("30000"),
        "Warn when a due round asks for prices in vain for this long. First value of a live setting.",
    ),
    var("PANCHO_STATUS_CACHE_MS", MILLIS, Some("8000"), "Age up to which the public status may be reused."),
    var("PANCHO_STATUS_DUE_SCAN_LIMIT", COUNT, Some("300"), "Former scan cap; all due rounds are seen now.")
        .ignored(),
    var("PANCHO_OPS_HEALTH_DUE_SCAN_LIMIT", COUNT, Some("500"), "Former scan cap of health.").ignored(),
    var("PANCHO_OPS_SUMMARY_DUE_SCAN_LIMIT", COUNT, Some("400"), "Former scan cap of the summary.").ignored(),
    var("PANCHO_OPS_SUMMARY_ENTRIES_LIMIT", COUNT, Some("10000"), "Former entry cap of the summary.")
        .ignored(),
    // Commands.
    var("OPS_BASE", Kind::Url, None, "Server that the ops commands talk to."),
    var(
        "OPS_SUMMARY_LIMIT",
        Kind::Integer { min: 0, max: 1_000_000 },
        Some("40"),
        "Settlements in `ops summary`; held between 10 and 120.",
    ),
    var("OPS_ALERT_MAX_LAG_MS", MILLIS, Some("180000"), "`ops alert` reports a settlement lag above this."),
    var(
        "OPS_ALERT_PENDING_ROUNDS",
        Kind::Integer { min: 0, max: 1_000_000 },
        Some("3"),
        "`ops alert` reports more overdue rounds than this.",
    ),
    var(
        "OPS_ALERT_WEBHOOK_URL",
        Kind::SecretUrl,
        None,
        "Receives the report of `ops alert` when it found a problem.",
    )
    .by_command(),
    var("PRELAUNCH_SKIP_SMOKE", Kind::Flag, Some("false"), "`ops prelaunch` leaves the smoke test out."),
    var(
        "PANCHO_PRELAUNCH_ONCHAIN",
        Kind::Flag,
        Some("false"),
        "`ops prelaunch` also checks the on-chain program.",
    )
    .not_yet(),
    var("CANARY_BASE", Kind::Url, None, "Server that the smoke test plays on."),
    var("CANARY_MARKET", MARKETS, Some("SOL"), "Market of the smoke test."),
    var("CANARY_OPEN_BUFFER_MS", MILLIS, Some("8000"), "The smoke test joins only with more than this left."),
    var(
        "CANARY_WAIT_TIMEOUT_MS",
        MILLIS,
        Some("180000"),
        "Longest wait of the smoke test for such a window.",
    ),
    // Keepers, now inside the server.
    var("KEEPER_BASE_URL", Kind::Url, None, "Server of the external real-money keeper.").ignored(),
    var("KEEPER_INTERVAL_MS", MILLIS, Some("7000"), "Period of the external real-money keeper.").ignored(),
    var("SIM_KEEPER_BASE_URL", Kind::Url, None, "Server of the external play-money keeper.").ignored(),
    var("SIM_KEEPER_INTERVAL_MS", MILLIS, Some("5000"), "Period of the external play-money keeper.")
        .ignored(),
    // On-chain program.
    var("NEXT_PUBLIC_SIM_MODE", Kind::Flag, Some("false"), "The page shows play money.").not_yet(),
    var(
        "NEXT_PUBLIC_USE_ONCHAIN_PROGRAM",
        Kind::Flag,
        Some("false"),
        "The page uses the on-chain program; also opens real deposits in production.",
    ),
    var(
        "NEXT_PUBLIC_PANCHO_PROGRAM_ID",
        Kind::SolanaAddress,
        Some("52nguesHaBuF4psFr2uybVnW4angLW2ZtsBRSRmdF8k3"),
        "Program that the page calls.",
    )
    .not_yet(),
    var(
        "PANCHO_PROGRAM_ID",
        Kind::SolanaAddress,
        Some("52nguesHaBuF4psFr2uybVnW4angLW2ZtsBRSRmdF8k3"),
        "Program that the on-chain keeper drives.",
    )
    .not_yet(),
    var("PANCHO_KEEPER_SECRET_KEY", Kind::Secret, None, "Key of the on-chain keeper, a JSON array of bytes.")
        .not_yet(),
    var("PANCHO_KEEPER_KEYPAIR_PATH", Kind::Path, None, "Key file of the keeper when its secret is unset.")
        .not_yet(),
    var("PANCHO_ORACLE_PROGRAM_ID", Kind::SolanaAddress, None, "Owner of the price accounts.").not_yet(),
    var("PANCHO_ORACLE_ACCOUNT_SOL", Kind::SolanaAddress, None, "Price account of SOL.").not_yet(),
    var("PANCHO_ORACLE_ACCOUNT_BTC", Kind::SolanaAddress, None, "Price account of BTC.").not_yet(),
    var("PANCHO_ORACLE_ACCOUNT_ETH", Kind::SolanaAddress, None, "Price account of ETH.").not_yet(),
    var("PANCHO_OPEN_SECONDS", SECONDS, Some("60"), "Joining time of a round on chain.").not_yet(),
    var("PANCHO_LOCK_SECONDS", SECONDS, Some("60"), "Gap before the next round on chain.").not_yet(),
    var("PANCHO_SETTLEMENT_SECONDS", SECONDS, Some("300"), "Time from lock to end on chain.").not_yet(),
    var("PANCHO_LOCK_GRACE_SECONDS", SECONDS, Some("180"), "How late a round may still be locked on chain.")
        .not_yet(),
    var(
        "PANCHO_FEE_BPS",
        Kind::Integer { min: 0, max: 1_500 },
        Some("600"),
        "Fee in basis points when the on-chain account is created.",
    )
    .not_yet(),
    var(
        "PANCHO_ORACLE_MAX_AGE_SLOTS",
        COUNT,
        Some("120"),
        "Oldest on-chain price, in slots, at that creation.",
    )
    .not_yet(),
    var("PANCHO_ORACLE_MAX_AGE_SEC", COUNT, None, "The same under its former name; also slots.")
        .alias_of("PANCHO_ORACLE_MAX_AGE_SLOTS")
        .not_yet(),
    var("PANCHO_AUTO_INIT_CONFIG", Kind::Flag, Some("false"), "The keeper may create the on-chain account.")
        .not_yet(),
    var("ONCHAIN_KEEPER_INTERVAL_MS", MILLIS, Some("4000"), "Period of the on-chain keeper.").not_yet(),
    var(
        "PANCHO_KEEPER_BACKFILL_LIMIT",
        COUNT,
        Some("80"),
        "Unsettled rounds per market that it looks back on.",
    )
    .not_yet(),
    var("PANCHO_KEEPER_ONCE", Kind::Flag, Some("false"), "The keeper stops after one pass.").not_yet(),
    var(
        "PANCHO_MIN_DEPLOY_SOL",
        Kind::Decimal,
        Some("3"),
        "SOL that the keeper's wallet needs before cutover.",
    )
    .not_yet(),
    // Former storage choices.
    var("SIM_LEDGER_USE_D1", Kind::Text, None, "Former storage choice.").ignored(),
    var("SIM_LEDGER_SQLITE", Kind::Text, None, "Former storage choice.").ignored(),
    var("SIM_LEDGER_FLUSH_MS", MILLIS, Some("2500"), "Former flush period.").ignored(),
    var("PANCHO_SHARED_RL_D1", Kind::Text, None, "Former storage choice of limits.").ignored(),
    var("PANCHO_SHARED_RL_SQLITE", Kind::Text, None, "Former storage choice of limits.").ignored(),
    var("PANCHO_D1_DB_NAME", Kind::Text, Some("pancho-sim-db"), "Former name of the database in backups.")
        .ignored(),
    var("PANCHO_DEVNET_RPC", Kind::SecretUrl, None, "Former script that collected devnet SOL: its node.")
        .ignored(),
    var("PANCHO_DEVNET_TARGET", Kind::Text, None, "The same: its wallet.").ignored(),
    var("PANCHO_DEVNET_GOAL_SOL", Kind::Decimal, Some("5"), "The same: SOL to reach.").ignored(),
    var("PANCHO_DEVNET_PER_ATTEMPT_SOL", Kind::Decimal, Some("1"), "The same: SOL per request.").ignored(),
    // Load profiles.
    var("STRESS_BASE", Kind::Url, None, "Server under load."),
    var("STRESS_TOTAL", COUNT, None, "Entries to send."),
    var("STRESS_CONCURRENCY", COUNT, None, "Joins in flight of the entries profile."),
    var("STRESS_WORKERS", COUNT, None, "Joins in flight of the sustained and staged profiles."),
    var("STRESS_ENTRY_CONCURRENCY", COUNT, None, "Joins in flight of the settlement profiles."),
    var("STRESS_RESULTS_CONCURRENCY", COUNT, None, "Reads of results in flight."),
    var("STRESS_TIMEOUT_MS", MILLIS, None, "Time-out of one request."),
    var(
        "STRESS_MIN_OPEN_BUFFER_MS",
        MILLIS,
        None,
        "Joining stops this long before the lock; the entries profile begins with more than this left.",
    ),
    var("STRESS_SETTLE_GRACE_MS", MILLIS, None, "Wait after the end before results are read."),
    var(
        "STRESS_VERIFY_SAMPLE",
        Kind::Integer { min: 0, max: 1_000_000 },
        None,
        "Wallets that are read twice. 0: all.",
    ),
    var("STRESS_VERIFY_RECHECK_DELAY_MS", MILLIS, None, "Pause before the second reading."),
    var(
        "STRESS_RESULTS_WALLET_LIMIT",
        Kind::Integer { min: 0, max: 1_000_000 },
        None,
        "Wallets whose results are read. 0: all.",
    ),
    var("STRESS_RESULTS_BATCH_SIZE", COUNT, None, "Wallets in one batch of reads."),
    var("STRESS_RESULTS_BATCH_DELAY_MS", MILLIS, None, "Pause between batches."),
    var("STRESS_STAGE_TARGETS", Kind::List, None, "Entries of each stage."),
    var("STRESS_PER_ROUND_ATTEMPTS", COUNT, None, "Entries sent in one window, over all markets, at most."),
];
