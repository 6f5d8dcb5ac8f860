//! One transaction API over SQLite and PostgreSQL: typed SQL, migrations, batch time, leases, lanes and a fault layer.
//!
//! Entry points: [`Store::open`], [`Store::transact`] (writes, retried when the engine asks for it), [`Store::read`]
//! (a snapshot that never writes) and [`lane::Lane`] (commands grouped into one transaction).

pub mod clock;
mod engine;
mod error;
pub mod fault;
pub mod lane;
pub mod lease;
mod lease_renewal;
mod migrate;
mod pool;
mod postgres;
pub mod raw;
mod row;
mod sequence;
mod sqlite;
mod statement;
mod stop;
mod store;
mod transaction;
mod url;
mod value;

pub use clock::{Clock, Timestamp};
pub use engine::EngineKind;
pub use error::{SignInRefusal, StoreError};
pub use migrate::{Migration, MigrationState};
pub use row::{FromColumn, Row};
pub use sequence::Sequence;
pub use statement::{Bulk, Lock, Lookup};
pub use stop::{fail_stop, set_fail_stop_handler};
pub use store::{CommitGuard, OpenMode, Store, StoreOptions};
pub use transaction::Tx;
pub use url::{DatabaseUrl, UrlError};
pub use value::{Column, Json, Param};
