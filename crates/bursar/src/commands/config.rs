//! `bursar config`: checking the configuration as a start would, and printing every setting (docs/spec/platform.md V5).

use serde_json::{Value, json};

use super::{CommandError, Context};
use crate::config::{Failure, Mode, Warning, docs, load, production_failures, readiness_report};

/// `bursar config`.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum ConfigVerb {
    /// List everything that a start with this environment would refuse; exit 1 when there is anything.
    Check {
        /// The mode to check for.
        #[arg(long, value_enum, default_value = "production")]
        env: Profile,
    },
    /// Print every setting as Markdown.
    Docs,
}

/// The mode to check for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Profile {
    /// Real money.
    Production,
    /// A developer's machine.
    Dev,
    /// A test run.
    Test,
}

/// Does what `verb` says.
///
/// # Errors
/// Whatever makes the exit 1.
pub fn run(verb: &ConfigVerb, context: &Context) -> Result<Value, CommandError> {
    match verb {
        ConfigVerb::Check { env } => check(*env, context),
        ConfigVerb::Docs => Ok(docs::markdown().into()),
    }
}

fn check(profile: Profile, context: &Context) -> Result<Value, CommandError> {
    let mode = match profile {
        Profile::Production => Mode::Production,
        Profile::Dev => Mode::Dev,
        Profile::Test => Mode::Test,
    };
    let loaded = load(&context.source().with_flag("BURSAR_ENV", mode.as_str()));
    let (failures, warnings, refusal) = match loaded {
        Err(errors) => (errors.problems.clone(), Vec::new(), errors.to_string()),
        Ok(configuration) => {
            let failures = match mode {
                Mode::Production => production_failures(&configuration),
                Mode::Dev | Mode::Test => Vec::new(),
            };
            let refusal = readiness_report(&failures);
            (failures, configuration.warnings, refusal)
        }
    };
    let answer = answer(mode, &failures, &warnings);
    if !failures.is_empty() {
        // The report begins stderr; the warnings are in the answer.
        return Err(CommandError::No { answer, why: refusal });
    }
    for warning in &warnings {
        context.say(&format!("Warning: {warning}"));
    }
    Ok(answer)
}

fn answer(mode: Mode, failures: &[Failure], warnings: &[Warning]) -> Value {
    json!({"ok": failures.is_empty(), "env": mode.as_str(), "details": failures, "warnings": warnings})
}
