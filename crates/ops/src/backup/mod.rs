//! Backups: made from one snapshot, proven by restoring them, restored into a new database of either engine.

mod cell;
mod column;
mod create;
mod encoding;
mod error;
mod finding;
mod folder;
#[cfg(feature = "fuzz")]
pub mod fuzz;
mod inspect;
mod key;
mod ledger_check;
mod manifest;
mod name;
mod object_store;
mod observed;
mod part;
mod program;
mod proof;
mod record;
mod restore;
mod retention;
mod schema;
mod scratch;
mod sealing;
mod sink;
mod source;
mod target;
mod verify;

pub use create::{CreateRequest, Created, create};
pub use error::BackupError;
pub use finding::Finding;
pub use folder::Folder;
pub use inspect::{Lock, manifest_of};
pub use key::{BackupKey, KeyError};
pub use manifest::{AssetTotals, Encryption, MANIFEST, Manifest, SEAL, Step, TablePart};
pub use name::{BackupName, NameError};
pub use object_store::{
    ObjectPlace, ObjectPlaceError, ObjectStore, ObjectStoreRefusal, ObjectStoreSettings, Patience,
};
pub use program::{DeskCheck, Program};
pub use record::{
    Generation, Work, WorkRow, generations, note_failure, note_success, proven_backups, work_rows,
};
pub use restore::{RestoreRequest, Restored, restore};
pub use retention::{Retention, kept, removable, remove};
pub use target::{Draft, DraftFile, StoredFile, Target};
pub use verify::{Verified, VerifyRequest, verify};
