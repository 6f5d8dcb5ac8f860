//! Who players and administrators are: signing in, verification, wallets (docs/spec/faucet.md 2.3, 3.1, 3.8, 3.9).
//!
//! Where to begin: [`sign_in`] and [`reverify`] ask the services and write what they say through one transaction
//! ([`verify`]); everything here that says so blocks, so call it from a worker thread.

pub mod admin;
pub mod nonce;
mod refresh;
mod rejection;
mod session;
mod sign_in;
pub mod solana;
pub mod tries;
pub mod verify;
pub mod wallet;

pub use refresh::{Refreshed, refresh};
pub use rejection::{IdentityFault, IdentityRejection, Outcome};
pub use session::Sessions;
pub use sign_in::{reverify, reverify_own, sign_in};
pub use verify::{Found, Source};
