//! `bursar secrets`: making secrets, seeing which are in force where, and replacing them without a restart (V8, F34).

mod list;
mod reload;

use bursar_access::{Entropy, OsEntropy};
use serde_json::Value;

use super::{CommandError, Context, DatabaseOption};
use crate::config::{Configuration, Problem, load_despite_secrets};

/// Bytes of a secret that is made here.
const BYTES: usize = 32;

/// `bursar secrets`.
#[derive(Clone, Debug, clap::Args)]
pub struct Secrets {
    /// What to do.
    #[command(subcommand)]
    pub verb: SecretsVerb,
    /// Which database.
    #[command(flatten)]
    pub database: DatabaseOption,
}

/// A verb of `bursar secrets`.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum SecretsVerb {
    /// Print 32 random bytes as 64 hexadecimal digits, ready for a file.
    Generate,
    /// List the secrets by name and fingerprint: as this environment has them, and as each server has them in force.
    List,
    /// Make every server read its secrets anew; exit 1 when one was refused or a server does not answer.
    Reload(ReloadOptions),
}

/// Options of `bursar secrets reload`.
#[derive(Clone, Debug, clap::Args)]
pub struct ReloadOptions {
    /// Why, for the audit log.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Who is responsible, when that is not the system user.
    #[arg(long, value_name = "NAME")]
    pub actor: Option<String>,
}

/// Does what `verb` says.
///
/// # Errors
/// Whatever makes the exit 1.
pub fn run(verb: &SecretsVerb, context: &Context) -> Result<Value, CommandError> {
    match verb {
        SecretsVerb::Generate => Ok(generate(&OsEntropy).into()),
        SecretsVerb::List => list::list(context),
        SecretsVerb::Reload(options) => reload::reload(options, context),
    }
}

fn generate(entropy: &dyn Entropy) -> String {
    let mut bytes = [0; BYTES];
    entropy.fill(&mut bytes);
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The configuration, which needs no more than a database: secrets that are refused here are answered beside it, since
/// it is the servers that judge them.
fn configuration(context: &Context) -> Result<(Configuration, Vec<Problem>), CommandError> {
    match context.configuration() {
        Err(CommandError::Configuration(_)) if context.names_database() => {
            Ok((context.configuration_for_stop()?, Vec::new()))
        }
        Err(CommandError::Configuration(_)) => Ok(load_despite_secrets(&context.source())?),
        configuration => Ok((configuration?, Vec::new())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f34_a_secret_has_32_random_bytes_and_two_differ() {
        let secrets = [(); 2].map(|()| generate(&OsEntropy));
        assert!(
            secrets
                .iter()
                .all(|secret| secret.len() == 64 && secret.bytes().all(|digit| digit.is_ascii_hexdigit()))
        );
        assert_ne!(secrets[0], secrets[1]);
    }
}
