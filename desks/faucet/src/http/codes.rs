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
    ACCOUNT_LOCKED = "account_locked", TOO_MANY_REQUESTS,
        "Too many wrong passwords; the account is locked for a while.",
        "Five wrong passwords within 15 minutes lock an e-mail for 15 minutes, whoever has it.",
        "Wait for the seconds in Retry-After, or let another administrator act.";
    ALREADY_REVIEWED = "already_reviewed", CONFLICT,
        "The flag was reviewed before.",
        "A review is final.",
        "Read the flag again; raise the matter with whoever reviewed it.";
    BOOST_DISABLED = "boost_disabled", BAD_REQUEST,
        "The boost for token holders is switched off.",
        "The operator has not enabled it.",
        "Nothing to do: every player earns the same.";
    BURN_ADDRESS = "burn_address", BAD_REQUEST,
        "Nobody can spend from this address.",
        "It is a burn address, or nobody can hold its key; money sent there is lost.",
        "Send the address of a wallet of your own.";
    CYCLE_BUSY = "cycle_busy", CONFLICT,
        "Another run is under way.",
        "Only one accrual or settlement runs at a time, and the present one takes longer than we wait.",
        "Try again once it has ended; /admin/scheduler/status shows it.";
    DEMO_OFF = "demo_off", FORBIDDEN,
        "The demonstration is off.",
        "It exists in dry-run with DEMO_MODE only, and never where real money moves.",
        "Start a server of your own with P2S_DRY_RUN=true and DEMO_MODE=1.";
    DONATIONS_EXIST = "donations_exist", CONFLICT,
        "Donations were rebuilt before.",
        "Rows of an earlier rebuild exist.",
        "Send \"force\": true to go over the history again; no block counts twice.";
    EPIC_IN_USE = "epic_in_use", CONFLICT,
        "The Epic account earns for another player.",
        "One Epic account earns for one Discord account.",
        "Sign in with the Discord account that has it, or ask an administrator.";
    INVALID_ADDRESS = "invalid_address", BAD_REQUEST,
        "Invalid Banano address",
        "Prefix, length, characters or checksum are wrong.",
        "Copy the whole address from the wallet.";
    INVALID_INTERVAL = "invalid_interval", BAD_REQUEST,
        "The interval is out of range.",
        "Intervals last from 30 seconds to a week.",
        "Send whole seconds in that range.";
    INVALID_NONCE = "invalid_nonce", BAD_REQUEST,
        "The message's nonce does not count.",
        "It was not given to this player, has expired, or was used before.",
        "Ask /me/verify-solana/nonce for a new text and sign that.";
    INVALID_PROOF = "invalid_proof", BAD_REQUEST,
        "The proof of the Solana wallet does not hold.",
        "Address, message, time or signature are wrong; the message says which.",
        "Ask /me/verify-solana/nonce for the text, sign exactly that, and send it within 300 seconds.";
    INVALID_SEED = "invalid_seed", BAD_REQUEST,
        "The seed cannot be used.",
        "A seed is 64 hexadecimal digits, and an operator's key is set once.",
        "Correct what the message names. The seed itself is never shown or logged.";
    INVALID_SETTING = "invalid_setting", BAD_REQUEST,
        "A value is out of range.",
        "The message names the field and what it takes.",
        "Correct the field and send the request again.";
    INVALID_SORT = "invalid_sort", BAD_REQUEST,
        "The list cannot be sorted so.",
        "sort takes created_at, amount_ban or status, with a minus sign for the other direction.",
        "Send one of them.";
    INVALID_STATE = "invalid_state", BAD_REQUEST,
        "The sign-in does not count.",
        "Its state is not ours, took longer than ten minutes or was used before, or Discord refuses the code.",
        "Begin again at /auth/discord/login.";
    NOT_HELD = "not_held", CONFLICT,
        "The player is not held.",
        "No suspicion keeps the player's payouts, or somebody has lifted the hold already.",
        "Nothing to do: look at the player's standing.";
    NO_ACCOUNT = "no_account", BAD_REQUEST,
        "There is no operator wallet.",
        "The operator's seed was never set.",
        "Set it with POST /admin/config/operator-seed.";
    NODE_UNAVAILABLE = "node_unavailable", BAD_GATEWAY,
        "The node gave no usable answer.",
        "It is down, overloaded, or not the node that it should be.",
        "Look at BANANO_NODE_RPC and try again.";
    OPERATOR_SEED_MISSING = "operator_seed_missing", INTERNAL_SERVER_ERROR,
        "There is no operator wallet to pay from.",
        "The operator's seed was never set.",
        "Set it with POST /admin/config/operator-seed.";
    PAYMENTS_UNADOPTED = "payments_unadopted", CONFLICT,
        "Payouts stay halted: payments from before a restore may be missing here.",
        "The wallet paid since the backup, and what it paid counts as unpaid until it is recorded.",
        "On the server, run `bursar faucet adopt-payments --reason TEXT`; it says how payouts go on.";
    PAYOUT_REFUSED = "payout_refused", CONFLICT,
        "The payout cannot be tried again now.",
        "The payouts room refuses it; the message says why.",
        "Follow the message, or look at the payout in the console.";
    RETENTION_TOO_SHORT = "retention_too_short", BAD_REQUEST,
        "Fewer than 8 days cannot be kept.",
        "The weekly cap needs the last 7 days.",
        "Send retention_days of 8 or more.";
    REVERIFY_TOO_SOON = "reverify_too_soon", TOO_MANY_REQUESTS,
        "Your accounts were looked up a moment ago.",
        "Each time asks other services, so a player may ask once a minute.",
        "Wait for the seconds in Retry-After.";
    SCHEDULER_HALTED = "scheduler_halted", CONFLICT,
        "The scheduler is halted.",
        "An administrator halted it, or its switch cannot be read.",
        "Resume it at /admin/switches.";
    SOLANA_IN_USE = "solana_in_use", CONFLICT,
        "Another player has verified this Solana wallet.",
        "One wallet boosts one player.",
        "Verify a wallet of your own.";
    SUPERSEDED = "superseded", CONFLICT,
        "The payout does not own its accruals any more.",
        "A newer payout pays them, or has.",
        "Nothing to do: look at the player's newer payouts.";
    SWITCH_HELD = "switch_held", CONFLICT,
        "The switch's row runs, but an environment variable holds it stopped.",
        "A stop in the environment counts for as long as the process that has it.",
        "Remove the variable named in `variable` and start the server again.";
    TOO_MANY_READERS = "too_many_readers", SERVICE_UNAVAILABLE,
        "Too many follow the log already.",
        "At most 16 streams of the log are open at a time.",
        "Close one, or read /admin/logs/recent.";
    UNKNOWN_PAYOUT = "unknown_payout", NOT_FOUND,
        "No payout has this id.",
        "It never existed or was pruned.",
        "Look it up in the player's list.";
    UNKNOWN_FLAG = "unknown_flag", NOT_FOUND,
        "No flag has this id.",
        "It never existed or was pruned.",
        "Look it up at /admin/flags.";
    UNKNOWN_PLAYER = "unknown_player", NOT_FOUND,
        "No such player.",
        "Nobody signed in with this Discord account, or the player was erased.",
        "Check the id; a player appears with the first sign-in.";
    UPSTREAM_UNAVAILABLE = "upstream_unavailable", BAD_GATEWAY,
        "A service that we need gave no usable answer.",
        "Discord, Yunite or the Solana node is down, limits us, or refuses our key.",
        "Try again in a minute; operators find the cause in the log.";
}
