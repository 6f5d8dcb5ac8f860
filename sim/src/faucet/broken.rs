//! What planted bugs do to the faucet.

use std::sync::Arc;

use super::FaucetRoom;
use crate::broken::Bug;
use crate::world::World;

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
const OLD_WALLETS: &str = "\
    UPDATE faucet_wallet_link SET is_primary = 0; \
    UPDATE faucet_wallet_link SET is_primary = 1 \
      WHERE id IN (SELECT MIN(id) FROM faucet_wallet_link GROUP BY user_id);";
const SILENCE_IS_ZERO: &str = "\
    UPDATE faucet_tally SET baseline_kills = 0, last_settled_kill_count = 0 \
      WHERE dry_run = 0 AND baseline_number > 0 AND baseline_kills IS NULL;";
/// The first cursor that the rows know of a player's account, while its baseline is awaited.
const BEGINS_ANEW: &str = "\
    UPDATE faucet_tally SET baseline_kills = first.kills, last_settled_kill_count = first.kills \
      FROM (SELECT u.id, MIN(a.cursor_from) AS kills FROM faucet_user u \
            JOIN faucet_reward_accrual a ON a.user_id = u.id AND a.epic_account_id = u.epic_account_id \
            WHERE a.dry_run = 0 GROUP BY u.id) AS first \
      WHERE first.id = user_id AND dry_run = 0 AND baseline_kills IS NULL;";
const LEAVES_OUT: &str = "\
    UPDATE faucet_wallet_link SET is_primary = 0 \
      WHERE user_id = (SELECT MIN(id) FROM faucet_user WHERE erased_at IS NULL);";
const FORGETS_PAYOUTS: &str = "DELETE FROM faucet_payout WHERE status = 'failed';";
const REWRITES: &str = "UPDATE payout_attempt SET bytes = x'00' WHERE state = 2;";

impl FaucetRoom {
    /// What a planted bug does before a transaction of the node's begins.
    pub fn spoil_before(&self, world: &Arc<World>, node: usize, unit: &'static str) {
        let (at, sql) = match self.scenario.bug {
            Some(Bug::ReservesTwice) => ("faucet.settle", REOPENS),
            Some(Bug::MovesCursorAlone) => ("faucet.accrue", MOVES_CURSOR),
            Some(Bug::PaysDryRunRows) => ("faucet.settle", MIXES),
            Some(Bug::PrunesOpenRows) => ("faucet.prune", PRUNES),
            Some(Bug::PaysOldWallet) => ("faucet.settle", OLD_WALLETS),
            Some(Bug::SilenceIsZero) => ("faucet.accrue", SILENCE_IS_ZERO),
            Some(Bug::BeginsAccountAnew) => ("faucet.accrue", BEGINS_ANEW),
            Some(Bug::LeavesPlayerOut) => ("faucet.settle", LEAVES_OUT),
            Some(Bug::ForgetsFailedPayouts) => ("faucet.prune", FORGETS_PAYOUTS),
            Some(Bug::RewritesAttempts) => ("faucet.prune", REWRITES),
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
