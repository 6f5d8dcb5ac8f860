//! Signers behind HTTP: where they are, how they are called, and what is believed of their answers.

mod client;
mod endpoint;
mod wire;

pub(crate) use client::RemoteSigner;
pub use endpoint::{Credential, Endpoint};
#[cfg(feature = "fuzz")]
pub(crate) use wire::signature;
pub use wire::{HMAC_HEADER, SigningRequest};
