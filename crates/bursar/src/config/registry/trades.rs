//! Variables of the trades desk: gates, escrow contract, indexer, risk and rate seeds, credentials.

use super::super::desks::{DeskName, Owner};
use super::{Kind, Variable};

const fn var(name: &'static str, kind: Kind, default: Option<&'static str>, doc: &'static str) -> Variable {
    Variable::new(name, Owner::Desk(DeskName::Trades), kind, default, doc).not_yet()
}

const COUNT: Kind = Kind::Integer { min: 0, max: 1_000_000_000 };

pub(super) static VARIABLES: &[Variable] = &[
    // Gates.
    var("TRADES_ENABLED", Kind::StoppedUnless("true"), None, "The module starts only on exactly true."),
    var(
        "TRADES_PAUSED",
        Kind::StoppedUnless("false"),
        Some("false"),
        "The module is paused by anything but false.",
    ),
    // Chain.
    var("TRADES_RPC_URL", Kind::SecretUrl, Some("https://api.mainnet.abs.xyz"), "EVM node."),
    var("EVM_RPC_URL", Kind::SecretUrl, None, "EVM node when TRADES_RPC_URL is unset.")
        .alias_of("TRADES_RPC_URL"),
    var("TRADES_RPC_FALLBACK_URLS", Kind::Urls, None, "EVM nodes asked when the first one fails."),
    var(
        "TRADES_CHAIN_ID",
        Kind::Integer { min: 1, max: i64::MAX },
        Some("2741"),
        "Chain id that the node must report.",
    ),
    var("TRADES_CONFIRMATIONS", COUNT, Some("12"), "Blocks after which an event is final."),
    var("TRADES_REORG_BUFFER", COUNT, Some("25"), "Blocks read again at each step."),
    var(
        "TRADES_INDEXER_CHUNK",
        Kind::Integer { min: 1, max: 1_000_000 },
        Some("3000"),
        "Blocks of one log query.",
    ),
    var("TRADES_START_BLOCK", Kind::Integer { min: 0, max: i64::MAX }, None, "First block that is indexed."),
    // Contract.
    var("TRADES_SWAP_ESCROW_ADDRESS", Kind::Text, None, "Escrow contract."),
    var(
        "TRADES_SWAP_ESCROW_ADDRESS_V2",
        Kind::Text,
        None,
        "Second escrow contract, indexed beside the first.",
    ),
    var("TRADES_FEE_RECEIVER", Kind::Text, None, "Fee receiver that the daily check expects."),
    var("TRADES_EXPECTED_OWNER", Kind::Text, None, "Contract owner that the daily check expects."),
    var(
        "TRADES_MAX_FEE_BPS",
        Kind::Integer { min: 0, max: 500 },
        Some("500"),
        "Highest fee in basis points.",
    ),
    // Credentials and messages.
    var("ADMIN_TOKEN", Kind::Secret, None, "Bearer token of administrators. Unset: their routes answer 401."),
    var("ADMIN_API_KEY", Kind::Secret, None, "The same under its former name.").alias_of("ADMIN_TOKEN"),
    var("TRADES_DISCORD_WEBHOOK_URL", Kind::SecretUrl, None, "Receives incident and switch messages."),
    var("TRADES_WEBHOOK_SECRET", Kind::Secret, None, "Signs those messages."),
    var("JWT_SECRET", Kind::Secret, None, "Read by nothing.").ignored(),
    var("OWNER_PRIVATE_KEY", Kind::Secret, None, "Contract owner's key, for the command line only.")
        .by_command()
        .used(),
    var("PRIVATE_KEY", Kind::Secret, None, "Deployer's key, for the command line only.").by_command().used(),
    // Seeds of live rows: in force until an operator changes the row.
    var(
        "TRADES_MAX_EXPIRY_HOURS",
        Kind::Integer { min: 1, max: 24 },
        Some("24"),
        "Longest life of an order, in hours.",
    ),
    var(
        "TRADES_PROTOCOL_FEE_BPS",
        Kind::Integer { min: 0, max: 500 },
        Some("0"),
        "Contract fee in basis points, mirrored.",
    ),
    var(
        "TRADES_DEFAULT_FEE_BPS",
        Kind::Integer { min: 0, max: 500 },
        None,
        "The same under its former name.",
    )
    .alias_of("TRADES_PROTOCOL_FEE_BPS"),
    var(
        "TRADES_RISK_SCORE_HIGH_THRESHOLD",
        Kind::Integer { min: 1, max: 100 },
        Some("70"),
        "Score from which risk is high.",
    ),
    var(
        "TRADES_MIN_RISK_SCORE_THRESHOLD",
        Kind::Integer { min: 1, max: 100 },
        None,
        "The same under its former name.",
    )
    .alias_of("TRADES_RISK_SCORE_HIGH_THRESHOLD"),
    var(
        "TRADES_RISK_SCORE_MEDIUM_THRESHOLD",
        Kind::Integer { min: 1, max: 99 },
        Some("40"),
        "Score from which risk is medium.",
    ),
    var(
        "API_RATE_LIMIT_PER_MINUTE",
        Kind::Integer { min: 1, max: 100_000 },
        Some("100"),
        "Requests a minute per client address.",
    ),
    var(
        "TRADES_API_RATE_LIMIT_PER_MINUTE",
        Kind::Integer { min: 1, max: 100_000 },
        None,
        "The same under its former name.",
    )
    .alias_of("API_RATE_LIMIT_PER_MINUTE"),
    var(
        "ORDER_RATE_LIMIT_PER_MINUTE",
        Kind::Integer { min: 1, max: 1_000 },
        Some("5"),
        "Orders a minute per maker.",
    ),
    var("TRADES_MAX_ORDERS_PER_USER", COUNT, Some("50"), "Open orders of one maker."),
    var(
        "TRADES_MAX_ITEMS_PER_SIDE",
        Kind::Integer { min: 1, max: 10 },
        Some("10"),
        "Items on one side of an order.",
    ),
    var("MIN_HOLDER_COUNT_THRESHOLD", COUNT, Some("10"), "Fewer holders are a risk."),
    var("TRADES_MIN_HOLDER_COUNT", COUNT, None, "The same under its former name.")
        .alias_of("MIN_HOLDER_COUNT_THRESHOLD"),
    var("MAX_CONTRACT_AGE_DAYS", COUNT, Some("7"), "A contract younger than this many days is a risk."),
    var("TRADES_MAX_COLLECTION_AGE_DAYS", COUNT, None, "The same under its former name.")
        .alias_of("MAX_CONTRACT_AGE_DAYS"),
    var(
        "MAX_VALUE_SKEW_PERCENT",
        Kind::Integer { min: 0, max: 100 },
        Some("80"),
        "A wider gap between the sides is a risk.",
    ),
    var(
        "TRADES_MAX_VALUE_SKEW_PERCENT",
        Kind::Integer { min: 0, max: 100 },
        None,
        "The same under its former name.",
    )
    .alias_of("MAX_VALUE_SKEW_PERCENT"),
    // Former database access.
    var("TRADES_SUPABASE_URL", Kind::Text, None, "Former database service.").ignored(),
    var("NEXT_PUBLIC_SUPABASE_URL", Kind::Text, None, "Former database service.").ignored(),
    var("TRADES_SUPABASE_SERVICE_KEY", Kind::Secret, None, "Former key of that service.").ignored(),
];
