//! The faucet at work: what its routes, jobs and checks share.

use std::sync::Arc;

use bursar_audit::Recorder;
use bursar_chain::Chain;
use bursar_desk::Platform;
use bursar_keys::KeyId;
use bursar_payouts::Payouts;
use bursar_store::{StoreError, Timestamp, Tx};

use crate::accrual::Run;
use crate::balance::OperatorBalance;
use crate::cycles::{CycleFault, Cycles};
use crate::desk::FaucetConfig;
use crate::metrics::FaucetMetrics;
use crate::mode::Mode;
use crate::policy::Policy;
use crate::settlement::Cycle;
use crate::upstream::Upstreams;

/// An open faucet.
pub struct Faucet {
    /// Store, switches, limits, audit log and the rest.
    pub platform: Platform,
    /// What the desk was told at start.
    pub config: FaucetConfig,
    /// The rules' part of it.
    pub policy: Arc<Policy>,
    /// The payouts room.
    pub payouts: Payouts,
    /// The chain that payouts go out on; reads addresses.
    pub chain: Arc<dyn Chain>,
    /// Name of the operator's wallet.
    pub operator: KeyId,
    /// The real services; in a faucet that is configured for dry-run their stand-ins.
    pub live: Upstreams,
    /// The stand-ins of dry-run.
    pub dry_run: Upstreams,
    /// What the operator's wallet holds.
    pub balance: Arc<OperatorBalance>,
    /// Runs accrual and settlement.
    pub(crate) cycles: Cycles,
    /// When the first accrual is due: the start, and the jitter that keeps replicas apart.
    pub started: Timestamp,
    /// Counters.
    pub metrics: FaucetMetrics,
    /// The audit chain of upkeep.
    pub recorder: Arc<Recorder>,
}

impl Faucet {
    /// Whom to ask who somebody is and what they hold: what was configured, whatever the switch says. Players are the same
    /// in both modes, so stand-ins must never speak of those of a live faucet.
    #[must_use]
    pub fn people(&self) -> &Upstreams {
        self.counters(self.policy.dry_run)
    }

    /// Whom to ask for kills in this mode.
    #[must_use]
    pub fn counters(&self, dry_run: bool) -> &Upstreams {
        if dry_run { &self.dry_run } else { &self.live }
    }

    /// Counts everybody's kills, and what that comes to for metrics. Blocks.
    pub fn accrue(&self, is_stopping: &dyn Fn() -> bool) -> Result<Run, CycleFault> {
        let run = self.cycles.accrue(is_stopping)?;
        self.metrics.count_run(&run);
        Ok(run)
    }

    /// Settles what is open, and counts it. Blocks.
    pub fn settle(&self, is_stopping: &dyn Fn() -> bool) -> Result<Cycle, CycleFault> {
        let cycle = self.cycles.settle(is_stopping)?;
        self.metrics.count_cycle(&cycle);
        Ok(cycle)
    }

    /// The mode as it was a moment ago, for reads; writes take [`Mode::locked`].
    pub fn mode(&self, tx: &mut Tx<'_>, now: Timestamp) -> Result<Mode, StoreError> {
        Mode::peek(tx, &self.platform.switchboard, &self.policy, now)
    }
}
