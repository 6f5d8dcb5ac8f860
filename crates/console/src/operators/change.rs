//! Stopping and resuming from the stop page: the change that `bursar ops` makes, by an operator who has the right.
//!
//! On the embedded engine a stop is on disk in the control file before its rows are tried, so that it binds even while
//! the database is busy (docs/spec/platform.md V7). The right is checked before that, and again with the rows.

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use axum::response::Response;
use bursar_access::{Act, Actor, By, Permission, Rejection, admit, authorize, decide_clearance, policy};
use bursar_audit::Recorder;
use bursar_control::{ConfigTable, RecordedStop, Switch, SwitchChange, Switchboard};
use bursar_faucet::adoption::{STAYS_STOPPED, keeps_stopped};
use bursar_rounds::DESK;
use bursar_rounds::operate::{Toggle, Toggled, forget_recorded, toggle};
use bursar_store::clock::machine_time;
use bursar_store::{StoreError, Tx};
use bursar_web::platform_codes::{DEADLINE_EXCEEDED, INVALID_BODY, NOT_FOUND};
use bursar_web::{ApiError, Auth, Call, Operation};
use tokio::time::timeout;

use super::session::{Visitor, refused};
use super::switches::{Outcome, REASON_CHARACTERS_MAX, named};
use super::{Operators, refusal};
use crate::form::Form;
use crate::wording::counted;

/// A stop that is on disk is answered after so long, whether or not its rows are written. Real time.
const ROWS_WAIT: Duration = Duration::from_secs(5);

pub(super) fn operation() -> Operation {
    Operation::new("console_change_switch", "Stop or resume.", Auth::Cookie(super::COOKIE))
        .describe(
            "A form with switch (joins, sim-settlement, settle-api, all; faucet-payouts, faucet-accrual, \
             faucet-scheduler, faucet-real-money), to (stop, resume), reason, proof (from the \
             page), and force=yes to resume joins although overdue rounds wait.",
        )
        .refusal(StatusCode::BAD_REQUEST, "No such switch, or no reason.")
        .refusal(
            StatusCode::CONFLICT,
            "Approval is needed, overdue rounds wait, or the environment holds it stopped.",
        )
}

/// What an operator wants.
#[derive(Clone, Debug)]
struct Wish {
    desk: &'static str,
    word: String,
    switches: &'static [Switch],
    stop: bool,
    reason: String,
    force: bool,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Came {
    /// The rows say it.
    Binding,
    /// The control file says it, and the rows will.
    Recorded,
    /// Joins stay stopped: this many overdue rounds wait.
    RoundsWait(i64),
    /// Joins stay stopped: nobody has followed the settlement job for this many milliseconds.
    WorkerSilent(i64),
    /// Payouts stay stopped: payments from before a restore may be missing.
    Unadopted,
    /// The rows say run, and these variables still say stop.
    Held(Vec<&'static str>),
    /// It may not be.
    Refused(Rejection),
}

pub(super) async fn change(
    operators: Arc<Operators>,
    visitor: Visitor,
    mut call: Call,
) -> Result<Response, ApiError> {
    let form = operators.form(&visitor, &mut call).await?;
    let wish = Wish::of(&form)?;
    let is_on = if wish.desk == DESK { operators.prices.is_some() } else { operators.faucet.is_some() };
    if !is_on {
        return Err(ApiError::because(
            &NOT_FOUND,
            format!("The desk {} is off: it has no switches.", wish.desk),
        ));
    }
    if let Err(rejection) = authorize(&visitor.actor, Permission::OperateSwitch, wish.desk) {
        let event = refused(&visitor, &call, rejection.code());
        operators.record(event).await;
        return Err(refusal(&rejection));
    }
    let came = operators.carry_out(&visitor.actor, &wish).await?;
    if let Came::Refused(rejection) = &came {
        let event = refused(&visitor, &call, rejection.code());
        operators.record(event).await;
    }
    let (status, outcome) = told(&wish, &came);
    operators.page(&visitor, status, Some(outcome)).await
}

impl Wish {
    fn of(form: &Form) -> Result<Wish, ApiError> {
        let invalid = |text: &'static str| ApiError::because(&INVALID_BODY, text);
        let word = form.field("switch").to_owned();
        let (desk, switches) =
            named(&word).ok_or_else(|| invalid("No such switch; use the buttons of the stop page."))?;
        let stop = match form.field("to") {
            "stop" => true,
            "resume" => false,
            _ => return Err(invalid("Say stop or resume; use the buttons of the stop page.")),
        };
        let reason = form.field("reason").to_owned();
        let length = reason.chars().count();
        if length == 0 || length > REASON_CHARACTERS_MAX || reason.contains('\0') {
            return Err(invalid("A reason of 1 to 200 characters is needed: it is what the log keeps."));
        }
        Ok(Wish { desk, word, switches, stop, reason, force: form.field("force") == "yes" })
    }

    /// The act as policies and approvals name it.
    fn act(&self) -> Act {
        let action = if self.stop { "switch.stop" } else { "switch.resume" };
        Act {
            action: action.to_owned(),
            desk: self.desk.to_owned(),
            subject: self.word.clone(),
            payload: format!("force={}", self.force),
            permission: Permission::OperateSwitch,
        }
    }
}

impl Operators {
    async fn carry_out(&self, actor: &Actor, wish: &Wish) -> Result<Came, ApiError> {
        if let Err(rejection) = self.cleared(actor, wish).await? {
            return Ok(Came::Refused(rejection));
        }
        let recorded = self.record_in_file(actor, wish).await?;
        let is_recorded = recorded.is_some();
        let rows = self.set_rows(actor.clone(), wish.clone(), recorded.clone());
        match timeout(ROWS_WAIT, rows).await {
            Ok(Ok(Came::Refused(rejection))) => {
                self.take_out_of_file(recorded).await?;
                Ok(Came::Refused(rejection))
            }
            Ok(Ok(came)) => Ok(came),
            Ok(Err(error)) if is_recorded => {
                tracing::error!(%error, "a stop binds by the control file; its rows could not be set");
                Ok(Came::Recorded)
            }
            Ok(Err(error)) => Err(error),
            Err(_) if is_recorded => Ok(Came::Recorded),
            Err(_) => Err(ApiError::of(&DEADLINE_EXCEEDED)),
        }
    }

    /// Whether policy lets this operator act alone.
    async fn cleared(&self, actor: &Actor, wish: &Wish) -> Result<Result<(), Rejection>, ApiError> {
        let (actor, act) = (actor.clone(), wish.act());
        let read = move |tx: &mut Tx<'_>| {
            let now = tx.reading()?;
            let policy = policy(tx, &act.action)?;
            Ok(decide_clearance(&policy, &actor, &act, None, now))
        };
        self.platform.off_thread.read("console.clearance", read).await
    }

    /// Puts a stop into the control file, where there is one; it binds from then on.
    async fn record_in_file(
        &self,
        actor: &Actor,
        wish: &Wish,
    ) -> Result<Option<Vec<RecordedStop>>, ApiError> {
        let Some(file) = self.platform.switchboard.control_file().cloned().filter(|_| wish.stop) else {
            return Ok(None);
        };
        let at_ms = machine_time().ms();
        let stop = |switch: &Switch| RecordedStop {
            desk: switch.desk.to_owned(),
            key: switch.key.to_owned(),
            actor: actor.audit_id(),
            reason: wish.reason.clone(),
            at_ms,
            expires_at_ms: None,
        };
        let stops: Vec<RecordedStop> = wish.switches.iter().map(stop).collect();
        let written = self.platform.off_thread.run(move || file.record(&stops).map(|()| stops)).await?;
        match written {
            Ok(stops) => Ok(Some(stops)),
            Err(error) => {
                // The rows may still be set, and they bind too.
                tracing::error!(%error, "a stop could not be recorded in the control file");
                Ok(None)
            }
        }
    }

    /// Takes back what this call has put into the control file.
    async fn take_out_of_file(&self, recorded: Option<Vec<RecordedStop>>) -> Result<(), ApiError> {
        let Some(file) = self.platform.switchboard.control_file().cloned() else { return Ok(()) };
        let forget = move || recorded.map_or(Ok(()), |stops| file.forget_recorded(&stops));
        let forgotten = self.platform.off_thread.run(forget).await?;
        forgotten.map_err(|error| ApiError::fault(&error))
    }

    /// Sets the rows with their audit events, then takes out of the control file what they say now. What is refused stays
    /// in it: whoever asked may have been told already that it binds.
    async fn set_rows(
        &self,
        actor: Actor,
        wish: Wish,
        recorded: Option<Vec<RecordedStop>>,
    ) -> Result<Came, ApiError> {
        let (switchboard, recorder) = (self.platform.switchboard.clone(), self.recorder.clone());
        let store = Arc::clone(&self.platform.store);
        let work = move || {
            let came = store
                .transact("console.toggle", |tx| toggle_as(tx, &actor, &wish, &recorder, &switchboard))?;
            if let (Came::Binding, Some(file), Some(stops)) = (&came, switchboard.control_file(), &recorded)
                && let Err(error) = file.forget_recorded(stops)
            {
                tracing::error!(%error, "the rows say what was asked; look at the control file nevertheless");
            }
            Ok(came)
        };
        let came: Result<Came, StoreError> = self.platform.off_thread.run(work).await?;
        came.map_err(|error| ApiError::fault(&error))
    }
}

/// Makes the change in the transaction that is open, if the operator is still allowed to.
fn toggle_as(
    tx: &mut Tx<'_>,
    actor: &Actor,
    wish: &Wish,
    recorder: &Recorder,
    switchboard: &Switchboard,
) -> Result<Came, StoreError> {
    let now = tx.reading()?;
    let admission = match admit(tx, &By::new(actor, now), &wish.act())? {
        Ok(admission) => admission,
        Err(rejection) => return Ok(Came::Refused(rejection)),
    };
    let Wish { switches, stop, force, .. } = *wish;
    for switch in switches.iter().filter(|_| !stop && wish.desk != DESK) {
        if keeps_stopped(tx, *switch)? {
            return Ok(Came::Unadopted);
        }
    }
    let by = admission.spend(tx)?.actor.audit_id();
    if wish.desk == DESK {
        let wanted = Toggle { switches, stop, actor: &by, reason: &wish.reason, expires_at: None, force };
        match toggle(tx, &wanted, recorder, now)? {
            Toggled::RoundsWait(waiting) => return Ok(Came::RoundsWait(waiting)),
            Toggled::WorkerSilent(silent_ms) => return Ok(Came::WorkerSilent(silent_ms)),
            Toggled::Done => {}
        }
    } else {
        let table = ConfigTable::FAUCET;
        let change = |switch: &Switch| SwitchChange {
            table,
            switch: *switch,
            stop,
            actor: &by,
            reason: &wish.reason,
            expires_at: None,
        };
        Switchboard::set(tx, &switches.iter().map(change).collect::<Vec<_>>(), now)?;
    }
    if stop {
        return Ok(Came::Binding);
    }
    forget_recorded(switchboard, switches)?;
    let held = switches.iter().filter(|switch| switchboard.is_held_by_environment(**switch));
    let held: Vec<&'static str> = held.map(|switch| switch.variable).collect();
    Ok(if held.is_empty() { Came::Binding } else { Came::Held(held) })
}

/// The status and the words for the operator.
fn told(wish: &Wish, came: &Came) -> (StatusCode, Outcome) {
    let word = &wish.word;
    match came {
        Came::Binding if wish.stop => {
            (StatusCode::OK, Outcome::Done(format!("Stopped: {word}. It binds the next write.")))
        }
        Came::Binding => (StatusCode::OK, Outcome::Done(format!("Resumed: {word}."))),
        Came::Recorded => {
            let text = format!("Recorded: {word} is stopped by the control file, and its rows follow.");
            (StatusCode::OK, Outcome::Done(text))
        }
        Came::RoundsWait(waiting) => {
            let text = format!(
                "Not resumed: {}, and players would join a desk that does not settle. Wait, or tick the box.",
                counted(*waiting, "overdue round waits", "overdue rounds wait")
            );
            (StatusCode::CONFLICT, Outcome::Refused(text))
        }
        Came::WorkerSilent(silent_ms) => {
            let text = format!(
                "Not resumed: nobody has followed settlement for {silent_ms} ms, and players would join a desk that \
                 does not settle. Start a server, or tick the box."
            );
            (StatusCode::CONFLICT, Outcome::Refused(text))
        }
        Came::Unadopted => (StatusCode::CONFLICT, Outcome::Refused(format!("Not resumed: {STAYS_STOPPED}."))),
        Came::Held(variables) => {
            let names = variables.join(", ");
            let text = format!(
                "The rows say run, but {names} in the server's environment still says stop. Set it to off and start \
                 the server again."
            );
            (StatusCode::CONFLICT, Outcome::Refused(text))
        }
        Came::Refused(rejection) => {
            let status = StatusCode::from_u16(rejection.status()).unwrap_or(StatusCode::FORBIDDEN);
            (status, Outcome::Refused(rejection.to_string()))
        }
    }
}
