//! Variables of the arena desk: sign-in, vault and claims, feature wallets, browser rules.

use super::super::desks::{DeskName, Owner};
use super::{Kind, Variable};

const fn var(name: &'static str, kind: Kind, default: Option<&'static str>, doc: &'static str) -> Variable {
    Variable::new(name, Owner::Desk(DeskName::Arena), kind, default, doc).not_yet()
}

const fn wallet(name: &'static str) -> Variable {
    var(name, Kind::Text, None, "TON wallet of this feature. Unset: the feature answers 503.")
}

const CREDITS: Kind = Kind::Integer { min: 0, max: 1_000_000_000_000 };

pub(super) static VARIABLES: &[Variable] = &[
    // Browser and limits.
    var(
        "CORS_ORIGIN",
        Kind::List,
        None,
        "Origins that may call from a browser. Unset: any outside production.",
    ),
    var(
        "ARENA_FRAME_ANCESTORS",
        Kind::Text,
        Some("'self' https://web.telegram.org"),
        "Pages that may frame the game.",
    ),
    var("JSON_BODY_LIMIT", Kind::ByteSize, Some("1mb"), "Largest request body."),
    var(
        "RATE_LIMIT_PER_MINUTE",
        Kind::Integer { min: 1, max: 10_000_000 },
        Some("600"),
        "Requests a minute per client address.",
    ),
    var("PUBLIC_BASE_URL", Kind::Url, None, "Base of metadata addresses."),
    // Sign-in.
    var("TELEGRAM_BOT_TOKEN", Kind::Secret, None, "Verifies Telegram sign-in. Required in production."),
    var(
        "TELEGRAM_INITDATA_MAX_AGE_SECONDS",
        Kind::Seconds { min: -1_000_000_000, max: 1_000_000_000 },
        Some("900"),
        "Oldest sign-in. 0 or less: any age, outside production only. Must be set in production.",
    ),
    var(
        "ADMIN_JWT_SECRET",
        Kind::Secret,
        None,
        "Signs administrators' tokens; at least 32 characters in production.",
    ),
    var("ADMIN_EMAIL", Kind::Text, None, "Administrator's e-mail. Required in production."),
    var("ADMIN_PASSWORD_HASH", Kind::Secret, None, "Administrator's bcrypt hash. Required in production."),
    var("ADMIN_PASSWORD", Kind::Secret, None, "Administrator's plain password, for development only."),
    // Game, vault, claims.
    var("BATTLE_SEED_SECRET", Kind::Secret, None, "Seeds battles; at least 32 characters in production."),
    var("ARENA_VAULT_ADDRESS", Kind::Text, None, "Vault contract on TON."),
    var("AIBA_JETTON_MASTER", Kind::Text, None, "Token contract on TON."),
    var("AIBA_JETTON_DECIMALS", Kind::Integer { min: 0, max: 18 }, Some("0"), "Decimals of that token."),
    var("ORACLE_PRIVATE_KEY_HEX", Kind::Secret, None, "Key that signs claims, 64 hex digits."),
    var("ORACLE_SIGNER_URL", Kind::Url, None, "Remote signer of claims, instead of the key."),
    var("ORACLE_SIGNER_TOKEN", Kind::Secret, None, "Token of the remote signer."),
    var("TON_PROVIDER_URL", Kind::SecretUrl, None, "TON node. Unset: a public test node outside production."),
    var("TON_API_URL", Kind::SecretUrl, None, "TON node when TON_PROVIDER_URL is unset.")
        .alias_of("TON_PROVIDER_URL"),
    var("TON_API_KEY", Kind::Secret, None, "Key of the TON node."),
    var(
        "MIN_VAULT_TON_NANO",
        Kind::Integer { min: 0, max: i64::MAX },
        Some("200000000"),
        "Alert below this vault balance, in nanoTON.",
    ),
    var("CLAIM_MAX_PER_CLAIM", CREDITS, Some("100000"), "Most credits in one claim."),
    var("CLAIM_MAX_PER_USER_DAY", CREDITS, Some("250000"), "Most credits a user may claim a day. 0: none."),
    var("CLAIM_MAX_GLOBAL_DAY", CREDITS, Some("1000000"), "Most credits all users may claim a day. 0: none."),
    var(
        "CLAIM_REFUND_MARGIN_SECONDS",
        Kind::Seconds { min: 0, max: 86_400 },
        Some("60"),
        "Wait after a claim's expiry, in chain time, before its refund.",
    ),
    var("CLAIMS_PAUSED", Kind::Flag, Some("false"), "Stops new claims."),
    // Feature wallets.
    wallet("CREATED_BROKERS_WALLET"),
    wallet("BOOST_TON_WALLET"),
    wallet("BOOST_PROFILE_WALLET"),
    wallet("BOOST_GROUP_WALLET"),
    wallet("LEADER_BOARD_WALLET"),
    wallet("GIFTS_WALLET"),
    wallet("AIBA_IN_GIFTS_WALLET"),
    wallet("P2P_AIBA_SEND_WALLET"),
    wallet("BUY_AIBA_WITH_TON_WALLET"),
    wallet("PREMIUM_WALLET"),
    wallet("STARS_STORE_WALLET"),
    wallet("CAR_RACING_WALLET"),
    wallet("MOTORCYCLE_RACING_WALLET"),
    wallet("UNIVERSITY_BADGE_TON_WALLET"),
    wallet("DONATE_BROKER_WALLET"),
    wallet("DONATE_CAR_WALLET"),
    wallet("DONATE_BIKE_WALLET"),
    wallet("DONATE_GIFTS_WALLET"),
    wallet("CANCELLED_STAKES_WALLET"),
    // Price feed.
    var("ORACLE_AIBA_USD", Kind::Decimal, None, "Fixed price of the token in USD. Unset: the feed."),
    var(
        "ORACLE_UPDATE_INTERVAL_MINUTES",
        Kind::Integer { min: 1, max: 10_080 },
        Some("15"),
        "Minutes between price updates.",
    ),
    // Legacy payout, not carried over.
    var(
        "ENABLE_LEGACY_PENDING_AIBA_DISPATCH",
        Kind::Flag,
        Some("false"),
        "Former payout job; true is refused in production.",
    ),
    var("ADMIN_SIGNER_TYPE", Kind::Text, None, "Former payout job.").ignored(),
    var("ADMIN_WALLET", Kind::Text, None, "Former payout job.").ignored(),
    var("ADMIN_JETTON_WALLET", Kind::Text, None, "Former payout job.").ignored(),
    var(
        "ADMIN_MNEMONIC",
        Kind::Secret,
        None,
        "Former payout job's key; must not be in the server's environment.",
    )
    .ignored(),
];
