//! Why nothing was adopted, in words that say what to do next.

use bursar_access::Rejection;
use bursar_chain::ChainError;

/// Why nothing, or nothing more, was adopted. What was recorded before stays, and is known when the verb is repeated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The caller may not, or an approval is missing.
    #[error(transparent)]
    Access(Rejection),
    /// There is no operator's wallet.
    #[error("the faucet has no wallet yet, so nothing was paid from it")]
    NoWallet,
    /// It stands still.
    #[error(
        "the wallet stands still ({0}); `bursar payouts wallets` shows it. Match it first, so that what the chain holds is \
         booked, then repeat this"
    )]
    WalletStill(String),
    /// The chain gave no answer.
    #[error("the chain gave no answer: {0}. Look at the nodes, and repeat this; nothing was recorded")]
    Chain(ChainError),
    /// The history is longer than is read.
    #[error(
        "none of the newest {0} blocks of the wallet is known from before the restore, so it cannot be told which of its \
         sends are missing here; nothing was recorded. Restore a newer backup"
    )]
    TooFar(usize),
    /// The records know no block of the account.
    #[error(
        "the records know no block of the wallet from before the restore, so its sends may be older than this faucet; \
         nothing was recorded. If every send of the wallet is a payment of this faucet, add --from-the-beginning"
    )]
    NoKnownBlock,
    /// Something came up meanwhile.
    #[error("something changed meanwhile; repeat this")]
    Changed,
}

impl Refusal {
    /// A stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Refusal::Access(rejection) => rejection.code(),
            Refusal::NoWallet => "wallet_unknown",
            Refusal::WalletStill(_) => "wallet_still",
            Refusal::Chain(_) => "chain_silent",
            Refusal::TooFar(_) => "history_too_long",
            Refusal::NoKnownBlock => "no_known_block",
            Refusal::Changed => "changed_meanwhile",
        }
    }
}
