//! `bursar ops incident`: what went wrong, what users are told of it and until when, and what is learnt from it
//! (docs/spec/platform.md H19, docs/spec/rounds.md R35).

mod options;

use bursar_desk::incident::{
    Act, By, ExpectedEnd, Incident, IncidentFilter, Incidents, News, Notice, Opening, Outcome, Refusal,
    incidents, notice,
};
use bursar_ops::incidents::report;
use bursar_store::Tx;
use serde_json::{Value, json};

pub use options::IncidentVerb;

use self::options::{ClearOptions, ListOptions, OpenOptions, TellOptions, UpdateOptions, Who};
use crate::commands::accountable::Accountable;
use crate::commands::context::Patience;
use crate::commands::{CommandError, Context};
use crate::host::Desks;

pub(super) fn incident(verb: &IncidentVerb, context: &Context) -> Result<Value, CommandError> {
    match verb {
        IncidentVerb::Open(options) => open(options, context),
        IncidentVerb::Acknowledge(options) => {
            act(options.id, &Act::Acknowledge { note: options.note.clone() }, &options.who, context)
        }
        IncidentVerb::Update(options) => update(options, context),
        IncidentVerb::Resolve(options) => {
            act(options.id, &Act::Resolve { note: options.text.clone() }, &options.who, context)
        }
        IncidentVerb::Reopen(options) => {
            act(options.id, &Act::Reopen { note: options.text.clone() }, &options.who, context)
        }
        IncidentVerb::Review(options) => {
            act(options.id, &Act::Review { text: options.text.clone() }, &options.who, context)
        }
        IncidentVerb::List(options) => list(options, context),
        IncidentVerb::Show { id: Some(id), .. } => show(*id, context),
        IncidentVerb::Show { id: None, desk } => {
            let store = context.open_ready(&context.configuration()?, Patience::Ordinary)?;
            Ok(json!({"ok": true, "incident": store.read("command.incident", |tx| notice(tx, desk))?}))
        }
        IncidentVerb::Tell(options) => tell(options, context),
        IncidentVerb::Clear(options) => clear(options, context),
    }
}

fn open(options: &OpenOptions, context: &Context) -> Result<Value, CommandError> {
    let opening = Opening {
        desk: options.desk.clone(),
        class: options.class,
        title: options.title.clone(),
        message: options.tell.clone().unwrap_or_default(),
        expected_end: options.for_ms.map_or(ExpectedEnd::Unknown, ExpectedEnd::After),
        is_acknowledged: false,
    };
    write(&options.who, context, |room, tx, by| {
        let done = room.open(tx, &opening, by)?;
        Ok(done.map(|done| json!({"ok": true, "incident": done.incident.shown(), "halted": done.halted})))
    })
}

fn update(options: &UpdateOptions, context: &Context) -> Result<Value, CommandError> {
    let expected_end = match (options.for_ms, options.end_unknown) {
        (Some(ms), _) => ExpectedEnd::After(ms),
        (None, true) => ExpectedEnd::Unknown,
        (None, false) => ExpectedEnd::Same,
    };
    let news = News {
        note: options.note.clone().unwrap_or_default(),
        message: options.tell.clone(),
        expected_end,
        class: options.class,
    };
    act(options.id, &Act::Update(news), &options.who, context)
}

fn act(id: i64, act: &Act, who: &Who, context: &Context) -> Result<Value, CommandError> {
    write(who, context, |room, tx, by| {
        let done = room.act(tx, (id, None), act, by)?;
        Ok(done.map(|done| json!({"ok": true, "incident": done.incident.shown(), "halted": done.halted})))
    })
}

fn tell(options: &TellOptions, context: &Context) -> Result<Value, CommandError> {
    write(&options.who, context, |room, tx, by| {
        let now = tx.reading()?;
        let eta_ms = options.for_ms.map(|ms| now.after_ms(ms).ms());
        let told = Notice { message: options.message.clone(), eta_ms };
        let done = match room.tell(tx, &options.desk, (options.class, &told), by)? {
            Ok(done) => done,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let shown = notice(tx, &options.desk)?;
        Ok(Ok(json!({"ok": true, "incident": shown, "id": done.incident.id, "halted": done.halted})))
    })
}

fn clear(options: &ClearOptions, context: &Context) -> Result<Value, CommandError> {
    write(&options.who, context, |room, tx, by| {
        let resolved = room.end_told(tx, &options.desk, "Users are told nothing any more.", by)?;
        Ok(Ok(json!({"ok": true, "incident": notice(tx, &options.desk)?, "resolved": resolved})))
    })
}

/// One act in one transaction.
fn write(
    who: &Who,
    context: &Context,
    mut work: impl FnMut(&Incidents, &mut Tx<'_>, By<'_>) -> Outcome<Value>,
) -> Result<Value, CommandError> {
    let who = Accountable::new(who.actor.as_deref(), context.user(), who.reason.as_deref())?;
    let configuration = context.configuration()?;
    let store = context.open_ready(&configuration, Patience::Short)?;
    let room = Incidents::new(context.recorder(), Desks::new(&configuration).payout_stops());
    let by = By { actor: &who.actor, reason: &who.reason };
    store.transact("command.incident", |tx| work(&room, tx, by))?.map_err(|refusal| refused(&refusal))
}

fn list(options: &ListOptions, context: &Context) -> Result<Value, CommandError> {
    let store = context.open_ready(&context.configuration()?, Patience::Ordinary)?;
    let ListOptions { state, desk, limit, before } = options.clone();
    let filter = IncidentFilter { desk, state, before, limit };
    let found = store.read("command.incidents", |tx| incidents(tx, &filter))?;
    let shown: Vec<Value> = found.iter().map(Incident::shown).collect();
    Ok(json!({"ok": true, "incidents": shown}))
}

fn show(id: i64, context: &Context) -> Result<Value, CommandError> {
    let store = context.open_ready(&context.configuration()?, Patience::Ordinary)?;
    let found = store.read("command.incident", |tx| report(tx, id))?;
    let found = found.ok_or_else(|| refused(&Refusal::NotFound(id)))?;
    Ok(json!({"ok": true, "incident": found.shown()}))
}

fn refused(refusal: &Refusal) -> CommandError {
    CommandError::No {
        answer: json!({"ok": false, "code": refusal.code(), "error": refusal.to_string()}),
        why: format!("Nothing was changed: {refusal}."),
    }
}
