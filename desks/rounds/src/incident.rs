//! What players are told about an interruption: the words of the desk's open incident, or of the platform's
//! (docs/spec/rounds.md R35).

use bursar_audit::Recorder;
use bursar_desk::incident::{By, Class, Done, Incidents, Outcome, notice};
use bursar_store::{StoreError, Tx};

pub use bursar_desk::incident::{MESSAGE_CHARACTERS_MAX, Notice as Incident};

use crate::DESK;

/// The class of an incident that is opened by telling players of it, unless another one is named.
pub const CLASS: Class = Class::P2;

/// What players are told now.
pub fn current(tx: &mut Tx<'_>) -> Result<Option<Incident>, StoreError> {
    notice(tx, DESK)
}

/// Tells players `incident`: as part of the desk's open incident, or of one that is opened with it.
pub fn tell(tx: &mut Tx<'_>, incident: &Incident, by: By<'_>, recorder: &Recorder) -> Outcome<Done> {
    incidents(recorder).tell(tx, DESK, (CLASS, incident), by)
}

/// Resolves the desk's incidents that players are told of: from now on they are told nothing of this desk.
pub fn end(tx: &mut Tx<'_>, note: &str, by: By<'_>, recorder: &Recorder) -> Result<Vec<i64>, StoreError> {
    incidents(recorder).end_told(tx, DESK, note, by)
}

/// Play money is never paid out, so that no incident halts anything by itself here.
fn incidents(recorder: &Recorder) -> Incidents {
    Incidents::new(recorder.clone(), Vec::new())
}
