//! Everything about payouts that seeds together should reach.

/// By area; what no seed reached is printed.
pub const CATALOGUE: &[(&str, &[&str])] = &[
    (
        "order",
        &[
            "accepted",
            "known",
            "payouts_stopped",
            "invalid_body",
            "invalid_address",
            "own_wallet",
            "wallet_not_found",
            "above_payment_max",
            "idempotency_key_reused",
            "unavailable",
        ],
    ),
    (
        "intent",
        &[
            "accepted > held",
            "held > accepted",
            "accepted > signed",
            "accepted > cancelled",
            "held > cancelled",
            "signed > broadcast",
            "broadcast > final",
            "broadcast > accepted",
            "broadcast > failed",
        ],
    ),
    ("attempt", &["signed", "receipt signed", "final", "dead"]),
    ("sender", &["works", "is idle", "waits", "fails"]),
    (
        "operator",
        &[
            "stop payouts",
            "resume payouts",
            "cancel a payout",
            "hold a payout",
            "release a payout",
            "match a wallet",
            "match without a journal",
            "take back what the chain has paid",
            "release what came to nothing",
        ],
    ),
    (
        "chain",
        &[
            "chain: node silent",
            "chain: node answers 429",
            "chain: node answers garbage",
            "chain: node whose answers are lost",
            "chain: every answer is lost",
            "chain: node drops what it takes",
            "chain: node lags",
            "chain: node forgets",
            "chain: node denies what it knows",
            "chain: node shows a fork",
            "chain: everything forgets what is not final",
        ],
    ),
    ("store error", &["lease lost"]),
];
