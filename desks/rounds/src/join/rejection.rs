//! Why a join is refused: stable codes, statuses and words.

/// The caller's doing; nothing of the desk's state has changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JoinRejection {
    /// Joins are stopped.
    #[error("joins are paused; try again later")]
    Paused,
    /// Too many calls from this address or for this wallet.
    #[error("rate limit exceeded; try again in {retry_after_s} s")]
    RateLimited {
        /// Which limit, such as `sim-entries:ip`.
        bucket: &'static str,
        /// Seconds until calls pass again.
        retry_after_s: i64,
    },
    /// It claims to be a canary's without the operators' key.
    #[error(
        "a canary's join needs the operators' key in x-canary-key; leave the header out to join as a player"
    )]
    Unauthorized,
    /// The body is not JSON.
    #[error("the body is not valid JSON")]
    MalformedJson,
    /// A field is missing or of another type.
    #[error("invalid payload: {0} is missing or has the wrong type")]
    InvalidPayload(&'static str),
    /// The id is too long.
    #[error("invalid payload: id takes 1 to 128 characters")]
    InvalidId,
    /// Neither `UP` nor `DOWN`.
    #[error("invalid direction: use UP or DOWN")]
    InvalidDirection,
    /// No such market.
    #[error("invalid market: use SOL, BTC, ETH, XRP, PEPE or BONK")]
    InvalidMarket,
    /// The feed is not the market's.
    #[error("the feed id is not that of the market")]
    FeedMismatch,
    /// Not a tier, or above the highest that is enabled.
    #[error("invalid stake: use one of the stake tiers up to {max_bucks}")]
    InvalidStake {
        /// The highest tier enabled, in bucks.
        max_bucks: i64,
    },
    /// The id does not fit market and start.
    #[error("invalid round id")]
    InvalidRoundId,
    /// The start is not a multiple of the cycle.
    #[error("invalid round start")]
    InvalidRoundStart,
    /// The end does not fit the start.
    #[error("invalid round end")]
    InvalidRoundEnd,
    /// The round is not open now, or is sealed by its settlement.
    #[error("the round is not open for entries")]
    OutsideOpenWindow,
    /// Not a base58 address of 32 bytes.
    #[error("invalid wallet: use a base58 address of 32 bytes")]
    InvalidWallet,
    /// The id is known with other content.
    #[error("this id was used for another entry")]
    IdConflict,
}

impl JoinRejection {
    /// HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            JoinRejection::Paused => 503,
            JoinRejection::RateLimited { .. } => 429,
            JoinRejection::Unauthorized => 401,
            JoinRejection::IdConflict => 409,
            JoinRejection::MalformedJson
            | JoinRejection::InvalidPayload(_)
            | JoinRejection::InvalidId
            | JoinRejection::InvalidDirection
            | JoinRejection::InvalidMarket
            | JoinRejection::FeedMismatch
            | JoinRejection::InvalidStake { .. }
            | JoinRejection::InvalidRoundId
            | JoinRejection::InvalidRoundStart
            | JoinRejection::InvalidRoundEnd
            | JoinRejection::OutsideOpenWindow
            | JoinRejection::InvalidWallet => 400,
        }
    }

    /// The code that clients can rely on.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            JoinRejection::Paused => "joins_paused",
            JoinRejection::RateLimited { .. } => "rate_limited",
            JoinRejection::Unauthorized => "unauthorized",
            JoinRejection::MalformedJson => "malformed_json",
            JoinRejection::InvalidPayload(_) | JoinRejection::InvalidId => "invalid_payload",
            JoinRejection::InvalidDirection => "invalid_direction",
            JoinRejection::InvalidMarket => "invalid_market",
            JoinRejection::FeedMismatch => "market_feed_mismatch",
            JoinRejection::InvalidStake { .. } => "invalid_stake_tier",
            JoinRejection::InvalidRoundId => "invalid_round_id",
            JoinRejection::InvalidRoundStart => "invalid_round_start",
            JoinRejection::InvalidRoundEnd => "invalid_round_end",
            JoinRejection::OutsideOpenWindow => "outside_open_window",
            JoinRejection::InvalidWallet => "invalid_wallet",
            JoinRejection::IdConflict => "entry_id_conflict",
        }
    }

    /// The audit event (docs/spec/rounds.md 4.14).
    #[must_use]
    pub fn event(&self) -> &'static str {
        match self {
            JoinRejection::Paused => "join.paused_by_flag",
            JoinRejection::RateLimited { .. } => "join.rate_limited",
            JoinRejection::Unauthorized => "join.unauthorized",
            JoinRejection::MalformedJson | JoinRejection::InvalidPayload(_) | JoinRejection::InvalidId => {
                "join.invalid_payload"
            }
            JoinRejection::InvalidDirection => "join.invalid_direction",
            JoinRejection::InvalidMarket => "join.invalid_market",
            JoinRejection::FeedMismatch => "join.market_feed_mismatch",
            JoinRejection::InvalidStake { .. } => "join.invalid_stake_tier",
            JoinRejection::InvalidRoundId => "join.invalid_round_id",
            JoinRejection::InvalidRoundStart => "join.invalid_round_start",
            JoinRejection::InvalidRoundEnd => "join.invalid_round_end",
            JoinRejection::OutsideOpenWindow => "join.outside_open_window",
            JoinRejection::InvalidWallet => "join.invalid_wallet",
            JoinRejection::IdConflict => "join.id_conflict",
        }
    }
}
