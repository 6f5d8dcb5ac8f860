//! Everything about the faucet that seeds together should reach.

/// By area; what no seed reached is printed.
pub const CATALOGUE: &[(&str, &[&str])] = &[
    (
        "faucet",
        &[
            "kills accrued",
            "a reading below the cursor",
            "a player flagged",
            "accrual halted",
            "another one accrues",
            "another one settles",
            "work fails",
            "rows pruned",
            "reconciled",
            "a row split by a cap",
            "rows written off",
            "a payout failed",
            "dry-run rows settled",
            "payments missing after a restore",
        ],
    ),
    (
        "settlement",
        &[
            "pays",
            "pays in dry-run",
            "held payouts go on",
            "skipped: halted",
            "skipped: the wallet stands still",
            "skipped: below the floor",
        ],
    ),
    (
        "player",
        &[
            "visits",
            "a visit that fails",
            "a new account",
            "a new wallet",
            "leaves the guild",
            "back in the guild",
            "the account is gone",
            "the account is back",
        ],
    ),
    (
        "statistics",
        &[
            "statistics: silent",
            "statistics: throttle",
            "statistics: our limit used up",
            "statistics: garbage",
            "statistics: lag",
            "statistics: regress",
        ],
    ),
    (
        "operator",
        &[
            "halt the faucet's payouts",
            "halt accrual",
            "force dry-run",
            "resume the faucet",
            "set caps or rate",
            "review a flag",
            "lift holds",
            "cancel a faucet payout",
            "erase a player",
            "rotate the seal",
            "match the faucet's wallet",
            "payouts stay halted",
            "days pass",
            "a top-up",
            "a donation",
        ],
    ),
];
