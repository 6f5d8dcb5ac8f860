//! Doing something with incidents: one transaction, one line of the timeline and one audit event an act.

use bursar_audit::{Actor, Event, Level, Recorder, Target};
use bursar_control::{ConfigTable, Switch, SwitchChange, Switchboard, settings};
use bursar_store::{StoreError, Timestamp, Tx};
use serde::Serialize;
use serde_json::json;

use super::act::{Act, ExpectedEnd, News, Opening};
use super::class::Class;
use super::decide::{Step, TITLE_CHARACTERS_MAX, decide, open};
use super::record::{Incident, State};
use super::refusal::Refusal;
use super::rows::{PLATFORM, advance, incident, insert, newest_open, told};
use crate::control_fold::{actor_id, desk_of, fold};

/// Acts on incidents take turns, so that two people who tell users something at once make one incident.
const CLOCK: &str = "incidents";

/// What users of a desk are told about an interruption.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Notice {
    /// What happened, in words for users.
    pub message: String,
    /// When it is expected to be over, Unix ms.
    pub eta_ms: Option<i64>,
}

/// What stops the payouts of a desk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PayoutStop {
    /// The desk's configuration table.
    pub table: ConfigTable,
    /// The switch to set.
    pub switch: Switch,
}

/// Who does something, and why.
#[derive(Clone, Copy, Debug)]
pub struct By<'a> {
    /// As the audit log names them, such as `cli:ann`.
    pub actor: &'a str,
    /// In their words.
    pub reason: &'a str,
}

/// What an act came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// The incident from now on.
    pub incident: Incident,
    /// The switch that halts the desk's payouts from now on, when the act did that.
    pub halted: Option<&'static str>,
}

/// What an act ends in: our fault outside, the caller's doing inside.
pub type Outcome<T> = Result<Result<T, Refusal>, StoreError>;

/// What the users of `desk` are told now: of all open incidents of the desk and of the platform the worst, and of
/// those the one told last.
pub fn notice(tx: &mut Tx<'_>, desk: &str) -> Result<Option<Notice>, StoreError> {
    let shown = told(tx, [desk, PLATFORM])?.into_iter().next();
    Ok(shown.map(|incident| Notice {
        eta_ms: incident.expected_end.map(Timestamp::ms),
        message: incident.message,
    }))
}

/// Acts on incidents, in the transaction that is open.
#[derive(Clone)]
pub struct Incidents {
    recorder: Recorder,
    stops: Vec<PayoutStop>,
}

impl Incidents {
    /// `recorder` is the chain of whoever acts; `stops` are those of all desks that pay out.
    #[must_use]
    pub fn new(recorder: Recorder, stops: Vec<PayoutStop>) -> Incidents {
        Incidents { recorder, stops }
    }

    /// Opens an incident. A critical one halts the payouts of its own desk in the same transaction (F41).
    pub fn open(&self, tx: &mut Tx<'_>, opening: &Opening, by: By<'_>) -> Outcome<Done> {
        let now = tx.open_clock(CLOCK)?;
        let done = self.open_at(tx, opening, by, now)?;
        tx.close_clock(CLOCK, now)?;
        Ok(done)
    }

    /// Does `act` with incident `id`; another desk's does not exist for a caller who is bound to `desk`.
    pub fn act(
        &self,
        tx: &mut Tx<'_>,
        (id, desk): (i64, Option<&str>),
        act: &Act,
        by: By<'_>,
    ) -> Outcome<Done> {
        let now = tx.open_clock(CLOCK)?;
        let found = incident(tx, id)?.filter(|found| desk.is_none_or(|desk| desk == found.desk));
        let Some(found) = found else { return Ok(Err(Refusal::NotFound(id))) };
        let done = self.act_at(tx, &found, act, by, now)?;
        tx.close_clock(CLOCK, now)?;
        Ok(done)
    }

    /// Tells the users of `desk` something. It becomes part of the desk's incident that they are told of now, else of
    /// the one opened last, else opens one of `class` that counts as taken care of.
    pub fn tell(
        &self,
        tx: &mut Tx<'_>,
        desk: &str,
        (class, notice): (Class, &Notice),
        by: By<'_>,
    ) -> Outcome<Done> {
        if notice.message.trim().is_empty() {
            let rule = "takes 1 to 500 characters";
            return Ok(Err(Refusal::Invalid { field: "the text for users", rule }));
        }
        let now = tx.open_clock(CLOCK)?;
        let expected_end =
            notice.eta_ms.map_or(ExpectedEnd::Unknown, |ms| ExpectedEnd::At(Timestamp::from_ms(ms)));
        let shown = told(tx, [desk, desk])?.into_iter().next();
        let found = match shown {
            Some(shown) => Some(shown),
            None => newest_open(tx, desk)?,
        };
        let message = notice.message.clone();
        let done = match found {
            Some(found) => {
                let news = News { message: Some(message), expected_end, ..News::default() };
                self.act_at(tx, &found, &Act::Update(news), by, now)?
            }
            None => {
                let title = message.trim().chars().take(TITLE_CHARACTERS_MAX).collect();
                let desk = desk.to_owned();
                let opening = Opening { desk, class, title, message, expected_end, is_acknowledged: true };
                self.open_at(tx, &opening, by, now)?
            }
        };
        tx.close_clock(CLOCK, now)?;
        Ok(done)
    }

    /// Resolves every open incident of `desk` that its users are told of. Says which.
    pub fn end_told(
        &self,
        tx: &mut Tx<'_>,
        desk: &str,
        note: &str,
        by: By<'_>,
    ) -> Result<Vec<i64>, StoreError> {
        // Most resumes end no incident: those wait for nobody.
        if told(tx, [desk, desk])?.is_empty() {
            return Ok(Vec::new());
        }
        let now = tx.open_clock(CLOCK)?;
        let mut ended = Vec::new();
        for found in told(tx, [desk, desk])? {
            let act = Act::Resolve { note: note.to_owned() };
            if let Ok(done) = self.act_at(tx, &found, &act, by, now)? {
                ended.push(done.incident.id);
            }
        }
        tx.close_clock(CLOCK, now)?;
        Ok(ended)
    }

    fn open_at(&self, tx: &mut Tx<'_>, opening: &Opening, by: By<'_>, now: Timestamp) -> Outcome<Done> {
        if desk_of(&opening.desk) != opening.desk {
            return Ok(Err(Refusal::NoDesk(opening.desk.clone())));
        }
        match open(opening, by.actor, now) {
            Ok(step) => self.write(tx, step, by, now).map(Ok),
            Err(refusal) => Ok(Err(refusal)),
        }
    }

    fn act_at(
        &self,
        tx: &mut Tx<'_>,
        found: &Incident,
        act: &Act,
        by: By<'_>,
        now: Timestamp,
    ) -> Outcome<Done> {
        match decide(found, act, now) {
            Ok(step) => self.write(tx, step, by, now).map(Ok),
            Err(refusal) => Ok(Err(refusal)),
        }
    }

    /// Writes a step: rows, the stop of payouts where it asks for one, and its event.
    fn write(&self, tx: &mut Tx<'_>, step: Step, by: By<'_>, now: Timestamp) -> Result<Done, StoreError> {
        let told = step.clone();
        let incident = match step.incident.id {
            0 => insert(tx, step, by.actor)?,
            _ => advance(tx, step, by.actor, now)?,
        };
        let halted = if told.halts_payouts { self.halt(tx, &incident, by, now)? } else { None };
        let event = event(&incident, &told, halted, by);
        self.recorder.record(tx, &[event], now)?;
        Ok(Done { incident, halted })
    }

    /// Stops the payouts of the incident's own desk (docs/spec/platform.md H19); `None` = it has none to stop.
    fn halt(
        &self,
        tx: &mut Tx<'_>,
        incident: &Incident,
        by: By<'_>,
        now: Timestamp,
    ) -> Result<Option<&'static str>, StoreError> {
        let Some(stop) = self.stops.iter().find(|stop| stop.table.desk == incident.desk) else {
            return Ok(None);
        };
        let PayoutStop { table, switch } = *stop;
        // Switches get their rows when the server first starts; an incident may come before.
        if settings::rows(tx, table)?.iter().all(|row| row.key != switch.key) {
            settings::seed(tx, table, &[(switch.key, "off".to_owned(), "on = stopped", false)], now)?;
        }
        let reason = format!("incident {} ({}): {}", incident.id, incident.class, incident.title);
        let (actor, reason) = (by.actor, reason.as_str());
        let change = SwitchChange { table, switch, stop: true, actor, reason, expires_at: None };
        Switchboard::set(tx, &[change], now)?;
        fold(tx, &self.recorder, now)?;
        Ok(Some(switch.key))
    }
}

fn event(incident: &Incident, step: &Step, halted: Option<&'static str>, by: By<'_>) -> Event {
    let payload = json!({
        "class": incident.class.name(), "state": incident.state.name(), "title": incident.title, "note": step.note,
        "message": step.message, "expectedEndMs": step.expected_end.map(Timestamp::ms), "halted": halted,
        "actor": by.actor, "reason": by.reason,
    });
    Event {
        level: Level::Warn,
        desk: desk_of(&incident.desk),
        name: step.act.event(),
        actor: Actor { kind: "operator", id: actor_id(by.actor).to_owned() },
        target: Target { kind: "incident", id: incident.id.to_string() },
        request_id: None,
        correlation_id: None,
        payload: payload.to_string(),
    }
}

/// Whether an incident can still be opened again at `now`.
#[must_use]
pub fn is_watched(incident: &Incident, now: Timestamp) -> bool {
    let watch_ends = incident.resolved_at.map(|at| at.after_ms(super::decide::WATCH_MS));
    incident.state == State::Resolved && watch_ends.is_some_and(|end| now <= end)
}
