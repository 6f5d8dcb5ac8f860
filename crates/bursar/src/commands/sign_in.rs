//! Who acts: an operator whose token is given, else a name at the command line, which proves nobody.

use std::path::{Path, PathBuf};

use bursar_access::{Actor, Rejection, authenticate_token, stamp_uses};
use bursar_store::Store;
use secrecy::{ExposeSecret, SecretString};

use super::keys::secret_file;
use super::{CommandError, Context};

/// The variable that a token comes from when no file is named.
const VARIABLE: &str = "BURSAR_OPERATOR_TOKEN";

/// An operator's token, which never stands in the arguments themselves: those are seen by everybody on the machine.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct TokenOption {
    /// Act as the operator whose token is in this file; `-` is stdin. Without it the token is that of
    /// BURSAR_OPERATOR_TOKEN, if that is set.
    #[arg(long, value_name = "PATH")]
    pub token_file: Option<PathBuf>,
}

impl TokenOption {
    /// The operator whose token is given; `None` = none is.
    pub(super) fn operator(&self, store: &Store, context: &Context) -> Result<Option<Actor>, CommandError> {
        let file = self.token_file.as_deref().or_else(|| context.token_file());
        let Some(token) = token(file, context)? else { return Ok(None) };
        let known = store.read("command.sign_in", |tx| {
            let now = tx.reading()?;
            authenticate_token(tx, token.expose_secret().trim(), now)
        })??;
        if let Some(stamp) = known.stamp {
            store.transact("command.stamp", |tx| stamp_uses(tx, &[stamp]))?;
        }
        Ok(Some(known.actor))
    }

    /// The same where a name is not enough.
    pub(super) fn proven(&self, store: &Store, context: &Context) -> Result<Actor, CommandError> {
        self.operator(store, context)?.ok_or_else(|| Rejection::NotAnOperator.into())
    }

    /// The operator, or whoever `named` says sits at the command line.
    pub(super) fn actor(
        &self,
        named: Option<&str>,
        store: &Store,
        context: &Context,
    ) -> Result<Actor, CommandError> {
        match (self.operator(store, context)?, named) {
            (Some(_), Some(_)) => Err(CommandError::Usage(format!(
                "--actor is a name for whoever has no token, and one is given in --token-file or {VARIABLE}: leave one \
                 of the two out"
            ))),
            (Some(operator), None) => Ok(operator),
            (None, named) => Ok(Actor::cli(named.unwrap_or(context.user()).trim())),
        }
    }
}

fn token(file: Option<&Path>, context: &Context) -> Result<Option<SecretString>, CommandError> {
    match file {
        Some(path) => secret_file::read(path, "--token-file").map(Some),
        None => Ok(context.configuration()?.values.secret(VARIABLE).cloned()),
    }
}
