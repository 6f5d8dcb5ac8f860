//! The shared engine: connections to PostgreSQL, its statements and its errors.

pub mod codec;
mod connection;
mod engine;
mod sign_in;
mod tls;

pub use connection::{Connection, classify};
pub use engine::PostgresEngine;
pub use sign_in::session;
