//! Why somebody is not who they would have to be.

use bursar_store::StoreError;

use crate::upstream::{NoData, Unavailable};

/// A refusal that is the caller's doing, or at least not ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentityRejection {
    /// The state is not ours, too old, or was used before.
    #[error(
        "the sign-in was not begun here, took too long or was used before; begin again at /auth/discord/login"
    )]
    BadState,
    /// Discord does not know the code.
    #[error("Discord does not accept the code; begin again at /auth/discord/login")]
    BadCode,
    /// Not a member of the guild.
    #[error("the Discord account is not in the community's server; join it and sign in again")]
    NotInGuild,
    /// No Epic account is linked.
    #[error("no Epic account is linked; link one with Yunite and sign in again")]
    NoEpicAccount,
    /// The Epic account belongs to another player.
    #[error(
        "the Epic account already earns for another player; sign in with the Discord account that has it"
    )]
    EpicInUse,
    /// No player has this Discord account.
    #[error("no player has this Discord account; sign in first")]
    UnknownUser,
    /// Not an address.
    #[error("Invalid Banano address")]
    InvalidAddress,
    /// Nobody has the key of the address.
    #[error("nobody can spend from this address, so money sent there is lost; use the address of a wallet")]
    BurnAddress,
    /// Not a Solana address.
    #[error("Invalid Solana address")]
    InvalidSolanaAddress,
    /// The message is not what has to be signed.
    #[error("Invalid message format; ask /me/verify-solana/nonce for the text to sign")]
    InvalidMessage,
    /// The message names another wallet.
    #[error("the message names another wallet than the one that is to be verified")]
    WalletMismatch,
    /// The message is too old, or from the future.
    #[error("the message's timestamp is more than 300 s away; sign a new one")]
    MessageExpired,
    /// The signature is not that of the wallet over the message.
    #[error("Invalid signature")]
    InvalidSignature,
    /// The message's nonce was not given to this player, or was used before.
    #[error("the message's nonce was not given to you, has expired or was used before; ask for a new one")]
    InvalidNonce,
    /// The wallet belongs to another player.
    #[error("this Solana wallet was verified by another player")]
    SolanaInUse,
    /// Holding tokens brings nothing here.
    #[error("the boost for token holders is switched off")]
    BoostDisabled,
    /// Looked up a moment ago.
    #[error("your accounts were looked up a moment ago; try again later")]
    TooSoon {
        /// Seconds until they may be looked up again.
        retry_after_s: u64,
    },
    /// Wrong e-mail or password, or no administrator.
    #[error("these are no credentials of an administrator")]
    NotAdmin,
    /// Too many wrong passwords.
    #[error("too many wrong passwords; try again later")]
    Locked {
        /// Seconds until the next try counts.
        retry_after_s: u64,
    },
}

/// A failure that nobody outside can help.
#[derive(Debug, thiserror::Error)]
pub enum IdentityFault {
    /// A service gave no answer.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// A service's answer tells nothing.
    #[error(transparent)]
    NoData(#[from] NoData),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Something of ours does not work.
    #[error("{0}")]
    Internal(String),
}

/// What came of a wish.
pub type Outcome<T> = Result<Result<T, IdentityRejection>, IdentityFault>;
