//! The error codes that the desk adds to the platform's.

use axum::http::StatusCode;
use bursar_web::ErrorCode;

macro_rules! codes {
    ($($constant:ident = $code:literal, $status:ident, $summary:literal, $cause:literal, $remedy:literal;)*) => {
        $(
            pub(super) const $constant: ErrorCode = ErrorCode {
                code: $code,
                status: StatusCode::$status,
                summary: $summary,
                cause: $cause,
                remedy: $remedy,
            };
        )*
        /// Every code of the desk.
        pub(super) static CODES: &[ErrorCode] = &[$($constant),*];
    };
}

codes! {
    ENTRY_ID_CONFLICT = "entry_id_conflict", CONFLICT,
        "This id was used for another entry.",
        "An entry id names one entry for ever; this one has another round, wallet, direction or stake.",
        "Send a new id for a new entry, or the first content again to learn what became of it.";
    HELD_BY_ENVIRONMENT = "held_by_environment", CONFLICT,
        "The switch's row runs, but an environment variable still holds it stopped.",
        "A stop in the environment counts for as long as the process that has it.",
        "Remove the variable named in `variables` and start the server again.";
    INVALID_DIRECTION = "invalid_direction", BAD_REQUEST,
        "The direction is neither UP nor DOWN.",
        "Both words are written in capitals.",
        "Send UP or DOWN.";
    INVALID_MARKET = "invalid_market", BAD_REQUEST,
        "There is no such market.",
        "The markets are SOL, BTC, ETH, XRP, PEPE and BONK, written exactly so.",
        "Send one of them.";
    INVALID_PAYLOAD = "invalid_payload", BAD_REQUEST,
        "A field is missing or has the wrong type.",
        "The message names the field.",
        "Compare the request with the operation's description in /docs and send it again.";
    INVALID_ROUND_END = "invalid_round_end", BAD_REQUEST,
        "The end does not fit the start.",
        "A round ends 360 s after its start.",
        "Send roundEndMs = roundStartMs + 360000.";
    INVALID_ROUND_ID = "invalid_round_id", BAD_REQUEST,
        "The round id does not fit market and start.",
        "It is MARKET-START-5m, the start in Unix seconds.",
        "Make the id from the market and the start that you send.";
    INVALID_ROUND_START = "invalid_round_start", BAD_REQUEST,
        "No round starts at this time.",
        "Rounds start every 120 s, counted from the Unix epoch.",
        "Send a start that is a multiple of 120000 ms.";
    INVALID_STAKE_TIER = "invalid_stake_tier", BAD_REQUEST,
        "The stake is not one of the tiers that are enabled.",
        "Tiers are 5, 10, 25, 50, 100 and 250; an operator may have set a lower highest tier.",
        "Send one of the tiers up to the one named in the message.";
    INVALID_WALLET = "invalid_wallet", BAD_REQUEST,
        "The wallet is not an address.",
        "An address is base58 text that stands for 32 bytes.",
        "Send the wallet's address as its wallet shows it.";
    JOINS_PAUSED = "joins_paused", SERVICE_UNAVAILABLE,
        "Joins are paused.",
        "An operator has stopped them, or their switch cannot be read.",
        "Look at /api/status and try again once joinsPaused is false.";
    MARKET_FEED_MISMATCH = "market_feed_mismatch", BAD_REQUEST,
        "The feed id is not that of the market.",
        "Each market has one price feed.",
        "Send the feed id that belongs to the market.";
    OUTSIDE_OPEN_WINDOW = "outside_open_window", BAD_REQUEST,
        "The round is not open for entries.",
        "Entries are taken from the start of a round for 60 s, by the server's clock.",
        "Join the round that is open now.";
    PRICE_UNAVAILABLE = "price_unavailable", SERVICE_UNAVAILABLE,
        "No price can be had.",
        "The price service fails, and the last price seen is older than ten minutes.",
        "Try again later; operators: look at HERMES_URL and the price service.";
    ROUNDS_PENDING = "rounds_pending", CONFLICT,
        "Joins stay paused: overdue rounds wait to be settled first.",
        "Joins come back last, once settlement is proven to work.",
        "Resume settlement and wait until nothing is pending, or send \"force\": true.";
    SETTLEMENT_PAUSED = "settlement_paused", SERVICE_UNAVAILABLE,
        "Settlement is paused.",
        "An operator has stopped it, or its switch cannot be read.",
        "Resume it with `bursar ops resume sim-settlement`; overdue rounds are then settled at their own prices.";
    TREASURY_MISMATCH = "treasury_mismatch", INTERNAL_SERVER_ERROR,
        "Settlement refused: the treasury wallet is not the expected one.",
        "The configured fee wallet differs from PANCHO_EXPECTED_TREASURY_WALLET; nothing was posted.",
        "Correct whichever of the two is wrong and start the server again; the rounds wait.";
    WORKER_SILENT = "worker_silent", CONFLICT,
        "Joins stay paused: nobody settles.",
        "No living server has followed the settlement job for `silentMs` milliseconds; joins come back last.",
        "Start a server, wait until `bursar ops health` is good, or send \"force\": true.";
}

#[cfg(test)]
mod tests {
    use bursar_web::ErrorRegistry;

    use super::*;
    use crate::join::JoinRejection;

    #[test]
    fn every_refusal_of_a_join_has_a_page_with_its_status() {
        let mut registry = ErrorRegistry::new();
        registry.register("rounds", CODES).unwrap();
        let rejections = [
            JoinRejection::Paused,
            JoinRejection::MalformedJson,
            JoinRejection::InvalidPayload("id"),
            JoinRejection::InvalidId,
            JoinRejection::InvalidDirection,
            JoinRejection::InvalidMarket,
            JoinRejection::FeedMismatch,
            JoinRejection::InvalidStake { max_bucks: 250 },
            JoinRejection::InvalidRoundId,
            JoinRejection::InvalidRoundStart,
            JoinRejection::InvalidRoundEnd,
            JoinRejection::OutsideOpenWindow,
            JoinRejection::InvalidWallet,
            JoinRejection::IdConflict,
        ];
        for rejection in rejections {
            let (_, code) = registry.entries(rejection.code()).next().unwrap();
            assert_eq!(code.status.as_u16(), rejection.status(), "{rejection:?}");
        }
    }
}
