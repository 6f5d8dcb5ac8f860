//! The desk stops its own payouts when the books cannot be right (docs/spec/faucet.md 3.13, F48).

use bursar_audit::Recorder;
use bursar_control::{ConfigTable, SwitchChange, Switchboard, settings};
use bursar_desk::control_fold::fold;
use bursar_store::{StoreError, Timestamp, Tx};

use crate::switches::PAYOUTS_HALTED;

/// Longest reason that is kept, in characters.
const REASON_MAX: usize = 200;

/// Turns `payouts_halted` on, for `why`; an operator turns it off again.
pub fn halt_payouts(
    tx: &mut Tx<'_>,
    recorder: &Recorder,
    why: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (table, switch) = (ConfigTable::FAUCET, PAYOUTS_HALTED);
    // Switches get their rows when the server first starts; a finding may come before.
    if settings::rows(tx, table)?.iter().all(|row| row.key != switch.key) {
        settings::seed(tx, table, &[(switch.key, "off".to_owned(), "on = stopped", false)], now)?;
    }
    let reason: String = why.chars().take(REASON_MAX).collect();
    let change =
        SwitchChange { table, switch, stop: true, actor: "system:faucet", reason: &reason, expires_at: None };
    Switchboard::set(tx, &[change], now)?;
    fold(tx, recorder, now).map(|_| ())
}
