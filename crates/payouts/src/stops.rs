//! The gate that accepting, signing and broadcasting pass: switches of the platform, the desk and the chain.

use bursar_control::{ConfigTable, Switch, Switchboard};
use bursar_store::{StoreError, Timestamp, Tx};

/// Switches that one reading may ask for.
const AT_ONCE: usize = 4;

/// How switches are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// Nobody can commit a stop before this transaction ends.
    Locked,
    /// In a transaction that only reads: what it says may be over already.
    Peeked,
}

/// The first switch that says stop, if one does. A switch without an answer is stopped.
pub(crate) fn stopped(
    tx: &mut Tx<'_>,
    board: &Switchboard,
    guards: &[(ConfigTable, Switch)],
    now: Timestamp,
    reading: Reading,
) -> Result<Option<&'static str>, StoreError> {
    let mut left = guards;
    while let Some((table, _)) = left.first() {
        let alike = left.iter().take(AT_ONCE).take_while(|(other, _)| other == table).count();
        let (now_read, rest) = left.split_at(alike);
        left = rest;
        let switches: Vec<Switch> = now_read.iter().map(|(_, switch)| *switch).collect();
        let states = match reading {
            Reading::Locked => board.read(tx, *table, &switches, now)?,
            Reading::Peeked => board.peek(tx, *table, &switches, now)?,
        };
        let is_stopped = |place: usize| states.get(place).is_none_or(|state| state.is_stopped());
        if let Some((_, switch)) = switches.iter().enumerate().find(|(place, _)| is_stopped(*place)) {
            return Ok(Some(switch.key));
        }
    }
    Ok(None)
}
