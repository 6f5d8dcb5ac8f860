//! Opening the database that the configuration names.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bursar_store::clock::machine_time;
use bursar_store::{Clock, DatabaseUrl, OpenMode, Store, StoreError, StoreOptions, Timestamp};
use secrecy::ExposeSecret;

use crate::config::{ClockChoice, Configuration, DatabaseTls, DatabaseUrl as ConfiguredUrl};

/// How long a command line waits for a database that a server keeps busy.
const TOOL_PATIENCE: Duration = Duration::from_secs(4);

/// Why the database cannot be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenFault {
    /// The configured URL does not parse.
    #[error(transparent)]
    Url(#[from] bursar_store::UrlError),
    /// The folder of an embedded database cannot be made.
    #[error("the folder {path} of the database cannot be made: {cause}; make it, or name another file")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// The engine refuses.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Opens it. A server makes the folder of an embedded database that is not there; a tool makes nothing.
pub(crate) fn open(configuration: &Configuration, mode: OpenMode) -> Result<Store, OpenFault> {
    let url = url(configuration)?;
    let mut options = StoreOptions::new(mode);
    options.clock = clock(configuration.clock);
    options.postgres_statement_cache = configuration.database.statement_cache;
    match mode {
        OpenMode::Server => {
            let pool = configuration.database.pool;
            options.postgres_connections = usize::try_from(pool.max).unwrap_or(usize::MAX);
            options.patience = pool.connection_timeout;
            make_folder(&url)?;
        }
        OpenMode::Tool => {
            options.postgres_connections = 1;
            options.sqlite_readers = 1;
            options.sqlite_cache_kib = 8_192;
            options.patience = TOOL_PATIENCE;
            refuse_missing(&url)?;
        }
    }
    Ok(Store::open(&url, options)?)
}

/// The file of an embedded database.
pub(crate) fn embedded_file(configuration: &Configuration) -> Option<PathBuf> {
    match &configuration.database.url {
        ConfiguredUrl::Sqlite { path } => Some(path.clone()),
        ConfiguredUrl::Postgres { .. } => None,
    }
}

/// The URL with the TLS decision in it: verified, or none.
fn url(configuration: &Configuration) -> Result<DatabaseUrl, OpenFault> {
    let database = &configuration.database;
    match &database.url {
        ConfiguredUrl::Sqlite { path } => Ok(DatabaseUrl::Sqlite(path.clone())),
        ConfiguredUrl::Postgres { url } => {
            let url = url.expose_secret();
            let mark = if url.contains('?') { '&' } else { '?' };
            let mode = match database.tls {
                DatabaseTls::Verified => "require",
                DatabaseTls::Plain => "disable",
            };
            Ok(format!("{url}{mark}sslmode={mode}").parse()?)
        }
    }
}

fn clock(choice: ClockChoice) -> Clock {
    match choice {
        ClockChoice::System => Clock::System,
        ClockChoice::Manual { start_ms } => Clock::Manual(Timestamp::from_ms(start_ms)),
        ClockChoice::Fast { factor } => Clock::Fast { origin: machine_time(), factor },
    }
}

fn make_folder(url: &DatabaseUrl) -> Result<(), OpenFault> {
    let DatabaseUrl::Sqlite(path) = url else { return Ok(()) };
    let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) else { return Ok(()) };
    std::fs::create_dir_all(folder).map_err(|cause| OpenFault::Folder { path: folder.to_owned(), cause })
}

/// A tool that opened a missing file would leave an empty database behind.
fn refuse_missing(url: &DatabaseUrl) -> Result<(), OpenFault> {
    match url {
        DatabaseUrl::Sqlite(path) if !Path::new(path).exists() => {
            let text = format!("there is no database {}; `bursar migrate up` makes it", path.display());
            Err(StoreError::Unavailable(text).into())
        }
        DatabaseUrl::Sqlite(_) | DatabaseUrl::Postgres(_) => Ok(()),
    }
}
