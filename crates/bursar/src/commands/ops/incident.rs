//! `bursar ops incident`: what players are told about an interruption, and until when (docs/spec/rounds.md R35).

use bursar_desk::control_fold::fold;
use bursar_rounds::incident::{Incident, MESSAGE_CHARACTERS_MAX, current, set};
use serde_json::{Value, json};

use crate::commands::accountable::Accountable;
use crate::commands::context::Patience;
use crate::commands::{CommandError, Context, duration};

/// A verb of `bursar ops incident`.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum IncidentVerb {
    /// What players are told now.
    Show,
    /// Tell players; a later text takes the place of an earlier one.
    Tell(TellOptions),
    /// Tell them nothing any more; resuming the last switch does the same.
    Clear(ClearOptions),
}

/// Options of `bursar ops incident tell`.
#[derive(Clone, Debug, clap::Args)]
pub struct TellOptions {
    /// What happened, in words for players.
    #[arg(value_name = "TEXT")]
    pub message: String,
    /// When it is expected to be over, counted from now, such as 30m.
    #[arg(long = "for", value_name = "DURATION", value_parser = duration::parse_ms)]
    pub for_ms: Option<i64>,
    /// Who does it and why.
    #[command(flatten)]
    pub who: ClearOptions,
}

/// Options of `bursar ops incident clear`.
#[derive(Clone, Debug, clap::Args)]
pub struct ClearOptions {
    /// Why, for the audit log.
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Who is responsible, when that is not the system user.
    #[arg(long, value_name = "NAME")]
    pub actor: Option<String>,
}

pub(super) fn incident(verb: &IncidentVerb, context: &Context) -> Result<Value, CommandError> {
    match verb {
        IncidentVerb::Show => {
            let store = context.open_ready(&context.configuration()?, Patience::Ordinary)?;
            Ok(json!({"ok": true, "incident": store.read("command.incident", current)?}))
        }
        IncidentVerb::Tell(options) => {
            let length = options.message.trim().chars().count();
            if length == 0 || length > MESSAGE_CHARACTERS_MAX || options.message.contains('\0') {
                let text = format!("the text for players takes 1 to {MESSAGE_CHARACTERS_MAX} characters");
                return Err(CommandError::Usage(text));
            }
            change(Some((options.message.trim(), options.for_ms)), &options.who, context)
        }
        IncidentVerb::Clear(options) => change(None, options, context),
    }
}

fn change(
    wanted: Option<(&str, Option<i64>)>,
    who: &ClearOptions,
    context: &Context,
) -> Result<Value, CommandError> {
    let who = Accountable::new(who.actor.as_deref(), context.user(), who.reason.as_deref())?;
    let store = context.open_ready(&context.configuration()?, Patience::Short)?;
    let recorder = context.recorder();
    let shown = store.transact("command.incident", |tx| {
        let now = tx.reading()?;
        let incident = wanted.map(|(message, for_ms)| Incident {
            message: message.to_owned(),
            eta_ms: for_ms.map(|ms| now.after_ms(ms).ms()),
        });
        set(tx, incident.as_ref(), (&who.actor, &who.reason), now)?;
        fold(tx, &recorder, now)?;
        Ok(incident)
    })?;
    Ok(json!({"ok": true, "incident": shown}))
}
