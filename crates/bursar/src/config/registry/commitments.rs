//! Variables of the commitments desk: escrow secrets, chain, votes, switches, storage.

use super::super::desks::{DeskName, Owner};
use super::{Kind, Variable};

const fn var(name: &'static str, kind: Kind, default: Option<&'static str>, doc: &'static str) -> Variable {
    Variable::new(name, Owner::Desk(DeskName::Commitments), kind, default, doc).not_yet()
}

/// Unset: running in dev and test, stopped with a warning in production (V7).
const fn switch(name: &'static str, doc: &'static str) -> Variable {
    var(name, Kind::Flag, None, doc)
}

const SECONDS: Kind = Kind::Seconds { min: 0, max: 315_360_000 };
const COUNT: Kind = Kind::Integer { min: 0, max: 1_000_000_000 };
const CLUSTERS: Kind = Kind::Choice(&["mainnet-beta", "devnet", "testnet", "localnet"]);

pub(super) static VARIABLES: &[Variable] = &[
    // People and sessions.
    var(
        "ADMIN_WALLET_PUBKEYS",
        Kind::SolanaAddresses,
        None,
        "Wallets of administrators. Required in production.",
    ),
    var("APP_ORIGIN", Kind::Url, None, "Origin from which administrators act. Required in production."),
    var("CRON_SECRET", Kind::Secret, None, "Key of the scheduled calls. Unset: they are off."),
    // Escrow.
    var("ESCROW_DB_SECRET", Kind::Secret, None, "Encrypts escrow keys at rest. Required in production."),
    var(
        "ESCROW_FEE_PAYER_SECRET_KEY",
        Kind::Secret,
        None,
        "Wallet that pays network fees, base58 of 64 bytes.",
    ),
    var(
        "CTS_PERSONAL_FAILURE_POLICY",
        Kind::Choice(&["destination", "treasury"]),
        Some("destination"),
        "Who receives a personal escrow that failed.",
    ),
    var("CTS_MOCK_MODE", Kind::Flag, Some("false"), "Demo commitments in memory. Refused in production.")
        .used(),
    // Chain.
    var("CTS_SOLANA_RPC_URL", Kind::SecretUrl, None, "Solana node of this desk; overrides SOLANA_RPC_URL."),
    var("SOLANA_RPC_FALLBACK_URLS", Kind::Urls, None, "Nodes asked when the first one fails."),
    var(
        "SOLANA_COMMITMENT",
        Kind::Choice(&["processed", "confirmed", "finalized"]),
        Some("confirmed"),
        "Level at which the chain is read.",
    ),
    var("SOLANA_CLUSTER", CLUSTERS, Some("mainnet-beta"), "Cluster of this desk."),
    var("NEXT_PUBLIC_SOLANA_CLUSTER", CLUSTERS, None, "The same for the page.").alias_of("SOLANA_CLUSTER"),
    var("SOLANA_CAIP2", Kind::Text, None, "Chain id in CAIP-2 form. Unset: follows from the cluster."),
    // Wallet and storage services.
    var("PRIVY_APP_ID", Kind::Text, None, "Wallet service: application."),
    var("PRIVY_APP_SECRET", Kind::Secret, None, "Wallet service: its secret."),
    var(
        "PRIVY_AUTHORIZATION_PRIVATE_KEYS",
        Kind::Secret,
        None,
        "Wallet service: keys that sign requests, comma list.",
    ),
    var("PRIVY_WEBHOOK_SIGNING_SECRET", Kind::Secret, None, "Wallet service: verifies its webhooks."),
    var("SUPABASE_URL", Kind::Url, None, "Storage service."),
    var("SUPABASE_SERVICE_ROLE_KEY", Kind::Secret, None, "Storage service: its key."),
    var("SUPABASE_AVATAR_BUCKET", Kind::Text, Some("avatars"), "Storage service: bucket of avatars."),
    var(
        "SUPABASE_PROJECT_ASSETS_BUCKET",
        Kind::Text,
        Some("project-assets"),
        "Storage service: bucket of assets.",
    ),
    // Approval and timing.
    var(
        "REWARD_APPROVAL_THRESHOLD_USD",
        Kind::Decimal,
        None,
        "USD of approving votes that a milestone needs.",
    ),
    var(
        "REWARD_APPROVAL_THRESHOLD",
        Kind::Decimal,
        None,
        "The same in votes, when no USD figure is set: 3 votes of 20 USD, or 15 heads in head-count mode.",
    ),
    var(
        "CTS_APPROVAL_MODE",
        Kind::Choice(&["weighted_usd", "head_count"]),
        Some("weighted_usd"),
        "How votes weigh.",
    ),
    var(
        "REWARD_CLAIM_DELAY_SECONDS",
        SECONDS,
        Some("172800"),
        "From completion until a milestone can be claimed.",
    ),
    var(
        "REWARD_VOTE_CUTOFF_SECONDS",
        SECONDS,
        Some("86400"),
        "From completion until votes stop counting for failure.",
    ),
    var("REWARD_DELIVERY_GRACE_SECONDS", SECONDS, Some("86400"), "Grace after a due date."),
    // Tokens and prices.
    var("CTS_SHIP_TOKEN_MINT", Kind::SolanaAddress, None, "Token that multiplies votes."),
    var(
        "CTS_SHIP_BUYBACK_TREASURY_PUBKEY",
        Kind::SolanaAddress,
        None,
        "Treasury; needed to settle failures.",
    ),
    var("JUPITER_API_BASE_URL", Kind::Url, None, "Price and swap service."),
    var("JUPITER_TIMEOUT_MS", Kind::Millis { min: 1, max: 600_000 }, Some("8000"), "Its time-out."),
    var("JUPITER_PRICE_CACHE_TTL_SECONDS", SECONDS, Some("60"), "A price is fresh this long."),
    var(
        "JUPITER_PRICE_STALE_TTL_SECONDS",
        SECONDS,
        Some("900"),
        "A price may be used this long when none is fresh.",
    ),
    // Switches.
    switch("CTS_ENABLE_REWARD_PAYOUTS", "Milestone rewards are paid."),
    switch("CTS_ENABLE_FAILURE_DISTRIBUTION_PAYOUTS", "Forfeited money is paid to voters."),
    switch("CTS_ENABLE_PARTICIPATION_WEIGHTED_FAILURE_PAYOUTS", "That distribution weighs participation."),
    switch("CTS_ENABLE_VOTE_REWARD_DISTRIBUTIONS", "Vote rewards are computed."),
    switch("CTS_ENABLE_VOTE_REWARD_PAYOUTS", "Vote rewards are paid."),
    switch("CTS_ENABLE_MARKETCAP_MILESTONES", "Milestones may depend on market value."),
    switch("CTS_ASD_ENABLE_SWAPS", "Daily automatic sales swap."),
    var("CTS_PUBLIC_LAUNCHES", Kind::Flag, Some("true"), "Everybody may launch."),
    var("CTS_CREATOR_WALLET_PUBKEYS", Kind::SolanaAddresses, None, "Who may launch otherwise."),
    var(
        "CTS_CANARY_REWARD_VOTING",
        Kind::Flag,
        Some("false"),
        "Any holder votes with value 1. Refused in production.",
    )
    .used(),
    // Sweeps, streaks, vote rewards.
    var(
        "CTS_CREATOR_FEE_SWEEP_KEEP_LAMPORTS",
        COUNT,
        Some("25000"),
        "Lamports that a fee sweep leaves behind.",
    ),
    var(
        "CTS_PARTICIPATION_WINDOW_MILESTONES",
        COUNT,
        Some("20"),
        "Vote windows that participation looks back on.",
    ),
    var("CTS_STREAKS_GRACE_MISSES", COUNT, Some("2"), "Misses that cost little."),
    var("CTS_VOTE_REWARD_MODE", Kind::Text, None, "Vote rewards from a pool, or fixed per vote."),
    var("CTS_VOTE_REWARD_POOL_UI_AMOUNT", Kind::Decimal, None, "Tokens in a pool."),
    var("CTS_VOTE_REWARD_PER_VOTE_UI_AMOUNT", Kind::Decimal, None, "Tokens per vote."),
    var("CTS_VOTE_REWARD_MAX_POOL_UI_AMOUNT", Kind::Decimal, None, "Most tokens in a pool."),
    var("CTS_VOTE_REWARD_CLAIM_TTL_SECONDS", SECONDS, Some("300"), "A prepared claim lives this long."),
    var("CTS_VOTE_REWARD_FAUCET_OWNER_PUBKEY", Kind::SolanaAddress, None, "Wallet that pays vote rewards."),
    var("CTS_VOTE_REWARD_FAUCET_OWNER_SECRET_KEY", Kind::Secret, None, "Its key, base58 of 64 bytes."),
    var("CTS_VOTE_REWARD_FAUCET_PRIVY_WALLET_ID", Kind::Text, None, "The same wallet at the wallet service."),
    // Market-value milestones.
    var("CTS_MC_MIN_LIQUIDITY_USD", Kind::Decimal, Some("50000"), "Least liquidity in USD."),
    var("CTS_MC_MIN_VOLUME_H1_USD", Kind::Decimal, Some("0"), "Least volume of an hour in USD."),
    var("CTS_MC_LOOKBACK_SECONDS", SECONDS, Some("31536000"), "How far back value is looked at."),
    var("CTS_MC_MIN_MINUTES_ABOVE", COUNT, Some("15"), "Declared by the original, read by nothing.")
        .ignored(),
    var("CTS_MC_MIN_SAMPLES", COUNT, Some("10"), "Declared by the original, read by nothing.").ignored(),
    var("CTS_MC_MAX_GAP_SECONDS", SECONDS, Some("120"), "Declared by the original, read by nothing.")
        .ignored(),
    // Daily sales and token nonces.
    var("CTS_ASD_DEFAULT_DESTINATION_PUBKEY", Kind::SolanaAddress, None, "Where daily sales pay by default."),
    var("CTS_TB_NONCE_TTL_SECONDS", SECONDS, Some("900"), "A token nonce lives this long."),
    var(
        "CTS_TB_ON_DEMAND_MAX_AGE_SECONDS",
        SECONDS,
        Some("21600"),
        "Oldest supply figure before it is read anew.",
    ),
];
