//! The refusals of this API, as callers see them.

use axum::http::StatusCode;
use bursar_web::platform_codes::IDEMPOTENCY_KEY_REUSED;
use bursar_web::{ApiError, ErrorCode};

use super::guard::status_of;
use crate::Rejection;

/// Seconds after which a caller may come back to payouts that are stopped, or a wallet that waits to be matched: it takes a
/// person.
const STOPPED_S: u64 = 30;

macro_rules! codes {
    ($($code:literal, $status:ident, $summary:literal, $cause:literal, $remedy:literal;)*) => {
        /// Every code that these routes add to the platform's.
        pub(super) static CODES: &[ErrorCode] = &[$(
            ErrorCode {
                code: $code,
                status: StatusCode::$status,
                summary: $summary,
                cause: $cause,
                remedy: $remedy,
            }
        ),*];
    };
}

codes! {
    "above_payment_max", CONFLICT,
        "The payout is larger than one payment of this wallet may be.",
        "The operator set a largest payment for the wallet's key.",
        "Pay less, or have the operator change the key's policy.";
    "approval_needed", CONFLICT,
        "Other people must approve this.",
        "A policy asks for approvals that this API does not take.",
        "Have the operator make the payout, or change the policy.";
    "burn_address", BAD_REQUEST,
        "Nobody can spend from this address.",
        "It is a burn address, or nobody can hold its key; money sent there is lost.",
        "Send the address of a wallet that somebody has.";
    "insufficient_funds", CONFLICT,
        "The wallet's funds do not hold enough.",
        "Payouts of this API are paid from funds that the operator fills; those under way hold their part of it.",
        "Pay less, or have the operator fill the funds with `bursar payouts fund`.";
    "invalid_address", BAD_REQUEST,
        "The destination is no address of the wallet's chain.",
        "Prefix, length, characters or checksum are wrong.",
        "Copy the whole address from the wallet of whoever is to be paid.";
    "key_not_found", NOT_FOUND,
        "The wallet's signing key is gone.",
        "A wallet pays with the key of its name.",
        "Ask the operator.";
    "key_retired", CONFLICT,
        "The wallet's signing key was retired for good.",
        "Its operator replaced it.",
        "Use the wallet that took its place.";
    "key_without_policy", CONFLICT,
        "The wallet's signing key may sign nothing yet.",
        "A key without a policy signs nothing.",
        "Have the operator set one with `bursar keys policy`.";
    "other_asset", CONFLICT,
        "The wallet pays in another asset.",
        "Each wallet pays in one asset.",
        "Name that asset, or a wallet of the one that is to be paid.";
    "own_wallet", BAD_REQUEST,
        "The destination is the wallet that pays.",
        "A wallet does not pay itself.",
        "Name the account of whoever is to be paid.";
    "payout_not_found", NOT_FOUND,
        "There is no payout of this id.",
        "The id is wrong, the payout is another desk's, or it was not asked for over this API.",
        "Look it up in the list, by your key for it.";
    "payout_too_late", CONFLICT,
        "The payout cannot be taken back any more.",
        "Something is signed for it, or it has ended; `state` says which.",
        "Wait for its end.";
    "payouts_not_open", CONFLICT,
        "The desk pays for no caller from outside now.",
        "It runs in dry-run, is switched off, or has not opened its wallets to this API.",
        "Ask its operator.";
    "payouts_stopped", SERVICE_UNAVAILABLE,
        "Payouts are stopped.",
        "An operator stopped them, or the state of a switch is unknown.",
        "Ask again with the same key once they run; nothing was accepted.";
    "wallet_unmatched", SERVICE_UNAVAILABLE,
        "The wallet is not matched with its chain since a restore.",
        "Its server fell back to a backup, so a payout that counts as unpaid here may have been paid.",
        "Ask again with the same key once an operator has matched it; nothing was changed. A payout that \
         stays held since then is released or cancelled by an operator.";
    "wallet_not_found", NOT_FOUND,
        "The desk of this token has no such wallet.",
        "The name is wrong, or the wallet is another desk's.",
        "Ask the operator for the wallet's name.";
}

/// A rejection as an answer: its text, its stable code, and what a program needs of it.
pub(super) fn refused(rejection: &Rejection) -> ApiError {
    let error = ApiError::new(status_of(rejection), rejection.code(), rejection.to_string());
    match rejection {
        Rejection::KeyReused { stored, given } => {
            ApiError::because(&IDEMPOTENCY_KEY_REUSED, error.message().to_owned())
                .with_detail("storedHash", stored.as_str())
                .with_detail("givenHash", given.as_str())
        }
        Rejection::TooLate(state) => error.with_detail("state", state.name()),
        Rejection::Stopped { .. } | Rejection::WalletUnmatched => error.with_retry_after(STOPPED_S),
        _ => error,
    }
}

/// A payout that was there a moment ago is not.
pub(super) fn lost() -> ApiError {
    ApiError::fault(&std::io::Error::other("a payout that was just written is not there"))
}

#[cfg(test)]
mod tests {
    use bursar_chain::AddressError;
    use bursar_money::{Amount, Asset};
    use bursar_web::platform_codes::PLATFORM_CODES;

    use super::*;
    use crate::IntentState;

    /// Whether a caller can look the code up.
    fn is_registered(code: &str) -> bool {
        let of_platform = PLATFORM_CODES.iter().any(|known| known.code == code);
        of_platform || CODES.iter().any(|known| known.code == code)
    }

    #[test]
    fn every_refusal_that_a_caller_can_meet_has_a_page() {
        let met = [
            Rejection::Access(bursar_access::Rejection::Unauthorized),
            Rejection::Access(bursar_access::Rejection::ApprovalNeeded { needed: 1, given: 0 }),
            Rejection::Key(bursar_keys::Rejection::KeyUnknown),
            Rejection::Key(bursar_keys::Rejection::KeyRetired),
            Rejection::Key(bursar_keys::Rejection::NoPolicy),
            Rejection::Key(bursar_keys::Rejection::OtherAsset(Asset::Banano)),
            Rejection::Key(bursar_keys::Rejection::AbovePaymentMax { max: Amount::ZERO }),
            Rejection::Invalid { field: "reason", rule: "r" },
            Rejection::Address(AddressError::Malformed),
            Rejection::Address(AddressError::Checksum),
            Rejection::Address(AddressError::Unspendable),
            Rejection::OwnWallet,
            Rejection::KeyReused { stored: "a".into(), given: "b".into() },
            Rejection::WalletUnknown,
            Rejection::OtherAsset(Asset::Banano),
            Rejection::InsufficientFunds,
            Rejection::Stopped { switch: "payouts" },
            Rejection::NotOpen("why"),
            Rejection::Unknown,
            Rejection::TooLate(IntentState::Signed),
            Rejection::WalletUnmatched,
        ];
        for rejection in met {
            let error = refused(&rejection);
            assert!(is_registered(error.code()), "{}", error.code());
            assert_eq!((error.code(), error.status().as_u16()), (rejection.code(), rejection.status()));
        }
    }

    #[test]
    fn a_key_that_was_used_for_another_payout_shows_both_hashes() {
        let error = refused(&Rejection::KeyReused { stored: "aa".into(), given: "bb".into() });
        let details = error.details();
        assert_eq!((&details["storedHash"], &details["givenHash"]), (&"aa".into(), &"bb".into()));
        let stopped = refused(&Rejection::Stopped { switch: "payouts" });
        assert_eq!((stopped.status().as_u16(), stopped.retry_after_s()), (503, Some(30)));
    }
}
