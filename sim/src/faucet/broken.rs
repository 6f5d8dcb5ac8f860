//! What planted bugs do to the faucet.

use std::sync::Arc;

use super::FaucetRoom;
use crate::broken::Bug;
use crate::world::World;

/// Moves one of a player's sums from one holding to another, with the row's worth.
const REOPENS: &str = "\
    UPDATE faucet_tally SET open_kills = open_kills + reserved_kills, open_e8 = open_e8 + reserved_e8, \
        reserved_kills = 0, reserved_e8 = 0, open_since = COALESCE(open_since, 0) \
      WHERE dry_run = 0 AND reserved_kills > 0; \
    UPDATE faucet_reward_accrual SET state = 'open', payout_id = NULL WHERE dry_run = 0 AND state = 'reserved';";
const MOVES_CURSOR: &str = "\
    UPDATE faucet_tally SET last_settled_kill_count = last_settled_kill_count + 1 \
      WHERE dry_run = 0 AND last_settled_kill_count > baseline_kills + 20;";
const MIXES: &str = "\
    UPDATE OR IGNORE faucet_reward_accrual SET dry_run = 0 WHERE dry_run = 1 AND state = 'settled';";
const PRUNES: &str = "\
    DELETE FROM faucet_reward_accrual WHERE id = \
      (SELECT MIN(id) FROM faucet_reward_accrual WHERE state = 'open');";

impl FaucetRoom {
    /// What a planted bug does before a transaction of the node's begins.
    pub fn spoil_before(&self, world: &Arc<World>, node: usize, unit: &'static str) {
        let (at, sql) = match self.scenario.bug {
            Some(Bug::ReservesTwice) => ("faucet.settle", REOPENS),
            Some(Bug::MovesCursorAlone) => ("faucet.accrue", MOVES_CURSOR),
            Some(Bug::PaysDryRunRows) => ("faucet.settle", MIXES),
            Some(Bug::PrunesOpenRows) => ("faucet.prune", PRUNES),
            _ => return,
        };
        if unit != at {
            return;
        }
        let Some(process) = world.nodes[node].process() else { return };
        let spoilt = process.store.transact("broken.faucet", |tx| tx.batch_execute(sql));
        if let Err(error) = spoilt {
            world.note(&format!("the bug does not strike: {}", world.error_kind(&error)));
        }
    }
}
