//! What the fuzz targets call: reading a credential that a caller presents.

use crate::CredentialId;
use crate::secret::{Presented, Purpose};

/// The public part of `text`, when it is a token, a session or a bootstrap code.
#[must_use]
pub fn presented(text: &str) -> Option<CredentialId> {
    let purposes = [Purpose::Token, Purpose::Session, Purpose::Bootstrap];
    purposes.into_iter().find_map(|purpose| Presented::read(purpose, text)).map(|presented| presented.id)
}
