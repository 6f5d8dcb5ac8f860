//! Rejections and faults of the desk's work as answers.

use bursar_web::platform_codes::UNAUTHORIZED;
use bursar_web::{ApiError, ErrorCode};

use super::codes;
use crate::cycles::CycleFault;
use crate::identity::{IdentityFault, IdentityRejection, Outcome};

/// The work's result, or the answer that tells why there is none.
pub(super) fn settled<T>(outcome: Outcome<T>) -> Result<T, ApiError> {
    match outcome {
        Ok(done) => done.map_err(rejected),
        Err(fault) => Err(failed(&fault)),
    }
}

pub(super) fn rejected(rejection: IdentityRejection) -> ApiError {
    if let IdentityRejection::Locked { retry_after_s } = rejection {
        return ApiError::of(&codes::ACCOUNT_LOCKED).with_retry_after(retry_after_s);
    }
    if let IdentityRejection::TooSoon { retry_after_s } = rejection {
        return ApiError::of(&codes::REVERIFY_TOO_SOON).with_retry_after(retry_after_s);
    }
    ApiError::because(code(rejection), rejection.to_string())
}

fn failed(fault: &IdentityFault) -> ApiError {
    match fault {
        IdentityFault::Unavailable(_) | IdentityFault::NoData(_) => {
            ApiError::of(&codes::UPSTREAM_UNAVAILABLE).with_fault(fault)
        }
        IdentityFault::Store(_) | IdentityFault::Internal(_) => ApiError::fault(fault),
    }
}

fn code(rejection: IdentityRejection) -> &'static ErrorCode {
    match rejection {
        IdentityRejection::BadState | IdentityRejection::BadCode => &codes::INVALID_STATE,
        // Whoever signs in is sent to a page for these two; whoever holds a session has lost its player.
        IdentityRejection::NotInGuild | IdentityRejection::NoEpicAccount | IdentityRejection::NotAdmin => {
            &UNAUTHORIZED
        }
        IdentityRejection::EpicInUse => &codes::EPIC_IN_USE,
        IdentityRejection::UnknownUser => &codes::UNKNOWN_PLAYER,
        IdentityRejection::InvalidAddress => &codes::INVALID_ADDRESS,
        IdentityRejection::BurnAddress => &codes::BURN_ADDRESS,
        IdentityRejection::InvalidSolanaAddress
        | IdentityRejection::InvalidMessage
        | IdentityRejection::WalletMismatch
        | IdentityRejection::MessageExpired
        | IdentityRejection::InvalidSignature => &codes::INVALID_PROOF,
        IdentityRejection::InvalidNonce => &codes::INVALID_NONCE,
        IdentityRejection::SolanaInUse => &codes::SOLANA_IN_USE,
        IdentityRejection::BoostDisabled => &codes::BOOST_DISABLED,
        IdentityRejection::Locked { .. } => &codes::ACCOUNT_LOCKED,
        IdentityRejection::TooSoon { .. } => &codes::REVERIFY_TOO_SOON,
    }
}

pub(super) fn cycle_refused(fault: CycleFault) -> ApiError {
    match fault {
        CycleFault::Busy => ApiError::of(&codes::CYCLE_BUSY).with_retry_after(5),
        CycleFault::Store(error) => ApiError::fault(&error),
    }
}
