//! The stop page: every kill switch of the desks with its state, and forms to stop and resume that need no script.

use std::collections::HashMap;
use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::Response;
use bursar_access::{OperatorId, Permission, authorize, operators as all_operators};
use bursar_control::{ConfigTable, RecordedStop, StopSource, Switch, SwitchState, Switchboard};
use bursar_rounds::DESK;
use bursar_rounds::operate::{switches, word};
use bursar_rounds::settings::SWITCHES;
use bursar_rounds::status::due_rounds;
use bursar_store::{StoreError, Timestamp, Tx};
use bursar_web::{ApiError, Call};
use maud::{Markup, html};

use super::session::Visitor;
use super::{Operators, shown};
use crate::response::{Keeping, page};
use crate::wording::{counted, moment};

pub(super) const PATH: &str = "/console/switches";
/// Longest reason, in characters; that of the API and the command line.
pub(super) const REASON_CHARACTERS_MAX: usize = 200;
/// What the words of the faucet's switches begin with.
pub(super) const FAUCET_PREFIX: &str = "faucet-";
/// The faucet's switches, where slices of them live as long as the process.
static FAUCET_SWITCHES: [Switch; 4] = bursar_faucet::switches::SWITCHES;
/// Operators whose names are looked up.
const OPERATORS_MAX: i64 = 1_000;

/// A switch as the console shows it.
#[derive(Clone, Debug)]
pub(super) struct SwitchView {
    pub word: String,
    pub variable: &'static str,
    pub state: SwitchState,
    pub actor: Option<String>,
    pub reason: Option<String>,
    pub changed_at: Option<Timestamp>,
    pub expires_at: Option<Timestamp>,
}

/// What a form just came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Done(String),
    Refused(String),
}

pub(super) async fn show(operators: Arc<Operators>, visitor: Visitor, _: Call) -> Result<Response, ApiError> {
    operators.page(&visitor, StatusCode::OK, None).await
}

impl Operators {
    /// The stop page, after a form with what it came to.
    pub(super) async fn page(
        &self,
        visitor: &Visitor,
        status: StatusCode,
        outcome: Option<Outcome>,
    ) -> Result<Response, ApiError> {
        let switchboard = self.platform.switchboard.clone();
        let read = move |tx: &mut Tx<'_>| {
            let now = tx.reading()?;
            let faucet = faucet_views(tx, &switchboard, now)?;
            Ok((now, views(tx, &switchboard, now)?, faucet, due_rounds(tx, now)?.pending))
        };
        let (now, views, faucet, waiting) = self.platform.off_thread.read("console.switches", read).await?;
        let may_operate = authorize(&visitor.actor, Permission::OperateSwitch, DESK);
        let body = html! {
            @match &outcome {
                Some(Outcome::Done(text)) => p.banner.ok role="status" { (text) },
                Some(Outcome::Refused(text)) => p.banner.stop role="alert" { (text) },
                None => {}
            }
            h1 { "Stop and resume" }
            p.quiet { "A stop binds the very next write of its desk. What was accepted before stays valid." }
            @if let Err(refused) = &may_operate { p.banner.warn { (refused) } }
            @if self.prices.is_none() {
                p { "The rounds desk is off: there is nothing to stop." }
            } @else {
                @let forms = Forms { proof: &visitor.proof, is_allowed: may_operate.is_ok(), waiting };
                @if self.faucet.is_some() { h2 { "Rounds" } }
                div.switches {
                    (forms.all(&views))
                    @for view in &views { (forms.one(view)) }
                }
            }
            @if self.faucet.is_some() {
                @let allowed = authorize(&visitor.actor, Permission::OperateSwitch, bursar_faucet::DESK);
                @let forms = Forms { proof: &visitor.proof, is_allowed: allowed.is_ok(), waiting: 0 };
                h2 { "Faucet" }
                div.switches { @for view in &faucet { (forms.one(view)) } }
            }
        };
        let markup = shown(visitor, ("Stop and resume", PATH), now.ms(), false, body);
        Ok(page(status, Keeping::Never, markup))
    }
}

/// What the forms need.
struct Forms<'a> {
    proof: &'a str,
    is_allowed: bool,
    /// Overdue rounds.
    waiting: i64,
}

impl Forms<'_> {
    fn all(&self, views: &[SwitchView]) -> Markup {
        let is_any = |stopped| views.iter().any(|view| view.state.is_stopped() == stopped);
        html! {
            section.card {
                h2 { "Everything" }
                p { "Joins, settlement of play money and the settle API, in one change." }
                @if is_any(false) { (self.form("all", "stop", "Stop everything")) }
                @if is_any(true) { (self.form("all", "resume", "Resume everything")) }
            }
        }
    }

    fn one(&self, view: &SwitchView) -> Markup {
        html! {
            section.card {
                h2 { (view.word.replace('-', " ")) }
                p { (state(view)) }
                @if view.state.is_stopped() {
                    (self.form(&view.word, "resume", &format!("Resume {}", view.word)))
                } @else {
                    (self.form(&view.word, "stop", &format!("Stop {}", view.word)))
                }
            }
        }
    }

    /// One act: its reason and its button.
    fn form(&self, word: &str, to: &str, label: &str) -> Markup {
        let id = format!("{to}-{word}");
        let asks_for_force = to == "resume" && word == "joins";
        html! {
            @if self.is_allowed {
                form #(id) method="post" action=(PATH) {
                    input type="hidden" name="proof" value=(self.proof);
                    input type="hidden" name="switch" value=(word);
                    input type="hidden" name="to" value=(to);
                    label for={ "why-" (id) } { "Reason" }
                    input id={ "why-" (id) } name="reason" required maxlength=(REASON_CHARACTERS_MAX) autocomplete="off";
                    @if asks_for_force {
                        label.check {
                            input type="checkbox" name="force" value="yes";
                            @if self.waiting > 0 {
                                " although " (counted(self.waiting, "overdue round waits", "overdue rounds wait"))
                            } @else { " even if settlement is not running" }
                        }
                    }
                    button.go.(if to == "stop" { "danger" } else { "calm" }) type="submit" { (label) }
                }
            }
        }
    }
}

/// The state of a switch with who, why and since when.
pub(super) fn state(view: &SwitchView) -> Markup {
    html! {
        @match view.state {
            SwitchState::Running => b.good { "running" },
            SwitchState::Stopped(StopSource::Row) => b.bad { "stopped" },
            SwitchState::Stopped(StopSource::ControlFile) => b.bad { "stopped by the control file" },
            SwitchState::Stopped(StopSource::Environment) => b.bad { "stopped by " (view.variable) },
            SwitchState::Stopped(StopSource::Unreadable) => b.bad { "stopped: its row cannot be read" },
        }
        @if let Some(actor) = &view.actor { " by " (actor) }
        @if let Some(at) = view.changed_at.filter(|_| view.actor.is_some()) {
            " " small.quiet { (moment(at.ms())) }
        }
        @if let Some(reason) = &view.reason { br; q { (reason) } }
        @if let Some(end) = view.expires_at.filter(|_| view.state.is_stopped()) {
            br; "ends by itself at " (moment(end.ms()))
        }
    }
}

/// Every switch of the rounds desk as it stands.
pub(super) fn views(
    tx: &mut Tx<'_>,
    switchboard: &Switchboard,
    now: Timestamp,
) -> Result<Vec<SwitchView>, StoreError> {
    let sql = "SELECT key, actor, reason, expires_at, updated_at FROM rounds_config";
    views_of(tx, switchboard, (ConfigTable::ROUNDS, sql), &SWITCHES, |switch| word(switch).to_owned(), now)
}

/// Every switch of the faucet as it stands.
fn faucet_views(
    tx: &mut Tx<'_>,
    switchboard: &Switchboard,
    now: Timestamp,
) -> Result<Vec<SwitchView>, StoreError> {
    let sql = "SELECT key, actor, reason, expires_at, updated_at FROM faucet_config";
    let name = |switch| format!("{FAUCET_PREFIX}{}", bursar_faucet::switches::word(switch));
    views_of(tx, switchboard, (ConfigTable::FAUCET, sql), &FAUCET_SWITCHES, name, now)
}

fn views_of(
    tx: &mut Tx<'_>,
    switchboard: &Switchboard,
    (table, sql): (ConfigTable, &'static str),
    switches: &[Switch],
    name: impl Fn(Switch) -> String,
    now: Timestamp,
) -> Result<Vec<SwitchView>, StoreError> {
    let states = switchboard.peek(tx, table, switches, now)?;
    let rows = rows(tx, sql)?;
    let recorded = switchboard.recorded().unwrap_or_default();
    let names = names(tx)?;
    let view = |(switch, state): (&Switch, SwitchState)| {
        let row = rows.iter().find(|row| row.key == switch.key);
        let by_file = recorded
            .iter()
            .find(|stop| is_of(stop, *switch))
            .filter(|_| state == SwitchState::Stopped(StopSource::ControlFile));
        let (actor, reason, changed_at) = match by_file {
            Some(stop) => {
                let at = Timestamp::from_ms(stop.at_ms);
                (Some(stop.actor.clone()), Some(stop.reason.clone()), Some(at))
            }
            None => {
                row.map_or((None, None, None), |row| (row.actor.clone(), row.reason.clone(), row.updated_at))
            }
        };
        SwitchView {
            word: name(*switch),
            variable: switch.variable,
            state,
            actor: actor.map(|actor| names.get(&actor).cloned().unwrap_or(actor)),
            reason,
            changed_at,
            expires_at: row.and_then(|row| row.expires_at),
        }
    };
    Ok(switches.iter().zip(states).map(view).collect())
}

/// The desk and the switches that a form's word stands for.
pub(super) fn named(text: &str) -> Option<(&'static str, &'static [Switch])> {
    let Some(text) = text.strip_prefix(FAUCET_PREFIX) else { return Some((DESK, switches(text)?)) };
    let wanted = bursar_faucet::switches::named(text)?;
    let found = FAUCET_SWITCHES.iter().find(|switch| **switch == wanted)?;
    Some((bursar_faucet::DESK, std::slice::from_ref(found)))
}

fn is_of(stop: &RecordedStop, switch: Switch) -> bool {
    stop.desk == switch.desk && stop.key == switch.key
}

struct SwitchRow {
    key: String,
    actor: Option<String>,
    reason: Option<String>,
    expires_at: Option<Timestamp>,
    updated_at: Option<Timestamp>,
}

fn rows(tx: &mut Tx<'_>, sql: &'static str) -> Result<Vec<SwitchRow>, StoreError> {
    tx.query(sql, &[], |row| {
        Ok(SwitchRow {
            key: row.get(0)?,
            actor: row.get(1)?,
            reason: row.get(2)?,
            expires_at: row.get(3)?,
            updated_at: row.get(4)?,
        })
    })
}

/// Names of operators by what the log calls them.
pub(super) fn names(tx: &mut Tx<'_>) -> Result<HashMap<String, String>, StoreError> {
    let known = all_operators(tx, "", OPERATORS_MAX)?;
    let logged = |id: OperatorId| format!("operator:{id}");
    Ok(known.into_iter().map(|operator| (logged(operator.id), operator.name)).collect())
}
