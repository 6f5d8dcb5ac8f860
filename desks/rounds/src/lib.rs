//! UP/DOWN price rounds with pooled stakes (docs/spec/rounds.md).

pub mod market;
pub mod oracle;
