//! Which database engine a store runs on.

/// The two engines, with one behaviour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EngineKind {
    /// Embedded: one file, one server process.
    Sqlite,
    /// Shared: any number of server processes.
    Postgres,
}
