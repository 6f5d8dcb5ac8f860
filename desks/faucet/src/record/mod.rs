//! The faucet's rows and their SQL, a file for each entity (docs/spec/faucet.md 2.2). Nothing here decides anything.

mod accrual;
mod counted_account;
mod donation;
mod finding;
mod flag;
mod heartbeat;
mod hole;
mod kept_answer;
pub mod listing;
mod number;
mod payout;
mod tally;
mod totals;
mod user;
mod verification;
mod wallet_link;

pub use accrual::Accrual;
pub use counted_account::CountedAccount;
pub use donation::{Donation, KnownDonation};
pub use finding::Finding;
pub use flag::AbuseFlag;
pub use heartbeat::Heartbeat;
pub use hole::Hole;
pub use kept_answer::KeptAnswer;
pub use payout::Payout;
pub use tally::Tally;
pub use totals::Totals;
pub use user::User;
pub use verification::Verification;
pub use wallet_link::WalletLink;

use bursar_store::Sequence;

/// Ids of players.
pub const USERS: Sequence = Sequence("faucet.user");
/// Ids of wallet links.
pub const WALLET_LINKS: Sequence = Sequence("faucet.wallet_link");
/// Ids of verification records.
pub const VERIFICATIONS: Sequence = Sequence("faucet.verification_record");
/// Ids of accruals.
pub const ACCRUALS: Sequence = Sequence("faucet.reward_accrual");
/// Ids of payouts.
pub const PAYOUTS: Sequence = Sequence("faucet.payout");
/// Ids of flags.
pub const FLAGS: Sequence = Sequence("faucet.abuse_flag");
/// Ids of donations.
pub const DONATIONS: Sequence = Sequence("faucet.donation_ledger");
