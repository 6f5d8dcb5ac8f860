//! Storing the operator's seed: sealed, with a policy, and with its wallet, in one transaction.

use std::fmt::Display;
use std::sync::Arc;

use bursar_access::By;
use bursar_audit::Recorder;
use bursar_faucet::DESK;
use bursar_faucet::donation::{self, Past};
use bursar_faucet::http::{RebuildDonations, RebuildRefusal, Rebuilt, SeedRefusal, SetSeed};
use bursar_faucet::operator_key::{OPERATOR, SCHEME};
use bursar_keys::{KeyId, KeySecret, NewKey, Origin, Policy};
use bursar_money::{Amount, Asset};
use bursar_store::{Store, StoreError};

use super::payment_room::PaymentRoom;

/// Most that one payment may be: 100,000 BAN in raw. An operator narrows it with `bursar keys policy`.
const PAYMENT_MAX: Amount = Amount::new(100_000 * 10_u128.pow(29));

/// The route's handle.
pub(super) fn set_seed(room: &PaymentRoom, recorder: Recorder) -> SetSeed {
    let (keystore, payouts, can_seal) = (Arc::clone(&room.keystore), room.payouts.clone(), room.can_seal);
    let refused = |why: &str| Ok(Err(SeedRefusal(why.to_owned())));
    Arc::new(move |tx, seed, actor, now| {
        if !can_seal {
            return refused("no seal key is configured; set FAUCET_SEAL_KEY and start the server anew");
        }
        let Ok(id) = KeyId::parse(OPERATOR) else { return refused("the operator's key cannot be named") };
        if keystore.key(tx, &id)?.is_some() {
            return refused("an operator seed is stored already; keys are never overwritten");
        }
        let Some(secret) = KeySecret::from_hexadecimal(seed) else {
            return refused("the seed is not 64 hexadecimal digits");
        };
        let by = By::new(actor, now);
        let new = NewKey {
            id: id.clone(),
            desk: DESK.to_owned(),
            chain: "banano".to_owned(),
            purpose: "payouts".to_owned(),
            scheme: SCHEME.to_owned(),
            origin: Origin::Import(secret),
        };
        let added = match keystore.add(tx, &by, &new)? {
            Ok(done) => done,
            Err(error) => return Ok(Err(SeedRefusal(error.to_string()))),
        };
        // From here on a refusal must take back what was written: a key without a policy pays nothing, and is never
        // overwritten.
        let limited = keystore.set_policy(tx, &by, &id, &policy())?.map_err(|error| taken_back(&error))?;
        recorder.record(tx, &[added.audit_event(), limited.audit_event()], now)?;
        payouts.open_wallets(tx, &recorder, now)?;
        match keystore.key(tx, &id)? {
            Some(record) => Ok(Ok(record.key.address.as_str().to_owned())),
            None => Err(taken_back(&"the key was not stored")),
        }
    })
}

/// Ends the transaction without a trace.
fn taken_back(why: &dyn Display) -> StoreError {
    StoreError::Decode(format!("the operator's seed: {why}; nothing was stored"))
}

fn policy() -> Policy {
    Policy {
        asset: Asset::Banano,
        payment_max: PAYMENT_MAX,
        is_listed_only: false,
        first_use_hold_ms: 0,
        approval: None,
        caps: Vec::new(),
    }
}

/// Sends and receives of the operator's account that a rebuild looks at, newest first.
const HISTORY_MAX: usize = 10_000;

/// Books what the account's history shows and the donation ledger lacks. `operators_own` are addresses whose money is no
/// donation; the account itself is always one of them.
pub(super) fn rebuild_donations(
    room: &PaymentRoom,
    store: Arc<Store>,
    operators_own: &[String],
) -> RebuildDonations {
    let (payouts, nodes, own) = (room.payouts.clone(), Arc::clone(&room.nodes), operators_own.to_vec());
    Arc::new(move |wish| {
        let Ok(id) = KeyId::parse(OPERATOR) else { return Err(RebuildRefusal::NoAccount) };
        let (wallet, was_rebuilt) =
            store.read("faucet.rebuild", |tx| Ok((payouts.wallet(tx, &id)?, donation::was_rebuilt(tx)?)))?;
        let wallet = wallet.ok_or(RebuildRefusal::NoAccount)?;
        if was_rebuilt && !wish.force && !wish.dry_run {
            return Err(RebuildRefusal::Exists);
        }
        let receipts = nodes.receipts(&wallet.address, HISTORY_MAX).map_err(|error| {
            tracing::warn!(%error, "the operator's history cannot be read; no donation was rebuilt");
            RebuildRefusal::Node
        })?;
        let past: Vec<Past> = receipts
            .into_iter()
            .map(|receipt| Past {
                source: receipt.source.to_string(),
                sender: receipt.sender.map(|sender| sender.address()),
                amount: receipt.amount,
                height: receipt.height,
            })
            .collect();
        let mut own = own.clone();
        own.push(wallet.address.as_str().to_owned());
        let inserted = donation::rebuild(&store, &past, &own, wish.dry_run)?;
        Ok(Rebuilt { found: u64::try_from(past.len()).unwrap_or(u64::MAX), inserted })
    })
}
