//! What planted bugs do to payouts.

use std::sync::Arc;

use super::PayoutsRoom;
use crate::broken::Bug;
use crate::world::World;

/// What stands in for the day after which a key is forgotten, ms.
const DAY_MS: i64 = 900_000;

impl PayoutsRoom {
    /// What a planted bug does before a transaction of the node's begins.
    pub fn spoil_before(&self, world: &Arc<World>, node: usize, unit: &'static str) {
        if self.scenario.bug != Some(Bug::KeyForgotten) || unit != "payouts.accept" {
            return;
        }
        let Some(process) = world.nodes[node].process() else { return };
        let spoilt = process.store.transact("broken.forget_keys", |tx| {
            let before = tx.reading()?.after_ms(-DAY_MS);
            let sql = "UPDATE payout_intent SET idempotency_key = 'forgotten-' || id WHERE created_at < $1";
            tx.execute(sql, &[before.into()]).map(|_| ())
        });
        if let Err(error) = spoilt {
            world.note(&format!("the bug does not strike: {}", world.error_kind(&error)));
        }
    }
}
