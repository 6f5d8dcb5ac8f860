//! The scan of token holders after each accrual run (docs/spec/faucet.md 5.6, section 6).

use bursar_desk::job::JobFault;
use bursar_store::{StoreError, Tx};

use crate::CLOCK;
use crate::faucet::Faucet;
use crate::phase::Ran;
use crate::record::User;

/// Holders asked about between two writes.
const PAGE: i64 = 100;

/// Asks for every holder's balance. One that cannot be read stays what it was; only a change is written, and what was read
/// before the process stops is. In a faucet that is configured for dry-run nobody can be asked.
pub fn scan(faucet: &Faucet, is_stopping: &dyn Fn() -> bool) -> Result<Ran, JobFault> {
    let store = &faucet.platform.store;
    if faucet.policy.dry_run {
        return Ok(Ran::Well);
    }
    let mut after = 0;
    loop {
        let holders = store.read("faucet.holders", |tx| User::holders(tx, after, PAGE))?;
        let Some(last) = holders.last().map(|user| user.id).filter(|_| !is_stopping()) else {
            return Ok(Ran::Well);
        };
        after = last;
        let mut changed = Vec::new();
        for holder in holders.iter().take_while(|_| !is_stopping()) {
            let Some(address) = holder.solana_address.as_deref() else { continue };
            let read = faucet.people().tokens.whole_tokens(address).found();
            let balance = read.filter(|balance| *balance != holder.token_balance);
            changed.extend(balance.map(|balance| (holder.id, address, balance)));
        }
        faucet.metrics.hodl_users.add(u64::try_from(holders.len()).unwrap_or(0));
        if !changed.is_empty() {
            let saved = store.transact("faucet.hodl", |tx| save(tx, &changed))?;
            faucet.metrics.hodl_updated.add(saved);
        }
    }
}

/// Whoever has another wallet by now is left for the next scan.
fn save(tx: &mut Tx<'_>, changed: &[(i64, &str, u64)]) -> Result<u64, StoreError> {
    let now = tx.open_clock(CLOCK)?;
    let ids: Vec<i64> = changed.iter().map(|(id, ..)| *id).collect();
    let mut users = User::load(tx, &ids)?;
    users.retain_mut(|user| {
        let read = changed
            .iter()
            .find(|(id, address, _)| *id == user.id && user.solana_address.as_deref() == Some(*address));
        let Some((_, _, balance)) = read else { return false };
        (user.token_balance, user.token_verified_at) = (*balance, Some(now));
        true
    });
    User::save(tx, &users, now)?;
    tx.close_clock(CLOCK, now)?;
    Ok(u64::try_from(users.len()).unwrap_or(0))
}
