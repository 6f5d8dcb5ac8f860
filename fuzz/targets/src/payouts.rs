//! Lines of the journal of signed payouts.

use bursar_keys::KeyId;

use crate::input::text;

/// Whatever stands in the journal is read as what was written there, or is damage.
pub fn journal_line(bytes: &[u8]) {
    let wallet = KeyId::parse("hot").unwrap();
    bursar_payouts::fuzz::journal_line(bytes, text(bytes).unwrap_or_default(), &wallet);
}
