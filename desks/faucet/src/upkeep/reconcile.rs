//! Whether everybody's accruals account for the kills between baseline and cursor (F49).

use std::collections::HashMap;

use bursar_desk::job::JobFault;
use bursar_store::{StoreError, Tx};

use super::wallet::watch;
use crate::accrual::player;
use crate::faucet::Faucet;
use crate::phase::Ran;
use crate::record::{Accrual, Finding, Tally, User, WalletLink};
use crate::rules::baseline::Baseline;
use crate::rules::eligibility::Requirements;
use crate::rules::reconciliation::{Account, AccrualRange, Mismatches, reconcile as judge};
use crate::settings::Values;

/// Players compared in one snapshot.
const PAGE: i64 = 500;
/// Players named in a report.
const NAMED_MAX: usize = 50;

/// What a comparison of everybody found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reconciled {
    /// Players compared.
    pub players: u64,
    /// What does not add up, over all of them.
    pub mismatches: Mismatches,
    /// The first players with something wrong.
    pub named: Vec<i64>,
}

/// Compares everybody in the mode in force.
pub fn reconcile(faucet: &Faucet) -> Result<Reconciled, StoreError> {
    let mut found = Reconciled::default();
    let mut after = 0;
    loop {
        let page = faucet.platform.store.read("faucet.reconcile", |tx| page(tx, faucet, after))?;
        let Some((last, _)) = page.last() else { return Ok(found) };
        after = *last;
        for (user, mismatches) in page {
            found.players += 1;
            found.mismatches = found.mismatches.plus(mismatches);
            if mismatches != Mismatches::default() && found.named.len() < NAMED_MAX {
                found.named.push(user);
            }
        }
    }
}

fn page(tx: &mut Tx<'_>, faucet: &Faucet, after: i64) -> Result<Vec<(i64, Mismatches)>, StoreError> {
    let now = tx.reading()?;
    let dry_run = faucet.mode(tx, now)?.dry_run;
    let interval_s = Values::read(tx)?.intervals().accrual_s();
    let ids = Tally::users_after(tx, dry_run, after, PAGE)?;
    let users: HashMap<i64, User> = User::peek(tx, &ids)?.into_iter().map(|user| (user.id, user)).collect();
    let links = WalletLink::of_users(tx, &ids)?;
    let mut rows: HashMap<(i64, u32), Vec<AccrualRange>> = HashMap::new();
    for (user, baseline, range) in Accrual::ranges(tx, &ids, dry_run)? {
        rows.entry((user, baseline)).or_default().push(range);
    }
    let tallies = Tally::peek(tx, &ids, dry_run)?;
    let judged = tallies.iter().filter_map(|tally| {
        let user = users.get(&tally.user_id)?;
        let has_wallet = links.iter().any(|link| link.user_id == user.id && link.is_verified);
        let requirements: Requirements = player(user, has_wallet, Baseline::NONE, None).requirements();
        let rows = rows.get(&(user.id, tally.baseline.number()));
        let account = Account {
            baseline: tally.baseline,
            rows: rows.map_or(&[], Vec::as_slice),
            pruned: &tally.folded.ranges,
            last_reading: tally.last_reading,
            verified_at: user.verified_at.unwrap_or(user.created_at),
            is_read: requirements.missing().is_none(),
        };
        Some((user.id, judge(&account, now, interval_s)))
    });
    Ok(judged.collect())
}

/// Compares players and wallet, and notes what was found.
pub fn reconcile_all(faucet: &Faucet, _: &dyn Fn() -> bool) -> Result<Ran, JobFault> {
    let found = reconcile(faucet)?;
    let detail = format!("{} players compared; players: {:?}", found.players, found.named);
    faucet.platform.store.transact("faucet.reconciled", |tx| {
        let now = tx.reading()?;
        for (kind, count) in found.mismatches.counts() {
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            Finding::note(tx, &format!("reconcile.{kind}"), count, &detail, now)?;
        }
        Ok(())
    })?;
    watch(faucet)?;
    Ok(Ran::Well)
}
