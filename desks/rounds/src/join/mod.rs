//! Joining a round: the request, the rules, and the lane that applies them to batches.

mod command;
mod decide;
mod rejection;
mod state;
mod work;

pub use command::{BodyFault, ClaimedWallet, JoinCommand, JoinRequest};
pub use decide::{JOIN, Joined, decide};
pub use rejection::JoinRejection;
pub use state::{JoinState, NewEntry};
pub use work::JoinWork;
