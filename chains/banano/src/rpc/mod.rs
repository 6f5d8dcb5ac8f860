//! A node's RPC: HTTP POST of JSON, every value as text, failures as `{"error": text}`.
//!
//! [`NodeClient`] asks typed questions of one node over a [`Transport`], and believes nothing that it can check: a block
//! must have the hash it was asked for by, and the signature of its account.

mod client;
mod error;
mod history;
mod http;
mod past_blocks;
mod peer_work;
mod publish;
mod reply;
mod transport;

pub use client::NodeClient;
pub use error::RpcError;
pub use history::PastReceipt;
pub use http::{HttpNode, HttpNodeError};
pub use past_blocks::{PastBlock, PastSend};
pub use peer_work::PeerWork;
pub use publish::Publication;
pub use reply::{AccountInfo, Balances, BlockInfo, Receivable};
pub use transport::{Answer, BODY_LIMIT_BYTES, Transport, TransportError};
