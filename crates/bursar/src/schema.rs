//! Every migration of every room and desk, in the order of their dependence.

use bursar_store::{EngineKind, Migration};

/// The migrations of the platform's rooms, which every desk stands on.
#[must_use]
pub fn rooms(engine: EngineKind) -> Vec<Migration> {
    let mut all = bursar_ledger::MIGRATIONS.to_vec();
    all.extend(bursar_audit::MIGRATIONS);
    all.push(bursar_audit::guards(engine));
    all.extend(bursar_control::MIGRATIONS);
    all.extend(bursar_access::MIGRATIONS);
    all.extend(bursar_desk::MIGRATIONS);
    all.extend(bursar_ops::MIGRATIONS);
    all.extend(bursar_keys::MIGRATIONS);
    all.extend(bursar_payouts::MIGRATIONS);
    all.push(bursar_control::ConfigTable::PLATFORM.migration("platform/0000_config", engine));
    all
}

/// All migrations for `engine`, those of the desks included.
#[must_use]
pub fn migrations(engine: EngineKind) -> Vec<Migration> {
    let mut all = rooms(engine);
    all.extend(bursar_rounds::migrations(engine));
    all.extend(bursar_faucet::migrations(engine));
    all
}
