//! `bursar runbook`: the operators' procedures, printed or walked through. The texts are those of `runbooks/`.

mod markdown;
mod texts;
mod walk;

use std::io::{BufRead, stdin};

use serde_json::{Value, json};

use self::markdown::{Procedure, Step, procedures};
use self::texts::{ALERTS, FAUCET, FAUCET_SAFETY, ROUNDS, all_texts};
use self::walk::Walk;
use super::accountable::Accountable;
use super::{CommandError, Context, DatabaseOption};

/// `bursar runbook`.
#[derive(Clone, Debug, clap::Args)]
pub struct Runbook {
    /// What to do.
    #[command(subcommand)]
    pub verb: RunbookVerb,
    /// Which database.
    #[command(flatten)]
    pub database: DatabaseOption,
}

/// A verb of `bursar runbook`.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum RunbookVerb {
    /// Name the procedures, those of alerts included.
    List,
    /// Print one procedure, or without a name the desk's whole text. An alert names the procedure that says what to do.
    Show {
        /// Which one, such as launch or settlement-late.
        name: Option<String>,
        /// Whose text, when no name is given: rounds or faucet.
        #[arg(long, value_name = "DESK", default_value = "rounds", value_parser = ["rounds", "faucet"])]
        desk: String,
    },
    /// Walk through a procedure: asks before each step that changes something, times each step, and records the run.
    Run(RunOptions),
}

/// Options of `bursar runbook run`.
#[derive(Clone, Debug, clap::Args)]
pub struct RunOptions {
    /// Which one, such as pause.
    pub name: String,
    /// Show what would be done, and do nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask before steps that change something.
    #[arg(long)]
    pub yes: bool,
    /// Let commands that wait for rounds move the server's manual clock instead.
    #[arg(long)]
    pub advance_clock: bool,
    /// Why, for the audit log.
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Who is responsible, when that is not the system user.
    #[arg(long, value_name = "NAME")]
    pub actor: Option<String>,
}

/// Does what `verb` says.
///
/// # Errors
/// Whatever makes the exit 1.
pub fn run(verb: &RunbookVerb, context: &Context) -> Result<Value, CommandError> {
    match verb {
        RunbookVerb::List => {
            let all = all()?;
            let is_alert = |name: &str| ALERTS.iter().any(|(known, _)| *known == name);
            let shown = all.iter().map(|one| {
                json!({"name": one.name, "desk": one.desk, "about": one.about, "steps": one.steps.len(), "alert": is_alert(&one.name)})
            });
            Ok(json!({"ok": true, "runbooks": shown.collect::<Vec<_>>()}))
        }
        RunbookVerb::Show { name: None, desk } if desk == bursar_faucet::DESK => {
            Ok(format!("{FAUCET}\n{FAUCET_SAFETY}").into())
        }
        RunbookVerb::Show { name: None, .. } => Ok(ROUNDS.into()),
        RunbookVerb::Show { name: Some(name), .. } => find(name).map(|_| section(name).into()),
        RunbookVerb::Run(options) => walk(options, context),
    }
}

fn walk(options: &RunOptions, context: &Context) -> Result<Value, CommandError> {
    let procedure = find(&options.name)?;
    if options.dry_run {
        return Ok(json!({"ok": true, "dryRun": true, "runbook": procedure.name, "steps": procedure.steps}));
    }
    let who = Accountable::new(options.actor.as_deref(), context.user(), options.reason.as_deref())?;
    let mut asks = |step: &Step| options.yes || is_wanted(step, context);
    let mut walk =
        Walk { procedure: &procedure, context, who, advance_clock: options.advance_clock, asks: &mut asks };
    walk.walk()
}

/// Only `y` or `yes` means yes; nobody at the terminal means no.
fn is_wanted(step: &Step, context: &Context) -> bool {
    context.say(&format!("Do {:?}? It changes something. [y/N]", step.title));
    let mut answer = String::new();
    let read = stdin().lock().read_line(&mut answer);
    read.is_ok() && matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}

fn all() -> Result<Vec<Procedure>, CommandError> {
    let mut all = Vec::new();
    for (desk, text) in all_texts() {
        all.extend(procedures(desk, text).map_err(|malformed| CommandError::Usage(malformed.to_string()))?);
    }
    Ok(all)
}

fn find(name: &str) -> Result<Procedure, CommandError> {
    let all = all()?;
    let names = all.iter().map(|one| one.name.as_str()).collect::<Vec<_>>().join(", ");
    let found = all.iter().find(|one| one.name == name).cloned();
    found.ok_or_else(|| CommandError::Usage(format!("no runbook is called {name:?}; use one of {names}")))
}

/// The text of one procedure as it stands in the document.
fn section(name: &str) -> String {
    let heading = format!("## {name}: ");
    let mut texts = all_texts().map(|(_, text)| text);
    let text = texts.find(|text| text.lines().any(|line| line.starts_with(&heading))).unwrap_or_default();
    let lines = text.lines().skip_while(|line| !line.starts_with(&heading));
    let section: Vec<&str> = lines
        .enumerate()
        .take_while(|(index, line)| *index == 0 || !line.starts_with("## "))
        .map(|(_, line)| line)
        .collect();
    section.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Source, load};
    use crate::host::Desks;

    #[test]
    fn every_alert_of_every_desk_names_a_procedure() {
        let environment = [("DATABASE_URL", "sqlite:never-opened.db"), ("BURSAR_ENV", "test")];
        let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let configuration = load(&Source::new(environment.into())).unwrap();
        let rules: Vec<_> = Desks::new(&configuration).all().flat_map(|desk| desk.alerts()).collect();
        assert!(rules.len() >= 4, "{}", rules.len());
        for rule in rules {
            assert!(find(rule.runbook).is_ok(), "{} names {}", rule.id, rule.runbook);
        }
    }

    #[test]
    fn every_line_of_the_runbook_is_a_command_of_this_program() {
        let lines: Vec<String> =
            all().unwrap().into_iter().flat_map(|one| one.steps).flat_map(|step| step.commands).collect();
        assert!(lines.len() > 30, "{}", lines.len());
        for line in lines {
            for advance_clock in [false, true] {
                assert!(walk::parse(&line, advance_clock).is_ok(), "{line}");
            }
        }
    }

    #[test]
    fn steps_that_stop_resume_set_or_play_ask_first() {
        let changes = [
            "ops pause",
            "ops resume",
            "settings set",
            "smoke",
            "canary",
            "prelaunch",
            "drill",
            "incident tell",
            "incident open",
            "faucet stop",
            "faucet resume",
            "keys rotate",
            "secrets reload",
            "backup create",
            "--test",
        ];
        for step in all().unwrap().into_iter().flat_map(|one| one.steps) {
            let does = step.commands.iter().any(|line| changes.iter().any(|mark| line.contains(mark)));
            assert!(!does || step.changes_state, "{}", step.title);
        }
    }

    #[test]
    fn a_section_is_one_procedure_and_no_more() {
        let pause = section("pause");
        assert!(pause.starts_with("## pause: ") && pause.contains("bursar ops pause all"));
        assert!(!pause.contains("## resume"));
    }
}
