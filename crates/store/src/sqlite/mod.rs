//! The embedded engine: one SQLite file with one writer, a pool of readers and one owner of checkpoints.

mod checkpoint;
mod connection;
mod engine;

pub use connection::{Connection, classify};
pub use engine::{SqliteEngine, SqliteOptions};
