//! What a payout machine asks of a chain so that it pays each intent at most once, and once if the chain recovers.
//!
//! Start with [`Chain`]. A payment goes through it like this; what stands in brackets is the machine's own doing:
//!
//! ```text
//! sender_state -> build -> sign -> [store the attempt, commit] -> broadcast -> look_up -> classify
//!                                        ^                            |            |
//!                                        |                            |            +-- Confirmed: [post]
//!                                        +---- same bytes, as often as it takes ---+-- anything else: look again
//!                                                                                  +-- prove_dead: [next attempt]
//! ```
//!
//! Three rules make it safe, and each method says how it keeps them:
//!
//! 1. **Unknown is not dead.** Only [`Chain::prove_dead`] ends an attempt. No error, silence, refusal or absence does.
//! 2. **Bytes before network.** [`Chain::broadcast`] takes a stored attempt and sends its bytes and no others.
//! 3. **Judging is pure.** Asking returns [`Evidence`], which can be stored; judging it does no I/O and reads no clock.
//!
//! Nothing of a chain shows through: transactions, states and evidence are opaque bytes, and whatever a machine must
//! compare is an id in text.
//!
//! The trait is synchronous. Its callers are worker threads beside the lanes, which block on the store as well; pure
//! methods gain nothing from `async`; and a simulator can then drive a chain in one thread, in an order it chooses.

mod chain;
mod error;
mod evidence;
mod history;
mod payment;
mod signer;

pub use chain::Chain;
pub use error::{AddressError, BuildError, ChainError, NotProven, SignError};
pub use evidence::{AccountBalance, DeathProof, Evidence, Finality, Standing};
pub use history::{History, Past};
pub use payment::{Address, Attempt, Incoming, Payment, SenderState, Slot, TransactionId, Unsigned};
pub use signer::Signer;
