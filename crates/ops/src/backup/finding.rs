//! What is wrong with a backup, in a stable code and in words.

use serde::{Serialize, Serializer, ser::SerializeStruct};

/// One thing that is not as it was when the backup was made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Finding {
    /// The manifest or its seal is not there.
    #[error("{0} is missing")]
    ManifestMissing(&'static str),
    /// The manifest does not read as one.
    #[error("the manifest does not read: {0}")]
    ManifestUnreadable(String),
    /// The manifest is not the one that was sealed.
    #[error("the manifest does not fit its seal: it was edited or damaged")]
    SealBroken,
    /// A part is not there.
    #[error("{0} is missing")]
    PartMissing(String),
    /// There is a file that the manifest does not name.
    #[error("{0} is not in the manifest")]
    PartUnexpected(String),
    /// A part has nothing in it.
    #[error("{0} is empty")]
    PartEmpty(String),
    /// A part has another size.
    #[error("{part} has {bytes} bytes instead of {expected}: it was cut or overwritten")]
    PartSize {
        /// Which.
        part: String,
        /// Bytes that it has.
        bytes: u64,
        /// Bytes that the manifest says.
        expected: u64,
    },
    /// A part has another hash.
    #[error("{0} has another hash than in the manifest: bits of it were changed")]
    PartAltered(String),
    /// A part does not decrypt or decode.
    #[error("{part} cannot be read back: {why}")]
    PartUnreadable {
        /// Which.
        part: String,
        /// Why.
        why: String,
    },
    /// The rows could not be put into tables.
    #[error("{table} cannot be restored: {why}")]
    TableRefused {
        /// Which.
        table: String,
        /// Why.
        why: String,
    },
    /// A restored table does not hold the rows that were backed up.
    #[error("{table} holds {rows} rows with another hash instead of the {expected} that were backed up")]
    TableDiffers {
        /// Which.
        table: String,
        /// Rows after the restore.
        rows: u64,
        /// Rows in the manifest.
        expected: u64,
    },
    /// A number that a table gives out could be given out again.
    #[error("{0} would give out numbers again that it has given out")]
    SerialBehind(String),
    /// An asset's totals are not those of the manifest.
    #[error("the totals of {asset} are {found} instead of {expected}")]
    TotalsDiffer {
        /// Which.
        asset: String,
        /// Debits and credits after the restore.
        found: String,
        /// Debits and credits in the manifest.
        expected: String,
    },
    /// An asset's accounts do not sum to zero.
    #[error("the accounts of {asset} sum to {sum} instead of 0")]
    NotZero {
        /// Which.
        asset: String,
        /// The sum, in base units.
        sum: String,
    },
    /// An account is not what its transfers make it.
    #[error("account {account}: {why}")]
    AccountDiffers {
        /// Its number.
        account: i64,
        /// What differs.
        why: String,
    },
    /// The audit log is not as it was recorded.
    #[error("the audit log: {0}")]
    Audit(String),
    /// Something of one desk does not add up.
    #[error("{desk}: {why}")]
    Desk {
        /// Which.
        desk: &'static str,
        /// What.
        why: String,
    },
}

impl Finding {
    /// A stable word for scripts.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Finding::ManifestMissing(_) => "manifest_missing",
            Finding::ManifestUnreadable(_) => "manifest_unreadable",
            Finding::SealBroken => "manifest_edited",
            Finding::PartMissing(_) => "part_missing",
            Finding::PartUnexpected(_) => "part_unexpected",
            Finding::PartEmpty(_) => "part_empty",
            Finding::PartSize { .. } => "part_truncated",
            Finding::PartAltered(_) => "part_altered",
            Finding::PartUnreadable { .. } => "part_unreadable",
            Finding::TableRefused { .. } => "table_refused",
            Finding::TableDiffers { .. } => "table_differs",
            Finding::SerialBehind(_) => "serial_behind",
            Finding::TotalsDiffer { .. } => "totals_differ",
            Finding::NotZero { .. } => "ledger_not_zero",
            Finding::AccountDiffers { .. } => "account_differs",
            Finding::Audit(_) => "audit_chain",
            Finding::Desk { .. } => "desk",
        }
    }
}

impl Serialize for Finding {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut finding = serializer.serialize_struct("Finding", 2)?;
        finding.serialize_field("code", self.code())?;
        finding.serialize_field("text", &self.to_string())?;
        finding.end()
    }
}
