//! Whether money is real right now: the configuration, unless the switch says dry-run (docs/spec/faucet.md 3.7).

use bursar_control::{ConfigTable, SwitchState, Switchboard};
use bursar_store::{StoreError, Timestamp, Tx};

use crate::policy::Policy;
use crate::switches::{ACCRUAL_HALTED, FORCE_DRY_RUN, PAYOUTS_HALTED, SCHEDULER_HALTED, SWITCHES};

/// The switches and the mode, as one transaction sees them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mode {
    /// No real money moves.
    pub dry_run: bool,
    /// No payout is made.
    pub payouts_halted: bool,
    /// No kills are counted.
    pub accrual_halted: bool,
    /// No cycle starts.
    pub scheduler_halted: bool,
    /// Dry-run is forced, whatever the configuration says.
    pub is_forced: bool,
}

impl Mode {
    /// The mode, which nobody can change until this transaction ends, so that what it writes is of one mode (invariant
    /// DRY-RUN-APART). A switch that cannot be read counts as on: then everything is halted, and nothing is real.
    pub fn locked(
        tx: &mut Tx<'_>,
        switchboard: &Switchboard,
        policy: &Policy,
        now: Timestamp,
    ) -> Result<Mode, StoreError> {
        let states = switchboard.read(tx, ConfigTable::FAUCET, &SWITCHES, now)?;
        Ok(Mode::of(&states, policy))
    }

    /// The mode as it was a moment ago, for reads.
    pub fn peek(
        tx: &mut Tx<'_>,
        switchboard: &Switchboard,
        policy: &Policy,
        now: Timestamp,
    ) -> Result<Mode, StoreError> {
        let states = switchboard.peek(tx, ConfigTable::FAUCET, &SWITCHES, now)?;
        Ok(Mode::of(&states, policy))
    }

    fn of(states: &[SwitchState], policy: &Policy) -> Mode {
        let is_on = |switch| {
            let state = SWITCHES.iter().zip(states).find(|(named, _)| **named == switch);
            state.is_none_or(|(_, state)| state.is_stopped())
        };
        Mode {
            dry_run: policy.dry_run || is_on(FORCE_DRY_RUN),
            payouts_halted: is_on(PAYOUTS_HALTED),
            accrual_halted: is_on(ACCRUAL_HALTED),
            scheduler_halted: is_on(SCHEDULER_HALTED),
            is_forced: is_on(FORCE_DRY_RUN),
        }
    }
}
