//! `bursar ops pause`: on the embedded engine a stop is on disk in the control file before anything else is tried, so
//! that it binds the server's next commit even when the server hangs on the lock (docs/spec/platform.md V7).

use std::path::Path;

use bursar_control::{ControlFile, RecordedStop, Switch};
use bursar_rounds::operate::{Toggle, word};
use bursar_store::clock::machine_time;
use bursar_store::{Store, StoreError};
use serde_json::{Value, json};

use super::holder::writing_process;
use super::switches::{PauseOptions, named, set_rows, shown};
use crate::commands::accountable::Accountable;
use crate::commands::context::Patience;
use crate::commands::{CommandError, Context};
use crate::config::Configuration;
use crate::host::{Desks, embedded_file};

/// One stop that is asked for.
struct Stop<'a> {
    context: &'a Context,
    configuration: Configuration,
    switches: &'static [Switch],
    who: Accountable,
    for_ms: Option<i64>,
}

pub(super) fn pause(options: &PauseOptions, context: &Context) -> Result<Value, CommandError> {
    let switches = named(&options.switch)?;
    let who = Accountable::new(options.actor.as_deref(), context.user(), options.reason.as_deref())?;
    let configuration = context.configuration_for_stop()?;
    let stop = Stop { context, configuration, switches, who, for_ms: options.for_ms };
    match embedded_file(&stop.configuration) {
        // A stop recorded beside no database would stop nothing; opening it says so.
        Some(path) if path.exists() => stop.embedded(&path),
        _ => stop.set().and_then(|store| stop.binding(&store)),
    }
}

impl Stop<'_> {
    /// Records the stop beside the database, then tries its rows.
    fn embedded(&self, path: &Path) -> Result<Value, CommandError> {
        let file = ControlFile::beside(path);
        let stops = self.recorded_stops();
        let recorded = file.record(&stops);
        match (recorded, self.set()) {
            (recorded, Ok(store)) => {
                let cleared = recorded.and_then(|()| file.forget_recorded(&stops));
                if let Err(error) = cleared {
                    let text = format!("The rows say stop. Look at the control file nevertheless: {error}");
                    self.context.say(&text);
                }
                self.binding(&store)
            }
            (Ok(()), Err(CommandError::Store(StoreError::Unavailable(why)))) => Ok(self.waiting(path, &why)),
            (Ok(()), Err(error)) => Err(CommandError::No {
                answer: json!({"ok": false, "code": error.code(), "state": "recorded", "error": error.to_string(),
                               "switches": self.stopped_by_file()}),
                why: format!(
                    "The stop is recorded in the control file and binds, but its rows could not be set: {error}"
                ),
            }),
            (Err(file_error), Err(error)) => Err(CommandError::No {
                answer: json!({"ok": false, "code": error.code(), "state": "failed", "error": error.to_string()}),
                why: format!("Nothing is stopped: {error}; and {file_error}"),
            }),
        }
    }

    fn set(&self) -> Result<Store, CommandError> {
        let store = self.context.open(&self.configuration, Patience::Short)?;
        let (actor, reason) = (self.who.actor.as_str(), self.who.reason.as_str());
        let wanted =
            Toggle { switches: self.switches, stop: true, actor, reason, expires_at: None, force: false };
        set_rows(&store, &self.context.recorder(), &wanted, self.for_ms, || Ok(()))?;
        Ok(store)
    }

    fn binding(&self, store: &Store) -> Result<Value, CommandError> {
        let switchboard = Desks::new(&self.configuration).switchboard(&self.configuration);
        let states = shown(store, &switchboard, self.switches)?;
        Ok(json!({"ok": true, "state": "binding", "switches": states}))
    }

    fn waiting(&self, path: &Path, why: &str) -> Value {
        let process = writing_process(path);
        let who =
            process.map_or_else(|| "another process".to_owned(), |process| format!("process {process}"));
        self.context.say(&format!(
            "Recorded, waiting for {who} to let go of the database ({why}). The stop binds its next commit; the \
             server sets the rows as soon as it can."
        ));
        if self.for_ms.is_some() {
            self.context.say(
                "Only its row ends it by itself, once the server has set it: what is recorded stays a stop.",
            );
        }
        json!({"ok": true, "state": "recorded", "waitingFor": process, "switches": self.stopped_by_file()})
    }

    fn recorded_stops(&self) -> Vec<RecordedStop> {
        let now = machine_time();
        let recorded = |switch: &Switch| RecordedStop {
            desk: switch.desk.to_owned(),
            key: switch.key.to_owned(),
            actor: self.who.actor.clone(),
            reason: self.who.reason.clone(),
            at_ms: now.ms(),
            expires_at_ms: self.for_ms.map(|ms| now.after_ms(ms).ms()),
        };
        self.switches.iter().map(recorded).collect()
    }

    fn stopped_by_file(&self) -> Value {
        let one = |switch: &Switch| json!({"switch": word(*switch), "stopped": true, "stoppedBy": "control_file", "expiresAtMs": null});
        self.switches.iter().map(one).collect()
    }
}
