//! Banano: keys, addresses, blocks, proof of work, the node's RPC, and the chain as payouts use it.
//!
//! [`Banano`] implements [`bursar_chain::Chain`]. Account and previous block are the slot: of all blocks that name the
//! same previous block at most one ever becomes final, a signed block never expires, and so the only proof that one is
//! dead is another, final one in its place.
//!
//! Nodes are not believed where they can be checked. Above all an account's balance is never a node's word: it is read
//! from the block whose hash is the frontier, signed by the account. A send states the balance that *remains*, so a
//! wrong one would send a wrong amount.

mod address;
pub mod ban;
mod block;
mod chain;
mod digest;
mod hexadecimal;
mod keys;
mod nodes;
pub mod rpc;
mod wire;
pub mod work;

pub use address::PREFIX;
pub use block::{BlockHash, BlockHashError, Head, SignedBlock, StateBlock, Subtype};
pub use chain::{Banano, Settings};
pub use keys::{
    LocalSigner, PublicKey, PublicKeyError, SecretKey, Seed, SeedError, Signature, SignatureError,
};
pub use nodes::{Asking, NODES_MAX, NodeSet, NodeSetError};
pub use wire::BlockTextError;
