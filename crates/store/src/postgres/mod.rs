//! The shared engine: connections to PostgreSQL, its statements and its errors.

pub mod codec;
mod connection;
mod tls;

pub use connection::{Connection, PostgresEngine, classify, session};
