//! What the fuzz targets call: lines of the journal.

use bursar_keys::KeyId;
use bursar_store::Timestamp;

use crate::journal;
use crate::send::journaling::row_of;

/// Reads `line` as a line of the journal, and `text` as the contents of one whose checksum is right. A record that is read
/// is written and read as the same one; one whose particulars are no attempt's is an error.
///
/// # Panics
/// It is not.
pub fn journal_line(line: &[u8], text: &str, wallet: &KeyId) {
    let _ = journal::record_in(line);
    let Some(record) = journal::record_in(journal::line_of(text).as_bytes()) else { return };
    let written = serde_json::to_string(&record).map(|json| journal::line_of(&json)).unwrap_or_default();
    assert_eq!(journal::record_in(written.as_bytes()), Some(record.clone()));
    if let Ok(row) = row_of(&record, wallet, Timestamp::from_ms(0)) {
        assert_eq!(
            (hex::encode(&row.transaction.bytes), row.is_imported),
            (record.bytes.to_lowercase(), true)
        );
    }
}
