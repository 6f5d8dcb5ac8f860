//! What a command works with: the configuration, the database and its own name. Nothing is done before it is asked for.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bursar_access::{Draft, Entropy, OsEntropy};
use bursar_audit::{Recorder, SaltKey};
use bursar_store::{Store, StoreError};
use uuid::Uuid;

use super::CommandError;
use crate::config::{Configuration, Source, load};
use crate::host::{self, Desks};

/// The database, over the configuration's.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct DatabaseOption {
    /// The database to use instead of the configured one: sqlite:PATH or postgres://USER@HOST/DATABASE.
    #[arg(long = "database", value_name = "URL", global = true)]
    pub url: Option<String>,
}

/// How long a command waits for the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Patience {
    /// Stops and resumes: 3 s, since a stop is recorded already when it waits.
    Short,
    /// Ordinary work: 30 s.
    Ordinary,
    /// Walks through everything there is: a day.
    Long,
}

/// What a command works with.
#[derive(Clone)]
pub struct Context {
    source: Arc<dyn Fn() -> Source + Send + Sync>,
    database: Option<String>,
    user: String,
    patience: Option<Duration>,
    words: Arc<dyn Fn(&str) + Send + Sync>,
    /// The file of the token of whoever asks, when the command that is asked about names none itself.
    token_file: Option<PathBuf>,
    draft: Option<Arc<Draft>>,
}

impl Context {
    /// This process: its environment, its system user, its stderr.
    #[must_use]
    pub fn from_process() -> Context {
        let names = ["SUDO_USER", "USER", "LOGNAME"];
        let user = names.iter().find_map(|name| std::env::var(name).ok().filter(|user| !user.is_empty()));
        Context {
            words: Arc::new(|text| eprintln!("{text}")),
            ..Context::new(Source::from_process, &user.unwrap_or_else(|| "unknown".to_owned()))
        }
    }

    /// The given environment and system user, with nobody to talk to.
    pub fn new(source: impl Fn() -> Source + Send + Sync + 'static, user: &str) -> Context {
        Context {
            source: Arc::new(source),
            database: None,
            user: user.to_owned(),
            patience: None,
            words: Arc::new(|_| {}),
            token_file: None,
            draft: None,
        }
    }

    /// The same with another database than the configured one.
    #[must_use]
    pub fn with_database(self, url: Option<&str>) -> Context {
        Context { database: url.map(str::to_owned), ..self }
    }

    /// The same, waiting for the database this long instead of as long as each verb finds fit.
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Context {
        Context { patience: Some(patience), ..self }
    }

    /// The same, saying words for people to `words`.
    #[must_use]
    pub fn with_words(self, words: impl Fn(&str) + Send + Sync + 'static) -> Context {
        Context { words: Arc::new(words), ..self }
    }

    /// The same for a command that is not to be done: what it would do is written into `draft`, as whoever has the token
    /// in `token_file` would do it.
    pub(super) fn drafting(&self, draft: &Arc<Draft>, token_file: Option<&Path>) -> Context {
        let token_file = token_file.map(Path::to_owned);
        Context { draft: Some(Arc::clone(draft)), token_file, words: Arc::new(|_| {}), ..self.clone() }
    }

    /// Where acts are written down instead of being done.
    pub(super) fn draft(&self) -> Option<Arc<Draft>> {
        self.draft.clone()
    }

    /// The file of a token, when the command itself names none.
    pub(super) fn token_file(&self) -> Option<&Path> {
        self.token_file.as_deref()
    }

    /// Says something to the person at the terminal.
    pub(super) fn say(&self, text: &str) {
        (self.words)(text);
    }

    /// The system user.
    pub(super) fn user(&self) -> &str {
        &self.user
    }

    /// The database that the command line names itself.
    pub(super) fn named_database(&self) -> Option<&str> {
        self.database.as_deref()
    }

    /// Whether the command line names a database itself.
    pub(super) fn names_database(&self) -> bool {
        self.database.is_some()
    }

    /// The environment, read anew.
    pub(super) fn source(&self) -> Source {
        (self.source)()
    }

    /// The configuration, with the command line's database in it.
    pub(super) fn configuration(&self) -> Result<Configuration, CommandError> {
        let mut configuration = load(&self.source())?;
        if let Some(url) = &self.database {
            configuration.database = named(url, configuration.mode.as_str())?.database;
        }
        Ok(configuration)
    }

    /// The same for a stop, which needs no more than a database: a configuration that is refused does not keep an
    /// operator from stopping the database that the command line names.
    pub(super) fn configuration_for_stop(&self) -> Result<Configuration, CommandError> {
        match (self.configuration(), &self.database) {
            (Err(CommandError::Configuration(errors)), Some(url)) => {
                self.say(&format!("The configuration is not looked at, because it is refused. {errors}"));
                named(url, "dev")
            }
            (Err(CommandError::Configuration(errors)), None) => {
                self.say(
                    "A stop needs the database only: with --database URL the configuration is not looked at.",
                );
                Err(errors.into())
            }
            (configuration, _) => configuration,
        }
    }

    /// Opens the database, whatever its schema.
    pub(super) fn open(
        &self,
        configuration: &Configuration,
        patience: Patience,
    ) -> Result<Store, CommandError> {
        let usual = match patience {
            Patience::Short => Duration::from_secs(3),
            Patience::Ordinary => Duration::from_secs(30),
            Patience::Long => Duration::from_secs(86_400),
        };
        Ok(host::open_existing(configuration, self.patience.unwrap_or(usual))?)
    }

    /// Opens the database, which must have all the tables of this program.
    pub(super) fn open_ready(
        &self,
        configuration: &Configuration,
        patience: Patience,
    ) -> Result<Store, CommandError> {
        let store = self.open(configuration, patience)?;
        let state = store.migration_state(&Desks::new(configuration).migrations(store.kind()))?;
        if !state.incompatible.is_empty() {
            let names = state.incompatible.join(", ");
            let text = format!("migrations {names} are of another version of this program; use that one");
            return Err(StoreError::Schema(text).into());
        }
        if state.pending.is_empty() { Ok(store) } else { Err(CommandError::Pending(state.pending)) }
    }

    /// An audit chain that nobody else writes.
    pub(super) fn recorder(&self) -> Recorder {
        let mut key = [0; 32];
        OsEntropy.fill(&mut key);
        Recorder::new(format!("cli/{}", Uuid::now_v7()), SaltKey::new(key))
    }
}

/// The configuration that has this database and else nothing.
fn named(url: &str, mode: &str) -> Result<Configuration, CommandError> {
    let environment = [("DATABASE_URL", url), ("BURSAR_ENV", mode)];
    let environment: BTreeMap<_, _> =
        environment.into_iter().map(|(name, text)| (name.to_owned(), text.to_owned())).collect();
    load(&Source::new(environment)).map_err(|errors| {
        match errors.problems.iter().any(|problem| problem.variable == "DATABASE_URL") {
            true => {
                let text = "--database takes sqlite:PATH or postgres://USER:PASSWORD@HOST/DATABASE";
                CommandError::Usage(text.to_owned())
            }
            false => CommandError::Configuration(errors),
        }
    })
}
