//! The one hash function of the protocol, BLAKE2b, at the lengths that it is used in.

use blake2::digest::consts::{U5, U8, U32};
use blake2::{Blake2b, Digest};

fn blake2b<D: Digest>(parts: &[&[u8]]) -> D {
    parts.iter().fold(D::new(), |digest, part| digest.chain_update(part))
}

/// BLAKE2b-256 of the parts in a row.
pub(crate) fn blake2b_256(parts: &[&[u8]]) -> [u8; 32] {
    blake2b::<Blake2b<U32>>(parts).finalize().into()
}

/// BLAKE2b-64 of the parts in a row.
pub(crate) fn blake2b_64(parts: &[&[u8]]) -> [u8; 8] {
    blake2b::<Blake2b<U8>>(parts).finalize().into()
}

/// BLAKE2b-40 of the parts in a row.
pub(crate) fn blake2b_40(parts: &[&[u8]]) -> [u8; 5] {
    blake2b::<Blake2b<U5>>(parts).finalize().into()
}
