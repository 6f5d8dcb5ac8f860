//! The switches that every signature asks: stopped, unreadable and unknown are all the same answer, no.

use bursar_control::{ConfigTable, Switch, Switchboard};
use bursar_store::{StoreError, Timestamp, Tx};

use crate::Rejection;

/// Switches that one reading may ask for.
const AT_ONCE: usize = 4;

/// Which switches stop which desk's keys.
#[derive(Clone, Debug)]
pub struct SigningStops {
    board: Switchboard,
    guards: Vec<Guard>,
}

#[derive(Clone, Debug)]
struct Guard {
    /// `None` = every desk.
    desk: Option<&'static str>,
    table: ConfigTable,
    switches: Vec<Switch>,
}

impl SigningStops {
    /// No switch yet, and so no signature: a desk that no switch of its own guards signs nothing.
    #[must_use]
    pub fn new(board: Switchboard) -> SigningStops {
        SigningStops { board, guards: Vec::new() }
    }

    /// Lets these switches, each alone, stop the keys of one desk.
    #[must_use]
    pub fn guard(self, desk: &'static str, table: ConfigTable, switches: &[Switch]) -> SigningStops {
        self.with(Some(desk), table, switches)
    }

    /// Lets these switches, each alone, stop every key.
    #[must_use]
    pub fn guard_every_desk(self, table: ConfigTable, switches: &[Switch]) -> SigningStops {
        self.with(None, table, switches)
    }

    fn with(mut self, desk: Option<&'static str>, table: ConfigTable, switches: &[Switch]) -> SigningStops {
        self.guards.push(Guard { desk, table, switches: switches.to_vec() });
        self
    }

    /// Why the desk's keys sign nothing, if they do not. Read with a lock, nobody can commit a stop before this
    /// transaction ends (invariant NO-SIGN-AFTER-STOP).
    pub(crate) fn stopped(
        &self,
        tx: &mut Tx<'_>,
        desk: &str,
        now: Timestamp,
        reading: Reading,
    ) -> Result<Option<Rejection>, StoreError> {
        let guards = || self.guards.iter().filter(|guard| guard.desk.is_none_or(|guarded| guarded == desk));
        if !guards().any(|guard| guard.desk.is_some() && !guard.switches.is_empty()) {
            return Ok(Some(Rejection::SwitchStopped { switch: "the switch of this desk, which has none," }));
        }
        for guard in guards() {
            for switches in guard.switches.chunks(AT_ONCE) {
                let states = match reading {
                    Reading::Locked => self.board.read(tx, guard.table, switches, now)?,
                    Reading::Peeked => self.board.peek(tx, guard.table, switches, now)?,
                };
                // A switch without an answer is stopped.
                let is_stopped = |place: usize| states.get(place).is_none_or(|state| state.is_stopped());
                if let Some((_, switch)) = switches.iter().enumerate().find(|(place, _)| is_stopped(*place)) {
                    return Ok(Some(Rejection::SwitchStopped { switch: switch.key }));
                }
            }
        }
        Ok(None)
    }
}

/// How switches are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// In a transaction that writes.
    Locked,
    /// In one that only reads.
    Peeked,
}
