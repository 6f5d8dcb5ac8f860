//! Whether the release before can run on the data as it is: by the compatibility epoch of every step of the schema, and
//! by that program's own word when there is one (docs/spec/rounds.md R47, docs/spec/platform.md B5).

use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::{sleep, spawn};
use std::time::{Duration, Instant};

use bursar_store::StoreError;
use serde_json::{Value, json};

use super::DrillOptions;
use crate::commands::context::Patience;
use crate::commands::ledger::{self, LedgerVerb};
use crate::commands::{CommandError, Context};
use crate::host::Desks;

/// The older program only looks, and a trial balance of a large book takes its time.
const PROGRAM_PATIENCE: Duration = Duration::from_secs(120);
const LOOK: Duration = Duration::from_millis(20);
/// The longest answer that is read, in bytes.
const ANSWER_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// What was found; an error when that release must not take over.
pub(super) fn can_run(options: &DrillOptions, context: &Context) -> Result<Value, CommandError> {
    let epoch = by_epoch(options.previous_epoch, context)?;
    let Some(program) = &options.previous else { return Ok(epoch) };
    let by_program = by_program(program, context)?;
    Ok(json!({"schema": epoch, "program": by_program}))
}

/// A release serves on data whose every step is of its own epoch or an earlier one.
fn by_epoch(previous: Option<i64>, context: &Context) -> Result<Value, CommandError> {
    let configuration = context.configuration()?;
    let store = context.open_ready(&configuration, Patience::Ordinary)?;
    let known = Desks::new(&configuration).migrations(store.kind());
    let own = known.iter().map(|step| step.epoch).max().unwrap_or(1);
    let previous = previous.unwrap_or(own);
    let steps: Vec<(String, i64)> = store.read("command.rollback", |tx| {
        let sql = "SELECT name, epoch FROM store_migrations ORDER BY name";
        tx.query(sql, &[], |row| Ok::<_, StoreError>((row.get(0)?, row.get(1)?)))
    })?;
    let beyond: Vec<&str> =
        steps.iter().filter(|(_, epoch)| *epoch > previous).map(|(name, _)| name.as_str()).collect();
    let answer = json!({
        "ok": beyond.is_empty(), "epoch": own, "previousEpoch": previous, "steps": steps.len(), "beyond": beyond,
    });
    if beyond.is_empty() {
        return Ok(answer);
    }
    let names = beyond.join(", ");
    let why = format!(
        "The release before (epoch {previous}) cannot run on this data: {names} is of a later epoch. Restore the backup \
         from before that step into a fresh database for it, or go forward."
    );
    Err(CommandError::No { answer, why })
}

/// The older program says itself whether it may serve here, and whether it sees the same balances.
fn by_program(program: &Path, context: &Context) -> Result<Value, CommandError> {
    let status = ask(program, &["migrate", "status"], context)?;
    let theirs = ask(program, &["ledger", "trial"], context)?;
    let ours = ledger::run(&LedgerVerb::Trial, context)?;
    let is_same = theirs == ours;
    let answer = json!({"ok": is_same, "migrations": status, "trialBalance": theirs});
    if is_same {
        return Ok(answer);
    }
    let why = format!("{} reads other balances than this release: {theirs}, not {ours}.", program.display());
    Err(CommandError::No { answer, why })
}

fn ask(program: &Path, arguments: &[&str], context: &Context) -> Result<Value, CommandError> {
    let failed = |why: String| {
        let why = format!("{} {}: {why}", program.display(), arguments.join(" "));
        CommandError::No {
            answer: json!({"ok": false, "code": "previous_release_refuses", "error": why}),
            why,
        }
    };
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    if let Some(url) = context.named_database() {
        // In the environment and not among the arguments, which everybody on the machine can read.
        command.env("DATABASE_URL", url);
    }
    let mut child = command.spawn().map_err(|error| failed(format!("it cannot be started ({error})")))?;
    let stdout = child.stdout.take();
    let reader = spawn(move || {
        let mut text = String::new();
        let read = stdout.map(|stdout| stdout.take(ANSWER_BYTES_MAX).read_to_string(&mut text));
        read.transpose().map(|_| text)
    });
    let success = wait(&mut child).map_err(failed)?;
    let text = reader.join().map_err(|_| failed("its answer could not be read".to_owned()))?;
    let text = text.map_err(|error| failed(format!("its answer could not be read ({error})")))?;
    let answer: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
    if success { Ok(answer) } else { Err(failed(format!("it says no: {answer}"))) }
}

/// Whether it ended well; one that does not end is killed.
fn wait(child: &mut Child) -> Result<bool, String> {
    let begun = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Ok(status.success()),
            Ok(None) if begun.elapsed() > PROGRAM_PATIENCE => {
                // Whether it dies or has just ended by itself, there is no answer.
                _ = child.kill();
                _ = child.wait();
                return Err(format!("it gave no answer in {} s", PROGRAM_PATIENCE.as_secs()));
            }
            Ok(None) => sleep(LOOK),
            Err(error) => return Err(error.to_string()),
        }
    }
}
